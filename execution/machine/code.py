"""Code as a frame runs it: loaded once, then read by path.

Two trees commit to it: one over its bytes, so that CODECOPY reads it as any view, and one over a
map with one bit a byte, set where a JUMPDEST stands that is no data of a PUSH (Yellow Paper 9.4.3).
"""

from functools import cached_property, lru_cache

from execution.machine.limits import CODES_CACHED_MAX
from execution.machine.memory import View
from execution.machine.tree import tree_root
from execution.machine.words import Word
from state.types import Hash32

JUMPDEST, PUSH1, PUSH32 = 0x5B, 0x60, 0x7F

_PADDING = bytes(33)
"""Zeros are STOP: running past the end halts, also behind a truncated PUSH32."""


class Code:
    """A program."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.padded = data + _PADDING

    @cached_property
    def targets(self) -> frozenset[int]:
        """Where it may jump."""
        return frozenset(_jump_targets(self.data))

    @cached_property
    def view(self) -> View:
        """The code as a source of copies."""
        return View.over(self.data)

    @cached_property
    def jump_root(self) -> Hash32:
        """The root over the map of jump targets."""
        return tree_root(jump_map(self.data))

    def words(self) -> tuple[Word, ...]:
        """Size, root, root of the jump map."""
        return len(self.data), self.view.memory.root, self.jump_root


def _jump_targets(code: bytes) -> list[int]:
    targets = []
    position, size = 0, len(code)
    while position < size:
        opcode = code[position]
        if opcode == JUMPDEST:
            targets.append(position)
        elif PUSH1 <= opcode <= PUSH32:
            position += opcode - PUSH1 + 1
        position += 1
    return targets


def jump_map(code: bytes) -> bytes:
    """One bit for each byte of code, the first in the highest bit of the first byte."""
    bits = bytearray((len(code) + 7) // 8)
    for target in _jump_targets(code):
        bits[target >> 3] |= 0x80 >> (target & 7)
    return bytes(bits)


@lru_cache(maxsize=CODES_CACHED_MAX)
def load(data: bytes) -> Code:
    """A code, analysed; nothing but its bytes decides the result, so it may be shared."""
    return Code(data)
