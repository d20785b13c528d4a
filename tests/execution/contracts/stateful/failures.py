"""Accounts that fail in random histories: by chance, or because somebody bets all there is."""

from collections.abc import Mapping
from fractions import Fraction

from hypothesis import strategies as st
from hypothesis.stateful import rule

from execution.margin import SignedOrder
from tests.execution.contracts.desk import ANYONE
from tests.execution.contracts.exact.failing import debt_left, liquidation_size
from tests.execution.contracts.exact.fills import notional
from tests.execution.contracts.exact.rounding import ceil
from tests.execution.contracts.house import TIMELOCK, USD, Trader
from tests.execution.contracts.stateful.model import Fill
from tests.execution.contracts.stateful.table import (
    TRADERS,
    VAULTS,
    Table,
    markets,
    often,
    pairs,
    who,
)
from tests.execution.contracts.stateful.world import MARKETS

rivals = st.permutations(range(TRADERS - 1)).map(lambda places: places[:2])
"""Of different owners: the last two accounts have one."""

ways = st.sampled_from(["orders", "vault", "gainers"])


class Failures(Table):
    """Liquidations, takeovers, deleveraging, and what leads to them."""

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

    @rule(
        data=st.data(),
        market=markets,
        backing=st.integers(1, 100),
        insured=st.integers(1, 100),
        by=st.sampled_from(["vault", "vault", "gainers"]),
    )
    def ruin(self, data: st.DataObject, market: int, backing: int, insured: int, by: str) -> None:
        """Somebody loses more than all that there is, before a vault and insurance with means.

        In ten thousands and thousands of USD: amounts drawn to the unit are mostly too small. The
        other market's vault may well refuse what it is offered.
        """
        if market in self.history.ledger.closings:
            return
        self.history.deposit(TIMELOCK, VAULTS[market], backing * 10_000 * USD)
        self._insure(market, insured * 1_000 * USD)
        self._ruin(data, market)
        self._work_out(data, by)

    @rule(
        data=st.data(),
        market=markets,
        backing=st.integers(1, 100),
        left=st.integers(1, 9),
        by=st.sampled_from(["orders", "vault"]),
    )
    def squeeze(self, data: st.DataObject, market: int, backing: int, left: int, by: str) -> None:
        """Somebody can pay the slippage of a liquidation and `left` tenths of its fee.

        Jumps drawn without regard to what somebody has mostly leave him more, or less than nothing.
        """
        if market in self.history.ledger.closings:
            return
        self.history.deposit(TIMELOCK, VAULTS[market], backing * 10_000 * USD)
        self._refresh()
        loser = self._bet(data, market)
        if market in self.history.ledger.accounts[loser.account].positions:
            self._leave_fee(loser, market, left)
            self._work_out(data, by)

    def _leave_fee(self, loser: Trader, market: int, tenths: int) -> None:
        """The jump, of its position alone, after which an account has that much."""
        held = self.history.ledger.accounts[loser.account].positions[market]
        safety, mark = MARKETS[market].safety, self.history.ledger.markets[market].mark
        kept = Fraction(safety.slippage, 1000) + Fraction(safety.liquidation_fee * tenths, 10_000)
        move = ceil(1000 * self._equity(loser) / abs(notional(held.size, mark)) - kept)
        if 0 < move < 1000:
            self._move(market, 1000 - move if held.size > 0 else 1000 + move)

    def _ruin(self, data: st.DataObject, market: int) -> None:
        """Two traders bet most of what they have, and the poorer one loses more than all of it."""
        self._refresh()
        loser = self._bet(data, market)
        held = self.history.ledger.accounts[loser.account].positions.get(market)
        move = MARKETS[market].imf * data.draw(st.integers(150, 300)) // 100_000
        self._move(market, 1000 - move if held and held.size > 0 else 1000 + move)

    def _bet(self, data: st.DataObject, market: int) -> Trader:
        """Opposite sides of a fill at the mark, no larger than where margins begin to rise.

        Both pay something in for it. Returns the poorer trader.
        """
        rules, mark = MARKETS[market], self.history.ledger.markets[market].mark
        pair = data.draw(rivals)
        for one in (self.traders[place] for place in pair):
            stake = data.draw(st.integers(1, 100)) * 100 * USD
            self.history.deposit(one.address, one.account, stake)
        poorer = min((self.traders[place] for place in pair), key=self._free)
        size = self._free(poorer) * data.draw(st.integers(70, 95)) * 10**14 // (rules.imf * mark)
        size = max(min(size, rules.oi_low) // rules.lot, 1) * rules.lot
        self._settle(data, pair, market, size, mark // rules.tick * rules.tick)
        return poorer

    def _free(self, trader: Trader) -> int:
        """q6 above initial margin."""
        standing = self.house.read("requirements", trader.account)
        return int(standing["equity"] - standing["initial"])

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


def _trade_of(event: Mapping[str, int]) -> Fill:
    """What a failing account gave, as a trade of its own."""
    names = ("market", "account", "counterparty", "size", "price")
    return Fill(*(event[name] for name in names))
