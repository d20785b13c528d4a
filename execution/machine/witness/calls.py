"""Calls and their ends: what the verifiers read."""

from typing import Final

from execution.evm.limits import CALL_DEPTH_MAX
from execution.machine.frame import Frame
from execution.machine.gas import CALL_VALUE
from execution.machine.opcodes.environment import to_address
from execution.machine.operations import CallOperation
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.accesses import pay_access
from execution.machine.witness.functions import (
    InstructionWitness,
    InstructionWitnesses,
    StepWitnesses,
)
from execution.machine.witness.operation import pending
from execution.machine.witness.purse import Purse
from execution.machine.witness.stack import write_items
from execution.machine.witness.touches import values_of, write_credit, write_debit
from execution.machine.witness.tries import StateTries
from execution.machine.witness.writer import WitnessWriter

CALL, CALLCODE, DELEGATECALL, STATICCALL = 0xF1, 0xF2, 0xF4, 0xFA

_RANGE_ITEMS: Final = 4
"""Input and output, the lowest items of all four."""


def _call(opcode: int) -> InstructionWitness:
    has_value = opcode in (CALL, CALLCODE)
    takes = _RANGE_ITEMS + (3 if has_value else 2)

    def write(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
        write_items(writer, frame, takes)
        items = frame.stack[: -takes - 1 : -1]
        sends = has_value and items[2] != 0
        if opcode == CALL and sends and frame.is_static:
            return
        _write_target(state, frame, writer, items, sends)

    return write


def _write_target(
    state: MachineState, frame: Frame, writer: WitnessWriter, items: list[int], sends: bool
) -> None:
    """The code's account, once memory, access and value are paid."""
    address = to_address(items[1])
    input_start, input_size, output_start, output_size = items[-_RANGE_ITEMS:]
    purse = Purse(frame)
    if not (purse.reach(input_start, input_size) and purse.reach(output_start, output_size)):
        return
    if not pay_access(state, writer, purse, address):
        return
    if purse.charge(CALL_VALUE if sends else 0):
        StateTries(state.world).open_account(address, writer)


# The steps that follow


def _enter(state: MachineState, writer: WitnessWriter) -> None:
    """Who pays, if somebody does, and who is called; a call that is too deep reads neither."""
    call, parent = pending(state, CallOperation), state.frame
    writer.words(call.words())
    if parent is not None and parent.depth >= CALL_DEPTH_MAX:
        return
    tries = StateTries(state.world)
    value = call.value if call.transfers else 0
    if value:
        if parent is not None and values_of(tries.account(call.caller)).balance < value:
            tries.open_account(call.caller, writer)
            return
        write_debit(tries, call.caller, value, writer)
    write_credit(state, tries, call.to, value, writer)


def _leave(state: MachineState, writer: WitnessWriter) -> None:
    """The frame that waits below, or the transaction."""
    parent = state.running_frame.parent
    writer.words(state.running_tx.words() if parent is None else parent.all_words())


INSTRUCTIONS: Final[InstructionWitnesses] = {
    opcode: _call(opcode) for opcode in (CALL, CALLCODE, DELEGATECALL, STATICCALL)
}
STATUSES: Final[StepWitnesses] = {Status.ENTER: _enter, Status.LEAVE: _leave}
