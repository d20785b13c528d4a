"""Random operations of many accounts, on the real bytecode and on the exact model side by side."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from execution.contracts.genesis import PRICE_ONE, SIZE_ONE, MarketParameters
from execution.contracts.parameters import SafetyParameters
from execution.margin import (
    Match,
    OrderFlag,
    Reason,
    read_account,
    read_filled,
    read_market,
    read_position,
)
from state.types import Timestamp
from tests.execution.contracts.house import OPERATORS, START, TIMELOCK, House, Reverted, Trader
from tests.execution.contracts.model import Book, Model
from tests.execution.contracts.odd import ODD

NEVER_PAUSED = SafetyParameters(pause_move=0)
"""Prices jump here without a pause, which the model doesn't know."""

TIGHT = MarketParameters(
    name="TIGHT-USD",
    tick=PRICE_ONE // 10,
    lot=SIZE_ONE // 1000,
    imf=100_000,
    mmf=50_000,
    oi_low=10 * SIZE_ONE,
    oi_high=30 * SIZE_ONE,
    oi_cap=25 * SIZE_ONE,
    price_band=200_000,
    mark_band=0,
    fees=(500, -110, 450, -110, 400, -120, 350, -150),
    safety=NEVER_PAUSED,
)
"""Small bounds, so that random sizes reach the cap and the rising margin."""

WILD = replace(
    ODD,
    name="WILD-USD",
    fees=(99_999, -99_999, 99_999, 3, 99_999, 3, 99_999, 3),
    safety=NEVER_PAUSED,
)
"""Fees as high as they get, and no bounds to reach."""

TRADERS = 4
accounts = st.integers(0, TRADERS - 1)
markets = st.integers(0, 1)
flag_sets = st.sampled_from(
    [OrderFlag.NONE] * 40
    + [OrderFlag.REDUCE_ONLY] * 2
    + [OrderFlag.POST_ONLY, OrderFlag.IOC, OrderFlag.FOK]
)


