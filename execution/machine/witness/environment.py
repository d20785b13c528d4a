"""What an instruction asks about its frame, transaction and block: what the verifiers read."""

from typing import Final

from execution.machine.frame import Frame
from execution.machine.limits import ANCESTOR_TREE_DEPTH, ANCESTORS_MAX
from execution.machine.state import MachineState
from execution.machine.witness.functions import InstructionWitnesses
from execution.machine.witness.stack import write_items
from execution.machine.witness.trees import WordTree, write_view
from execution.machine.witness.writer import WitnessWriter
from execution.machine.words import WORD_BYTES


def _transaction(state: MachineState, _frame: Frame, writer: WitnessWriter) -> None:
    writer.words(state.running_tx.words())


def _block(state: MachineState, _frame: Frame, writer: WitnessWriter) -> None:
    writer.words(state.block.words())


def _calldataload(_state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    write_items(writer, frame, 1)
    write_view(writer, frame.input, frame.stack[-1], WORD_BYTES)


def _blockhash(state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    """A block that BLOCKHASH doesn't see has no place in the ring."""
    write_items(writer, frame, 1)
    writer.words(state.block.words())
    number = frame.stack[-1]
    if 0 < state.block.context.number - number <= ANCESTORS_MAX:
        write_place(writer, state.block.ring(), number)


def write_place(writer: WitnessWriter, ring: bytes, number: int) -> None:
    """A block's hash and its path in the ring: the twin of the contracts' `Rings`."""
    tree, index = WordTree(ring), number % ANCESTORS_MAX
    writer.word(tree.node(0, index))
    for height in range(ANCESTOR_TREE_DEPTH):
        writer.word(tree.node(height, (index >> height) ^ 1))


INSTRUCTIONS: Final[InstructionWitnesses] = {
    0x32: _transaction,
    0x35: _calldataload,
    0x3A: _transaction,
    0x40: _blockhash,
    **dict.fromkeys((*range(0x41, 0x47), 0x48), _block),
}
