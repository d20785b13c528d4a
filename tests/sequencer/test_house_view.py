"""The view against the contract: what it says is allowed settles, what it says isn't doesn't."""

import pytest

from execution.margin import FILLED_CANCELLED, Reason
from state.accounts import StateDiff
from state.types import Timestamp
from tests.execution.contracts.desk import usd
from tests.execution.contracts.house import OPERATORS, USD
from tests.sequencer.test_pretrade import BTC, ETH, LOT, NARROW, Rig

HOUR = 3_600


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.desk.report(BTC, usd(60_000))
    rig.desk.report(ETH, usd(3_000))
    rig.follow()
    return rig


def test_account_unknown_is_none(rig: Rig) -> None:
    assert rig.view.account(1) is None
    assert rig.view.position(1, BTC) == 0


def test_account_after_a_fill_is_read_anew_and_named_as_touched(rig: Rig) -> None:
    taker, maker, other = (rig.desk.trader(n, 100_000 * USD) for n in (1, 2, 3))
    rig.follow()
    before = [rig.view.account(t.account) for t in (taker, maker, other)]
    assert rig.settle(rig.match(taker, maker, BTC, 5 * LOT, usd(60_000))) == []
    rig.follow()
    assert rig.view.touched == {taker.account, maker.account}
    assert rig.view.touched_nonces == {}
    after = [rig.view.account(t.account) for t in (taker, maker, other)]
    assert after[0] != before[0]
    assert after[1] != before[1]
    assert after[2] == before[2]
    assert rig.view.position(taker.account, BTC) == 5 * LOT
    assert rig.view.position(maker.account, BTC) == -5 * LOT


def test_after_with_an_unknown_difference_forgets_and_names_nobody(rig: Rig) -> None:
    trader = rig.desk.trader(1, USD)
    rig.follow()
    assert rig.view.account(trader.account) is not None
    rig.desk.deposit(trader.address, trader.account, USD)
    rig.state.changes()
    view = rig.view.after(rig.state, rig.state.header())
    assert view.touched is None
    account = view.account(trader.account)
    assert account is not None
    assert account.cash == 2 * USD


def test_after_with_too_much_in_memory_starts_anew(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sequencer.house_memory.HOUSE_PIECES_MAX", 3)
    rig.view.instruments()
    view = rig.view.after(rig.state, rig.state.header(), StateDiff())
    assert view.touched is None
    assert view.memory is not rig.view.memory


def test_least_size_is_what_is_worth_a_dollar_of_the_underlying(rig: Rig) -> None:
    strike = rig.desk.list_strike(rig.desk.on_the_minute(20 * 86_400), usd(90_000))
    rig.desk.quote(strike, usd(60_000))
    rig.follow()
    instruments = rig.view.instruments()
    least = {market: instruments[market].least_size for market in (BTC, ETH, strike)}
    assert least == {BTC: 1_667, ETH: 33_334, strike: 1_667}


def test_filled_follows_fills_and_cancels(rig: Rig) -> None:
    taker, maker = (rig.desk.trader(n, 100_000 * USD) for n in (1, 2))
    rig.follow()
    assert rig.view.filled(taker.account, 0) == 0
    rig.settle(rig.match(taker, maker, BTC, 5 * LOT, usd(60_000)))
    rig.desk.send(maker.address, "cancelOrders", maker.account, [0])
    rig.follow()
    assert rig.view.touched_nonces == {taker.account: {0, 1, 2, 3}}
    assert rig.view.filled(taker.account, 0) == 5 * LOT
    assert rig.view.filled(maker.account, 0) == FILLED_CANCELLED


def test_session_key_allows_only_its_markets_until_it_expires_or_is_revoked(rig: Rig) -> None:
    trader = rig.desk.trader(1, USD)
    key, now = OPERATORS.oracle.address, Timestamp(rig.desk.now)
    expiry = Timestamp(now + HOUR)
    strike = rig.desk.list_strike(rig.desk.on_the_minute(20 * 86_400), usd(3_000), underlying=ETH)
    rig.desk.send(trader.address, "setSessionKey", trader.account, key, expiry, 1 << ETH)
    rig.follow()
    allows = [
        rig.view.session_key_allows(trader.account, key, market, at)
        for market, at in ((ETH, now), (BTC, now), (strike, now), (ETH, Timestamp(expiry + 1)))
    ]
    assert allows == [True, False, True, False]
    rig.desk.send(trader.address, "revokeSessionKeys", trader.account)
    rig.follow()
    assert not rig.view.session_key_allows(trader.account, key, ETH, now)


def test_instrument_band_is_the_one_that_settlement_holds(rig: Rig) -> None:
    taker, maker = (rig.desk.trader(n, 10_000_000 * USD) for n in (1, 2))
    rig.follow()
    btc = rig.view.instrument(BTC)
    assert btc is not None
    assert btc.is_open
    assert not btc.is_reduce_only
    tick = NARROW[BTC].tick
    low, high = -(-btc.price_low // tick) * tick, btc.price_high // tick * tick
    prices = (low - tick, low, high, high + tick)
    said = [btc.price_low <= price <= btc.price_high for price in prices]
    matches = [rig.match(taker, maker, BTC, LOT, price) for price in prices]
    assert said == [False, True, True, False]
    outside = Reason.OUTSIDE_PRICE_BAND
    assert rig.settle(*matches) == [(0, outside), (3, outside)]


def test_instruments_list_markets_and_series_until_they_expire(rig: Rig) -> None:
    expiry = rig.desk.on_the_minute(HOUR)
    strike = rig.desk.list_strike(expiry, usd(60_000))
    rig.follow()
    assert set(rig.view.instruments()) == {BTC, ETH, strike, strike + 1}
    assert strike not in rig.view.marks()
    rig.desk.quote(strike, usd(60_000))
    rig.follow()
    assert rig.view.marks()[strike] > 0
    rig.desk.advance(expiry + 1 - rig.desk.now)
    rig.follow()
    assert set(rig.view.instruments()) == {BTC, ETH}
    call = rig.view.instrument(strike)
    assert call is not None
    assert not call.is_open


def test_instrument_of_a_paused_house_only_reduces(rig: Rig) -> None:
    rig.desk.send(OPERATORS.guardian.address, "pause")
    rig.follow()
    btc = rig.view.instrument(BTC)
    assert btc is not None
    assert btc.is_reduce_only
    assert btc.is_open


def test_instrument_unknown_is_none(rig: Rig) -> None:
    assert [rig.view.instrument(market) for market in (2, 63, 64, 999)] == [None] * 4


def test_fees_are_the_lanes_of_the_account(rig: Rig) -> None:
    trader = rig.desk.trader(1, USD)
    rig.follow()
    fees = rig.view.fees(trader.account, ETH)
    assert (fees.taker, fees.maker) == NARROW[ETH].fees[:2]
