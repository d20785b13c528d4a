"""Creations: what the verifiers read."""

from typing import Final

from execution.evm.limits import CALL_DEPTH_MAX, CODE_BYTES_MAX
from execution.machine.frame import Frame
from execution.machine.gas import CODE_DEPOSIT_BYTE
from execution.machine.limits import NONCE_END
from execution.machine.opcodes.table import TABLE
from execution.machine.operations import CreationOperation, InitcodeOperation
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.accesses import write_access
from execution.machine.witness.functions import InstructionWitnesses, StepWitnesses
from execution.machine.witness.operation import pending
from execution.machine.witness.stack import write_items
from execution.machine.witness.touches import values_of, write_debit
from execution.machine.witness.trees import tree_of, write_bytes, write_view
from execution.machine.witness.tries import JournalTrie, StateTries
from execution.machine.witness.writer import WitnessWriter

CREATE, CREATE2 = 0xF0, 0xF5


def _create(_state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    if not frame.is_static:
        write_items(writer, frame, TABLE[CREATE][1])


def _create2(_state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    if not frame.is_static:
        write_items(writer, frame, TABLE[CREATE2][1])


# The steps that follow


def _hash_initcode(state: MachineState, writer: WitnessWriter) -> None:
    """The creator's account, then the initcode in memory; a nonce that grows deletes nothing."""
    initcode, frame = pending(state, InitcodeOperation), state.running_frame
    writer.words(initcode.words())
    if frame.depth >= CALL_DEPTH_MAX:
        return
    values = values_of(StateTries(state.world).open_account(frame.address, writer))
    if values.balance < initcode.value or values.nonce >= NONCE_END:
        return
    write_bytes(writer, tree_of(frame.memory.freeze()), initcode.start, initcode.size)


def _warm_created(state: MachineState, writer: WitnessWriter) -> None:
    creation = pending(state, CreationOperation)
    writer.words(creation.words())
    write_access(state, writer, creation.address)
    StateTries(state.world).open_account(creation.address, writer)


def _enter_created(state: MachineState, writer: WitnessWriter) -> None:
    creation = pending(state, CreationOperation)
    writer.words(creation.words())
    JournalTrie(state.journal).open_flags(creation.address, writer)


def _fund_created(state: MachineState, writer: WitnessWriter) -> None:
    """Who pays, if somebody does, and the new account; a nonce of 1 deletes nothing."""
    frame, tries = state.running_frame, StateTries(state.world)
    if frame.value:
        write_debit(tries, frame.caller, frame.value, writer)
    tries.open_account(frame.address, writer)


def _deploy(state: MachineState, writer: WitnessWriter) -> None:
    """The code, then the account that gets it."""
    frame = state.running_frame
    output = frame.returndata
    size = output.length
    if not size or size > CODE_BYTES_MAX or frame.gas < CODE_DEPOSIT_BYTE * size:
        return
    write_view(writer, output, 0, size)
    if output.read(0, 1) != b"\xef":
        StateTries(state.world).open_account(frame.address, writer)


INSTRUCTIONS: Final[InstructionWitnesses] = {CREATE: _create, CREATE2: _create2}
STATUSES: Final[StepWitnesses] = {
    Status.CREATE_HASH: _hash_initcode,
    Status.CREATE_WARM: _warm_created,
    Status.CREATE_ENTER: _enter_created,
    Status.CREATE_FUND: _fund_created,
    Status.DEPLOY: _deploy,
}
