"""What the exchange announced, for those who subscribed: books, trades, and accounts' orders.

It hears of each input of the log when that is on disk, so that nothing is told that a crash could
take back. Fills are told of again when their block is safe, and when it is finalized.
"""

import asyncio

from node.rpc.feed import BlockEvent, ChainFeed
from node.rpc.format import Json
from node.rpc.subscriptions import Stop, Tell
from node.rpc.trade.book import AnnouncedBook
from node.rpc.trade.format import book_json, fill_json, order_json
from node.rpc.trade.limits import WHOLE_BOOK
from node.rpc.trade.listeners import Listeners
from node.rpc.trade.settled import SettledFills
from sequencer.exchange.exchange import Exchange
from sequencer.exchange.placement import Announcement
from sequencer.matching.events import (
    Accepted,
    Cancelled,
    FillState,
    LevelChanged,
    Matched,
    Resized,
    Settled,
    Triggered,
    Unwound,
    WaitsAgain,
)
from sequencer.matching.views import FillRecord, Levels
from state.blocks import Heads
from state.store import ChainStore


class TradeFeed:
    """The announcements of one exchange, from the moment it is made. For the event loop."""

    def __init__(self, exchange: Exchange, store: ChainStore, chain: ChainFeed) -> None:
        """Make it before the exchange runs: what the book holds then is what was announced."""
        engine = exchange.engine
        self._engine = engine
        self._store = store
        self._sequence = engine.sequence
        self._time = engine.time
        self._books = {
            market: AnnouncedBook(engine.levels(market, WHOLE_BOOK)) for market in engine.markets()
        }
        self._moved: set[int] = set()
        """Markets of which there is something new that nobody was told."""
        self._trades: Listeners[int] = Listeners()
        self._accounts: Listeners[int] = Listeners()
        self._settled = SettledFills(engine.fills(), store.heads)
        exchange.subscribe(self._hear)
        chain.on_block(self._follow)

    @property
    def heads(self) -> Heads:
        """The heads that fills are judged by."""
        return self._store.heads

    # Books

    def has_market(self, market: int) -> bool:
        """Whether there is, or was, a book."""
        return market in self._books or market in self._engine.markets()

    def book(self, market: int, depth: int) -> Json:
        """The best levels of a market, and the input of the log that they are as of."""
        return book_json(market, self._book(market).levels(depth), self._sequence, self._time)

    def check_book(self, market: int, depth: int) -> None:
        """Raises `LimitExceeded` where nobody else may watch."""
        self._book(market).check_room(depth)

    def watch_book(self, market: int, depth: int, tell: Tell) -> Stop:
        """Tell the best levels, and then what changes in them; returns how to stop."""
        self._tell_books()
        return self._book(market).watch(depth, self._sequence, tell)

    def _book(self, market: int) -> AnnouncedBook:
        book = self._books.get(market)
        if book is None:
            book = self._books[market] = AnnouncedBook(Levels((), ()))
        return book

    # Fills and orders

    @property
    def trades(self) -> Listeners[int]:
        """Who listens to a market's fills."""
        return self._trades

    @property
    def accounts(self) -> Listeners[int]:
        """Who listens to an account's orders and fills."""
        return self._accounts

    # Hearing

    def _hear(self, told: Announcement) -> None:
        self._sequence, self._time = told.sequence, told.time
        touched: dict[bytes, int] = {}
        for event in told.events:
            if isinstance(event, LevelChanged):
                self._move(event)
            elif isinstance(event, Matched):
                touched[event.fill.taker] = event.fill.taker_account
                touched[event.fill.maker] = event.fill.maker_account
                self._tell_fill(FillRecord(event.fill, FillState.MATCHED))
            elif isinstance(event, Settled | Unwound | WaitsAgain):
                self._tell_fill(self._decided(event))
            elif isinstance(event, Accepted | Triggered | Cancelled | Resized):
                touched[event.order] = event.account
        for order, account in touched.items():
            self._tell_order(order, account)

    def _move(self, event: LevelChanged) -> None:
        book = self._book(event.market)
        book.set(event)
        if book.is_watched:
            if not self._moved:
                # All that one write to the disk brings is told in one delta.
                asyncio.get_running_loop().call_soon(self._tell_books)
            self._moved.add(event.market)

    def _decided(self, event: Settled | Unwound | WaitsAgain) -> FillRecord:
        if isinstance(event, WaitsAgain):
            self._settled.drop(event.fill.id)
            return FillRecord(event.fill, FillState.MATCHED)
        if isinstance(event, Unwound):
            return FillRecord(
                event.fill, FillState.REFUSED, event.block, event.transaction, event.reason
            )
        record = FillRecord(event.fill, FillState.UNSAFE, event.block, event.transaction)
        return self._settled.add(record, self._store.heads)

    def _follow(self, event: BlockEvent) -> None:
        """The heads move with blocks: tell of the fills that came further."""
        if not event.removed:
            for record in self._settled.advance(self._store.heads):
                self._tell_fill(record)

    # Telling

    def _tell_books(self) -> None:
        moved, self._moved = self._moved, set()
        for market in sorted(moved):
            self._books[market].tell(self._sequence)

    def _tell_fill(self, record: FillRecord) -> None:
        fill = record.fill
        accounts = {a for a in (fill.taker_account, fill.maker_account) if a in self._accounts}
        if accounts or fill.market in self._trades:
            shown = fill_json(record)
            self._trades.tell(fill.market, shown)
            for account in sorted(accounts):
                self._accounts.tell(account, {"type": "fill", "fill": shown})

    def _tell_order(self, order: bytes, account: int) -> None:
        if account not in self._accounts:
            return
        view = self._engine.order(order)
        if view is not None:
            self._accounts.tell(account, {"type": "order", "order": order_json(view)})
