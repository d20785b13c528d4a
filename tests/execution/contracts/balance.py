"""Whether the books balance: nothing was made or lost, in open markets or in closed ones.

MARGIN.md, "Invariants", 1, 2, 4, 5 and 11, for every account of a house.
"""

from fractions import Fraction

from execution.margin.accounts import PositionState
from execution.margin.markets import ClosingState
from tests.execution.contracts.exact.rounding import floor
from tests.execution.contracts.exact.units import Q6
from tests.execution.contracts.house import House
from tests.execution.contracts.picture import (
    DEBTORS_END,
    AccountPicture,
    MarketPicture,
    Picture,
    take_picture,
)

__all__ = ["DEBTORS_END", "assert_balanced", "check_balance"]


def assert_balanced(house: House) -> None:
    """Fails with the first thing that doesn't add up."""
    check_balance(take_picture(house))


def check_balance(picture: Picture) -> None:
    """As `assert_balanced`, of books that were read already."""
    for number, market in enumerate(picture.markets):
        _check_market(market, number, list(picture.positions(number)))
    for series in picture.series:
        _check_series(picture, series)
    _check_debts(picture)
    _check_custody(picture)


def _check_custody(picture: Picture) -> None:
    """What the books hold is what they owe, to the last unit."""
    accounts = picture.accounts.values()
    owed = picture.custody.fees + picture.custody.insurance
    owed += sum(account.state.cash for account in accounts)
    owed -= sum(
        position.cost
        for account in accounts
        for market, position in account.positions.items()
        if market not in account.claims
    )
    owed += sum(series.pool for series in picture.series.values())
    owed += sum(market.state.pool + _cover(market) for market in picture.markets)
    assert picture.custody.held == owed
    assert picture.tokens >= picture.custody.held


def _cover(market: MarketPicture) -> int:
    """q6: what a closed market holds for those who aren't registered and for claims."""
    closing = market.closing
    if closing is None:
        return -market.debt
    left = closing.longs_left - closing.shorts_left
    return floor(Fraction(left * closing.price, Q6)) + closing.collected - market.debt


def _check_market(
    market: MarketPicture, number: int, held: list[tuple[AccountPicture, PositionState]]
) -> None:
    for _, one in held:
        assert one.size != 0
        assert one.cost != 0
        assert one.size * one.cost > 0
    longs = sum(max(one.size, 0) for _, one in held)
    assert market.state.open_interest == longs
    if market.closing is None:
        assert longs == sum(max(-one.size, 0) for _, one in held)
    else:
        _check_closing(market.closing, number, held)


def _check_closing(
    closing: ClosingState, number: int, held: list[tuple[AccountPicture, PositionState]]
) -> None:
    left = [one.size for account, one in held if number not in account.claims]
    assert closing.longs_left == sum(max(size, 0) for size in left)
    assert closing.shorts_left == sum(max(-size, 0) for size in left)
    assert closing.claims == sum(account.claims.get(number, 0) for account, _ in held)


def _check_series(picture: Picture, number: int) -> None:
    sizes = [account.options.get(number, 0) for account in picture.accounts.values()]
    series = picture.series[number]
    assert series.open_interest == sum(max(size, 0) for size in sizes)
    assert series.shorts_left == sum(max(-size, 0) for size in sizes)
    assert series.pool >= 0


def _check_debts(picture: Picture) -> None:
    debts = sum(account.debt for account in picture.accounts.values())
    debts += sum(market.debt for market in picture.markets)
    assert picture.custody.reported_debt == debts
    assert picture.custody.insurance == sum(market.insurance for market in picture.markets)
