"""How much of an account that fails is closed (MARGIN.md, "When an account fails", 1)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Generic, TypeVar

from tests.execution.contracts.exact.fills import fee, option_trade, trade
from tests.execution.contracts.exact.holdings import Account, OptionHolding, PerpHolding, Underlying
from tests.execution.contracts.exact.liquidation_price import with_perp
from tests.execution.contracts.exact.requirements import (
    Standing,
    equity,
    maintenance_of,
    standing,
)
from tests.execution.contracts.exact.rounding import Exact, ceil, multiple_above
from tests.execution.contracts.exact.units import PPM, Q6

Holding = TypeVar("Holding", PerpHolding, OptionHolding)


@dataclass(frozen=True, slots=True)
class Closing:
    """An account after a liquidation's fill, and the fee that insurance got of it (q6)."""

    account: Account
    fee: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What the backstop takes: positions at the mark or a series' value, less slippage (ppm)."""

    fee_ppm: int
    slippage_ppm: int = 0


@dataclass(frozen=True, slots=True)
class _Part(Generic[Holding]):
    """What is left of a holding after a part is closed, the cash that paid, and the fee (q6)."""

    left: Holding
    paid: int
    fee: int


def is_solvable(fee_ppm: int, slippage_ppm: int, maintenance_ppm: int) -> bool:
    """Whether closing gains more room than it costs: configuration is refused otherwise."""
    return 4 * (fee_ppm + slippage_ppm) < 5 * maintenance_ppm


def closing_order(perps: Iterable[tuple[int, PerpHolding]]) -> list[int]:
    """The ids of (id, position) in descending maintenance, ties to the lower id."""
    return [number for number, _ in sorted(perps, key=lambda p: (-maintenance_of(p[1]), p[0]))]


def reaches_target(account: Account, is_portfolio: bool = False) -> bool:
    """Whether equity is at least 1.25 times maintenance."""
    now = standing(account, is_portfolio)
    return 4 * now.equity >= 5 * now.maintenance


def closed(
    account: Account, underlying: int, perp: int, size: int, price: int, fee_ppm: int
) -> Closing:
    """Close `size` lots (s8, unsigned) of a perpetual at a price, and take the fee.

    The fee is capped by the equity that the fill leaves, so that it never makes a debt.
    """
    held = account.underlyings[underlying].perps[perp]
    part = _reduced(held, size, price, fee_ppm)
    filled = replace(with_perp(account, underlying, perp, part.left), cash=account.cash + part.paid)
    return _charged(filled, part.fee)


def liquidation_size(
    account: Account,
    underlying: int,
    perp: int,
    price: int,
    fee_ppm: int,
    is_portfolio: bool = False,
) -> int:
    """s8: the smallest lot multiple that reaches the target at this price, else the whole size."""
    held = account.underlyings[underlying].perps[perp]
    lots = abs(held.size) // held.lot

    def reaches(count: int) -> bool:
        after = closed(account, underlying, perp, count * held.lot, price, fee_ppm).account
        return reaches_target(after, is_portfolio)

    if is_portfolio or account.options:
        return _first(reaches, 1, lots) * held.lot
    lowest = _fewest_lots(account, held, price, fee_ppm)
    found = (count for count in range(lowest, lots) if reaches(count))
    return next(found, lots) * held.lot


def debt_left(before: Standing, rest: Standing, cash: int) -> int:
    """q6, zero or less: the debt that stays with what no vault took of a bankrupt account.

    Its share by maintenance margin, or all that it lost itself where that is more, and never more
    than there was. `rest` and `cash` are the account's before insurance pays.
    """
    if before.equity >= 0 or not before.maintenance:
        return 0
    share = ceil(Fraction(before.equity * rest.maintenance, before.maintenance))
    return max(before.equity, min(share, rest.equity - cash))


