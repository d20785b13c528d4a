"""Rlp.sol against our RLP: strict in what it reads, canonical in what it writes."""

import pytest
from eth_abi import decode
from hypothesis import example, given, settings
from hypothesis import strategies as st

from state.rlp import (
    InvalidRLP,
    decode_uint,
    encode,
    encode_bytes,
    encode_joined,
    encode_uint,
    item_span,
)
from tests.contracts.vm import Reverted
from tests.execution.machine.witness.trie_edit import Harness

HARNESS = Harness()
"""Hypothesis wants no fixtures that outlive an example."""

SIZES = [0, 1, 2, 54, 55, 56, 57, 255, 256, 65_535, 65_536]
"""Around every change of a header's form."""


def read_item(data: bytes) -> tuple[bool, bool, int, int]:
    answer = HARNESS.vm.call(HARNESS.address, "readItem(bytes)", ["bytes"], [data])
    return decode(["bool", "bool", "uint256", "uint256"], answer)


def check_item(data: bytes) -> None:
    """Accepted exactly where ours accepts it, with the same content."""
    ok, *found = read_item(data)
    try:
        expected = item_span(data, 0, len(data))
    except InvalidRLP:
        assert not ok, data.hex()
    else:
        assert ok, data.hex()
        assert tuple(found) == expected


def test_item_of_any_two_first_bytes_is_read_as_ours_reads_it() -> None:
    for prefix in range(256):
        for second in (0, 1, 0x37, 0x38, 0x7F, 0x80, 0xFF):
            for size in (0, 1, 2, 60, 300):
                check_item((bytes([prefix, second]) + bytes([second]) * 300)[:size])


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=80))
@example(data=b"\xb8\x37" + bytes(55))
@example(data=b"\xb9\x00\x38" + bytes(56))
@example(data=b"\xbf" + b"\xff" * 8)
@example(data=b"\xff" + b"\xff" * 8)
@example(data=b"\xff" + b"\xff" * 7)
def test_item_of_random_bytes_is_read_as_ours_reads_it(data: bytes) -> None:
    check_item(data)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fill", [b"\0", b"\x7f", b"\x80", b"\xff"])
def test_strings_and_lists_are_written_as_ours_are_and_read_back(size: int, fill: bytes) -> None:
    data = fill * size
    types = ["uint256", "bytes"]
    answer = HARNESS.vm.call(HARNESS.address, "write(uint256,bytes)", types, [size, data])
    number, text, joined = decode(["bytes"] * 3, answer)
    assert number == encode_bytes(encode_uint(size))
    assert text == encode_bytes(data)
    assert joined == encode_joined(data)
    for item in (number, text, joined):
        check_item(item)
        check_item(item[:-1])


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 9, 64, 65, 255, 256])
def test_number_is_written_and_read_within_its_size(bits: int) -> None:
    number = 2**bits - 1
    types = ["uint256", "bytes"]
    answer = HARNESS.vm.call(HARNESS.address, "write(uint256,bytes)", types, [number, b""])
    encoded = decode(["bytes"] * 3, answer)[0]
    assert encoded == encode_bytes(encode_uint(number))
    size = (bits + 7) // 8
    assert read_number(encoded, size) == number
    if size:
        with pytest.raises(Reverted):
            read_number(encoded, size - 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\x81\x01",
        b"\x82\x00\x80",
        b"\xc0",
        b"\x82\x80",
        b"\x01\x01",
        b"\xa1" + b"\1" * 33,
    ],
    ids=bytes.hex,
)
def test_number_that_is_not_canonical_reverts(data: bytes) -> None:
    with pytest.raises(Reverted):
        read_number(data, 32)


def test_number_of_every_byte_is_read_as_ours_reads_it() -> None:
    for value in range(1, 300):
        assert read_number(encode(encode_uint(value)), 2) == decode_uint(encode_uint(value))


def read_number(data: bytes, size: int) -> int:
    signature = "readNumber(bytes,uint256)"
    answer = HARNESS.vm.call(HARNESS.address, signature, ["bytes", "uint256"], [data, size])
    return decode(["uint256"], answer)[0]
