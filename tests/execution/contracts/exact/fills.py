"""A fill: what it is worth, what it costs, and what it does to a position.

MARGIN.md, "Orders and settlement".
A position is its signed size s8 and its cost q6, both of the same sign.
"""

from fractions import Fraction
from typing import NamedTuple

from tests.execution.contracts.exact.rounding import Exact, ceil, floor
from tests.execution.contracts.exact.units import PPM, Q6


class Trade(NamedTuple):
    """A position after a fill, and what the fill paid to cash (q6)."""

    size: int
    cost: int
    realised: int


def notional(size: int, price: Exact) -> Fraction:
    """q6, signed as the size, exact."""
    return Fraction(size) * price / Q6


def fee(size: int, price: Exact, ppm: int) -> int:
    """q6, rounded up: what a side pays for a fill; negative for a rebate."""
    return ceil(abs(notional(size, price)) * Fraction(ppm, PPM))


def pays_fees(size: int, price: int, taker_ppm: int, maker_ppm: int) -> bool:
    """Whether the system is paid by a fill, both sides together (invariant 9)."""
    return fee(size, price, taker_ppm) + fee(size, price, maker_ppm) >= 0


def trade(size: int, cost: int, delta: int, price: Exact) -> Trade:
    """The position after `delta` s8 is bought (or sold, below zero) at the price.

    At a tick and in lots every part is whole. Where a failing account is closed at some other
    price, cash less cost moves by the notional rounded against that account.
    """
    closed = _closing(size, delta)
    released = ceil(Fraction(cost * abs(closed), abs(size))) if closed else 0
    realised = floor(-notional(closed, price)) - released if closed else 0
    added = ceil(notional(delta - closed, price))
    return Trade(size + delta, cost - released + added, realised)


def option_trade(size: int, delta: int, price: Exact) -> tuple[int, int]:
    """The size of an option holding after a fill, and the premium to cash: options keep no cost."""
    return size + delta, floor(-notional(delta, price))


def _closing(size: int, delta: int) -> int:
    """The part of a fill that reduces the position, signed as the fill."""
    if size * delta >= 0:
        return 0
    closed = min(abs(size), abs(delta))
    return closed if delta > 0 else -closed
