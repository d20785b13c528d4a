"""An exact ledger of the whole clearing house, kept with fractions beside the bytecode.

It is told what was done (who traded what with whom at which price, who was settled) and works out
by the formulas of `exact` what every account, pool and fund then has. It shares no code with the
contracts and reads nothing of theirs but prices, funding indexes and scenario arrays.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from tests.execution.contracts.exact import expiry, fills, requirements
from tests.execution.contracts.exact.funding import payment
from tests.execution.contracts.exact.holdings import (
    Account,
    OptionHolding,
    PerpHolding,
    Underlying,
)
from tests.execution.contracts.exact.rounding import ceil, floor
from tests.execution.contracts.exact.units import PPM

SERIES_START = 64


@dataclass(slots=True)
class Position:
    """Size s8, cost q6, and the funding index f12 of the last settlement."""

    size: int = 0
    cost: int = 0
    funding: int = 0


@dataclass(slots=True)
class Book:
    """One account: cash q6, positions by market, option sizes s8 by series, exits asked for s8."""

    cash: int = 0
    tier: int = 0
    is_portfolio: bool = False
    positions: dict[int, Position] = field(default_factory=dict)
    options: dict[int, int] = field(default_factory=dict)
    exits: dict[int, int] = field(default_factory=dict)
    debt: int = 0

    @property
    def is_flat(self) -> bool:
        return not self.positions and not self.options


@dataclass(frozen=True, slots=True)
class Rules:
    """What a market's fills cost and ask for, ppm and s8."""

    fees: tuple[int, ...]
    initial: int
    low: int
    high: int
    lot: int
    liquidation_fee: int
    exit_penalty: int


@dataclass(slots=True)
class Market:
    """What a market is now: prices p8, funding index f12, maintenance ppm, funds q6."""

    rules: Rules
    mark: int = 0
    index: int = 0
    funding: int = 0
    maintenance: int = 0
    pool: int = 0
    insurance: int = 0


