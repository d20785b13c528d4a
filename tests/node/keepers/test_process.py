"""The price process: the same for everybody, a Brownian path in law, and no jump at a hand-over."""

import asyncio
from decimal import localcontext
from statistics import mean, pvariance

import pytest

from execution.margin import MarketState, MarketStatus, StrikeState
from node.keepers.feed import Listing
from node.keepers.prices import Prices
from node.keepers.process import INSTRUMENTS, YEAR_SECONDS, PriceProcess, path, variate
from state.types import Timestamp

ORIGIN = 1_700_000_000
DAY = 86_400


def market(index: int = 0, time: int = 0) -> MarketState:
    return MarketState(index, index, Timestamp(time), Timestamp(time), MarketStatus.ACTIVE,
                       0, 0, Timestamp(0), 0, 0)  # fmt: skip


def read(seconds: int, seed: int = 1, **states: MarketState) -> Prices:
    markets = {0: states.get("btc", market()), 1: market()}
    strikes = {64: StrikeState(0, Timestamp(ORIGIN + 30 * DAY), 65_000 * 10**8, 0)}
    listing = Listing(Timestamp(ORIGIN + seconds), Timestamp(ORIGIN), markets, strikes)
    return asyncio.run(PriceProcess(seed).read(listing))


def test_process_begins_at_its_instruments_first_prices() -> None:
    assert read(0).index == {
        id_: int(instrument.start * 10**8) for id_, instrument in INSTRUMENTS.items()
    }


def test_price_at_a_time_is_the_same_however_it_was_asked_before() -> None:
    once = read(100_000)
    for seconds in (1, 2, 50_000, 99_999):
        read(seconds)

    assert read(100_000) == once


def test_seeds_give_different_prices() -> None:
    assert len({read(1_000, seed=seed).index[0] for seed in range(5)}) == 5


def test_variates_are_standard_and_bounded() -> None:
    values = [float(variate(b"test", span, 1)) for span in range(4_000)]

    assert abs(mean(values)) < 0.05
    assert abs(pvariance(values) - 1) < 0.08
    assert max(map(abs, values)) < 6


@pytest.mark.parametrize("step", [1, 7, 3_600, DAY, 5 * DAY])
def test_path_has_the_variance_of_a_brownian_motion_over_any_step(step: int) -> None:
    with localcontext(prec=40):
        moves = [
            float(path(b"%d" % name, 2 * DAY + step) - path(b"%d" % name, 2 * DAY))
            for name in range(800)
        ]

    assert abs(pvariance(moves) * YEAR_SECONDS / step - 1) < 0.2


def test_markets_move_together_but_not_as_one() -> None:
    with localcontext(prec=40):
        pairs = [(read(DAY, seed=seed).index, seed) for seed in range(200)]
    moves = [(index[0] / 64_250e8 - 1, index[1] / 3_187.64e8 - 1) for index, _ in pairs]
    one, two = zip(*moves)
    covariance = mean(a * b for a, b in moves) - mean(one) * mean(two)
    correlation = covariance / (pvariance(one) * pvariance(two)) ** 0.5

    assert 0.45 < correlation < 0.8


def test_prices_go_on_from_an_index_that_others_reported() -> None:
    crashed = market(index=40_000 * 10**8, time=ORIGIN + 1_000)

    now = read(1_000, btc=crashed).index[0]
    later = read(1_060, btc=crashed).index[0]

    assert abs(now - 40_000 * 10**8) <= 1
    own = read(1_060).index[0] / read(1_000).index[0]
    assert abs(later / now - own) < 1e-9


def test_own_index_is_not_scaled_by_its_rounding() -> None:
    own = market(index=read(1_000).index[0], time=ORIGIN + 1_000)

    assert read(1_500, btc=own).index[0] == read(1_500).index[0]


def test_options_have_a_forward_above_the_index_and_a_sane_volatility() -> None:
    prices = read(1_000)
    inputs = prices.options[64]

    assert prices.index[0] < inputs.forward < prices.index[0] * 101 // 100
    assert inputs.discount == 10**18
    assert 3 * 10**17 < inputs.volatility < 10**18


def test_expired_strike_has_no_inputs() -> None:
    assert read(31 * DAY).options == {}
