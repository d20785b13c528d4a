"""From a stream of blocks to a database: every block is executed, and must be what it says.

A block is one commit, so that an import that was interrupted goes on where it was when it is run
again. Heads of L2 that L1 had finalized are only safe here, until the node has asked L1 itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bridge.derive.inbox_log import decode_item
from bridge.derive.pipeline import Pipeline
from bridge.derive.sequenced import received_plan, record_block
from bridge.items import InboxItem
from execution.attributes import BlockAttributes
from execution.transition import Candidate, execute_block
from genesis.config import Layer
from node.database.errors import InvalidStream, StreamDiverges, StreamOfAnotherChain
from node.database.limits import STREAM_ITEMS_PER_COMMIT
from node.database.opening import NodeChain, NodeDatabase
from node.database.stream import StreamBlock, StreamHead, StreamReader
from node.roles.l1 import heads_at, l1_chain
from sequencer.builder import ancestors_in, unsafe_header
from state.batch_codec import InvalidBatchBlock, read_block
from state.blocks import BlockId, SealedBlock
from state.clock import ManualClock
from state.headers import decode_header
from state.rlp import InvalidRLP
from state.types import BlockNumber


def chain_of(head: StreamHead, folder: Path, known: NodeChain | None) -> NodeChain:
    """The chain that a stream is imported as: `known`, or the embedded L1's that it names.

    Raises `StreamOfAnotherChain`.
    """
    if known is None:
        if head.layer is not Layer.L1:
            raise InvalidStream(
                "the stream holds L2: name the rollup's deployment file with --deployment"
            )
        known = NodeChain(folder, *l1_chain(folder, ManualClock(head.genesis_time)))
    if known.identity != head.identity:
        raise StreamOfAnotherChain(f"the stream holds {head.identity}, not {known.identity}")
    return known


@dataclass(slots=True)
class Import:
    """One import into an open database."""

    database: NodeDatabase
    executed: int = 0
    """Blocks that weren't here."""
    _items: list[InboxItem] = field(default_factory=list)
    """Read, and not yet written."""
    _seen: int = 0
    """Inbox items of the stream so far."""
    _pipeline: Pipeline | None = None

    def run(self, stream: StreamReader) -> Iterator[tuple[int, int]]:
        """Take in a stream; tells the newest block so far, and the newest of the stream.

        Raises `InvalidStream` and its kinds; what was imported before stays.
        """
        for entry in stream:
            if isinstance(entry, bytes):
                self._add_item(entry)
                continue
            self._flush_items()
            self._add(entry)
            yield entry.number, stream.head.newest

    def _add_item(self, encoded: bytes) -> None:
        self._items.append(decode_item(self._seen, encoded))
        self._seen += 1
        if len(self._items) >= STREAM_ITEMS_PER_COMMIT:
            self._flush_items()

    def _flush_items(self) -> None:
        self.database.log.append(self._items)
        self._items = []

    def _add(self, block: StreamBlock) -> None:
        store = self.database.store
        here = store.block_id(block.number)
        if here is not None:
            _compare(block, here, "here it is")
            return
        if block.number != store.heads.unsafe.number + 1:
            raise InvalidStream(f"block {block.number} of the stream follows no block here")
        if not self.database.chain.is_l2:
            self._execute_l1(block)
        elif block.content:
            self._execute_unsafe(block)
        else:
            self._derive(block)
        self.executed += 1

    def _execute_l1(self, block: StreamBlock) -> None:
        """A block of the embedded L1, from the part of its header that isn't computed."""
        store, config = self.database.store, self.database.chain.config
        try:
            header = decode_header(block.content[0])
        except (InvalidRLP, IndexError) as error:
            raise InvalidStream(f"block {block.number} can't be read: {error}") from None
        attributes = BlockAttributes(
            header.timestamp, header.prev_randao, header.coinbase, header.gas_limit
        )
        candidates = tuple(Candidate(raw) for raw in block.content[1:])
        parent = unsafe_header(store)
        result = execute_block(
            parent, store.state(), attributes, candidates, config, ancestors_in(store)
        )
        _check_hash(block, result.sealed)
        with store.commit() as batch:
            batch.append(result.sealed)
            batch.set_heads(heads_at(store, BlockId(block.number, block.hash)))

    def _execute_unsafe(self, block: StreamBlock) -> None:
        """A block of L2 that wasn't on L1 yet, as a replica adopts it."""
        store, config = self.database.store, self.database.chain.config
        try:
            content, _ = read_block(block.content[0], 0)
        except InvalidBatchBlock as error:
            raise InvalidStream(f"block {block.number} can't be read: {error}") from None
        plan = received_plan(store, self.database.log, config, content)
        result = execute_block(
            unsafe_header(store),
            store.state(),
            plan.attributes,
            plan.candidates,
            config,
            ancestors_in(store),
        )
        _check_hash(block, result.sealed)
        with store.commit() as batch:
            batch.append(result.sealed)
            record_block(batch, plan, result)

    def _derive(self, block: StreamBlock) -> None:
        """A safe block of L2, which follows from the inbox."""
        pipeline = self._pipeline = self._pipeline or self.database.pipeline()
        pipeline.advance(1)
        found = self.database.store.block_id(block.number)
        if found is None:
            raise InvalidStream(f"the stream's inbox items don't lead to block {block.number}")
        if found.hash != block.hash:
            pipeline.rewind(BlockNumber(block.number - 1))
        _compare(block, found, "the inbox leads to")


def _check_hash(block: StreamBlock, sealed: SealedBlock) -> None:
    _compare(block, BlockId(sealed.header.number, sealed.hash), "it executes to")


def _compare(block: StreamBlock, found: BlockId, why: str) -> None:
    if found.hash != block.hash:
        raise StreamDiverges(block.number, block.hash, found.hash, why)
