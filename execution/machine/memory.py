"""A frame's memory, and the views by which frames read each other's without copying.

A view refers to a memory as it was at one moment. Freezing costs nothing; a memory copies itself
when it is next written while someone may still look at what it was.
"""

from functools import cached_property
from typing import Final

from execution.machine.limits import RANGE_END_MAX
from execution.machine.tree import tree_root
from execution.machine.words import WORD_BYTES, Word, words_of
from state.types import Hash32


class FrozenMemory:
    """Bytes that nobody writes any more, and their root once somebody asks."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = data

    @cached_property
    def root(self) -> Hash32:
        return tree_root(self.data)


_NOTHING: Final = FrozenMemory(b"")


class View:
    """A range of a frozen memory, never beyond its end. A view of nothing is `EMPTY_VIEW`."""

    __slots__ = ("length", "memory", "offset")

    def __init__(self, memory: FrozenMemory, offset: int, length: int) -> None:
        self.memory = memory
        self.offset = offset
        self.length = length

    @classmethod
    def over(cls, data: bytes) -> "View":
        """A view of bytes of their own, from their beginning."""
        return cls(FrozenMemory(data), 0, len(data)) if data else EMPTY_VIEW

    def read(self, start: int, size: int) -> bytes:
        """`size` bytes from `start`; beyond the view's end they are zero."""
        first = self.offset + min(start, self.length)
        last = self.offset + min(start + size, self.length)
        return bytes(self.memory.data[first:last]).ljust(size, b"\0")

    def whole(self) -> bytes:
        return self.read(0, self.length)

    def words(self) -> tuple[Word, ...]:
        """Root, offset, length."""
        return self.memory.root, self.offset, self.length


EMPTY_VIEW: Final = View(_NOTHING, 0, 0)


class Memory:
    """Bytes in whole words. Every access has been paid for, and so lies within."""

    __slots__ = ("_data", "_frozen")

    def __init__(self) -> None:
        self._data: bytearray = bytearray()
        self._frozen: FrozenMemory | None = None

    def __len__(self) -> int:
        return len(self._data)

    def grow(self, end: int) -> None:
        """Hold byte `end - 1`, in whole words of zeros."""
        missing = words_of(end) * WORD_BYTES - len(self._data)
        if missing > 0:
            # Zeros don't change the root, so that a frozen memory may grow.
            self._data += bytes(missing)

    def read(self, start: int, size: int) -> bytes:
        return bytes(self._data[start : start + size])

    def write(self, start: int, data: bytes) -> None:
        if self._frozen is not None:
            self._data = bytearray(self._data)
            self._frozen = None
        self._data[start : start + len(data)] = data

    def freeze(self) -> FrozenMemory:
        """The memory as it is now; later writes don't reach it."""
        if self._frozen is None:
            self._frozen = FrozenMemory(self._data)
        return self._frozen

    def thaw(self, seen: View) -> None:
        """Nobody but perhaps `seen` looks at the frozen memory any more: write in place again."""
        if seen.memory is not self._frozen:
            self._frozen = None

    def view(self, start: int, size: int) -> View:
        """A range, frozen."""
        return View(self.freeze(), start, size) if size else EMPTY_VIEW

    def words(self) -> tuple[Word, ...]:
        """Number of words, root."""
        root = tree_root(self._data) if self._frozen is None else self._frozen.root
        return len(self._data) // WORD_BYTES, root


def range_end(start: int, size: int) -> int | None:
    """Where a range of memory ends: 0 for no bytes, None beyond what any gas could buy."""
    if size == 0:
        return 0
    end = start + size
    return end if end <= RANGE_END_MAX else None
