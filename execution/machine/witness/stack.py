"""The top of a stack: the twin of the contracts' `Stacks`."""

from execution.machine.frame import Frame, stack_hash
from execution.machine.witness.writer import WitnessWriter


def write_items(writer: WitnessWriter, frame: Frame, count: int) -> None:
    """`count` items, the top one first, and the list below them; nothing for none."""
    if count:
        writer.words(frame.stack[-1 : -count - 1 : -1])
        writer.word(stack_hash(frame.stack[:-count]))
