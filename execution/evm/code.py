"""Code as a frame runs it, and where it may jump."""

from functools import lru_cache

from eth.vm.code_stream import CodeStream

from execution.evm.limits import CODE_ANALYSES_MAX

JUMPDEST = 0x5B
PUSH1, PUSH32 = 0x60, 0x7F

_PADDING = bytes(33)
"""Zeros are STOP: running past the end halts, also behind a truncated PUSH32."""


class Code(CodeStream):
    """A program and its counter. py-evm's decides lazily, recursively, what is a jump target."""

    __slots__ = ("padded",)

    def __init__(self, code: bytes) -> None:
        self.program_counter = 0
        self._raw_code_bytes = code
        self._length_cache = len(code)
        self.padded = code + _PADDING

    def is_valid_opcode(self, position: int) -> bool:
        """Whether `position` holds a JUMPDEST that is no data of a PUSH."""
        return position < self._length_cache and jump_mask(self._raw_code_bytes)[position] == 1


_IS_JUMPDEST = bytes(1 if byte == JUMPDEST else 0 for byte in range(256))


@lru_cache(maxsize=CODE_ANALYSES_MAX)
def jump_mask(code: bytes) -> bytes:
    """One byte for each byte of code: 1 at jump targets (Yellow Paper, section 9.4.3).

    A deterministic function of the code, so that a process-wide cache can't change a result.
    """
    mask = bytearray(code.translate(_IS_JUMPDEST))
    position, size = 0, len(code)
    while position < size:
        opcode = code[position]
        position += 1
        if PUSH1 <= opcode <= PUSH32:
            end = position + opcode - PUSH1 + 1
            mask[position:end] = bytes(min(end, size) - position)
            position = end
    return bytes(mask)
