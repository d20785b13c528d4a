"""What can happen to an order, and the events it causes: the verbs of engine and policies."""

from collections.abc import Iterable

from sequencer.matching.book import Changes, MarketBook
from sequencer.matching.entry import Entry
from sequencer.matching.events import (
    Accepted,
    Cancelled,
    Event,
    Fill,
    LevelChanged,
    Matched,
    Resized,
    Triggered,
)
from sequencer.matching.fills import FillLedger
from sequencer.matching.inputs import CancelReason
from sequencer.matching.orders import BookOrder
from sequencer.matching.roster import Roster
from sequencer.matching.views import OrderStatus
from state.errors import InternalError


class Desk:
    """The books, orders and fills at one moment, and every step that may change them.

    Each step keeps books, roster and ledger in line with each other and notes its event.
    """

    __slots__ = ("_events", "books", "changes", "fills", "rank", "roster", "time")

    def __init__(self) -> None:
        self.time = 0
        """Milliseconds since 1970, of the input at hand."""
        self.rank = 0
        """The last rank that was given out."""
        self.books: dict[int, MarketBook] = {}
        self.roster = Roster()
        self.fills = FillLedger()
        self.changes: Changes = {}
        self._events: list[Event] = []

    def note(self, event: Event) -> None:
        """Tell of something that the caller did."""
        self._events.append(event)

    def take_events(self) -> list[Event]:
        """What happened since the last call, each changed level once and at the end."""
        events, self._events = self._events, []
        for (side, price), before in self.changes.items():
            size = side.size_at(price)
            if size != before:
                events.append(LevelChanged(side.market, side.is_buy, price, size))
        self.changes.clear()
        return events

    def book_of(self, entry: Entry) -> MarketBook:
        return self.books[entry.order.market]

    def order_of_fill(self, order_hash: bytes) -> Entry:
        """An order with a fill that isn't final, which the roster therefore has."""
        entry = self.roster.get(order_hash)
        if entry is None:
            raise InternalError(f"order {order_hash.hex()} was forgotten before its fill")
        return entry

    # Coming

    def accept(self, order: BookOrder, left: int, *, waits: bool) -> Entry:
        """Take in a new order that may trade `left` (s8), behind all others."""
        entry = Entry(order, left, self.time, self.next_rank())
        self.roster.add(entry)
        self.note(Accepted(order.hash, order.account, order.market, waits))
        if waits:
            entry.status = OrderStatus.WAITING
            self.book_of(entry).triggers.add(entry)
        return entry

    def trigger(self, entry: Entry, mark: int) -> None:
        """The mark (p8) reached an order's trigger. One that waited lives from now on."""
        if entry.status is OrderStatus.WAITING:
            self.book_of(entry).triggers.remove(entry)
            entry.status = OrderStatus.LIVE
            entry.rank = self.next_rank()
        self.note(Triggered(entry.order.hash, entry.order.account, mark))

    def rest(self, entry: Entry) -> None:
        """Put a live order on its side of the book, behind those of its price."""
        self.book_of(entry).own(entry.order).add(entry)

    def next_rank(self) -> int:
        """A time priority behind all others."""
        self.rank += 1
        return self.rank

    # Trading

    def match(
        self, taker: Entry, maker: Entry, size: int, price: int, *, is_auction: bool = False
    ) -> None:
        """Trade `size` (s8) at `price` (p8) between two live orders."""
        took, made = taker.order, maker.order
        fill = Fill(
            self.fills.last_id + 1,
            took.market,
            price,
            size,
            took.hash,
            made.hash,
            took.account,
            made.account,
            took.is_buy,
            self.time,
            is_auction,
        )
        self.fills.add(fill)
        for entry in (taker, maker):
            entry.filled += size
            entry.fills.append(fill.id)
            self._set_left(entry, entry.left - size)
            if entry.left == 0:
                entry.status = OrderStatus.FILLED
                self.roster.close(entry)
        self.note(Matched(fill, taker.left, maker.left))

    def resize(self, entry: Entry, left: int) -> None:
        """Let a live or waiting order trade `left` > 0 (s8) from now on."""
        self._set_left(entry, left)
        self.note(Resized(entry.order.hash, entry.order.account, left))

    def _set_left(self, entry: Entry, left: int) -> None:
        if entry.rests:
            self.book_of(entry).own(entry.order).resize(entry, left)
        else:
            entry.left = left

    # Leaving and coming back

    def cancel(self, entry: Entry, reason: CancelReason) -> None:
        """Take an order out. One that's cancelled already stays as it is; a filled one is cancelled
        because it was given back a fill that it mayn't trade again."""
        if entry.status is OrderStatus.CANCELLED:
            return
        if entry.status is OrderStatus.WAITING:
            self.book_of(entry).triggers.remove(entry)
        elif entry.rests:
            self.book_of(entry).own(entry.order).remove(entry)
        if entry.status is not OrderStatus.FILLED:
            self.roster.close(entry)
        entry.status, entry.reason = OrderStatus.CANCELLED, reason
        order = entry.order
        self.note(Cancelled(order.hash, order.account, order.market, entry.left, reason))

    def cancel_all(self, entries: Iterable[Entry], reason: CancelReason) -> None:
        """Take several out, in the order given."""
        for entry in entries:
            self.cancel(entry, reason)

    def give_back(self, entry: Entry, fill: Fill) -> None:
        """Undo a fill on one of its orders; where that leaves the order is the caller's to say."""
        entry.fills.remove(fill.id)
        entry.filled -= fill.size
        self._set_left(entry, entry.left + fill.size)

    def take_back(self, entry: Entry, fill: Fill) -> None:
        """Undo `give_back`: a block settled the fill after all. What the order traded since with
        the size that it had been given stays, for the chain to judge."""
        entry.fills.append(fill.id)
        entry.filled += fill.size
        left = max(0, entry.left - fill.size)
        self._set_left(entry, left)
        if entry.status is not OrderStatus.LIVE:
            return
        if left:
            self.note(Resized(entry.order.hash, entry.order.account, left))
        else:
            entry.status = OrderStatus.FILLED
            self.roster.close(entry)

    def conclude(self, fill: Fill) -> None:
        """A fill is final: its orders needn't remember it."""
        for order in (fill.taker, fill.maker):
            entry = self.order_of_fill(order)
            entry.fills.remove(fill.id)
            self.roster.forget_if_over(entry, self.time)

    def put_back(self, entry: Entry) -> None:
        """Let a filled order that was given back a fill rest again, where its rank belongs."""
        entry.status = OrderStatus.LIVE
        self.roster.open(entry)
        self.book_of(entry).own(entry.order).put_back(entry)
        self.note(Resized(entry.order.hash, entry.order.account, entry.left))
