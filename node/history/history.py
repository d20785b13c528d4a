"""Keeping the index up with the chain, on demand.

Most nodes are never asked for the history of an address, and finding it takes every transaction to
be run again. So nothing is read before the first question; from then on a question has the index
read on to the newest block. A question waits for that so long, and then says how far it is: the
reading goes on, and a later question finds it further.
"""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from execution.evm.threads import DeepExecutor, run_deep
from execution.replay import MinedReplay
from execution.transactions import decode_any
from genesis.config import ChainConfig
from node import limits
from node.history.index import AddressIndex, Place
from node.history.touches import touches
from sequencer.builder import ancestors_in
from state.errors import InternalError, Unavailable
from state.kv import KeyValueStore
from state.leveldb import LevelDBStore
from state.memory import MemoryStore
from state.store import ChainStore
from state.stored import StoredBlock
from state.types import Address, BlockNumber

log = logging.getLogger("tallystick.history")

FOLDER: Final = "history"
"""The index's folder within a node's data folder; it can be deleted at any time between runs."""


class HistoryBehind(Unavailable):
    """The index of addresses is still being made."""

    def __init__(self, read: BlockNumber, newest: BlockNumber) -> None:
        super().__init__(
            f"the index of addresses is being made: {read} of {newest} blocks are read;"
            " ask again in a moment"
        )


class AddressHistory:
    """Transactions by address. Lives on an event loop; reads blocks in a thread of its own."""

    def __init__(self, store: ChainStore, config: ChainConfig, folder: Path | None = None) -> None:
        """The index is kept in `folder`, or in memory without one; nothing is opened yet."""
        self._store = store
        self._config = config
        self._folder = folder
        self._executor: DeepExecutor | None = None
        self._index: AddressIndex | None = None
        self._reading: asyncio.Task[None] | None = None
        self._is_closed = False

    async def before(self, address: Address, number: BlockNumber, count: int) -> list[Place]:
        """The newest `count` places below block `number`, newest first, and the rest of the last
        block among them; one more tells that there are more. Raises `HistoryBehind`.
        """
        index = await self._up_to_date()
        return _whole_blocks(index.before(address, number), count)

    async def after(self, address: Address, number: BlockNumber, count: int) -> list[Place]:
        """Likewise the oldest above block `number`, oldest first."""
        index = await self._up_to_date()
        return _whole_blocks(index.after(address, number), count)

    async def close(self) -> None:
        """Stop reading after the block under way, and release the index."""
        self._is_closed = True
        if self._reading is not None:
            await asyncio.wait([self._reading])
        if self._executor is not None:
            self._executor.shutdown()
        if self._index is not None:
            self._index.close()

    async def _up_to_date(self) -> AddressIndex:
        """The index once it has the newest block. Raises `HistoryBehind`."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_on(), name="address history")
        reading = self._reading
        done, _ = await asyncio.wait([reading], timeout=limits.HISTORY_WAIT_SECONDS)
        newest = self._store.heads.unsafe.number
        if not done:
            raise HistoryBehind(
                BlockNumber(0) if self._index is None else self._index.head.number, newest
            )
        reading.result()
        if self._index is None:
            raise HistoryBehind(BlockNumber(0), newest)
        return self._index

    async def _read_on(self) -> None:
        loop = asyncio.get_running_loop()
        if self._executor is None:
            self._executor = DeepExecutor(1)
        while not self._is_closed and await loop.run_in_executor(self._executor, self._read_some):
            pass

    def _read_some(self) -> bool:
        """Read a few blocks; whether there are more."""
        index = self._opened()
        gas = 0
        for _ in range(limits.HISTORY_SLICE_BLOCKS):
            while self._store.block_id(index.head.number) != index.head:
                index.take_back()
            block = self._store.block(BlockNumber(index.head.number + 1))
            if block is None:
                return False
            if block.header.parent_hash == index.head.hash:
                index.add(block.id, self._touches(block))
                gas += block.header.gas_used
            if gas >= limits.HISTORY_SLICE_GAS:
                break
        return True

    def _opened(self) -> AddressIndex:
        if self._index is None:
            genesis = self._store.block_id(BlockNumber(0))
            if genesis is None:
                raise InternalError("the chain has no first block")
            folder = self._folder
            entries: KeyValueStore = MemoryStore() if folder is None else LevelDBStore(folder)
            self._index = AddressIndex(entries, genesis.hash)
            log.info("reading the history of addresses from block %d on", self._index.head.number)
        return self._index

    def _touches(self, block: StoredBlock) -> list[set[Address]]:
        parent = self._store.state(BlockNumber(block.header.number - 1))
        replay = MinedReplay(block, parent, self._config, ancestors_in(self._store))
        chain_id = self._config.chain_id
        recipients = tuple(
            decode_any(raw, chain_id=chain_id, sender=sender).to
            for raw, sender in zip(block.transactions, block.senders, strict=True)
        )
        return run_deep(lambda: list(touches(block, recipients, parent, replay)))


def _whole_blocks(places: Iterator[Place], count: int) -> list[Place]:
    """The first `count` places, the rest of the last one's block, and one beyond."""
    found: list[Place] = []
    for place in places:
        found.append(place)
        if len(found) > count and place.number != found[count - 1].number:
            break
    return found