@dataclass(slots=True)
class Closing:
    """The end of a market: price p8, what is left s8, cover, debt and claims q6."""

    price: int
    left: int = 0
    collected: int = 0
    debt: int = 0
    claims: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Series:
    """An option: its terms, its array (p8), and its pool q6."""

    underlying: int
    expiry: int
    strike: int
    is_put: bool
    value: int = 0
    changes: tuple[int, ...] = (0,) * 24
    settlement: int = 0
    pool: int = 0

    def holding(self, size: int) -> OptionHolding:
        return OptionHolding(size, self.expiry, self.strike, self.is_put, self.value, self.changes)

    def payoff(self, size: int) -> int:
        """q6."""
        return expiry.payoff(self.is_put, self.strike, self.settlement, size)


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade: the first account buys `size` s8 (sells, below zero) from the other at p8."""

    market: int
    account: int
    other: int
    size: int
    price: int


@dataclass(slots=True)
class Ledger:
    """All books of one house."""

    markets: list[Market]
    accounts: dict[int, Book] = field(default_factory=dict)
    series: dict[int, Series] = field(default_factory=dict)
    closings: dict[int, Closing] = field(default_factory=dict)
    custody: int = 0
    fees: int = 0

    # Collateral

    def deposit(self, account: int, amount: int) -> None:
        self.accounts[account].cash += amount
        self.custody += amount

    def withdraw(self, account: int, amount: int) -> None:
        self.deposit(account, -amount)

    def move(self, source: int, target: int, amount: int) -> None:
        self.accounts[source].cash -= amount
        self.accounts[target].cash += amount

    def insure(self, market: int, amount: int) -> None:
        self.markets[market].insurance += amount
        self.custody += amount

    # Trades

    def fill(self, trade: Fill) -> tuple[int, int]:
        """An ordinary fill, which the first account took; returns both fees (q6)."""
        self.exchange(trade)
        taker, maker = self.accounts[trade.account], self.accounts[trade.other]
        lanes = self.markets[self.underlying(trade.market)].rules.fees
        size = abs(trade.size)
        taken = fills.fee(size, trade.price, lanes[2 * taker.tier])
        made = fills.fee(size, trade.price, lanes[2 * maker.tier + 1])
        self._charge(taker, taken)
        self._charge(maker, made)
        return taken, made

    def sale(self, trade: Fill) -> int:
        """A liquidation's sale to an order; returns what it left for insurance (q6).

        Who buys pays the maker fee and gets no rebate.
        """
        self.exchange(trade)
        maker = self.accounts[trade.other]
        ppm = max(0, self.markets[trade.market].rules.fees[2 * maker.tier + 1])
        self._charge(maker, fills.fee(abs(trade.size), trade.price, ppm))
        return self.penalise(trade)

    def penalise(self, trade: Fill, ppm: int | None = None) -> int:
        """The liquidation fee, or another share, at most the equity there is; returns it (q6)."""
        market = self.underlying(trade.market)
        rules = self.markets[market].rules
        paid = abs(floor(-fills.notional(trade.size, trade.price)))
        due = ceil(Fraction(paid * (rules.liquidation_fee if ppm is None else ppm), PPM))
        return self._to_insurance(trade.account, market, due)

    def exchange(self, trade: Fill) -> None:
        """Both sides of a trade, without fees."""
        for account, size in ((trade.account, trade.size), (trade.other, -trade.size)):
            if trade.market < SERIES_START:
                self._trade_perp(account, trade.market, size, trade.price)
        if trade.market >= SERIES_START:
            self._trade_option(trade)

    def _trade_perp(self, account: int, market: int, delta: int, price: int) -> None:
        self.settle_funding(account, market)
        book = self.accounts[account]
        held = book.positions[market]
        after = fills.trade(held.size, held.cost, delta, price)
        held.size, held.cost = after.size, after.cost
        book.cash += after.realised
        if not held.size:
            del book.positions[market]

    def _trade_option(self, trade: Fill) -> None:
        """What one pays the other gets: a premium off the grid is rounded against the first."""
        account, other = self.accounts[trade.account], self.accounts[trade.other]
        held = account.options.get(trade.market, 0)
        size, premium = fills.option_trade(held, trade.size, trade.price)
        _hold(account, trade.market, size)
        _hold(other, trade.market, other.options.get(trade.market, 0) - trade.size)
        account.cash += premium
        other.cash -= premium

    def settle_funding(self, account: int, market: int) -> None:
        book, target = self.accounts[account], self.markets[market]
        held = book.positions.setdefault(market, Position())
        paid = payment(held.size, target.funding - held.funding)
        book.cash += paid
        target.pool -= paid
        held.funding = target.funding

    def _charge(self, book: Book, fee: int) -> None:
        book.cash -= fee
        self.fees += fee

    def _to_insurance(self, account: int, market: int, due: int, kept: int = 0) -> int:
        fee = min(due, max(0, self.standing(account).equity - kept))
        self.accounts[account].cash -= fee
        self.markets[market].insurance += fee
        return fee

    def request_exit(self, account: int, market: int) -> None:
        """An exit is for the position as it is now, though it grows or turns."""
        book = self.accounts[account]
        book.exits[market] = book.positions[market].size

    def end_exit(self, account: int, market: int) -> int:
        """What a request closes of a position (s8, signed); it is over with that."""
        book = self.accounts[account]
        asked, size = book.exits.pop(market), book.positions.get(market, Position()).size
        if asked * size <= 0:
            return 0
        return min(asked, size, key=abs)

    def cancel_exit(self, account: int, market: int) -> int:
        """The penalty for taking an exit back leaves initial margin; returns it (q6)."""
        target = self.markets[market]
        worth = abs(floor(fills.notional(self.end_exit(account, market), target.mark)))
        due = ceil(Fraction(worth * target.rules.exit_penalty, PPM))
        return self._to_insurance(account, market, due, self.standing(account).initial)

    # Losses

    def cover(self, account: int, markets: Iterator[int], least: int = 0) -> None:
        """Insurance of some markets makes up for equity below zero, or below `least` (q6)."""
        for market in markets:
            missing = max(0, least - self.standing(account).equity)
            self.accounts[account].cash += self._draw(market, missing)

    def bring_up(self, account: int) -> None:
        """The debt as it is; of an account that holds nothing insurance pays what it has."""
        book = self.accounts[account]
        if book.is_flat:
            self.cover(account, iter(range(len(self.markets))))
        book.debt = max(0, -self.standing(account).equity)

    def _draw(self, market: int, amount: int) -> int:
        drawn = min(amount, self.markets[market].insurance)
        self.markets[market].insurance -= drawn
        return drawn

    # Expiry

    def settle_option(self, account: int, number: int) -> int:
        """A holding ends; returns what cash changed by (q6)."""
        book = self.accounts[account]
        size = book.options[number]
        paid = self._collect(account, number) if size < 0 else self._share(number, size)
        del book.options[number]
        book.cash += paid
        return paid

    def _collect(self, account: int, number: int) -> int:
        book, series = self.accounts[account], self.series[number]
        due = -series.payoff(book.options[number])
        unpaid = max(0, min(due, due - self._equity_without(account, number)))
        covered = self._draw(series.underlying, unpaid)
        series.pool += due - unpaid + covered
        return unpaid - due

    def _share(self, number: int, size: int) -> int:
        series = self.series[number]
        longs = sum(max(0, book.options.get(number, 0)) for book in self.accounts.values())
        paid = min(series.payoff(size), floor(Fraction(size * series.pool, longs)))
        series.pool -= paid
        return paid

    def _equity_without(self, account: int, number: int) -> int:
        """Other options whose price is fixed count at their payoff, the rest at their arrays."""
        book = self.accounts[account]
        total = book.cash + sum(p.gain + p.unsettled for p in self._perps(book).values())
        for other, size in book.options.items():
            series = self.series[other]
            if other != number:
                total += series.payoff(size) if series.settlement else series.holding(size).worth
        return total

    # The end of a market

    def close(self, market: int, price: int) -> None:
        target = self.markets[market]
        target.mark = target.index = price
        self.closings[market] = Closing(price)

    def register(self, account: int, market: int) -> None:
        """A loser's position ends; a winner's becomes a claim."""
        book, closing = self.accounts[account], self.closings[market]
        self.settle_funding(account, market)
        held = book.positions[market]
        gain = floor(fills.notional(held.size, closing.price)) - held.cost
        self._take_cover(closing, self._dust(closing, held.size))
        if gain > 0:
            closing.claims[account] = gain
            self._take_cover(closing, gain)
        else:
            del book.positions[market]
            book.cash += gain
            missing = max(0, min(-self.standing(account).equity, -gain))
            book.cash += missing
            self._lose_cover(closing, missing - self._draw(market, missing))
        self.bring_up(account)

    def _dust(self, closing: Closing, size: int) -> int:
        """q6 by which positions floored apart fall short of what is left floored as one."""
        before = floor(fills.notional(closing.left, closing.price))
        closing.left -= size
        after = floor(fills.notional(closing.left, closing.price))
        return before - after - floor(fills.notional(size, closing.price))

    def _take_cover(self, closing: Closing, amount: int) -> None:
        made = min(amount, closing.debt)
        closing.debt -= made
        closing.collected += amount - made

    def _lose_cover(self, closing: Closing, amount: int) -> None:
        taken = min(amount, closing.collected)
        closing.collected -= taken
        closing.debt += amount - taken

    def pay(self, account: int, market: int) -> int:
        """A claim gets its share of the cover; returns it (q6)."""
        book, closing = self.accounts[account], self.closings[market]
        claims = sum(closing.claims.values())
        claim = closing.claims.pop(account)
        paid = min(claim, floor(Fraction(claim * closing.collected, claims)))
        closing.collected -= paid
        del book.positions[market]
        book.cash += paid
        self.bring_up(account)
        if not closing.claims:
            self.markets[market].insurance += closing.collected
            closing.collected = 0
        return paid

    def report_market(self, market: int) -> None:
        """All insurance pays what the market itself owes, once nothing more can come in."""
        closing = self.closings[market]
        if any(size and account not in closing.claims for account, size in self._held(market)):
            return
        for source in range(len(self.markets)):
            closing.debt -= self._draw(source, closing.debt)

    # Standing

    def standing(self, account: int) -> requirements.Standing:
        """Where an account stands at the prices as they are."""
        book, exact = self.accounts[account], self.account(account)
        if book.is_portfolio or book.options:
            return self._portfolio(exact)
        return requirements.cross(exact)

    def account(self, account: int) -> Account:
        """An account as the formulas look at it: what it holds, by market."""
        book = self.accounts[account]
        perps = self._perps(book)
        return Account(
            book.cash,
            tuple(
                Underlying(
                    market.index,
                    (perps[number],) if number in perps else (),
                    tuple(self._options(book, number)),
                )
                for number, market in enumerate(self.markets)
            ),
        )

    def _options(self, book: Book, underlying: int) -> Iterator[OptionHolding]:
        for number, size in book.options.items():
            if self.series[number].underlying == underlying:
                yield self.series[number].holding(size)

    def _portfolio(self, account: Account) -> requirements.Standing:
        """The price of a closed market's position can't move: it asks for nothing."""
        open_ = [
            Underlying(held.index, () if number in self.closings else held.perps, held.options)
            for number, held in enumerate(account.underlyings)
        ]
        initial = sum(map(requirements.portfolio_initial, open_))
        return requirements.Standing(
            requirements.equity(account),
            initial,
            sum(map(requirements.portfolio_maintenance, open_)),
            requirements.withdrawable(account, initial),
        )

    def _perps(self, book: Book) -> dict[int, PerpHolding]:
        return {number: self._perp(number, held) for number, held in book.positions.items()}

    def _perp(self, number: int, held: Position) -> PerpHolding:
        market = self.markets[number]
        rules = market.rules
        fraction = requirements.initial_fraction(
            rules.initial, self.interest(number), rules.low, rules.high
        )
        moved = market.funding - held.funding
        return PerpHolding(
            held.size,
            held.cost,
            market.mark,
            fraction,
            market.maintenance,
            moved,
            rules.lot,
            ended=number in self.closings,
        )

    def interest(self, number: int) -> int:
        """s8: open interest of a market or series."""
        return sum(max(0, size) for _, size in self._held(number))

    def _held(self, number: int) -> Iterator[tuple[int, int]]:
        """Accounts and what they hold of a market or series, s8."""
        for account, book in self.accounts.items():
            if number >= SERIES_START:
                yield account, book.options.get(number, 0)
            else:
                yield account, book.positions.get(number, Position()).size

    def underlying(self, number: int) -> int:
        """The perpetual market of a market or series."""
        return number if number < SERIES_START else self.series[number].underlying


def _hold(book: Book, series: int, size: int) -> None:
    if size:
        book.options[series] = size
    else:
        book.options.pop(series, None)
