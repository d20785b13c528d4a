"""Storage, lasting and transient, step by step on the contracts."""

from itertools import product
from random import Random

import pytest

from execution.machine.status import Status
from state.types import Address
from tests.bridge.prover.execution import at, name_of, prove_edge, prove_execution, within
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.frames import GAS, prove_fails, prove_stack_edges
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import CONTRACT, OTHER, Run, contract, push

SLOAD, SSTORE, TLOAD, TSTORE = 0x54, 0x55, 0x5C, 0x5D
COLD, WARM, SET, RESET = 2_100, 100, 20_000, 2_900
LAST = 2**256 - 1
INNERMOST = Address(b"\xee" * 20)


def top(run: Run) -> int:
    return int(run.state.running_frame.stack[-1])


def stored(code: str, slots: dict[int, int], gas: int = GAS) -> Run:
    """Before the first instruction of code whose contract has these slots."""
    return within("00", accounts={CONTRACT: contract(code, storage=slots)}, gas=gas)


@pytest.mark.parametrize("opcode", [SLOAD, SSTORE, TLOAD, TSTORE])
def test_instruction_at_stack_edges_proves(opcode: int) -> None:
    prove_stack_edges(opcode)


@pytest.mark.parametrize("opcode", [TLOAD, TSTORE])
def test_transient_storage_at_exact_gas_and_one_less_proves(opcode: int) -> None:
    prove_edge(lambda: within(bytes([opcode]), [5, 5]), 100)


@pytest.mark.parametrize("slots", [{}, {5: 7}, {5: LAST, 6: 1}, dict.fromkeys(range(40), 1)])
def test_load_of_a_cold_and_then_warm_slot_proves(slots: dict[int, int]) -> None:
    def warmed() -> Run:
        run = at(stored("600554600554", slots), "54", 2)
        run.state.running_frame.stack[:] = [5]
        return run

    for make, gas in ((lambda: at(stored("600554", slots), "54"), COLD), (warmed, WARM)):
        run = prove_edge(make, gas)
        prove_step(run)
        assert top(run) == slots.get(5, 0)


@pytest.mark.parametrize(("original", "first", "second"), list(product((0, 1, 2), repeat=3)))
def test_sstore_matrix_proves(original: int, first: int, second: int) -> None:
    code = f"60{first:02x}5f55" + f"60{second:02x}5f55" + "5f5400"
    run = Run({CONTRACT: contract(code, storage={0: original} if original else {})})
    assert prove_execution(run)["SSTORE_WRITE"] == 2
    assert run.after().storage(CONTRACT, 0) == second


@pytest.mark.parametrize(
    ("original", "value", "price"), [(0, 0, WARM), (0, 1, SET), (1, 1, WARM), (1, 2, RESET)]
)
@pytest.mark.parametrize("warm", [False, True])
def test_write_at_exact_gas_and_one_less_proves(
    original: int, value: int, price: int, warm: bool
) -> None:
    code = ("600554" if warm else "") + f"60{value:02x}600555"

    def writing() -> Run:
        return at(stored(code, {5: original} if original else {}), "SSTORE_WRITE")

    prove_edge(writing, price + (0 if warm else COLD))


@pytest.mark.parametrize("left", [0, 2_299, 2_300, 2_301])
def test_store_with_no_more_than_the_stipend_proves_failure(left: int) -> None:
    """EIP-2200's sentry of 2,300."""
    run = within(bytes([SSTORE]), [1, 1], gas=left)
    if left <= 2_300:
        prove_fails(run)
    else:
        prove_step(run)
        assert run.machine.status is Status.SSTORE_READ


@pytest.mark.parametrize("opcode", [SSTORE, TSTORE])
def test_static_frame_writes_nothing(opcode: int) -> None:
    prove_fails(within(bytes([opcode]), [1, 1], is_static=True))


@pytest.mark.parametrize("opcode", [SLOAD, TLOAD])
def test_static_frame_reads(opcode: int) -> None:
    run = within(bytes([opcode]), [1], is_static=True)
    prove_step(run)
    assert run.machine.status is not Status.LEAVE


