"""The engine's whole state as bytes (msgpack), so that a log needn't be replayed from its start."""

import msgspec

from sequencer.matching.book import MarketBook
from sequencer.matching.desk import Desk
from sequencer.matching.entry import Entry
from sequencer.matching.events import FillState
from sequencer.matching.fills import FillLedger
from sequencer.matching.inputs import CancelReason, ListMarket
from sequencer.matching.orders import BookOrder
from sequencer.matching.views import FillRecord, OrderStatus
from state.errors import InternalError

VERSION = 1
"""Of the format. A snapshot of another version is refused; the log is replayed instead."""


class _Market(msgspec.Struct, frozen=True, array_like=True):
    rules: ListMarket
    mark: int | None


class _Order(msgspec.Struct, frozen=True, array_like=True):
    order: BookOrder
    left: int
    filled: int
    status: OrderStatus
    reason: CancelReason | None
    accepted: int
    rank: int


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """Orders in the order in which they came, fills in that of their ids. All else follows."""

    version: int
    sequence: int
    time: int
    rank: int
    last_fill: int
    markets: tuple[_Market, ...]
    orders: tuple[_Order, ...]
    fills: tuple[FillRecord, ...]


_DECODER = msgspec.msgpack.Decoder(_Snapshot)


def encode_snapshot(sequence: int, desk: Desk) -> bytes:
    """The bytes of a state between two inputs."""
    snapshot = _Snapshot(
        version=VERSION,
        sequence=sequence,
        time=desk.time,
        rank=desk.rank,
        last_fill=desk.fills.last_id,
        markets=tuple(_Market(book.rules, book.mark) for book in desk.books.values()),
        orders=tuple(_record(entry) for entry in desk.roster),
        fills=tuple(desk.fills),
    )
    return msgspec.msgpack.encode(snapshot)


def decode_snapshot(encoded: bytes) -> tuple[int, Desk]:
    """The sequence and the state; `InternalError` for bytes that no engine wrote."""
    try:
        snapshot = _DECODER.decode(encoded)
    except msgspec.MsgspecError as error:
        raise InternalError(f"not a snapshot of the order book: {error}") from error
    if snapshot.version != VERSION:
        raise InternalError(f"snapshot of the order book has version {snapshot.version}")
    desk = Desk()
    desk.time, desk.rank = snapshot.time, snapshot.rank
    for market in snapshot.markets:
        book = desk.books[market.rules.market] = MarketBook(market.rules, desk.changes)
        book.mark = market.mark
    desk.fills = FillLedger(snapshot.last_fill, snapshot.fills)
    entries = [_entry(record) for record in snapshot.orders]
    for entry in entries:
        desk.roster.restore(entry, desk.time)
    _fill_books(desk, sorted(entries, key=lambda entry: entry.rank))
    _hang_fills(desk)
    desk.changes.clear()
    return snapshot.sequence, desk


def _record(entry: Entry) -> _Order:
    return _Order(
        entry.order,
        entry.left,
        entry.filled,
        entry.status,
        entry.reason,
        entry.accepted,
        entry.rank,
    )


def _entry(record: _Order) -> Entry:
    entry = Entry(record.order, record.left, record.accepted, record.rank)
    entry.filled, entry.status, entry.reason = record.filled, record.status, record.reason
    return entry


def _fill_books(desk: Desk, entries: list[Entry]) -> None:
    """Between two inputs every live order rests."""
    for entry in entries:
        if entry.status is OrderStatus.LIVE:
            desk.rest(entry)
        elif entry.status is OrderStatus.WAITING:
            desk.book_of(entry).triggers.add(entry)


def _hang_fills(desk: Desk) -> None:
    for record in desk.fills:
        if record.state is not FillState.REFUSED:
            for order in (record.fill.taker, record.fill.maker):
                desk.order_of_fill(order).fills.append(record.fill.id)
