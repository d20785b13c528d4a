"""Dust fills: what is split into small parts must never be cheaper than the whole."""

import pytest

from execution.contracts.genesis import BTC_USD
from tests.execution.contracts.house import USD, House, Trader
from tests.execution.contracts.wreck import BTC, Wreck, usd

LOT, TICK = BTC_USD.lot, BTC_USD.tick
PRICE = usd(60_000) + 3 * TICK


def worth(house: House, trader: Trader) -> int:
    """q6: cash less cost."""
    cash = house.read("getAccount", trader.account)[1]["cash"]
    return int(cash - house.read("getPosition", trader.account, BTC)["cost"])


@pytest.mark.parametrize("closes", [False, True])
def test_dust_fills_cost_both_sides_no_less_than_one_fill(closes: bool) -> None:
    """Fees round up in each part, and cost is released in whole units against who closes."""
    house = Wreck()
    whole, parts = ([house.trader(n + side, 10**5 * USD) for side in (1, 2)] for n in (0, 2))
    count = 23
    if closes:
        for buyer, seller in (whole, parts):
            house.trade(seller, buyer, 100 * LOT, PRICE - 7 * TICK)
    house.trade(*whole, count * LOT, PRICE)
    for _ in range(count):
        assert not house.trade(*parts, LOT, PRICE).rejections
    for one, split in zip(whole, parts):
        assert house.size(one) == house.size(split)
        assert worth(house, split) <= worth(house, one)


def test_dust_round_trips_gain_nothing() -> None:
    """One lot bought and sold at one price, again and again, only ever costs."""
    house = Wreck()
    buyer, seller = house.trader(1, 10**4 * USD), house.trader(2, 10**4 * USD)
    together = worth(house, buyer) + worth(house, seller)
    for _ in range(10):
        house.trade(buyer, seller, LOT, PRICE)
        house.trade(seller, buyer, LOT, PRICE)
        after = worth(house, buyer) + worth(house, seller)
        assert after < together
        together = after
    assert not house.size(buyer)
