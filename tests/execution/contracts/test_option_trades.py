"""Fills of option series: what they move, and each reason for which one is refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from execution.contracts.genesis import BTC_USD, PRICE_ONE, SIZE_ONE
from execution.margin import Match, OrderFlag, Reason
from genesis.accounts import derive_account
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.desk import Inputs, usd
from tests.execution.contracts.exact.fills import fee, notional
from tests.execution.contracts.house import OPERATORS, TIMELOCK, USD, Trader
from tests.execution.contracts.pit import INDEX, Pit

ONE = SIZE_ONE
STALE = BTC_USD.stale_seconds + 1
BELOW = usd(50_000)


def test_option_fill_moves_premium_fees_and_contracts() -> None:
    pit = Pit()
    rules = pit.rules
    size = 3 * rules["lot"]
    before = pit.desk.cash(pit.a), pit.desk.cash(pit.b)
    assert pit.trade(pit.a, pit.b, 3) == []
    premium = notional(size, pit.value)
    paid = before[0] - pit.desk.cash(pit.a)
    earned = pit.desk.cash(pit.b) - before[1]
    assert paid == premium + fee(size, pit.value, BTC_USD.fees[0])
    assert earned == premium - fee(size, pit.value, BTC_USD.fees[1])
    assert pit.held(pit.a) == {pit.call: size}
    assert pit.held(pit.b) == {pit.call: -size}
    book = pit.desk.read("getSeries", pit.call)[0]
    assert (book["openInterest"], book["shortsLeft"]) == (size, size)
    assert_balanced(pit.desk)


def test_holdings_close_and_leave_the_list() -> None:
    pit = Pit()
    for series in (pit.call, pit.put):
        assert pit.trade(pit.a, pit.b, 2, market=series) == []
    assert pit.trade(pit.b, pit.a, 2) == []
    assert pit.held(pit.a) == {pit.put: 2 * pit.rules["lot"]}
    assert pit.desk.read("getSeries", pit.call)[0]["openInterest"] == 0
    assert pit.desk.read("getAccount", pit.a.account)[1]["options"] == 1
    assert_balanced(pit.desk)


def test_perpetuals_and_options_settle_in_one_batch() -> None:
    pit = Pit()
    desk, lot = pit.desk, pit.rules["lot"]
    matches = []
    for market, price in ((pit.call, pit.value), (0, INDEX), (pit.put, pit.on_tick(pit.put))):
        buy = desk.order(pit.a, True, lot, price, market=market)
        sell = desk.order(pit.b, False, lot, price, market=market)
        matches.append(Match(buy, sell, lot))
    receipt = desk.settle(*matches)
    assert [fill["market"] for fill in receipt.named("FillSettled")] == [pit.call, 0, pit.put]
    assert pit.held(pit.b) == {pit.call: -lot, pit.put: -lot}
    assert_balanced(desk)


def test_unregistered_series_is_refused() -> None:
    pit = Pit()
    for market in (pit.call + 2, 2**32 - 1):
        assert pit.trade(pit.a, pit.b, 1, PRICE_ONE, market=market) == [Reason.UNKNOWN_MARKET]


def test_option_off_its_grid_is_refused() -> None:
    pit = Pit()
    tick = pit.rules["tick"]
    assert pit.trade(pit.a, pit.b, 1, pit.value + tick // 2) == [Reason.OFF_TICK]
    assert pit.trade(pit.a, pit.b, 1, 0) == [Reason.OFF_TICK]
    half = pit.rules["lot"] // 2
    buy = pit.desk.order(pit.a, True, ONE, pit.value, market=pit.call)
    sell = pit.desk.order(pit.b, False, ONE, pit.value, market=pit.call)
    assert pit.desk.settle(Match(buy, sell, half)).rejections == [(0, Reason.OFF_LOT)]


def test_option_price_is_banded_by_its_value() -> None:
    pit = Pit()
    rules = pit.rules
    value = int(pit.desk.read("getSeries", pit.call)[2])
    edge = value + INDEX * rules["priceBand"] // 10**6
    edge -= edge % rules["tick"]
    beyond = pit.trade(pit.a, pit.b, 1, edge + rules["tick"])
    assert beyond == [Reason.OUTSIDE_PRICE_BAND]
    assert pit.trade(pit.a, pit.b, 1, edge) == []


def test_option_open_interest_cap_stops_growth_not_reduction() -> None:
    options = replace(BTC_USD.options, oi_cap=ONE)  # type: ignore[type-var]
    pit = Pit(options=options)
    lots = ONE // pit.rules["lot"]
    assert pit.trade(pit.a, pit.b, lots) == []
    assert pit.trade(pit.a, pit.b, 1) == [Reason.OPEN_INTEREST_CAP]
    assert pit.trade(pit.b, pit.a, 1) == []


def test_fee_lanes_of_the_underlying_bind_option_orders() -> None:
    pit = Pit()
    assert pit.trade(pit.a, pit.b, 1, max_fee=499) == [Reason.FEE_ABOVE_MAXIMUM]
    assert pit.trade(pit.a, pit.b, 1, max_fee=500) == []


def test_reduce_only_option_order_never_opens() -> None:
    pit = Pit()
    flags = OrderFlag.REDUCE_ONLY
    assert pit.trade(pit.a, pit.b, 1, flags=flags) == [Reason.NOT_REDUCING]
    assert pit.trade(pit.b, pit.a, 2) == []
    assert pit.trade(pit.a, pit.b, 3, flags=flags) == [Reason.NOT_REDUCING]
    assert pit.trade(pit.a, pit.b, 2, flags=flags) == []


def test_auction_of_the_perpetual_leaves_options_to_the_makers_price() -> None:
    pit = Pit(auction=True)
    assert pit.trade(pit.a, pit.b, 1) == []


def test_session_key_trades_series_of_its_underlyings() -> None:
    pit = Pit()
    key = derive_account(40)
    setup = (pit.a.account, key.address, pit.desk.now + 50)
    pit.desk.send(pit.a.address, "setSessionKey", *setup, 0b10)
    assert pit.trade(pit.a, pit.b, 1, key=key.key) == [Reason.SIGNER_NOT_ALLOWED]
    pit.desk.send(pit.a.address, "setSessionKey", *setup, 0b01)
    assert pit.trade(pit.a, pit.b, 1, key=key.key) == []


def old_array(pit: Pit) -> None:
    pit.desk.advance(61)
    pit.desk.report(0, INDEX)


def moved_index(pit: Pit) -> None:
    pit.desk.advance(1)
    pit.desk.report(0, INDEX * 10_051 // 10_000)


@pytest.mark.parametrize("age", [old_array, moved_index])
def test_stale_array_lets_holdings_close_and_nothing_else(age: Callable[[Pit], None]) -> None:
    pit = Pit()
    pit.trade(pit.a, pit.b, 2)
    age(pit)
    assert pit.trade(pit.a, pit.b, 1) == [Reason.SERIES_STALE]
    price = INDEX // BTC_USD.tick * BTC_USD.tick
    perp = pit.trade(pit.a, pit.b, 1, price, market=0)
    assert perp == [Reason.SERIES_STALE]
    assert pit.trade(pit.b, pit.a, 1) == []


@pytest.mark.parametrize("age", [old_array, moved_index])
def test_stale_array_keeps_what_hedges_an_option(age: Callable[[Pit], None]) -> None:
    pit = Pit()
    price = INDEX // BTC_USD.tick * BTC_USD.tick
    pit.trade(pit.b, pit.a, 4)
    pit.trade(pit.a, pit.b, 3, price, market=0)
    assert pit.trade(pit.b, pit.a, 1, price, market=0) == []
    age(pit)
    assert pit.trade(pit.b, pit.a, 1, price, market=0) == [Reason.SERIES_STALE]
    pit.desk.quote(pit.call, INDEX)
    assert pit.trade(pit.b, pit.a, 1, price, market=0) == []


def test_array_is_fresh_for_a_minute_and_half_a_percent() -> None:
    pit = Pit()
    pit.desk.advance(60)
    pit.desk.report(0, INDEX * 1_005 // 1_000)
    assert pit.trade(pit.a, pit.b, 1) == []


def test_array_of_another_held_series_blocks_new_risk() -> None:
    pit = Pit()
    pit.trade(pit.a, pit.b, 1, market=pit.put)
    pit.desk.advance(61)
    pit.desk.report(0, INDEX)
    pit.desk.report_inputs(pit.call, Inputs(INDEX))
    pit.desk.price(pit.call)
    assert pit.trade(pit.a, pit.b, 1) == [Reason.SERIES_STALE]


def test_stale_index_lets_options_close_and_nothing_else() -> None:
    pit = Pit()
    pit.trade(pit.a, pit.b, 2)
    pit.desk.advance(STALE)
    assert pit.trade(pit.a, pit.b, 1) == [Reason.ORACLE_STALE]
    assert pit.trade(pit.b, pit.a, 1) == []


def test_expired_series_does_not_trade() -> None:
    pit = Pit()
    pit.trade(pit.a, pit.b, 1)
    pit.desk.advance(pit.expiry - pit.desk.now)
    assert pit.trade(pit.b, pit.a, 1) == [Reason.SERIES_EXPIRED]


def test_expired_holding_blocks_new_risk_until_it_is_settled() -> None:
    pit = Pit()
    pit.trade(pit.a, pit.b, 1)
    pit.desk.expire(pit.expiry, BELOW)
    pit.desk.report(0, BELOW)
    assert pit.trade(pit.a, pit.b, 1, BELOW, market=0) == [Reason.SERIES_STALE]
    pit.desk.settle_holders(pit.call, [pit.b, pit.a])
    assert pit.trade(pit.a, pit.b, 1, BELOW, market=0) == []


def test_volatility_pause_lets_positions_close_and_nothing_else() -> None:
    pit = Pit()
    pit.trade(pit.a, pit.b, 2)
    pit.trade(pit.a, pit.b, 2, INDEX, market=0)
    jumped = INDEX * 112 // 100
    pit.desk.advance(1)
    assert pit.desk.report(0, jumped).named("VolatilityPaused")
    pit.desk.price(pit.call, pit.put)
    for market, price in ((0, jumped), (pit.call, None)):
        assert pit.trade(pit.a, pit.b, 1, price, market=market) == [Reason.MARKET_REDUCE_ONLY]
        assert pit.trade(pit.b, pit.a, 1, price, market=market) == []
    pit.desk.advance(BTC_USD.safety.pause_seconds)
    assert pit.trade(pit.a, pit.b, 1, jumped, market=0) == []


def test_closed_market_and_its_options_do_not_trade() -> None:
    pit = Pit()
    pit.trade(pit.a, pit.b, 1)
    pit.trade(pit.a, pit.b, 1, INDEX, market=0)
    pit.desk.send(OPERATORS.guardian.address, "closeMarket", 0, pit.desk.newest_bucket())
    for market, price in ((0, INDEX), (pit.call, pit.value)):
        closing = pit.trade(pit.b, pit.a, 1, price, market=market)
        assert closing == [Reason.MARKET_CLOSED]


def test_vault_trades_its_market_and_options_on_it_alone() -> None:
    pit = Pit()
    desk = pit.desk
    key = derive_account(41)
    desk.send(TIMELOCK, "setRole", 0, key.address)
    receipt = desk.send(key.address, "openVault", 0, 100_000 * USD)
    (opened,) = receipt.named("VaultOpened")
    vault = Trader(key, opened["account"])
    desk.deposit(key.address, vault.account, 50_000 * USD)
    desk.report(1, usd(3_000))
    lot = usd(3_000)
    assert pit.trade(vault, pit.b, 100, lot, market=1) == [Reason.RING_FENCED]
    assert pit.trade(vault, pit.b, 1) == []
    assert pit.trade(vault, pit.b, 1, INDEX, market=0) == []


def test_series_beyond_the_most_an_account_holds_is_refused() -> None:
    pit = Pit(cash=10_000_000 * USD)
    desk = pit.desk
    strikes = [pit.call, *(desk.list_strike(pit.expiry, INDEX + usd(n)) for n in range(1, 17))]
    for strike in strikes[1:]:
        desk.report_inputs(strike, Inputs(INDEX))
        desk.price(strike, strike + 1)
    series = [s for strike in strikes for s in (strike, strike + 1)]
    for one in series[:32]:
        assert pit.trade(pit.a, pit.b, 1, market=one) == []
    assert pit.trade(pit.a, pit.b, 1, market=series[32]) == [Reason.TOO_MANY_SERIES]
    assert pit.trade(pit.b, pit.a, 1, market=series[5]) == []
    assert pit.trade(pit.a, pit.b, 1, market=series[32]) == []
    assert len(pit.held(pit.a)) == 32
    assert_balanced(desk)


def test_writer_without_margin_is_refused_by_name() -> None:
    pit = Pit()
    poor = pit.desk.trader(2, 100 * USD)
    lots = ONE // pit.rules["lot"]
    assert pit.trade(pit.a, poor, lots) == [Reason.MAKER_MARGIN]
    assert pit.trade(poor, pit.a, lots) == [Reason.TAKER_MARGIN]
    assert pit.held(poor) == {}
    assert pit.desk.read("getSeries", pit.call)[0]["openInterest"] == 0


def test_option_that_overflows_its_field_is_refused() -> None:
    options = replace(BTC_USD.options, oi_cap=2**63 - 1)  # type: ignore[type-var]
    pit = Pit(cash=2**94, options=options)
    lots = (2**63 - 1) // pit.rules["lot"]
    assert pit.trade(pit.a, pit.b, lots) == []
    assert pit.trade(pit.a, pit.b, 1) == [Reason.FIELD_OVERFLOW]


@pytest.mark.parametrize("parts", [1, 7, 40])
def test_splitting_a_fill_never_gains(parts: int) -> None:
    whole, split = Pit(), Pit()
    assert whole.trade(whole.a, whole.b, parts) == []
    lot = split.rules["lot"]
    buy = split.desk.order(split.a, True, parts * lot, split.value, market=split.call)
    sell = split.desk.order(split.b, False, parts * lot, split.value, market=split.call)
    assert split.desk.settle(*[Match(buy, sell, lot)] * parts).rejections == []
    for one, other in ((whole.a, split.a), (whole.b, split.b)):
        assert whole.held(one) == split.held(other)
        assert whole.desk.cash(one) >= split.desk.cash(other)
