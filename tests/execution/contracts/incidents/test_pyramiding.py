"""dYdX YFI, November 2023: gains that buy more of what they were made with."""

from dataclasses import replace

from execution.contracts.genesis import BTC_USD, ETH_USD, SIZE_ONE
from execution.margin import Reason
from tests.execution.contracts.house import USD
from tests.execution.contracts.wreck import BTC, Wreck, coins, usd

NARROW = replace(
    BTC_USD,
    oi_low=20 * SIZE_ONE,
    oi_high=100 * SIZE_ONE,
    oi_cap=60 * SIZE_ONE,
    safety=replace(BTC_USD.safety, pause_move=0),
)
"""A coin of which sixty are a large part of all that trades."""


def test_dydx_yfi_2023_a_pyramid_needs_more_margin_the_higher_it_is() -> None:
    """The price is pumped, and each gain buys as much more as margin allows.

    The fraction that is asked for rises with open interest, so that the pyramid stops long before
    the cap; and when the price falls back, what the pyramid has put up covers its own loss.
    """
    house = Wreck(markets=(NARROW, ETH_USD))
    pyramid, others = house.trader(1, 100_000 * USD), house.trader(2, 10**9 * USD)
    price = 60_000
    while price < 90_000:
        while not house.trade(pyramid, others, coins(0.5), usd(price)).rejections:
            pass
        price += 1_000
        house.crash(usd(price))
    fraction, _ = house.read("marginFractions", BTC)
    assert fraction > 5 * NARROW.imf
    held = house.read("getMarket", BTC)["flow"]["openInterest"]
    assert held < NARROW.oi_cap
    assert house.read("requirements", pyramid.account)["withdrawable"] == 0
    house.crash(usd(price * 94 // 100))
    assert house.equity(pyramid) > 0


def test_dydx_yfi_2023_no_market_grows_above_its_cap() -> None:
    house = Wreck(markets=(NARROW, ETH_USD))
    rich, others = house.trader(1, 10**9 * USD), house.trader(2, 10**9 * USD)
    assert not house.trade(rich, others, coins(60), usd(60_000)).rejections
    refused = house.trade(rich, others, NARROW.lot, usd(60_000)).rejections
    assert refused == [(0, Reason.OPEN_INTEREST_CAP)]
