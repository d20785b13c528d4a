"""The compression of batches: round trips, a second decoder as an oracle, and hostile input."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.limits import BATCH_DECODED_BYTES_MAX, BATCH_SEQUENCES_MAX
from state.lz4 import InvalidCompression, compress, decompress


def slow_decompress(data: bytes) -> bytes | None:
    """The grammar once more, byte by byte as a contract would read it; None for void."""
    out: list[int] = []
    stream = iter(data)
    sequences = 0
    try:
        while (token := next(stream, None)) is not None:
            sequences += 1
            literals, matched = token >> 4, token & 15
            if literals == 15:
                while (more := next(stream)) == 255:
                    literals += 255
                literals += more
            for _ in range(literals):
                out.append(next(stream))
            low = next(stream, None)
            if low is None:
                return _within_caps(out, sequences) if matched == 0 else None
            offset = low + 256 * next(stream)
            if matched == 15:
                while (more := next(stream)) == 255:
                    matched += 255
                matched += more
            if not 0 < offset <= len(out) or len(out) > BATCH_DECODED_BYTES_MAX:
                return None
            for _ in range(matched + 4):
                out.append(out[-offset])
    except StopIteration:
        return None
    return _within_caps(out, sequences)


def _within_caps(out: list[int], sequences: int) -> bytes | None:
    fits = len(out) <= BATCH_DECODED_BYTES_MAX and sequences <= BATCH_SEQUENCES_MAX
    return bytes(out) if fits else None


def _calldata(rng: random.Random) -> bytes:
    words = [rng.randbytes(32) for _ in range(40)]
    padded = (bytes(28) + rng.randbytes(4) for _ in range(4_000))
    return b"".join(rng.choice((word, rng.choice(words))) for word in padded)


SAMPLES = {
    "nothing": b"",
    "one byte": b"a",
    "zeros": bytes(BATCH_DECODED_BYTES_MAX),
    "random": random.Random(1).randbytes(BATCH_DECODED_BYTES_MAX),
    "calldata": _calldata(random.Random(2)),
    "period of 3": b"abc" * 10_000,
    "literals of 15": bytes(range(15)),
    "literals of 270": random.Random(3).randbytes(270),
    "match of 19": b"abcd" + b"abcd" * 4 + b"abc" + b"z",
    "far match": b"needle in hay" + random.Random(4).randbytes(65_530) + b"needle in hay",
    "too far": b"needle in hay" + random.Random(4).randbytes(65_540) + b"needle in hay",
}


@pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
def test_compress_samples_round_trip(data: bytes):
    packed = compress(data)
    assert decompress(packed) == data
    assert slow_decompress(packed) == data


def test_compress_repetition_pays():
    assert len(compress(SAMPLES["zeros"])) < 1_100
    assert len(compress(SAMPLES["calldata"])) < len(SAMPLES["calldata"]) / 2


def test_compress_many_short_matches_stays_under_the_cap_of_sequences():
    rng = random.Random(5)
    pieces = (rng.choice((b"abcd", b"efgh", b"ijkl")) + rng.randbytes(1) for _ in range(52_000))
    data = b"".join(pieces)
    assert decompress(compress(data)) == data


def test_compress_above_the_cap_is_refused():
    with pytest.raises(InvalidCompression):
        compress(bytes(BATCH_DECODED_BYTES_MAX + 1))


@given(st.binary(max_size=400))
def test_compress_any_bytes_round_trips(data: bytes):
    assert decompress(compress(data)) == data


@given(st.lists(st.sampled_from([b"ab", b"abcd", b"x" * 20, b"\0"]), max_size=80).map(b"".join))
def test_compress_repetitive_bytes_round_trips(data: bytes):
    assert decompress(compress(data)) == data


short_tokens = st.sampled_from([0, 1, 15, 16, 0x10, 0x1F, 0x20, 0xF0, 0xFF, 255, 254, 4])


@given(st.one_of(st.binary(max_size=60), st.lists(short_tokens, max_size=40).map(bytes)))
def test_decompress_any_bytes_agrees_with_the_slow_decoder(data: bytes):
    expected = slow_decompress(data)
    if expected is None:
        with pytest.raises(InvalidCompression):
            decompress(data)
    else:
        assert decompress(data) == expected


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x10", "literals"),
        (b"\xf0", "length"),
        (b"\xf0\xff", "length"),
        (b"\x11a", "promises"),
        (b"\x10a\x01", "offset is cut"),
        (b"\x10a\x00\x00", "offset 0"),
        (b"\x10a\x02\x00", "offset 2"),
        (b"\x00\x01\x00", "offset 1"),
        (b"\x1fa\x01\x00", "length"),
        (b"\x1fa\x01\x00" + b"\xff" * 2_000 + b"\0", "length"),
        (b"\x1fa\x01\x00" + b"\xff" * 1_027 + b"\xf4", "more than"),
        (b"\x10a\x01\x00" + b"\x00\x01\x00" * BATCH_SEQUENCES_MAX, "sequences"),
    ],
)
def test_decompress_void_is_refused(data: bytes, reason: str):
    with pytest.raises(InvalidCompression, match=reason):
        decompress(data)


def test_decompress_at_the_caps_succeeds():
    # One literal, then a match for the rest, in as many bytes as the length takes.
    extra = BATCH_DECODED_BYTES_MAX - 1 - 4 - 15
    data = b"\x1fa\x01\x00" + b"\xff" * (extra // 255) + bytes([extra % 255])
    assert decompress(data) == b"a" * BATCH_DECODED_BYTES_MAX
    most = b"\x10a\x01\x00" + b"\x00\x01\x00" * (BATCH_SEQUENCES_MAX - 1)
    assert decompress(most) == b"a" * (1 + 4 * BATCH_SEQUENCES_MAX)


def test_decompress_block_that_ends_after_a_match_succeeds():
    assert decompress(b"\x10a\x01\x00") == b"aaaaa"


def test_decompress_last_sequence_without_literals_succeeds():
    assert decompress(b"\x10a\x01\x00\x00") == b"aaaaa"
