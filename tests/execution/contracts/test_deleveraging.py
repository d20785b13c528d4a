"""Auto-deleveraging: at which price, against whom, in which order, and never too early."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.margin import Match, OrderFlag
from tests.execution.contracts.exact.deleveraging import Candidate, bankruptcy_price, queue
from tests.execution.contracts.exact.fills import notional
from tests.execution.contracts.exact.holdings import OptionHolding, PerpHolding, Underlying
from tests.execution.contracts.exact.requirements import portfolio_maintenance
from tests.execution.contracts.exact.rounding import ceil, floor
from tests.execution.contracts.house import TIMELOCK, USD, Reverted, Trader
from tests.execution.contracts.wreck import (
    ANYONE,
    BTC,
    DELAY_SECONDS,
    ETH,
    Wreck,
    coins,
    usd,
)

WAD = 10**18
BTC_TICK, ETH_TICK = usd(1) // 10, usd(1) // 100
BTC_MMF, ETH_MMF = 12_000, 15_000
UNABLE = (
    "insurance too small",
    "vault without collateral",
    "no vault",
)


@pytest.fixture
def house() -> Wreck:
    return Wreck()


def bankrupt_long(house: Wreck, *shorts: Trader, each: float = 2) -> Trader:
    """Somebody long from 60,000 against traders who are short, until the index is 55,000."""
    failing = house.trader(1, round(2_000 * each * len(shorts)) * USD)
    for short in shorts:
        assert not house.trade(failing, short, coins(each), usd(60_000)).rejections
    house.crash(usd(55_000))
    assert house.equity(failing) < 0
    return failing


def maintenance(size: int, mark: int, mmf: int) -> int:
    return ceil(abs(notional(size, mark)) * Fraction(mmf, 10**6))


def candidate(house: Wreck, trader: Trader, market: int = BTC) -> Candidate:
    """The exact model's picture of a counterparty."""
    position = house.read("getPosition", trader.account, market)
    mark = house.read("getMarket", market)["price"]["mark"]
    equity = house.equity(trader)
    return Candidate(trader.account, position["size"], position["cost"], mark, equity)


# The price


def test_deleverage_of_the_only_position_leaves_the_bankrupt_at_zero(house: Wreck) -> None:
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    equity, size = house.equity(failing), house.size(failing)
    kept = candidate(house, short)
    event = house.deleverage_against(failing, short)
    price = bankruptcy_price(size, usd(55_000), equity, 1, 1, BTC_TICK)
    assert (event["price"], event["size"]) == (price, -size)
    assert house.size(failing) == house.size(short) == 0
    assert 0 <= house.equity(failing) <= size * BTC_TICK // 10**10
    assert house.equity(short) == kept.equity_after(size, price)


def test_deleverage_of_a_short_rounds_down_for_it(house: Wreck) -> None:
    long = house.trader(2, 50_000 * USD)
    failing = house.trader(1, 3_333 * USD + 333_333)
    house.trade(long, failing, coins(1.2345), usd(60_000))
    house.crash(usd(66_000))
    equity, size = house.equity(failing), house.size(failing)
    event = house.deleverage_against(failing, long)
    assert event["price"] == bankruptcy_price(size, usd(66_000), equity, 1, 1, BTC_TICK)
    assert event["price"] < usd(66_000)
    assert 0 <= house.equity(failing) <= -size * BTC_TICK // 10**10 + 1


def test_deleverage_nobody_pays_a_fee(house: Wreck) -> None:
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    fees = house.read("getCustody")[2]
    together = house.equity(failing) + house.equity(short)
    house.deleverage_against(failing, short)
    assert house.read("getCustody")[2] == fees
    assert house.equity(failing) + house.equity(short) == together


def test_deleverage_of_two_positions_shares_the_loss_by_maintenance(house: Wreck) -> None:
    short, other = house.trader(2, 50_000 * USD), house.trader(3, 50_000 * USD)
    failing = house.trader(1, 9_000 * USD)
    house.trade(failing, short, coins(2), usd(60_000))
    house.trade(failing, other, coins(30), usd(3_000), market=ETH)
    house.crash(usd(55_000))
    house.crash(usd(2_900), market=ETH)
    equity = house.equity(failing)
    bitcoin = maintenance(coins(2), usd(55_000), BTC_MMF)
    ether = maintenance(coins(30), usd(2_900), ETH_MMF)
    first = house.deleverage_against(failing, short)
    whole = bitcoin + ether
    assert first["price"] == bankruptcy_price(
        coins(2), usd(55_000), equity, bitcoin, whole, BTC_TICK
    )
    assert equity < house.equity(failing) < 0
    left = house.equity(failing)
    second = house.deleverage_against(failing, other, ETH)
    assert second["price"] == bankruptcy_price(coins(30), usd(2_900), left, 1, 1, ETH_TICK)
    assert house.equity(failing) >= 0


