"""`eth_subscribe`: new heads, logs, pool transactions and syncing, pushed over a websocket."""

from collections.abc import Callable
from typing import Final

from node.rpc.backend import SyncProgress
from node.rpc.codec import data, parse_bool
from node.rpc.errors import InvalidParams
from node.rpc.eth.chain import syncing_json
from node.rpc.feed import BlockEvent, ChainFeed, TransactionEvent
from node.rpc.format import header_json, log_json, pending_transaction_json
from node.rpc.logs import LogMatch, LogQuery, parse_coming
from node.rpc.subscriptions import AttachedSubscription, Notify, Stop, Tell


class FeedSubscriptions:
    """Subscriptions to a node's feed: newHeads, logs, newPendingTransactions, syncing."""

    notification: Final = "eth_subscription"

    def __init__(self, feed: ChainFeed, syncing: Callable[[], SyncProgress | None]) -> None:
        self._feed = feed
        self._syncing = syncing

    def subscription(self, kind: str, options: object, notify: Notify) -> AttachedSubscription:
        """Check the arguments and make a subscription, stopped. Raises `InvalidParams`."""
        return AttachedSubscription(self._attachment(kind, options), notify)

    def _attachment(self, kind: str, options: object) -> Callable[[Tell], Stop]:
        if kind == "newHeads":
            return lambda tell: self._feed.on_block(_heads(tell))
        if kind == "logs":
            query = LogQuery(LogMatch()) if options is None else parse_coming(options)
            return lambda tell: self._feed.on_block(_logs(query, tell))
        if kind == "newPendingTransactions":
            whole = options is not None and parse_bool(options)
            return lambda tell: self._feed.on_transaction(_transactions(whole, tell))
        if kind == "syncing":
            return self._attach_syncing
        raise InvalidParams(f'no "{kind[:40]}" subscription in eth namespace')

    def _attach_syncing(self, tell: Tell) -> Stop:
        """Tell whether the node is behind, and again with each block that finds it changed."""
        told: list[object] = []

        def look(event: BlockEvent | None = None) -> None:
            now = _sync_status(self._syncing())
            if told != [now]:
                told[:] = [now]
                tell(now)

        stop = self._feed.on_block(look)
        look()
        return stop


def _sync_status(progress: SyncProgress | None) -> object:
    """go-ethereum's notification: false, or true with how far the node is."""
    return progress is not None and {"syncing": True, "status": syncing_json(progress)}


def _heads(tell: Tell) -> Callable[[BlockEvent], None]:
    def on_block(event: BlockEvent) -> None:
        if not event.removed:
            tell(header_json(event.header, event.id.hash))

    return on_block


def _logs(query: LogQuery, tell: Tell) -> Callable[[BlockEvent], None]:
    def on_block(event: BlockEvent) -> None:
        if not query.covers(event.id.number):
            return
        for placed in event.logs:
            if query.match.matches(placed.log):
                tell(log_json(placed, removed=event.removed))

    return on_block


def _transactions(whole: bool, tell: Tell) -> Callable[[TransactionEvent], None]:
    def on_transaction(event: TransactionEvent) -> None:
        tx = event.transaction
        tell(pending_transaction_json(tx) if whole else data(tx.hash))

    return on_transaction
