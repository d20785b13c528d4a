"""The history: as long as the log, newest first, and without refused fills in its candles."""

from collections.abc import Iterable

import pytest

from execution.margin import Reason
from sequencer.candles import DAY, HOUR, INTERVALS, MINUTE, Candle
from sequencer.history import TradeHistory
from sequencer.matching.events import Event, Fill, FillState, Matched, Settled, Unwound, WaitsAgain
from state.kv import DatabaseDamaged
from state.memory import MemoryStore

START = 1_700_006_400
"""When a day begins (s)."""

TX = b"\x07" * 32
MARKET, OTHER = 3, 4


class Book:
    """A history in memory, and the fills it was told of."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.history = TradeHistory(self.store)
        self.fills: list[Fill] = []

    def tell(self, *events: Event) -> None:
        self.store.write(self.history.changes(events))

    def fill(
        self, second: int, price: int, size: int = 1, *, market: int = MARKET, accounts: str = "12"
    ) -> Fill:
        taker, maker = map(int, accounts)
        number = len(self.fills) + 1
        time = (START + second) * 1_000
        hashes = bytes([number]) * 32, bytes([number + 128]) * 32
        fill = Fill(number, market, price, size, *hashes, taker, maker, True, time)
        self.fills.append(fill)
        return fill

    def match(self, *fills: Fill) -> None:
        self.tell(*(Matched(fill, 0, 0) for fill in fills))

    def refuse(self, *fills: Fill) -> None:
        self.tell(*(Unwound(fill, Reason.TAKER_MARGIN, 9, TX) for fill in fills))

    def candles(self, interval: str, end: int = 2 * DAY) -> list[tuple[int, Candle]]:
        found = self.history.candles(MARKET, INTERVALS[interval], START, START + end)
        return [(moment - START, candle) for moment, candle in found]


@pytest.fixture
def book() -> Book:
    return Book()


def ids(records: Iterable[object]) -> list[int]:
    return [record.fill.id for record in records]  # type: ignore[attr-defined]


def test_fills_come_newest_first_and_in_pages(book: Book) -> None:
    book.match(*(book.fill(n, 100, accounts="12" if n % 2 else "13") for n in range(5)))
    book.match(book.fill(6, 100, market=OTHER, accounts="32"))
    history = book.history
    assert ids(history.trades(MARKET, 10)) == [5, 4, 3, 2, 1]
    assert ids(history.trades(MARKET, 2)) == [5, 4]
    assert ids(history.trades(MARKET, 2, before=4)) == [3, 2]
    assert history.trades(MARKET, 2, before=1) == []
    assert ids(history.trades(OTHER, 10)) == [6]
    assert ids(history.fills(2, 10)) == [6, 4, 2]
    assert ids(history.fills(3, 1, before=6)) == [5]
    assert history.fills(9, 10) == history.trades(9, 10) == []


def test_fill_tells_what_became_of_it(book: Book) -> None:
    first, second = book.fill(0, 100), book.fill(1, 101)
    book.match(first, second)
    book.tell(Settled(first, 7, TX), Unwound(second, Reason.MAKER_MARGIN, 7, TX))
    refused, settled = book.history.trades(MARKET, 2)
    assert (settled.state, settled.block, settled.transaction) == (FillState.UNSAFE, 7, TX)
    assert (refused.state, refused.reason) == (FillState.REFUSED, Reason.MAKER_MARGIN)
    book.tell(WaitsAgain(first))
    assert book.history.fills(1, 2)[1].state is FillState.MATCHED


def test_candle_holds_the_trades_of_its_interval(book: Book) -> None:
    book.match(book.fill(0, 100, 2), book.fill(1, 90, 3))
    book.match(book.fill(59, 110, 4), book.fill(60, 95))
    book.match(book.fill(HOUR, 80), book.fill(DAY, 70))
    first = Candle(open=100, high=110, low=90, close=110, volume=9, trades=3, first=1, last=3)
    assert book.candles("1m")[0] == (0, first)
    assert [moment for moment, _ in book.candles("1m")] == [0, MINUTE, HOUR, DAY]
    five = Candle(open=100, high=110, low=90, close=95, volume=10, trades=4, first=1, last=4)
    assert book.candles("5m")[0] == book.candles("15m")[0] == book.candles("1h")[0] == (0, five)
    day = Candle(open=100, high=110, low=80, close=80, volume=11, trades=5, first=1, last=5)
    assert book.candles("4h")[0] == book.candles("1d")[0] == (0, day)
    assert [moment for moment, _ in book.candles("1d")] == [0, DAY]


def test_candles_are_those_that_begin_in_the_range(book: Book) -> None:
    book.match(*(book.fill(second, 100) for second in (0, 60, 120, 180)))
    found = book.history.candles(MARKET, MINUTE, START + 1, START + 121)
    assert [moment - START for moment, _ in found] == [60, 120]
    assert book.history.candles(MARKET, 5 * MINUTE, START + 1, START + 121) == []
    assert book.history.candles(MARKET, MINUTE, START + 60, START + 60) == []


def test_refused_fill_is_taken_out_of_every_candle(book: Book) -> None:
    low, open_, high = book.fill(70, 50), book.fill(130, 100), book.fill(131, 150)
    last = book.fill(3_700, 120)
    book.match(low, open_, high, last)
    book.refuse(low, high)
    assert [moment for moment, _ in book.candles("1m")] == [120, 3_660]
    assert book.candles("1m")[0][1] == Candle.of(open_)
    assert book.candles("1h") == [(0, Candle.of(open_)), (HOUR, Candle.of(last))]
    assert book.candles("1d") == [(0, Candle.of(open_).then(Candle.of(last)))]
    book.refuse(open_, last)
    assert book.candles("1m") == book.candles("1h") == book.candles("1d") == []


def test_fill_that_is_settled_after_it_was_refused_is_back_in_every_candle(book: Book) -> None:
    first, second, third = (book.fill(second, 100 + second) for second in (70, 71, 72))
    book.match(first, second, third)
    before = [book.candles(interval) for interval in INTERVALS]
    book.refuse(first, second, third)
    assert book.candles("1m") == []
    book.tell(*(Settled(fill, 9, TX) for fill in (third, first)), Settled(second, 9, TX))
    assert [book.candles(interval) for interval in INTERVALS] == before
    assert {record.state for record in book.history.fills(1, 3)} == {FillState.UNSAFE}


def test_fill_refused_in_the_write_that_matched_it_is_in_no_candle(book: Book) -> None:
    stays, goes = book.fill(0, 100), book.fill(1, 200)
    book.tell(Matched(stays, 0, 0), Matched(goes, 0, 0), Unwound(goes, 1, 9, TX))
    assert book.candles("1m") == book.candles("1d") == [(0, Candle.of(stays))]
    later = book.fill(2, 300)
    book.match(later)
    assert book.candles("1m") == [(0, Candle.of(stays).then(Candle.of(later)))]


def test_damaged_entry_is_told(book: Book) -> None:
    book.match(book.fill(0, 100))
    book.store.write({key: b"\xc1" for key, _ in book.store.iterate(b"k", None)})
    with pytest.raises(DatabaseDamaged, match="history is damaged"):
        book.history.fills(1, 1)
    with pytest.raises(DatabaseDamaged, match="candles are damaged"):
        book.candles("1m")
