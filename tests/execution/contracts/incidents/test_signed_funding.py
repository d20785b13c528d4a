"""Signed funding: a rate and its opposite must move the same money the other way."""

from dataclasses import replace

import pytest

from execution.contracts.genesis import BTC_USD, ETH_USD
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.house import OPERATORS, USD
from tests.execution.contracts.wreck import BTC, Wreck, coins, usd

NEUTRAL = replace(BTC_USD, interest=0, interest_clamp=0, funding_interval=600, funding_samples=3)
"""Without interest and its clamp the rate is the premium itself."""


def funded(premium: int) -> tuple[int, int, int]:
    """The funding index (f12), and q6 to who was long and who was short, after a premium (ppm)."""
    house = Wreck(markets=(NEUTRAL, ETH_USD))
    long, short = house.trader(1, 50_000 * USD), house.trader(2, 50_000 * USD)
    house.advance(600 - house.now % 600 + 1)
    house.crash(usd(60_000))
    house.send(OPERATORS.guardian.address, "accrueFunding", BTC)
    house.trade(long, short, coins(1) + 10_000, usd(60_000))
    before = [int(house.read("getAccount", t.account)[1]["cash"]) for t in (long, short)]
    price = usd(60_000) + usd(60_000) * premium // 10**6
    for _ in range(3):
        house.send(OPERATORS.matcher.address, "postBookSample", BTC, (price, price, 0, 0, 0))
        house.advance(200)
        house.crash(usd(60_000))
    house.trade(short, long, coins(1) + 10_000, usd(60_000))
    house.trade(long, short, coins(1) + 10_000, usd(60_000))
    assert_balanced(house)
    index = house.read("getMarket", BTC)["flow"]["fundingIndex"]
    fees = [_fees(house, taker) for taker in (True, False)]
    after = [int(house.read("getAccount", t.account)[1]["cash"]) for t in (long, short)]
    paid = [a - b + fee for a, b, fee in zip(after, before, fees)]
    return int(index), paid[0], paid[1]


def _fees(house: Wreck, first: bool) -> int:
    """q6 that a side paid for two fills, taker of one and maker of the other."""
    size = coins(1) + 10_000
    _, taker, maker = house.read("fillFees", size, usd(60_000), NEUTRAL.fees[0], NEUTRAL.fees[1])
    return int(taker + maker)


@pytest.mark.parametrize("premium", [1, 777, 10_000, 90_000])
def test_signed_funding_of_a_mirrored_book_is_opposite(premium: int) -> None:
    """Longs pay what shorts would, to the unit that rounding keeps."""
    index, long, short = funded(premium)
    mirrored, long_back, short_back = funded(-premium)
    assert index == -mirrored > 0
    assert long < 0 < short
    assert long_back > 0 > short_back
    for paid, other in ((long, short), (long_back, short_back)):
        assert paid + other in (0, -1)
    assert abs(long + long_back) <= 1
