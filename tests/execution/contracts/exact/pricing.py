"""Black's formula of 1976 and the scenarios of MARGIN.md, with 60 digits and no code in common.

Everything is a `Decimal` in USD, years or plain ratios; whole numbers carry the unit in their
name. The normal distribution comes from its own series around 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal, localcontext

DIGITS = 60
CONTEXT = Context(prec=DIGITS)

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
WAD = 10**18
PRICE_ONE = 10**8
"""p8 of one USD."""
PPM = 10**6
YEAR = 365 * 86_400
DAY = 86_400

FAR = Decimal(16)
"""N(-16) is 7e-58: from there on N counts as 0 or 1."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A future: the spot's move, ppm, and whether volatility rises."""

    move_ppm: int
    volatility_up: bool
    is_tail: bool = False

    @property
    def weight_ppm(self) -> int:
        """1, or of a tail 0.16 / |u| truncated."""
        return 160_000 * PPM // abs(self.move_ppm) if self.is_tail else PPM


def _scenarios() -> tuple[Scenario, ...]:
    inner = [Scenario(u * 10_000, up) for u in range(12, -16, -4) for up in (True, False)]
    tails = (-66, -33, 50, 100, 200, 300, 400, 500)
    return (
        Scenario(160_000, True),
        *inner,
        Scenario(-160_000, True),
        *(Scenario(u * 10_000, True, is_tail=True) for u in tails),
    )


SCENARIOS = _scenarios()
"""In the order of MARGIN.md, "Requirements"."""


@dataclass(frozen=True, slots=True)
class Option:
    """A European option and what its value depends on; prices in USD."""

    is_put: bool
    forward: Decimal
    strike: Decimal
    volatility: Decimal
    seconds_left: int
    discount: Decimal = Decimal(1)

    @property
    def deviation(self) -> Decimal:
        """Standard deviation of the logarithm at expiry."""
        return self.volatility * (Decimal(self.seconds_left) / YEAR).sqrt()

    @property
    def intrinsic(self) -> Decimal:
        gain = self.strike - self.forward if self.is_put else self.forward - self.strike
        return max(Decimal(0), gain)


def floor(x: Decimal) -> int:
    """The largest whole number at most `x`."""
    return int(x.to_integral_value(ROUND_FLOOR))


def normal_cdf(x: Decimal) -> Decimal:
    """N(x) to 50 digits after the point (Abramowitz and Stegun 26.2.11)."""
    if abs(x) >= FAR:
        return Decimal(int(x > 0))
    with localcontext(CONTEXT):
        term = total = x
        odd = 1
        while abs(term) > Decimal(10) ** -DIGITS:
            odd += 2
            term *= x * x / odd
            total += term
        return Decimal("0.5") + total * (-x * x / 2).exp() / (2 * PI).sqrt()


def value(option: Option) -> Decimal:
    """USD a unit; discounted intrinsic value where nothing can change any more."""
    with localcontext(CONTEXT):
        s = option.deviation
        if s == 0:
            return option.discount * option.intrinsic
        d1 = (option.forward / option.strike).ln() / s + s / 2
        sign = -1 if option.is_put else 1
        return (
            sign
            * option.discount
            * (option.forward * normal_cdf(sign * d1) - option.strike * normal_cdf(sign * (d1 - s)))
        )


def delta(option: Option) -> Decimal:
    """Change of the value with the forward, where there is volatility and time."""
    with localcontext(CONTEXT):
        s = option.deviation
        d1 = (option.forward / option.strike).ln() / s + s / 2
        return option.discount * (normal_cdf(d1) - int(option.is_put))


def stressed(volatility: Decimal, seconds_left: int) -> tuple[Decimal, Decimal]:
    """Volatility of the scenarios in which it rises, and falls."""
    with localcontext(CONTEXT):
        days = Decimal(seconds_left) / DAY
        exponent = Decimal("0.30") if days < 30 else Decimal("0.13")
        m = (30 / max(Decimal(1), days)) ** exponent
        up = volatility * (1 + Decimal("0.40") * m)
        return up, volatility * max(Decimal(0), 1 - Decimal("0.22") * m)


def truncated_to_wad(x: Decimal) -> Decimal:
    """Volatilities, as all option maths, are whole numbers of 1e-18."""
    with localcontext(CONTEXT):
        return Decimal(floor(x * WAD)) / WAD


def gains(option: Option) -> list[Decimal]:
    """What one unit gains in each scenario, weighted: p8 before it is floored."""
    with localcontext(CONTEXT):
        now = value(option)
        up, down = map(truncated_to_wad, stressed(option.volatility, option.seconds_left))
        result = []
        for scenario in SCENARIOS:
            moved = Option(
                option.is_put,
                option.forward * (PPM + scenario.move_ppm) / PPM,
                option.strike,
                up if scenario.volatility_up else down,
                option.seconds_left,
                option.discount,
            )
            weight = Decimal(scenario.weight_ppm) / PPM
            result.append(weight * (value(moved) - now) * PRICE_ONE)
        return result


def perp_gains(mark_p8: int) -> list[int]:
    """What one unit of a perpetual gains in each scenario, weighted and floored: p8."""
    return [s.weight_ppm * s.move_ppm * mark_p8 // PPM**2 for s in SCENARIOS]


def payoff(is_put: bool, strike_p8: int, settlement_p8: int, size_s8: int) -> int:
    """What settlement pays, q6: floored for long and short."""
    gain = strike_p8 - settlement_p8 if is_put else settlement_p8 - strike_p8
    return size_s8 * max(0, gain) // 10**10


def holding_gains(lanes_p8: Sequence[int], size_s8: int) -> list[int]:
    """What `size` gains in each scenario, q6, rounded against the holder of a short option."""
    return [size_s8 * (a + (size_s8 < 0)) // 10**10 for a in lanes_p8]
