"""A cache with a limit: what was used lately stays, in constant time and without a lock."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class GenerationCache(Generic[K, V]):
    """Two dictionaries; when the young one is full it becomes the old one, which is dropped.

    An entry used while old moves to the young one, so that at least the last `size` entries used
    are kept, and at most twice as many. Each step is one dictionary operation, so threads can at
    worst lose an entry, never see a wrong one.
    """

    __slots__ = ("_old", "_size", "_young")

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """The entry, or None where it was never put or has been dropped."""
        value = self._young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep an entry for a while."""
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
        self._young[key] = value
