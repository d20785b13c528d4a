"""Funding of perpetuals, from a premium sample to the payment (MARGIN.md, "Funding")."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from tests.execution.contracts.exact.rounding import clamp, floor, trunc
from tests.execution.contracts.exact.units import F12_OF_RATED_PRICE, FUNDING, R12

RATE_SECONDS = 28_800
"""A rate is for eight hours."""


def premium(impact_bid: int | None, impact_ask: int | None, index: int, cap: int) -> int:
    """r12: one sample of how far the book stands from the index (all p8).

    A side that is missing is infinitely far away and adds nothing.
    """
    above = 0 if impact_bid is None else max(0, impact_bid - index)
    below = 0 if impact_ask is None else max(0, index - impact_ask)
    return clamp(trunc(Fraction((above - below) * R12, index)), cap)


def average(samples: Sequence[int], expected: int) -> int:
    """r12: the mean over the fixed number of samples of an interval; missing ones count 0."""
    assert len(samples) <= expected
    return trunc(Fraction(sum(samples), expected))


def rate(mean: int, interest: int, interest_clamp: int, cap: int) -> int:
    """r12 for eight hours."""
    return clamp(mean + clamp(interest - mean, interest_clamp), cap)


def index_change(funding_rate: int, index: int, seconds: int) -> int:
    """f12: by how much the funding index moves over an interval, at the index price p8."""
    exact = Fraction(funding_rate * index * seconds, RATE_SECONDS * F12_OF_RATED_PRICE)
    return trunc(exact)


def payment(size: int, change: int) -> int:
    """q6 to cash of a position over which the funding index moved by `change` f12."""
    return floor(Fraction(-size * change, FUNDING))


def pool_with_unsettled(
    pool: int, holdings: Iterable[tuple[int, int]], funding_index: int
) -> Fraction:
    """q6, exact: the pool once every (size, index at its last settlement) has been paid.

    Invariant 3: never negative, and below the number of settlements plus one.
    """
    return pool + sum(
        (Fraction(size * (funding_index - entered), FUNDING) for size, entered in holdings),
        Fraction(0),
    )