def test_static_violation_in_a_call_within_a_staticcall_proves() -> None:
    """The TSTORE and the SSTORE are two frames below the STATICCALL."""
    middle = "5f5f5f5f5f73" + "ee" * 20 + "5af1" + "5f5260205ff3"
    for write in ("60015f5d", "60015f55"):
        accounts = {
            CONTRACT: contract("60205f5f5f73" + "dd" * 20 + "5afa" + "5f515f55"),
            OTHER: contract(middle),
            INNERMOST: contract(write),
        }
        run = Run(accounts)
        assert prove_execution(run)["LEAVE"] == 3
        assert run.after().storage(CONTRACT, 0) == 0


def test_original_value_survives_a_revert_between() -> None:
    callee = "600560015560015f5ffd"
    code = "600260015560015450" + "5f5f5f5f5f73" + "dd" * 20 + "5af1" + "5f600155"
    run = Run({CONTRACT: contract(code, storage={1: 1}), OTHER: contract(callee)})
    assert prove_execution(run)["SSTORE_READ"] == 3


def test_original_value_is_that_of_this_transactions_start() -> None:
    """What an earlier transaction of the block wrote is the original value of the next."""
    run = Run({CONTRACT: contract("5f3560015500", storage={1: 1})})
    for nonce, value in enumerate((2, 2, 0, 1)):
        prove_execution(run, nonce=nonce, data=value.to_bytes(32, "big"))
        assert run.after().storage(CONTRACT, 1) == value


@pytest.mark.parametrize("slots", range(1, 20))
def test_clearing_slot_after_slot_collapses_the_trie(slots: int) -> None:
    """Branches that keep one child, extensions and leaves that merge, and at last no trie."""
    order = list(range(slots))
    Random(slots).shuffle(order)
    code = "".join(f"5f60{slot:02x}55" for slot in order)
    run = Run({CONTRACT: contract(code, storage={slot: slot + 1 for slot in order})})
    assert prove_execution(run)["SSTORE_WRITE"] == slots
    assert all(run.after().storage(CONTRACT, slot) == 0 for slot in order)


def test_transient_slot_set_read_and_cleared_proves() -> None:
    code = "60075f5d" + "6008" + push(LAST) + "5d" + "5f5c505f5f5d" + push(LAST) + "5c5f5d5f5c00"
    run = within(code)
    while name_of(run) != "00":
        prove_step(run)
    assert top(run) == 8


@pytest.mark.parametrize("seed", range(8))
def test_random_reads_and_writes_prove(seed: int) -> None:
    random = Random(seed)
    code = ""
    for _ in range(60):
        slot = push(random.choice([0, 1, 2, 3, random.getrandbits(256)]))
        value = push(random.choice([0, 0, 1, random.getrandbits(256)]))
        code += random.choice(
            [slot + "5450", slot + "5c50", value + slot + "55", value + slot + "5d"]
        )
    run = Run({CONTRACT: contract(code, storage={1: 1, 2: LAST, 3: 3})})
    assert sum(prove_execution(run, gas=2_000_000).values()) > 100


# Forgeries


def forgeable() -> dict[str, Run]:
    few = {1: 1, 2: 2, 5: LAST}
    write = "6007600555"
    return {
        "load": at(stored("600154600554", few), "54", 2),
        "store": at(stored(write, few), "55"),
        "static": within(bytes([SSTORE]), [1, 1], is_static=True),
        "transient read": at(stored("60076005" + "5d60055c", few), "5c"),
        "transient write": at(stored("600760055d" * 2, few), "5d", 2),
        "transient clear": at(stored("600760055d600760065d5f60055d", few), "5d", 3),
        "value": at(stored("600554", few), "SLOAD"),
        "original": at(stored("5f600155" + write, few), "SSTORE_READ", 2),
        "write": at(stored("5f600155" + write, few), "SSTORE_WRITE", 2),
        "clear": at(stored("5f600555", few), "SSTORE_WRITE"),
        "out of gas": _poor(at(stored(write, few), "SSTORE_WRITE")),
    }


def _poor(run: Run) -> Run:
    run.state.running_frame.gas = 99
    return run


@pytest.mark.parametrize("name", forgeable())
def test_flipped_byte_of_a_witness_is_refused(name: str) -> None:
    assert_every_flip_is_refused(forgeable()[name], stride=7)


@pytest.mark.slow
@pytest.mark.parametrize("name", forgeable())
def test_any_flipped_byte_of_a_witness_is_refused(name: str) -> None:
    assert_every_flip_is_refused(forgeable()[name])


def test_witness_of_another_step_is_refused() -> None:
    assert_no_witness_of_another_step(list(forgeable().values()))
