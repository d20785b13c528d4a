"""What happened to the chain, in order: blocks added, blocks removed by a reorg, pool transactions.

The node says "the head moved"; the feed finds out how, tells listeners at once and remembers the
events for filters that are polled. It lives on the event loop; only `announce_transaction` may be
called from elsewhere.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from execution.transaction import Transaction
from node import limits
from node.rpc.format import PlacedLog, placed_logs
from node.rpc.subscriptions import Stop
from sequencer.mempool import Mempool
from state.blocks import BlockId, Header
from state.store import ChainStore
from state.stored import StoredBlock
from state.types import BlockNumber


@dataclass(frozen=True, slots=True)
class BlockEvent:
    """A block that joined the chain, or left it."""

    sequence: int
    """Counts events; a filter remembers the last it has seen."""
    id: BlockId
    header: Header
    logs: tuple[PlacedLog, ...]
    removed: bool = False


@dataclass(frozen=True, slots=True)
class TransactionEvent:
    """A transaction that became executable in the pool."""

    sequence: int
    transaction: Transaction


BlockListener = Callable[[BlockEvent], None]
TransactionListener = Callable[[TransactionEvent], None]


class EventsLost(Exception):
    """Events between a position and now are no longer remembered."""


class ChainFeed:
    """The events of one chain, from the moment it is made."""

    def __init__(self, store: ChainStore) -> None:
        self._store = store
        self._sequence = 0
        self._blocks: deque[BlockEvent] = deque()
        self._logs = 0
        self._transactions: deque[TransactionEvent] = deque(maxlen=limits.RPC_FEED_TRANSACTIONS_MAX)
        self._transactions_dropped = 0
        self._chain: deque[BlockEvent] = deque(maxlen=limits.RPC_FEED_REORG_BLOCKS_MAX)
        self._block_listeners: list[BlockListener] = []
        self._transaction_listeners: list[TransactionListener] = []
        self._announcing = asyncio.Lock()
        self._dropped = 0
        self._head = store.heads.unsafe
        self._recall()

    @property
    def sequence(self) -> int:
        """The sequence number of the latest event."""
        return self._sequence

    # Telling

    async def announce(self) -> None:
        """Find out how the unsafe head moved since the last time, and tell it.

        Call it on the event loop after every commit that moved the head. Nothing is told twice,
        and a call too many does no harm.
        """
        async with self._announcing:
            self._remove_stale()
            head = self._store.heads.unsafe
            for number in range(self._head.number + 1, head.number + 1):
                if not self._add(BlockNumber(number)):
                    return  # the head moved again; the next announcement tells the rest
                await asyncio.sleep(0)

    def announce_transaction(self, transaction: Transaction) -> None:
        """Tell of a pool transaction; call it on the event loop."""
        self._sequence += 1
        event = TransactionEvent(self._sequence, transaction)
        if len(self._transactions) == self._transactions.maxlen:
            self._transactions_dropped = self._transactions[0].sequence
        self._transactions.append(event)
        for listener in tuple(self._transaction_listeners):
            listener(event)

    def follow_pool(self, mempool: Mempool) -> Stop:
        """Tell of every transaction the pool takes, whichever thread adds it; how to end it."""
        loop = asyncio.get_running_loop()

        def tell(transaction: Transaction) -> None:
            loop.call_soon_threadsafe(self.announce_transaction, transaction)

        return mempool.subscribe(tell)

    def _recall(self) -> None:
        """Read the latest blocks, told of before this feed was made, in case a reorg takes them."""
        first = max(1, self._head.number - limits.RPC_FEED_REORG_BLOCKS_MAX + 1)
        for number in range(first, self._head.number + 1):
            block = self._store.block(BlockNumber(number))
            if block is not None:
                self._chain.append(self._event(block))

    def _event(self, block: StoredBlock) -> BlockEvent:
        logs = tuple(log for logs in placed_logs(block) for log in logs)
        block_id = BlockId(block.header.number, block.hash)
        return BlockEvent(self._sequence, block_id, block.header, logs)

    def _remove_stale(self) -> None:
        """Take back, newest first, the blocks that are no longer in the chain."""
        while self._store.block_id(self._head.number) != self._head:
            if not self._chain:
                # A fork deeper than the memory: go on from what the chain holds now.
                self._head = self._store.heads.finalized
                return
            block = self._chain.pop()
            self._sequence += 1
            self._tell(replace(block, sequence=self._sequence, removed=True))
            self._head = BlockId(BlockNumber(block.id.number - 1), block.header.parent_hash)

    def _add(self, number: BlockNumber) -> bool:
        block = self._store.block(number)
        if block is None or block.header.parent_hash != self._head.hash:
            return False
        self._sequence += 1
        event = self._event(block)
        self._head = event.id
        self._chain.append(event)
        self._tell(event)
        return True

    def _tell(self, event: BlockEvent) -> None:
        self._blocks.append(event)
        self._logs += len(event.logs)
        while (
            len(self._blocks) > limits.RPC_FEED_EVENTS_MAX or self._logs > limits.RPC_FEED_LOGS_MAX
        ):
            oldest = self._blocks.popleft()
            self._logs -= len(oldest.logs)
            self._dropped = oldest.sequence
        for listener in tuple(self._block_listeners):
            listener(event)

    # Listening

    def on_block(self, listener: BlockListener) -> Stop:
        """Call `listener` with every block event from now on; it must not block; how to end it."""
        self._block_listeners.append(listener)
        return lambda: self._block_listeners.remove(listener)

    def on_transaction(self, listener: TransactionListener) -> Stop:
        """Call `listener` with every pool transaction from now on, likewise."""
        self._transaction_listeners.append(listener)
        return lambda: self._transaction_listeners.remove(listener)

    # Remembering

    def blocks_after(self, sequence: int) -> Iterator[BlockEvent]:
        """Block events after that one, oldest first. Raises `EventsLost`."""
        if sequence < self._dropped:
            raise EventsLost
        return (event for event in tuple(self._blocks) if event.sequence > sequence)

    def transactions_after(self, sequence: int) -> Iterator[TransactionEvent]:
        """Pool transactions after that one, oldest first. Raises `EventsLost`."""
        if sequence < self._transactions_dropped:
            raise EventsLost
        return (event for event in tuple(self._transactions) if event.sequence > sequence)
