"""Storage, lasting and transient: what the verifiers read."""

from typing import Final

from execution.machine.frame import Frame
from execution.machine.gas import COLD_SLOT, SSTORE_SENTRY
from execution.machine.opcodes.storage import sstore_price
from execution.machine.operations import SlotOperation
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.functions import InstructionWitnesses, StepWitnesses
from execution.machine.witness.operation import pending
from execution.machine.witness.stack import write_items
from execution.machine.witness.tries import JournalTrie, StateTries
from execution.machine.witness.writer import WitnessWriter


def _sload(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    write_items(writer, frame, 1)
    _write_slot_access(state, frame, writer)


def _sstore(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    if frame.is_static or frame.gas <= SSTORE_SENTRY:
        return
    write_items(writer, frame, 2)
    _write_slot_access(state, frame, writer)


def _write_slot_access(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    """Whether the slot on top of the stack is warm. Making it so deletes nothing."""
    JournalTrie(state.journal).open_slot(frame.address, frame.stack[-1], writer)


def _tload(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    write_items(writer, frame, 1)
    JournalTrie(state.journal).open_transient(frame.address, frame.stack[-1], writer)


def _tstore(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    if frame.is_static:
        return
    write_items(writer, frame, 2)
    slot, value = frame.stack[-1], frame.stack[-2]
    journal = JournalTrie(state.journal)
    journal.open_transient(frame.address, slot, writer)
    journal.close_transient(frame.address, slot, value, writer)


# The steps that follow


def _finish_sload(state: MachineState, writer: WitnessWriter) -> None:
    operation = pending(state, SlotOperation)
    writer.words(operation.words())
    StateTries(state.world).open_slot(state.running_frame.address, operation.slot, writer)


def _read_original(state: MachineState, writer: WitnessWriter) -> None:
    """The value at the transaction's start, which the transaction's words hold the root of."""
    operation, tx = pending(state, SlotOperation), state.running_tx
    writer.words(operation.words())
    writer.words(tx.words())
    address = state.running_frame.address
    StateTries.at(tx.start).open_slot(address, operation.slot, writer)


def _finish_sstore(state: MachineState, writer: WitnessWriter) -> None:
    operation, frame = pending(state, SlotOperation), state.running_frame
    writer.words(operation.words())
    tries = StateTries(state.world)
    current = tries.open_slot(frame.address, operation.slot, writer)
    price, _refund = sstore_price(operation.original, current, operation.value)
    if frame.gas < price + (COLD_SLOT if operation.cold else 0) or operation.value == current:
        return
    tries.close_slot(frame.address, operation.slot, operation.value, writer)


INSTRUCTIONS: Final[InstructionWitnesses] = {
    0x54: _sload,
    0x55: _sstore,
    0x5C: _tload,
    0x5D: _tstore,
}
STATUSES: Final[StepWitnesses] = {
    Status.SLOAD: _finish_sload,
    Status.SSTORE_READ: _read_original,
    Status.SSTORE_WRITE: _finish_sstore,
}
