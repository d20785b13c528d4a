"""Calls, step by step on the contracts: price, ether, frames, and what comes back."""

from itertools import product

import pytest

from execution.machine.journal import WARM
from execution.machine.memory import View
from execution.machine.status import Status
from execution.machine.witness.step import step_witness
from execution.machine.witness.tries import StateTries
from execution.machine.witness.writer import WitnessWriter
from state.types import Address, Gas
from tests.bridge.prover.execution import at, name_of, prove_edge, prove_execution, within
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
    is_refused,
)
from tests.bridge.prover.frames import GAS, HUGE, prove_fails, prove_stack_edges
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.opcodes.test_calls import call
from tests.execution.machine.world import (
    COINBASE,
    CONTRACT,
    OTHER,
    RETURN_WORD,
    SENDER,
    Allocated,
    Run,
    contract,
    push,
)

CALL, CALLCODE, DELEGATECALL, STATICCALL = 0xF1, 0xF2, 0xF4, 0xFA
KINDS = (CALL, CALLCODE, DELEGATECALL, STATICCALL)

COLD, VALUE, NEW, STIPEND = 2_600, 9_000, 25_000, 2_300

NOBODY = Address(b"\xee" * 20)
RICH = Address(b"\x77" * 20)
HOLLOW = Address(b"\x66" * 20)
RIPEMD160 = Address(bytes(19) + b"\3")
THERE = {
    OTHER: contract("5a" + RETURN_WORD, balance=3),
    RICH: Allocated(balance=5),
    HOLLOW: Allocated(storage={1: 1}),
}
"""A contract, an account without code, and one that is empty but for its storage (EIP-161)."""

Range = tuple[int, int]


def calling(
    opcode: int,
    to: Address = OTHER,
    value: int = 0,
    requested: int = 2**256 - 1,
    ranges: tuple[Range, Range] = ((0, 0), (0, 0)),
    gas: int = GAS,
    **changes: object,
) -> Run:
    """Before a call out of CONTRACT, which has 9 wei; `ranges` are those of input and output."""
    (start, size), (to_start, to_size) = ranges
    stack = [to_size, to_start, size, start]
    stack += [value] if opcode in (CALL, CALLCODE) else []
    stack += [int.from_bytes(to, "big"), requested]
    return within(bytes([opcode]), stack, gas, THERE, balance=9, **changes)


def entered(run: Run) -> Run:
    """Prove the call's two steps."""
    prove_step(run)
    assert run.machine.status is Status.ENTER
    prove_step(run)
    return run


@pytest.mark.parametrize("opcode", KINDS)
def test_instruction_at_stack_edges_proves(opcode: int) -> None:
    prove_stack_edges(opcode)


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize("to", [OTHER, RICH, NOBODY, HOLLOW, CONTRACT, SENDER, COINBASE, RIPEMD160])
@pytest.mark.parametrize("value", [0, 1])
def test_call_at_exact_gas_and_one_less_proves(opcode: int, to: Address, value: int) -> None:
    """Nothing is left for the callee but the stipend."""
    price = 100 if to in (CONTRACT, SENDER, COINBASE, RIPEMD160) else COLD
    if value and opcode in (CALL, CALLCODE):
        price += VALUE
        if opcode == CALL and to in (NOBODY, HOLLOW, COINBASE, RIPEMD160):
            price += NEW
    run = prove_edge(lambda: calling(opcode, to, value), price)
    assert run.state.operation.gas == (STIPEND if price >= VALUE else 0)
    prove_step(run)


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize("requested", [0, 1, 63_000, 64_000, 2**64, 2**256 - 1])
def test_call_passes_at_most_all_but_a_64th(opcode: int, requested: int) -> None:
    run = calling(opcode, requested=requested, gas=64_000 + COLD)
    prove_step(run)
    assert run.state.operation.gas == min(requested, 63_000)


