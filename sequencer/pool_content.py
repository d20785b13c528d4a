"""What is in the pool, for those who look at it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from execution.transaction import Transaction
from sequencer.account_queue import AccountQueue
from state.types import Address


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """How full the pool is, at one moment."""

    pending: int
    """Can be executed now."""
    queued: int
    """Behind a missing nonce."""
    bytes: int
    senders: int


@dataclass(frozen=True, slots=True)
class PoolContent:
    """Everything that waits, by sender and in order of nonce."""

    pending: Mapping[Address, tuple[Transaction, ...]]
    queued: Mapping[Address, tuple[Transaction, ...]]

    def transactions(self) -> Iterator[Transaction]:
        """All of it, one after the other."""
        for part in (self.pending, self.queued):
            for transactions in part.values():
                yield from transactions


def content_of(queues: Iterable[tuple[Address, AccountQueue]]) -> PoolContent:
    """What the queues of senders hold."""
    pending, queued = {}, {}
    for address, queue in queues:
        if queue.executable:
            pending[address] = tuple(pooled.tx for pooled in queue.executable_run())
        if queue.queued:
            queued[address] = tuple(pooled.tx for pooled in queue.queued_rest())
    return PoolContent(pending, queued)
