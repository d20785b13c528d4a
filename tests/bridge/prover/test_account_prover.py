"""Accounts and codes that instructions ask about, step by step on the contracts."""

from random import Random

import pytest

from execution.machine.frame import FRAME_TAG
from execution.machine.journal import WARM
from execution.machine.status import Status
from execution.machine.witness.step import step_witness
from execution.machine.witness.tries import StateTries, trie_path
from execution.machine.words import encode_word
from state.keccak import keccak
from state.types import Address
from tests.bridge.prover.execution import at, prove_edge, within
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
    is_refused,
)
from tests.bridge.prover.frames import HUGE, prove_fails, prove_stack_edges
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import (
    COINBASE,
    CONTRACT,
    OTHER,
    SENDER,
    Allocated,
    Run,
    contract,
)

BALANCE, EXTCODESIZE, EXTCODECOPY, EXTCODEHASH, SELFBALANCE = 0x31, 0x3B, 0x3C, 0x3F, 0x47
ASKING = (BALANCE, EXTCODESIZE, EXTCODEHASH)
COLD, WARM_PRICE = 2_600, 100

NOBODY = Address(b"\xee" * 20)
RICH = Address(b"\x77" * 20)
HOLLOW = Address(b"\x66" * 20)
THERE = {
    OTHER: contract("5b" * 70, balance=3),
    RICH: Allocated(balance=5),
    HOLLOW: Allocated(storage={1: 1}),
}
"""A contract, an account without code, and one that is empty but for its storage (EIP-161)."""

JUMPDEST, PUSH1, PUSH32 = 0x5B, 0x60, 0x7F


def number(address: Address) -> int:
    return int.from_bytes(address, "big")


def precompile(index: int) -> Address:
    return Address(index.to_bytes(20, "big"))


def top(run: Run) -> int:
    return int(run.state.running_frame.stack[-1])


@pytest.mark.parametrize("opcode", [*ASKING, EXTCODECOPY, SELFBALANCE])
def test_instruction_at_stack_edges_proves(opcode: int) -> None:
    prove_stack_edges(opcode)


@pytest.mark.parametrize("opcode", ASKING)
@pytest.mark.parametrize("target", [OTHER, RICH, NOBODY, HOLLOW, precompile(0), precompile(11)])
def test_access_of_a_cold_and_then_warm_account_proves(opcode: int, target: Address) -> None:
    def once() -> Run:
        return within(bytes([opcode, opcode]), [number(target)], accounts=THERE)

    def twice() -> Run:
        run = at(once(), f"{opcode:02x}")
        run.machine.step()
        if opcode == EXTCODESIZE:
            run.machine.step()
        run.state.running_frame.stack[:] = [number(target)]
        return run

    prove_edge(once, COLD)
    prove_edge(twice, WARM_PRICE)


@pytest.mark.parametrize("opcode", ASKING)
@pytest.mark.parametrize("target", [SENDER, CONTRACT, COINBASE, *map(precompile, range(1, 11))])
def test_account_that_is_warm_by_rule_needs_no_journal(opcode: int, target: Address) -> None:
    run = prove_edge(lambda: within(bytes([opcode]), [number(target)], accounts=THERE), WARM_PRICE)
    assert not run.state.journal.entries()


@pytest.mark.parametrize("target", [OTHER, RICH, NOBODY, HOLLOW])
def test_answer_is_that_of_the_state(target: Address) -> None:
    """The upper twelve bytes of an operand don't count."""
    account = THERE.get(target, Allocated())
    asked = number(target) | 0xFF << 248
    run = within(bytes([BALANCE]), [asked], accounts=THERE)
    prove_step(run)
    assert top(run) == account.balance
    run = within(bytes([EXTCODEHASH]), [asked], accounts=THERE)
    prove_step(run)
    assert top(run) == (
        0 if target in (NOBODY, HOLLOW) else int.from_bytes(keccak(account.code), "big")
    )
    run = within(bytes([EXTCODESIZE]), [asked], accounts=THERE)
    prove_step(run)
    prove_step(run)
    assert top(run) == len(account.code)


@pytest.mark.parametrize("balance", [0, 1, 2**200])
def test_own_balance_at_exact_gas_and_one_less_proves(balance: int) -> None:
    run = prove_edge(lambda: within(bytes([SELFBALANCE]), [], balance=balance), 5)
    assert top(run) == balance


# EXTCODECOPY


def copying(target: Address, destination: int, start: int, size: int) -> Run:
    stack = [size, start, destination, number(target)]
    return within(bytes([EXTCODECOPY]), stack, gas=10**7, accounts=THERE)


@pytest.mark.parametrize("target", [OTHER, RICH, NOBODY])
@pytest.mark.parametrize("start", [0, 1, 33, 69, 70, 2**32, 2**64, 2**256 - 1])
@pytest.mark.parametrize("size", [1, 31, 70, 71, 40_000])
def test_copy_of_code_proves(target: Address, start: int, size: int) -> None:
    run = copying(target, 5, start, size)
    prove_step(run)
    assert run.machine.status is Status.EXTCODECOPY
    prove_step(run)
    while run.machine.status is Status.COPY:
        prove_step(run)
    data = run.world.state.code(keccak(b"\x5b" * 70))[start:] if target == OTHER else b""
    assert run.state.running_frame.memory.read(5, size) == data[:size].ljust(size, b"\0")


