"""What a series settles at and what its holders are paid (MARGIN.md, "Requirements")."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.execution.contracts.exact.fills import notional
from tests.execution.contracts.exact.rounding import floor

GRID_SECONDS = 60
GRID_POINTS = 30
"""The last thirty minutes, the last point being the expiry itself."""


def grid(expiry: int) -> tuple[int, ...]:
    """The moments (s) at which the index is sampled."""
    first = expiry - (GRID_POINTS - 1) * GRID_SECONDS
    return tuple(range(first, expiry + 1, GRID_SECONDS))


def sample(reports: Iterable[tuple[int, int]], moment: int) -> int:
    """p8: the last (time, price) just before a moment; a report of that very second is too late."""
    before = [report for report in reports if report[0] < moment]
    if not before:
        raise ValueError(f"no price before {moment}")
    return max(before, key=lambda report: report[0])[1]


def settlement_price(reports: Sequence[tuple[int, int]], expiry: int) -> int:
    """p8: the floor of the unweighted mean over the grid."""
    total = sum(sample(reports, moment) for moment in grid(expiry))
    return floor(Fraction(total, GRID_POINTS))


def payoff(is_put: bool, strike: int, settlement: int, size: int) -> int:
    """q6 to cash of a holding: floored, which makes a short pay up to the next unit."""
    unit = strike - settlement if is_put else settlement - strike
    return floor(notional(size, max(0, unit)))


@dataclass(frozen=True, slots=True)
class Settlement:
    """What each winner gets, what insurance adds, and what stays in the pool (q6)."""

    paid: tuple[int, ...]
    insurance_used: int
    pool: int


def settle(winners: Sequence[int], pool: int, insurance: int) -> Settlement:
    """Pay the winners (q6 each) from the pool of what losers paid, then from insurance.

    What is still short reduces every winner in proportion, floored; the dust stays in the pool.
    """
    owed = sum(winners)
    used = min(insurance, max(0, owed - pool))
    available = max(0, min(owed, pool + used))
    paid = tuple(floor(Fraction(amount * available, owed)) if owed else 0 for amount in winners)
    return Settlement(paid, used, pool + used - sum(paid))
