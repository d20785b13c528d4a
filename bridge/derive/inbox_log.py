"""The inbox log as this node has verified it, in the chain's own store.

The L1 watcher appends and truncates; derivation and the sequencer read. Nothing is kept in memory,
so that what a reader sees is always what a committed write left.
"""

import struct
from collections.abc import Sequence
from typing import Final

from bridge.derive.accumulator import follows
from bridge.derive.errors import FinalizedReorg, LogDamaged, LogDiverged
from bridge.derive.records import RecordReader, RecordWriter
from bridge.items import InboxItem, ItemKind
from state.store import ChainStore
from state.types import Address, Hash32, Timestamp, Wei

ITEM_TABLE: Final = b"inbox-item"
"""Index -> item."""
BATCH_TABLE: Final = b"inbox-batch"
"""Ordinal among batches and ticks -> index."""
DEPOSIT_TABLE: Final = b"inbox-deposit"
"""Ordinal among deposits and forced transactions -> index."""
META_TABLE: Final = b"inbox-meta"
COUNT_KEY: Final = b"count"
FINAL_KEY: Final = b"final"

_ITEM: Final = struct.Struct(">BQ20sQQ32s32s32s32s")
_NUMBER: Final = struct.Struct(">Q")


class InboxReader:
    """The verified items of the inbox, from item 0 on, without gaps; from any thread."""

    __slots__ = ("_records",)

    def __init__(self, records: RecordReader) -> None:
        """Read from a store as it changes, or from a reader of one moment of it."""
        self._records = records

    @property
    def count(self) -> int:
        """Items in the log; the next to append has this index."""
        return self._number(META_TABLE, COUNT_KEY) or 0

    @property
    def final_count(self) -> int:
        """Items that L1 has finalized: the first this many."""
        return self._number(META_TABLE, FINAL_KEY) or 0

    @property
    def tip(self) -> InboxItem | None:
        """The newest item."""
        count = self.count
        return self.item(count - 1) if count else None

    def item(self, index: int) -> InboxItem | None:
        """The item at that place, or None past the end. Raises `LogDamaged`."""
        if index < 0:
            return None
        value = self._records.record(ITEM_TABLE, _key(index))
        return None if value is None else decode_item(index, value)

    def batch(self, ordinal: int) -> InboxItem | None:
        """The item at that place among batches and ticks, or None past the end."""
        return self._nth(BATCH_TABLE, ordinal, is_deposit=False)

    def deposit(self, ordinal: int) -> InboxItem | None:
        """The item at that place among deposits and forced ones, or None past the end."""
        return self._nth(DEPOSIT_TABLE, ordinal, is_deposit=True)

    def newest_at(self, l1_number: int) -> InboxItem | None:
        """The newest item in an L1 block of at most that number, or None where there is none."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            item = self.item(middle)
            if item is None:
                raise LogDamaged(f"item {middle} of {self.count} is gone")
            if item.l1_number <= l1_number:
                low = middle + 1
            else:
                high = middle
        return self.item(low - 1)

    def _nth(self, table: bytes, ordinal: int, *, is_deposit: bool) -> InboxItem | None:
        index = self._number(table, _key(ordinal))
        if index is None:
            return None
        item = self.item(index)
        if item is None or item.is_deposit != is_deposit or item.ordinal != ordinal:
            raise LogDamaged(f"item {index} is not number {ordinal} of its walk")
        return item

    def _number(self, table: bytes, key: bytes) -> int | None:
        value = self._records.record(table, key)
        if value is None:
            return None
        if len(value) != _NUMBER.size:
            raise LogDamaged(f"{table!r} {key.hex()} has {len(value)} bytes")
        return int.from_bytes(value, "big")


class InboxLog(InboxReader):
    """The log with its writer: to be used in the one thread that writes the chain."""

    __slots__ = ("_store",)

    def __init__(self, store: ChainStore) -> None:
        super().__init__(store)
        self._store = store

    def append(self, items: Sequence[InboxItem]) -> int:
        """Append verified items in one commit; what is stored already is passed over.

        Returns how many were new. Raises `LogDiverged`, and then writes nothing, when an item
        doesn't continue the log: on an L1 reorg the caller truncates first.
        """
        new = self._continuation(items)
        if new:
            with self._store.commit() as batch:
                for item in new:
                    _put(batch, item)
                batch.put_record(META_TABLE, COUNT_KEY, _NUMBER.pack(new[-1].index + 1))
        return len(new)

    def truncate(self, index: int) -> int:
        """Drop the items from `index` on, in one commit; returns how many there were.

        Raises `FinalizedReorg` when one of them was final.
        """
        count, final = self.count, self.final_count
        if index >= count:
            return 0
        if index < final:
            raise FinalizedReorg(index, final - 1)
        with self._store.commit() as batch:
            for item in self._items(index, count):
                _delete(batch, item)
            batch.put_record(META_TABLE, COUNT_KEY, _NUMBER.pack(index))
        return count - index

    def set_final(self, count: int) -> None:
        """Note that L1 has finalized the first `count` items, as far as they are here.

        Never goes back.
        """
        count = min(count, self.count)
        if count <= self.final_count:
            return
        with self._store.commit() as batch:
            batch.put_record(META_TABLE, FINAL_KEY, _NUMBER.pack(count))

    def _continuation(self, items: Sequence[InboxItem]) -> list[InboxItem]:
        """Those of `items` that are new, checked against the tip and each other."""
        tip = self.tip
        new: list[InboxItem] = []
        for item in items:
            if tip is not None and item.index <= tip.index:
                self._check_stored(item)
                continue
            if not follows(tip, item):
                raise LogDiverged(item.index, "its accumulator doesn't follow")
            new.append(item)
            tip = item
        return new

    def _check_stored(self, item: InboxItem) -> None:
        if self.item(item.index) != item:
            raise LogDiverged(item.index, "another item stands there")

    def _items(self, start: int, end: int) -> list[InboxItem]:
        found = [self.item(index) for index in range(start, end)]
        items = [item for item in found if item is not None]
        if len(items) != len(found):
            raise LogDamaged(f"items are missing between {start} and {end}")
        return items


def _put(batch: RecordWriter, item: InboxItem) -> None:
    batch.put_record(ITEM_TABLE, _key(item.index), encode_item(item))
    batch.put_record(_walk(item), _key(item.ordinal), _NUMBER.pack(item.index))


def _delete(batch: RecordWriter, item: InboxItem) -> None:
    batch.delete_record(ITEM_TABLE, _key(item.index))
    batch.delete_record(_walk(item), _key(item.ordinal))


def _walk(item: InboxItem) -> bytes:
    return DEPOSIT_TABLE if item.is_deposit else BATCH_TABLE


def encode_item(item: InboxItem) -> bytes:
    """The item as it is stored; its index is the key."""
    head = _ITEM.pack(
        item.kind,
        item.deposits,
        item.sender,
        item.l1_number,
        item.l1_time,
        item.l1_base_fee.to_bytes(32, "big"),
        item.prev_randao,
        item.l1_hash,
        item.acc,
    )
    return head + item.data


def decode_item(index: int, value: bytes) -> InboxItem:
    """The item from what is stored under its index. Raises `LogDamaged`."""
    if len(value) < _ITEM.size or value[0] > max(ItemKind):
        raise LogDamaged(f"item {index} can't be read")
    kind, deposits, sender, l1_number, l1_time, base_fee, prev_randao, l1_hash, acc = (
        _ITEM.unpack_from(value)
    )
    return InboxItem(
        index=index,
        kind=ItemKind(kind),
        deposits=deposits,
        sender=Address(sender),
        data=value[_ITEM.size :],
        l1_number=l1_number,
        l1_time=Timestamp(l1_time),
        l1_base_fee=Wei(int.from_bytes(base_fee, "big")),
        prev_randao=Hash32(prev_randao),
        l1_hash=Hash32(l1_hash),
        acc=Hash32(acc),
    )


def _key(number: int) -> bytes:
    return number.to_bytes(8, "big")
