"""Is what the disk holds one whole chain, and if not, what of it is?

Opening a database checks its newest blocks: their hashes and links, the roots of their parts, and
that the flat state agrees with the trie wherever the newest block wrote. Recovery is thorough and
slow instead: it follows all headers from genesis, takes the newest block that is whole and whose
state is whole, deletes everything above, and makes the flat state equal to that block's trie, whose
nodes are checked by their hash. It needs no undo records, which may be lost too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from state.accounts import EMPTY_TRIE_ROOT
from state.batch import PendingEntries
from state.blocks import BlockId, Header, Heads
from state.errors import TallystickError
from state.headers import header_hash
from state.kv import DatabaseDamaged, KeyValueStore, prefix_end
from state.limits import (
    RECOVERY_BLOCKS_MAX,
    RECOVERY_KEYS_CHECKED_MAX,
    RECOVERY_LINKS_CHECKED,
)
from state.reader import Caches, ChainReader
from state.receipts import encode_receipt
from state.stored import damaged, encode_heads
from state.tables import (
    HEADS_KEY,
    account_key,
    body_key,
    header_key,
    receipts_key,
    storage_key,
    undo_key,
)
from state.trie import get, list_root, trie_entries
from state.types import BlockNumber, Hash32
from state.world import decode_account


@dataclass(frozen=True, slots=True)
class Recovery:
    """What recovery did: the unsafe head before and after, and why the former could not stay."""

    before: BlockId
    after: BlockId
    faults: tuple[str, ...]


def check_chain(reader: ChainReader) -> None:
    """Check the newest blocks of a database just opened. Raises `DatabaseDamaged`."""
    heads = reader.heads
    if not heads.unsafe.number >= heads.safe.number >= heads.finalized.number:
        raise damaged(f"its heads are out of order: {heads}")
    for head in (heads.unsafe, heads.safe, heads.finalized):
        if reader.block_id(head.number) != head:
            raise damaged(f"its head, block {head.number} 0x{head.hash.hex()}, is missing")
    if reader.block_id(BlockNumber(heads.unsafe.number + 1)) is not None:
        raise damaged("there are blocks above its unsafe head")
    fault = find_fault(reader, heads.unsafe.number)
    if fault is not None:
        raise damaged(fault)


def find_fault(reader: ChainReader, number: BlockNumber) -> str | None:
    """What is wrong with a chain that ends in block `number`, or None."""
    try:
        header = _check_links(reader, number)
        check_block(reader, number)
        _check_flat(reader, number, header.state_root)
    except TallystickError as error:
        # Whatever reading raises is what this function is asked for.
        return str(error)
    return None


def _check_links(reader: ChainReader, number: BlockNumber) -> Header:
    """Follow the newest headers back by parent hash; the newest one is the result."""
    oldest = max(0, number - RECOVERY_LINKS_CHECKED)
    newest = parent = linked_header(reader, BlockNumber(oldest), None)
    for at in range(oldest + 1, number + 1):
        newest = linked_header(reader, BlockNumber(at), parent)
        parent = newest
    return newest


def linked_header(reader: ChainReader, number: BlockNumber, parent: Header | None) -> Header:
    """A header that is found both ways, and is the child of `parent` where one is given."""
    header, block_id = reader.header(number), reader.block_id(number)
    if header is None or block_id is None:
        raise damaged(f"block {number} is missing")
    if reader.number_of(block_id.hash) != number:
        raise damaged(f"block {number} is not found by its hash")
    if parent is not None and header.parent_hash != header_hash(parent):
        raise damaged(f"block {number} is not the child of block {number - 1}")
    return header


def check_block(reader: ChainReader, number: BlockNumber) -> None:
    """The lists of a block against the roots in its header, and that it can be taken back."""
    block = reader.block(number)
    if block is None or reader.undo(number) is None:
        raise damaged(f"block {number} is not whole")
    if list_root(block.transactions) != block.header.transactions_root:
        raise damaged(f"the transactions of block {number} have another root")
    if list_root([encode_receipt(r) for r in block.receipts]) != block.header.receipts_root:
        raise damaged(f"the receipts of block {number} have another root")
    if block.header.state_root != EMPTY_TRIE_ROOT:
        reader.node(block.header.state_root)


def _check_flat(reader: ChainReader, number: BlockNumber, root: Hash32) -> None:
    """Compare flat values with the trie where the newest block wrote, up to a limit."""
    undo = reader.undo(number) or ()
    for key, _ in undo[:RECOVERY_KEYS_CHECKED_MAX]:
        if reader.entries.get(key) != _trie_value(reader, root, key):
            raise damaged(f"flat state and trie disagree after block {number}")


def _trie_value(reader: ChainReader, root: Hash32, key: bytes) -> bytes | None:
    """What the flat entry `key` must be in the state at `root`, from the trie."""
    hashed = key[1:33]
    leaf = get(root, hashed, reader.node)
    if leaf is None or key[:1] == account_key(Hash32(b"")):
        return leaf
    return get(decode_account(leaf).storage_root, key[33:], reader.node)


def recover(entries: KeyValueStore, caches: Caches) -> Recovery:
    """Go back to the newest block at which the chain is whole, in one write.

    Raises `DatabaseDamaged` where there is none within `RECOVERY_BLOCKS_MAX` blocks of the first
    damage: then only a copy or L1 can bring the chain back. Records of other folders stay; their
    owners check them against the heads, which all fall back to that block at most.
    """
    pending = PendingEntries(entries)
    reader = ChainReader(pending, caches)
    heads = reader.heads
    newest, fault = _newest_linked(reader, heads.unsafe.number)
    faults = [] if fault is None else [fault]
    for number in range(newest, max(-1, newest - RECOVERY_BLOCKS_MAX), -1):
        fault = _mend(pending, reader, BlockNumber(number))
        if fault is None:
            after = BlockId(BlockNumber(number), _hash_of(reader, BlockNumber(number)))
            pending.changes[HEADS_KEY] = encode_heads(_lowered(heads, after))
            entries.write(pending.changes)
            return Recovery(before=heads.unsafe, after=after, faults=tuple(faults))
        faults.append(fault)
    raise DatabaseDamaged(
        f"no whole chain is left in the database ({faults[0]}): restore a copy, or delete the"
        " folder and let the node derive the chain from L1 again"
    )


def _newest_linked(reader: ChainReader, unsafe: BlockNumber) -> tuple[int, str | None]:
    """The last block that headers lead to from genesis (-1: none), and what is wrong after it."""
    parent: Header | None = None
    for number in range(unsafe + 1):
        try:
            parent = linked_header(reader, BlockNumber(number), parent)
        except TallystickError as error:
            return number - 1, str(error)
    return unsafe, None


def _mend(pending: PendingEntries, reader: ChainReader, number: BlockNumber) -> str | None:
    """Delete what is above a block and make the flat state its trie; or say why that can't be."""
    _delete_above(pending, number)
    try:
        check_block(reader, number)
        header = linked_header(reader, number, None)
        _make_equal(pending, b"a", account_entries(reader, header.state_root))
        _make_equal(pending, b"s", storage_entries(reader, header.state_root))
    except TallystickError as error:
        # Block or trie is not whole: the caller goes on with the block before.
        return str(error)
    return None


