"""SELFDESTRUCT: what the verifiers read."""

from dataclasses import replace
from typing import Final

from execution.machine.frame import Frame
from execution.machine.gas import SELFDESTRUCT_NEW_ACCOUNT
from execution.machine.journal import CREATED
from execution.machine.opcodes.environment import to_address
from execution.machine.operations import SelfdestructOperation
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.accesses import write_access
from execution.machine.witness.functions import InstructionWitnesses, StepWitnesses
from execution.machine.witness.operation import pending
from execution.machine.witness.stack import write_items
from execution.machine.witness.touches import close_credit, values_of
from execution.machine.witness.tries import JournalTrie, StateTries
from execution.machine.witness.writer import WitnessWriter
from execution.machine.world import NOTHING


def _selfdestruct(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    if not frame.is_static:
        write_items(writer, frame, 1)
        write_access(state, writer, to_address(frame.stack[-1]))


def _send_balance(state: MachineState, writer: WitnessWriter) -> None:
    """The contract, then the beneficiary, unless it is the contract itself."""
    operation, frame = pending(state, SelfdestructOperation), state.running_frame
    writer.words(operation.words())
    tries, beneficiary = StateTries(state.world), operation.beneficiary
    values, value = values_of(tries.open_account(frame.address, writer)), 0
    if beneficiary != frame.address:
        value = values.balance
        if value:
            tries.close_account(frame.address, replace(values, balance=0), writer)
        values = values_of(tries.open_account(beneficiary, writer))
        if value and values == NOTHING and frame.gas < SELFDESTRUCT_NEW_ACCOUNT:
            return
    credited = replace(values, balance=values.balance + value)
    close_credit(state, tries, beneficiary, credited, writer)


def _mark_destructed(state: MachineState, writer: WitnessWriter) -> None:
    """The contract's flags and, if this transaction made it, its account."""
    address = state.running_frame.address
    if JournalTrie(state.journal).open_flags(address, writer) & CREATED:
        tries = StateTries(state.world)
        values = values_of(tries.open_account(address, writer))
        tries.close_account(address, replace(values, balance=0), writer)


INSTRUCTIONS: Final[InstructionWitnesses] = {0xFF: _selfdestruct}
STATUSES: Final[StepWitnesses] = {
    Status.SELFDESTRUCT_SEND: _send_balance,
    Status.SELFDESTRUCT_MARK: _mark_destructed,
}
