"""Random operations of many accounts: each is checked against the invariants and the ledger."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from execution.margin import Match, OrderFlag, SignedOrder
from genesis.accounts import derive_account
from state.types import Address
from tests.execution.contracts.desk import ANYONE, MINUTE, Desk
from tests.execution.contracts.exact.failing import debt_left, liquidation_size
from tests.execution.contracts.house import TIMELOCK, Trader
from tests.execution.contracts.stateful.model import Fill
from tests.execution.contracts.stateful.steps import GUARDIAN, MATCHER, History
from tests.execution.contracts.stateful.world import MARKETS

TRADERS = 5
KEYS = (1, 2, 3, 4, 4)
"""The last two accounts have one owner."""

GRACE_SECONDS = max(market.safety.grace_seconds for market in MARKETS)

VAULTS = (1, 2)
"""Accounts of the vaults, by market."""

who = st.integers(0, TRADERS - 1)
pairs = st.permutations(range(TRADERS)).map(lambda places: places[:2])
markets = st.integers(0, len(MARKETS) - 1)
often = st.sampled_from([True] * 4 + [False])
ways = st.sampled_from(["orders", "vault", "gainers"])
rarely = st.sampled_from([False] * 9 + [True])


class Histories(RuleBasedStateMachine):
    """Traders, a matcher, keepers, a guardian and the timelock over one house."""

    install: ClassVar[Mapping[Address, bytes]] = {}
    """Code in place of that of some modules."""

    @initialize(
        data=st.data(),
        cash=st.lists(st.integers(10**9, 10**11), min_size=TRADERS, max_size=TRADERS),
        backing=st.integers(1, 4 * 10**11),
        insured=st.integers(3, 2 * 10**10),
    )
    def open(self, data: st.DataObject, cash: list[int], backing: int, insured: int) -> None:
        self.history = History(self.install)
        for key, amount in zip(KEYS, cash):
            self.history.trader(key, amount)
        for vault in VAULTS:
            self.history.deposit(TIMELOCK, vault, backing)
        self._insure(0, insured)
        self._insure(1, insured // 3)
        self.history.list_strikes(2 * 3_600)
        self.trade(data, 4, fresh=True)
        self.trade_options(data, 3, fresh=True)

    # Prices and time

    @rule(market=markets, move=st.integers(-40, 40), seconds=st.integers(0, 300))
    def move_price(self, market: int, move: int, seconds: int) -> None:
        """By some thousandths."""
        self.house.advance(seconds)
        self._move(market, 1000 + move)

    @rule(
        data=st.data(),
        market=markets,
        move=st.sampled_from((-400, -150, -60, -30, 30, 60, 150, 400)),
        by=ways,
    )
    def crash(self, data: st.DataObject, market: int, move: int, by: str) -> None:
        """A far jump, and whoever fails by it is worked out."""
        self._move(market, 1000 + move)
        self._work_out(data, by)

    def _move(self, market: int, thousandths: int) -> None:
        self._refresh()
        self.history.report({market: self.history.index(market) * thousandths // 1000})
        self.history.quote()
        self.history.compare()

    @rule(seconds=st.sampled_from([30, 400, 2_000, 7_000]))
    def go_silent(self, seconds: int) -> None:
        self.house.advance(seconds)
        self.history.compare()

    @rule(market=markets, bid=st.integers(-90, 90), width=st.integers(1, 90))
    def sample_book(self, market: int, bid: int, width: int) -> None:
        index = self.history.index(market)
        low = index + index * bid // 1000
        high = low + max(1, index * width // 1000)
        sample = (low, high, low, high, (low + high) // 2)
        self.history.send("sample", MATCHER, "postBookSample", market, sample)
        self.history.compare()

    # Trading

    @rule(data=st.data(), count=st.integers(3, 6))
    def trade_actively(self, data: st.DataObject, count: int) -> None:
        self.trade(data, count, fresh=True)

    @rule(data=st.data(), count=st.integers(1, 4), fresh=often)
    def trade(self, data: st.DataObject, count: int, fresh: bool) -> None:
        if fresh:
            self._refresh()
        for _ in range(count):
            self._trade_perp(data, data.draw(markets))

    def _trade_perp(self, data: st.DataObject, market: int) -> None:
        """Up to thirty times what the poorer of two traders has, near the mark."""
        rules, mark = MARKETS[market], self.history.ledger.markets[market].mark
        pair = data.draw(pairs)
        means = min(self._equity(self.traders[place]) for place in pair)
        size = max(0, means) * data.draw(st.integers(1, 300)) * 10**9 // mark
        price = (mark + mark * data.draw(st.integers(-15, 15)) // 1000) // rules.tick * rules.tick
        self._settle(data, pair, market, max(size // rules.lot, 1) * rules.lot, price)

    @rule(data=st.data(), count=st.integers(1, 4), fresh=often)
    def trade_options(self, data: st.DataObject, count: int, fresh: bool) -> None:
        series = [n + put for n in self.history.live_strikes() for put in (0, 1)]
        if fresh:
            self._refresh()
        for _ in range(count if series else 0):
            self._trade_option(data, data.draw(st.sampled_from(series)))

    def _trade_option(self, data: st.DataObject, number: int) -> None:
        one = self.history.ledger.series[number]
        options = MARKETS[one.underlying].options
        assert options is not None
        pair = data.draw(pairs)
        means = min(self._equity(self.traders[place]) for place in pair)
        index = self.history.ledger.markets[one.underlying].index
        size = max(0, means) * data.draw(st.integers(1, 100)) * 10**9 // index
        price = (one.value // options.tick + data.draw(st.integers(0, 9))) * options.tick
        size = max(size // options.lot, 1) * options.lot
        self._settle(data, pair, number, size, max(price, options.tick))

    def _equity(self, trader: Trader) -> int:
        """q6."""
        return int(self.house.read("equity", trader.account))

    def _settle(
        self, data: st.DataObject, pair: Sequence[int], market: int, size: int, price: int
    ) -> None:
        taker, maker = (self.traders[place] for place in pair)
        buys = data.draw(st.booleans())
        flags = data.draw(st.sampled_from([OrderFlag.NONE] * 14 + [OrderFlag.REDUCE_ONLY]))
        orders = (
            self.house.order(taker, buys, size, price, market=market, max_fee=10**6, flags=flags),
            self.house.order(maker, not buys, size, price, market=market, max_fee=10**6),
        )
        parts = [size // 2 // 10**10 * 10**10, size] if data.draw(rarely) else [size]
        for part in parts:
            if part:
                self._fill(Match(*orders, part))

    def _fill(self, match: Match) -> None:
        receipt = self.history.step("fill", MATCHER, lambda: self.house.settle(match))
        assert receipt is not None
        for event in receipt.named("FillSettled"):
            taker, maker = match.taker.order, match.maker.order
            assert event["price"] == maker.price
            assert taker.price >= maker.price if taker.is_buy else taker.price <= maker.price
            size = event["size"] if event["takerBuys"] else -event["size"]
            trade = Fill(event["market"], event["taker"], event["maker"], size, event["price"])
            assert self.history.ledger.fill(trade) == (event["takerFee"], event["makerFee"])
            for order in (taker, maker):
                assert self.house.read("getFilled", order.account, order.nonce) <= order.size
            self.history.done["settled"] += 1
        for _, reason in receipt.rejections:
            self.history.done[f"fill: {reason.name}"] += 1
        self.history.compare()

    # Collateral and accounts

    @rule(data=st.data(), trader=who, market=markets, share=st.integers(1, 100))
    def give(self, data: st.DataObject, trader: int, market: int, share: int) -> None:
        """Collateral comes to a trader, a vault, the insurance, or another account of its owner."""
        to = data.draw(st.sampled_from(("trader", "vault", "insurance", "brother")))
        if to == "brother":
            self._move_cash(trader % 2 == 0, share)
        elif to == "trader":
            one = self.traders[trader]
            self.history.deposit(one.address, one.account, share**4 + 1)
        elif to == "vault":
            self.history.deposit(TIMELOCK, VAULTS[market], share * 10**8)
        else:
            self._insure(market, share**4 + 1)

    @rule(trader=who, share=st.integers(1, 101), fresh=often)
    def withdraw(self, trader: int, share: int, fresh: bool) -> None:
        if fresh:
            self._refresh()
        self._withdraw(self.traders[trader].address, self.traders[trader].account, share)
        self._withdraw(TIMELOCK, VAULTS[share % 2], share)

    def _withdraw(self, owner: Address, account: int, share: int) -> None:
        may = self.house.read("requirements", account)["withdrawable"]
        amount = max(1, may * share // 100)
        receipt = self.history.send(
            "withdraw", owner, "withdraw", account, amount, owner, subject=account
        )
        if receipt:
            self.history.ledger.withdraw(account, amount)
            self.history.compare()

    def _move_cash(self, back: bool, share: int) -> None:
        self._refresh()
        source, target = self.traders[-2:][::-1] if back else self.traders[-2:]
        may = self.house.read("requirements", source.account)["withdrawable"]
        amount = max(1, may * share // 100)
        pair = (source.account, target.account)
        receipt = self.history.send(
            "move", source.address, "moveCash", *pair, amount, subject=source.account
        )
        if receipt:
            self.history.ledger.move(*pair, amount)
            self.history.compare()

    @rule(trader=who, portfolio=st.booleans())
    def choose_mode(self, trader: int, portfolio: bool) -> None:
        one = self.traders[trader]
        receipt = self.history.send(
            "mode", one.address, "setMarginMode", one.account, int(portfolio), subject=one.account
        )
        if receipt:
            self.history.ledger.accounts[one.account].is_portfolio = portfolio
            self.history.compare()

    def _name_session_key(self, trader: int, seconds: int, revoke: bool) -> None:
        one = self.traders[trader]
        key = derive_account(60 + trader).address
        until = max(0, self.house.now + seconds)
        self.history.send("key", one.address, "setSessionKey", one.account, key, until, 3)
        if revoke:
            self.history.send("key", one.address, "revokeSessionKeys", one.account)
        self.history.send("steal", key, "withdraw", one.account, 1, key)
        self.history.send("cancel", key, "cancelOrders", one.account, [one.next_nonce])
        self.history.compare()

    # Failing accounts

    @rule(data=st.data(), by=ways, fresh=often)
    def work_out(self, data: st.DataObject, by: str, fresh: bool) -> None:
        if fresh:
            self._refresh()
        self._work_out(data, by)

    def _work_out(self, data: st.DataObject, by: str) -> None:
        """Whoever has fallen below maintenance is closed, one way or another."""
        for trader in self.traders:
            standing = self.house.read("requirements", trader.account)
            if standing["equity"] >= standing["maintenance"]:
                continue
            if by == "orders":
                self._liquidate(data, trader)
            elif by == "vault":
                self._take_over(trader.account)
            else:
                self._deleverage(data, trader)

    def _liquidate(self, data: st.DataObject, failing: Trader) -> None:
        book = self.history.ledger.accounts[failing.account]
        orders = [
            self._bid(data, self.traders[place], market, -position.size)
            for market, position in book.positions.items()
            for place in data.draw(pairs)
        ]
        packed = b"".join(order.packed for order in orders)
        receipt = self.history.send(
            "liquidation", ANYONE, "liquidate", failing.account, packed, subject=failing.account
        )
        if receipt:
            self._sync_epoch(failing.account)
            for event in receipt.named("PositionLiquidated"):
                trade = _trade_of(event)
                assert abs(trade.size) <= self._needed(trade)
                assert self.history.ledger.sale(trade) == event["fee"]
            self._finish(failing.account)

    def _bid(self, data: st.DataObject, taker: Trader, market: int, delta: int) -> SignedOrder:
        """An order for some of a position, a little worse than the mark."""
        rules, mark = MARKETS[market], self.history.ledger.markets[market].mark
        off = data.draw(st.integers(-2, rules.safety.slippage // 1000)) * mark // 1000
        price = (mark + off if delta > 0 else mark - off) // rules.tick * rules.tick
        size = abs(delta) // data.draw(st.integers(1, 3)) // rules.lot * rules.lot
        return self.house.order(
            taker, delta < 0, max(size, rules.lot), price, market=market, max_fee=10**6
        )

    def _take_over(self, account: int) -> None:
        receipt = self.history.send("liquidation", ANYONE, "takeOver", account, subject=account)
        if receipt is None:
            return
        ledger = self.history.ledger
        events = receipt.named("PositionLiquidated")
        before, book = ledger.standing(account), ledger.accounts[account]
        hedged = bool(book.options)
        if hedged:
            for event in events:
                ledger.exchange(_trade_of(event))
        for event in events:
            trade = _trade_of(event)
            if not hedged:
                assert abs(trade.size) == self._needed(trade)
                ledger.exchange(trade)
            assert ledger.penalise(trade) == event["fee"]
        touched = sorted({ledger.underlying(event["market"]) for event in events})
        least = debt_left(before, ledger.standing(account), book.cash)
        ledger.cover(account, iter(touched), least)
        self.history.done["fraction" if hedged else "takeover"] += 1
        self._sync_epoch(account)
        self._finish(account)

    def _needed(self, trade: Fill) -> int:
        """s8: what of a position must go at a price, by the exact model."""
        ledger = self.history.ledger
        book = ledger.accounts[trade.account]
        if ledger.closings:
            return abs(trade.size)
        return liquidation_size(
            ledger.account(trade.account),
            trade.market,
            0,
            trade.price,
            ledger.markets[trade.market].rules.liquidation_fee,
            book.is_portfolio,
        )

    def _sync_epoch(self, account: int) -> None:
        """A liquidation cancels all orders of who fails."""
        epoch = self.house.read("getAccount", account)[1]["orderEpoch"]
        for trader in self.traders:
            if trader.account == account:
                trader.next_nonce = max(trader.next_nonce, epoch << 32)

    def _finish(self, account: int) -> None:
        ledger = self.history.ledger
        if ledger.standing(account).equity >= 0:
            ledger.accounts[account].debt = 0
        self.history.compare()

    def _deleverage(self, data: st.DataObject, failing: Trader) -> None:
        book = self.history.ledger.accounts[failing.account]
        held = [*book.positions, *book.options]
        if not held:
            return
        market = data.draw(st.sampled_from(held))
        for other in data.draw(st.permutations([*self.history.everybody()])):
            if other != failing.account:
                pair = (failing.account, market, other)
                self.history.send("propose", ANYONE, "proposeDeleverage", *pair)
        self.house.advance(10)
        receipt = self.history.send(
            "deleverage", ANYONE, "deleverage", failing.account, market, subject=failing.account
        )
        if receipt:
            (event,) = receipt.named("Deleveraged")
            trade = _trade_of(event)
            self.history.ledger.exchange(trade)
            self.history.ledger.bring_up(trade.account)
            self.history.ledger.bring_up(trade.other)
            self.history.compare()

    @rule(trader=who)
    def report_debt(self, trader: int) -> None:
        account = self.traders[trader].account
        receipt = self.history.send("report", ANYONE, "reportDebt", account)
        if receipt:
            self.history.ledger.bring_up(account)
            self.history.compare()

    def _insure(self, market: int, amount: int) -> None:
        self.house.give(ANYONE, amount)
        if self.history.send("insure", ANYONE, "fundInsurance", market, amount):
            self.history.ledger.insure(market, amount)
            self.history.compare()

    # Leaving

    @rule(trader=who, market=markets, regret=rarely, wait=st.integers(0, 130))
    def leave(self, trader: int, market: int, regret: bool, wait: int) -> None:
        """Ask for an exit, and execute it at the first mark after its delay, or take it back."""
        one = self.traders[trader]
        self.history.send("ask", one.address, "requestExit", one.account, market)
        if regret:
            self._regret(one, market)
            return
        self.house.advance(2 * MINUTE + wait)
        self.history.report()
        bucket = self.house.now // MINUTE
        receipt = self.history.send(
            "exit", ANYONE, "executeExit", one.account, market, bucket, subject=one.account
        )
        if receipt:
            (event,) = receipt.named("ExitExecuted")
            trade = Fill(market, one.account, VAULTS[market], event["size"], event["price"])
            ledger = self.history.ledger
            ledger.exchange(trade)
            assert ledger.penalise(trade, MARKETS[market].safety.exit_penalty) == event["penalty"]
            self._finish(one.account)

    def _regret(self, trader: Trader, market: int) -> None:
        receipt = self.history.send(
            "regret", trader.address, "cancelExit", trader.account, market, subject=trader.account
        )
        if receipt:
            (event,) = receipt.named("ExitCancelled")
            penalty = self.history.ledger.cancel_exit(trader.account, market)
            assert penalty == event["penalty"]
            self.history.compare()

    # Expiry, and the end of a market

    @precondition(lambda self: self.history.coming_strikes())
    @rule(data=st.data(), carried=st.booleans())
    def expire(self, data: st.DataObject, carried: bool) -> None:
        """The next expiry comes and is settled, holder by holder; new strikes take its place."""
        strike = min(self.history.coming_strikes(), key=self._expiry)
        expiry = self._expiry(strike)
        self.house.advance(max(0, expiry - self.house.now - 20 * MINUTE))
        self.history.report()
        self.house.advance(max(0, expiry - self.house.now))
        if not carried:
            self.history.report()
        for market in range(len(MARKETS)):
            bucket = self._last_bucket(market, expiry)
            self.history.send("fix", ANYONE, "fixSettlement", market, expiry, bucket)
        for number in list(self.history.ledger.series):
            if self._expiry(number) == expiry:
                for account in self._holders(data, number):
                    self._settle_option(number, account)
        self.history.list_strikes(data.draw(st.sampled_from([3_600, 7_200])))
        self._refresh()

    @rule(data=st.data())
    def settle_expired(self, data: st.DataObject) -> None:
        for number, series in self.history.ledger.series.items():
            for account in self._holders(data, number) if series.settlement else ():
                self._settle_option(number, account)

    def _holders(self, data: st.DataObject, number: int) -> list[int]:
        """In any order."""
        accounts = self.history.ledger.accounts.items()
        holders = [account for account, book in accounts if number in book.options]
        return data.draw(st.permutations(holders)) if holders else []

    def _settle_option(self, number: int, account: int) -> None:
        receipt = self.history.send("settle", ANYONE, "settleOptions", number, [account])
        if receipt:
            (event,) = receipt.named("OptionSettled")
            assert self.history.ledger.settle_option(account, number) == event["payoff"]
            self.history.compare()

    def _expiry(self, number: int) -> int:
        return self.history.ledger.series[number].expiry

    def _last_bucket(self, market: int, expiry: int) -> int:
        bucket = self.house.newest_bucket(market)
        while bucket * MINUTE >= expiry:
            bucket = self.house.read("getIndexSample", market, bucket)["previous"]
        return bucket

    @rule(data=st.data(), market=markets, now=rarely, by=ways)
    def end_market(self, data: st.DataObject, market: int, now: bool, by: str) -> None:
        if not now or market in self.history.ledger.closings:
            return
        self._work_out(data, by)
        bucket = self.house.newest_bucket(market)
        receipt = self.history.send("close", GUARDIAN, "closeMarket", market, bucket)
        if receipt:
            (event,) = receipt.named("MarketClosed")
            self.history.ledger.close(market, event["price"])
            self.history.compare()

    @precondition(lambda self: self.history.ledger.closings)
    @rule(data=st.data())
    def wind_up(self, data: st.DataObject) -> None:
        """Register and pay some of who is in a closed market."""
        for market in list(self.history.ledger.closings):
            people = data.draw(st.permutations(self.history.everybody()))
            for account in people[: data.draw(st.integers(1, len(people)))]:
                self._register(account, market)
            for account in people:
                self._pay(account, market)
            self.history.send("report", ANYONE, "reportDebt", 2**64 - 1 - market)
            self.history.ledger.report_market(market)
            self.history.compare()

    def _register(self, account: int, market: int) -> None:
        receipt = self.history.send("register", ANYONE, "registerClosing", market, [account])
        if receipt and receipt.named("PositionClosed"):
            self.history.ledger.register(account, market)
            self.history.done["registered"] += 1
        self.history.compare()

    def _pay(self, account: int, market: int) -> None:
        receipt = self.history.send("pay", ANYONE, "payClaims", market, [account])
        if receipt:
            for event in receipt.named("ClaimPaid"):
                assert self.history.ledger.pay(account, market) == event["paid"]
                self.history.done["paid"] += 1
            self.history.compare()

    # Roles

    def _tighten(self, market: int, status: int, share: int, back: bool) -> None:
        caps = self.house.read("getMarket", market)["caps"]
        arguments = (market, status, caps["oiCap"] * share // 100, caps["priceBand"])
        self.history.send("tighten", GUARDIAN, "tightenMarket", *arguments)
        if back:
            self.history.send("loosen", TIMELOCK, "setMarketStatus", market, 1)
            self.history.send("loosen", TIMELOCK, "setMarketCaps", market, tuple(caps.values()))
        self.history.compare()

    @rule(data=st.data(), trader=who, tier=st.integers(0, 3), share=st.integers(1, 100))
    def administer(self, data: st.DataObject, trader: int, tier: int, share: int) -> None:
        """A session key comes or goes; the guardian tightens and the timelock loosens again; or
        the timelock gives a trader other fees, and takes what the house has earned.
        """
        task = data.draw(st.sampled_from(("key", "guard", "fees")))
        if task == "key":
            self._name_session_key(trader, 10 * share - 20, revoke=tier == 0)
        elif task == "guard":
            self._tighten(share % len(MARKETS), tier, share, back=trader > 0)
        else:
            self._take_fees(trader, tier, share)

    def _take_fees(self, trader: int, tier: int, share: int) -> None:
        account, ledger = self.traders[trader].account, self.history.ledger
        if self.history.send("tier", TIMELOCK, "setFeeTier", account, tier):
            ledger.accounts[account].tier = tier
        amount = ledger.fees * share // 100
        if amount and self.history.send("collect", TIMELOCK, "collectFees", TIMELOCK, amount):
            ledger.fees -= amount
            ledger.custody -= amount
        self.history.compare()

    # Short words

    @property
    def house(self) -> Desk:
        return self.history.house

    @property
    def traders(self) -> list[Trader]:
        return self.history.traders

    def _refresh(self) -> None:
        """Fresh prices, and as much later as an outage would keep liquidations waiting."""
        self.history.report()
        self.house.advance(GRACE_SECONDS)
        self.history.report()
        self.history.quote()


def _trade_of(event: Mapping[str, int]) -> Fill:
    """What a failing account gave, as a trade of its own."""
    names = ("market", "account", "counterparty", "size", "price")
    return Fill(*(event[name] for name in names))
