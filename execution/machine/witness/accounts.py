"""Accounts and codes that an instruction asks about: what the verifiers read."""

from typing import Final

from execution.machine.frame import Frame
from execution.machine.gas import copy_gas
from execution.machine.opcodes.environment import to_address
from execution.machine.operations import CodeCopyOperation, CodeSizeOperation
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.accesses import pay_access
from execution.machine.witness.functions import InstructionWitnesses, StepWitnesses
from execution.machine.witness.operation import pending
from execution.machine.witness.purse import Purse
from execution.machine.witness.stack import write_items
from execution.machine.witness.tries import StateTries
from execution.machine.witness.writer import WitnessWriter


def _ask(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    """BALANCE, EXTCODEHASH, EXTCODESIZE: access, then account."""
    write_items(writer, frame, 1)
    address = to_address(frame.stack[-1])
    if pay_access(state, writer, Purse(frame), address):
        StateTries(state.world).open_account(address, writer)


def _extcodecopy(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    write_items(writer, frame, 4)
    address, (destination, _start, size) = to_address(frame.stack[-1]), frame.stack[-2:-5:-1]
    purse = Purse(frame)
    if not (purse.reach(destination, size) and purse.charge(copy_gas(size))):
        return
    if pay_access(state, writer, purse, address) and size:
        StateTries(state.world).open_account(address, writer)


def _selfbalance(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    StateTries(state.world).open_account(frame.address, writer)


# The steps that open a code by its hash


def _load(state: MachineState, writer: WitnessWriter) -> None:
    writer.blob(state.world.code(state.running_frame.code_hash))


def _finish_extcodesize(state: MachineState, writer: WitnessWriter) -> None:
    operation = pending(state, CodeSizeOperation)
    writer.words(operation.words())
    writer.blob(state.world.code(operation.code_hash))


def _open_extcode(state: MachineState, writer: WitnessWriter) -> None:
    operation = pending(state, CodeCopyOperation)
    writer.words(operation.words())
    writer.blob(state.world.code(operation.code_hash))


INSTRUCTIONS: Final[InstructionWitnesses] = {
    0x31: _ask,
    0x3B: _ask,
    0x3C: _extcodecopy,
    0x3F: _ask,
    0x47: _selfbalance,
}
STATUSES: Final[StepWitnesses] = {
    Status.LOAD: _load,
    Status.EXTCODESIZE: _finish_extcodesize,
    Status.EXTCODECOPY: _open_extcode,
}
