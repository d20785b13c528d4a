"""`trade_` on a replica: passed on to the sequencer, which alone has the order book."""

from collections.abc import Awaitable, Callable

from node.p2p.forwarder import Forwarder
from node.rpc.dispatch import Param, method


def _as_it_is(value: object) -> object:
    """The sequencer parses what it is given, and its errors reach the client."""
    return value


_ANY = Param(_as_it_is)
_OPTIONAL = Param(_as_it_is, None)


def _passed_on(name: str, required: int, optional: int = 0) -> Callable[..., Awaitable[object]]:
    """The JSON-RPC method `name`, with so many parameters."""

    @method(name, *[_ANY] * required, *[_OPTIONAL] * optional)
    async def pass_on(self: "ForwardedTrade", *values: object) -> object:
        given = list(values)
        while given and given[-1] is None:
            given.pop()
        return await self.forwarder.call(name, given)

    return pass_on


class ForwardedTrade:
    """Orders, books and trades; subscriptions are the sequencer's."""

    def __init__(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder

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
