"""Black's formula of 1976 and the gains of MARGIN.md's scenarios, to 60 digits.

Everything is a `Decimal` in USD, years or plain ratios; whole numbers carry the unit in their
name. The normal distribution comes from its own series around 0.
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal, localcontext

from tests.execution.contracts.exact.scenarios import SCENARIOS
from tests.execution.contracts.exact.units import PPM

DIGITS = 60
CONTEXT = Context(prec=DIGITS)

PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
WAD = 10**18
PRICE_ONE = 10**8
"""p8 of one USD."""
YEAR = 365 * 86_400
DAY = 86_400

FAR = Decimal(16)
"""N(-16) is 7e-58: from there on N counts as 0 or 1."""


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
                option.forward * (PPM + scenario.move) / PPM,
                option.strike,
                up if scenario.volatility_up else down,
                option.seconds_left,
                option.discount,
            )
            weight = Decimal(scenario.weight) / PPM
            result.append(weight * (value(moved) - now) * PRICE_ONE)
        return result
