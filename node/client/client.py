"""The exchange from a trader's side, for programs without asyncio.

    with TradeClient("ws://127.0.0.1:9545", key, account=1) as client:
        placed = client.place(limit(0, BUY, s8("0.5"), p8("64000")).post_only())
        for book in client.follow_book(0):
            print(book.best_bid, book.best_ask)

An `AsyncTradeClient` in a thread of its own does the work, so that pings are answered, connections
mended and news gathered while the program does something else. Methods take, return and raise the
same. Any thread may call them.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from node.client.async_client import AsyncTradeClient
from node.client.drafts import Draft
from node.client.local_book import LocalBook
from node.client.signing import TradingKey
from node.client.streams import Gap
from node.client.wire import (
    AccountFacts,
    BookSnapshot,
    Candle,
    FundingUpdate,
    Hash,
    MarginUpdate,
    MarketTerms,
    MarkUpdate,
    OrderState,
    OrderUpdate,
    Placed,
    Positions,
    TradeFill,
)
from state.clock import Clock
from state.types import Timestamp

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class _News(Protocol[T_co]):
    """A stream, or an asynchronous generator."""

    def __anext__(self) -> Coroutine[Any, Any, T_co]: ...

    def aclose(self) -> Coroutine[Any, Any, None]: ...


class TradeClient:
    """See `AsyncTradeClient`."""

    def __init__(
        self,
        url: str,
        key: "bytes | LocalAccount | TradingKey | None" = None,
        account: int | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        """Raises `InvalidKey`."""
        self._client = AsyncTradeClient(url, key, account, clock=clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="trade-client", daemon=True
        )

    def __enter__(self) -> "TradeClient":
        """Connect. Raises `NotConnected`."""
        self._thread.start()
        try:
            self._run(self._client.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._run(self._client.__aexit__())
        finally:
            self._stop()

    # Orders

    def place(self, draft: Draft) -> Placed:
        """Send an order; returns when it is durable."""
        return self._run(self._client.place(draft))

    def replace(self, old: bytes, draft: Draft) -> Placed:
        """Put a new order in an open one's place."""
        return self._run(self._client.replace(old, draft))

    def cancel(self, order: bytes) -> tuple[Hash, ...]:
        """Let one order go."""
        return self._run(self._client.cancel(order))

    def cancel_all(self, market: int | None = None) -> tuple[Hash, ...]:
        """Let all orders of the account go, or all in one market."""
        return self._run(self._client.cancel_all(market))

    # Reading

    def time(self) -> Timestamp:
        """What orders are dated by (s)."""
        return self._run(self._client.time())

    def order(self, order: bytes | str) -> OrderState | None:
        """An order by its hash, or an open one by the trader's name for it."""
        return self._run(self._client.order(order))

    def orders(self, market: int | None = None) -> list[OrderState]:
        """The account's open orders, oldest first."""
        return self._run(self._client.orders(market))

    def book(self, market: int, depth: int = 20) -> BookSnapshot:
        """The best levels of a market now."""
        return self._run(self._client.book(market, depth))

    def trades(self, market: int, limit: int = 100, before: int | None = None) -> list[TradeFill]:
        """The newest trades of a market, newest first; those before an id."""
        return self._run(self._client.trades(market, limit, before))

    def fills(self, limit: int = 100, before: int | None = None) -> list[TradeFill]:
        """The account's newest fills, likewise."""
        return self._run(self._client.fills(limit, before))

    def candles(self, market: int, interval: str, start: int, end: int) -> list[Candle]:
        """Candles from `start` until before `end` (s)."""
        return self._run(self._client.candles(market, interval, start, end))

    def account_facts(self) -> AccountFacts:
        """The account's owner, order epoch and margin."""
        return self._run(self._client.account_facts())

    def positions(self) -> Positions:
        """The account's perpetual positions."""
        return self._run(self._client.positions())

    def market_terms(self, market: int) -> MarketTerms:
        """Tick, lot, mark and index of a perpetual market."""
        return self._run(self._client.market_terms(market))

    # Following

    def follow_book(self, market: int, depth: int | None = None) -> Iterator[LocalBook]:
        """The market's book after each change. It is the client's own: read it, don't keep it."""
        return self._iterate(self._client.follow_book(market, depth))

    def follow_trades(self, market: int) -> Iterator[TradeFill | Gap]:
        """Trades when they are matched, and again when their state changes."""
        return self._iterate(self._run(self._client.follow_trades(market)))

    def follow_orders(self) -> Iterator[OrderUpdate | Gap]:
        """News of the account's orders and fills."""
        return self._iterate(self._run(self._client.follow_orders()))

    def follow_margin(self) -> Iterator[MarginUpdate | Gap]:
        """How the account stands after each block."""
        return self._iterate(self._run(self._client.follow_margin()))

    def follow_mark(self, market: int) -> Iterator[MarkUpdate | Gap]:
        """The market's mark and index after each block."""
        return self._iterate(self._run(self._client.follow_mark(market)))

    def follow_funding(self, market: int) -> Iterator[FundingUpdate | Gap]:
        """The market's funding after each block."""
        return self._iterate(self._run(self._client.follow_funding(market)))

    def _iterate(self, items: "_News[T]") -> Iterator[T]:
        try:
            while True:
                try:
                    yield self._run(items.__anext__())
                except StopAsyncIteration:
                    return
        finally:
            self._run(items.aclose())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the thread do it; Ctrl-C meanwhile calls it off."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
