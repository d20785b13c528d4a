"""Where state variables lie in storage, read from a compiled contract's layout.

The rules are Solidity's "Layout of State Variables in Storage": values packed from the low end of a
slot, mappings at keccak(key ++ slot), dynamic arrays from keccak(slot) on.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from genesis.artifacts import Artifact
from state.errors import InternalError
from state.keccak import keccak

WORD_BYTES = 32

type_name = str
Key = int | bytes
"""A mapping's key: a number, or an address."""
Value = Any
"""int, bool, bytes (address), dict (struct) or list (fixed array), as the type asks."""


class LayoutMismatch(InternalError):
    """The contract has no such variable, or the value doesn't fit its type."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value starts: its slot, the byte within it from the low end, and its type."""

    slot: int
    offset: int
    type: type_name


@dataclass(frozen=True, slots=True)
class Layout:
    """The storage of one contract."""

    storage: Sequence[Mapping[str, Any]]
    types: Mapping[type_name, Mapping[str, Any]]

    @classmethod
    def of(cls, artifact: Artifact) -> "Layout":
        """The layout that the compiler wrote beside the code."""
        return cls(artifact.storage_layout["storage"], artifact.storage_layout["types"])

    def place(self, label: str, *keys: Key) -> Place:
        """Where a variable lies, or what its mappings or array hold under `keys`.

        Raises `LayoutMismatch`.
        """
        entry = next((e for e in self.storage if e["label"] == label), None)
        if entry is None:
            raise LayoutMismatch(f"no state variable {label}")
        place = Place(int(entry["slot"]), int(entry["offset"]), entry["type"])
        for key in keys:
            place = self._enter(place, key)
        return place

    def member(self, place: Place, label: str) -> Place:
        """Where a member of a struct lies. Raises `LayoutMismatch`."""
        members = self.types[place.type].get("members", ())
        found = next((m for m in members if m["label"] == label), None)
        if found is None:
            raise LayoutMismatch(f"{place.type} has no member {label}")
        return self._member(place, found)

    def read(self, place: Place, word: Callable[[int], int]) -> Value:
        """The value at a place; `word` gives a slot's content."""
        kind = self.types[place.type]
        if "members" in kind:
            return {m["label"]: self.read(self._member(place, m), word) for m in kind["members"]}
        if kind["encoding"] == "inplace" and "base" in kind:
            return [self.read(element, word) for element in self._elements(place)]
        bits = 8 * int(kind["numberOfBytes"])
        raw = (word(place.slot) >> (8 * place.offset)) & ((1 << bits) - 1)
        return _value(kind["label"], raw, bits)

    def write(self, place: Place, value: Value, words: MutableMapping[int, int]) -> None:
        """Put a value at a place of `words` (slot to content). Raises `LayoutMismatch`."""
        kind = self.types[place.type]
        if "members" in kind:
            self._write_struct(place, kind["members"], value, words)
            return
        if kind["encoding"] == "inplace" and "base" in kind:
            elements = list(self._elements(place))
            if len(elements) != len(value):
                raise LayoutMismatch(f"{kind['label']} has no {len(value)} elements")
            for element, part in zip(elements, value):
                self.write(element, part, words)
            return
        bits = 8 * int(kind["numberOfBytes"])
        raw = _raw(kind["label"], value, bits)
        shift = 8 * place.offset
        kept = words.get(place.slot, 0) & ~(((1 << bits) - 1) << shift)
        words[place.slot] = kept | raw << shift

    def _write_struct(
        self,
        place: Place,
        members: Sequence[Mapping[str, Any]],
        value: Mapping[str, Value],
        words: MutableMapping[int, int],
    ) -> None:
        by_label = {m["label"]: m for m in members}
        for label, part in value.items():
            if label not in by_label:
                raise LayoutMismatch(f"{place.type} has no member {label}")
            self.write(self._member(place, by_label[label]), part, words)

    def _enter(self, place: Place, key: Key) -> Place:
        kind = self.types[place.type]
        if kind["encoding"] == "mapping":
            slot = keccak(_key_word(key) + place.slot.to_bytes(WORD_BYTES, "big"))
            return Place(int.from_bytes(slot, "big"), 0, kind["value"])
        if kind["encoding"] == "dynamic_array" and isinstance(key, int):
            first = int.from_bytes(keccak(place.slot.to_bytes(WORD_BYTES, "big")), "big")
            return self._element(first, kind["base"], key)
        raise LayoutMismatch(f"{kind['label']} holds nothing under a key")

    def length_place(self, label: str, *keys: Key) -> Place:
        """Where a dynamic array keeps its length."""
        return Place(self.place(label, *keys).slot, 0, "t_uint256")

    def _member(self, place: Place, member: Mapping[str, Any]) -> Place:
        return Place(place.slot + int(member["slot"]), int(member["offset"]), member["type"])

    def _elements(self, place: Place) -> Iterator[Place]:
        """The elements of a fixed array, whose length is in its label, `int32[8]`."""
        kind = self.types[place.type]
        count = int(kind["label"].rsplit("[", 1)[1][:-1])
        return (self._element(place.slot, kind["base"], i) for i in range(count))

    def _element(self, first: int, base: type_name, index: int) -> Place:
        size = int(self.types[base]["numberOfBytes"])
        if size > WORD_BYTES:
            return Place(first + index * (size // WORD_BYTES), 0, base)
        in_slot = WORD_BYTES // size
        return Place(first + index // in_slot, index % in_slot * size, base)


def _key_word(key: Key) -> bytes:
    if isinstance(key, int):
        return key.to_bytes(WORD_BYTES, "big")
    return key.rjust(WORD_BYTES, b"\0")


def _value(label: str, raw: int, bits: int) -> Value:
    if label == "bool":
        return bool(raw)
    if label == "address":
        return raw.to_bytes(20, "big")
    if label.startswith("int") and raw >> (bits - 1):
        return raw - (1 << bits)
    return raw


def _raw(label: str, value: Value, bits: int) -> int:
    number = int.from_bytes(value, "big") if isinstance(value, bytes) else int(value)
    low, high = 0, 2 if label == "bool" else 1 << bits
    if label.startswith("int"):
        low, high = -(1 << (bits - 1)), 1 << (bits - 1)
    if not low <= number < high:
        raise LayoutMismatch(f"{number} is no {label}")
    return number % (1 << bits)