@pytest.mark.parametrize("opcode", KINDS)
def test_warm_callee_costs_100(opcode: int) -> None:
    def warmed() -> Run:
        run = calling(opcode)
        run.state.journal.mark(OTHER, WARM)
        return run

    prove_edge(warmed, 100)


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize("offset", HUGE)
def test_ranges_beyond_any_memory_fail_unless_they_are_of_nothing(opcode: int, offset: int) -> None:
    for ranges in (((offset, 1), (0, 0)), ((0, 0), (offset, 1)), ((0, offset), (0, 0))):
        prove_fails(calling(opcode, ranges=ranges))
    prove_fails(calling(opcode, ranges=((0, 0), (1, offset))))
    run = entered(calling(opcode, ranges=((offset, 0), (offset, 0))))
    assert run.machine.status is Status.LOAD


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize("ranges", [((5, 27), (64, 33)), ((0, 1), (0, 0)), ((31, 2), (5, 0))])
def test_memory_of_both_ranges_is_paid(opcode: int, ranges: tuple[Range, Range]) -> None:
    words = max((start + size + 31) // 32 for start, size in ranges if size)
    prove_edge(lambda: calling(opcode, ranges=ranges), COLD + 3 * words)


# Static frames


@pytest.mark.parametrize(("opcode", "value"), list(product(KINDS, (0, 1))))
def test_static_frame_calls_without_value(opcode: int, value: int) -> None:
    """Only CALL refuses value in a static frame; its callees are static too."""
    run = calling(opcode, value=value, is_static=True)
    if opcode == CALL and value:
        prove_fails(run)
    else:
        entered(run)
        assert run.state.frame.is_static


@pytest.mark.parametrize("opcode", KINDS)
def test_static_call_makes_a_static_frame(opcode: int) -> None:
    assert entered(calling(opcode)).state.frame.is_static == (opcode == STATICCALL)


# The stipend of 2,300 that comes with ether


@pytest.mark.parametrize(
    ("callee", "succeeds"),
    [("60ff5f5fa000", True), ("5f545000", True), ("60015f55", False), ("60015f5d", True)],
    ids=["LOG0", "SLOAD", "SSTORE", "TSTORE"],
)
def test_stipend_of_2300_lets_a_callee_log_and_read_but_not_store(
    callee: str, succeeds: bool
) -> None:
    """Nothing else is given to it; SSTORE wants more than that left (EIP-2200)."""
    code = call("f1", gas="5f", value="6001") + "5f5500"
    run = Run({CONTRACT: contract(code, balance=9), OTHER: contract(callee)})
    assert prove_execution(run)["ENTER"] == 2
    assert run.after().storage(CONTRACT, 0) == succeeds


# ENTER


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize(("depth", "refused"), [(1_022, False), (1_023, False), (1_024, True)])
def test_call_at_depth_1024_is_refused(opcode: int, depth: int, refused: bool) -> None:
    run = calling(opcode, depth=depth, returndata=returned())
    prove_step(run)
    left = run.state.frame.gas + run.state.operation.gas
    prove_step(run)
    if refused:
        assert (run.state.frame.stack, run.state.frame.gas) == ([0], left)
        assert run.state.frame.returndata.length == 0
    else:
        assert run.state.frame.depth == depth + 1


def returned() -> View:
    """What an earlier call has returned."""
    run = Run({CONTRACT: contract(push(7) + "5f52" + "60205ff3")})
    run.offer()
    at(run, "LEAVE")
    output: View = run.state.frame.returndata
    return output


@pytest.mark.parametrize("opcode", [CALL, CALLCODE])
@pytest.mark.parametrize("to", [OTHER, NOBODY, CONTRACT, RIPEMD160])
@pytest.mark.parametrize("value", [8, 9, 10, 2**256 - 1])
def test_insufficient_balance_on_a_value_call_refuses_it(
    opcode: int, to: Address, value: int
) -> None:
    run = entered(calling(opcode, to, value))
    assert (run.machine.status is Status.RUN) == (value > 9)


@pytest.mark.parametrize("to", [CONTRACT, OTHER, RICH, NOBODY, HOLLOW, RIPEMD160])
@pytest.mark.parametrize("value", [0, 1, 9])
def test_ether_moves_and_touches_who_gets_it(to: Address, value: int) -> None:
    """An empty account that gets nothing goes, with its storage (EIP-161)."""
    run = entered(calling(CALL, to, value))
    before = THERE.get(to, Allocated(balance=9 if to == CONTRACT else 0)).balance
    paid = 0 if to == CONTRACT else value
    assert run.state.world.values(CONTRACT).balance == 9 - paid
    assert run.state.world.values(to).balance == before + paid
    assert run.state.running_tx.ripemd_touched == (to == RIPEMD160)
    assert run.state.world.has_storage(HOLLOW) == (to != HOLLOW or value > 0)


@pytest.mark.parametrize("opcode", KINDS)
@pytest.mark.parametrize("number", range(12))
def test_precompiles_are_entered_and_nothing_beside_them(opcode: int, number: int) -> None:
    run = entered(calling(opcode, Address(number.to_bytes(20, "big"))))
    ends = Status.PRECOMPILE if 0 < number <= 10 else Status.LEAVE
    assert run.machine.status is ends


@pytest.mark.parametrize("to", [CONTRACT, RICH, NOBODY, HOLLOW, COINBASE, SENDER, RIPEMD160])
@pytest.mark.parametrize("value", [0, 3])
def test_outermost_call_proves(to: Address, value: int) -> None:
    run = Run({CONTRACT: contract("00"), **THERE})
    run.offer(to=to, value=value, data=b"\1" * 40)
    at(run, "ENTER")
    prove_step(run)
    assert run.state.frame.depth == 0


def test_call_nests_proven_to_any_depth() -> None:
    """A contract that calls itself while it has gas."""
    run = Run({CONTRACT: contract("5f5f5f5f5f305af1")})
    proven = prove_execution(run, gas=Gas(60_000))
    assert proven["ENTER"] == proven["LEAVE"] > 10


# LEAVE


@pytest.mark.parametrize("end", ["f3", "fd", "fe"])
@pytest.mark.parametrize(("size", "output"), list(product((0, 1, 32, 70), (0, 31, 32, 33, 100))))
def test_output_is_cut_to_the_range_and_handed_back(end: str, size: int, output: int) -> None:
    callee = push(2**256 - 1) + "5f52" + push(2**255 + 1) + "602052" + f"60{size:02x}5f{end}"
    code = push(5) + "5f52" + call("f1", output=(3, output)) + "3d60205260805ff3"
    run = Run({CONTRACT: contract(code), OTHER: contract(callee)})
    copies = prove_execution(run)["COPY"]
    assert copies == (end != "fe" and min(size, output) > 0)


@pytest.mark.parametrize("end", ["00", "5f5ffd", "fe", "60205ff3"])
def test_outermost_frame_leaves_with_its_outcome(end: str) -> None:
    run = Run({CONTRACT: contract("60015f55" + end)})
    assert prove_execution(run)["LEAVE"] == 1


def test_revert_restores_every_part_of_the_journal() -> None:
    """Storage, transient storage, accesses, logs, refund, ether, a creation and a destruction."""
    inner = "60095f5d" + "5f600155" + "5f5fa0" + "73" + "ee" * 20 + "3150" + "5f5f6001f050"
    outer = call("f1", value="6001") + "505f5c50" + "73" + "ee" * 20 + "31" + RETURN_WORD
    for end in ("5f5ffd", "fe"):
        accounts = {
            CONTRACT: contract("60075f5d" + outer, balance=9),
            OTHER: contract(inner + end, balance=9, storage={1: 1}),
        }
        run = Run(accounts)
        run.offer(gas=Gas(500_000))
        at(run, "ENTER", 2)
        before = run.state.words()[5:10]
        while not (name_of(run) == "LEAVE" and run.state.frame.depth == 1):
            prove_step(run)
        assert run.state.words()[5:10] == before


# Forgeries


def forgeable() -> dict[str, Run]:
    ranges = ((5, 27), (64, 33))
    nested = {CONTRACT: contract(call("f1", output=(3, 32)) + "00"), **THERE}
    leaving = within("00", accounts=nested, balance=9)
    return {
        "call": calling(CALL, value=1, ranges=ranges),
        "call of nobody": calling(CALL, NOBODY, value=1, ranges=ranges),
        "delegate call": calling(DELEGATECALL, ranges=ranges),
        "out of gas": calling(CALLCODE, value=1, gas=5_000),
        "enter": at(calling(CALL, value=1), "ENTER"),
        "enter 0x03": at(calling(CALL, RIPEMD160, value=1), "ENTER"),
        "enter itself": at(calling(CALL, CONTRACT, value=1), "ENTER"),
        "static": at(calling(STATICCALL), "ENTER"),
        "refused": at(calling(CALL, value=10), "ENTER"),
        "too deep": at(calling(CALL, depth=1_024), "ENTER"),
        "leave": at(leaving, "LEAVE"),
        "outermost": _outermost("ENTER"),
        "end": _outermost("LEAVE"),
    }


def _outermost(what: str) -> Run:
    run = Run({CONTRACT: contract("00")})
    run.offer(value=1)
    return at(run, what)


def test_second_path_from_before_the_first_write_is_refused() -> None:
    """Who is paid is opened in the state that paying has left, not in the one before."""
    run = at(calling(CALL, value=1), "ENTER")
    state = run.state
    opening = WitnessWriter()
    opening.words([*state.words(), *state.frame.all_words(), *state.operation.words()])
    StateTries(state.world).open_account(CONTRACT, opening)
    assert step_witness(state).startswith(opening.getvalue())
    StateTries(state.world).open_account(OTHER, opening)
    assert len(opening.getvalue()) == len(step_witness(state))
    assert is_refused(run.machine.machine_hash(), opening.getvalue())


@pytest.mark.parametrize("name", forgeable())
def test_flipped_byte_of_a_witness_is_refused(name: str) -> None:
    assert_every_flip_is_refused(forgeable()[name], stride=7)


@pytest.mark.slow
@pytest.mark.parametrize("name", forgeable())
def test_any_flipped_byte_of_a_witness_is_refused(name: str) -> None:
    assert_every_flip_is_refused(forgeable()[name])


def test_witness_of_another_step_is_refused() -> None:
    assert_no_witness_of_another_step(list(forgeable().values()))
