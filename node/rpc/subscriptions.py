"""`eth_subscribe`: new heads, logs and pool transactions, pushed over a websocket.

The socket knows queues, the feed knows the chain; a subscription joins the two.
"""

import secrets
from collections.abc import Callable
from typing import Protocol

from node.rpc.codec import data, parse_bool
from node.rpc.errors import InvalidParams
from node.rpc.feed import BlockEvent, ChainFeed, Stop, TransactionEvent
from node.rpc.format import header_json, log_json, pending_transaction_json
from node.rpc.logs import LogMatch, parse_match

Notify = Callable[[str, object], None]
"""Called with the subscription's id and the result to notify of."""

Result = Callable[[object], None]


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


class FeedSubscription:
    """A subscription to the feed; `attach` starts it and returns how to stop it."""

    def __init__(self, identity: str, attach: Callable[[], Stop]) -> None:
        self.id = identity
        self._attach = attach
        self._detach: Stop | None = None

    def start(self) -> None:
        """Begin to notify."""
        if self._detach is None:
            self._detach = self._attach()

    def stop(self) -> None:
        """Notify no more."""
        if self._detach is not None:
            self._detach()
            self._detach = None


def _random_id() -> str:
    return f"0x{secrets.randbits(128):x}"


class FeedSubscriptions:
    """Subscriptions to a `ChainFeed`: newHeads, logs, newPendingTransactions."""

    def __init__(self, feed: ChainFeed, *, new_id: Callable[[], str] = _random_id) -> None:
        self._feed = feed
        self._new_id = new_id

    def subscription(self, kind: str, options: object, notify: Notify) -> FeedSubscription:
        """Check the arguments and make a subscription, stopped. Raises `InvalidParams`."""
        identity = self._new_id()

        def tell(result: object) -> None:
            notify(identity, result)

        return FeedSubscription(identity, self._attachment(kind, options, tell))

    def _attachment(self, kind: str, options: object, tell: Result) -> Callable[[], Stop]:
        if kind == "newHeads":
            return lambda: self._feed.on_block(_heads(tell))
        if kind == "logs":
            match = LogMatch() if options is None else parse_match(options)
            return lambda: self._feed.on_block(_logs(match, tell))
        if kind == "newPendingTransactions":
            whole = options is not None and parse_bool(options)
            return lambda: self._feed.on_transaction(_transactions(whole, tell))
        raise InvalidParams(f'no "{kind[:40]}" subscription in eth namespace')


def _heads(tell: Result) -> Callable[[BlockEvent], None]:
    def on_block(event: BlockEvent) -> None:
        if not event.removed:
            tell(header_json(event.header, event.id.hash))

    return on_block


def _logs(match: LogMatch, tell: Result) -> Callable[[BlockEvent], None]:
    def on_block(event: BlockEvent) -> None:
        for placed in event.logs:
            if match.matches(placed.log):
                tell(log_json(placed, removed=event.removed))

    return on_block


def _transactions(whole: bool, tell: Result) -> Callable[[TransactionEvent], None]:
    def on_transaction(event: TransactionEvent) -> None:
        tx = event.transaction
        tell(pending_transaction_json(tx) if whole else data(tx.hash))

    return on_transaction
