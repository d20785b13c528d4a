"""The compressed form of a batch: LZ77 in LZ4's byte layout, under a grammar of our own.

A contract on L1 decodes the same bytes in one step of a dispute, so the grammar has no rule that
does not follow from the bytes at hand (the LZ4 library's end-of-block rules are gone), and caps
bound the work. A block is zero or more sequences, and every byte belongs to one:

    token             1 byte: literal length in the high 4 bits, match length - 4 in the low 4
    literal length    only where the high bits are 15: bytes to add, up to one that isn't 255
    literals          that many bytes, copied as they are
                      -- the block may end here, and then the token's low bits are 0 --
    offset            2 bytes, little-endian: 1 up to the number of bytes decoded so far
    match length      only where the low bits are 15: bytes to add, as above

A match copies bytes already decoded, starting `offset` back, one after another: it may run into
what it writes. Void are: a block cut short anywhere else, an offset of 0 or before the start, a
last sequence with low bits set, more than `BATCH_DECODED_BYTES_MAX` bytes or
`BATCH_SEQUENCES_MAX` sequences. A block may end after a match. No bytes decode to no bytes.
"""

from state.errors import Invalid
from state.limits import BATCH_DECODED_BYTES_MAX, BATCH_SEQUENCES_MAX

MATCH_BYTES_MIN = 4
OFFSET_MAX = 0xFFFF
_NIBBLE = 15
_MORE = 255
_SKIP_SHIFT = 5
"""Look at every position; after 32 without a match at every second, and so on."""


class InvalidCompression(Invalid):
    """Bytes that the grammar doesn't allow, or that decode to too much."""


def decompress(data: bytes) -> bytes:
    """Decode one block. Raises `InvalidCompression`; total and linear in input and output."""
    out = bytearray()
    position = sequences = 0
    size = len(data)
    while position < size:
        sequences += 1
        if sequences > BATCH_SEQUENCES_MAX:
            raise InvalidCompression(f"more than {BATCH_SEQUENCES_MAX} sequences")
        token = data[position]
        literals, position = _length(data, position + 1, token >> 4)
        if position + literals > size:
            raise InvalidCompression("the literals are cut short")
        _check_room(out, literals)
        out += data[position : position + literals]
        position += literals
        if position == size:
            if token & _NIBBLE:
                raise InvalidCompression("the last sequence promises a match")
            break
        position = _copy_match(data, position, token, out)
    return bytes(out)


def _copy_match(data: bytes, position: int, token: int, out: bytearray) -> int:
    """Append the match whose offset is at `position`; where the next sequence starts."""
    if position + 2 > len(data):
        raise InvalidCompression("the offset is cut short")
    offset = data[position] | data[position + 1] << 8
    if not 0 < offset <= len(out):
        raise InvalidCompression(f"offset {offset} is outside the {len(out)} bytes so far")
    extra, position = _length(data, position + 2, token & _NIBBLE)
    length = extra + MATCH_BYTES_MIN
    _check_room(out, length)
    start = len(out) - offset
    if offset >= length:
        out += out[start : start + length]
    else:
        # The match repeats what it starts with.
        out += (out[start:] * (length // offset + 1))[:length]
    return position


def _length(data: bytes, position: int, nibble: int) -> tuple[int, int]:
    """A length that starts with `nibble` and goes on at `position`; where it ends."""
    if nibble < _NIBBLE:
        return nibble, position
    length = nibble
    while True:
        if position >= len(data):
            raise InvalidCompression("a length is cut short")
        more = data[position]
        length += more
        position += 1
        if length > BATCH_DECODED_BYTES_MAX:
            raise InvalidCompression(f"a length is above {BATCH_DECODED_BYTES_MAX}")
        if more < _MORE:
            return length, position


def _check_room(out: bytearray, more: int) -> None:
    if len(out) + more > BATCH_DECODED_BYTES_MAX:
        raise InvalidCompression(f"it decodes to more than {BATCH_DECODED_BYTES_MAX} bytes")


def compress(data: bytes) -> bytes:
    """Encode up to `BATCH_DECODED_BYTES_MAX` bytes; `decompress` gives them back.

    Greedy, with a table of where each four bytes were last seen. Where that makes too many
    sequences, short matches are given up until they fit. Raises `InvalidCompression` above the cap.
    """
    if len(data) > BATCH_DECODED_BYTES_MAX:
        raise InvalidCompression(f"{len(data)} bytes are more than {BATCH_DECODED_BYTES_MAX}")
    match_min = MATCH_BYTES_MIN
    while True:
        matches = _find_matches(data, match_min)
        if len(matches) < BATCH_SEQUENCES_MAX:
            return _encode(data, matches)
        match_min *= 2


def _find_matches(data: bytes, match_min: int) -> list[tuple[int, int, int]]:
    """Where matches start, how far back they point and how long they are, in order."""
    seen: dict[bytes, int] = {}
    matches = []
    position = misses = 0
    while position <= len(data) - MATCH_BYTES_MIN:
        key = data[position : position + MATCH_BYTES_MIN]
        candidate = seen.get(key)
        seen[key] = position
        if candidate is not None and position - candidate <= OFFSET_MAX:
            length = _match_length(data, candidate, position)
            if length >= match_min:
                matches.append((position, position - candidate, length))
                position += length
                misses = 0
                continue
        misses += 1
        position += 1 + (misses >> _SKIP_SHIFT)
    return matches


def _match_length(data: bytes, earlier: int, later: int) -> int:
    """How many bytes from both positions on are equal: doubling steps, then halving ones."""
    length, step = MATCH_BYTES_MIN, 16
    end = len(data) - later
    while (
        length + step <= end
        and data[earlier + length : earlier + length + step]
        == data[later + length : later + length + step]
    ):
        length += step
        step *= 2
    while step:
        if (
            length + step <= end
            and data[earlier + length : earlier + length + step]
            == data[later + length : later + length + step]
        ):
            length += step
        step //= 2
    return length


def _encode(data: bytes, matches: list[tuple[int, int, int]]) -> bytes:
    out = bytearray()
    position = 0
    for start, offset, length in matches:
        extra = length - MATCH_BYTES_MIN
        out.append(min(start - position, _NIBBLE) << 4 | min(extra, _NIBBLE))
        _put_length(out, start - position)
        out += data[position:start]
        out += offset.to_bytes(2, "little")
        _put_length(out, extra)
        position = start + length
    rest = len(data) - position
    if rest:
        out.append(min(rest, _NIBBLE) << 4)
        _put_length(out, rest)
        out += data[position:]
    return bytes(out)


def _put_length(out: bytearray, length: int) -> None:
    """The bytes of a length that its nibble does not hold."""
    if length >= _NIBBLE:
        full, rest = divmod(length - _NIBBLE, _MORE)
        out += b"\xff" * full
        out.append(rest)
