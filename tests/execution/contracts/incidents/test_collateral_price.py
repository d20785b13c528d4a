"""Binance, October 2025: collateral that was worth what a thin book of the house's own said."""

import pytest

from tests.execution.contracts.house import OPERATORS, USD, Reverted
from tests.execution.contracts.wreck import ANYONE, BTC, ETH, Wreck, coins, usd

MATCHER = OPERATORS.matcher.address


def test_binance_2025_collateral_is_worth_itself_whatever_any_market_says() -> None:
    """Cash is counted in the token's own unit: no price, book or report moves it."""
    house = Wreck()
    saver = house.trader(1, 10_000 * USD + 7)
    for market, price in ((BTC, usd(20_000)), (ETH, usd(1)), (BTC, usd(200_000))):
        house.crash(price, market=market)
        house.send(MATCHER, "postBookSample", market, (1, 2, 1, 2, 1))
        standing = house.read("requirements", saver.account)
        assert standing["equity"] == standing["withdrawable"] == 10_000 * USD + 7


def test_binance_2025_a_dumped_book_of_our_own_liquidates_nobody() -> None:
    """A book at a third of the price moves the mark by its band, which margin outlasts."""
    house = Wreck()
    trader, other = house.trader(1, 3_000 * USD), house.trader(2, 50_000 * USD)
    house.trade(trader, other, coins(1), usd(60_000))
    third = usd(20_000)
    for _ in range(30):
        house.advance(10)
        house.crash(usd(60_000))
        house.send(MATCHER, "postBookSample", BTC, (third, third + 1, third, third + 1, third))
    mark = house.read("getMarket", BTC)["price"]["mark"]
    assert mark >= usd(60_000) * 99 // 100
    with pytest.raises(Reverted, match="NotLiquidatable"):
        house.send(ANYONE, "takeOver", trader.account)
