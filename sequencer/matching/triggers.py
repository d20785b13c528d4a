"""Stops and take-profits that wait for the mark."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from sequencer.matching.entry import Entry
from state.errors import InternalError

Key = tuple[int, int]
"""Trigger price (p8) and rank."""


class Triggers:
    """The waiting orders of a market: those that a rising mark fires and those that a falling one
    does, each in order of price, so that a mark looks only at what it fires."""

    __slots__ = ("_entries", "_falling", "_rising")

    def __init__(self) -> None:
        self._rising: list[Key] = []
        self._falling: list[Key] = []
        self._entries: dict[int, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def add(self, entry: Entry) -> None:
        """Let an order wait."""
        keys, key = self._place(entry)
        insort(keys, key)
        self._entries[entry.rank] = entry

    def remove(self, entry: Entry) -> None:
        """Take a waiting order out."""
        keys, key = self._place(entry)
        del keys[bisect_left(keys, key)]
        del self._entries[entry.rank]

    def met_by(self, mark: int) -> list[Entry]:
        """Whom a mark (p8) fires, in the order in which they were accepted."""
        rising = self._rising[: bisect_left(self._rising, (mark + 1,))]
        falling = self._falling[bisect_left(self._falling, (mark,)) :]
        return [self._entries[rank] for rank in sorted(rank for _, rank in rising + falling)]

    def _place(self, entry: Entry) -> tuple[list[Key], Key]:
        trigger = entry.order.trigger
        if trigger is None:
            raise InternalError("an order without a trigger waits for one")
        rises = trigger.rises(is_buy=entry.order.is_buy)
        return self._rising if rises else self._falling, (trigger.price, entry.rank)
