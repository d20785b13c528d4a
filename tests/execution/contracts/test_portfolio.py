"""Portfolio margin in settlement: verdicts and standings as the model has them, bounded gas."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

import pytest

from execution.contracts.abi import clearing_house
from execution.contracts.genesis import BTC_USD, ETH_USD, SIZE_ONE
from execution.margin import Match, Reason, SignedOrder, pack_batch
from state.types import Gas
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.cold import cold_call, cold_gas
from tests.execution.contracts.desk import Desk, Inputs, usd
from tests.execution.contracts.exact import fills, requirements
from tests.execution.contracts.exact.holdings import Account, OptionHolding, PerpHolding, Underlying
from tests.execution.contracts.exact.requirements import Standing
from tests.execution.contracts.house import OPERATORS, START, USD, Trader
from tests.execution.contracts.pit import INDEX, MONTH, Pit, model_of, option_of, perp_of

PORTFOLIO = 1
SPOTS = (INDEX, usd(3_000))
STEPS = 60
COLD_CHECK_GAS_MAX, COLD_SHORT_CHECK_GAS_MAX = 450_000, 460_000
"""Of 8 perpetuals and 16 series, bought or sold; reading their 145 slots takes 304,500 of it, and
shorts look for what covers them."""
TRANSACTION_GAS = 21_000
"""Of every transaction (Yellow Paper, appendix G)."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill to try: traders by number, the maker's price p8, size s8."""

    market: int
    buyer: int
    seller: int
    size: int
    price: int


