"""`eth_subscribe`: new heads, logs and pool transactions, pushed over a websocket.

The socket knows queues, the feed knows the chain; a subscription joins the two.
"""

from collections.abc import Callable
from typing import Protocol

Notify = Callable[[str, object], None]
"""Called with the subscription's id and the result to notify of."""


class Subscription(Protocol):
    """A subscription of one socket; made stopped."""

    @property
    def id(self) -> str:
        """What the client knows it by."""

    def start(self) -> None:
        """Begin to notify."""

    def stop(self) -> None:
        """Notify no more; harmless when it never started."""


class SubscriptionSource(Protocol):
    """Where sockets get subscriptions from."""

    def subscription(self, kind: str, options: object, notify: Notify) -> Subscription:
        """Check the arguments and make a subscription, stopped. Raises `RpcError`."""
