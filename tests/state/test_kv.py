"""Both key-value stores against one model, and what a folder can have wrong with it."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from state.kv import DatabaseInUse, DatabaseUnwritable, KeyValueStore, prefix_end
from state.leveldb import LevelDBStore
from state.memory import MemoryStore


@pytest.fixture(params=["memory", "leveldb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    opened: KeyValueStore = MemoryStore() if request.param == "memory" else LevelDBStore(tmp_path)
    yield opened
    opened.close()


def test_get_and_iterate_match_a_dictionary(store: KeyValueStore):
    rng, model, snapshots = random.Random(1), dict[bytes, bytes](), []
    for step in range(150):
        changes = {
            rng.randbytes(rng.randrange(1, 3)): None if rng.random() < 0.3 else rng.randbytes(3)
            for _ in range(rng.randrange(20))
        }
        store.write(changes)
        for key, value in changes.items():
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
        if step % 20 == 0:
            snapshots.append((store.snapshot(), dict(model)))
        if step == 100:
            del snapshots[::2]
    for reader, expected in [(store, model), *snapshots]:
        assert dict(reader.iterate(b"", None)) == expected
        assert list(reader.iterate(b"\x40", b"\x90")) == sorted(
            (key, value) for key, value in expected.items() if b"\x40" <= key < b"\x90"
        )
        assert all(reader.get(key) == expected.get(key) for key in [*model, b"absent"])


def test_iterate_while_writing_sees_what_was_there(store: KeyValueStore):
    store.write({bytes([n]): b"old" for n in range(10)})
    entries = store.iterate(b"", None)
    first = next(entries)
    store.write({bytes([n]): b"new" for n in range(5, 15)})
    store.write({b"\x01": None})
    assert [first, *entries] == [(bytes([n]), b"old") for n in range(10)]


def test_close_twice_is_allowed(store: KeyValueStore):
    store.close()
    store.close()


@pytest.mark.parametrize(
    ("prefix", "end"),
    [(b"a", b"b"), (b"a\xff", b"b"), (b"\xff", None), (b"", None), (b"a\x00", b"a\x01")],
)
def test_prefix_end_is_the_first_key_after(prefix: bytes, end: bytes | None):
    assert prefix_end(prefix) == end


def test_open_twice_is_in_use_and_leaves_the_first_one_alone(tmp_path: Path):
    first = LevelDBStore(tmp_path)
    for _ in range(3):
        with pytest.raises(DatabaseInUse, match="--data-dir"):
            LevelDBStore(tmp_path)
    first.write({b"key": b"value"})
    first.close()
    again = LevelDBStore(tmp_path)
    assert again.get(b"key") == b"value"
    again.close()


def test_open_under_a_file_is_unwritable(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DatabaseUnwritable, match="--data-dir"):
        LevelDBStore(tmp_path / "file" / "db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_open_without_permission_is_unwritable(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(DatabaseUnwritable, match="permission"):
        LevelDBStore(tmp_path / "db")


def test_write_that_raises_on_the_way_writes_nothing(tmp_path: Path):
    store = LevelDBStore(tmp_path)
    with pytest.raises(TypeError):
        store.write({b"a": b"1", b"b": "not bytes"})  # type: ignore[dict-item]
    assert list(store.iterate(b"", None)) == []
    store.close()
