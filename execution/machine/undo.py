"""The undo log that state and journal share: a snapshot is its length.

Taking a snapshot costs nothing, reverting costs what was changed since, and any earlier moment of
the transaction can be looked at again, which is how a snapshot's roots are found only when asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from state.errors import InternalError

Write: TypeAlias = tuple[dict[Any, Any], Any]
"""A mapping, and a key of it that was set."""

_ABSENT: Final = object()
"""In place of a value: the key was not there."""


class UndoLog:
    """What every change since the transaction's start replaced."""

    __slots__ = ("_entries", "version")

    def __init__(self) -> None:
        self._entries: list[tuple[dict[Any, Any], Any, Any]] = []
        self.version = 0
        """Grows with every change and revert: equal versions, equal contents."""

    def put(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        """Set `mapping[key]`, and remember what was there."""
        self._entries.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value
        self.version += 1

    def snapshot(self) -> int:
        return len(self._entries)

    def since(self, snapshot: int) -> list[Write]:
        """What was written from `snapshot` on, in this order."""
        self._check(snapshot)
        return [(mapping, key) for mapping, key, _ in self._entries[snapshot:]]

    def revert(self, snapshot: int) -> None:
        """Undo everything since `snapshot`."""
        self._check(snapshot)
        while len(self._entries) > snapshot:
            mapping, key, old = self._entries.pop()
            _set(mapping, key, old)
        self.version += 1

    @contextmanager
    def rewound(self, snapshot: int) -> Iterator[None]:
        """Look at everything as it was at `snapshot`; afterwards it is as it was before."""
        self._check(snapshot)
        redo = []
        while len(self._entries) > snapshot:
            mapping, key, old = self._entries.pop()
            redo.append((mapping, key, old, mapping.get(key, _ABSENT)))
            _set(mapping, key, old)
        version, self.version = self.version, -1
        try:
            yield
        finally:
            for mapping, key, old, new in reversed(redo):
                self._entries.append((mapping, key, old))
                _set(mapping, key, new)
            self.version = version

    def clear(self) -> None:
        """Keep what was changed for good: the transaction is over."""
        self._entries.clear()
        self.version += 1

    def _check(self, snapshot: int) -> None:
        if not 0 <= snapshot <= len(self._entries):
            raise InternalError(f"snapshot {snapshot} of an undo log of {len(self._entries)}")


def _set(mapping: dict[Any, Any], key: Any, value: Any) -> None:
    if value is _ABSENT:
        mapping.pop(key, None)
    else:
        mapping[key] = value