@pytest.mark.parametrize("destination", HUGE)
def test_copy_beyond_any_memory_proves_failure_unless_it_is_of_nothing(destination: int) -> None:
    prove_fails(copying(OTHER, destination, 0, 1))
    prove_fails(copying(OTHER, 0, 0, destination))
    prove_fails(copying(OTHER, destination, 0, destination))
    run = copying(OTHER, destination, destination, 0)
    prove_step(run)
    assert run.machine.status is Status.RUN


@pytest.mark.parametrize(("size", "price"), [(0, 0), (1, 3 + 3), (33, 6 + 6), (1_024, 96 + 98)])
def test_copy_at_exact_gas_and_one_less_proves(size: int, price: int) -> None:
    def warmed() -> Run:
        run = copying(OTHER, 0, 0, size)
        run.state.journal.mark(OTHER, WARM)
        return run

    prove_edge(lambda: copying(OTHER, 0, 0, size), COLD + price)
    prove_edge(warmed, WARM_PRICE + price)


# LOAD


def loading(code: bytes) -> Run:
    run = Run({CONTRACT: contract(code)})
    run.offer()
    run.until(Status.LOAD)
    return run


@pytest.mark.parametrize("size", [1, 2, 31, 32, 33, 255, 256, 257, 24_575, 24_576, 49_152])
@pytest.mark.parametrize(
    "opcodes",
    [[JUMPDEST], [PUSH1], [PUSH32], [PUSH1, JUMPDEST], range(JUMPDEST, PUSH32 + 2), range(256)],
)
def test_code_loads_with_its_jump_map(size: int, opcodes: list[int]) -> None:
    code = bytes(Random(size).choices(opcodes, k=size))
    run = loading(code)
    prove_step(run)
    assert run.state.running_frame.program.data == code


@pytest.mark.parametrize("before", range(32))
def test_data_of_every_push_at_every_place_holds_no_jump_target(before: int) -> None:
    code = bytes([JUMPDEST] * before)
    for size in range(1, 33):
        code += bytes([PUSH1 + size - 1]) + bytes([JUMPDEST]) * (size + before % 3)
    prove_step(loading(code))
    prove_step(loading(code[: -before - 1]))


def test_code_that_does_not_match_the_code_hash_is_refused() -> None:
    code = bytes(range(1, 80))
    run = loading(code)
    before, witness = run.machine.machine_hash(), step_witness(run.state)
    head = witness[: -len(code) - 4]
    for other in (b"", code[:-1], code + b"\0", bytes(len(code)), code[::-1]):
        assert is_refused(before, head + len(other).to_bytes(4, "big") + other)


def test_code_that_encodes_a_frame_or_a_trie_node_is_nothing_but_code() -> None:
    """Deployed code may have the hash of another structure: what opens it is its place."""
    some = loading(b"\1")
    frame = FRAME_TAG + b"".join(map(encode_word, some.state.running_frame.all_words()))
    for code in (frame, some.world.state.node(some.world.state.root)):
        run = loading(code)
        prove_step(run)
        assert run.state.running_frame.code_hash == keccak(code)
        asking = within(bytes([EXTCODEHASH]), [number(OTHER)], accounts={OTHER: contract(code)})
        *_, last = trie_path(
            asking.state.world.root(), keccak(OTHER), StateTries(asking.state.world).accounts.nodes
        )
        before, witness = asking.machine.machine_hash(), step_witness(asking.state)
        head = witness[: -len(last) - 4]
        assert is_refused(before, head + len(code).to_bytes(4, "big") + code)


# Forgeries


def forgeable() -> dict[str, Run]:
    asked = [number(OTHER)]
    warmed = within(bytes([BALANCE]), asked, accounts=THERE)
    warmed.state.journal.mark(RICH, WARM)
    ranges = [7, 2, 9, number(OTHER)]
    return {
        "balance": warmed,
        "own balance": within(bytes([SELFBALANCE]), []),
        "precompile": within(bytes([EXTCODEHASH]), [4], accounts=THERE),
        "copy": within(bytes([EXTCODECOPY]), ranges, accounts=THERE),
        "copy fails": within(bytes([EXTCODECOPY]), ranges, gas=99, accounts=THERE),
        "size": at(within(bytes([EXTCODESIZE]), asked, accounts=THERE), "EXTCODESIZE"),
        "open": at(within(bytes([EXTCODECOPY]), ranges, accounts=THERE), "EXTCODECOPY"),
        "load": loading(bytes(range(1, 70))),
    }


@pytest.mark.parametrize("name", forgeable())
def test_flipped_byte_of_a_witness_is_refused(name: str) -> None:
    assert_every_flip_is_refused(forgeable()[name], stride=7)


@pytest.mark.slow
@pytest.mark.parametrize("name", forgeable())
def test_any_flipped_byte_of_a_witness_is_refused(name: str) -> None:
    assert_every_flip_is_refused(forgeable()[name])


def test_witness_of_another_step_is_refused() -> None:
    assert_no_witness_of_another_step(list(forgeable().values()))
