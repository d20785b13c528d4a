"""Stack, jumps and the ends of a frame: what the verifiers read."""

from functools import lru_cache
from typing import Final

from execution.machine.code import Code, jump_map
from execution.machine.frame import Frame
from execution.machine.state import MachineState
from execution.machine.witness.functions import InstructionWitness, InstructionWitnesses
from execution.machine.witness.stack import write_items
from execution.machine.witness.trees import WordTree, tree_of, write_bytes
from execution.machine.witness.writer import WitnessWriter

TARGETS_A_WORD = 256
"""The jump map has one bit a byte of code."""


def _push(size: int) -> InstructionWitness:
    def write(_state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
        write_bytes(writer, tree_of(frame.program.view.memory), frame.pc + 1, size)

    return write


def _jump(_state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    write_items(writer, frame, 1)
    _write_target(writer, frame.program, frame.stack[-1])


def _jumpi(_state: MachineState, frame: Frame, writer: WitnessWriter) -> None:
    write_items(writer, frame, 2)
    target, condition = frame.stack[-1], frame.stack[-2]
    if condition:
        _write_target(writer, frame.program, target)


def _write_target(writer: WitnessWriter, code: Code, target: int) -> None:
    """What the map says of a target within the code; one beyond it takes no look."""
    if target < len(code.data):
        _map_tree(code).write_word(writer, target // TARGETS_A_WORD)


@lru_cache(maxsize=8)
def _map_tree(code: Code) -> WordTree:
    """The tree over a code's jump map, kept while several jumps in a row read it."""
    return WordTree(jump_map(code.data))


INSTRUCTIONS: Final[InstructionWitnesses] = {
    0x56: _jump,
    0x57: _jumpi,
    **{0x5F + size: _push(size) for size in range(33)},
}
