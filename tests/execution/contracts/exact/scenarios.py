"""The 24 scenarios and what an account loses in them (MARGIN.md, "Requirements")."""

from dataclasses import dataclass
from fractions import Fraction

from tests.execution.contracts.exact.fills import notional
from tests.execution.contracts.exact.holdings import OptionHolding, Underlying
from tests.execution.contracts.exact.rounding import floor, trunc
from tests.execution.contracts.exact.units import PPM


@dataclass(frozen=True, slots=True)
class Scenario:
    """A move of spot and its weight, ppm, and whether volatility rises."""

    move: int
    volatility_up: bool
    weight: int = PPM


def _tail(percent: int) -> Scenario:
    """A far move counts for what 16% of it would be."""
    return Scenario(percent * 10**4, True, trunc(Fraction(16 * PPM, abs(percent))))


def _both(percent: int) -> tuple[Scenario, Scenario]:
    return Scenario(percent * 10**4, True), Scenario(percent * 10**4, False)


SCENARIOS = (
    Scenario(160_000, True),
    *(one for percent in (12, 8, 4, 0, -4, -8, -12) for one in _both(percent)),
    Scenario(-160_000, True),
    *(_tail(percent) for percent in (-66, -33, 50, 100, 200, 300, 400, 500)),
)


def weighted(scenario: Scenario, change: Fraction) -> int:
    """p8, floored: what a unit's change (p8) counts in a scenario."""
    return floor(Fraction(scenario.weight, PPM) * change)


def perp_changes(mark: int) -> tuple[int, ...]:
    """p8: what a unit of a perpetual gains in each scenario."""
    return tuple(weighted(s, Fraction(s.move * mark, PPM)) for s in SCENARIOS)


def gains(held: Underlying) -> tuple[int, ...]:
    """q6: what the holdings on one underlying gain in each scenario, each rounded down."""
    sums = [0] * len(SCENARIOS)
    for perp in held.perps:
        changes = perp_changes(perp.mark)
        sums = [total + floor(notional(perp.size, a)) for total, a in zip(sums, changes)]
    for option in held.options:
        assert len(option.changes) == len(SCENARIOS)
        sums = [total + option.counted(a) for total, a in zip(sums, option.changes)]
    return tuple(sums)


def worst(held: Underlying) -> int:
    """q6: W, the lowest scenario's gain, at most 0."""
    return min(0, *gains(held))


def naked(options: tuple[OptionHolding, ...]) -> int:
    """s8: options sold beyond those bought, by (expiry, strike), calls and puts together."""
    net: dict[tuple[int, int], int] = {}
    for option in options:
        key = option.expiry, option.strike
        net[key] = net.get(key, 0) + option.size
    return sum(max(0, -size) for size in net.values())
