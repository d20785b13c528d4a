"""What ends in random histories: positions by an exit, series, markets."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.execution.contracts.desk import ANYONE, MINUTE
from tests.execution.contracts.house import Trader
from tests.execution.contracts.stateful.failures import Failures, ways
from tests.execution.contracts.stateful.model import Fill
from tests.execution.contracts.stateful.steps import GUARDIAN
from tests.execution.contracts.stateful.table import VAULTS, markets, rarely, seldom, who
from tests.execution.contracts.stateful.world import MARKETS


class Endings(Failures):
    """Leaving, expiry, and the end of a market."""

    # Leaving

    @rule(trader=who, market=markets, regret=rarely, wait=st.integers(0, 130))
    def leave(self, trader: int, market: int, regret: bool, wait: int) -> None:
        """Ask for an exit, and execute it at the first mark after its delay, or take it back."""
        one = self.traders[trader]
        if self.history.send("ask", one.address, "requestExit", one.account, market):
            self.history.ledger.request_exit(one.account, market)
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
            assert ledger.end_exit(one.account, market) == -event["size"]
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
        if now and market not in self.history.ledger.closings:
            self._work_out(data, by)
            self._end(market)

    @rule(data=st.data(), market=markets, now=seldom)
    def end_in_debt(self, data: st.DataObject, market: int, now: bool) -> None:
        """A market ends, at the mean of half an hour, while somebody owes more than there is."""
        if now and market not in self.history.ledger.closings:
            self._ruin(data, market)
            self.house.advance(30 * MINUTE)
            self._refresh()
            self._end(market)
            self.wind_up(data)

    def _end(self, market: int) -> None:
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
