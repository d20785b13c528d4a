"""Filters that clients install and poll.

A filter is a position in the feed of events and what to pick from it, so that installing one costs
nothing until it is polled. Filters nobody polls are forgotten, the least recently used first.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from node import limits
from node.rpc.codec import data
from node.rpc.errors import CallFailed
from node.rpc.feed import ChainFeed, EventsLost
from node.rpc.format import log_json
from node.rpc.logs import LogQuery


class FilterKind(Enum):
    """What a filter reports."""

    BLOCKS = auto()
    LOGS = auto()
    TRANSACTIONS = auto()


@dataclass(slots=True)
class Filter:
    """An installed filter; `seen` is the sequence number of the last event reported."""

    kind: FilterKind
    seen: int
    used_at: float
    """Seconds on the monotonic clock."""
    query: LogQuery | None = None


class FilterNotFound(CallFailed):
    """No such filter, or one forgotten since."""

    def __init__(self) -> None:
        super().__init__("filter not found")


def _random_id() -> int:
    return secrets.randbits(128)


class Filters:
    """All filters of all clients. Ids are random, so that nobody polls another's by accident."""

    def __init__(
        self,
        feed: ChainFeed,
        *,
        now: Callable[[], float] = time.monotonic,
        new_id: Callable[[], int] = _random_id,
    ) -> None:
        self._feed = feed
        self._now = now
        self._new_id = new_id
        self._filters: OrderedDict[int, Filter] = OrderedDict()

    def __len__(self) -> int:
        return len(self._filters)

    def install(self, kind: FilterKind, query: LogQuery | None = None) -> int:
        """Install a filter that reports from now on; its id."""
        self._forget_idle()
        while len(self._filters) >= limits.RPC_FILTERS_MAX:
            self._filters.popitem(last=False)
        identity = self._new_id()
        self._filters[identity] = Filter(kind, self._feed.sequence, self._now(), query)
        return identity

    def uninstall(self, identity: int) -> bool:
        """Remove a filter; whether there was one."""
        return self._filters.pop(identity, None) is not None

    def query(self, identity: int) -> LogQuery:
        """The query of a log filter. Raises `FilterNotFound`."""
        query = self._touch(identity).query
        if query is None:
            raise FilterNotFound
        return query

    def changes(self, identity: int) -> list[object]:
        """What happened since the last poll. Raises `FilterNotFound`."""
        polled = self._touch(identity)
        try:
            found = self._changes(polled)
        except EventsLost:
            # Reporting only part would pass for the whole; a client makes a new filter instead.
            del self._filters[identity]
            raise FilterNotFound from None
        polled.seen = self._feed.sequence
        return found

    def _changes(self, polled: Filter) -> list[object]:
        if polled.kind is FilterKind.TRANSACTIONS:
            events = self._feed.transactions_after(polled.seen)
            return [data(event.transaction.hash) for event in events]
        blocks = self._feed.blocks_after(polled.seen)
        if polled.query is None:
            return [data(event.id.hash) for event in blocks if not event.removed]
        query = polled.query
        return [
            log_json(placed, removed=event.removed)
            for event in blocks
            if query.covers(event.id.number)
            for placed in event.logs
            if query.match.matches(placed.log)
        ]

    def _touch(self, identity: int) -> Filter:
        self._forget_idle()
        if identity not in self._filters:
            raise FilterNotFound
        self._filters.move_to_end(identity)
        touched = self._filters[identity]
        touched.used_at = self._now()
        return touched

    def _forget_idle(self) -> None:
        """Forget from the front, where the least recently used are."""
        oldest = self._now() - limits.RPC_FILTER_IDLE_SECONDS_MAX
        while self._filters:
            identity, first = next(iter(self._filters.items()))
            if first.used_at >= oldest:
                return
            del self._filters[identity]