class Books(RuleBasedStateMachine):
    """Every operation happens twice; after each one the books are compared to the last unit."""

    @initialize(cash=st.lists(st.integers(10**9, 10**11), min_size=TRADERS, max_size=TRADERS))
    def open(self, cash: list[int]) -> None:
        self.house = House(markets=(TIGHT, WILD))
        self.model = Model((TIGHT, WILD), START)
        self.cancelled: set[tuple[int, int]] = set()
        # The last two accounts have one owner.
        self.traders = [self.house.trader(min(i, TRADERS - 2), c) for i, c in enumerate(cash)]
        for trader, amount in zip(self.traders, cash):
            self.model.accounts[trader.account] = Book(trader.address, amount)
            self.model.custody += amount
        self._report(0, 3000 * PRICE_ONE + 1)
        self._report(1, 777_777_777)

    def _report(self, market: int, price: int) -> None:
        target = self.model.markets[market]
        target.accrue(self.house.now)
        self.house.report(market, price)
        target.index, target.mark, target.index_time = price, price, self.house.now

    @rule(seconds=st.integers(1, 500), market=markets, move=st.integers(-150, 150))
    def move_price(self, seconds: int, market: int, move: int) -> None:
        self.house.advance(seconds)
        index = self.model.markets[market].index
        self._report(market, max(10**6, min(10**17, index + index * move // 1000)))

    @rule(seconds=st.integers(1, 9000))
    def wait(self, seconds: int) -> None:
        self.house.advance(seconds)

    @rule(market=markets, bid=st.integers(-900, 900), ask=st.integers(0, 900))
    def sample_book(self, market: int, bid: int, ask: int) -> None:
        target = self.model.markets[market]
        target.accrue(self.house.now)
        low = max(0, target.index + target.index * bid // 1000)
        sample = (low, low + ask, 0, 0, 0)
        self.house.send(OPERATORS.matcher.address, "postBookSample", market, sample)
        if not target.is_stale(self.house.now):
            target.sample(self.house.now, low, low + ask)

    @rule(market=markets)
    def accrue(self, market: int) -> None:
        self.house.send(TIMELOCK, "accrueFunding", market)
        self.model.markets[market].accrue(self.house.now)

    @rule(who=accounts, amount=st.integers(1, 10**11))
    def deposit(self, who: int, amount: int) -> None:
        trader = self.traders[who]
        self.house.deposit(trader.address, trader.account, amount)
        self.model.accounts[trader.account].cash += amount
        self.model.custody += amount

    @rule(who=accounts, amount=st.integers(1, 10**12), exact=st.integers(-1, 1))
    def withdraw(self, who: int, amount: int, exact: int) -> None:
        trader = self.traders[who]
        book = self.model.accounts[trader.account]
        may = self.model.margin_at(trader.account, self.house.now).withdrawable
        amount = may + exact if exact else min(amount, 2 * may)
        stale = any(self.model.markets[m].is_stale(self.house.now) for m in book.holdings)
        refused = stale or amount > may or amount <= 0
        try:
            self.house.send(
                trader.address, "withdraw", trader.account, max(amount, 0), trader.address
            )
        except Reverted:
            assert refused
        else:
            assert not refused
            book.cash -= amount
            self.model.custody -= amount

    @rule(who=accounts, tier=st.integers(0, 3))
    def set_tier(self, who: int, tier: int) -> None:
        account = self.traders[who].account
        self.house.send(TIMELOCK, "setFeeTier", account, tier)
        self.model.accounts[account].tier = tier

    @rule(who=accounts)
    def cancel_all(self, who: int) -> None:
        trader = self.traders[who]
        self.house.send(trader.address, "cancelAllOrders", trader.account)
        self.model.accounts[trader.account].epoch += 1

    @rule(data=st.data(), count=st.integers(1, 5), market=markets)
    def settle(self, data: st.DataObject, count: int, market: int) -> None:
        matches = [self._match(data, market) for _ in range(count)]
        receipt = self.house.settle(*matches)
        expected = []
        for number, match in enumerate(matches):
            reason = self.model.settle(
                match.taker.order, match.maker.order, match.size, self.house.now
            )
            if reason is not Reason.NONE:
                expected.append((number, reason))
        assert receipt.rejections == expected

    def _match(self, data: st.DataObject, market: int) -> Match:
        """Mostly a fill that could be; sometimes one that breaks a rule."""
        draw = data.draw
        taker, maker = draw(st.permutations(self.traders[: TRADERS - draw(st.integers(0, 1))]))[:2]
        rules = (TIGHT, WILD)[market]
        lots = draw(st.integers(1, 6000 if market == 0 else 60))
        size = lots * rules.lot + draw(st.sampled_from([0] * 60 + [1]))
        index = self.model.markets[market].index
        offset = draw(st.integers(-60, 60)) * index // 1000
        price = (index + offset) // rules.tick * rules.tick + draw(st.sampled_from([0] * 60 + [1]))
        buys = draw(st.booleans())
        slack = draw(st.integers(0, 3)) * rules.tick
        return Match(
            self._order(data, taker, buys, size, price + (slack if buys else -slack), market),
            self._order(data, maker, not buys, size, price, market),
            size - draw(st.sampled_from([0, 0, 0, rules.lot])),
        )

    def _order(
        self, data: st.DataObject, trader: Trader, buys: bool, size: int, price: int, market: int
    ) -> Any:
        epoch = self.model.accounts[trader.account].epoch
        nonce = epoch << 32 | data.draw(st.integers(0, 400))
        return self.house.order(
            trader,
            buys,
            size,
            max(price, 0),
            market=market,
            flags=data.draw(flag_sets),
            max_fee=data.draw(st.sampled_from([10**6] * 40 + [400])),
            nonce=nonce,
            expiry=Timestamp(self.house.now + data.draw(st.sampled_from([5] * 60 + [-1]))),
        )

    @invariant()
    def books_agree_to_the_last_unit(self) -> None:
        if not hasattr(self, "house"):
            return
        for trader in self.traders:
            self._compare_account(trader.account)
        for number, expected in enumerate(self.model.markets):
            state = read_market(self.house.word, number)
            assert (state.mark, state.index) == (expected.mark, expected.index)
            assert (state.open_interest, state.pool) == (expected.interest, expected.pool)
        _, held, fees = self.house.read("getCustody")
        assert (held, fees) == (self.model.custody, self.model.fees)

    def _compare_account(self, account: int) -> None:
        book = self.model.accounts[account]
        state = read_account(self.house.word, account)
        assert state is not None
        assert state.cash == book.cash
        assert set(state.markets) == set(book.holdings)
        for market in (0, 1):
            position = read_position(self.house.word, account, market)
            held = book.holdings.get(market)
            expected = (held.size, held.cost, held.funding) if held else (0, 0, 0)
            assert (position.size, position.cost, position.funding) == expected
        for nonce, filled in book.filled.items():
            assert read_filled(self.house.word, account, nonce) == filled

    @invariant()
    def standing_agrees_to_the_last_unit(self) -> None:
        if not hasattr(self, "house"):
            return
        for trader in self.traders:
            expected = self.model.margin_at(trader.account, self.house.now)
            found = self.house.read("requirements", trader.account)
            assert found["equity"] == expected.equity
            assert found["initial"] == expected.initial
            assert found["maintenance"] == expected.maintenance
            assert found["withdrawable"] == expected.withdrawable
            assert found["initial"] >= found["maintenance"] >= 0

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        if not hasattr(self, "house"):
            return
        states = [read_account(self.house.word, t.account) for t in self.traders]
        _, held, fees = self.house.read("getCustody")
        total = fees + sum(state.cash for state in states if state)
        for number in (0, 1):
            market = read_market(self.house.word, number)
            open_ = [read_position(self.house.word, t.account, number) for t in self.traders]
            assert sum(p.size for p in open_) == 0
            assert market.open_interest == sum(max(p.size, 0) for p in open_)
            assert all((p.size == 0) == (p.cost == 0) and p.size * p.cost >= 0 for p in open_)
            index = self.model.markets[number].funding
            unsettled = sum(Fraction(p.size * (index - p.funding), 10**14) for p in open_)
            assert 0 <= market.pool + unsettled < self.model.payments[number] + 1
            total += market.pool - sum(p.cost for p in open_)
        assert held == total
        assert self.house.balance_of(bytes.fromhex("42" + "00" * 17 + "0200")) >= held


Books.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestBooks = Books.TestCase