def test_deleverage_against_a_smaller_position_closes_as_much_and_then_the_rest(
    house: Wreck,
) -> None:
    first, second = house.trader(2, 50_000 * USD), house.trader(3, 50_000 * USD)
    failing = bankrupt_long(house, first, second)
    equity = house.equity(failing)
    event = house.deleverage_against(failing, first)
    assert event["size"] == -coins(2)
    assert house.size(failing) == coins(2)
    assert equity / 2 <= house.equity(failing) < 0
    with pytest.raises(Reverted, match="NoCandidate"):
        house.deleverage(failing)
    house.deleverage_against(failing, second)
    assert house.size(failing) == 0
    assert house.equity(failing) >= 0


def test_deleverage_brings_the_reported_debt_up_to_date(house: Wreck) -> None:
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    assert house.report_debt(failing.account) == -house.equity(failing) == house.reported()
    house.deleverage_against(failing, short)
    assert house.reported() == 0


# Not before the others have had their turn


def test_propose_for_an_account_that_is_not_bankrupt_reverts(house: Wreck) -> None:
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    house.deposit(ANYONE, failing.account, -house.equity(failing))
    with pytest.raises(Reverted, match="NotBankrupt.*equity=0"):
        house.propose(failing, short)


def test_propose_while_the_backstop_can_take_the_account_reverts(house: Wreck) -> None:
    house.open_vault(BTC, 500_000 * USD)
    house.insure(BTC, 100_000 * USD)
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    with pytest.raises(Reverted, match="BackstopFirst"):
        house.propose(failing, short)
    assert house.size(failing) == coins(2)


@pytest.mark.parametrize("why", UNABLE)
def test_deleverage_comes_when_the_backstop_or_its_insurance_cannot(why: str) -> None:
    house = Wreck()
    if why != UNABLE[2]:
        house.open_vault(BTC, 1 * USD if why == UNABLE[1] else 500_000 * USD)
    house.insure(BTC, 10 * USD if why == UNABLE[0] else 100_000 * USD)
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    house.deleverage_against(failing, short)
    assert house.size(failing) == 0


def test_deleverage_after_the_backstop_became_able_reverts(house: Wreck) -> None:
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    house.propose(failing, short)
    house.open_vault(BTC, 500_000 * USD)
    house.insure(BTC, 100_000 * USD)
    house.advance(DELAY_SECONDS)
    with pytest.raises(Reverted, match="BackstopFirst"):
        house.deleverage(failing)


def test_deleverage_on_a_stale_price_reverts(house: Wreck) -> None:
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    house.propose(failing, short)
    house.advance(301)
    with pytest.raises(Reverted, match="NoLiquidationNow"):
        house.deleverage(failing)
    house.crash(usd(55_000))
    with pytest.raises(Reverted, match="NoLiquidationNow"):
        house.deleverage(failing)


def test_deleverage_with_little_gas_never_skips_the_backstop(house: Wreck) -> None:
    house.open_vault(BTC, 500_000 * USD)
    house.insure(BTC, 100_000 * USD)
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    arguments = ("proposeDeleverage", failing.account, BTC, short.account)
    for gas in range(50_000, 2_000_000, 30_000):
        with pytest.raises((Reverted, RuntimeError)):
            house.send(ANYONE, *arguments, gas=gas)
    assert house.read("getCandidate", failing.account, BTC)["counterparty"] == 0


# Who is a counterparty


def test_propose_of_who_is_on_the_same_side_or_flat_reverts(house: Wreck) -> None:
    short, flat = house.trader(2, 50_000 * USD), house.trader(3, 50_000 * USD)
    long = house.trader(4, 50_000 * USD)
    house.trade(long, short, coins(1), usd(60_000))
    failing = bankrupt_long(house, short)
    for who in (long, flat, failing):
        with pytest.raises(Reverted, match="NotACounterparty"):
            house.propose(failing, who)


