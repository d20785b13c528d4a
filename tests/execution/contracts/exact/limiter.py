"""The withdrawal limiter: how fast collateral may leave (MARGIN.md, "Circuit breakers")."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.execution.contracts.exact.rounding import floor
from tests.execution.contracts.exact.units import PPM


@dataclass(frozen=True, slots=True)
class Window:
    """One window's rules: baseline max(minimum q6, ppm of TVL), period s, ceiling of credit q6."""

    minimum: int
    ppm: int
    period: int
    credit_cap: int

    def baseline(self, tvl: int) -> int:
        """q6, floored; what capacity starts at and returns to."""
        return max(self.minimum, floor(Fraction(tvl * self.ppm, PPM)))

    def refilled(self, capacity: int, tvl: int, seconds: int) -> int:
        """Capacity before an operation: toward the baseline of the TVL before it, never across."""
        baseline = self.baseline(tvl)
        step = floor(Fraction(max(baseline, capacity - baseline) * seconds, self.period))
        if capacity < baseline:
            return min(baseline, capacity + step)
        return max(baseline, capacity - step)

    def credited(self, capacity: int, amount: int) -> int:
        """Capacity after a deposit, which lifts it to the credit cap at most and never lowers it.

        The cap bounds the capacity and not each deposit, so that splitting one gains nothing.
        """
        return max(capacity, min(capacity + amount, self.credit_cap))


def withdrawn(capacities: Sequence[int], amount: int) -> tuple[int, ...] | None:
    """Every window's capacity after a withdrawal; None where one of them is too small for it."""
    if any(amount > capacity for capacity in capacities):
        return None
    return tuple(capacity - amount for capacity in capacities)
