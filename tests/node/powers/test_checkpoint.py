"""Copies of a data folder, taken while it is open, and put back whatever happens."""

import json
import os
import threading
from pathlib import Path

import pytest

from node.powers import checkpoint
from node.powers.errors import PowerRefused
from state.leveldb import LevelDBStore

BIG = 200_000


@pytest.fixture
def node_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "genesis.json").write_text("{}")
    return folder


def put(store: LevelDBStore, first: int, count: int) -> None:
    for number in range(first, first + count):
        store.write({number.to_bytes(8, "big"): os.urandom(BIG)})


def numbers(folder: Path) -> list[int]:
    store = LevelDBStore(folder / "db")
    try:
        return [int.from_bytes(key, "big") for key, _ in store.iterate(b"", None)]
    finally:
        store.close()


def test_copy_of_an_open_database_holds_what_was_written(tmp_path, node_folder) -> None:
    store = LevelDBStore(node_folder / "db")
    put(store, 0, 60)
    checkpoint.take(node_folder, tmp_path / "copy")
    put(store, 60, 60)
    store.close()

    assert numbers(node_folder) == list(range(120))
    checkpoint.put_back(tmp_path / "copy", node_folder)
    assert numbers(node_folder) == list(range(60))
    assert (node_folder / "genesis.json").read_text() == "{}"


def test_copy_stays_the_same_when_put_back_and_written_to(tmp_path, node_folder) -> None:
    store = LevelDBStore(node_folder / "db")
    put(store, 0, 30)
    checkpoint.take(node_folder, tmp_path / "copy")
    store.close()

    for _ in range(3):
        checkpoint.put_back(tmp_path / "copy", node_folder)
        store = LevelDBStore(node_folder / "db")
        assert len(list(store.iterate(b"", None))) == 30
        put(store, 10, 60)
        store.close()


def test_copy_during_writes_ends_at_some_write(tmp_path, node_folder) -> None:
    """The order log is written while the chain is held: a copy of it is a beginning of it."""
    store = LevelDBStore(node_folder / "db")
    stopping = threading.Event()

    def write() -> None:
        number = 0
        while not stopping.is_set():
            put(store, number, 1)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for copy in range(5):
            checkpoint.take(node_folder, tmp_path / str(copy))
    finally:
        stopping.set()
        writer.join()
        store.close()

    for copy in range(5):
        found = numbers(tmp_path / str(copy))
        assert found == list(range(len(found)))


def test_what_came_after_the_copy_is_gone(tmp_path, node_folder) -> None:
    checkpoint.take(node_folder, tmp_path / "copy")
    (node_folder / "later").mkdir()
    (node_folder / "later" / "file").touch()
    checkpoint.put_back(tmp_path / "copy", node_folder)

    assert sorted(one.name for one in node_folder.iterdir()) == ["genesis.json"]


def test_half_put_back_is_finished_by_the_next_start(tmp_path, node_folder) -> None:
    checkpoint.take(node_folder, tmp_path / "copy")
    (node_folder / "genesis.json").unlink()
    marker = json.dumps({"from": str(tmp_path / "copy")})
    (node_folder / checkpoint.MARKER).write_text(marker)

    checkpoint.finish_putting_back(node_folder)
    checkpoint.finish_putting_back(node_folder)

    assert [one.name for one in node_folder.iterdir()] == ["genesis.json"]


def test_copy_that_is_gone_refused(tmp_path, node_folder) -> None:
    with pytest.raises(PowerRefused):
        checkpoint.put_back(tmp_path / "none", node_folder)
    assert (node_folder / "genesis.json").exists()
