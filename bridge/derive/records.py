"""What the store keeps of each block besides the block: where in the inbox it comes from.

`BlockInputs` is written in the same commit as the block, whoever made it; `DerivedBlock` in the
commit that moves the safe head onto it. Both name the newest inbox item they rest on by its `acc`,
which is how an L1 reorg is noticed even if the node was down when it happened.
"""

import struct
from dataclasses import dataclass
from typing import Final, Protocol

from bridge.boundary import BOUNDARY_BYTES, Boundary, decode_boundary
from bridge.derive.anchor import Anchor
from bridge.derive.errors import RecordDamaged
from bridge.derive.source import ItemSource
from bridge.items import Cursor, Origin
from state.blocks import BlockId, Heads
from state.types import ZERO_HASH, BlockNumber, Hash32

INPUTS_TABLE: Final = b"block-inputs"
DERIVED_TABLE: Final = b"derived"

_INPUTS: Final = struct.Struct(">32sQQQIQ32s32s")
_ANCHOR: Final = struct.Struct(">Q32s")


class RecordReader(Protocol):
    """The part of the store that reads records."""

    def record(self, table: bytes, key: bytes) -> bytes | None: ...


class ChainReads(RecordReader, Protocol):
    """What is read of the chain; by a store, or by a reader of one moment of it."""

    @property
    def heads(self) -> Heads: ...
    def block_id(self, number: BlockNumber) -> BlockId | None: ...


class RecordWriter(Protocol):
    """The part of a commit that writes records."""

    def put_record(self, table: bytes, key: bytes, value: bytes) -> None: ...
    def delete_record(self, table: bytes, key: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class BlockInputs:
    """Where a block's inputs came from; for unsafe blocks as for derived ones."""

    block_hash: Hash32
    origin: Origin
    next_deposit: int
    """Ordinal of the first deposit or forced transaction that the block left to the next."""
    leading: int
    """Transactions before the sequencer's own: L1 attributes, deposits, forced ones."""
    anchor: Anchor
    digest: Hash32
    """`BlockPlan.digest` of the plan that the block was executed from."""


@dataclass(frozen=True, slots=True)
class DerivedBlock:
    """A block that L1 alone gives: its batch or tick, and its boundary."""

    item: Anchor
    boundary: Boundary

    @property
    def cursor(self) -> Cursor:
        return self.boundary.cursor

    @property
    def origin(self) -> Origin:
        return self.boundary.origin

    @property
    def output_root(self) -> Hash32:
        return self.boundary.output_root


GENESIS_ANCHOR: Final = Anchor(0, ZERO_HASH)
"""Genesis consumes item 0 by decree: it was there before the item was."""


def stands(anchor: Anchor, log: ItemSource) -> bool:
    """Whether L1 still has the items that a block rests on; genesis rests on none."""
    if anchor == GENESIS_ANCHOR:
        return True
    item = log.item(anchor.index)
    return item is not None and item.acc == anchor.acc


def genesis_inputs(block_hash: Hash32) -> BlockInputs:
    """The inputs of block 0, which has no record."""
    return BlockInputs(
        block_hash=block_hash,
        origin=Origin(),
        next_deposit=0,
        leading=0,
        anchor=GENESIS_ANCHOR,
        digest=ZERO_HASH,
    )


def put_inputs(batch: RecordWriter, number: BlockNumber, inputs: BlockInputs) -> None:
    """Write the inputs of a block, in the commit that writes the block."""
    value = _INPUTS.pack(
        inputs.block_hash,
        inputs.origin.item,
        inputs.origin.sequence_number,
        inputs.next_deposit,
        inputs.leading,
        inputs.anchor.index,
        inputs.anchor.acc,
        inputs.digest,
    )
    batch.put_record(INPUTS_TABLE, _key(number), value)


def read_inputs(store: RecordReader, number: BlockNumber, block_hash: Hash32) -> BlockInputs | None:
    """The inputs of that very block, or None when its record is missing or another block's.

    Raises `RecordDamaged`.
    """
    if number == 0:
        return genesis_inputs(block_hash)
    value = store.record(INPUTS_TABLE, _key(number))
    if value is None:
        return None
    if len(value) != _INPUTS.size:
        raise RecordDamaged(number, f"inputs have {len(value)} bytes, not {_INPUTS.size}")
    (stored_hash, item, sequence_number, next_deposit, leading, index, acc, digest) = (
        _INPUTS.unpack(value)
    )
    if stored_hash != block_hash:
        return None
    return BlockInputs(
        block_hash=block_hash,
        origin=Origin(item, sequence_number),
        next_deposit=next_deposit,
        leading=leading,
        anchor=Anchor(index, Hash32(acc)),
        digest=Hash32(digest),
    )


def inputs_of(reads: ChainReads, number: BlockNumber) -> BlockInputs:
    """Where a block that is there came from. Raises `RecordDamaged` where nothing says so."""
    block = reads.block_id(number)
    inputs = None if block is None else read_inputs(reads, number, block.hash)
    if inputs is None:
        raise RecordDamaged(number, "its inputs are missing")
    return inputs


def delete_inputs(batch: RecordWriter, number: BlockNumber) -> None:
    """Forget the inputs of a block that is rewound."""
    batch.delete_record(INPUTS_TABLE, _key(number))


def put_derived(batch: RecordWriter, derived: DerivedBlock) -> None:
    """Write that a block is derived, in the commit that moves the safe head."""
    value = _ANCHOR.pack(derived.item.index, derived.item.acc) + derived.boundary.encode()
    batch.put_record(DERIVED_TABLE, _key(derived.boundary.number), value)


def read_derived(store: RecordReader, number: BlockNumber) -> DerivedBlock | None:
    """What is recorded of a derived block; None for one that isn't. Raises `RecordDamaged`."""
    value = store.record(DERIVED_TABLE, _key(number))
    if value is None:
        return None
    if len(value) != _ANCHOR.size + BOUNDARY_BYTES:
        raise RecordDamaged(number, f"derived record has {len(value)} bytes")
    index, acc = _ANCHOR.unpack_from(value)
    boundary = decode_boundary(value[_ANCHOR.size :])
    if boundary.number != number:
        raise RecordDamaged(number, f"holds the boundary of block {boundary.number}")
    return DerivedBlock(Anchor(index, Hash32(acc)), boundary)


def delete_derived(batch: RecordWriter, number: BlockNumber) -> None:
    """Forget that a block was derived."""
    batch.delete_record(DERIVED_TABLE, _key(number))


def _key(number: int) -> bytes:
    return number.to_bytes(8, "big")
