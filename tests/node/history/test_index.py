"""The stored index: both directions, taking back, and whose it is."""

from pathlib import Path

import pytest

from node import limits
from node.history import index as index_module
from node.history.index import AddressIndex, Place
from state.blocks import BlockId
from state.kv import DatabaseDamaged
from state.leveldb import LevelDBStore
from state.memory import MemoryStore
from state.types import Address, BlockNumber, Hash32

GENESIS = Hash32(b"\x01" * 32)
ALICE, BOB = Address(b"\xaa" * 20), Address(b"\xaa" * 19 + b"\xab")


def block(number: int, fork: int = 0) -> BlockId:
    return BlockId(BlockNumber(number), Hash32(bytes([number, fork]) * 16))


def filled(store: MemoryStore | LevelDBStore) -> AddressIndex:
    made = AddressIndex(store, GENESIS)
    made.add(block(1), [{ALICE}, {BOB}, {ALICE, BOB}])
    made.add(block(2), [])
    made.add(block(3), [{BOB}, {ALICE}])
    return made


def places(*pairs: tuple[int, int]) -> list[Place]:
    return [Place(BlockNumber(number), at) for number, at in pairs]


def everything(made: AddressIndex, address: Address) -> list[Place]:
    up = list(made.after(address, BlockNumber(0)))
    assert list(made.before(address, BlockNumber(100))) == up[::-1]
    return up


def test_places_come_in_order_in_both_directions() -> None:
    made = filled(MemoryStore())
    assert everything(made, ALICE) == places((1, 0), (1, 2), (3, 1))
    assert everything(made, BOB) == places((1, 1), (1, 2), (3, 0))
    assert everything(made, Address(b"\xac" * 20)) == []


def test_neither_direction_has_the_block_itself() -> None:
    made = filled(MemoryStore())
    assert list(made.after(ALICE, BlockNumber(1))) == places((3, 1))
    assert list(made.before(ALICE, BlockNumber(3))) == places((1, 2), (1, 0))


def test_block_taken_back_leaves_nothing() -> None:
    store = MemoryStore()
    once = AddressIndex(store, GENESIS)
    empty = list(store.iterate(b"", None))
    once.add(block(1), [{ALICE, BOB}])
    once.take_back()
    assert list(store.iterate(b"", None)) == empty
    made = filled(MemoryStore())
    made.take_back()
    made.take_back()
    made.add(block(2, fork=1), [{BOB}])
    assert made.head == block(2, fork=1)
    assert everything(made, BOB) == places((1, 1), (1, 2), (2, 0))


def test_block_that_does_not_follow_is_refused() -> None:
    made = filled(MemoryStore())
    for number in (3, 5):
        with pytest.raises(ValueError, match="does not follow"):
            made.add(block(number), [])


def test_index_goes_on_after_a_restart(tmp_path: Path) -> None:
    filled(LevelDBStore(tmp_path)).close()
    again = AddressIndex(LevelDBStore(tmp_path), GENESIS)
    assert again.head == block(3)
    assert everything(again, ALICE) == places((1, 0), (1, 2), (3, 1))
    again.close()


def test_index_of_another_chain_or_version_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "HISTORY_DELETE_KEYS", 3)
    store = MemoryStore()
    filled(store)
    other = AddressIndex(store, Hash32(b"\x02" * 32))
    assert other.head == BlockId(BlockNumber(0), Hash32(b"\x02" * 32))
    assert everything(other, ALICE) == []
    filled(MemoryStore())
    monkeypatch.setattr(index_module, "VERSION", 2)
    assert AddressIndex(store, Hash32(b"\x02" * 32)).head.number == 0
    assert limits.HISTORY_DELETE_KEYS > 3


def test_index_without_its_records_says_what_to_do() -> None:
    store = MemoryStore()
    made = filled(store)
    store.write({b"b" + (2).to_bytes(8, "big"): None})
    with pytest.raises(DatabaseDamaged, match="delete its folder"):
        made.take_back()