class Floor:
    """Four traders, two of whom chose portfolio margin, before two markets and three strikes."""

    def __init__(self, cash: int = 6_000 * USD) -> None:
        self.desk = Desk(markets=(BTC_USD, ETH_USD))
        self.traders = [self.desk.trader(i, cash) for i in range(4)]
        for trader in self.traders[:2]:
            self.desk.send(trader.address, "setMarginMode", trader.account, PORTFOLIO)
        expiry = self.desk.on_the_minute(MONTH)
        terms = ((0, INDEX), (0, usd(66_000)), (1, usd(2_900)))
        self.strikes = [self.desk.list_strike(expiry, price, underlying=u) for u, price in terms]
        self.reprice((0, 0))

    def reprice(self, moves: tuple[int, int]) -> None:
        """A second later both indexes have moved by some ppm, and every series is priced."""
        self.desk.advance(1)
        spots = [spot * (10**6 + ppm) // 10**6 for spot, ppm in zip(SPOTS, moves)]
        for market, spot in enumerate(spots):
            self.desk.report(market, spot)
        for strike in self.strikes:
            underlying = self.desk.read("getStrike", strike)[0]["underlying"]
            self.desk.report_inputs(strike, Inputs(spots[underlying]))
            self.desk.price(strike, strike + 1)

    @property
    def series(self) -> list[int]:
        return [s for strike in self.strikes for s in (strike, strike + 1)]

    def price_of(self, market: int) -> int:
        """p8 on the tick: the mark, or a series' value."""
        if market >= 64:
            value = int(self.desk.read("getSeries", market)[2])
            underlying = self.desk.read("getStrike", market & ~1)[0]["underlying"]
            tick = self.desk.read("getOptionRules", underlying)["tick"]
            return int(max(tick, value - value % tick))
        state = self.desk.read("getMarket", market)
        return int(state["price"]["mark"] // state["rules"]["tick"] * state["rules"]["tick"])

    def orders(self, fill: Fill) -> Match:
        buyer, seller = self.traders[fill.buyer], self.traders[fill.seller]
        buy = self.order(buyer, True, fill)
        return Match(buy, self.order(seller, False, fill), fill.size)

    def order(self, trader: Trader, is_buy: bool, fill: Fill) -> SignedOrder:
        return self.desk.order(trader, is_buy, fill.size, fill.price, market=fill.market)

    def settle(self, fills: Sequence[Fill]) -> list[tuple[int, Reason]]:
        return self.desk.settle(*map(self.orders, fills)).rejections

    def random_fill(self, rng: Random) -> Fill:
        buyer, seller = rng.sample(range(4), 2)
        market = rng.choice((0, 1, *self.series))
        lot = 10**6 if market >= 64 else (BTC_USD, ETH_USD)[market].lot
        size = lot * rng.choice((1, 5, 20, 60)) * (10 if market == 1 or market >= 68 else 1)
        return Fill(market, buyer, seller, size, self.price_of(market))

    def model(self, number: int) -> Account:
        return model_of(self.desk, self.traders[number].account)

    def holdings(self, number: int) -> tuple[object, ...]:
        """Cash, positions, and sizes by series."""
        account = self.traders[number].account
        sizes = dict(zip(*self.desk.read("getHoldings", account)))
        return self.model(number).cash, self.desk.read("getPositions", account), sizes

    def standing(self, number: int) -> Standing:
        found = self.desk.read("requirements", self.traders[number].account)
        keys = ("equity", "initial", "maintenance", "withdrawable")
        return Standing(*(found[key] for key in keys))


@pytest.mark.parametrize("seed", range(4))
def test_batch_judges_each_fill_as_if_it_came_alone(seed: int) -> None:
    batched, alone = Floor(), Floor()
    rng = Random(seed)
    for _ in range(6):
        moves = rng.randint(-40_000, 40_000), rng.randint(-40_000, 40_000)
        batched.reprice(moves)
        alone.reprice(moves)
        fills_ = [batched.random_fill(rng) for _ in range(20)]
        one_by_one = [alone.settle([fill]) for fill in fills_]
        expected = [(i, reason) for i, found in enumerate(one_by_one) for _, reason in found]
        assert batched.settle(fills_) == expected
        for number in range(4):
            assert batched.standing(number) == alone.standing(number)
            assert batched.holdings(number) == alone.holdings(number)
    assert_balanced(batched.desk)


@pytest.mark.parametrize("seed", range(3))
def test_verdicts_and_standings_are_those_of_the_model(seed: int) -> None:
    floor = Floor()
    rng = Random(100 + seed)
    refusals = 0
    for step in range(STEPS):
        if step % 10 == 0:
            floor.reprice((rng.randint(-60_000, 60_000), rng.randint(-60_000, 60_000)))
        fill = floor.random_fill(rng)
        expected = expected_verdict(floor, fill)
        found = floor.settle([fill])
        assert [reason for _, reason in found] == [expected] * bool(expected)
        refusals += bool(expected)
        for number in range(4):
            is_portfolio = number < 2
            assert floor.standing(number) == requirements.standing(
                floor.model(number), is_portfolio
            )
    assert 0 < refusals < STEPS


def expected_verdict(floor: Floor, fill: Fill) -> Reason:
    """What the model says of both margins, after the trade and before it."""
    sides = (
        (fill.buyer, fill.size, 0, Reason.TAKER_MARGIN),
        (fill.seller, -fill.size, 1, Reason.MAKER_MARGIN),
    )
    for number, delta, lane, failure in sides:
        before = floor.model(number)
        after = traded(floor.desk, before, fill, delta, lane)
        was, now = (requirements.standing(state, number < 2) for state in (before, after))
        ratio_holds = now.equity * was.maintenance >= was.equity * now.maintenance
        lowers = now.maintenance <= was.maintenance and ratio_holds
        if now.equity < now.initial and not lowers:
            return failure
    return Reason.NONE


def traded(desk: Desk, account: Account, fill: Fill, delta: int, lane: int) -> Account:
    """The model's account after a side of a fill. Open interest stays below where margin rises."""
    is_option = fill.market >= 64
    underlying = fill.market
    if is_option:
        underlying = desk.read("getStrike", fill.market & ~1)[0]["underlying"]
    paid = fills.fee(fill.size, fill.price, BTC_USD.fees[lane])
    index = desk.read("getMarket", underlying)["price"]["index"]
    kept = [u for u in account.underlyings if u.index != index]
    held = next((u for u in account.underlyings if u.index == index), Underlying(index))
    if is_option:
        options, cash = option_after(desk, held.options, fill, delta)
        held = replace(held, options=options)
    else:
        perps, cash = perp_after(desk, held.perps, fill, delta)
        held = replace(held, perps=perps)
    return Account(account.cash + cash - paid, (*kept, held))


def option_after(
    desk: Desk, options: tuple[OptionHolding, ...], fill: Fill, delta: int
) -> tuple[tuple[OptionHolding, ...], int]:
    terms = option_of(desk, fill.market, 0)
    old = next((o for o in options if replace(o, size=0) == terms), terms)
    size, premium = fills.option_trade(old.size, delta, fill.price)
    others = tuple(o for o in options if o is not old)
    return (*others, *((replace(old, size=size),) if size else ())), premium


def perp_after(
    desk: Desk, perps: tuple[PerpHolding, ...], fill: Fill, delta: int
) -> tuple[tuple[PerpHolding, ...], int]:
    flow = desk.read("getMarket", fill.market)["flow"]
    flat = {"size": 0, "cost": 0, "funding": flow["fundingIndex"]}
    old = perps[0] if perps else perp_of(desk, fill.market, flat)
    trade = fills.trade(old.size, old.cost, delta, fill.price)
    new = replace(old, size=trade.size, cost=trade.cost, funding_change=0)
    return ((new,) if trade.size else ()), trade.realised + old.unsettled


def test_put_that_protects_a_perpetual_lowers_what_it_needs() -> None:
    pit = Pit()
    lots = SIZE_ONE // BTC_USD.lot
    pit.desk.send(pit.a.address, "setMarginMode", pit.a.account, PORTFOLIO)
    size = lots * BTC_USD.lot
    buy = pit.desk.order(pit.a, True, size, INDEX, market=0)
    sell = pit.desk.order(pit.b, False, size, INDEX, market=0)
    assert pit.desk.settle(Match(buy, sell, size)).rejections == []
    bare = pit.desk.read("requirements", pit.a.account)["initial"]
    assert pit.trade(pit.a, pit.b, size // pit.rules["lot"], market=pit.put) == []
    protected = pit.desk.read("requirements", pit.a.account)["initial"]
    assert protected < bare * 6 // 10


def test_first_option_moves_a_cross_account_to_portfolio_margin_and_the_last_one_back() -> None:
    pit = Pit()
    lots = SIZE_ONE // pit.rules["lot"] // 10
    assert pit.trade(pit.a, pit.b, lots, INDEX, market=0) == []
    cross = pit.desk.read("requirements", pit.a.account)
    assert pit.trade(pit.a, pit.b, 1) == []
    portfolio = pit.desk.read("requirements", pit.a.account)
    assert portfolio["initial"] > 5 * cross["initial"]
    assert pit.trade(pit.b, pit.a, 1) == []
    assert pit.desk.read("requirements", pit.a.account)["initial"] == cross["initial"]


class Colossus:
    """Two accounts with a position in each of 64 markets and in 32 series."""

    def __init__(self) -> None:
        markets = (BTC_USD,) * 64
        self.desk = Desk(markets=markets)
        self.pair = [self.desk.trader(i, 10**6 * USD) for i in range(2)]
        for trader in self.pair:
            self.desk.send(trader.address, "setMarginMode", trader.account, PORTFOLIO)
        for market in range(64):
            self.desk.report(market, INDEX)
        expiry = self.desk.on_the_minute(MONTH)
        self.series = []
        for number in range(16):
            underlying = number % 4
            strike = self.desk.list_strike(expiry, INDEX + usd(number), underlying=underlying)
            self.desk.report_inputs(strike, Inputs(INDEX))
            self.desk.price(strike, strike + 1)
            self.series += [strike, strike + 1]
        everything = [*range(64), *self.series]
        for number in range(0, 96, 4):
            found = self.desk.settle(*map(self.match, everything[number : number + 4]))
            assert not found.rejections
            assert not found.named("BatchStopped")

    def match(self, market: int, lots: int = 1) -> Match:
        """From the second to the first."""
        size, price = lots * BTC_USD.lot, INDEX
        if market >= 64:
            value = int(self.desk.read("getSeries", market)[2])
            size, price = lots * 10**6, value - value % usd(1)
        buy = self.desk.order(self.pair[0], True, size, price, market=market)
        sell = self.desk.order(self.pair[1], False, size, price, market=market)
        return Match(buy, sell, size)


def test_gas_reserve_covers_accounts_that_hold_everything() -> None:
    colossus = Colossus()
    markets = [0, colossus.series[0], 63, colossus.series[31], 1]
    matches = [colossus.match(market) for market in markets]
    done, stops = 0, set()
    for gas in range(500_000, 14_000_000, 431_111):
        receipt = colossus.desk.settle(*matches[done:], gas=gas)
        left = len(matches) - done
        stopped = receipt.named("BatchStopped") or [{"firstUnprocessed": left}]
        settled = stopped[0]["firstUnprocessed"]
        assert len(receipt.named("FillSettled")) == settled
        stops.add(settled)
        done += settled
        if done == len(matches):
            break
    assert done == len(matches)
    assert 0 in stops
    assert_balanced(colossus.desk)


@pytest.mark.parametrize("lots", [1, 10**7], ids=["settled", "refused"])
def test_gas_reserve_covers_cold_accounts_that_hold_everything(lots: int) -> None:
    colossus = Colossus()
    batch = pack_batch([colossus.match(0, lots)]).calldata
    matcher = OPERATORS.matcher.address
    names = set()
    for gas in range(7_300_000, 8_100_000, 100_000):
        outcome = cold_call(colossus.desk, batch, matcher, gas=Gas(gas))
        assert outcome.succeeded
        names |= {clearing_house().event(log.topics, log.data).name for log in outcome.logs}
    assert names == {"BatchStopped", "FillSettled" if lots == 1 else "FillRejected"}


def test_gas_reserve_covers_accounts_that_change_everything() -> None:
    colossus = Colossus()
    everything = [*range(0, 64, 3), *colossus.series[::2]]
    matches = [colossus.match(market) for market in everything]
    for gas in (9_000_000, 11_000_000, 13_000_000, 16_700_000):
        receipt = colossus.desk.settle(*matches, gas=gas)
        stopped = receipt.named("BatchStopped") or [{"firstUnprocessed": len(matches)}]
        settled = stopped[0]["firstUnprocessed"]
        assert len(receipt.named("FillSettled")) == settled
        matches = matches[settled:]
    assert_balanced(colossus.desk)


def test_cold_margin_check_of_8_perpetuals_and_16_series_stays_within_its_gas() -> None:
    desk = Desk(markets=(BTC_USD,) * 8)
    pair = [desk.trader(i, 10**7 * USD) for i in range(2)]
    for market in range(8):
        desk.report(market, INDEX)
    expiry = desk.on_the_minute(MONTH)
    matches = []
    for number in range(8):
        strike = desk.list_strike(expiry, INDEX + usd(number), underlying=number)
        desk.report_inputs(strike, Inputs(INDEX))
        desk.price(strike, strike + 1)
        for market in (number, strike, strike + 1):
            size, price = (BTC_USD.lot, INDEX) if market < 64 else (10**6, usd(4_000))
            buy = desk.order(pair[0], True, size, price, market=market)
            matches.append(Match(buy, desk.order(pair[1], False, size, price, market=market), size))
    assert desk.settle(*matches).rejections == []
    for trader, most in zip(pair, (COLD_CHECK_GAS_MAX, COLD_SHORT_CHECK_GAS_MAX), strict=True):
        assert desk.read("getAccount", trader.account)[1]["options"] == 16
        gas = cold_gas(desk, clearing_house().call("requirements", trader.account))
        assert gas - TRANSACTION_GAS <= most
    assert desk.now == START
