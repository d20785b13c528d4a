"""The order log on a real LevelDB: what is in it is what was written, or it says what is wrong."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from sequencer import journal as journal_module
from sequencer.journal import Canceller, OrderJournal
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.inputs import Heartbeat, Input, ListMarket, Place
from sequencer.matching.orders import BookOrder
from state.errors import InternalError
from state.kv import (
    DatabaseDamaged,
    DatabaseInUse,
    DatabaseOfAnotherChain,
    DatabaseVersionUnknown,
)
from state.leveldb import LevelDBStore
from tests.sequencer.exchange.house import DOMAIN, LOT, START, TICK, Trader, owner

NOW = START * 1_000


def inputs(count: int, start: int = 0) -> list[Input]:
    """A market, then orders that now and then meet."""
    traders = (Trader(0, start), Trader(1, start))
    given: list[Input] = []
    for number in range(start, start + count):
        if number == 0:
            given.append(ListMarket(time=NOW, market=0, tick=TICK, lot=LOT))
            continue
        trader = traders[number % 2]
        signed = trader.order(number % 2 == 0, LOT * (1 + number % 3), TICK * (100 + number % 5))
        order = BookOrder.of(signed, signed.order.digest(DOMAIN), owner(trader.index))
        given.append(Place(time=NOW + number, order=order, most=order.size))
    return given


def replayed(given: Sequence[Input]) -> MatchingEngine:
    engine = MatchingEngine()
    for one in given:
        engine.apply(one)
    return engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders"


@pytest.fixture
def journal(path: Path) -> Iterator[OrderJournal]:
    opened = OrderJournal.open(path)
    opened.load()
    yield opened
    opened.close()


def entries(path: Path, prefix: bytes) -> list[bytes]:
    store = LevelDBStore(path)
    try:
        return [key for key, _ in store.iterate(prefix, bytes([prefix[0] + 1]))]
    finally:
        store.close()


def change(path: Path, changes: dict[bytes, bytes | None]) -> None:
    store = LevelDBStore(path)
    store.write(changes)
    store.close()


def reopened(journal: OrderJournal, path: Path) -> MatchingEngine:
    journal.close()
    again = OrderJournal.open(path)
    try:
        return again.load()
    finally:
        again.close()


def test_log_gives_back_the_engine(journal: OrderJournal, path: Path) -> None:
    given = inputs(50)
    for start in range(0, 50, 7):
        journal.append(given[start : start + 7])
    assert reopened(journal, path).snapshot() == replayed(given).snapshot()


def test_log_of_memory_gives_back_the_engine() -> None:
    given = inputs(20)
    journal = OrderJournal.open(None)
    journal.load()
    journal.append(given)
    assert journal.load().snapshot() == replayed(given).snapshot()


def test_snapshot_and_what_came_after_give_the_engine(journal: OrderJournal, path: Path) -> None:
    given = inputs(60)
    for end in (20, 40, 60):
        journal.append(given[end - 20 : end])
        if end < 60:
            journal.save_snapshot(replayed(given[:end]))
    assert reopened(journal, path).snapshot() == replayed(given).snapshot()


def test_snapshot_twice_at_one_place_keeps_the_one_before(
    journal: OrderJournal, path: Path
) -> None:
    given = inputs(20)
    journal.append(given[:10])
    journal.save_snapshot(replayed(given[:10]))
    journal.append(given[10:])
    for _ in range(2):
        journal.save_snapshot(replayed(given))
    journal.close()
    assert len(entries(path, b"s")) == 2


def test_log_is_pruned_behind_the_older_snapshot(
    journal: OrderJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "PRUNED_INPUTS_MAX", 3)
    given = inputs(100)
    for end in range(10, 101, 10):
        journal.append(given[end - 10 : end])
        journal.save_snapshot(replayed(given[:end]))
    assert reopened(journal, path).snapshot() == replayed(given).snapshot()
    assert [int.from_bytes(key[1:]) for key in entries(path, b"s")] == [90, 100]
    first = int.from_bytes(entries(path, b"i")[0][1:])
    assert 70 < first <= 91


def test_damaged_newest_snapshot_falls_back_to_the_one_before(
    journal: OrderJournal, path: Path
) -> None:
    given = inputs(200)
    for end in (50, 100, 150, 200):
        journal.append(given[end - 50 : end])
        journal.save_snapshot(replayed(given[:end]))
    journal.close()
    change(path, {entries(path, b"s")[-1]: b"\xc1"})
    again = OrderJournal.open(path)
    assert again.load().snapshot() == replayed(given).snapshot()
    again.close()


@pytest.mark.parametrize("missing", [1, 7])
def test_gap_is_damage(journal: OrderJournal, path: Path, missing: int) -> None:
    journal.append(inputs(10))
    journal.close()
    change(path, {b"i" + missing.to_bytes(8, "big"): None})
    again = OrderJournal.open(path)
    with pytest.raises(DatabaseDamaged, match=f"input {missing} is missing.*delete the folder"):
        again.load()
    again.close()


def test_bytes_that_are_no_input_are_damage(journal: OrderJournal, path: Path) -> None:
    journal.append(inputs(3))
    journal.close()
    change(path, {b"i" + (2).to_bytes(8, "big"): msgspec.msgpack.encode(["place", 1])})
    again = OrderJournal.open(path)
    with pytest.raises(DatabaseDamaged, match="input 2 is none"):
        again.load()
    again.close()


def test_log_of_another_chain_is_refused(path: Path) -> None:
    OrderJournal.open(path, b"one").close()
    OrderJournal.open(path, b"one").close()
    with pytest.raises(DatabaseOfAnotherChain, match="delete this one"):
        OrderJournal.open(path, b"two")
    OrderJournal.open(path, b"one").close()


def test_log_of_another_layout_is_refused(path: Path) -> None:
    OrderJournal.open(path).close()
    change(path, {b"mversion": b"\x09"})
    with pytest.raises(DatabaseVersionUnknown, match="layout 09"):
        OrderJournal.open(path)


def test_log_is_open_once(journal: OrderJournal, path: Path) -> None:
    with pytest.raises(DatabaseInUse):
        OrderJournal.open(path)


def test_signing_times_last_until_they_are_dropped(journal: OrderJournal, path: Path) -> None:
    owner, key, other = Canceller(1, b"owner"), Canceller(1, b"key"), Canceller(2, b"owner")
    journal.append(inputs(2), {owner: NOW, other: NOW + 1})
    journal.append([], {owner: NOW + 5, key: NOW + 6, other: None})
    assert journal.cancel_times() == {owner: NOW + 5, key: NOW + 6}


def test_log_that_was_not_loaded_takes_nothing(path: Path) -> None:
    journal = OrderJournal.open(path)
    with pytest.raises(InternalError):
        journal.append([Heartbeat(time=NOW)])
    journal.close()


def test_snapshot_of_another_place_is_refused(journal: OrderJournal) -> None:
    journal.append(inputs(3))
    with pytest.raises(InternalError):
        journal.save_snapshot(replayed(inputs(2)))
