"""The clearing house's storage by the layout that the compiler wrote beside its code."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from execution.contracts import artifact
from execution.contracts.layout import Key, Layout, Value

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Struct = TypeVar("Struct", bound=DataclassInstance)

Word = Callable[[int], int]
"""Gives a slot's content."""

MARKET_BITS: Final = 32
"""A market's or series' part of the keys that name an account too."""

TIME_BITS: Final = 40
"""The part of a key that is seconds, or a bucket of them."""

_HUMP = re.compile(r"_([a-z])")


def read_value(word: Word, label: str, *keys: Key) -> Value:
    """A state variable, or what its mappings hold under `keys`; structs as dicts."""
    layout = _layout()
    return layout.read(layout.place(label, *keys), word)


def moved_member(
    word: Word, label: str, *keys: Key, members: Sequence[str], by: int, least: int
) -> tuple[int, int]:
    """A slot, and its content if a number of a struct in it moved by so much, to `least` or more.

    `members` lead to the number, from the variable inwards.
    """
    layout = _layout()
    place = layout.place(label, *keys)
    for member in members:
        place = layout.member(place, member)
    words = {place.slot: word(place.slot)}
    layout.write(place, max(least, layout.read(place, word) + by), words)
    return place.slot, words[place.slot]


def read_struct(kind: "type[Struct]", word: Word, label: str, *keys: Key) -> "Struct":
    """A struct as the dataclass of its members, `camelCase` there and `snake_case` here."""
    return as_struct(kind, read_value(word, label, *keys))


def as_struct(kind: "type[Struct]", members: Mapping[str, Any]) -> "Struct":
    """The dataclass of a struct's members."""
    return kind(**{f.name: members[_camel(f.name)] for f in fields(kind)})


def read_lane(word: Word, label: str, key: int, lane: int, bits: int) -> int:
    """One of the unsigned numbers that share a slot, from the low end."""
    return int(read_value(word, label, key) >> bits * lane & (1 << bits) - 1)


def market_key(account: int, market: int) -> int:
    """The key of what an account has in a market."""
    return account << MARKET_BITS | market


def time_key(market: int, moment: int) -> int:
    """The key of what a market has at a time or in a bucket."""
    return market << TIME_BITS | moment


@cache
def _layout() -> Layout:
    return Layout.of(artifact("ClearingHouse"))


@cache
def _camel(name: str) -> str:
    return _HUMP.sub(lambda match: match[1].upper(), name)
