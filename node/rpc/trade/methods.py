"""`trade_`: placing, replacing and cancelling orders, and reading orders and books.

Only where there is an exchange. What it doesn't take is answered with code -32000, the exchange's
words, and `data.reason`, one word for programs.
"""

from collections.abc import Awaitable
from typing import TypeVar

from execution.margin import EVERY_MARKET, SignedCancel, SignedOrder
from node.rpc.codec import data, parse_hash
from node.rpc.decimals import Members, whole
from node.rpc.dispatch import Param, method
from node.rpc.errors import CallFailed
from node.rpc.format import Json
from node.rpc.trade.format import book_json, fill_json, order_json
from node.rpc.trade.limits import DEPTH_DEFAULT, DEPTH_MAX
from node.rpc.trade.parse import (
    parse_cancel_all,
    parse_cancel_order,
    parse_options,
    parse_order,
    parse_order_name,
)
from sequencer.exchange.errors import OrderRejected, UnknownMarket
from sequencer.exchange.exchange import Exchange
from sequencer.exchange.placement import PLAIN, OrderOptions, Placement
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


def _parse_filter(value: object) -> int | None:
    """`{"market"?}`: the market whose orders are asked for, or None for all."""
    members = Members(value)
    market = members.optional("market", _PERP_OR_SERIES)
    members.end()
    return market


class TradeMethods:
    """The exchange, for its users."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

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

    # Reading

    @method("trade_getOrder", Param(parse_order_name))
    async def order(self, name: Hash32 | tuple[int, str]) -> Json | None:
        """An order by its hash, or an open one by its account's own name for it; or null."""
        if isinstance(name, bytes):
            view = self._exchange.engine.order(name)
        else:
            view = self._named(*name)
        return None if view is None else order_json(view)

    @method("trade_getOrders", _ACCOUNT, Param(_parse_filter, None))
    async def orders(self, account: int, market: int | None) -> list[Json]:
        """An account's open orders, oldest first."""
        views = self._exchange.engine.orders_of(account)
        return [order_json(view) for view in views if market in (None, view.order.market)]

    @method("trade_getBook", _MARKET, _DEPTH)
    async def book(self, market: int, depth: int) -> Json:
        """The best levels of a market, and the log's input that they are as of."""
        engine = self._exchange.engine
        if market not in engine.markets():
            raise _told(UnknownMarket(market))
        return book_json(market, engine.levels(market, depth), engine.sequence, engine.time)

    def _named(self, account: int, client_id: str) -> OrderView | None:
        views = reversed(self._exchange.engine.orders_of(account))
        return next((view for view in views if view.order.client_id == client_id), None)


def _placement_json(placement: Placement) -> Json:
    fills = [fill_json(FillRecord(fill, FillState.MATCHED)) for fill in placement.fills]
    return {"order": order_json(placement.order), "fills": fills}


async def _heard(work: Awaitable[T]) -> T:
    try:
        return await work
    except OrderRejected as rejection:
        raise _told(rejection) from rejection


def _told(rejection: OrderRejected) -> CallFailed:
    return CallFailed(str(rejection), {"reason": rejection.reason})