def _delete_above(pending: PendingEntries, number: BlockNumber) -> None:
    above = BlockNumber(number + 1)
    for key_of in (header_key, body_key, receipts_key, undo_key):
        start = key_of(above)
        for key, _ in list(pending.iterate(start, prefix_end(start[:1]))):
            pending.changes[key] = None
    for prefix in (b"n", b"t"):
        for key, value in list(pending.iterate(prefix, prefix_end(prefix))):
            if int.from_bytes(value[:8], "big") > number:
                pending.changes[key] = None


def account_entries(reader: ChainReader, root: Hash32) -> Iterator[tuple[bytes, bytes]]:
    """What the flat table of accounts must be in the state at `root`, from the trie."""
    for hashed, leaf in trie_entries(root, reader.node):
        yield account_key(Hash32(hashed)), leaf


def storage_entries(reader: ChainReader, root: Hash32) -> Iterator[tuple[bytes, bytes]]:
    """What the flat table of storage slots must be in the state at `root`, from the tries."""
    for hashed, leaf in trie_entries(root, reader.node):
        for slot_hash, value in trie_entries(decode_account(leaf).storage_root, reader.node):
            yield storage_key(Hash32(hashed), slot_hash), value


def _make_equal(
    pending: PendingEntries, prefix: bytes, wanted: Iterator[tuple[bytes, bytes]]
) -> None:
    """Change a flat table to exactly `wanted`, which comes in key order, as the table does."""
    present = pending.iterate(prefix, prefix_end(prefix))
    entry = next(present, None)
    for key, value in wanted:
        while entry is not None and entry[0] < key:
            pending.changes[entry[0]] = None
            entry = next(present, None)
        if entry != (key, value):
            pending.changes[key] = value
        if entry is not None and entry[0] == key:
            entry = next(present, None)
    while entry is not None:
        pending.changes[entry[0]] = None
        entry = next(present, None)


def _hash_of(reader: ChainReader, number: BlockNumber) -> Hash32:
    block_id = reader.block_id(number)
    if block_id is None:
        raise damaged(f"block {number} is missing")
    return block_id.hash


def _lowered(heads: Heads, highest: BlockId) -> Heads:
    """The heads, none of them above `highest`."""
    safe, finalized = (
        head if head.number <= highest.number else highest for head in (heads.safe, heads.finalized)
    )
    return Heads(highest, safe, finalized)
