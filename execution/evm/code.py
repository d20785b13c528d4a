"""Code as a frame runs it, and where it may jump."""

import re
from functools import lru_cache

from eth.exceptions import InvalidJumpDestination
from eth.vm.code_stream import CodeStream

from execution.evm.limits import CODE_ANALYSES_MAX, JUMP_TARGETS_REMEMBERED_MAX

JUMPDEST = 0x5B
PUSH0, PUSH1, PUSH32 = 0x5F, 0x60, 0x7F

SEGMENT_BYTES = 64
"""Code is scanned from the start of a segment: short enough to jump fast, long enough to index."""

_PADDING = bytes(33)
"""Zeros are STOP: running past the end halts, also behind a truncated PUSH32."""

_PUSHES = b"|".join(
    re.escape(bytes([PUSH1 - 1 + size])) + b"[\\x00-\\xff]{%d}" % size for size in range(1, 33)
)
_INSTRUCTIONS = re.compile(b"(?:[^\\x60-\\x7f]++|" + _PUSHES + b")*+")
"""As many whole instructions as fit: pushes with their data, and runs of anything else."""


class JumpTargets:
    """Which positions of a code hold a JUMPDEST that is no data of a PUSH (Yellow Paper, 9.4.3).

    Whether a byte is data depends on all code before it. The first instruction at or after each
    segment's start is found once; a question then scans one segment.
    """

    __slots__ = ("_code", "_known", "_starts")

    def __init__(self, code: bytes) -> None:
        self._code = code
        self._starts = _segment_starts(code)
        self._known: set[int] = set()

    def __contains__(self, position: int) -> bool:
        if position in self._known:
            return True
        code = self._code
        if position >= len(code) or code[position] != JUMPDEST:
            return False
        start = self._starts[position // SEGMENT_BYTES]
        if _scan(code, start, position) != position:
            return False
        if len(self._known) < JUMP_TARGETS_REMEMBERED_MAX:
            self._known.add(position)
        return True


def _segment_starts(code: bytes) -> list[int]:
    starts = [0]
    for boundary in range(SEGMENT_BYTES, len(code), SEGMENT_BYTES):
        position = starts[-1]
        if position < boundary:
            position = _scan(code, position, boundary)
        if position < boundary:
            position += code[position] - PUSH1 + 2
        starts.append(position)
    return starts


def _scan(code: bytes, start: int, end: int) -> int:
    """Where whole instructions from `start` stop: at `end`, or at a PUSH that goes beyond it."""
    matched = _INSTRUCTIONS.match(code, start, end) if start <= end else None
    return matched.end() if matched else start


@lru_cache(maxsize=CODE_ANALYSES_MAX)
def jump_targets(code: bytes) -> JumpTargets:
    """The jump targets of a code; nothing but the code decides them, so they may be cached."""
    return JumpTargets(code)


class Code(CodeStream):
    """A program. py-evm's own keeps the counter and recurses to tell what is a jump target."""

    __slots__ = ("_targets", "padded")

    def __init__(self, code: bytes) -> None:
        self._raw_code_bytes = code
        self._length_cache = len(code)
        self.padded = code + _PADDING
        self._targets: JumpTargets | None = None

    def jump(self, position: int) -> int:
        """`position`, if it is a jump target. Raises `InvalidJumpDestination`."""
        if self._targets is None:
            self._targets = jump_targets(self._raw_code_bytes)
        if position not in self._targets:
            raise InvalidJumpDestination(f"no JUMPDEST at {position}")
        return position
