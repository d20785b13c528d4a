"""What a websocket's subscriptions are made of, whichever namespace they belong to.

The socket knows queues, a namespace's source knows what there is to tell; a subscription joins the
two.
"""

import secrets
from collections.abc import Callable
from typing import Protocol

Stop = Callable[[], None]

Notify = Callable[[str, object], None]
"""Called with the subscription's id and the result to notify of."""

Tell = Callable[[object], None]
"""Called with a result for one subscription."""


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
    """Where a namespace's subscriptions come from."""

    @property
    def notification(self) -> str:
        """The JSON-RPC method of its notifications, such as "eth_subscription"."""

    def subscription(self, kind: str, options: object, notify: Notify) -> Subscription:
        """Check the arguments and make a subscription, stopped. Raises `RpcError`."""


class AttachedSubscription:
    """A subscription that `attach` starts; what it returns stops it."""

    def __init__(self, attach: Callable[[Tell], Stop], notify: Notify) -> None:
        self.id = f"0x{secrets.randbits(128):x}"
        self._attach = attach
        self._notify = notify
        self._detach: Stop | None = None

    def start(self) -> None:
        """Begin to notify."""
        if self._detach is None:
            self._detach = self._attach(self._tell)

    def stop(self) -> None:
        """Notify no more."""
        if self._detach is not None:
            self._detach()
            self._detach = None

    def _tell(self, result: object) -> None:
        self._notify(self.id, result)
