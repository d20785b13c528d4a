"""From signed reports and the book to the index and the mark (MARGIN.md, "Oracle and mark")."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from tests.execution.contracts.exact.rounding import floor
from tests.execution.contracts.exact.units import PPM

TAU_SECONDS = 150
"""Time constant of the average of (mid - index)."""

_DIGITS = Context(prec=50)


def has_quorum(present: int, total: int) -> bool:
    """Whether the weight of those present exceeds half of all weight."""
    return 2 * present > total


def weighted_median(reports: Iterable[tuple[int, int]]) -> int:
    """Of (price, weight), the first in order of price with half of the weight up to it."""
    ordered = sorted(reports)
    present = sum(weight for _, weight in ordered)
    reached = 0
    for price, weight in ordered:
        reached += weight
        if 2 * reached >= present:
            return price
    raise ValueError("no reports")


def median(first: int, second: int, third: int) -> int:
    """The middle one of three."""
    return sorted((first, second, third))[1]


def decay(seconds: int) -> Fraction:
    """e^(-seconds / tau), right to 50 digits: the model's only number that isn't rational."""
    return Fraction(_DIGITS.exp(_DIGITS.divide(Decimal(-seconds), Decimal(TAU_SECONDS))))


@dataclass(frozen=True, slots=True)
class Average:
    """An exponential average of p8 samples: numerator p8 * s, denominator s, both unrounded."""

    numerator: Fraction = Fraction(0)
    denominator: Fraction = Fraction(0)

    def step(self, sample: int, seconds: int) -> "Average":
        """The average after a sample that stood for this many seconds."""
        kept = decay(seconds)
        return Average(self.numerator * kept + sample * seconds, self.denominator * kept + seconds)

    @property
    def value(self) -> int:
        """p8, floored; 0 before the first sample."""
        return floor(self.numerator / self.denominator) if self.denominator else 0


def band(index: int, ppm: int) -> int:
    """p8: how far the mark may stand from the index."""
    return floor(Fraction(index * ppm, PPM))


def mark(index: int, basis: int, book: int, external: int, width: int) -> int:
    """p8, within `width` of the index.

    The median of the index plus the average basis (mid - index), the book's median of bid, ask and
    last, and an external perpetual. A part that is missing or stale is given as the index itself.
    """
    middle = median(index + basis, book, external)
    return max(index - width, min(middle, index + width))
