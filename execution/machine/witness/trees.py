"""Paths and ranges of a tree of words: the twin of the contracts' `WordTree` and `Views`."""

from functools import lru_cache

from execution.machine.limits import TREE_DEPTH
from execution.machine.memory import FrozenMemory, View
from execution.machine.tree import ZERO_ROOTS
from execution.machine.witness.writer import WitnessWriter
from execution.machine.words import WORD_BYTES, words_of
from state.keccak import keccak
from state.types import Hash32


class WordTree:
    """All nodes of the tree over some bytes that are not zero beyond them."""

    __slots__ = ("_levels",)

    def __init__(self, data: bytes) -> None:
        padded = data.ljust(words_of(len(data)) * WORD_BYTES, b"\0")
        level = [Hash32(padded[at : at + WORD_BYTES]) for at in range(0, len(padded), WORD_BYTES)]
        self._levels = [level]
        for height in range(TREE_DEPTH):
            zero = ZERO_ROOTS[height]
            row = level if len(level) % 2 == 0 else [*level, zero]
            level = [keccak(row[at] + row[at + 1]) for at in range(0, len(row), 2)]
            self._levels.append(level)

    def node(self, height: int, index: int) -> Hash32:
        """A node; those beyond the data are zero's."""
        level = self._levels[height]
        return level[index] if index < len(level) else ZERO_ROOTS[height]

    def write_word(self, writer: WitnessWriter, index: int) -> None:
        """A word, and its siblings from the leaf up."""
        writer.word(self.node(0, index))
        for height in range(TREE_DEPTH):
            writer.word(self.node(height, (index >> height) ^ 1))

    def write_range(self, writer: WitnessWriter, first: int, count: int) -> None:
        """`count` words, at least one, and the siblings of the edges from the lowest level up."""
        writer.words(self.node(0, index) for index in range(first, first + count))
        for height in range(TREE_DEPTH):
            if first & 1:
                writer.word(self.node(height, first - 1))
                first, count = first - 1, count + 1
            if count & 1:
                writer.word(self.node(height, first + count))
                count += 1
            first, count = first >> 1, count >> 1


def write_bytes(writer: WitnessWriter, tree: WordTree, start: int, size: int) -> None:
    """What opens the byte range of a tree, for reading or writing; nothing for no bytes."""
    if size:
        tree.write_range(writer, start // WORD_BYTES, words_of(start % WORD_BYTES + size))


def write_view(writer: WitnessWriter, view: View, start: int, size: int) -> None:
    """What opens `size` bytes of a view from `start`; beyond its end there is nothing to open."""
    if start < view.length:
        there = min(size, view.length - start)
        write_bytes(writer, tree_of(view.memory), view.offset + start, there)


@lru_cache(maxsize=8)
def tree_of(memory: FrozenMemory) -> WordTree:
    """The tree over a frozen memory, kept while several steps in a row read it."""
    return WordTree(bytes(memory.data))
