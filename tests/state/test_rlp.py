"""RLP: the official cases, the reference library as an oracle, and what a stranger may send."""

from typing import Any

import pytest
import rlp as reference
from hypothesis import given
from hypothesis import strategies as st

from state.rlp import (
    InvalidRLP,
    decode,
    decode_bytes,
    decode_list,
    decode_uint,
    encode,
    encode_bytes,
    encode_joined,
    encode_uint,
)
from tests.state.official import official_tests

nested = st.recursive(st.binary(max_size=80), lambda inner: st.lists(inner, max_size=6))


def _encodable(value: Any) -> Any:
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, int):
        return encode_uint(value)
    if value.startswith("#"):
        return encode_uint(int(value[1:]))
    return value.encode("latin-1")


def test_encode_official_cases_match():
    for name, case in official_tests("RLPTests/rlptest.json").items():
        assert encode(_encodable(case["in"])).hex() == case["out"].removeprefix("0x"), name


def test_decode_official_cases_give_the_input_back():
    for name, case in official_tests("RLPTests/rlptest.json").items():
        data = bytes.fromhex(case["out"].removeprefix("0x"))
        assert decode(data) == _encodable(case["in"]), name


@pytest.mark.parametrize("file", ["invalidRLPTest.json", "RandomRLPTests/example.json"])
def test_decode_official_cases_refused_alike(file: str):
    for name, case in official_tests(f"RLPTests/{file}").items():
        data = bytes.fromhex(case["out"].removeprefix("0x"))
        if case["in"] == "INVALID":
            with pytest.raises(InvalidRLP):
                decode(data)
        elif case["in"] == "VALID":
            assert encode(decode(data)) == data, name


@given(nested)
def test_encode_any_value_matches_reference(value: Any):
    assert encode(value) == reference.encode(value)
    assert decode(encode(value)) == value


@given(st.binary(max_size=60))
def test_decode_any_bytes_agrees_with_reference(data: bytes):
    try:
        expected = reference.decode(data)
    except reference.exceptions.DecodingError:
        with pytest.raises(InvalidRLP):
            decode(data)
    else:
        assert decode(data) == expected


@pytest.mark.parametrize("size", [0, 1, 55, 56, 255, 256, 639, 640, 65_535, 65_536])
def test_encode_at_each_size_of_prefix_matches_reference(size: int):
    data = b"\x90" * size
    assert encode_bytes(data) == reference.encode(data)
    assert encode([data]) == reference.encode([data])


@pytest.mark.parametrize(
    "data",
    [
        "",  # nothing
        "8100",  # a byte that needs no prefix
        "b800",  # a long form for a short string
        "b90037" + "00" * 55,  # a length with a leading zero
        "c1",  # cut short
        "c28080" + "80",  # something follows
        "c3c280",  # an inner list longer than the outer
        "c2c280" + "80",  # an inner list that reaches past the outer one
        "bfffffffffffffffff",  # a length of 2^64
        "f8",  # no length
    ],
)
def test_decode_malformed_is_refused(data: str):
    with pytest.raises(InvalidRLP):
        decode(bytes.fromhex(data))


def test_decode_megabyte_of_empty_lists_is_refused_or_read_in_one_pass():
    data = encode([[]] * 1_000_000)
    with pytest.raises(InvalidRLP, match="limit"):
        decode(data)
    # In one pass: the quadratic reference decoder takes half a minute for this.
    assert len(decode(data, max_bytes=2**21, max_items=2**21)) == 1_000_000


def test_decode_deep_nesting_is_refused_without_recursion():
    data = b"\xc0"
    for _ in range(20_000):
        data = encode_joined(data)
    with pytest.raises(InvalidRLP, match="deep"):
        decode(data)
    assert decode(data, max_depth=30_000, max_items=30_000) is not None


def test_decode_more_items_than_allowed_is_refused():
    assert decode(encode([b""] * 9), max_items=10) == [b""] * 9
    with pytest.raises(InvalidRLP, match="items"):
        decode(encode([b""] * 10), max_items=10)


def test_decode_uint_refuses_lists_zeros_and_width():
    assert decode_uint(b"") == 0
    assert decode_uint(b"\xff" * 8, 64) == 2**64 - 1
    for item, bits in (([], 64), (b"\0", 64), (b"\0\1", 64), (b"\1" + bytes(8), 64)):
        with pytest.raises(InvalidRLP):
            decode_uint(item, bits)


def test_decode_bytes_and_list_refuse_another_kind_or_size():
    with pytest.raises(InvalidRLP):
        decode_bytes([])
    with pytest.raises(InvalidRLP):
        decode_bytes(b"abc", 2)
    with pytest.raises(InvalidRLP):
        decode_list(b"")
    with pytest.raises(InvalidRLP):
        decode_list([b""], 2)


@given(st.integers(min_value=0, max_value=2**256))
def test_encode_uint_round_trips(number: int):
    assert decode_uint(encode_uint(number), 257) == number
