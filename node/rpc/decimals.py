"""Numbers with a unit: decimal strings whose member's name ends in the unit.

JSON numbers lose digits beyond 2^53 in most clients, so whatever is measured in P8, S8, Q6, R12,
F12, Wad or Ppm is a string of its integer, as in `"cashQ6": "-1500000"`. Ids, counts and seconds
are JSON numbers.
"""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from node.rpc.codec import list_of, parse_object
from node.rpc.errors import InvalidParams

T = TypeVar("T")

_DECIMAL: Final = re.compile(r"0|-?[1-9][0-9]{0,29}", re.ASCII)
"""At most 30 digits: 2^95 has 29."""

Parse = Callable[[object], T]


def decimal(low: int, high: int) -> Parse[int]:
    """A parser of decimal strings from `low` to `high`, both included."""

    def parse(value: object) -> int:
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            raise InvalidParams(f"not a decimal string of an integer: {value!r:.40}")
        number = int(value)
        if not low <= number <= high:
            raise InvalidParams(f"{value} is not within {low} and {high}")
        return number

    return parse


def whole(low: int, high: int) -> Parse[int]:
    """A parser of JSON integers from `low` to `high`, both included: ids, counts, seconds."""

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidParams(f"not a JSON integer: {value!r:.40}")
        if not low <= value <= high:
            raise InvalidParams(f"{value} is not within {low} and {high}")
        return value

    return parse


class Members:
    """The members of an object: each is read once by its parser, and none may be left over."""

    def __init__(self, value: object) -> None:
        self._left = {k: v for k, v in parse_object(value).items() if v is not None}

    def required(self, name: str, parse: Parse[T]) -> T:
        """A member that must be there."""
        if name not in self._left:
            raise InvalidParams(f"{name} is missing")
        return self._parsed(name, parse)

    def optional(self, name: str, parse: Parse[T]) -> T | None:
        """A member, or None where it is left out or null."""
        return self._parsed(name, parse) if name in self._left else None

    def listed(self, name: str, parse: Parse[T], longest: int) -> tuple[T, ...]:
        """A list, empty where it is left out."""
        return self.optional(name, list_of(parse, longest)) or ()

    def end(self) -> None:
        """Refuse what nobody asked for: a misspelt member must not silently be none."""
        if self._left:
            raise InvalidParams(f"unknown member {min(self._left)!r:.40}")

    def _parsed(self, name: str, parse: Parse[T]) -> T:
        try:
            return parse(self._left.pop(name))
        except InvalidParams as error:
            raise InvalidParams(f"{name}: {error.message}") from None
