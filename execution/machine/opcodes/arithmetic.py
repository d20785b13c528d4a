"""Arithmetic, comparison and bits (Yellow Paper, appendix H.2, 0s and 10s; EIP-145)."""

from collections.abc import Callable
from typing import Final

from execution.machine.frame import Frame
from execution.machine.gas import EXP_BYTE
from execution.machine.opcodes.instruction import Family, Instruction, Logic
from execution.machine.state import MachineState
from state.types import UINT256_MAX

_MODULUS: Final = 2**256
_SIGN_BIT: Final = 2**255


def signed(word: int) -> int:
    """The word in two's complement."""
    return word - _MODULUS if word & _SIGN_BIT else word


def _div(a: int, b: int) -> int:
    return a // b if b else 0


def _sdiv(a: int, b: int) -> int:
    """Rounds toward zero; -2^255 / -1 is -2^255."""
    a, b = signed(a), signed(b)
    if b == 0:
        return 0
    quotient = abs(a) // abs(b)
    return (-quotient if (a < 0) != (b < 0) else quotient) & UINT256_MAX


def _mod(a: int, b: int) -> int:
    return a % b if b else 0


def _smod(a: int, b: int) -> int:
    """Has the sign of the dividend."""
    a, b = signed(a), signed(b)
    if b == 0:
        return 0
    rest = abs(a) % abs(b)
    return (-rest if a < 0 else rest) & UINT256_MAX


def _signextend(size: int, value: int) -> int:
    """Extend a number of `size + 1` bytes to a word."""
    if size > 30:
        return value
    bit = 8 * size + 7
    mask = (1 << (bit + 1)) - 1
    return value | (UINT256_MAX ^ mask) if value >> bit & 1 else value & mask


def _byte(index: int, value: int) -> int:
    """Byte 0 is the highest."""
    return value >> (248 - 8 * index) & 0xFF if index < 32 else 0


def _shl(shift: int, value: int) -> int:
    return (value << shift) & UINT256_MAX if shift < 256 else 0


def _shr(shift: int, value: int) -> int:
    return value >> shift if shift < 256 else 0


def _sar(shift: int, value: int) -> int:
    return (signed(value) >> min(shift, 255)) & UINT256_MAX


def _addmod(a: int, b: int, n: int) -> int:
    return (a + b) % n if n else 0


def _mulmod(a: int, b: int, n: int) -> int:
    return a * b % n if n else 0


def _exp(machine: MachineState, frame: Frame) -> None:
    stack = frame.stack
    base, exponent = stack.pop(), stack.pop()
    machine.charge(frame, EXP_BYTE * ((exponent.bit_length() + 7) // 8))
    stack.append(pow(base, exponent, _MODULUS))


def _unary(function: Callable[[int], int]) -> Logic:
    def logic(_machine: MachineState, frame: Frame) -> None:
        stack = frame.stack
        stack[-1] = function(stack[-1])

    return logic


def _binary(function: Callable[[int, int], int]) -> Logic:
    def logic(_machine: MachineState, frame: Frame) -> None:
        stack = frame.stack
        first = stack.pop()
        stack[-1] = function(first, stack[-1])

    return logic


def _ternary(function: Callable[[int, int, int], int]) -> Logic:
    def logic(_machine: MachineState, frame: Frame) -> None:
        stack = frame.stack
        first, second = stack.pop(), stack.pop()
        stack[-1] = function(first, second, stack[-1])

    return logic


def _two(gas: int, function: Callable[[int, int], int]) -> Instruction:
    return Instruction(gas, 2, 1, _binary(function))


ARITHMETIC: Final[Family] = {
    0x01: _two(3, lambda a, b: (a + b) & UINT256_MAX),
    0x02: _two(5, lambda a, b: (a * b) & UINT256_MAX),
    0x03: _two(3, lambda a, b: (a - b) & UINT256_MAX),
    0x04: _two(5, _div),
    0x05: _two(5, _sdiv),
    0x06: _two(5, _mod),
    0x07: _two(5, _smod),
    0x08: Instruction(8, 3, 1, _ternary(_addmod)),
    0x09: Instruction(8, 3, 1, _ternary(_mulmod)),
    0x0A: Instruction(10, 2, 1, _exp),
    0x0B: _two(5, _signextend),
    0x10: _two(3, lambda a, b: int(a < b)),
    0x11: _two(3, lambda a, b: int(a > b)),
    0x12: _two(3, lambda a, b: int(signed(a) < signed(b))),
    0x13: _two(3, lambda a, b: int(signed(a) > signed(b))),
    0x14: _two(3, lambda a, b: int(a == b)),
    0x15: Instruction(3, 1, 1, _unary(lambda a: int(a == 0))),
    0x16: _two(3, lambda a, b: a & b),
    0x17: _two(3, lambda a, b: a | b),
    0x18: _two(3, lambda a, b: a ^ b),
    0x19: Instruction(3, 1, 1, _unary(lambda a: a ^ UINT256_MAX)),
    0x1A: _two(3, _byte),
    0x1B: _two(3, _shl),
    0x1C: _two(3, _shr),
    0x1D: _two(3, _sar),
}
