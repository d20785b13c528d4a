"""One call after another on the bytecode, each checked against the invariants and the ledger."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import event

from execution.contracts.genesis import PRICE_ONE
from execution.margin.options import read_scenario_array, read_settlement, read_strike
from state.types import Address
from tests.execution.contracts.desk import ANYONE, Desk, Inputs
from tests.execution.contracts.house import OPERATORS, TIMELOCK, Receipt, Reverted, Trader
from tests.execution.contracts.invariants import Invariants, Standing, Step
from tests.execution.contracts.picture import Picture, take_picture
from tests.execution.contracts.stateful.model import Book, Ledger, Market, Rules, Series
from tests.execution.contracts.stateful.world import (
    LIMITERS,
    MARKETS,
    START_PRICES,
    STRIKES,
)

GUARDIAN = OPERATORS.guardian.address
MATCHER = OPERATORS.matcher.address
CLOSED = 4
"""MarketStatus.Closed."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The books and every account's standing at one time."""

    picture: Picture
    standings: Mapping[int, Standing]


class History:
    """A house, its ledger, and what was done so far."""

    def __init__(self, install: Mapping[Address, bytes] | None = None) -> None:
        """`install` puts other code at some addresses."""
        self.house = Desk(markets=MARKETS, vaults=True, limiters=LIMITERS)
        for address, code in (install or {}).items():
            self.house.install(address, code, {})
        self.invariants = Invariants(self.house, GUARDIAN, TIMELOCK)
        self.ledger = Ledger([Market(_rules(number)) for number in range(len(MARKETS))])
        self.ledger.accounts = {1: Book(), 2: Book()}
        self.traders: list[Trader] = []
        self.done: Counter[str] = Counter()
        self._looked: tuple[int, Moment] | None = None
        self.house.advance(3600 - self.house.now % 3600)
        self.report()
        self.house.advance(60)
        self.report()

    # What is told to the house

    def trader(self, key: int, cash: int) -> Trader:
        """A new account with q6 of cash."""
        trader = self.house.trader(key)
        self.ledger.accounts[trader.account] = Book()
        self.traders.append(trader)
        self.deposit(trader.address, trader.account, cash)
        return trader

    def deposit(self, sender: Address, account: int, amount: int) -> None:
        self.house.give(sender, amount)
        receipt = self.send("deposit", sender, "deposit", account, amount)
        if receipt:
            self.ledger.deposit(account, amount)
            self.compare()

    def report(self, prices: Mapping[int, int] | None = None) -> None:
        """A new second, in which every open market's index is reported."""
        self.house.advance(1)
        for market in self.open_markets():
            price = (prices or {}).get(market) or self.index(market) or START_PRICES[market]
            self.house.report(market, max(PRICE_ONE // 100, min(10**15, price)))

    def quote(self) -> None:
        """Every live strike priced at the index as it is."""
        for strike in self.live_strikes():
            market = self.ledger.series[strike].underlying
            index = self.index(market)
            if self.house.now < self.index_time(market) + MARKETS[market].stale_seconds:
                self.house.report_inputs(strike, Inputs(index))
                self.house.price(strike, strike + 1)

    def list_strikes(self, seconds: int) -> None:
        """A call and a put on each price of each market."""
        for market in self.open_markets():
            for price in STRIKES[market]:
                self.list_strike(market, price, self.house.on_the_minute(seconds))

    def list_strike(self, market: int, price: int, expiry: int) -> None:
        number = self.house.list_strike(expiry, price, underlying=market)
        for series, is_put in ((number, False), (number + 1, True)):
            self.ledger.series[series] = Series(market, expiry, price, is_put)

    # Where things stand

    def open_markets(self) -> list[int]:
        return [m for m in range(len(MARKETS)) if m not in self.ledger.closings]

    def live_strikes(self) -> list[int]:
        """Calls that trade, with their puts."""
        series = self.ledger.series
        return [n for n in self.coming_strikes() if series[n].underlying in self.open_markets()]

    def coming_strikes(self) -> list[int]:
        """Calls that haven't expired."""
        series = self.ledger.series.items()
        return [n for n, one in series if not one.is_put and one.expiry > self.house.now]

    def index(self, market: int) -> int:
        """p8."""
        return int(self.house.read("getMarket", market)["price"]["index"])

    def index_time(self, market: int) -> int:
        """Seconds."""
        return int(self.house.read("getMarket", market)["price"]["indexTime"])

    def everybody(self) -> list[int]:
        return list(self.ledger.accounts)

    def look(self) -> Moment:
        """The books as they are, funding accrued; as last seen if nothing has happened since."""
        if self._looked is None or self._looked[0] != self.house.version:
            for market in self.open_markets():
                self.house.send(ANYONE, "accrueFunding", market)
            picture = take_picture(self.house)
            stands = {n: self.house.read("requirements", n) for n in picture.accounts}
            self._looked = self.house.version, Moment(picture, stands)
        return self._looked[1]

    # Steps

    def send(
        self, kind: str, sender: Address, name: str, *arguments: Any, subject: int = 0
    ) -> Receipt | None:
        """A call by its name; None when it was refused."""
        return self.step(
            kind, sender, lambda: self.house.send(sender, name, *arguments), subject=subject
        )

    def step(
        self, kind: str, sender: Address, call: Callable[[], Receipt], *, subject: int = 0
    ) -> Receipt | None:
        """Run a call and hold what it did to the invariants. Refusals must have a name."""
        before = self.look()
        self.observe(before.picture)
        try:
            receipt = call()
        except Reverted as refusal:
            self.done[f"{kind}: {_name_of(refusal)}"] += 1
            return None
        after = self.look()
        self.invariants.check(
            Step(
                kind,
                sender,
                receipt,
                before.picture,
                after.picture,
                before.standings,
                after.standings,
                subject,
            )
        )
        self.observe(after.picture)
        self.done[kind] += 1
        _tell_of_insurance(kind, receipt)
        return receipt

    # The ledger

    def observe(self, picture: Picture) -> None:
        """Let the ledger know of prices, funding indexes and arrays."""
        for number, seen in enumerate(picture.markets):
            market = self.ledger.markets[number]
            market.mark, market.index = seen.state.mark, seen.state.index
            market.funding = seen.state.funding_index
            _, market.maintenance = self.house.read("marginFractions", number)
        word = self.house.word
        for number, series in self.ledger.series.items():
            array = read_scenario_array(word, number)
            if array is not None:
                series.value, series.changes = array.value, array.pnl
            settlement = read_settlement(word, series.underlying, series.expiry)
            series.settlement = settlement or 0
            assert read_strike(word, number & ~1) is not None

    def compare(self) -> None:
        """Bytecode and ledger agree to the last unit."""
        moment = self.look()
        picture = moment.picture
        self.observe(picture)
        custody = picture.custody
        assert (custody.held, custody.fees) == (self.ledger.custody, self.ledger.fees)
        for number, market in enumerate(self.ledger.markets):
            self._compare_market(picture, number, market)
        for number, series in self.ledger.series.items():
            assert picture.series[number].pool == series.pool
        for number, book in self.ledger.accounts.items():
            self._compare_account(moment, number, book)

    def _compare_market(self, picture: Picture, number: int, market: Market) -> None:
        seen = picture.markets[number]
        assert (seen.state.pool, seen.insurance) == (market.pool, market.insurance)
        assert seen.state.open_interest == self.ledger.interest(number)
        closing = self.ledger.closings.get(number)
        if closing is not None:
            assert seen.closing is not None
            assert seen.closing.collected == closing.collected
            assert seen.debt == closing.debt

    def _compare_account(self, moment: Moment, number: int, book: Book) -> None:
        seen = moment.picture.accounts[number]
        assert (seen.state.cash, seen.debt) == (book.cash, book.debt)
        assert dict(seen.options) == book.options
        held = {m: (p.size, p.cost, p.funding) for m, p in seen.positions.items()}
        assert held == {m: (p.size, p.cost, p.funding) for m, p in book.positions.items()}
        stands, expected = moment.standings[number], self.ledger.standing(number)
        assert stands["equity"] == expected.equity
        assert (stands["initial"], stands["maintenance"]) == (
            expected.initial,
            expected.maintenance,
        )
        assert stands["withdrawable"] == expected.withdrawable


def _tell_of_insurance(kind: str, receipt: Receipt) -> None:
    """For `--hypothesis-show-statistics`: in how many histories insurance pays, and where."""
    if any(moved["change"] < 0 for moved in receipt.named("InsuranceMoved")):
        event(f"insurance pays: {kind}")
        event("insurance pays")


def _name_of(refusal: Reverted) -> str:
    """A refusal without a name is a failure of arithmetic or of memory."""
    assert refusal.error is not None, refusal
    return refusal.error.name


def _rules(number: int) -> Rules:
    market = MARKETS[number]
    return Rules(
        market.fees,
        market.imf,
        market.oi_low,
        market.oi_high,
        market.lot,
        market.safety.liquidation_fee,
        market.safety.exit_penalty,
    )
