"""JSON-RPC's hexadecimal values, parsed once at the edge and written once on the way out.

`int(x, 16)` takes "0x_1", " 0x1 " and "-0x1", and `bytes.fromhex` takes spaces; these take neither.
Every parser raises `InvalidParams` with a message that quotes at most 40 characters of the input.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeVar

from node.rpc.errors import InvalidParams
from state.types import UINT64_MAX, UINT256_MAX, Address, BlockNumber, Hash32

_QUANTITY = re.compile(r"0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})", re.ASCII)
_SLOT = re.compile(r"0x[0-9a-fA-F]{0,64}", re.ASCII)


T = TypeVar("T")


class Tag(StrEnum):
    """The blocks that have a name (execution-apis, "Block tag")."""

    EARLIEST = "earliest"
    FINALIZED = "finalized"
    SAFE = "safe"
    LATEST = "latest"
    PENDING = "pending"


BlockRef = Tag | BlockNumber | Hash32
"""A block as a client names it: by tag, number or hash."""


def _shown(value: object) -> str:
    return f"{value!r:.40}"


def parse_quantity(value: object, largest: int = UINT256_MAX) -> int:
    """Parse a quantity: hexadecimal, 0x, no leading zeros (execution-apis, "uint")."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise InvalidParams(f"not a quantity (0x-prefixed, no leading zeros): {_shown(value)}")
    number = int(value, 16)
    if number > largest:
        raise InvalidParams(f"quantity {_shown(value)} is above {largest:#x}")
    return number


def parse_uint64(value: object) -> int:
    """Parse a quantity of at most 64 bits: gas, nonces, numbers of blocks."""
    return parse_quantity(value, UINT64_MAX)


def parse_data(value: object) -> bytes:
    """Parse byte data: 0x and an even number of digits (execution-apis, "bytes")."""
    if not isinstance(value, str) or value[:2] != "0x":
        raise InvalidParams(f"not 0x-prefixed data: {_shown(value)}")
    try:
        data = bytes.fromhex(value[2:])
    except ValueError:
        raise InvalidParams(f"not hexadecimal data: {_shown(value)}") from None
    if 2 * len(data) != len(value) - 2:
        raise InvalidParams(f"data with spaces in it: {_shown(value)}")
    return data


def parse_address(value: object) -> Address:
    """Parse a 20-byte address; its checksum case is not checked, as no client expects it to be."""
    data = parse_data(value)
    if len(data) != 20:
        raise InvalidParams(f"an address has 20 bytes, not {len(data)}: {_shown(value)}")
    return Address(data)


def parse_hash(value: object) -> Hash32:
    """Parse a 32-byte hash."""
    data = parse_data(value)
    if len(data) != 32:
        raise InvalidParams(f"a hash has 32 bytes, not {len(data)}: {_shown(value)}")
    return Hash32(data)


def parse_slot(value: object) -> int:
    """Parse a storage key, short ("0x0") or whole: clients send both."""
    if not isinstance(value, str) or not _SLOT.fullmatch(value):
        raise InvalidParams(f"not a storage key (0x and at most 64 digits): {_shown(value)}")
    return int(value[2:] or "0", 16)


def parse_bool(value: object) -> bool:
    """Parse a JSON boolean."""
    if not isinstance(value, bool):
        raise InvalidParams(f"not true or false: {_shown(value)}")
    return value


def parse_string(value: object) -> str:
    """Parse a JSON string."""
    if not isinstance(value, str):
        raise InvalidParams(f"not a string: {_shown(value)}")
    return value


def as_given(value: object) -> object:
    """Any JSON, for whoever is to parse it."""
    return value


def parse_object(value: object) -> dict[str, object]:
    """Parse a JSON object."""
    if not isinstance(value, dict):
        raise InvalidParams(f"not an object: {_shown(value)}")
    return value


def list_of(parse: Callable[[object], T], longest: int) -> Callable[[object], tuple[T, ...]]:
    """A parser of lists of at most `longest` values that `parse` takes."""

    def parse_list(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise InvalidParams(f"not a list: {_shown(value)}")
        if len(value) > longest:
            raise InvalidParams(f"{len(value)} values where at most {longest} are taken")
        return tuple(parse(item) for item in value)

    return parse_list


_TAGS: Final = {tag.value: tag for tag in Tag}


def parse_block_number(value: object) -> Tag | BlockNumber:
    """Parse a tag or a number."""
    if isinstance(value, str) and value in _TAGS:
        return _TAGS[value]
    return BlockNumber(parse_uint64(value))


def parse_block(value: object) -> BlockRef:
    """Parse a tag, a number, a hash or the object of EIP-1898.

    Only the canonical chain is kept, so `requireCanonical` changes nothing.
    """
    if isinstance(value, dict):
        return _parse_block_object(value)
    if isinstance(value, str) and len(value) == 66:
        return parse_hash(value)
    return parse_block_number(value)


def _parse_block_object(value: dict[str, object]) -> BlockRef:
    if ("blockNumber" in value) == ("blockHash" in value):
        raise InvalidParams("a block is named by either blockNumber or blockHash (EIP-1898)")
    if "blockNumber" in value:
        return parse_block_number(value["blockNumber"])
    return parse_hash(value["blockHash"])


def quantity(value: int) -> str:
    """Write a quantity."""
    return hex(value)


def data(value: bytes) -> str:
    """Write byte data."""
    return "0x" + value.hex()


def word(value: int) -> str:
    """Write a storage value as 32 bytes."""
    return f"0x{value:064x}"


def optional_data(value: bytes | None) -> str | None:
    """Write byte data, or null."""
    return None if value is None else data(value)
