"""LevelDB behind the `KeyValueStore` interface.

Three habits of LevelDB shape this file. It releases its file lock when a second open in the same
process fails, so a lock file of our own is taken first. By default it skips damaged parts of its
log and keeps later ones, so `paranoid_checks` is on. And after a failed write it may go on behind
a torn record, so the first failed write here is the last.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import plyvel

from state.kv import (
    REMEDY,
    DatabaseDamaged,
    DatabaseInUse,
    DatabaseUnwritable,
    KeyValueReader,
)
from state.limits import (
    LEVELDB_BLOOM_BITS,
    LEVELDB_CACHE_BYTES,
    LEVELDB_OPEN_FILES_MAX,
    LEVELDB_WRITE_BUFFER_BYTES,
)

LOCK_FILE = "lock"
LEVELDB_FOLDER = "leveldb"


class LevelDBStore:
    """A `KeyValueStore` in a folder; every write is synced before it returns."""

    def __init__(self, path: Path, *, tolerant: bool = False) -> None:
        """Open or create the folder. Raises the errors of `state/kv.py`.

        `tolerant` is for recovery alone: LevelDB then drops damaged parts of its log, and whoever
        opened it so has to find out what is left.
        """
        self._path = path
        self._failed: str | None = None
        self._lock = _FolderLock(path)
        try:
            self._db = _open(path / LEVELDB_FOLDER, tolerant)
        except BaseException:
            self._lock.release()
            raise

    def get(self, key: bytes) -> bytes | None:
        """The newest value of a key."""
        return _get(self._db, self._path, key)

    def iterate(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Keys in range as they are when the iteration starts."""
        return _iterate(self._db, self._path, start, end)

    def snapshot(self) -> KeyValueReader:
        """LevelDB's own snapshot; released when nothing refers to it any more."""
        return _LevelDBSnapshot(self._db.snapshot(), self._path)

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """One batch, synced: all of it is on disk when this returns, or none of it."""
        if self._failed is not None:
            raise DatabaseUnwritable(self._failed)
        try:
            with self._db.write_batch(transaction=True, sync=True) as batch:
                for key in sorted(changes):
                    value = changes[key]
                    if value is None:
                        batch.delete(key)
                    else:
                        batch.put(key, value)
        except plyvel.Error as error:
            self._failed = (
                f"the database in {self._path} can't be written ({_reason(error)}); nothing of"
                " this block was kept: free room or mend the disk, then start again"
            )
            raise DatabaseUnwritable(self._failed) from error

    @property
    def failure(self) -> str | None:
        """What the first write that failed said."""
        return self._failed

    def close(self) -> None:
        """Close LevelDB, then give up the folder."""
        self._db.close()
        self._lock.release()


class _LevelDBSnapshot:
    __slots__ = ("_path", "_snapshot")

    def __init__(self, snapshot: Any, path: Path) -> None:
        self._snapshot = snapshot
        self._path = path

    def get(self, key: bytes) -> bytes | None:
        return _get(self._snapshot, self._path, key)

    def iterate(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        return _iterate(self._snapshot, self._path, start, end)


class _FolderLock:
    """An exclusive lock on a folder, which dies with the process that holds it."""

    def __init__(self, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._file: int | None = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise DatabaseUnwritable(
                f"the folder {path} can't be written ({error.strerror}): choose another with"
                " --data-dir, or change its permissions"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            raise DatabaseInUse(
                f"the database in {path} is open elsewhere: stop the other node, or choose"
                " another folder with --data-dir"
            ) from error

    def release(self) -> None:
        """Close the file, and with it the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _open(path: Path, tolerant: bool) -> Any:
    # Not compressed: most of what is kept are hashes, and reading them back would cost more.
    try:
        return plyvel.DB(
            str(path),
            create_if_missing=True,
            paranoid_checks=not tolerant,
            bloom_filter_bits=LEVELDB_BLOOM_BITS,
            lru_cache_size=LEVELDB_CACHE_BYTES,
            write_buffer_size=LEVELDB_WRITE_BUFFER_BYTES,
            max_open_files=LEVELDB_OPEN_FILES_MAX,
            compression=None,
        )
    except plyvel.CorruptionError as error:
        raise _damaged(path.parent, error) from error
    except plyvel.Error as error:
        # LevelDB reports a lost file of its own as an I/O error too, or as an invalid argument.
        if path.exists() and os.access(path, os.W_OK) and "o space" not in str(error):
            raise _damaged(path.parent, error) from error
        raise DatabaseUnwritable(
            f"the database in {path.parent} can't be opened for writing ({_reason(error)}): check"
            " permissions and free room"
        ) from error


def _get(db: Any, path: Path, key: bytes) -> bytes | None:
    try:
        value: bytes | None = db.get(key, verify_checksums=True)
    except plyvel.Error as error:
        raise _damaged(path, error) from error
    return value


def _iterate(db: Any, path: Path, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
    try:
        with db.iterator(start=start, stop=end, verify_checksums=True) as entries:
            yield from entries
    except plyvel.Error as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DatabaseDamaged:
    return DatabaseDamaged(f"the database in {path} is damaged ({_reason(error)}): {REMEDY}")


def _reason(error: Exception) -> str:
    text = str(error).strip()
    return text or type(error).__name__
