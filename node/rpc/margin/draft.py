"""Changes to the ClearingHouse's storage that are only thought of."""

from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any

from execution.contracts import artifact
from execution.contracts.layout import Key, Layout
from execution.margin.calls import HouseCalls


class Draft(MutableMapping[int, int]):
    """Slots over those of a house, written by the compiler's layout; `apply` pretends them."""

    def __init__(self, house: HouseCalls) -> None:
        self._house = house
        self._words: dict[int, int] = {}

    def put(self, value: Any, label: str, *keys: Key) -> None:
        """Write a state variable, or what it holds under `keys`; of structs the given members."""
        layout = _layout()
        layout.write(layout.place(label, *keys), value, self)

    def put_lane(self, value: int, bits: int, label: str, key: int, lane: int) -> None:
        """Write one of the numbers that share a slot, from the low end; signed ones wrap."""
        slot = _layout().place(label, key).slot
        shift, mask = bits * lane, (1 << bits) - 1
        self[slot] = self[slot] & ~(mask << shift) | (value & mask) << shift

    def apply(self) -> None:
        """Let the house answer as if all of it were so."""
        self._house.pretend(self._words)

    def __getitem__(self, slot: int) -> int:
        found = self._words.get(slot)
        return self._house.word(slot) if found is None else found

    def __setitem__(self, slot: int, word: int) -> None:
        self._words[slot] = word

    def __delitem__(self, slot: int) -> None:
        del self._words[slot]

    def __iter__(self) -> Iterator[int]:
        return iter(self._words)

    def __len__(self) -> int:
        return len(self._words)


@cache
def _layout() -> Layout:
    return Layout.of(artifact("ClearingHouse"))
