"""The invariants of a state: what holds after every block, whatever was in it.

MARGIN.md, "Invariants", 1 to 5 and 11; `changes.py` has those that speak of a block. All of it is
integer arithmetic on what storage holds: no margin is computed here.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from execution.margin import read_option_size
from node.monitor.books import (
    AccountBook,
    Books,
    MarketBook,
    MarketSums,
    PositionBook,
    SeriesBook,
    SeriesSums,
    read_account_book,
    read_position_book,
    word_of,
)
from node.monitor.findings import Finding, Invariant
from state.accounts import StateReader

FUNDING_SIZE: Final = 10**14
"""Size (s8) times funding index (f12), a q6."""

NOTIONAL: Final = 10**10
"""Size (s8) times price (p8), a q6."""


def account_findings(books: Books, numbers: Iterable[int]) -> Iterator[Finding]:
    """What is wrong with these accounts by themselves (4)."""
    for number in numbers:
        book = books.accounts.values[number]
        yield from _position_findings(number, book)
        yield from _holding_findings(number, book)


def books_findings(books: Books) -> Iterator[Finding]:
    """What is wrong with the sums of all accounts (1, 2, 3, 5, 11)."""
    now, sums = books.globals, books.sums
    for market, book in now.markets.items():
        yield from _market_findings(market, book, sums.markets[market])
    for series, state in now.series.items():
        yield from _series_findings(series, state, sums.series[series])
    unknown = (sums.markets.keys() - now.markets.keys()) | (sums.series.keys() - now.series.keys())
    for market in sorted(unknown):
        yield Finding(Invariant.RECORDS, f"market {market}", "held, but not listed", 1)
    yield from _custody_findings(books)
    yield from _insurance_findings(books)


def scan_findings(books: Books, state: StateReader, number: int) -> Iterator[Finding]:
    """What of an account isn't as the books have it, or lies where no list of the account says."""
    word, known = word_of(state), books.accounts.values[number]
    if read_account_book(word, number) != known:
        yield _unlisted(number, "an account changed in slots that no block changed")
    markets = {position.market for position in known.positions}
    for market in books.globals.markets.keys() - markets:
        lost = read_position_book(word, number, market)
        if lost.size or lost.cost or lost.claim:
            yield _unlisted(number, f"a position in market {market} that its mask doesn't have")
    series = {holding.series for holding in known.holdings}
    for each in books.globals.series.keys() - series:
        if read_option_size(word, number, each):
            yield _unlisted(number, f"a holding of series {each} that isn't listed")


def _unlisted(number: int, what: str) -> Finding:
    return Finding(Invariant.RECORDS, f"account {number} {what}", what, 1, {}, (number,))


def slack(book: MarketBook, sums: MarketSums) -> int:
    """A funding pool with the unsettled funding of open positions, times `FUNDING_SIZE`."""
    unsettled = (sums.longs - sums.shorts) * book.state.funding_index - sums.funded
    return book.state.pool * FUNDING_SIZE + unsettled


def owed(books: Books) -> int:
    """q6: what the books owe, which is what they hold."""
    now, sums = books.globals, books.sums
    total = sums.cash - sums.cost + now.house.custody.fees + now.house.custody.insurance
    total += sum(market.state.pool + _cover(market) for market in now.markets.values())
    return total + sum(series.state.pool for series in now.series.values())


# One account


def _position_findings(number: int, book: AccountBook) -> Iterator[Finding]:
    for position in book.positions:
        if not is_sound(position):
            yield Finding(
                Invariant.COST,
                f"account {number} market {position.market}",
                "size and cost are not both zero or of one sign, or a position has no size",
                1,
                {"size": position.size, "cost": position.cost},
                (number,),
            )


def is_sound(position: PositionBook) -> bool:
    """Whether an open position has a size, and a cost of its sign.

    A size so small that it was worth less than a unit is why a fill has a lot (MARGIN.md, "Units").
    """
    return position.size * position.cost > 0


