"""`trade_` on a replica: passed on to the sequencer, which alone has the order book.

What follows from the chain, margin, marks and funding, a replica tells its subscribers by itself;
books, trades and orders it is told of, once, and tells all of its clients.
"""

from collections.abc import Awaitable, Callable

from node.p2p.feed_messages import FEED_KINDS
from node.p2p.feeds import Feeds
from node.p2p.forwarder import Forwarder
from node.rpc.backend import Backend
from node.rpc.codec import as_given, parse_string
from node.rpc.dispatch import Param, Session, method
from node.rpc.trade.house import HouseFeed
from node.rpc.trade.methods import refusals_told
from node.rpc.trade.subscriptions import HouseSubscriptions

_ANY = Param(as_given)
_OPTIONAL = Param(as_given, None)


def _passed_on(name: str, required: int, optional: int = 0) -> Callable[..., Awaitable[object]]:
    """The JSON-RPC method `name`, with so many parameters, which the sequencer parses."""

    @method(name, *[_ANY] * required, *[_OPTIONAL] * optional)
    async def pass_on(self: "ForwardedTrade", *values: object) -> object:
        given = list(values)
        while given and given[-1] is None:
            given.pop()
        return await self.forwarder.call(name, given)

    return pass_on


class ForwardedTrade:
    """Orders, books and trades, and subscriptions to them."""

    def __init__(self, forwarder: Forwarder, feeds: Feeds, backend: Backend) -> None:
        self.forwarder = forwarder
        self._feeds = feeds
        self._house = HouseFeed(backend)
        self._subscriptions = HouseSubscriptions(self._house, backend)

    async def run(self) -> None:
        """Tell subscribers what blocks make of accounts and markets, until cancelled."""
        await self._house.run()

    place = _passed_on("trade_placeOrder", 1, optional=1)
    replace = _passed_on("trade_replaceOrder", 2, optional=1)
    cancel = _passed_on("trade_cancelOrder", 1)
    cancel_all = _passed_on("trade_cancelAll", 1)
    order = _passed_on("trade_getOrder", 1)
    orders = _passed_on("trade_getOrders", 1, optional=1)
    book = _passed_on("trade_getBook", 1, optional=1)
    trades = _passed_on("trade_getTrades", 1, optional=1)
    fills = _passed_on("trade_getFills", 1, optional=1)
    candles = _passed_on("trade_getCandles", 4)

    @method("trade_subscribe", Param(parse_string), _ANY, on_session=True)
    async def subscribe(self, session: Session, kind: str, options: object) -> str:
        """Push over this websocket what the sequencer tells, or what the chain says."""
        if kind in FEED_KINDS:
            return session.subscribe(await self._feeds.open(kind, options), kind, options)
        with refusals_told():
            return session.subscribe(self._subscriptions, kind, options)

    @method("trade_unsubscribe", Param(parse_string), on_session=True)
    async def unsubscribe(self, session: Session, identity: str) -> bool:
        """End a subscription of this websocket; whether there was one."""
        return session.unsubscribe(identity)
