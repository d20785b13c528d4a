"""`trade_` writes on a replica: passed on to the sequencer, which has the order book."""

from node.p2p.forwarder import Forwarder
from node.rpc.dispatch import Param, method


def _as_it_is(value: object) -> object:
    """The sequencer parses what it is given, and its errors reach the client."""
    return value


_ANY = Param(_as_it_is)
_OPTIONAL = Param(_as_it_is, None)


class ForwardedTrade:
    """Orders and their cancellation."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder

    @method("trade_placeOrder", _ANY, _OPTIONAL)
    async def place(self, order: object, options: object) -> object:
        """Place a signed order."""
        return await self._forward("trade_placeOrder", order, options)

    @method("trade_replaceOrder", _ANY, _ANY, _OPTIONAL)
    async def replace(self, old: object, order: object, options: object) -> object:
        """Put a signed order in another one's place."""
        return await self._forward("trade_replaceOrder", old, order, options)

    @method("trade_cancelOrder", _ANY)
    async def cancel(self, cancel: object) -> object:
        """Cancel one order."""
        return await self._forward("trade_cancelOrder", cancel)

    @method("trade_cancelAll", _ANY)
    async def cancel_all(self, cancel: object) -> object:
        """Cancel all orders of an account."""
        return await self._forward("trade_cancelAll", cancel)

    async def _forward(self, name: str, *values: object) -> object:
        given = list(values)
        while given and given[-1] is None:
            given.pop()
        return await self._forwarder.call(name, given)