def _holding_findings(number: int, book: AccountBook) -> Iterator[Finding]:
    held = [holding.series for holding in book.holdings]
    if len(set(held)) != len(held) or not all(holding.size for holding in book.holdings):
        yield Finding(
            Invariant.RECORDS,
            f"account {number}",
            "a series is listed twice, or without a size",
            1,
            {f"series {holding.series}": holding.size for holding in book.holdings},
            (number,),
        )


# Sums


def _market_findings(market: int, book: MarketBook, sums: MarketSums) -> Iterator[Finding]:
    subject = f"market {market}"
    yield from _equal(Invariant.OPEN_INTEREST, subject, "open interest and the sum of longs",
                      book.state.open_interest, sums.longs)  # fmt: skip
    if book.closing is None:
        yield from _equal(Invariant.SIZES, subject, "long and short sizes", sums.longs, sums.shorts)
    else:
        closing = book.closing
        for what, said, counted in (
            ("longs left", closing.longs_left, sums.open_longs),
            ("shorts left", closing.shorts_left, sums.open_shorts),
            ("claims", closing.claims, sums.claims),
        ):
            yield from _equal(Invariant.SIZES, f"{subject} {what}", what, said, counted)
    left = slack(book, sums)
    if left < 0:
        yield Finding(Invariant.FUNDING_POOL, subject, "the pool owes more than it has", left,
                      {"pool": book.state.pool, "withUnsettledE14": left})  # fmt: skip


def _series_findings(series: int, book: SeriesBook, sums: SeriesSums) -> Iterator[Finding]:
    subject, state = f"series {series}", book.state
    yield from _equal(Invariant.OPEN_INTEREST, f"{subject} longs", "open interest and longs",
                      state.open_interest, sums.longs)  # fmt: skip
    yield from _equal(Invariant.OPEN_INTEREST, f"{subject} shorts", "shorts left and shorts",
                      state.shorts_left, sums.shorts)  # fmt: skip
    if book.settlement is None:
        yield from _equal(Invariant.SIZES, subject, "long and short sizes", sums.longs, sums.shorts)
    if state.pool < 0:
        yield Finding(Invariant.CUSTODY, subject, "longs were paid more than shorts paid in",
                      state.pool, {"pool": state.pool})  # fmt: skip


def _custody_findings(books: Books) -> Iterator[Finding]:
    house = books.globals.house
    yield from _equal(Invariant.CUSTODY, "books", "what the books hold and what they owe",
                      house.custody.held, owed(books))  # fmt: skip
    if house.balance is not None and house.balance < house.custody.held:
        yield Finding(
            Invariant.CUSTODY,
            "token",
            "the books say to hold more collateral than there is",
            house.balance - house.custody.held,
            {"balance": house.balance, "custody": house.custody.held},
        )


def _insurance_findings(books: Books) -> Iterator[Finding]:
    custody, markets = books.globals.house.custody, books.globals.markets.values()
    yield from _equal(Invariant.INSURANCE, "insurance", "all insurance and that of the markets",
                      custody.insurance, sum(book.insurance for book in markets))  # fmt: skip
    debts = books.sums.debt + sum(book.debt for book in markets)
    yield from _equal(Invariant.INSURANCE, "debt", "reported debt and that of the accounts",
                      custody.reported_debt, debts)  # fmt: skip


def _cover(book: MarketBook) -> int:
    """q6: what a closed market holds for positions that aren't registered, and for claims."""
    closing = book.closing
    if closing is None:
        return -book.debt
    left = closing.longs_left - closing.shorts_left
    return left * closing.price // NOTIONAL + closing.collected - book.debt


def _equal(
    invariant: Invariant, subject: str, what: str, said: int, counted: int
) -> Iterator[Finding]:
    if said != counted:
        numbers = {"said": said, "counted": counted}
        yield Finding(invariant, subject, f"{what} differ", said - counted, numbers)