def test_propose_of_who_lost_reverts(house: Wreck) -> None:
    short, late, long = (house.trader(n, 50_000 * USD) for n in (2, 3, 4))
    failing = bankrupt_long(house, short)
    assert not house.trade(long, late, coins(1), usd(54_000)).rejections
    assert candidate(house, late).gain < 0
    with pytest.raises(Reverted, match="NotACounterparty"):
        house.propose(failing, late)


def test_propose_of_who_would_fall_below_zero_reverts(house: Wreck) -> None:
    """He gained here and lost elsewhere: what the bankrupt can't pay is more than he has left."""
    short, other = house.trader(2, 5_000 * USD), house.trader(3, 50_000 * USD)
    house.trade(short, other, coins(10), usd(3_000), market=ETH)
    failing = bankrupt_long(house, short)
    house.crash(usd(1_850), market=ETH)
    poor = candidate(house, short)
    price = bankruptcy_price(coins(2), usd(55_000), house.equity(failing), 1, 1, BTC_TICK)
    assert poor.equity > 0 > poor.equity_after(coins(2), price)
    with pytest.raises(Reverted, match="NotACounterparty"):
        house.propose(failing, short)


def test_propose_for_a_market_without_a_position_reverts(house: Wreck) -> None:
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    for market in (ETH, 2, 63, 64, 65, 2**32 - 1):
        with pytest.raises(Reverted, match="NoPosition"):
            house.propose(failing, short, market)


# The order


def test_order_is_by_score_to_the_last_digit(house: Wreck) -> None:
    shorts = [house.trader(2 + n, 8_000 * (n + 1) * USD) for n in range(4)]
    failing = bankrupt_long(house, *shorts, each=1.5)
    line = queue([candidate(house, short) for short in shorts], house.size(failing))
    by_account = {short.account: short for short in shorts}
    last = None
    for place in reversed(line):
        score = house.propose(failing, by_account[place.account])
        assert score == place.score * WAD // 1
        if last:
            with pytest.raises(Reverted, match="NotBetter"):
                house.propose(failing, last)
        last = by_account[place.account]
    house.advance(DELAY_SECONDS)
    assert house.deleverage(failing)["counterparty"] == line[0].account


def test_order_of_equal_scores_is_by_the_lower_id(house: Wreck) -> None:
    lower, higher = house.trader(2, 50_000 * USD), house.trader(3, 50_000 * USD)
    failing = bankrupt_long(house, lower, higher)
    assert house.propose(failing, higher) == house.propose(failing, lower)
    for who in (higher, lower):
        with pytest.raises(Reverted, match=f"NotBetter.*standing={lower.account}"):
            house.propose(failing, who)


def test_deleverage_waits_for_better_candidates_and_outbidding_does_not_prolong_it(
    house: Wreck,
) -> None:
    rich, lean = house.trader(2, 90_000 * USD), house.trader(3, 9_000 * USD)
    failing = bankrupt_long(house, rich, lean)
    with pytest.raises(Reverted, match="NoCandidate"):
        house.deleverage(failing)
    house.propose(failing, rich)
    house.advance(DELAY_SECONDS - 1)
    with pytest.raises(Reverted, match=f"CandidateTooYoung.*={house.now + 1}"):
        house.deleverage(failing)
    house.propose(failing, lean)
    house.advance(1)
    assert house.deleverage(failing)["counterparty"] == lean.account


def test_candidate_that_left_gives_way_and_the_delay_starts_again(house: Wreck) -> None:
    rich, lean, buyer = (house.trader(2 + n, 9_000 * 10 ** (n != 1) * USD) for n in range(3))
    failing = bankrupt_long(house, rich, lean)
    house.propose(failing, lean)
    house.advance(DELAY_SECONDS)
    assert not house.trade(lean, buyer, coins(2), usd(55_000)).rejections
    with pytest.raises(Reverted, match="NotACounterparty"):
        house.deleverage(failing)
    house.propose(failing, rich)
    with pytest.raises(Reverted, match="CandidateTooYoung"):
        house.deleverage(failing)
    house.advance(DELAY_SECONDS)
    assert house.deleverage(failing)["counterparty"] == rich.account


def test_resting_orders_of_a_counterparty_still_settle_afterwards(house: Wreck) -> None:
    short, buyer = house.trader(2, 50_000 * USD), house.trader(3, 50_000 * USD)
    failing = bankrupt_long(house, short)
    resting = house.order(short, False, coins(1), usd(55_000), flags=OrderFlag.NONE)
    house.deleverage_against(failing, short)
    taking = house.order(buyer, True, coins(1), usd(55_000))
    assert not house.settle(Match(taking, resting, coins(1))).rejections
    assert house.size(short) == -coins(1)


