"""Arguments of the powers: tools send numbers as JSON numbers, or as digits with or without zeros.

Everything raises `InvalidParams`.
"""

import re
from collections.abc import Awaitable
from typing import Any, Final, NamedTuple, Protocol

from node.rpc.dispatch import Handler, method
from node.rpc.errors import InvalidParams
from state.types import UINT64_MAX

_HEX: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)


class Ask(Protocol):
    """Passes a power on to the devnet, with plain JSON both ways."""

    def __call__(self, power: str, /, **arguments: Any) -> Awaitable[Any]:
        """Raises `PowerRefused` or `PowerUnavailable`."""


class MineOptions(NamedTuple):
    """The argument of `evm_mine`: a timestamp, or an object of both."""

    blocks: int = 1
    timestamp: int | None = None


def parse_number(value: object) -> int:
    """Parse a number of at most 64 bits."""
    number = value
    if isinstance(value, str) and _HEX.fullmatch(value):
        number = int(value, 16)
    elif isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) < 20:
        number = int(value)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= UINT64_MAX:
        raise InvalidParams(f"not a number of at most 64 bits: {value!r:.40}")
    return number


def parse_positive(value: object) -> int:
    """Parse a number above zero."""
    number = parse_number(value)
    if number == 0:
        raise InvalidParams("0 where at least 1 is needed")
    return number


def parse_mine(value: object) -> MineOptions:
    """Parse a timestamp, or `{"blocks"?, "timestamp"?}`."""
    if not isinstance(value, dict):
        return MineOptions(timestamp=parse_number(value))
    unknown = sorted(set(value) - {"blocks", "timestamp"})
    if unknown:
        raise InvalidParams(f"unknown option {unknown[0]!r:.40}: there are blocks and timestamp")
    blocks, timestamp = value.get("blocks"), value.get("timestamp")
    return MineOptions(
        1 if blocks is None else parse_positive(blocks),
        None if timestamp is None else parse_number(timestamp),
    )


_SAME: Final = object()


def alias(name: str, original: Handler, answer: object = _SAME) -> Handler:
    """The method `original` under another name; `answer` replaces what it returns."""

    async def call(*arguments: Any) -> object:
        result = await original(*arguments)
        return result if answer is _SAME else answer

    _, params, _ = original.__rpc__  # type: ignore[attr-defined]
    return method(name, *params)(call)
