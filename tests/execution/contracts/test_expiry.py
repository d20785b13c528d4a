"""The price an expiry settles at, and how its holders pay and are paid."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from execution.contracts.genesis import BTC_USD, ETH_USD, PRICE_ONE, SIZE_ONE
from execution.contracts.parameters import OptionParameters
from execution.margin import Reason
from tests.execution.contracts.desk import ANYONE, MINUTE, Desk, Inputs, usd
from tests.execution.contracts.exact.expiry import payoff, settlement_price
from tests.execution.contracts.house import OPERATORS, START, TIMELOCK, USD, Reverted, Trader

STRIKE = usd(60_000)
DAY = 86_400
FINE = OptionParameters(PRICE_ONE, 10**4, 2_000 * SIZE_ONE, price_band=1_000_000)
"""Lots small enough that payoffs have fractions of a unit."""
MARKETS = (replace(BTC_USD, options=FINE, safety=replace(BTC_USD.safety, pause_move=0)), ETH_USD)
WEEK = 7 * DAY


@pytest.fixture
def desk() -> Desk:
    return Desk(markets=MARKETS)


# The price


class Tape:
    """Index reports as the contract and the model both saw them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.reports: list[tuple[int, int]] = []

    def report(self, moment: int, price: int) -> None:
        self.desk.advance(moment - self.desk.now)
        self.desk.report(0, price)
        self.reports.append((moment, price))

    def bucket(self, expiry: int) -> int:
        """Of the last report before an expiry."""
        return max(time for time, _ in self.reports if time < expiry) // MINUTE

    def fix(self, expiry: int) -> int:
        """Fix a settlement from the right bucket."""
        bucket = self.bucket(expiry)
        receipt = self.desk.send(ANYONE, "fixSettlement", 0, expiry, bucket)
        (event,) = receipt.named("SettlementFixed")
        return int(event["price"])


@pytest.fixture
def tape(desk: Desk) -> Tape:
    return Tape(desk)


