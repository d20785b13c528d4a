"""Whom a loss that nothing covers is closed against, and at what price.

MARGIN.md, "When an account fails", 4.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from tests.execution.contracts.exact.fills import notional, trade
from tests.execution.contracts.exact.rounding import Exact, floor, multiple_above, multiple_below
from tests.execution.contracts.exact.units import Q6


def exact_bankruptcy_price(
    size: int, mark: int, equity: int, own_maintenance: int, maintenance: int
) -> Fraction:
    """p8: closing here takes the position's share of the account's equity, by maintenance."""
    share = Fraction(equity * own_maintenance, maintenance)
    return mark - share * Q6 / size


def bankruptcy_price(
    size: int, mark: int, equity: int, own_maintenance: int, maintenance: int, tick: int
) -> int:
    """p8, rounded to a tick in the bankrupt's favour: up for a long, who sells."""
    exact = exact_bankruptcy_price(size, mark, equity, own_maintenance, maintenance)
    return multiple_above(exact, tick) if size > 0 else multiple_below(exact, tick)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A counterparty: its account, its position (s8, q6) at the mark p8, and its equity q6."""

    account: int
    size: int
    cost: int
    mark: int
    equity: int

    @property
    def gain(self) -> int:
        """q6: the unrealised gain, floored."""
        return floor(notional(self.size, self.mark)) - self.cost

    @property
    def score(self) -> Fraction:
        """(uPnL / |cost|) * (notional / E): the position's profit times the account's leverage."""
        profit = Fraction(self.gain, abs(self.cost))
        return profit * abs(notional(self.size, self.mark)) / self.equity

    def may_face(self, bankrupt_size: int) -> bool:
        """Whether it stands on the other side, in profit, with equity to lose."""
        return self.size * bankrupt_size < 0 and self.gain > 0 and self.equity > 0

    def equity_after(self, closed: int, price: Exact) -> int:
        """q6: its equity once `closed` (s8, unsigned) of its position is closed at the price."""
        delta = -closed if self.size > 0 else closed
        after = trade(self.size, self.cost, delta, price)
        left = floor(notional(after.size, self.mark)) - after.cost
        return self.equity - self.gain + after.realised + left

    def outranks(self, other: "Candidate") -> bool:
        """Whether it goes first: the higher score, and of equals the lower id."""
        return (-self.score, self.account) < (-other.score, other.account)


def queue(candidates: Iterable[Candidate], bankrupt_size: int) -> list[Candidate]:
    """Those who may face the bankrupt position, in the order in which they do."""
    fit = [candidate for candidate in candidates if candidate.may_face(bankrupt_size)]
    return sorted(fit, key=lambda candidate: (-candidate.score, candidate.account))
