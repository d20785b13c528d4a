"""Collecting what one commit writes: blocks, heads and records, in one atomic batch.

A `StoreBatch` reads through its own pending changes, so that rewinding and appending, or appending
several blocks, work in one commit. Nothing reaches the disk before the store writes `changes`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from heapq import merge
from typing import TypeAlias

from state.accounts import EMPTY_TRIE_ROOT, State, StateUpdate
from state.blocks import BlockId, Heads, SealedBlock
from state.errors import InternalError
from state.headers import encode_header, header_hash
from state.keccak import keccak
from state.kv import KeyValueReader, prefix_end
from state.reader import Caches, ChainReader
from state.stored import (
    damaged,
    decode_body,
    encode_body,
    encode_heads,
    encode_receipts,
    encode_transaction_place,
    encode_undo,
)
from state.stored_state import HeadState, address_hash
from state.tables import (
    HEADS_KEY,
    account_key,
    body_key,
    code_key,
    header_key,
    node_key,
    number_key,
    receipts_key,
    record_key,
    storage_key,
    transaction_key,
    undo_key,
)
from state.types import BlockNumber, Hash32
from state.world import decode_account, encode_account, encode_slot, slot_key

_Put: TypeAlias = Callable[[bytes, bytes | None], None]


class BlockDoesNotFollow(InternalError):
    """A block that isn't the unsafe head's child, or contradicts itself, was to be appended."""


class HeadsOutOfOrder(InternalError):
    """Heads were to be set that aren't canonical, out of order, or behind the finalized block."""


class RewindBelowFinalized(InternalError):
    """A rewind was to take back a finalized block."""


