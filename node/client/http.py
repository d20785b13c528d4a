"""The same calls over HTTP, for those who need no subscriptions."""

from typing import Any

from bridge.l1.errors import L1RequestRefused, L1Unavailable
from bridge.l1.rpc import RpcClient
from node.client.errors import NotConnected, OutcomeUnknown, refusal_of


class Http:
    """A node by HTTP. `async with` it."""

    def __init__(self, node: str | RpcClient) -> None:
        """By its URL, or over a client that somebody else closes."""
        self._rpc = RpcClient(node) if isinstance(node, str) else node
        self._is_ours = isinstance(node, str)

    async def __aenter__(self) -> "Http":
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._is_ours:
            await self._rpc.aclose()

    async def request(self, method: str, *params: object) -> Any:
        """The result of a call; raises as `Socket.request` does.

        A request that nobody answered may have arrived: with HTTP there is no telling.
        """
        try:
            return await self._rpc.request(method, *params)
        except L1RequestRefused as error:
            raise refusal_of(method, error.code, error.message, error.data) from None
        except L1Unavailable as error:
            if method in _WRITES:
                raise OutcomeUnknown(method) from error
            raise NotConnected(str(error)) from None


_WRITES = frozenset(
    {"trade_placeOrder", "trade_replaceOrder", "trade_cancelOrder", "trade_cancelAll"}
)
"""What must not be done twice, or not without asking first."""
