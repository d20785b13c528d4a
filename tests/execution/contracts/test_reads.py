"""The reads of whole accounts: options, scenarios, and what-ifs that equal the books."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.contracts.desk import WAD, Desk, Inputs, usd
from tests.execution.contracts.house import TIMELOCK, USD, House, Reverted, Trader
from tests.execution.contracts.what_if import OptionAsked, PerpAsked

DAY = 86_400
INDEXES = (usd(60_000), usd(3_000))
STRIKES = ((0, 7, 60_000), (0, 60, 60_000), (0, 60, 66_000), (1, 30, 2_900))
"""Underlying, days left and strike price (USD)."""
PERPS, FIRST_SERIES = (0, 1), 64
TRADABLE = (*PERPS, *range(FIRST_SERIES, FIRST_SERIES + 2 * len(STRIKES)))
RICH = 10_000_000 * USD

trades = st.lists(
    st.tuples(st.sampled_from(TRADABLE), st.booleans(), st.integers(1, 100)), min_size=1, max_size=8
)


def open_desk() -> Desk:
    """Both markets with options, all of them freshly priced."""
    desk = Desk()
    for underlying, days, price in STRIKES:
        expiry = desk.on_the_minute(days * DAY)
        desk.list_strike(expiry, usd(price), underlying=underlying)
    reprice(desk, INDEXES)
    return desk


def reprice(desk: Desk, indexes: tuple[int, ...]) -> None:
    """A second later: new prices, inputs whose forward is a little above them, and new arrays."""
    desk.advance(1)
    for market, index in enumerate(indexes):
        desk.report(market, index)
    for number, (underlying, days, _) in enumerate(STRIKES):
        forward = indexes[underlying] * (1000 + days) // 1000
        inputs = Inputs(forward, 6 * WAD // 10, 99 * WAD // 100)
        desk.report_inputs(FIRST_SERIES + 2 * number, inputs)
    desk.price(*range(FIRST_SERIES, FIRST_SERIES + 2 * len(STRIKES)))


def trade(desk: Desk, buyer: Trader, seller: Trader, market: int, lots: int) -> None:
    """At the mark, or at the series' value, on the tick."""
    if market in PERPS:
        rules = desk.read("getMarket", market)["rules"]
        price = desk.read("getMarket", market)["price"]["mark"]
    else:
        rules = desk.read("getOptionRules", STRIKES[(market - FIRST_SERIES) // 2][0])
        price = desk.read("getSeries", market)[2]
    price = -(-price // rules["tick"]) * rules["tick"]
    receipt = desk.trade(buyer, seller, lots * rules["lot"], price, market=market)
    assert receipt.rejections == []


def perp_asked(desk: House, account: int, market: int) -> PerpAsked:
    """An account's perpetual, or none, as the formulas are asked about it."""
    position = desk.read("getPosition", account, market)
    state = desk.read("getMarket", market)
    accrued = state["flow"]["fundingIndex"] - position["funding"] if position["size"] else 0
    fractions = desk.read("marginFractions", market)
    size, cost = position["size"], position["cost"]
    return (size, cost, state["price"]["mark"], accrued, *fractions)


def option_asked(desk: House, series: int, size: int) -> OptionAsked:
    """A holding as the formulas are asked about it, at the moment when its series was priced."""
    terms, inputs = desk.read("getStrike", series & ~1)
    priced = desk.read("getSeries", series)[3]
    return (
        size,
        terms["underlying"],
        bool(series & 1),
        terms["price"],
        terms["expiry"] - priced,
        terms["expiry"],
        inputs["forward"],
        inputs["discount"],
        inputs["volatility"],
    )


def what_if(desk: House, account: int) -> Any:
    """The portfolio standing of what an account holds, from its parts."""
    cash = desk.read("getAccount", account)[1]["cash"]
    indexes = [desk.read("getMarket", market)["price"]["index"] for market in PERPS]
    perps = [perp_asked(desk, account, market) for market in PERPS]
    options = [option_asked(desk, *held) for held in zip(*desk.read("getHoldings", account))]
    return desk.read("portfolioStanding", cash, indexes, perps, options)


@settings(max_examples=15, deadline=None)
@given(trades, st.integers(-40, 40))
def test_what_if_of_a_portfolio_equals_the_books(
    made: list[tuple[int, bool, int]], permille: int
) -> None:
    desk = open_desk()
    a, b = desk.trader(0, RICH), desk.trader(1, RICH)
    for trader in (a, b):
        desk.send(trader.address, "setMarginMode", trader.account, 1)
    for market, is_buy, lots in made:
        trade(desk, *((a, b) if is_buy else (b, a)), market, lots)
    reprice(desk, tuple(index * (1000 + permille) // 1000 for index in INDEXES))
    for trader in (a, b):
        standing, pnl = what_if(desk, trader.account)
        assert desk.read("requirements", trader.account) == standing
        assert desk.read("equity", trader.account) == standing["equity"]
        underlyings, losses = desk.read("scenarioLosses", trader.account)
        held = dict(zip(underlyings, losses))
        assert [held.get(market, (0,) * 24) for market in PERPS] == list(pnl)


def test_holdings_are_what_was_traded() -> None:
    desk = open_desk()
    a, b = desk.trader(0, RICH), desk.trader(1, RICH)
    trade(desk, a, b, FIRST_SERIES, 3)
    trade(desk, b, a, FIRST_SERIES + 7, 2)
    lots = [desk.read("getOptionRules", underlying)["lot"] for underlying in (0, 1)]
    ids, sizes = desk.read("getHoldings", a.account)
    assert (ids, sizes) == ((FIRST_SERIES, FIRST_SERIES + 7), (3 * lots[0], -2 * lots[1]))
    assert desk.read("getHoldings", b.account) == (ids, tuple(-size for size in sizes))
    assert desk.read("getSeries", FIRST_SERIES)[0]["openInterest"] == sizes[0]
    assert desk.read("getSeries", FIRST_SERIES + 7)[0]["shortsLeft"] == -sizes[1]
    assert desk.read("scenarioLosses", a.account)[0] == (0, 1)


def test_scenarios_of_a_cross_account_are_none_until_it_chooses_portfolio_margin() -> None:
    desk = open_desk()
    a, b = desk.trader(0, RICH), desk.trader(1, RICH)
    trade(desk, a, b, 1, 5)
    assert desk.read("scenarioLosses", a.account) == ((), ())
    desk.send(a.address, "setMarginMode", a.account, 1)
    (market,), (pnl,) = desk.read("scenarioLosses", a.account)
    unit = desk.read("perpScenarios", desk.read("getMarket", 1)["price"]["mark"])
    size = desk.read("getPosition", a.account, 1)["size"]
    assert (market, pnl) == (1, tuple(size * one // 10**10 for one in unit))


def test_series_array_is_what_the_formulas_say_of_its_inputs() -> None:
    desk = open_desk()
    for series in range(FIRST_SERIES, FIRST_SERIES + 2 * len(STRIKES)):
        _, pnl, value, time, spot = desk.read("getSeries", series)
        _, underlying, is_put, strike, seconds, _, *inputs = option_asked(desk, series, 1)
        forward, discount, volatility = inputs
        asked = (is_put, forward, strike, volatility, seconds, discount)
        assert (pnl, value) == desk.read("optionScenarios", *asked)
        assert (time, spot) == (desk.now, INDEXES[underlying])


def test_unknown_selector_reverts_with_it() -> None:
    house = House()
    with pytest.raises(Reverted, match="UnknownSelector"):
        house.call(TIMELOCK, b"\x01\x02\x03\x04", static=True)


def test_margin_fractions_of_a_market_nobody_listed_revert() -> None:
    house = House()
    with pytest.raises(Reverted, match="MarketUnknown"):
        house.read("marginFractions", 63)


def test_what_nobody_has_reads_as_zero() -> None:
    house = House()
    assert house.read("getHoldings", 9) == ((), ())
    assert house.read("scenarioLosses", 9) == ((), ())
    assert house.read("getStrike", 70)[0]["price"] == 0
    assert house.read("getSeries", 70)[1:] == ((0,) * 24, 0, 0, 0)
    assert house.read("getSettlement", 0, 60) == house.read("getClaim", 9, 0) == 0
    assert house.read("getExit", 9, 0) == house.read("getCandidate", 9, 0)["counterparty"] == 0
    assert house.read("getClosing", 0)["price"] == house.read("getDebt", 9)[1] == 0
    assert house.read("getIndexSample", 0, 5)["index"] == 0
    with pytest.raises(Reverted):
        house.read("getLimiter", 4)
