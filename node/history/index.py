"""The index as it is stored: places of transactions by address, and by block for taking back.

    b"a" address number index   -> b""    in the order of the chain
    b"d" address ~number ~index -> b""    newest first: iteration only goes forward
    b"b" number                 -> block hash, then address and index of each touch
    b"h"                        -> number and hash of the newest block read
    b"i"                        -> version and genesis hash: whose index it is

A block is added or taken back in one write, with the head, so that a crash leaves all of it or
none.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from typing import Final

from node.limits import HISTORY_DELETE_KEYS
from state.blocks import BlockId
from state.kv import DatabaseDamaged, KeyValueStore, prefix_end
from state.types import Address, BlockNumber, Hash32

VERSION: Final = 1

_UP, _DOWN, _BLOCK = b"a", b"d", b"b"
_HEAD, _IDENTITY = b"h", b"i"
_NUMBER_MAX, _INDEX_MAX = 2**64 - 1, 2**32 - 1
_TOUCH_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Place:
    """A transaction by its block and its index there."""

    number: BlockNumber
    index: int


class AddressIndex:
    """The index in a store. One thread writes."""

    def __init__(self, entries: KeyValueStore, genesis_hash: Hash32) -> None:
        """Goes on with what is stored; what is another chain's, or older, is thrown away."""
        self._entries = entries
        identity = VERSION.to_bytes(2, "big") + genesis_hash
        if entries.get(_IDENTITY) != identity:
            self._clear()
            genesis = BlockId(BlockNumber(0), genesis_hash)
            entries.write(
                {
                    _IDENTITY: identity,
                    _HEAD: _encode_head(genesis),
                    _block_key(genesis.number): genesis.hash,
                }
            )

    @property
    def head(self) -> BlockId:
        """The newest block that was read."""
        stored = self._entries.get(_HEAD)
        if stored is None:
            raise _damaged("its head is missing")
        return BlockId(BlockNumber(int.from_bytes(stored[:8], "big")), Hash32(stored[8:]))

    def add(self, block: BlockId, touches: Sequence[Set[Address]]) -> None:
        """Read the block after the head; `touches` are the addresses of each transaction."""
        if block.number != self.head.number + 1:
            raise ValueError(f"block {block.number} does not follow block {self.head.number}")
        changes: dict[bytes, bytes | None] = {_HEAD: _encode_head(block)}
        record: list[bytes] = [block.hash]
        for index, addresses in enumerate(touches):
            for address in sorted(addresses):
                changes |= dict.fromkeys(_keys(address, Place(block.number, index)), b"")
                record.append(address + index.to_bytes(4, "big"))
        changes[_block_key(block.number)] = b"".join(record)
        self._entries.write(changes)

    def take_back(self) -> None:
        """Forget the head, which has left the chain."""
        head = self.head
        number = BlockNumber(head.number - 1)
        below = BlockId(number, Hash32(self._record(number)[:32]))
        record = self._record(head.number)
        changes: dict[bytes, bytes | None] = {
            _HEAD: _encode_head(below),
            _block_key(head.number): None,
        }
        for at in range(32, len(record), _TOUCH_BYTES):
            touch = record[at : at + _TOUCH_BYTES]
            address, index = Address(touch[:20]), int.from_bytes(touch[20:], "big")
            changes |= dict.fromkeys(_keys(address, Place(head.number, index)), None)
        self._entries.write(changes)

    def after(self, address: Address, number: BlockNumber) -> Iterator[Place]:
        """Transactions of blocks above `number`, oldest first."""
        prefix = _UP + address
        start = prefix + _encode_place(Place(BlockNumber(number + 1), 0))
        for key, _ in self._entries.iterate(start, prefix_end(prefix)):
            yield _decode_place(key[len(prefix) :])

    def before(self, address: Address, number: BlockNumber) -> Iterator[Place]:
        """Transactions of blocks below `number`, newest first."""
        prefix = _DOWN + address
        start = prefix + _encode_place(_mirrored(Place(BlockNumber(number - 1), _INDEX_MAX)))
        for key, _ in self._entries.iterate(start, prefix_end(prefix)):
            yield _mirrored(_decode_place(key[len(prefix) :]))

    def close(self) -> None:
        """Release the store."""
        self._entries.close()

    def _record(self, number: BlockNumber) -> bytes:
        record = self._entries.get(_block_key(number))
        if record is None:
            raise _damaged(f"block {number} is missing")
        return record

    def _clear(self) -> None:
        """Delete everything, the identity first, in bounded writes."""
        self._entries.write({_IDENTITY: None})
        keys = (key for key, _ in self._entries.iterate(b"", None))
        while some := list(islice(keys, HISTORY_DELETE_KEYS)):
            self._entries.write(dict.fromkeys(some))


def _damaged(what: str) -> DatabaseDamaged:
    return DatabaseDamaged(
        f"the index of addresses is damaged: {what}; stop the node and delete its folder"
    )


def _keys(address: Address, place: Place) -> tuple[bytes, bytes]:
    up = _UP + address + _encode_place(place)
    return up, _DOWN + address + _encode_place(_mirrored(place))


def _mirrored(place: Place) -> Place:
    return Place(BlockNumber(_NUMBER_MAX - place.number), _INDEX_MAX - place.index)


def _encode_place(place: Place) -> bytes:
    return place.number.to_bytes(8, "big") + place.index.to_bytes(4, "big")


def _decode_place(data: bytes) -> Place:
    return Place(BlockNumber(int.from_bytes(data[:8], "big")), int.from_bytes(data[8:], "big"))


def _block_key(number: BlockNumber) -> bytes:
    return _BLOCK + number.to_bytes(8, "big")


def _encode_head(head: BlockId) -> bytes:
    return head.number.to_bytes(8, "big") + head.hash
