"""SELFDESTRUCT, step by step on the contracts."""

from itertools import product

import pytest

from execution.machine.opcodes.creates import creation_address
from execution.machine.status import Status
from state.types import Address, Gas
from tests.bridge.prover.execution import at, prove_edge, prove_execution, within
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.frames import GAS, prove_fails, prove_stack_edges
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.opcodes.test_creates import create, returning
from tests.execution.machine.world import (
    COINBASE,
    CONTRACT,
    OTHER,
    RETURN_WORD,
    SENDER,
    Allocated,
    Run,
    contract,
)

SELFDESTRUCT, PRICE, COLD, NEW = 0xFF, 5_000, 2_600, 25_000

NOBODY = Address(b"\xee" * 20)
RICH = Address(b"\x77" * 20)
HOLLOW = Address(b"\x66" * 20)
RIPEMD160 = Address(bytes(19) + b"\3")
THERE = {
    OTHER: contract("00", balance=3),
    RICH: Allocated(balance=5),
    HOLLOW: Allocated(storage={1: 1}),
}
"""A contract, an account without code, and one that is empty but for its storage (EIP-161)."""

TARGETS = (CONTRACT, OTHER, RICH, NOBODY, HOLLOW, SENDER, COINBASE, RIPEMD160)
BY_RULE = (CONTRACT, SENDER, COINBASE, RIPEMD160)


def destructing(to: Address = OTHER, balance: int = 9, gas: int = GAS, **changes: object) -> Run:
    stack = [int.from_bytes(to, "big")]
    return within(bytes([SELFDESTRUCT]), stack, gas, THERE, balance=balance, **changes)


def sending(to: Address, balance: int) -> Run:
    return at(destructing(to, balance), "SELFDESTRUCT_SEND")


def test_instruction_at_stack_edges_proves() -> None:
    prove_stack_edges(SELFDESTRUCT)


@pytest.mark.parametrize("to", TARGETS)
def test_destruction_at_exact_gas_and_one_less_proves(to: Address) -> None:
    prove_edge(lambda: destructing(to), PRICE + (0 if to in BY_RULE else COLD))


def test_static_frame_destroys_nothing() -> None:
    prove_fails(destructing(is_static=True))


@pytest.mark.parametrize(("to", "balance"), list(product(TARGETS, (0, 9))))
def test_ether_is_sent_and_a_new_account_paid_for(to: Address, balance: int) -> None:
    """An empty beneficiary that gets nothing goes, with its storage (EIP-161)."""
    is_new = bool(balance) and to in (NOBODY, HOLLOW, COINBASE, RIPEMD160)
    before = sending(to, balance).state.world.values(to).balance
    if is_new:
        run = prove_edge(lambda: sending(to, balance), NEW)
    else:
        run = sending(to, balance)
        run.state.running_frame.gas = 0
        prove_step(run)
    world = run.state.world
    assert world.values(to).balance == before + (0 if to == CONTRACT else balance)
    assert world.values(CONTRACT).balance == (balance if to == CONTRACT else 0)
    assert run.state.running_tx.ripemd_touched == (to == RIPEMD160)
    assert world.has_storage(HOLLOW) == (to != HOLLOW or balance > 0)
    prove_step(run)
    assert run.machine.status is Status.LEAVE
    assert run.state.destructs is None, "only what this transaction made is destroyed (EIP-6780)"


@pytest.mark.parametrize("to", ["30", "33", "73" + "dd" * 20, "73" + "ee" * 20, "6003"])
def test_selfdestruct_twice_then_called_proves(to: str) -> None:
    """Created with 3 wei, called to destroy itself, called again, and paid once more."""
    made = create(returning(to + "ff"), "6003")
    once = "5f5f5f5f6001855af150"
    run = Run({CONTRACT: contract(made + once + once + "803b5f52" + "3160205260405ff3", balance=9)})
    proven = prove_execution(run, gas=Gas(900_000))
    assert proven["SELFDESTRUCT_MARK"] == 2
    assert run.after().account(creation_address(CONTRACT, 1)) is None


@pytest.mark.parametrize("is_new", [False, True])
def test_selfdestruct_to_self_burns_the_ether_of_a_new_contract_alone(is_new: bool) -> None:
    """One that was there before the transaction keeps it, and itself (EIP-6780)."""
    once = "5f5f5f5f6001855af150"
    made = create(returning("30ff"), "6003") if is_new else "73" + "dd" * 20
    accounts = {CONTRACT: contract(made + once + "00", balance=9), OTHER: contract("30ff")}
    run = Run(accounts)
    assert prove_execution(run, gas=Gas(900_000))["SELFDESTRUCT_SEND"] == 1
    left = run.after().account(creation_address(CONTRACT, 1) if is_new else OTHER)
    assert (left is None) == is_new
    assert is_new or left.balance == 1


@pytest.mark.parametrize("to", ["30", "33", "73" + "dd" * 20, "73" + "ee" * 20])
@pytest.mark.parametrize("value", [0, 3])
def test_selfdestruct_in_initcode_proves(to: str, value: int) -> None:
    """Of a creation by a contract, and of an outermost one."""
    run = Run({CONTRACT: contract(create(to + "ff", f"60{value:02x}") + RETURN_WORD, balance=9)})
    assert prove_execution(run)["SELFDESTRUCT_MARK"] == 1
    assert run.after().account(creation_address(CONTRACT, 1)) is None
    outermost = bytes.fromhex(to + "ff")
    assert prove_execution(run, nonce=1, to=None, data=outermost, value=value)["DEPLOY"] == 1
    assert run.after().account(creation_address(SENDER, 1)) is None


def test_destroyed_address_is_free_in_the_next_transaction() -> None:
    once = create(returning("60075f5530ff"), salt="5f")
    run = Run({CONTRACT: contract(once + "5f5f5f5f5f855af150" + RETURN_WORD)})
    for nonce in range(2):
        assert prove_execution(run, nonce=nonce, gas=Gas(900_000))["CREATE_FUND"] == 1


def test_destruction_that_is_reverted_leaves_the_contract() -> None:
    callee = "5f5f5f5f5f73" + "ee" * 20 + "5af1" + "5f5ffd"
    accounts = {
        CONTRACT: contract("5f5f5f5f5f73" + "dd" * 20 + "5af1" + RETURN_WORD),
        OTHER: contract(callee),
        NOBODY: contract("33ff", balance=7),
    }
    run = Run(accounts)
    assert prove_execution(run)["SELFDESTRUCT_SEND"] == 1
    account = run.after().account(NOBODY)
    assert account is not None
    assert account.balance == 7


# Forgeries


def forgeable() -> dict[str, Run]:
    made = {CONTRACT: contract(create("33ff", "6003"), balance=9)}
    poor = sending(NOBODY, 9)
    poor.state.running_frame.gas = NEW - 1
    return {
        "selfdestruct": destructing(),
        "to a precompile": destructing(RIPEMD160),
        "static": destructing(is_static=True),
        "send": sending(OTHER, 9),
        "send to nobody": sending(NOBODY, 9),
        "send to 0x03": sending(RIPEMD160, 9),
        "send to itself": sending(CONTRACT, 9),
        "send nothing": sending(HOLLOW, 0),
        "too dear": poor,
        "mark": at(destructing(), "SELFDESTRUCT_MARK"),
        "mark as destructed": at(within("00", accounts=made), "SELFDESTRUCT_MARK"),
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