def test_deleverage_in_a_closed_market_reverts(house: Wreck) -> None:
    short, other = house.trader(2, 50_000 * USD), house.trader(3, 50_000 * USD)
    failing = house.trader(1, 4_000 * USD)
    house.trade(failing, short, coins(1), usd(60_000))
    house.trade(failing, other, coins(10), usd(3_000), market=ETH)
    house.crash(usd(50_000))
    house.crash(usd(2_900), market=ETH)
    for _ in range(31):
        house.advance(59)
        house.crash(usd(50_000))
    house.close(BTC)
    assert house.equity(failing) < 0
    with pytest.raises(Reverted, match="MarketClosed"):
        house.propose(failing, short)


def test_a_market_rule_change_moves_the_delay(house: Wreck) -> None:
    short = house.trader(2, 50_000 * USD)
    failing = bankrupt_long(house, short)
    house.propose(failing, short)
    rules = house.read("getSafety", BTC)[0] | {"deleverageDelay": 0}
    house.send(TIMELOCK, "setSafetyRules", BTC, tuple(rules.values()))
    house.deleverage(failing)
    assert house.size(failing) == 0


# Options


def listed(house: Wreck, cash: int) -> tuple[Trader, Trader, Trader, int]:
    """A writer with so much cash, two holders of one call each, and the call's series."""
    strike = house.list_strike(house.on_the_minute(30 * 86_400), usd(60_000))
    house.quote(strike, usd(60_000))
    writer = house.trader(1, cash)
    holders = [house.trader(2, 50_000 * USD), house.trader(3, 80_000 * USD)]
    for holder in holders:
        value = house.read("getSeries", strike)[2]
        price = value // usd(1) * usd(1)
        assert not house.trade(holder, writer, coins(1), price, market=strike).rejections
    return writer, holders[0], holders[1], strike


def squeeze(house: Wreck, strike: int, index: int) -> None:
    """The index rises and the strike is priced at it, past the grace period."""
    house.quote(strike, index)
    house.crash(index)
    house.price(strike, strike + 1)


def test_deleverage_of_a_short_option_pays_its_holder_less_than_its_value(house: Wreck) -> None:
    writer, holder, _, strike = listed(house, 20_000 * USD)
    squeeze(house, strike, usd(80_000))
    equity, value = house.equity(writer), house.read("getSeries", strike)[2]
    assert equity < 0
    event = house.deleverage_against(writer, holder, strike)
    assert event["size"] == coins(1)
    assert event["price"] == bankruptcy_price(-coins(2), value, equity, 1, 1, usd(1))
    assert dict(zip(*house.read("getHoldings", writer.account))) == {strike: -coins(1)}
    assert house.read("getHoldings", holder.account) == ((), ())
    assert equity / 2 <= house.equity(writer) < 0


def test_deleverage_of_both_holders_leaves_the_writer_at_zero(house: Wreck) -> None:
    writer, first, second, strike = listed(house, 20_000 * USD)
    squeeze(house, strike, usd(80_000))
    house.deleverage_against(writer, first, strike)
    house.deleverage_against(writer, second, strike)
    assert house.read("getHoldings", writer.account) == ((), ())
    assert 0 <= house.equity(writer) <= 2 * USD + 2
    assert house.read("getSeries", strike)[0]["openInterest"] == 0


def test_order_of_option_holders_is_by_value_over_equity(house: Wreck) -> None:
    writer, first, second, strike = listed(house, 20_000 * USD)
    squeeze(house, strike, usd(80_000))
    worth = floor(notional(coins(1), house.read("getSeries", strike)[2]))
    assert house.propose(writer, second, strike) == worth * WAD // house.equity(second)
    assert house.propose(writer, first, strike) == worth * WAD // house.equity(first)
    with pytest.raises(Reverted, match="NotBetter"):
        house.propose(writer, second, strike)


