"""What the rest of the node asks of derivation; read only, and safe from any thread.

Every answer comes from one moment of the store, so that a commit in between can't tear it.
"""

from bridge.boundary import Boundary, first_boundary, message_passer_root
from bridge.derive.errors import RecordDamaged
from bridge.derive.inbox_log import InboxReader
from bridge.derive.records import (
    GENESIS_ANCHOR,
    BlockInputs,
    ChainReads,
    DerivedBlock,
    inputs_of,
    read_derived,
)
from bridge.derive.status import Counters, HeadStatus, SyncStatus
from bridge.items import InboxItem
from genesis.config import ChainConfig
from genesis.hashing import config_hash
from state.blocks import BlockId, Header
from state.store import ChainStore
from state.types import BlockNumber, Hash32


class DerivationView:
    """Boundaries, output roots and origins of the chain in a store."""

    __slots__ = ("_genesis", "_store")

    def __init__(self, store: ChainStore, config: ChainConfig) -> None:
        self._store = store
        passer_root = message_passer_root(store.state(BlockNumber(0)))
        boundary = first_boundary(config_hash(config), self.header(BlockNumber(0)), passer_root)
        self._genesis = DerivedBlock(GENESIS_ANCHOR, boundary)

    def derived(self, number: BlockNumber) -> DerivedBlock | None:
        """Batch or tick, cursor, origin and boundary of a safe block; None for another."""
        return self._derived(self._store.reader, number)

    def boundary(self, number: BlockNumber) -> Boundary | None:
        """The boundary after a safe block; None for another."""
        derived = self.derived(number)
        return None if derived is None else derived.boundary

    def output_root(self, number: BlockNumber) -> Hash32 | None:
        """The output root of a safe block; None for another."""
        boundary = self.boundary(number)
        return None if boundary is None else boundary.output_root

    def withdrawals_root(self, number: BlockNumber) -> Hash32 | None:
        """Storage root of the message passer after a safe block; None for another."""
        boundary = self.boundary(number)
        return None if boundary is None else boundary.message_passer_root

    def inputs(self, number: BlockNumber) -> BlockInputs | None:
        """Origin and deposit position of any block, unsafe ones too; None past the head."""
        reader = self._store.reader
        return None if number > reader.heads.unsafe.number else inputs_of(reader, number)

    def origin_of(self, number: BlockNumber) -> HeadStatus | None:
        """A block with its origin and the origin's inbox item; None past the head."""
        reader = self._store.reader
        if number > reader.heads.unsafe.number:
            return None
        block = reader.block_id(number)
        return None if block is None else _head_status(reader, block)

    def batch_of(self, number: BlockNumber) -> InboxItem | None:
        """The batch or tick that a safe block comes from; None for another, and for genesis."""
        reader = self._store.reader
        derived = self._derived(reader, number)
        if derived is None or derived.item == GENESIS_ANCHOR:
            return None
        return InboxReader(reader).item(derived.item.index)

    def status(self, counters: Counters) -> SyncStatus:
        """Heads with their origins, position and log at one moment."""
        reader = self._store.reader
        heads, log = reader.heads, InboxReader(reader)
        safe = self._derived(reader, heads.safe.number)
        if safe is None:
            raise RecordDamaged(heads.safe.number, "the safe head has no record")
        return SyncStatus(
            unsafe=_head_status(reader, heads.unsafe),
            safe=_head_status(reader, heads.safe),
            finalized=_head_status(reader, heads.finalized),
            cursor=safe.cursor,
            items=log.count,
            final_items=log.final_count,
            tip=log.tip,
            counters=counters,
        )

    # Reads that must succeed, for the pipeline's own thread

    def safe(self, number: BlockNumber) -> DerivedBlock:
        """As `derived`, for a block that is safe. Raises `RecordDamaged`."""
        derived = self.derived(number)
        if derived is None:
            raise RecordDamaged(number, "it is safe, but nothing says where it comes from")
        if derived.boundary.header_hash != self.hash_of(number):
            raise RecordDamaged(number, "its boundary is another block's")
        return derived

    def header(self, number: BlockNumber) -> Header:
        """The header of a block that is there. Raises `RecordDamaged`."""
        header = self._store.header(number)
        if header is None:
            raise RecordDamaged(number, "the header is gone")
        return header

    def hash_of(self, number: int) -> Hash32:
        """The hash of a block that is there. Raises `RecordDamaged`."""
        block = self._store.block_id(BlockNumber(number))
        if block is None:
            raise RecordDamaged(number, "the block is gone")
        return block.hash

    def _derived(self, reads: ChainReads, number: BlockNumber) -> DerivedBlock | None:
        if number == 0:
            return self._genesis
        return None if number > reads.heads.safe.number else read_derived(reads, number)


def _head_status(reads: ChainReads, block: BlockId) -> HeadStatus:
    origin = inputs_of(reads, block.number).origin
    return HeadStatus(block, origin, InboxReader(reads).item(origin.item))
