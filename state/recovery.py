"""Is what the disk holds one whole chain, and if not, what of it is?

Opening a database checks its newest blocks: their hashes and links, the roots of their parts, and
that the flat state agrees with the trie wherever the newest block wrote. Recovery looks for the
newest block at which all of that holds and rewinds to it, taking flat values from the trie, whose
nodes are checked by their hash: undo records say which keys to restore, not to what.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from state.accounts import EMPTY_TRIE_ROOT
from state.batch import PendingEntries, delete_block
from state.blocks import BlockId, Header, Heads
from state.errors import TallystickError
from state.kv import DatabaseDamaged, KeyValueStore
from state.limits import (
    RECOVERY_BLOCKS_MAX,
    RECOVERY_KEYS_CHECKED_MAX,
    RECOVERY_LINKS_CHECKED,
)
from state.reader import Caches, ChainReader
from state.receipts import encode_receipt
from state.stored import damaged, encode_heads
from state.tables import HEADS_KEY, account_key
from state.trie import get, list_root
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
        _check_parts(reader, number)
        return _flat_fault(reader, number, header.state_root)
    except TallystickError as error:
        # Whatever reading raises is what this function is asked for.
        return str(error)


def _check_links(reader: ChainReader, number: BlockNumber) -> Header:
    """Follow the newest headers back by parent hash; the newest one is the result."""
    newest: Header | None = None
    child: Header | None = None
    for at in range(number, max(-1, number - RECOVERY_LINKS_CHECKED), -1):
        header, block_id = reader.header(BlockNumber(at)), reader.block_id(BlockNumber(at))
        if header is None or block_id is None:
            raise damaged(f"block {at} is missing")
        if reader.number_of(block_id.hash) != at:
            raise damaged(f"block {at} is not found by its hash")
        if child is not None and child.parent_hash != block_id.hash:
            raise damaged(f"block {at} is not the parent of block {at + 1}")
        newest, child = newest or header, header
    if newest is None:
        raise damaged("there is no genesis block")
    return newest


def _check_parts(reader: ChainReader, number: BlockNumber) -> None:
    """The lists of a block against the roots in its header, and that it can be taken back."""
    block = reader.block(number)
    if block is None or reader.undo(number) is None:
        raise damaged(f"block {number} is not whole")
    if list_root(block.transactions) != block.header.transactions_root:
        raise damaged(f"the transactions of block {number} have another root")
    if list_root([encode_receipt(r) for r in block.receipts]) != block.header.receipts_root:
        raise damaged(f"the receipts of block {number} have another root")


def _flat_fault(reader: ChainReader, number: BlockNumber, root: Hash32) -> str | None:
    """Compare flat values with the trie where the block wrote, up to a limit."""
    if root != EMPTY_TRIE_ROOT:
        reader.node(root)
    undo = reader.undo(number) or ()
    for key, _ in undo[:RECOVERY_KEYS_CHECKED_MAX]:
        if reader.entries.get(key) != _trie_value(reader, root, key):
            return str(damaged(f"flat state and trie disagree after block {number}"))
    return None


def _trie_value(reader: ChainReader, root: Hash32, key: bytes) -> bytes | None:
    """What the flat entry `key` must be in the state at `root`, from the trie."""
    hashed = key[1:33]
    leaf = get(root, hashed, reader.node)
    if leaf is None or key[:1] == account_key(Hash32(b"")):
        return leaf
    return get(decode_account(leaf).storage_root, key[33:], reader.node)


def recover(entries: KeyValueStore, caches: Caches) -> Recovery:
    """Rewind to the newest block at which the chain is whole, in one write.

    Raises `DatabaseDamaged` where there is none within `RECOVERY_BLOCKS_MAX` blocks: then only a
    copy or L1 can bring the chain back. Records of other folders stay; their owners check them
    against the heads, which all fall back to that block at most.
    """
    pending = PendingEntries(entries)
    heads = ChainReader(entries, caches).heads
    faults: list[str] = []
    for number in _candidates(heads.unsafe.number):
        _rewind_through_trie(pending, number, caches)
        fault = find_fault(ChainReader(pending, caches), number)
        if fault is None:
            return _finish(entries, pending, heads, number, tuple(faults), caches)
        faults.append(fault)
    raise DatabaseDamaged(
        f"no whole chain is left in the database ({faults[0]}): restore a copy, or delete the"
        " folder and let the node derive the chain from L1 again"
    )


def _candidates(newest: BlockNumber) -> Iterator[BlockNumber]:
    oldest = max(-1, newest - RECOVERY_BLOCKS_MAX)
    return (BlockNumber(number) for number in range(newest, oldest, -1))


def _rewind_through_trie(pending: PendingEntries, number: BlockNumber, caches: Caches) -> None:
    """Take back the block above `number`, if there is one, by the trie at `number`."""
    reader = ChainReader(pending, caches)
    above = BlockNumber(number + 1)
    dirty = {key for key, _ in _undo_or_nothing(reader, above)}
    dirty.update(key for key, _ in _undo_or_nothing(reader, number))
    block_id = reader.block_id(above)
    if block_id is not None:
        delete_block(pending, block_id)
    try:
        header = reader.header(number)
        if header is None:
            return
        for key in dirty:
            pending.changes[key] = _trie_value(reader, header.state_root, key)
    except TallystickError:
        # The trie or the header is lost too: `find_fault` will say so, and this block goes next.
        return


def _undo_or_nothing(reader: ChainReader, number: BlockNumber) -> list[tuple[bytes, bytes | None]]:
    try:
        return list(reader.undo(number) or ())
    except DatabaseDamaged:
        return []


def _finish(
    entries: KeyValueStore,
    pending: PendingEntries,
    heads: Heads,
    number: BlockNumber,
    faults: tuple[str, ...],
    caches: Caches,
) -> Recovery:
    reader = ChainReader(pending, caches)
    after = reader.block_id(number)
    if after is None:
        raise damaged(f"block {number} is missing")
    lowered = [head if head.number <= number else after for head in (heads.safe, heads.finalized)]
    pending.changes[HEADS_KEY] = encode_heads(Heads(after, *lowered))
    entries.write(pending.changes)
    return Recovery(before=heads.unsafe, after=after, faults=faults)
