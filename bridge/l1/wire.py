"""Strict readers of what JSON-RPC answers hold (execution-apis, base types).

An answer of the wrong shape is no answer: all raise `L1Unavailable`, never return a default.
"""

import re
from collections.abc import Mapping

from bridge.l1.errors import L1Unavailable
from state.types import Address, Hash32

_QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]{0,63})", re.ASCII | re.IGNORECASE)
_DATA = re.compile(r"0x([0-9a-f]{2})*", re.ASCII | re.IGNORECASE)

Json = Mapping[str, object]


def quantity(value: object, what: str) -> int:
    """A JSON-RPC quantity; refuses what `int` would forgive."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise L1Unavailable(f"the L1 endpoint sent no quantity for {what}: {value!r:.60}")
    return int(value, 16)


def data(value: object, what: str, size: int | None = None) -> bytes:
    """JSON-RPC unformatted data, of `size` bytes where given."""
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise L1Unavailable(f"the L1 endpoint sent no data for {what}: {value!r:.60}")
    raw = bytes.fromhex(value[2:])
    if size is not None and len(raw) != size:
        raise L1Unavailable(f"the L1 endpoint sent {len(raw)} bytes for {what}, not {size}")
    return raw


def hash_(value: object, what: str) -> Hash32:
    """A 32-byte hash."""
    return Hash32(data(value, what, 32))


def address(value: object, what: str) -> Address:
    """A 20-byte address."""
    return Address(data(value, what, 20))


def object_(value: object, what: str) -> Json:
    """A JSON object."""
    if not isinstance(value, dict):
        raise L1Unavailable(f"the L1 endpoint sent no object for {what}: {value!r:.60}")
    return value


def list_(value: object, what: str) -> list[object]:
    """A JSON array."""
    if not isinstance(value, list):
        raise L1Unavailable(f"the L1 endpoint sent no list for {what}: {value!r:.60}")
    return value


def to_quantity(value: int) -> str:
    """The JSON-RPC form of a non-negative integer."""
    return hex(value)


def to_data(value: bytes) -> str:
    """The JSON-RPC form of bytes."""
    return "0x" + value.hex()
