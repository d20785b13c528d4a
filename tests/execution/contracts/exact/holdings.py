"""What an account holds, as the requirements look at it."""

from dataclasses import dataclass
from fractions import Fraction

from tests.execution.contracts.exact.fills import notional
from tests.execution.contracts.exact.funding import payment
from tests.execution.contracts.exact.rounding import floor


@dataclass(frozen=True, slots=True)
class PerpHolding:
    """A perpetual: size s8, cost q6, the mark p8, fractions in ppm.

    `initial_fraction` has already risen with open interest; `funding_change` (f12) is by how much
    the funding index has moved since the position last settled. A market that `ended` asks for
    nothing, for its price can't move.
    """

    size: int
    cost: int
    mark: int
    initial_fraction: int
    maintenance_fraction: int
    funding_change: int = 0
    lot: int = 1
    ended: bool = False

    @property
    def notional(self) -> Fraction:
        """q6, not negative, exact: what requirements are a part of."""
        return Fraction(0) if self.ended else abs(notional(self.size, self.mark))

    @property
    def gain(self) -> int:
        """q6: the unrealised gain, floored."""
        return floor(notional(self.size, self.mark)) - self.cost

    @property
    def unsettled(self) -> int:
        """q6: funding that a settlement would pay now, floored."""
        return payment(self.size, self.funding_change)


@dataclass(frozen=True, slots=True)
class OptionHolding:
    """An option: size s8, and its series: expiry s, strike p8, value p8 and 24 changes of value p8.

    The value and the changes are floored, as the series array keeps them.
    """

    size: int
    expiry: int
    strike: int
    is_put: bool
    value: int
    changes: tuple[int, ...]
    lot: int = 1

    @property
    def worth(self) -> int:
        """q6: floored for a long, up in magnitude for a short, whose unit counts one p8 more."""
        return self.counted(self.value)

    def counted(self, floored: int) -> int:
        """q6 of this size of something whose unit is worth `floored` p8 or up to one p8 more."""
        return floor(notional(self.size, floored + (self.size < 0)))


@dataclass(frozen=True, slots=True)
class Underlying:
    """All that an account holds on one underlying, whose index is p8."""

    index: int
    perps: tuple[PerpHolding, ...] = ()
    options: tuple[OptionHolding, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """Cash q6, and holdings by underlying."""

    cash: int
    underlyings: tuple[Underlying, ...]

    @classmethod
    def of_perps(cls, cash: int, *perps: PerpHolding) -> "Account":
        """An account for cross margin, which doesn't look at underlyings."""
        return cls(cash, (Underlying(0, perps),))

    @property
    def perps(self) -> tuple[PerpHolding, ...]:
        return tuple(perp for held in self.underlyings for perp in held.perps)

    @property
    def options(self) -> tuple[OptionHolding, ...]:
        return tuple(option for held in self.underlyings for option in held.options)