def surrendered(account: Account, ppm: int, terms: Terms) -> Closing:
    """Give the backstop a fraction of every position, and take the fees of all fills together."""
    cash, charge, groups = account.cash, 0, []
    for group in account.underlyings:
        perps = [_surrendered_perp(perp, ppm, terms) for perp in group.perps]
        options = [_surrendered_option(option, ppm, terms) for option in group.options]
        cash += sum(one.paid for one in perps) + sum(one.paid for one in options)
        charge += sum(one.fee for one in perps) + sum(one.fee for one in options)
        left = tuple(one.left for one in perps), tuple(one.left for one in options)
        groups.append(Underlying(group.index, *left))
    return _charged(Account(cash, tuple(groups)), charge)


def smallest_fraction(account: Account, terms: Terms) -> int:
    """ppm of every position that reaches the target when given; all of it where none does.

    Found by halving: what is left shrinks evenly but for the rounding to lots.
    """

    def reaches(ppm: int) -> bool:
        return reaches_target(surrendered(account, ppm, terms).account, is_portfolio=True)

    return _first(reaches, 1, PPM)


def unrounded_fraction(now_equity: int, maintenance: int, cost: Exact) -> Fraction:
    """The fraction that would reach the target unrounded; giving everything costs `cost` q6."""
    return (5 * maintenance - 4 * Fraction(now_equity)) / (5 * maintenance - 4 * Fraction(cost))


def _reduced(held: PerpHolding, size: int, price: Exact, fee_ppm: int) -> _Part[PerpHolding]:
    """Settle the funding and close `size` of a position."""
    after = trade(held.size, held.cost, _against(held.size, size), price)
    left = replace(held, size=after.size, cost=after.cost, funding_change=0)
    return _Part(left, held.unsettled + after.realised, fee(size, price, fee_ppm))


def _surrendered_perp(held: PerpHolding, ppm: int, terms: Terms) -> _Part[PerpHolding]:
    size = _share(held.size, held.lot, ppm)
    return _reduced(held, size, _slipped(held.size, held.mark, terms), terms.fee_ppm)


def _surrendered_option(held: OptionHolding, ppm: int, terms: Terms) -> _Part[OptionHolding]:
    size = _share(held.size, held.lot, ppm)
    price = _slipped(held.size, held.value + (held.size < 0), terms)
    left, paid = option_trade(held.size, _against(held.size, size), price)
    return _Part(replace(held, size=left), paid, fee(size, price, terms.fee_ppm))


def _charged(filled: Account, charge: int) -> Closing:
    fee = min(charge, max(0, equity(filled)))
    return Closing(replace(filled, cash=filled.cash - fee), fee)


def _fewest_lots(account: Account, held: PerpHolding, price: int, fee_ppm: int) -> int:
    """Below this many lots the target is out of reach, whatever the rounding.

    Unrounded, 4 E - 5 MM rises in a line with what is closed. Rounding helps by less than 1 in the
    equity and less than 1 in the requirement, so by less than 9.
    """
    now = standing(account)
    adverse = held.mark - price if held.size > 0 else price - held.mark
    room = Fraction(5 * held.maintenance_fraction * held.mark, PPM)
    slope = (room - 4 * (adverse + Fraction(fee_ppm * price, PPM))) / Q6
    if slope <= 0:
        return abs(held.size) // held.lot
    need = 5 * now.maintenance - 4 * now.equity - 9
    return max(1, ceil(need / slope / held.lot))


def _first(reaches: Callable[[int], bool], lowest: int, highest: int) -> int:
    """The first number that reaches; the highest where none below it does."""
    while lowest < highest:
        middle = (lowest + highest) // 2
        lowest, highest = (lowest, middle) if reaches(middle) else (middle + 1, highest)
    return highest


def _share(size: int, lot: int, ppm: int) -> int:
    """s8, unsigned: a fraction of a position in whole lots, rounded up."""
    return min(abs(size), multiple_above(Fraction(abs(size) * ppm, PPM), lot))


def _slipped(size: int, price: int, terms: Terms) -> Fraction:
    """The price moved against a holder who closes."""
    slippage = -terms.slippage_ppm if size > 0 else terms.slippage_ppm
    return Fraction(price * (PPM + slippage), PPM)


def _against(size: int, closed_size: int) -> int:
    """The signed fill that closes this much."""
    return -closed_size if size > 0 else closed_size
