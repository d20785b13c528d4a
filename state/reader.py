"""Reading a chain from a key-value store as it is at one moment.

Every commit makes a new `ChainReader` over a new snapshot, so a reader that holds one sees heads,
blocks and state that belong together, whatever is written meanwhile.
"""

from collections.abc import Iterator
from functools import cached_property

from state.accounts import EMPTY_CODE_HASH
from state.blocks import BlockId, Header, Heads, Receipt
from state.errors import InternalError
from state.generations import GenerationCache
from state.headers import decode_header
from state.keccak import keccak
from state.kv import KeyValueReader, prefix_end
from state.limits import BLOCK_CACHE_BLOCKS, CODE_CACHE_CODES, NODE_CACHE_NODES
from state.rlp import InvalidRLP
from state.stored import (
    Body,
    StoredBlock,
    Undo,
    damaged,
    decode_body,
    decode_heads,
    decode_receipts,
    decode_transaction_place,
    decode_undo,
)
from state.tables import (
    HEADS_KEY,
    body_key,
    code_key,
    header_key,
    node_key,
    number_key,
    receipts_key,
    record_key,
    transaction_key,
    undo_key,
)
from state.types import BlockNumber, Hash32


class Caches:
    """What is known by its hash and therefore never changes; shared by all readers of a store."""

    __slots__ = ("blocks", "codes", "nodes")

    def __init__(self) -> None:
        self.nodes: GenerationCache[Hash32, bytes] = GenerationCache(NODE_CACHE_NODES)
        self.codes: GenerationCache[Hash32, bytes] = GenerationCache(CODE_CACHE_CODES)
        self.blocks: GenerationCache[Hash32, StoredBlock] = GenerationCache(BLOCK_CACHE_BLOCKS)


class ChainReader:
    """One moment of a chain. Raises `DatabaseDamaged` where what it reads contradicts itself."""

    def __init__(self, entries: KeyValueReader, caches: Caches) -> None:
        self.entries = entries
        self._caches = caches

    @cached_property
    def heads(self) -> Heads:
        """The three heads."""
        data = self.entries.get(HEADS_KEY)
        if data is None:
            raise damaged("its heads are missing")
        return decode_heads(data)

    def block_id(self, number: BlockNumber) -> BlockId | None:
        """The canonical block of that number, or None beyond the unsafe head."""
        data = self._header_entry(number)
        return None if data is None else BlockId(number, Hash32(data[:32]))

    def header(self, number: BlockNumber) -> Header | None:
        """The canonical header of that number, checked against its hash."""
        data = self._header_entry(number)
        if data is None:
            return None
        if keccak(data[32:]) != data[:32]:
            raise damaged(f"the header of block {number} has another hash")
        try:
            header = decode_header(data[32:])
        except InvalidRLP as error:
            raise damaged(f"the header of block {number} is malformed ({error})") from error
        if header.number != number:
            raise damaged(f"the header of block {number} says it is {header.number}")
        return header

    def number_of(self, block_hash: Hash32) -> BlockNumber | None:
        """The number of a canonical block, by its hash."""
        data = self.entries.get(number_key(block_hash))
        return None if data is None else BlockNumber(int.from_bytes(data, "big"))

    def block(self, number: BlockNumber) -> StoredBlock | None:
        """The canonical block of that number, whole."""
        block_id = self.block_id(number)
        if block_id is None:
            return None
        block = self._caches.blocks.get(block_id.hash)
        if block is None:
            block = self._read_block(block_id)
            self._caches.blocks.put(block_id.hash, block)
        return block

    def receipts(self, number: BlockNumber) -> tuple[Receipt, ...] | None:
        """The receipts of the canonical block of that number."""
        block = self.block(number)
        return None if block is None else block.receipts

    def find_transaction(self, transaction_hash: Hash32) -> tuple[BlockNumber, int] | None:
        """The number of the canonical block that holds a transaction, and its index there."""
        data = self.entries.get(transaction_key(transaction_hash))
        return None if data is None else decode_transaction_place(data)

    def code(self, code_hash: Hash32) -> bytes:
        """Contract code by its hash, checked. Raises `InternalError` where it is lost."""
        if code_hash == EMPTY_CODE_HASH:
            return b""
        code = self._caches.codes.get(code_hash)
        if code is None:
            code = self._checked(code_key(code_hash), code_hash, "code")
            self._caches.codes.put(code_hash, code)
        return code

    def node(self, node_hash: Hash32) -> bytes:
        """A trie node by its hash, checked. Raises `InternalError` where it is lost."""
        node = self._caches.nodes.get(node_hash)
        if node is None:
            node = self._checked(node_key(node_hash), node_hash, "trie node")
            self._caches.nodes.put(node_hash, node)
        return node

    def undo(self, number: BlockNumber) -> Undo | None:
        """How to take back what a block changed in the flat state."""
        data = self.entries.get(undo_key(number))
        return None if data is None else decode_undo(data)

    def record(self, table: bytes, key: bytes) -> bytes | None:
        """A record of another folder."""
        return self.entries.get(record_key(table, key))

    def records(
        self, table: bytes, start: bytes, end: bytes | None
    ) -> Iterator[tuple[bytes, bytes]]:
        """Records of another folder in key order, from `start` up to but not including `end`."""
        prefix = record_key(table, b"")
        stop = prefix_end(prefix) if end is None else prefix + end
        for key, value in self.entries.iterate(prefix + start, stop):
            yield key[len(prefix) :], value

    def _header_entry(self, number: BlockNumber) -> bytes | None:
        if not 0 <= number < 2**64:
            return None
        return self.entries.get(header_key(number))

    def _read_block(self, block_id: BlockId) -> StoredBlock:
        number = block_id.number
        header = self.header(number)
        body_data = self.entries.get(body_key(number))
        receipts_data = self.entries.get(receipts_key(number))
        if header is None or body_data is None or receipts_data is None:
            raise damaged(f"block {number} is not whole")
        try:
            body, receipts = decode_body(body_data), decode_receipts(receipts_data)
        except InvalidRLP as error:
            raise damaged(f"block {number} is malformed ({error})") from error
        _check_parallel(number, body, receipts)
        return StoredBlock(
            hash=block_id.hash,
            header=header,
            transactions=body.transactions,
            senders=body.senders,
            contracts=body.contracts,
            receipts=receipts,
        )

    def _checked(self, key: bytes, expected: Hash32, what: str) -> bytes:
        data = self.entries.get(key)
        if data is None or keccak(data) != expected:
            state = "missing" if data is None else "altered"
            raise InternalError(str(damaged(f"the {what} 0x{expected.hex()} is {state}")))
        return data


def _check_parallel(number: BlockNumber, body: Body, receipts: tuple[Receipt, ...]) -> None:
    if not len(body.transactions) == len(body.senders) == len(body.contracts) == len(receipts):
        raise damaged(f"block {number} has not one sender and receipt a transaction")