def random_moments(rng: Random, start: int, end: int) -> Sequence[int]:
    """Report times: dense, sparse, on the grid, or with an outage, in one stretch."""
    pace = rng.choice((5, 40, 200, 900))
    moments = {start}
    while (moment := max(moments) + rng.randint(1, pace)) < end:
        moments.add(moment)
    outage = rng.randint(start, end)
    silent = range(outage, outage + rng.choice((0, 0, 300, 2_000)))
    moments = {m for m in moments if m not in silent} | {start}
    on_grid = rng.randint(start // MINUTE + 1, end // MINUTE) * MINUTE
    return sorted(moments | {on_grid})


@pytest.mark.parametrize("seed", range(12))
def test_settlement_is_the_mean_over_the_grid(tape: Tape, seed: int) -> None:
    rng = Random(seed)
    for _ in range(4):
        start = tape.desk.now + 1
        expiry = tape.desk.on_the_minute(rng.randint(1_860, 4_000))
        for moment in random_moments(rng, start, expiry + 90):
            tape.report(moment, rng.randint(usd(50_000), usd(70_000)))
        tape.desk.advance(max(0, expiry - tape.desk.now))
        assert tape.fix(expiry) == settlement_price(tape.reports, expiry)


def test_one_report_before_the_window_is_carried_through_it(tape: Tape) -> None:
    expiry = tape.desk.on_the_minute(DAY)
    tape.report(START, STRIKE + 17)
    tape.desk.advance(expiry - START)
    assert tape.fix(expiry) == STRIKE + 17


def test_points_before_the_first_report_do_not_count(tape: Tape) -> None:
    expiry = tape.desk.on_the_minute(1_800)
    tape.report(expiry - 125, STRIKE)
    tape.report(expiry - 65, STRIKE + 10)
    tape.desk.advance(65)
    assert tape.fix(expiry) == STRIKE + 20 // 3


def test_report_on_a_grid_point_counts_from_the_next(tape: Tape) -> None:
    expiry = tape.desk.on_the_minute(7_200)
    tape.report(START, STRIKE)
    tape.report(expiry - MINUTE, STRIKE + 30)
    tape.report(expiry, STRIKE + 3_000)
    assert tape.fix(expiry) == STRIKE + 1
    assert settlement_price(tape.reports, expiry) == STRIKE + 1


def test_report_a_second_before_the_expiry_counts(tape: Tape) -> None:
    expiry = tape.desk.on_the_minute(7_200)
    tape.report(START, STRIKE)
    tape.report(expiry - 1, STRIKE + 60)
    tape.desk.advance(1)
    assert tape.fix(expiry) == STRIKE + 2


def test_only_the_newest_bucket_before_the_expiry_fixes_it(tape: Tape) -> None:
    expiry = tape.desk.on_the_minute(7_200)
    for moment in (START, expiry - 200, expiry - 100, expiry, expiry + 100):
        tape.report(moment, STRIKE)
    right = (expiry - 100) // MINUTE
    wrong = {START // MINUTE, right - 1, right + 1, expiry // MINUTE, expiry // MINUTE + 1, 0}
    for bucket in sorted(wrong):
        with pytest.raises(Reverted, match=rf"WrongBucket\(bucket={bucket}\)"):
            tape.desk.send(ANYONE, "fixSettlement", 0, expiry, bucket)
    assert tape.fix(expiry) == STRIKE


def test_settlement_is_fixed_once_and_not_before_its_expiry(tape: Tape) -> None:
    expiry = tape.desk.on_the_minute(7_200)
    tape.report(START, STRIKE)
    for early in (expiry, tape.desk.on_the_minute(0), tape.desk.now - 1):
        with pytest.raises(Reverted, match="NotExpired"):
            tape.desk.send(ANYONE, "fixSettlement", 0, early, START // MINUTE)
    tape.desk.advance(expiry - START)
    tape.fix(expiry)
    with pytest.raises(Reverted, match="AlreadyFixed"):
        tape.fix(expiry)
    with pytest.raises(Reverted, match="MarketUnknown"):
        tape.desk.send(ANYONE, "fixSettlement", 2, expiry, START // MINUTE)


def test_later_reports_do_not_move_a_settlement(tape: Tape) -> None:
    expiry = tape.desk.on_the_minute(3_600)
    tape.report(START, STRIKE)
    for late in range(5):
        tape.report(expiry + late * 45, 2 * STRIKE)
    assert tape.fix(expiry) == STRIKE


# Holders


def traders(desk: Desk, count: int, cash: int = 10_000_000 * USD) -> list[Trader]:
    return [desk.trader(index, cash) for index in range(count)]


def open_series(
    desk: Desk, series: int, longs: Sequence[Trader], shorts: Sequence[Trader], size: int
) -> None:
    """Each long buys `size` of the short at its place, at the series' value."""
    value = desk.read("getSeries", series)[2]
    price = max(1, value // PRICE_ONE) * PRICE_ONE
    for long, short in zip(longs, shorts, strict=True):
        assert desk.trade(long, short, size, price, market=series).rejections == []


def listed(desk: Desk, price: int = STRIKE, index: int = STRIKE) -> tuple[int, int]:
    """A strike that expires in a day, priced; its call's id and its expiry."""
    expiry = desk.on_the_minute(DAY)
    strike = desk.list_strike(expiry, price)
    desk.quote(strike, index)
    return strike, expiry


@pytest.mark.parametrize("is_put", [False, True])
@pytest.mark.parametrize("settlement", [STRIKE - 12_345_678_901, STRIKE, STRIKE + 98_765_432_109])
def test_holders_are_settled_at_the_payoff(desk: Desk, is_put: bool, settlement: int) -> None:
    people = traders(desk, 6)
    strike, expiry = listed(desk)
    series = strike + is_put
    open_series(desk, series, people[:3], people[3:], 10**8 + 10**4)
    desk.expire(expiry, settlement)
    before = [desk.cash(p) for p in people]
    receipt = desk.settle_holders(series, people[3:])
    settled = receipt.named("OptionSettled") + desk.settle_holders(series, people).named(
        "OptionSettled"
    )
    sizes = [10**8 + 10**4] * 3 + [-(10**8) - 10**4] * 3
    expected = [payoff(is_put, STRIKE, settlement, size) for size in sizes]
    assert [desk.cash(p) - b for p, b in zip(people, before)] == expected
    assert [e["payoff"] for e in settled] == expected[3:] + expected[:3]
    assert 0 <= desk.pool(series) <= 6
    assert desk.unexplained(people, (strike, strike + 1)) == 0
    book = desk.read("getSeries", series)[0]
    assert (book["openInterest"], book["shortsLeft"]) == (0, 0)
    assert all(desk.read("getHoldings", p.account) == ((), ()) for p in people)


@pytest.mark.parametrize("seed", range(6))
def test_rounding_leaves_the_pool_between_nothing_and_a_unit_each(desk: Desk, seed: int) -> None:
    rng = Random(seed)
    people = traders(desk, 10)
    strike, expiry = listed(desk)
    for _ in range(25):
        long, short = rng.sample(people, 2)
        open_series(desk, strike, [long], [short], rng.randint(1, 50_000) * 10**4)
    desk.expire(expiry, rng.randint(STRIKE, 2 * STRIKE))
    sizes = {p.account: sum(desk.read("getHoldings", p.account)[1]) for p in people}
    shorts = [p for p in people if sizes[p.account] < 0]
    longs = [p for p in people if sizes[p.account] > 0]
    rng.shuffle(longs)
    desk.settle_holders(strike, shorts)
    for long in longs:
        desk.settle_holders(strike, [long])
    assert 0 <= desk.pool(strike) <= len(people)
    assert desk.unexplained(people, [strike]) == 0


def test_longs_wait_for_every_short(desk: Desk) -> None:
    people = traders(desk, 4)
    strike, expiry = listed(desk)
    open_series(desk, strike, people[:2], people[2:], SIZE_ONE)
    desk.expire(expiry, STRIKE + usd(500))
    with pytest.raises(Reverted, match=r"ShortsFirst\(series=64, shortsLeft=200000000\)"):
        desk.settle_holders(strike, people)
    desk.settle_holders(strike, [people[2]])
    with pytest.raises(Reverted, match="ShortsFirst"):
        desk.settle_holders(strike, people)
    desk.settle_holders(strike, [people[3], people[0], people[1]])
    assert desk.pool(strike) == 0


def test_who_holds_nothing_and_who_comes_twice_are_passed_over(desk: Desk) -> None:
    people = traders(desk, 3)
    strike, expiry = listed(desk)
    open_series(desk, strike, people[:1], people[1:2], SIZE_ONE)
    desk.expire(expiry, STRIKE + usd(500))
    order = [people[2], people[1], people[1], people[0], people[0]]
    settled = desk.settle_holders(strike, order).named("OptionSettled")
    assert [e["payoff"] for e in settled] == [-500 * USD, 500 * USD]
    assert desk.settle_holders(strike, order).events == ()
    assert desk.settle_holders(strike + 1, order).events == ()


def test_settling_needs_a_fixed_price(desk: Desk) -> None:
    strike, expiry = listed(desk)
    with pytest.raises(Reverted, match="SeriesNotExpired"):
        desk.settle_holders(strike, [])
    with pytest.raises(Reverted, match="SeriesUnknown"):
        desk.settle_holders(strike + 2, [])
    desk.advance(expiry - desk.now)
    with pytest.raises(Reverted, match="NotFixed"):
        desk.settle_holders(strike, [])


def test_expired_series_neither_trades_nor_lets_go_until_settled(desk: Desk) -> None:
    people = traders(desk, 2)
    strike, expiry = listed(desk)
    open_series(desk, strike, people[:1], people[1:], SIZE_ONE)
    desk.expire(expiry, STRIKE)
    desk.report(0, STRIKE)
    receipt = desk.trade(people[1], people[0], SIZE_ONE, usd(500), market=strike)
    assert receipt.rejections == [(0, Reason.SERIES_EXPIRED)]
    assert all(desk.read("requirements", p.account)["stale"] for p in people)
    desk.settle_holders(strike, reversed(people))
    assert not any(desk.read("requirements", p.account)["stale"] for p in people)


# Who can't pay


def insure(desk: Desk, amount: int) -> None:
    desk.give(ANYONE, amount)
    desk.send(ANYONE, "fundInsurance", 0, amount)


def naked(desk: Desk, count: int = 3) -> tuple[int, int, list[Trader], Trader]:
    """Rich longs, and one poor short who sold two calls each to them."""
    longs = traders(desk, count)
    short = desk.trader(20, 200_000 * USD)
    strike, expiry = listed(desk)
    for long in longs:
        open_series(desk, strike, [long], [short], SIZE_ONE // 2 + 10**4)
    return strike, expiry, longs, short


@pytest.mark.parametrize("insured", [0, 1, 7_777_777_777, 10**15])
def test_shortfall_is_insured_then_shared_by_the_longs(desk: Desk, insured: int) -> None:
    strike, expiry, longs, short = naked(desk)
    if insured:
        insure(desk, insured)
    settlement = STRIKE * 5 + 123_457
    desk.expire(expiry, settlement)
    size = SIZE_ONE // 2 + 10**4
    had, due = desk.cash(short), -payoff(False, STRIKE, settlement, -3 * size)
    covered = min(insured, due - had)
    missing = due - had - covered
    (event,) = desk.settle_holders(strike, [short]).named("ExpiryShortfall")
    assert (event["covered"], event["missing"]) == (covered, missing)
    assert desk.cash(short) == 0
    assert desk.read("getDebt", short.account)[0] == insured - covered
    assert desk.pool(strike) == had + covered
    before = [desk.cash(p) for p in longs]
    desk.settle_holders(strike, longs)
    paid = [desk.cash(p) - b for p, b in zip(longs, before)]
    whole = payoff(False, STRIKE, settlement, size)
    share = min(whole, (had + covered) // 3)
    assert all(share <= p <= share + 1 for p in paid)
    assert max(paid) <= whole
    assert desk.pool(strike) == had + covered - sum(paid)
    assert 0 <= desk.pool(strike) <= 4
    assert desk.unexplained([*longs, short], [strike]) == 0


def test_order_of_the_longs_moves_nobody_by_more_than_a_unit(desk: Desk) -> None:
    strike, expiry, longs, short = naked(desk, 5)
    desk.expire(expiry, STRIKE * 4 + 1)
    desk.settle_holders(strike, [short])
    pool = desk.pool(strike)
    paid = []
    for long in reversed(longs):
        (event,) = desk.settle_holders(strike, [long]).named("OptionSettled")
        paid.append(event["payoff"])
    assert max(paid) - min(paid) <= 1
    assert sum(paid) == pool


def test_short_that_owes_to_others_too_pays_no_more_than_its_equity(desk: Desk) -> None:
    """Its perpetual lost more than it has: nothing is left for the option, and no debt grows."""
    long, other = traders(desk, 2)
    short = desk.trader(20, 60_000 * USD)
    strike, expiry = listed(desk)
    open_series(desk, strike, [long], [short], SIZE_ONE // 10)
    assert desk.trade(other, short, SIZE_ONE, STRIKE).rejections == []
    desk.expire(expiry, STRIKE * 3)
    desk.report(0, STRIKE * 3)
    cash = desk.cash(short)
    desk.settle_holders(strike, [short])
    assert desk.cash(short) == cash
    assert desk.pool(strike) == 0
    (event,) = desk.settle_holders(strike, [long]).named("OptionSettled")
    assert event["payoff"] == 0
    assert desk.unexplained([long, other, short], [strike]) == 0


def test_spread_pays_with_its_other_leg_and_takes_no_insurance(desk: Desk) -> None:
    """The old array says that the long leg is worthless; its fixed payoff says what it is worth."""
    (rich,) = traders(desk, 1)
    spread = desk.trader(20, 60_000 * USD)
    expiry = desk.on_the_minute(DAY)
    sold, bought = (desk.list_strike(expiry, STRIKE + usd(n)) for n in (0, 1_000))
    desk.quote(sold, STRIKE)
    desk.report_inputs(bought, Inputs(STRIKE))
    desk.price(bought, bought + 1)
    open_series(desk, bought, [spread], [rich], SIZE_ONE)
    open_series(desk, sold, [rich], [spread], SIZE_ONE)
    insure(desk, 10**12)
    desk.expire(expiry, 3 * STRIKE)
    assert desk.settle_holders(sold, [spread]).named("ExpiryShortfall") == []
    desk.settle_holders(bought, [rich, spread])
    desk.settle_holders(sold, [rich])
    assert desk.cash(spread) > 0
    assert desk.unexplained([rich, spread], [sold, bought]) == 0


def hedged(desk: Desk) -> tuple[int, int, int, Trader]:
    """A short of a call of a day who owns one of a month: the two ids, the expiry and who it is."""
    rich, other = traders(desk, 2)
    short = desk.trader(20, 200_000 * USD)
    strike, expiry = listed(desk)
    later = desk.list_strike(expiry + 30 * DAY, STRIKE)
    desk.quote(later, STRIKE)
    open_series(desk, later, [short], [other], SIZE_ONE)
    open_series(desk, strike, [rich], [short], SIZE_ONE)
    desk.expire(expiry, 6 * STRIKE)
    return strike, later, expiry, short


def test_shortfall_is_judged_at_fresh_prices_or_a_week_later(desk: Desk) -> None:
    strike, _, expiry, short = hedged(desk)
    for seconds in (0, WEEK - 1):
        desk.advance(expiry + seconds - desk.now)
        with pytest.raises(Reverted, match=rf"JudgedWhenFresh\(account={short.account}\)"):
            desk.settle_holders(strike, [short])
    desk.advance(1)
    assert len(desk.settle_holders(strike, [short]).named("ExpiryShortfall")) == 1


def test_shortfall_is_judged_at_once_when_the_other_option_is_priced(desk: Desk) -> None:
    strike, later, _, short = hedged(desk)
    desk.quote(later, 6 * STRIKE)
    assert desk.settle_holders(strike, [short]).named("ExpiryShortfall") == []
    assert desk.read("equity", short.account) > 0


def test_rich_short_is_settled_at_stale_prices_too(desk: Desk) -> None:
    people = traders(desk, 2)
    strike, expiry = listed(desk)
    open_series(desk, strike, people[:1], people[1:], SIZE_ONE)
    assert desk.trade(people[1], people[0], SIZE_ONE, STRIKE).rejections == []
    desk.expire(expiry, STRIKE + usd(1))
    assert desk.read("requirements", people[0].account)["stale"]
    assert len(desk.settle_holders(strike, reversed(people)).named("OptionSettled")) == 2


# An underlying that ends


def test_series_end_with_their_underlying_at_its_closing_price(desk: Desk) -> None:
    people = traders(desk, 2)
    strike, expiry = listed(desk)
    open_series(desk, strike, people[:1], people[1:], SIZE_ONE)
    desk.advance(60)
    desk.report(0, STRIKE + usd(900))
    bucket = desk.newest_bucket()
    desk.send(OPERATORS.guardian.address, "closeMarket", 0, bucket)
    closing = desk.read("getClosing", 0)["price"]
    assert STRIKE < closing < STRIKE + usd(900)
    with pytest.raises(Reverted, match="MarketClosed"):
        desk.price(strike)
    with pytest.raises(Reverted, match="MarketClosed"):
        desk.report_inputs(strike, Inputs(STRIKE))
    desk.send(ANYONE, "fixSettlement", 0, expiry, 0)
    assert desk.read("getSettlement", 0, expiry) == closing
    desk.settle_holders(strike, reversed(people))
    assert desk.pool(strike) <= 2
    assert desk.unexplained(people, [strike]) == 0


def test_series_that_expired_before_their_underlying_ended_keep_their_mean(tape: Tape) -> None:
    desk = tape.desk
    expiry = desk.on_the_minute(3_600)
    tape.report(START, STRIKE)
    tape.report(expiry + 200, STRIKE * 2)
    desk.send(TIMELOCK, "closeMarket", 0, desk.newest_bucket())
    assert tape.fix(expiry) == STRIKE
