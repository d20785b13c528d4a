"""What every opcode of Cancun has in common, on the contracts: price, stack, and far offsets.

The families' own tests look at each of them closely; here none can be left out.
"""

from collections.abc import Callable

import pytest

from execution.machine.memory import View
from execution.machine.opcodes.table import INSTRUCTIONS
from execution.machine.status import Outcome, Status
from tests.bridge.prover.execution import within
from tests.bridge.prover.frames import prove_stack_edges
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import Run

JUMPDEST = 0x5B
OPERAND = 33
"""A jump target, an offset across two words, a size, an account that is not there, an amount."""

BALANCE = 100
"""Of the contract: as much as it sends."""

RETURNED = View.over(b"\x01" * 100)
"""By an earlier call: as much as RETURNDATACOPY asks for."""

NAMES = [f"{opcode:#04x}" for opcode in INSTRUCTIONS]

GAS_MAX = 2**17
"""More than any opcode takes with these operands."""

FREE = {0x00}
"""STOP, the one opcode that nothing is paid for here."""

ENDS = (Status.RUN, Status.LEAVE, Status.DEPLOY)


def before(opcode: int, gas: int = GAS_MAX) -> Run:
    """A machine before one instruction, all of whose operands are the same."""
    code = bytes([opcode]) + bytes([JUMPDEST]) * (OPERAND + 1)
    stack = [OPERAND] * INSTRUCTIONS[opcode].takes
    return within(code, stack, gas=gas, balance=BALANCE, returndata=RETURNED)


def execute(run: Run, step: Callable[[Run], object]) -> bool:
    """Take the steps of one instruction, up to a callee's first; whether it succeeds."""
    depth = run.state.running_frame.depth
    while True:
        step(run)
        frame = run.state.running_frame
        if frame.depth > depth or run.machine.status in ENDS:
            return frame.outcome is not Outcome.FAILURE


def price(opcode: int) -> int:
    """The least gas that it succeeds with, on the machine."""
    low, high = 0, GAS_MAX
    while low < high:
        middle = (low + high) // 2
        if execute(before(opcode, middle), lambda run: run.machine.step()):
            high = middle
        else:
            low = middle + 1
    return low


@pytest.mark.parametrize("opcode", INSTRUCTIONS, ids=NAMES)
def test_every_opcode_at_exact_gas_and_one_less_proves(opcode: int) -> None:
    gas = price(opcode)
    assert (gas == 0) == (opcode in FREE)
    assert execute(before(opcode, gas), prove_step)
    if gas:
        assert not execute(before(opcode, gas - 1), prove_step)


@pytest.mark.parametrize("opcode", INSTRUCTIONS, ids=NAMES)
def test_every_opcode_at_stack_1023_1024_and_underflow_proves(opcode: int) -> None:
    prove_stack_edges(opcode)


Operands = Callable[[int, int], list[int]]

RANGES: dict[str, tuple[int, Operands]] = {
    "KECCAK256": (0x20, lambda start, size: [size, start]),
    "CALLDATACOPY": (0x37, lambda start, size: [size, 0, start]),
    "CODECOPY": (0x39, lambda start, size: [size, 0, start]),
    "EXTCODECOPY": (0x3C, lambda start, size: [size, 0, start, OPERAND]),
    "RETURNDATACOPY source": (0x3E, lambda start, size: [size, start, 0]),
    "RETURNDATACOPY": (0x3E, lambda start, size: [size, 0, start]),
    "MCOPY": (0x5E, lambda start, size: [size, 0, start]),
    "MCOPY source": (0x5E, lambda start, size: [size, start, 0]),
    "LOG0": (0xA0, lambda start, size: [size, start]),
    "LOG4": (0xA4, lambda start, size: [1, 2, 3, 4, size, start]),
    "CREATE": (0xF0, lambda start, size: [size, start, 0]),
    "CREATE2": (0xF5, lambda start, size: [1, size, start, 0]),
    "CALL": (0xF1, lambda start, size: [0, 0, size, start, 0, OPERAND, 0]),
    "CALL output": (0xF1, lambda start, size: [size, start, 0, 0, 0, OPERAND, 0]),
    "CALLCODE": (0xF2, lambda start, size: [0, 0, size, start, 0, OPERAND, 0]),
    "CALLCODE output": (0xF2, lambda start, size: [size, start, 0, 0, 0, OPERAND, 0]),
    "DELEGATECALL": (0xF4, lambda start, size: [0, 0, size, start, OPERAND, 0]),
    "DELEGATECALL output": (0xF4, lambda start, size: [size, start, 0, 0, OPERAND, 0]),
    "STATICCALL": (0xFA, lambda start, size: [0, 0, size, start, OPERAND, 0]),
    "STATICCALL output": (0xFA, lambda start, size: [size, start, 0, 0, OPERAND, 0]),
    "RETURN": (0xF3, lambda start, size: [size, start]),
    "REVERT": (0xFD, lambda start, size: [size, start]),
}
"""Every range of memory that an opcode takes: its operands, by where it starts and its size."""


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("start", [2**32, 2**64, 2**256 - 1], ids=["2^32", "2^64", "2^256-1"])
def test_range_at_far_offset_of_size_0_costs_nothing_and_of_size_1_fails(
    name: str, start: int
) -> None:
    """But for RETURNDATACOPY, which must not look beyond its source even for nothing (EIP-211)."""
    opcode, operands = RANGES[name]
    for size in (0, 1):
        run = within(bytes([opcode]), operands(start, size), returndata=RETURNED)
        succeeds = size == 0 and name != "RETURNDATACOPY source"
        assert execute(run, prove_step) == succeeds
