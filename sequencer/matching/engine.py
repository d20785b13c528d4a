"""The matching engine: inputs in, events out, and the book between them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sequencer.matching.auction import run_auction
from sequencer.matching.book import MarketBook
from sequencer.matching.desk import Desk
from sequencer.matching.entry import Entry, last_match_ms
from sequencer.matching.events import Event, Fill, Settled, Unwound, WaitsAgain
from sequencer.matching.inputs import (
    Cancel,
    CancelAll,
    CancelReason,
    Clear,
    Finalized,
    Fire,
    Heartbeat,
    Input,
    ListMarket,
    Marks,
    Outcome,
    Place,
    Replace,
    Reverted,
    Shrink,
)
from sequencer.matching.orders import BookOrder
from sequencer.matching.policy import policy_of
from sequencer.matching.snapshot import decode_snapshot, encode_snapshot
from sequencer.matching.undoing import recover, unwind
from sequencer.matching.views import FillRecord, Hit, Levels, OrderStatus, OrderView
from state.errors import InternalError

_PLACING: Final = (Place, Replace)


class MatchingEngine:
    """Order books of all markets, moved by inputs alone: the same inputs give the same events.

    Inputs are facts that whoever logs them has checked. What came to nothing before they were
    logged, like the cancel of an order that is filled by now, does nothing here.
    """

    def __init__(self) -> None:
        self.sequence = 0
        """Inputs applied so far."""
        self._desk = Desk()
        self._steps: Final[Mapping[type[Input], Callable[[Any], None]]] = {
            Place: self._place,
            Replace: self._replace,
            Cancel: self._cancel,
            CancelAll: self._cancel_all,
            Shrink: self._shrink,
            Marks: self._marks,
            Fire: self._fire_one,
            ListMarket: self._list_market,
            Clear: self._clear,
            Outcome: self._outcome,
            Reverted: self._reverted,
            Finalized: self._finalized,
            Heartbeat: self._heartbeat,
        }

    @property
    def time(self) -> int:
        """Milliseconds of the last input."""
        return self._desk.time

    def apply(self, given: Input) -> list[Event]:
        """Apply one input and tell what it did.

        Raises `InternalError`, with nothing changed, for an input that can't be in a log: time goes
        back, an order or auction is in a market that was never listed, or a market has no tick or
        lot.
        """
        self._check(given)
        self.sequence += 1
        self._desk.time = given.time
        self._expire()
        self._steps[type(given)](given)
        return self._desk.take_events()

    # Reading

    def preview(self, order: BookOrder, most: int, time: int) -> list[Hit]:
        """Whom an order that may trade `most` (s8) would hit at `time` (ms), in order.

        Empty in an auction market, for an order that would wait for its trigger, and for one that
        would be cancelled instead. Changes nothing.
        """
        book = self._desk.books.get(order.market)
        if book is None or book.must_wait(order):
            return []
        left = _tradable(book, order, most)
        if _refusal(book, order, left, time) is not None:
            return []
        return policy_of(book.rules).preview(book, order, left, time)

    def meets_more_than(self, count: int, order: BookOrder, most: int, time: int) -> bool:
        """Whether an order that may trade `most` (s8) would meet more than `count` resting orders
        at `time` (ms), those of its owner too. Looks at no more of them than that."""
        book = self._desk.books.get(order.market)
        if book is None or book.must_wait(order):
            return False
        left = _tradable(book, order, most)
        return policy_of(book.rules).meets_more_than(count, book, order, left, time)

    def refusal(self, order: BookOrder, most: int, time: int) -> CancelReason | None:
        """Why a new order would be cancelled at `time` (ms) before it traded or rested.

        Post-only and fill-or-kill are only judged once an order doesn't wait for its trigger.
        Raises `InternalError` for an unknown market.
        """
        self._check_market(order.market)
        book = self._desk.books[order.market]
        left = _tradable(book, order, most)
        reason = _refusal(book, order, left, time)
        if reason is not None or book.must_wait(order):
            return reason
        return policy_of(book.rules).refusal(book, order, left, time)

    def preview_auction(self, market: int) -> list[Fill]:
        """The fills, all of id 0, that `Clear` would make in a market now. Changes nothing."""
        book = self._desk.books.get(market)
        if book is None or not book.rules.is_auction:
            return []
        price, pairs = run_auction(book)
        return [
            Fill(
                id=0,
                market=market,
                price=price,
                size=pair.size,
                taker=pair.taker.order.hash,
                maker=pair.maker.order.hash,
                taker_account=pair.taker.order.account,
                maker_account=pair.maker.order.account,
                taker_is_buy=pair.taker.order.is_buy,
                time=self.time,
                is_auction=True,
            )
            for pair in pairs
        ]

    def must_wait(self, order: BookOrder) -> bool:
        """Whether a new order would wait for the mark to reach its trigger."""
        book = self._desk.books.get(order.market)
        return book is not None and book.must_wait(order)

    def met_triggers(self) -> list[BookOrder]:
        """The waiting orders whose triggers the last marks meet, the earliest first."""
        met = [e for book in self._desk.books.values() for e in book.met_triggers()]
        return [entry.order for entry in sorted(met, key=_rank)]

    def order(self, order_hash: bytes) -> OrderView | None:
        """An order that's open, or done and not forgotten."""
        entry = self._desk.roster.get(order_hash)
        return entry.view() if entry else None

    def open_orders(self) -> Iterator[OrderView]:
        """All live and waiting orders, in the order in which they came."""
        return (entry.view() for entry in self._desk.roster if not entry.is_done)

    @property
    def known_orders(self) -> int:
        """How many orders it remembers, with those that are done and may not come again."""
        return len(self._desk.roster)

    def known_orders_of(self, owner: bytes) -> int:
        """How many of these are of one owner's accounts."""
        return self._desk.roster.count_of(owner)

    def orders_of(self, account: int) -> list[OrderView]:
        """An account's live and waiting orders, the earliest first."""
        return [entry.view() for entry in self._desk.roster.open_of(account)]

    def levels(self, market: int, depth: int) -> Levels:
        """The best `depth` levels of both sides; none of a market that isn't listed."""
        book = self._desk.books.get(market)
        if book is None:
            return Levels((), ())
        return Levels(book.bids.depth(depth), book.asks.depth(depth))

    def pending(self) -> list[Fill]:
        """Fills that are matched and not settled, in order of id."""
        return self._desk.fills.pending()

    @property
    def pending_count(self) -> int:
        """How many those are."""
        return self._desk.fills.pending_count

    def pending_of(self, account: int) -> list[Fill]:
        """Those of one account."""
        return self._desk.fills.pending_of(account)

    def fill(self, fill_id: int) -> FillRecord | None:
        """A fill, until its block is final."""
        return self._desk.fills.get(fill_id)

    def fills(self) -> list[FillRecord]:
        """Every fill that isn't final yet, whatever became of it, in order of id."""
        return list(self._desk.fills)

    def decided_fills(self, block: int = 0) -> Iterator[FillRecord]:
        """Those that blocks from `block` on settled or refused, in order of block."""
        return self._desk.fills.decided_from(block)

    @property
    def first_decided_block(self) -> int | None:
        """The first block with one of them; None when there is none."""
        return self._desk.fills.first_decided()

    def order_with_nonce(self, account: int, nonce: int) -> OrderView | None:
        """The newest order that the engine still knows of those with the nonce."""
        entry = self._desk.roster.with_nonce(account, nonce)
        return None if entry is None else entry.view()

    def is_nonce_used(self, account: int, nonce: int) -> bool:
        """Whether an order that the engine still knows has the nonce."""
        return self._desk.roster.is_nonce_used(account, nonce)

    def markets(self) -> Mapping[int, ListMarket]:
        """The rules of all markets, by id."""
        return {market: book.rules for market, book in self._desk.books.items()}

    # Snapshots

    def snapshot(self) -> bytes:
        """All that later events depend on (msgpack). The same state gives the same bytes."""
        return encode_snapshot(self.sequence, self._desk)

    @classmethod
    def restore(cls, snapshot: bytes) -> "MatchingEngine":
        """The engine of which this is the snapshot. Raises `InternalError` if it is none."""
        engine = cls()
        engine.sequence, engine._desk = decode_snapshot(snapshot)
        return engine

    # Inputs

    def _check(self, given: Input) -> None:
        if given.time < self._desk.time:
            raise InternalError(f"time goes back from {self._desk.time} to {given.time} ms")
        if isinstance(given, _PLACING):
            self._check_market(given.order.market)
        elif isinstance(given, Clear):
            for market in given.markets:
                self._check_market(market)
        elif isinstance(given, ListMarket) and min(given.tick, given.lot) <= 0:
            raise InternalError(f"market {given.market} has tick {given.tick}, lot {given.lot}")

    def _check_market(self, market: int) -> None:
        if market not in self._desk.books:
            raise InternalError(f"market {market} was never listed")

    def _expire(self) -> None:
        """Let orders leave whose time has passed, and forget those that can't matter any more."""
        desk = self._desk
        while (entry := desk.roster.pop_ended(desk.time)) is not None:
            if not entry.is_done:
                desk.cancel(entry, CancelReason.EXPIRED)
        desk.roster.forget_void(desk.time)

    def _place(self, given: Place | Replace) -> None:
        desk, order = self._desk, given.order
        if order.hash in desk.roster:
            return
        book = desk.books[order.market]
        left = _tradable(book, order, given.most)
        reason = _refusal(book, order, left, desk.time)
        waits = reason is None and book.must_wait(order)
        entry = desk.accept(order, left, waits=waits)
        if reason is not None:
            desk.cancel(entry, reason)
        elif not waits:
            if order.trigger is not None and book.mark is not None:
                desk.trigger(entry, book.mark)
            policy_of(book.rules).arrive(desk, book, entry)

    def _replace(self, given: Replace) -> None:
        self._cancel_one(given.old, CancelReason.REPLACED)
        self._place(given)

    def _cancel(self, given: Cancel) -> None:
        self._cancel_one(given.order, given.reason)

    def _cancel_one(self, order_hash: bytes, reason: CancelReason) -> None:
        entry = self._desk.roster.get(order_hash)
        if entry is not None and not entry.is_done:
            self._desk.cancel(entry, reason)

    def _cancel_all(self, given: CancelAll) -> None:
        mine = self._desk.roster.open_of(given.account)
        here = [one for one in mine if given.market is None or one.order.market == given.market]
        self._desk.cancel_all(here, given.reason)

    def _shrink(self, given: Shrink) -> None:
        entry = self._desk.roster.get(given.order)
        if entry is None or entry.is_done or given.most >= entry.left:
            return
        left = _tradable(self._desk.book_of(entry), entry.order, given.most)
        if left > 0:
            self._desk.resize(entry, left)
        else:
            self._desk.cancel(entry, CancelReason.NOT_REDUCING)

    def _marks(self, given: Marks) -> None:
        fired = []
        for market, mark in given.marks.items():
            # Markets without a book have no use for a mark.
            if (book := self._desk.books.get(market)) is not None:
                book.mark = mark
                fired += book.met_triggers() if given.fires else []
        for entry in sorted(fired, key=_rank):
            # An order that fired before may have cancelled it as its owner's.
            if not entry.is_done:
                self._fire(entry)

    def _fire_one(self, given: Fire) -> None:
        entry = self._desk.roster.get(given.order)
        if entry is None or entry.status is not OrderStatus.WAITING:
            return
        if not self._desk.book_of(entry).must_wait(entry.order):
            self._fire(entry)

    def _fire(self, entry: Entry) -> None:
        book = self._desk.book_of(entry)
        if book.mark is not None:
            self._desk.trigger(entry, book.mark)
        policy_of(book.rules).arrive(self._desk, book, entry)

    def _list_market(self, given: ListMarket) -> None:
        desk, book = self._desk, self._desk.books.get(given.market)
        if book is None:
            desk.books[given.market] = MarketBook(given, desk.changes)
            return
        old, book.rules = book.rules, given
        if not given.is_open or policy_of(given) is not policy_of(old):
            desk.cancel_all(book.entries(), CancelReason.MARKET_CLOSED)
        elif (given.tick, given.lot) != (old.tick, old.lot):
            off = [e for e in book.entries() if not book.is_on_grid(e.order.price, e.left)]
            desk.cancel_all(off, CancelReason.OFF_GRID)

    def _clear(self, given: Clear) -> None:
        for market in given.markets:
            book = self._desk.books[market]
            policy_of(book.rules).clear(self._desk, book)

    def _outcome(self, given: Outcome) -> None:
        fills = self._desk.fills
        for fill_id in given.settled:
            settled = fills.settle(fill_id, given.block, given.transaction)
            if settled is not None:
                self._desk.note(Settled(settled, given.block, given.transaction))
        for refusal in given.refused:
            refused = fills.refuse(refusal.fill, given.block, given.transaction, refusal.reason)
            if refused is not None:
                what = Unwound(refused, refusal.reason, given.block, given.transaction)
                unwind(self._desk, what, refusal.fault)
        for fill_id in given.recovered:
            recover(self._desk, fill_id, given)

    def _reverted(self, given: Reverted) -> None:
        for fill in self._desk.fills.revert(given.block):
            self._desk.note(WaitsAgain(fill))

    def _finalized(self, given: Finalized) -> None:
        for fill in self._desk.fills.finalize(given.block):
            self._desk.conclude(fill)

    def _heartbeat(self, given: Heartbeat) -> None:
        """Time has passed already."""


def _refusal(book: MarketBook, order: BookOrder, left: int, now: int) -> CancelReason | None:
    """Why an order that may trade `left` (s8) can't even come to the book, or wait."""
    if not book.rules.is_open:
        return CancelReason.MARKET_CLOSED
    if last_match_ms(order) < now:
        return CancelReason.EXPIRED
    if not book.is_on_grid(order.price, order.size):
        return CancelReason.OFF_GRID
    if left <= 0:
        return CancelReason.NOT_REDUCING
    return None


def _tradable(book: MarketBook, order: BookOrder, most: int) -> int:
    """How much of an order may trade (s8), in whole lots."""
    size = min(most, order.size)
    return size - size % book.rules.lot


def _rank(entry: Entry) -> int:
    return entry.rank
