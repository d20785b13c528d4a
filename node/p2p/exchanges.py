"""The messages of the request-response protocols: status, ranges of blocks, forwarded calls."""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from node.p2p.blocks import BlockDomain, SignedBlock, decode_signed_block
from node.p2p.errors import InvalidMessage, MessageTooLarge
from node.p2p.limits import (
    ADDRESS_BYTES_MAX,
    BLOCK_MESSAGE_BYTES_MAX,
    CALL_BYTES_MAX,
    CALL_METHOD_BYTES_MAX,
    CALL_RESPONSE_BYTES_MAX,
    RANGE_BLOCKS_MAX,
    RANGE_BYTES_MAX,
    RANGE_REQUEST_BYTES_MAX,
    STATUS_ADDRESSES_MAX,
    STATUS_BYTES_MAX,
)
from node.p2p.topics import Exchange, Topic
from state.types import UINT64_MAX

T = TypeVar("T")

REQUEST_BYTES_MAX: Final = {
    Exchange.STATUS: STATUS_BYTES_MAX,
    Exchange.RANGE: RANGE_REQUEST_BYTES_MAX,
    Exchange.CALL: CALL_BYTES_MAX,
}

RESPONSE_BYTES_MAX: Final = {
    Exchange.STATUS: STATUS_BYTES_MAX,
    Exchange.RANGE: RANGE_BYTES_MAX + BLOCK_MESSAGE_BYTES_MAX,
    Exchange.CALL: CALL_RESPONSE_BYTES_MAX,
}


class Status(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a peer says of itself."""

    head: int
    """Number of its newest block."""
    proof: bytes = b""
    """The sequencer's signature over the peer's id; empty on other nodes."""
    addresses: tuple[str, ...] = ()
    """Where the peer itself, and others that it knows, can be dialled."""


class RangeRequest(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Blocks `first` to `first + count - 1`, as far as they are stored."""

    first: int
    count: int


class Call(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A JSON-RPC call for the sequencer; `params` is a JSON array."""

    method: str
    params: bytes
    hops: int = 0
    """How often it was passed on: a replica may ask another that is nearer to the sequencer."""


TRANSACTION_METHODS: Final = frozenset({"eth_sendRawTransaction"})
ORDER_METHODS: Final = frozenset(
    {"trade_placeOrder", "trade_cancelOrder", "trade_cancelAll", "trade_replaceOrder"}
)
"""Writes of the order API. Anything that isn't signed by the user must never be on this list."""

BOOK_METHODS: Final = frozenset(
    {
        "trade_getOrder",
        "trade_getOrders",
        "trade_getBook",
        "trade_getTrades",
        "trade_getFills",
        "trade_getCandles",
    }
)
"""Reads of what the sequencer alone has. They are asked of a peer, and never gossiped."""

TOPIC_METHODS: Final = {Topic.TRANSACTIONS: TRANSACTION_METHODS, Topic.ORDERS: ORDER_METHODS}
FORWARDED_METHODS: Final = TRANSACTION_METHODS | ORDER_METHODS | BOOK_METHODS

HOPS_MAX: Final = 2
"""Replicas between a user and the sequencer; more would make a call go round in circles."""

_encoder = msgspec.msgpack.Encoder()


def encode(message: Status | RangeRequest) -> bytes:
    """The bytes on the stream."""
    return _encoder.encode(message)


def decode_status(data: bytes) -> Status:
    """Raises `InvalidMessage`."""
    status = _decode(data, Status, STATUS_BYTES_MAX)
    if not 0 <= status.head <= UINT64_MAX:
        raise InvalidMessage("the head's number is out of range")
    if len(status.addresses) > STATUS_ADDRESSES_MAX:
        raise InvalidMessage(f"more than {STATUS_ADDRESSES_MAX} addresses")
    if any(len(address) > ADDRESS_BYTES_MAX for address in status.addresses):
        raise InvalidMessage("an address is too long")
    return status


def decode_range_request(data: bytes) -> RangeRequest:
    """Raises `InvalidMessage`."""
    request = _decode(data, RangeRequest, RANGE_REQUEST_BYTES_MAX)
    if not (0 < request.first <= UINT64_MAX and 0 < request.count <= RANGE_BLOCKS_MAX):
        raise InvalidMessage(f"a range starts at 1 and has at most {RANGE_BLOCKS_MAX} blocks")
    return request


def encode_range(blocks: Sequence[bytes]) -> bytes:
    """Encoded signed blocks, as many of the first as an answer may hold."""
    chosen: list[bytes] = []
    size = 0
    for block in blocks[:RANGE_BLOCKS_MAX]:
        size += len(block)
        if chosen and size > RANGE_BYTES_MAX:
            break
        chosen.append(block)
    return _encoder.encode(chosen)


def decode_range(data: bytes, request: RangeRequest, domain: BlockDomain) -> list[SignedBlock]:
    """The blocks of an answer, in order from the first that was asked for.

    Raises `InvalidMessage`: one wrong block makes the whole answer wrong.
    """
    encoded = _decode(data, list[bytes], RESPONSE_BYTES_MAX[Exchange.RANGE])
    if len(encoded) > request.count:
        raise InvalidMessage(f"{len(encoded)} blocks for {request.count} asked for")
    blocks = [decode_signed_block(one, domain) for one in encoded]
    for expected, block in enumerate(blocks, request.first):
        if block.number != expected:
            raise InvalidMessage(f"block {block.number} stands where {expected} belongs")
    return blocks


def encode_call(call: Call) -> bytes:
    """The bytes on the stream, or gossiped. Raises `MessageTooLarge`."""
    encoded = _encoder.encode(call)
    if len(encoded) > CALL_BYTES_MAX:
        raise MessageTooLarge(len(encoded), CALL_BYTES_MAX)
    return encoded


def decode_call(data: bytes, allowed: frozenset[str] = FORWARDED_METHODS) -> Call:
    """Raises `InvalidMessage`, also for a method that isn't allowed here."""
    call = _decode(data, Call, CALL_BYTES_MAX)
    if len(call.method) > CALL_METHOD_BYTES_MAX or call.method not in allowed:
        raise InvalidMessage(f"{call.method[:CALL_METHOD_BYTES_MAX]!r} isn't passed on")
    if not 0 <= call.hops <= HOPS_MAX:
        raise InvalidMessage("it was passed on too often")
    return call


def _decode(data: bytes, kind: type[T], limit: int) -> T:
    if len(data) > limit:
        raise MessageTooLarge(len(data), limit)
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidMessage(f"it can't be read: {error}") from error
