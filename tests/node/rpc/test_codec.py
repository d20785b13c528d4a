"""What the edge of JSON-RPC takes and refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.rpc import codec
from node.rpc.codec import Tag
from node.rpc.errors import InvalidParams
from state.types import BlockNumber, Hash32


@given(st.integers(0, 2**256 - 1))
def test_quantity_round_trips(number: int) -> None:
    assert codec.parse_quantity(codec.quantity(number)) == number


@pytest.mark.parametrize(
    "value",
    ["", "0x", "0x00", "0x01", "1", "0x_1", " 0x1", "0x1 ", "-0x1", "0x-1", "0xg", "0X1", 1, None]
    + [True, [], {}, "0x" + "f" * 65, "0x1\n", "0x１"],
)
def test_quantity_malformed_is_refused(value: object) -> None:
    with pytest.raises(InvalidParams):
        codec.parse_quantity(value)


def test_quantity_above_64_bits_is_refused() -> None:
    assert codec.parse_uint64("0xffffffffffffffff") == 2**64 - 1
    with pytest.raises(InvalidParams, match="above"):
        codec.parse_uint64("0x10000000000000000")


@given(st.binary(max_size=200))
def test_data_round_trips(value: bytes) -> None:
    assert codec.parse_data(codec.data(value)) == value


@pytest.mark.parametrize(
    "value", ["", "0", "0x0", "0x 00", "0x00 ", "0xzz", "00", "0x0_0", 0, None]
)
def test_data_malformed_is_refused(value: object) -> None:
    with pytest.raises(InvalidParams):
        codec.parse_data(value)


@pytest.mark.parametrize("size", [0, 19, 21, 32])
def test_address_of_wrong_size_is_refused(size: int) -> None:
    with pytest.raises(InvalidParams, match="20 bytes"):
        codec.parse_address("0x" + "11" * size)


@pytest.mark.parametrize(
    ("value", "slot"),
    [("0x0", 0), ("0x", 0), ("0x01", 1), ("0x" + "0" * 63 + "7", 7), ("0xABC", 0xABC)],
)
def test_slot_short_or_whole_is_taken(value: str, slot: int) -> None:
    assert codec.parse_slot(value) == slot


@pytest.mark.parametrize("value", ["1", "0x" + "0" * 65, 1, "0x_1", None])
def test_slot_malformed_is_refused(value: object) -> None:
    with pytest.raises(InvalidParams):
        codec.parse_slot(value)


@pytest.mark.parametrize(
    ("value", "block"),
    [
        ("latest", Tag.LATEST),
        ("0x10", BlockNumber(16)),
        ("0x" + "ab" * 32, Hash32(b"\xab" * 32)),
        ({"blockNumber": "0x1"}, BlockNumber(1)),
        ({"blockHash": "0x" + "ab" * 32, "requireCanonical": True}, Hash32(b"\xab" * 32)),
    ],
)
def test_block_is_named_by_tag_number_hash_or_object(value: object, block: object) -> None:
    assert codec.parse_block(value) == block


@pytest.mark.parametrize(
    "value",
    [
        "newest",
        "16",
        {},
        {"blockNumber": "0x1", "blockHash": "0x" + "ab" * 32},
        1,
        [],
        "0x" + "f" * 17,
    ],
)
def test_block_malformed_is_refused(value: object) -> None:
    with pytest.raises(InvalidParams):
        codec.parse_block(value)


def test_error_message_quotes_little_of_a_long_value() -> None:
    with pytest.raises(InvalidParams) as caught:
        codec.parse_quantity("x" * 10**6)
    assert len(caught.value.message) < 200
