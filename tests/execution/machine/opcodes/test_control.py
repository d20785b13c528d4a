"""Stack, jumps, ends, and the exact price of every opcode."""

import pytest
from eth.vm.forks.cancun.opcodes import CANCUN_OPCODES

from execution.machine.opcodes.table import INSTRUCTIONS, TABLE, UNDEFINED
from execution.machine.status import Outcome, Status
from tests.execution.evm.world import SENDER, World
from tests.execution.machine.world import (
    CONTRACT,
    OTHER,
    Run,
    both,
    contract,
    push,
    transaction,
    word,
)


def test_table_has_every_opcode_of_cancun_and_no_other() -> None:
    assert set(INSTRUCTIONS) == set(CANCUN_OPCODES)
    assert all(TABLE[opcode] is UNDEFINED for opcode in (0x0C, 0x1E, 0x4B, 0xEF, 0xFE))


@pytest.mark.parametrize("opcode", range(256), ids=lambda opcode: f"{opcode:#04x}")
def test_opcode_needs_exactly_its_gas(opcode: int) -> None:
    """With as much gas as the engine uses all is well; with one less all goes wrong alike."""
    operands = "60cc" * 20 + "6001" * 9 + ("60806080" if opcode in (0x56, 0x57) else "")
    code = (operands + f"{opcode:02x}" + "00").ljust(256, "0") + "5b00"
    accounts = {CONTRACT: contract(code, balance=1), OTHER: contract("00")}
    world = World(accounts)
    spent = world.evm.call(transaction()).gas_used
    for gas in (spent, spent - 1, spent + 2_300):
        Run(accounts).apply(gas=gas)


@pytest.mark.parametrize("opcode", range(256), ids=lambda opcode: f"{opcode:#04x}")
def test_opcode_at_every_stack_edge(opcode: int) -> None:
    takes, gives = TABLE[opcode].takes, TABLE[opcode].gives
    heights = {max(takes - 1, 0), takes, 1024 - max(gives - takes, 0), 1024, 1023}
    for height in heights:
        both("5f" * height + f"{opcode:02x}00")


def test_stack_holds_1024_and_no_more() -> None:
    assert both("5f" * 1024 + "00").after().account(SENDER).nonce == 1
    run = Run({CONTRACT: contract("5f" * 1025 + "00")})
    assert not run.apply()


@pytest.mark.parametrize(
    "code",
    [
        "600356" + "5b00",
        "600456" + "605b00",
        "60ff56",
        push(2**64 + 3) + "565b",
        push(2**256 - 1) + "56",
        "6001600657005b00",
        "5f600557005b00",
        "5f60ff5700",
        "600160ff57",
        "5b5a61ff00106000" + "57",
    ],
    ids=[
        "target",
        "push data",
        "past the end",
        "above 2^64",
        "highest word",
        "conditional",
        "condition false",
        "bad target, condition false",
        "bad target, condition true",
        "loop",
    ],
)
def test_jumps_go_where_they_may(code: str) -> None:
    both(code)


@pytest.mark.parametrize("code", ["60", "61ff", "7f" + "ff" * 31, "7f", "5f60"])
def test_truncated_push_is_filled_with_zeros_and_stops(code: str) -> None:
    both(code)
    run = Run({CONTRACT: contract("61ff")})
    run.offer()
    run.until(Status.RUN)
    run.machine.step()
    assert run.state.frame.stack == [0xFF00]


def test_dup_and_swap_reach_sixteen_deep() -> None:
    numbers = "".join(f"60{number:02x}" for number in range(1, 18))
    assert word(both(numbers + "8f" + "5f5260205ff3")) == 2
    assert word(both(numbers + "9f" + "5f5260205ff3")) == 1


@pytest.mark.parametrize("end", ["f3", "fd"])
def test_output_of_an_end_may_be_large_or_dear(end: str) -> None:
    both("60ff5f53" + "61ffff5f" + end)
    both("6001" + push(2**32) + end)
    both(push(2**256 - 1) + push(2**256 - 1) + end)
    both("5f" + push(2**256 - 1) + end)


def test_revert_keeps_gas_and_failure_takes_it() -> None:
    for code, outcome in (("5f5ffd", Outcome.REVERT), ("fe", Outcome.FAILURE)):
        run = Run({CONTRACT: contract(code)})
        run.offer()
        run.until(Status.LEAVE)
        assert run.state.frame.outcome is outcome
        assert (run.state.frame.gas > 0) == (outcome is Outcome.REVERT)
