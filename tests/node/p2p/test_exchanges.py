"""Messages of the request-response protocols."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.p2p.blocks import encode_signed_block
from node.p2p.errors import InvalidMessage, MessageTooLarge
from node.p2p.exchanges import (
    HOPS_MAX,
    TOPIC_METHODS,
    Call,
    RangeRequest,
    Status,
    decode_call,
    decode_range,
    decode_range_request,
    decode_status,
    encode,
    encode_call,
    encode_range,
)
from node.p2p.limits import (
    CALL_BYTES_MAX,
    RANGE_BLOCKS_MAX,
    RANGE_BYTES_MAX,
    STATUS_ADDRESSES_MAX,
)
from node.p2p.topics import Topic
from tests.node.p2p.rig import DOMAIN
from tests.node.p2p.signing import signed_block

SEND = "eth_sendRawTransaction"


def blocks(first: int, count: int) -> list[bytes]:
    return [encode_signed_block(signed_block(n)) for n in range(first, first + count)]


def test_messages_encoded_read_back() -> None:
    status = Status(7, b"proof", ("/ip4/1.2.3.4/tcp/1/p2p/x",))
    assert decode_status(encode(status)) == status
    request = RangeRequest(3, 4)
    assert decode_range_request(encode(request)) == request
    call = Call(SEND, b'["0x01"]')
    assert decode_call(encode_call(call)) == call


@pytest.mark.parametrize(
    "status",
    [
        Status(-1),
        Status(1, addresses=("x",) * (STATUS_ADDRESSES_MAX + 1)),
        Status(1, addresses=("x" * 257,)),
    ],
    ids=["head", "addresses", "address"],
)
def test_status_out_of_bounds_is_refused(status: Status) -> None:
    with pytest.raises(InvalidMessage):
        decode_status(encode(status))


@pytest.mark.parametrize(
    "request_", [RangeRequest(0, 1), RangeRequest(1, 0), RangeRequest(1, RANGE_BLOCKS_MAX + 1)]
)
def test_range_request_out_of_bounds_is_refused(request_: RangeRequest) -> None:
    with pytest.raises(InvalidMessage):
        decode_range_request(encode(request_))


def test_range_in_order_is_taken_and_may_be_short() -> None:
    answer = encode_range(blocks(5, 3))
    found = decode_range(answer, RangeRequest(5, 4), DOMAIN)
    assert [block.number for block in found] == [5, 6, 7]
    assert decode_range(encode_range([]), RangeRequest(5, 4), DOMAIN) == []


@pytest.mark.parametrize(
    "encoded",
    [blocks(5, 3), blocks(4, 1), [*blocks(5, 1), *blocks(7, 1)], [b"no block"]],
    ids=["too many", "another first", "a gap", "malformed"],
)
def test_range_that_was_not_asked_for_is_refused(encoded: list[bytes]) -> None:
    with pytest.raises(InvalidMessage):
        decode_range(encode_range(encoded), RangeRequest(5, 2), DOMAIN)


def test_range_ends_with_its_bytes_but_has_at_least_one() -> None:
    large = [bytes(RANGE_BYTES_MAX - 10), bytes(10), bytes(1)]
    assert len(msgspec.msgpack.decode(encode_range(large))) == 2
    assert len(msgspec.msgpack.decode(encode_range([bytes(RANGE_BYTES_MAX + 1)]))) == 1


@pytest.mark.parametrize(
    "call",
    [
        Call("debug_traceTransaction", b"[]"),
        Call("x" * 1000, b"[]"),
        Call(SEND, b"[]", -1),
        Call(SEND, b"[]", HOPS_MAX + 1),
    ],
    ids=["another method", "a long name", "negative hops", "too many hops"],
)
def test_call_that_is_not_passed_on_is_refused(call: Call) -> None:
    with pytest.raises(InvalidMessage):
        decode_call(encode_call(call))


def test_call_of_another_topic_is_refused() -> None:
    with pytest.raises(InvalidMessage):
        decode_call(encode_call(Call(SEND, b"[]")), TOPIC_METHODS[Topic.ORDERS])


def test_call_above_the_limit_is_neither_sent_nor_read() -> None:
    with pytest.raises(MessageTooLarge):
        encode_call(Call(SEND, bytes(CALL_BYTES_MAX)))
    with pytest.raises(MessageTooLarge):
        decode_call(bytes(CALL_BYTES_MAX + 1))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for decode in (decode_status, decode_range_request, decode_call):
        try:
            decode(data)
        except InvalidMessage:
            continue
