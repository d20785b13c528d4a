"""Memory, copies and KECCAK256: what the verifiers read."""

from typing import Final

from execution.evm.limits import HASH_INPUT_BYTES_MAX
from execution.machine.frame import Frame
from execution.machine.gas import KECCAK_WORD, memory_gas
from execution.machine.limits import COPY_BYTES_MAX
from execution.machine.memory import range_end
from execution.machine.opcodes.table import TABLE
from execution.machine.operations import CopyOperation
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.witness.functions import (
    InstructionWitness,
    InstructionWitnesses,
    StepWitnesses,
)
from execution.machine.witness.stack import write_items
from execution.machine.witness.trees import WordTree, write_bytes, write_view
from execution.machine.witness.writer import WitnessWriter
from execution.machine.words import WORD_BYTES, words_of
from state.errors import InternalError

KECCAK256, MLOAD, MSTORE, MSTORE8 = 0x20, 0x51, 0x52, 0x53


def memory_tree(frame: Frame) -> WordTree:
    """The tree over a frame's memory as it is now."""
    return WordTree(frame.memory.read(0, len(frame.memory)))


def can_reach(frame: Frame, gas: int, start: int, size: int) -> bool:
    """Whether the frame can pay for memory that holds a range, besides `gas`."""
    end = range_end(start, size)
    if end is None:
        return False
    have = len(frame.memory)
    growth = memory_gas(end) - memory_gas(have) if end > have else 0
    return gas + growth <= frame.gas


def _word(opcode: int, size: int) -> InstructionWitness:
    """MLOAD, MSTORE and MSTORE8: the words of memory that hold what is read or written."""
    gas, takes = TABLE[opcode].gas, TABLE[opcode].takes

    def write(_state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
        write_items(writer, frame, takes)
        start = frame.stack[-1]
        if can_reach(frame, gas, start, size):
            write_bytes(writer, memory_tree(frame), start, size)

    return write


def _keccak256(_state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    write_items(writer, frame, 2)
    start, size = frame.stack[-1], frame.stack[-2]
    gas = TABLE[KECCAK256].gas + KECCAK_WORD * words_of(size)
    if size <= HASH_INPUT_BYTES_MAX and can_reach(frame, gas, start, size):
        write_bytes(writer, memory_tree(frame), start, size)


def _copy(state: MachineState, writer: WitnessWriter) -> None:
    """The operation, the source as far as there is one, and the words that are written."""
    frame, operation = state.running_frame, state.operation
    if not isinstance(operation, CopyOperation):
        raise InternalError(f"{operation!r} is pending in status COPY")
    writer.words(operation.words())
    done = operation.done
    size = min(COPY_BYTES_MAX, operation.size - done)
    write_view(writer, operation.source, operation.start + done, size)
    write_bytes(writer, memory_tree(frame), operation.destination + done, size)


INSTRUCTIONS: Final[InstructionWitnesses] = {
    KECCAK256: _keccak256,
    MLOAD: _word(MLOAD, WORD_BYTES),
    MSTORE: _word(MSTORE, WORD_BYTES),
    MSTORE8: _word(MSTORE8, 1),
}
STATUSES: Final[StepWitnesses] = {Status.COPY: _copy}
