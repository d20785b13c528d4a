"""`trade_`: placing, replacing and cancelling orders; orders, books, trades and candles.

Only where there is an exchange. What it doesn't take is answered with code -32000, the exchange's
words, and `data.reason`, one word for programs. Nothing is told before it is on disk.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Iterator
from typing import NamedTuple, TypeVar

from execution.margin import EVERY_MARKET, SignedCancel, SignedOrder
from node.rpc.backend import Backend
from node.rpc.codec import as_given, data, parse_hash, parse_string
from node.rpc.decimals import Members, whole
from node.rpc.dispatch import Param, Session, method
from node.rpc.errors import CallFailed, InvalidParams
from node.rpc.format import Json
from node.rpc.trade.feed import TradeFeed
from node.rpc.trade.format import candle_json, fill_json, order_json
from node.rpc.trade.house import HouseFeed
from node.rpc.trade.limits import CANDLES_MAX, DEPTH_DEFAULT, DEPTH_MAX, PAGE_DEFAULT, PAGE_MAX
from node.rpc.trade.parse import (
    parse_cancel_all,
    parse_cancel_order,
    parse_interval,
    parse_options,
    parse_order,
    parse_order_name,
    parse_seconds,
)
from node.rpc.trade.states import as_of
from node.rpc.trade.subscriptions import TradeSubscriptions
from sequencer.exchange.errors import OrderRejected, UnknownMarket
from sequencer.exchange.exchange import Exchange
from sequencer.exchange.placement import PLAIN, OrderOptions, Placement
from sequencer.history import TradeHistory
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import FillState
from sequencer.matching.views import FillRecord, OrderView
from state.types import UINT64_MAX, Hash32

T = TypeVar("T")

_ACCOUNT = Param(whole(1, UINT64_MAX))
_PERP_OR_SERIES = whole(0, EVERY_MARKET - 1)
_MARKET = Param(_PERP_OR_SERIES)
_ORDER = Param(parse_order)
_OPTIONS = Param(parse_options, PLAIN)
_DEPTH = Param(whole(1, DEPTH_MAX), DEPTH_DEFAULT)


class Page(NamedTuple):
    """How many fills are asked for, and before which id."""

    limit: int = PAGE_DEFAULT
    before: int | None = None


def parse_filter(value: object) -> int | None:
    """`{"market"?}`: the market whose orders are asked for, or None for all."""
    members = Members(value)
    market = members.optional("market", _PERP_OR_SERIES)
    members.end()
    return market


def parse_page(value: object) -> Page:
    """`{"limit"?, "before"?}`: the newest fills, or those before an id."""
    members = Members(value)
    limit = members.optional("limit", whole(1, PAGE_MAX)) or PAGE_DEFAULT
    before = members.optional("before", whole(1, UINT64_MAX))
    members.end()
    return Page(limit, before)


_PAGE = Param(parse_page, Page())


class TradeMethods:
    """The exchange, for its users."""

    def __init__(self, exchange: Exchange, backend: Backend) -> None:
        """Make it before the exchange runs."""
        self._exchange = exchange
        self._feed = TradeFeed(exchange, backend.store, backend.feed)
        self._house = HouseFeed(backend)
        self._subscriptions = TradeSubscriptions(self._feed, self._house, backend)

    async def run(self) -> None:
        """Tell subscribers what blocks make of accounts and markets, until cancelled."""
        await self._house.run()

    # Orders

    @method("trade_placeOrder", _ORDER, _OPTIONS)
    async def place(self, signed: SignedOrder, options: OrderOptions) -> Json:
        """Take a signed order; the answer comes when it is durable, with the fills it made."""
        return _placement_json(await _heard(self._exchange.place(signed, options)))

    @method("trade_replaceOrder", Param(parse_hash), _ORDER, _OPTIONS)
    async def replace(self, old: Hash32, signed: SignedOrder, options: OrderOptions) -> Json:
        """Take a signed order in an open one's stead, which stays where the new one is refused."""
        return _placement_json(await _heard(self._exchange.replace(old, signed, options)))

    @method("trade_cancelOrder", Param(parse_cancel_order))
    async def cancel(self, request: SignedCancel) -> Json:
        """Let one order go."""
        return await self._cancelled(request)

    @method("trade_cancelAll", Param(parse_cancel_all))
    async def cancel_all(self, request: SignedCancel) -> Json:
        """Let all orders of an account go, or those in one market."""
        return await self._cancelled(request)

    async def _cancelled(self, request: SignedCancel) -> Json:
        left = await _heard(self._exchange.cancel(request))
        return {"cancelled": [data(order) for order in left]}

    # Orders and books

    @method("trade_getOrder", Param(parse_order_name))
    async def order(self, name: Hash32 | tuple[int, str]) -> Json | None:
        """An order by its hash, or an open one by its account's own name for it; or null."""
        view = await self._exchange.ask(lambda engine: _find(engine, name))
        return None if view is None else order_json(view)

    @method("trade_getOrders", _ACCOUNT, Param(parse_filter, None))
    async def orders(self, account: int, market: int | None) -> list[Json]:
        """An account's open orders, oldest first."""
        views = await self._exchange.ask(lambda engine: engine.orders_of(account))
        return [order_json(view) for view in views if market in (None, view.order.market)]

    @method("trade_getBook", _MARKET, _DEPTH)
    async def book(self, market: int, depth: int) -> Json:
        """The best levels of a market, and the log's input that they are as of."""
        self._check_market(market)
        return self._feed.book(market, depth)

    # What was traded

    @method("trade_getTrades", _MARKET, _PAGE)
    async def trades(self, market: int, page: Page) -> list[Json]:
        """A market's fills, newest first."""
        self._check_market(market)
        return self._fills_json(await asyncio.to_thread(self._history.trades, market, *page))

    @method("trade_getFills", _ACCOUNT, _PAGE)
    async def fills(self, account: int, page: Page) -> list[Json]:
        """An account's fills, newest first."""
        return self._fills_json(await asyncio.to_thread(self._history.fills, account, *page))

    @method(
        "trade_getCandles",
        _MARKET,
        Param(parse_interval),
        Param(parse_seconds),
        Param(parse_seconds),
    )
    async def candles(self, market: int, interval: int, start: int, end: int) -> list[Json]:
        """The candles that begin from `start` until before `end`, where anything was traded."""
        self._check_market(market)
        if end - start > CANDLES_MAX * interval:
            raise InvalidParams(f"at most {CANDLES_MAX} candles: ask for a shorter time")
        found = await asyncio.to_thread(self._history.candles, market, interval, start, end)
        return [candle_json(moment, candle) for moment, candle in found]

    def _fills_json(self, records: list[FillRecord]) -> list[Json]:
        heads = self._feed.heads
        return [fill_json(as_of(record, heads)) for record in records]

    @property
    def _history(self) -> TradeHistory:
        return self._exchange.history

    def _check_market(self, market: int) -> None:
        if not self._feed.has_market(market):
            raise _told(UnknownMarket(market))

    # Subscriptions

    @method("trade_subscribe", Param(parse_string), Param(as_given), on_session=True)
    async def subscribe(self, session: Session, kind: str, options: object) -> str:
        """Push book, trades, orders, margin, mark or funding over this websocket."""
        with refusals_told():
            return session.subscribe(self._subscriptions, kind, options)

    @method("trade_unsubscribe", Param(parse_string), on_session=True)
    async def unsubscribe(self, session: Session, identity: str) -> bool:
        """End a subscription of this websocket; whether there was one."""
        return session.unsubscribe(identity)


def _find(engine: MatchingEngine, name: Hash32 | tuple[int, str]) -> OrderView | None:
    if isinstance(name, bytes):
        return engine.order(name)
    account, client_id = name
    views = reversed(engine.orders_of(account))
    return next((view for view in views if view.order.client_id == client_id), None)


def _placement_json(placement: Placement) -> Json:
    fills = [fill_json(FillRecord(fill, FillState.MATCHED)) for fill in placement.fills]
    return {"order": order_json(placement.order), "fills": fills}


async def _heard(work: Awaitable[T]) -> T:
    with refusals_told():
        return await work


@contextlib.contextmanager
def refusals_told() -> Iterator[None]:
    """Tell a client what the exchange doesn't take, with its reason."""
    try:
        yield
    except OrderRejected as rejection:
        raise _told(rejection) from rejection


def _told(rejection: OrderRejected) -> CallFailed:
    return CallFailed(str(rejection), {"reason": rejection.reason})