def test_long_option_of_a_bankrupt_carries_no_share(house: Wreck) -> None:
    """The holder of a nearly worthless call is closed by his perpetual alone."""
    strike = house.list_strike(house.on_the_minute(30 * 86_400), usd(60_000))
    house.quote(strike, usd(60_000))
    failing = house.trader(1, 25_000 * USD)
    short, writer = house.trader(2, 90_000 * USD), house.trader(3, 90_000 * USD)
    call = house.read("getSeries", strike)[2] // usd(1) * usd(1)
    assert not house.trade(failing, writer, coins(1), call, market=strike).rejections
    assert not house.trade(failing, short, coins(1.5), usd(60_000)).rejections
    squeeze(house, strike, usd(45_000))
    equity = house.equity(failing)
    assert equity < 0
    with pytest.raises(Reverted, match="NotACounterparty"):
        house.propose(failing, writer, strike)
    event = house.deleverage_against(failing, short)
    assert event["price"] == bankruptcy_price(coins(1.5), usd(45_000), equity, 1, 1, BTC_TICK)
    assert house.equity(failing) >= 0
    assert dict(zip(*house.read("getHoldings", failing.account))) == {strike: coins(1)}


def test_shares_in_portfolio_margin_are_what_each_position_would_need_alone(house: Wreck) -> None:
    writer, holder, other, strike = listed(house, 30_000 * USD)
    short = -coins(0.25)
    assert not house.trade(other, writer, -short, usd(60_000)).rejections
    squeeze(house, strike, usd(80_000))
    equity, index = house.equity(writer), usd(80_000)
    _, changes, value, _, _ = house.read("getSeries", strike)
    option = OptionHolding(-coins(2), 1, usd(60_000), False, value, changes)
    written = portfolio_maintenance(Underlying(index, options=(option,)))
    perp = PerpHolding(short, -15_000 * USD, index, 20_000, BTC_MMF)
    sold = portfolio_maintenance(Underlying(index, perps=(perp,)))
    event = house.deleverage_against(writer, other)
    whole = written + sold
    assert event["price"] == bankruptcy_price(short, index, equity, sold, whole, BTC_TICK)
    left = house.equity(writer)
    event = house.deleverage_against(writer, holder, strike)
    assert event["price"] == bankruptcy_price(-coins(2), value, left, 1, 1, usd(1))


# Any crash


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_fails_is_closed_in_order_and_nobody_falls_below_zero(
    data: st.DataObject,
) -> None:
    """The exact model says who is next and at what price, until nothing or nobody is left."""
    house, draw = Wreck(), data.draw
    failing = house.trader(1, 12_000 * USD)
    others = [house.trader(n, draw(st.integers(1_000, 30_000)) * USD) for n in range(2, 7)]
    for market, price in ((BTC, usd(60_000)), (ETH, usd(3_000))):
        for other in draw(st.permutations(others))[:3]:
            size = draw(st.integers(1_000, 15_000)) * (10**4 if market == BTC else 10**5)
            house.trade(failing, other, size, price, market=market)
    house.crash(usd(draw(st.integers(40_000, 57_000))) + draw(st.integers(0, 10**8)))
    house.crash(usd(draw(st.integers(1_500, 3_500))) + draw(st.integers(0, 10**8)), market=ETH)
    for market in draw(st.permutations([BTC, ETH])):
        while house.equity(failing) < 0 and house.size(failing, market):
            if not _close_the_next(house, failing, others, market):
                break
    if not house.size(failing) and not house.size(failing, ETH):
        assert house.equity(failing) >= 0


def _close_the_next(house: Wreck, failing: Trader, others: list[Trader], market: int) -> bool:
    """Deleverage against whom the model puts first; whether there was anybody."""
    price = _model_price(house, failing, market)
    size = house.size(failing, market)
    by_account = {other.account: other for other in others}
    line = queue([candidate(house, o, market) for o in others if house.size(o, market)], size)
    fit = [c for c in line if c.equity_after(min(abs(c.size), size), price) >= 0]
    if not fit:
        return False
    equity = house.equity(failing)
    event = house.deleverage_against(failing, by_account[fit[0].account], market)
    assert (event["counterparty"], event["price"]) == (fit[0].account, price)
    assert house.equity(failing) >= equity
    assert house.equity(by_account[fit[0].account]) >= 0
    return True


def _model_price(house: Wreck, failing: Trader, market: int) -> int:
    """p8, by the exact model."""
    needs = []
    for number, mmf in ((BTC, BTC_MMF), (ETH, ETH_MMF)):
        mark = house.read("getMarket", number)["price"]["mark"]
        needs.append(maintenance(house.size(failing, number), mark, mmf))
    mark = house.read("getMarket", market)["price"]["mark"]
    tick = (BTC_TICK, ETH_TICK)[market]
    size, equity = house.size(failing, market), house.equity(failing)
    return bankruptcy_price(size, mark, equity, needs[market], sum(needs), tick)
