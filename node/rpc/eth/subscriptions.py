"""`eth_subscribe`: new heads, logs and pool transactions, pushed over a websocket."""

from collections.abc import Callable
from typing import Final

from node.rpc.codec import data, parse_bool
from node.rpc.errors import InvalidParams
from node.rpc.feed import BlockEvent, ChainFeed, TransactionEvent
from node.rpc.format import header_json, log_json, pending_transaction_json
from node.rpc.logs import LogMatch, parse_match
from node.rpc.subscriptions import AttachedSubscription, Notify, Stop, Tell


class FeedSubscriptions:
    """Subscriptions to a `ChainFeed`: newHeads, logs, newPendingTransactions."""

    notification: Final = "eth_subscription"

    def __init__(self, feed: ChainFeed) -> None:
        self._feed = feed

    def subscription(self, kind: str, options: object, notify: Notify) -> AttachedSubscription:
        """Check the arguments and make a subscription, stopped. Raises `InvalidParams`."""
        return AttachedSubscription(self._attachment(kind, options), notify)

    def _attachment(self, kind: str, options: object) -> Callable[[Tell], Stop]:
        if kind == "newHeads":
            return lambda tell: self._feed.on_block(_heads(tell))
        if kind == "logs":
            match = LogMatch() if options is None else parse_match(options)
            return lambda tell: self._feed.on_block(_logs(match, tell))
        if kind == "newPendingTransactions":
            whole = options is not None and parse_bool(options)
            return lambda tell: self._feed.on_transaction(_transactions(whole, tell))
        raise InvalidParams(f'no "{kind[:40]}" subscription in eth namespace')


def _heads(tell: Tell) -> Callable[[BlockEvent], None]:
    def on_block(event: BlockEvent) -> None:
        if not event.removed:
            tell(header_json(event.header, event.id.hash))

    return on_block


def _logs(match: LogMatch, tell: Tell) -> Callable[[BlockEvent], None]:
    def on_block(event: BlockEvent) -> None:
        for placed in event.logs:
            if match.matches(placed.log):
                tell(log_json(placed, removed=event.removed))

    return on_block


def _transactions(whole: bool, tell: Tell) -> Callable[[TransactionEvent], None]:
    def on_transaction(event: TransactionEvent) -> None:
        tx = event.transaction
        tell(pending_transaction_json(tx) if whole else data(tx.hash))

    return on_transaction
