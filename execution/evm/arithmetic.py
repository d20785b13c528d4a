"""The commonest operations on words. py-evm's own of the rarer ones serve as they are.

A program spends most of its gas here, at three to five a time, so each is one function on the
stack's list: pops, computes, pushes, and can't overflow a stack that it has just popped from.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from eth.exceptions import InsufficientStack
from eth.vm import opcode_values as op

Logic: TypeAlias = Callable[[Any], None]
"""What an opcode does on a py-evm computation, which has no types of its own."""

MASK: Final = 2**256 - 1
SIGN: Final = 2**255

_UNDERFLOW: Final = "stack underflow"


def _add(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append((stack.pop() + stack.pop()) & MASK)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _mul(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append((stack.pop() * stack.pop()) & MASK)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _sub(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append((stack.pop() - stack.pop()) & MASK)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _div(computation: Any) -> None:
    stack = computation.stack
    try:
        dividend, divisor = stack.pop(), stack.pop()
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None
    stack.append(dividend // divisor if divisor else 0)


def _mod(computation: Any) -> None:
    stack = computation.stack
    try:
        dividend, divisor = stack.pop(), stack.pop()
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None
    stack.append(dividend % divisor if divisor else 0)


def _lt(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append(1 if stack.pop() < stack.pop() else 0)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _gt(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append(1 if stack.pop() > stack.pop() else 0)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _slt(computation: Any) -> None:
    """Two's complement compares like unsigned words whose sign bit is flipped."""
    stack = computation.stack
    try:
        stack.append(1 if stack.pop() ^ SIGN < stack.pop() ^ SIGN else 0)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _sgt(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append(1 if stack.pop() ^ SIGN > stack.pop() ^ SIGN else 0)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _eq(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append(1 if stack.pop() == stack.pop() else 0)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _iszero(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append(0 if stack.pop() else 1)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _and(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append(stack.pop() & stack.pop())
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _or(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append(stack.pop() | stack.pop())
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _xor(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append(stack.pop() ^ stack.pop())
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _not(computation: Any) -> None:
    stack = computation.stack
    try:
        stack.append(stack.pop() ^ MASK)
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None


def _shl(computation: Any) -> None:
    stack = computation.stack
    try:
        shift, value = stack.pop(), stack.pop()
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None
    stack.append((value << shift) & MASK if shift < 256 else 0)


def _shr(computation: Any) -> None:
    stack = computation.stack
    try:
        shift, value = stack.pop(), stack.pop()
    except IndexError:
        raise InsufficientStack(_UNDERFLOW) from None
    stack.append(value >> shift if shift < 256 else 0)


VERY_LOW, LOW = 3, 5
"""Prices (Yellow Paper, appendix G)."""

OPERATIONS: Final[dict[int, tuple[int, Logic]]] = {
    op.ADD: (VERY_LOW, _add),
    op.MUL: (LOW, _mul),
    op.SUB: (VERY_LOW, _sub),
    op.DIV: (LOW, _div),
    op.MOD: (LOW, _mod),
    op.LT: (VERY_LOW, _lt),
    op.GT: (VERY_LOW, _gt),
    op.SLT: (VERY_LOW, _slt),
    op.SGT: (VERY_LOW, _sgt),
    op.EQ: (VERY_LOW, _eq),
    op.ISZERO: (VERY_LOW, _iszero),
    op.AND: (VERY_LOW, _and),
    op.OR: (VERY_LOW, _or),
    op.XOR: (VERY_LOW, _xor),
    op.NOT: (VERY_LOW, _not),
    op.SHL: (VERY_LOW, _shl),
    op.SHR: (VERY_LOW, _shr),
}
"""By opcode: its price and what it does."""
