"""The key-value store in memory: LevelDB's twin for tests and throw-away chains.

Each key keeps its past values for as long as a snapshot may ask for them, tagged with the number
of the write that set them. A snapshot is nothing but such a number.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from threading import Lock
from weakref import WeakSet

from state.kv import KeyValueReader

_Version = tuple[int, bytes | None]


class MemoryStore:
    """A `KeyValueStore` that forgets everything when it goes."""

    def __init__(self) -> None:
        self._values: dict[bytes, list[_Version]] = {}
        self._sorted: list[bytes] = []
        self._unsorted: list[bytes] = []
        self._writes = 0
        self._snapshots: WeakSet[_MemorySnapshot] = WeakSet()
        self._lock = Lock()

    def get(self, key: bytes) -> bytes | None:
        """The newest value of a key."""
        return self.value_at(key, self._writes)

    def iterate(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Keys in range as they are when the iteration starts."""
        return self.snapshot().iterate(start, end)

    def snapshot(self) -> KeyValueReader:
        """Remember the number of the last write."""
        with self._lock:
            snapshot = _MemorySnapshot(self, self._writes)
            self._snapshots.add(snapshot)
            return snapshot

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Set new values under the next number, then let readers see that number."""
        with self._lock:
            number = self._writes + 1
            oldest = min((s.number for s in self._snapshots), default=self._writes)
            for key, value in changes.items():
                versions = self._values.get(key)
                if versions is None:
                    self._values[key] = [(number, value)]
                    self._unsorted.append(key)
                else:
                    self._values[key] = [*_needed(versions, oldest), (number, value)]
            self._writes = number

    @property
    def failure(self) -> str | None:
        """Memory takes every write."""
        return None

    def close(self) -> None:
        """Nothing to release."""

    def value_at(self, key: bytes, number: int) -> bytes | None:
        """The value of a key after write `number`."""
        for written, value in reversed(self._values.get(key, ())):
            if written <= number:
                return value
        return None

    def keys_between(self, start: bytes, end: bytes | None) -> list[bytes]:
        """All keys ever written in a range, sorted."""
        with self._lock:
            if self._unsorted:
                self._sorted = sorted(self._sorted + self._unsorted)
                self._unsorted = []
            low = bisect_left(self._sorted, start)
            high = len(self._sorted) if end is None else bisect_left(self._sorted, end)
            return self._sorted[low:high]


def _needed(versions: list[_Version], oldest: int) -> list[_Version]:
    """Drop versions that are older than the one the oldest snapshot sees."""
    for index in range(len(versions) - 1, -1, -1):
        if versions[index][0] <= oldest:
            return versions[index:]
    return versions


class _MemorySnapshot:
    """The store after one of its writes."""

    __slots__ = ("__weakref__", "_store", "number")

    def __init__(self, store: MemoryStore, number: int) -> None:
        self._store = store
        self.number = number

    def get(self, key: bytes) -> bytes | None:
        return self._store.value_at(key, self.number)

    def iterate(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        for key in self._store.keys_between(start, end):
            value = self._store.value_at(key, self.number)
            if value is not None:
                yield key, value
