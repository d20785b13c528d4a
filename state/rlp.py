"""Recursive Length Prefix, Ethereum's encoding of nested byte strings (Yellow Paper, appendix B).

The decoder is strict (one encoding a value), linear in its input, keeps its own stack and stops at
named limits, because it reads what strangers send: the reference library's is recursive and
quadratic. The encoder serves values of our own.
"""

from collections.abc import Sequence
from typing import TypeAlias

from state.errors import Invalid
from state.limits import RLP_BYTES_MAX, RLP_DEPTH_MAX, RLP_ITEMS_MAX

Encodable: TypeAlias = "bytes | Sequence[Encodable]"
Decoded: TypeAlias = "bytes | list[Decoded]"

_STRING = 0x80
_LIST = 0xC0


class InvalidRLP(Invalid):
    """Bytes that are not the canonical RLP of one value, or exceed a limit."""


def encode(item: Encodable) -> bytes:
    """Encode a byte string or a (nested) sequence of them."""
    if isinstance(item, bytes | bytearray | memoryview):
        return encode_bytes(bytes(item))
    return encode_joined(b"".join([encode(element) for element in item]))


def encode_bytes(data: bytes) -> bytes:
    """Encode one byte string."""
    size = len(data)
    if size == 1 and data[0] < _STRING:
        return data
    if size < _PREPARED_SIZES:
        return _STRING_PREFIXES[size] + data
    return _prefix(_STRING, size) + data


def encode_joined(payload: bytes) -> bytes:
    """Encode the list whose elements' encodings, joined, are `payload`."""
    size = len(payload)
    if size < _PREPARED_SIZES:
        return _LIST_PREFIXES[size] + payload
    return _prefix(_LIST, size) + payload


def _prefix(base: int, size: int) -> bytes:
    """What precedes `size` bytes of content: its length, in one byte where that is below 56."""
    if size < 56:
        return bytes([base + size])
    length = encode_uint(size)
    return bytes([base + 55 + len(length)]) + length


def encode_uint(number: int) -> bytes:
    """A number as RLP scalars are: big-endian without leading zeros, empty for zero.

    This is the byte string to encode, not its encoding. Raises `OverflowError` below zero.
    """
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


_PREPARED_SIZES = 640
"""Sizes up to that of a full branch of a trie have their prefixes ready: most of all encoding."""
_STRING_PREFIXES = [_prefix(_STRING, size) for size in range(_PREPARED_SIZES)]
_LIST_PREFIXES = [_prefix(_LIST, size) for size in range(_PREPARED_SIZES)]


def decode_uint(item: Decoded, bits: int = 256) -> int:
    """Read a scalar. Raises `InvalidRLP` for a list, a leading zero or too many bits."""
    if not isinstance(item, bytes):
        raise InvalidRLP("a number is expected, not a list")
    if item[:1] == b"\0":
        raise InvalidRLP("a number has a leading zero byte")
    number = int.from_bytes(item, "big")
    if number.bit_length() > bits:
        raise InvalidRLP(f"a number of {number.bit_length()} bits exceeds {bits} bits")
    return number


def decode_bytes(item: Decoded, size: int | None = None) -> bytes:
    """Read a byte string, of exactly `size` bytes when given. Raises `InvalidRLP`."""
    if not isinstance(item, bytes):
        raise InvalidRLP("bytes are expected, not a list")
    if size is not None and len(item) != size:
        raise InvalidRLP(f"{size} bytes are expected, not {len(item)}")
    return item


def decode_list(item: Decoded, size: int | None = None) -> list[Decoded]:
    """Read a list, of exactly `size` elements when given. Raises `InvalidRLP`."""
    if isinstance(item, bytes):
        raise InvalidRLP("a list is expected, not bytes")
    if size is not None and len(item) != size:
        raise InvalidRLP(f"a list of {size} elements is expected, not of {len(item)}")
    return item


def decode(
    data: bytes,
    *,
    max_bytes: int = RLP_BYTES_MAX,
    max_items: int = RLP_ITEMS_MAX,
    max_depth: int = RLP_DEPTH_MAX,
) -> Decoded:
    """Decode exactly one value; lists come back as Python lists.

    Raises `InvalidRLP` for anything but the one canonical encoding, and above the limits.
    """
    size = len(data)
    if size > max_bytes:
        raise InvalidRLP(f"{size} bytes of RLP exceed the limit of {max_bytes}")
    top: list[Decoded] = []
    current, end = top, size
    enclosing: list[tuple[list[Decoded], int]] = []
    position = items = 0
    while position < size:
        if current is top and top:
            raise InvalidRLP(f"{size - position} bytes follow the RLP value")
        items += 1
        if items > max_items:
            raise InvalidRLP(f"more than {max_items} RLP items")
        is_list, start, stop = item_span(data, position, end)
        if not is_list:
            current.append(data[start:stop])
            position = stop
        else:
            if len(enclosing) >= max_depth:
                raise InvalidRLP(f"RLP lists are nested more than {max_depth} deep")
            inner: list[Decoded] = []
            current.append(inner)
            enclosing.append((current, end))
            current, end, position = inner, stop, start
        while position == end and enclosing:
            current, end = enclosing.pop()
    if not top:
        raise InvalidRLP("no bytes are no RLP value")
    return top[0]


def item_span(data: bytes, position: int, end: int) -> tuple[bool, int, int]:
    """Where the item at `position` has its content: (is a list, start, stop), within `end`.

    Raises `InvalidRLP` where the prefix is not canonical or the content would pass `end`.
    """
    if position >= end:
        raise InvalidRLP("an RLP item has at least one byte")
    prefix = data[position]
    if prefix < _STRING:
        return False, position, position + 1
    is_list = prefix >= _LIST
    short_length = prefix - (_LIST if is_list else _STRING)
    start = position + 1
    if short_length < 56:
        stop = start + short_length
        if stop > end:
            raise InvalidRLP(f"RLP item at byte {position} is cut short")
        if short_length == 1 and not is_list and data[start] < _STRING:
            raise InvalidRLP(f"RLP byte at {position} has a needless prefix")
        return is_list, start, stop
    length_end = start + short_length - 55
    length_bytes = data[start:length_end]
    if length_end > end:
        raise InvalidRLP(f"RLP length at byte {position} is cut short")
    length = int.from_bytes(length_bytes, "big")
    if length < 56 or length_bytes[0] == 0:
        raise InvalidRLP(f"RLP length at byte {position} is not the shortest form")
    if length_end + length > end:
        raise InvalidRLP(f"RLP item at byte {position} is cut short")
    return is_list, length_end, length_end + length