class PendingEntries:
    """A key-value reader with changes on top that are not written yet."""

    def __init__(self, below: KeyValueReader) -> None:
        self._below = below
        self.changes: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        if key in self.changes:
            return self.changes[key]
        return self._below.get(key)

    def iterate(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        pending = sorted(k for k in self.changes if k >= start and (end is None or k < end))
        written = (key for key, _ in self._below.iterate(start, end))
        last = None
        for key in merge(pending, written):
            value = None if key == last else self.get(key)
            last = key
            if value is not None:
                yield key, value


class StoreBatch:
    """One commit in the making; handed out by `ChainStore.commit`."""

    def __init__(self, base: ChainReader, caches: Caches) -> None:
        self._entries = PendingEntries(base.entries)
        self._heads = base.heads
        self._caches = caches
        self._appended: list[SealedBlock] = []

    @property
    def heads(self) -> Heads:
        """The heads as this commit would leave them."""
        return self._heads

    @property
    def reader(self) -> ChainReader:
        """The chain as this commit would leave it."""
        self._entries.changes[HEADS_KEY] = encode_heads(self._heads)
        return ChainReader(self._entries, self._caches)

    def state(self) -> State:
        """The state after the newest block of this commit, for the block that follows it."""
        header = self.reader.header(self._heads.unsafe.number)
        if header is None:
            raise damaged("the header of the unsafe head is missing")
        return HeadState(self.reader, header.state_root)

    def append(self, sealed: SealedBlock) -> None:
        """Add the child of the unsafe head, which becomes the unsafe head.

        Raises `BlockDoesNotFollow` where it isn't, or where its parts contradict each other.
        """
        _check_follows(sealed, self._heads.unsafe)
        put_block(self._entries, sealed)
        self._appended.append(sealed)
        self._heads = replace(self._heads, unsafe=BlockId(sealed.header.number, sealed.hash))

    def rewind(self, number: BlockNumber) -> None:
        """Take back all blocks above `number`; unsafe and safe heads fall back to it.

        Raises `RewindBelowFinalized`, and `DatabaseDamaged` where an undo record is lost.
        """
        if number < self._heads.finalized.number:
            raise RewindBelowFinalized(
                f"block {number} is below the finalized block {self._heads.finalized.number}"
            )
        for above in range(self._heads.unsafe.number, number, -1):
            take_back_block(self._entries, self.reader, BlockNumber(above))
        self._lower_heads(number)

    def set_heads(self, heads: Heads) -> None:
        """Move the heads together. Raises `HeadsOutOfOrder`.

        Each must be canonical, the unsafe head the newest block; finalized never moves back.
        """
        if heads.unsafe != self._heads.unsafe:
            raise HeadsOutOfOrder(
                f"the unsafe head is block {self._heads.unsafe.number}, moved only by append and"
                f" rewind, not to block {heads.unsafe.number}"
            )
        previous = self._heads.finalized.number
        if not previous <= heads.finalized.number <= heads.safe.number <= heads.unsafe.number:
            raise HeadsOutOfOrder(
                f"finalized {previous} -> {heads.finalized.number}, safe {heads.safe.number},"
                f" unsafe {heads.unsafe.number} are not in order"
            )
        reader = self.reader
        for block in (heads.safe, heads.finalized):
            if reader.block_id(block.number) != block:
                raise HeadsOutOfOrder(f"block {block.number} 0x{block.hash.hex()} is not canonical")
        self._heads = heads

    def put_record(self, table: bytes, key: bytes, value: bytes) -> None:
        """Set a record of another folder."""
        self._entries.changes[record_key(table, key)] = value

    def delete_record(self, table: bytes, key: bytes) -> None:
        """Delete a record of another folder, or nothing where there is none."""
        self._entries.changes[record_key(table, key)] = None

    def changes(self) -> dict[bytes, bytes | None]:
        """Everything to write."""
        self._entries.changes[HEADS_KEY] = encode_heads(self._heads)
        return self._entries.changes

    def remember_nodes(self) -> None:
        """Keep the trie nodes just written at hand: the next block changes many of them again."""
        for sealed in self._appended:
            for node_hash, node in sealed.update.nodes.items():
                self._caches.nodes.put(node_hash, node)

    def _lower_heads(self, number: BlockNumber) -> None:
        if self._heads.unsafe.number <= number:
            return
        block = self.reader.block_id(number)
        if block is None:
            raise damaged(f"block {number} is missing")
        safe = block if self._heads.safe.number > number else self._heads.safe
        self._heads = replace(self._heads, unsafe=block, safe=safe)


def _check_follows(sealed: SealedBlock, parent: BlockId) -> None:
    """What a block must fulfil to be written, whoever made it."""
    header = sealed.header
    if header.number != parent.number + 1 or header.parent_hash != parent.hash:
        raise BlockDoesNotFollow(
            f"block {header.number} with parent 0x{header.parent_hash.hex()} does not follow the"
            f" unsafe head, block {parent.number} 0x{parent.hash.hex()}"
        )
    check_sealed(sealed)


def check_sealed(sealed: SealedBlock) -> None:
    """Whether the parts of a block belong together. Raises `BlockDoesNotFollow`."""
    header, number = sealed.header, sealed.header.number
    if header_hash(header) != sealed.hash:
        raise BlockDoesNotFollow(f"block {number} has another hash than its header")
    if header.state_root != sealed.update.root:
        raise BlockDoesNotFollow(f"block {number} has another state root than its state")
    sizes = {len(sealed.transactions), len(sealed.senders), len(sealed.contracts)}
    if sizes != {len(sealed.receipts)}:
        raise BlockDoesNotFollow(f"block {number} has not one sender and receipt a transaction")
    if sealed.receipts and sealed.receipts[-1].cumulative_gas_used != header.gas_used:
        raise BlockDoesNotFollow(f"block {number} used other gas than its receipts say")
    for code_hash, code in sealed.update.diff.codes.items():
        if keccak(code) != code_hash:
            raise BlockDoesNotFollow(f"block {number} stores code under another hash")


def put_block(entries: PendingEntries, sealed: SealedBlock) -> None:
    """Write a block, its nodes and codes, the flat state after it and how to take it back."""
    number, changes = sealed.header.number, entries.changes
    changes[header_key(number)] = sealed.hash + encode_header(sealed.header)
    changes[number_key(sealed.hash)] = number.to_bytes(8, "big")
    changes[body_key(number)] = encode_body(sealed)
    changes[receipts_key(number)] = encode_receipts(sealed.receipts)
    for index, raw in enumerate(sealed.transactions):
        changes[transaction_key(keccak(raw))] = encode_transaction_place(number, index)
    for node_hash, node in sealed.update.nodes.items():
        changes[node_key(node_hash)] = node
    for code_hash, code in sealed.update.diff.codes.items():
        changes[code_key(code_hash)] = code
    changes[undo_key(number)] = encode_undo(_put_flat(entries, sealed.update))


def take_back_block(entries: PendingEntries, reader: ChainReader, number: BlockNumber) -> None:
    """Restore the flat state from before a block, and delete the block. Trie nodes stay."""
    undo = reader.undo(number)
    block_id = reader.block_id(number)
    if undo is None or block_id is None:
        raise damaged(f"block {number} can't be taken back: its undo record is missing")
    for key, value in reversed(undo):
        entries.changes[key] = value
    delete_block(entries, block_id)


def delete_block(entries: PendingEntries, block_id: BlockId) -> None:
    """Delete a block from its tables; the state is the caller's to restore."""
    number = block_id.number
    body_data = entries.get(body_key(number))
    if body_data is not None:
        for raw in decode_body(body_data).transactions:
            entries.changes[transaction_key(keccak(raw))] = None
    entries.changes[number_key(block_id.hash)] = None
    for key in (header_key, body_key, receipts_key, undo_key):
        entries.changes[key(number)] = None


def _put_flat(entries: PendingEntries, update: StateUpdate) -> list[tuple[bytes, bytes | None]]:
    undo: list[tuple[bytes, bytes | None]] = []

    def put(key: bytes, value: bytes | None) -> None:
        previous = entries.get(key)
        if previous != value:
            undo.append((key, previous))
            entries.changes[key] = value

    for address, account in update.accounts.items():
        hashed = address_hash(address)
        if account is None or address in update.diff.cleared:
            _wipe_storage(entries, hashed, put)
        put(account_key(hashed), None if account is None else encode_account(account))
        for slot, value in update.diff.storage.get(address, {}).items():
            put(storage_key(hashed, slot_key(slot)), encode_slot(value) or None)
    return undo


def _wipe_storage(
    entries: PendingEntries, hashed: Hash32, put: Callable[[bytes, bytes | None], None]
) -> None:
    """Delete all slots of an account that had some."""
    data = entries.get(account_key(hashed))
    if data is None or decode_account(data).storage_root == EMPTY_TRIE_ROOT:
        return
    prefix = storage_key(hashed)
    for key, _ in list(entries.iterate(prefix, prefix_end(prefix))):
        put(key, None)
