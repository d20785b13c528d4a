"""The codec of receipts and the bloom filter over their logs."""

from collections.abc import Iterable

from state.blocks import Log, Receipt
from state.keccak import keccak
from state.limits import RLP_STORED_BYTES_MAX, RLP_STORED_ITEMS_MAX
from state.rlp import (
    Decoded,
    InvalidRLP,
    decode,
    decode_bytes,
    decode_list,
    decode_uint,
    encode,
    encode_uint,
)
from state.types import Address, Gas, Hash32

BLOOM_BITS = 2048
TOPICS_MAX = 4
"""LOG4 has the most topics."""
TYPE_BYTE_MAX = 0x7F
"""Envelopes start with a byte up to this one; RLP lists from 0xc0 (EIP-2718)."""


def encode_receipt(receipt: Receipt) -> bytes:
    """The receipt as it stands in the receipt trie: an EIP-2718 envelope, bare RLP for type 0."""
    payload = encode(
        [
            b"\x01" if receipt.succeeded else b"",
            encode_uint(receipt.cumulative_gas_used),
            receipt.logs_bloom,
            [[log.address, log.topics, log.data] for log in receipt.logs],
        ]
    )
    return payload if receipt.type == 0 else bytes([receipt.type]) + payload


def decode_receipt(data: bytes) -> Receipt:
    """Parse `encode_receipt`'s result (EIP-658, EIP-2718). Raises `InvalidRLP`.

    The limits are those of stored data: what gas and chain rules allow in logs is far above what a
    stranger may send.
    """
    receipt_type = 0
    if data[:1] and data[0] <= TYPE_BYTE_MAX:
        receipt_type, data = data[0], data[1:]
        if receipt_type == 0:
            raise InvalidRLP("a legacy receipt has no type byte")
    value = decode(data, max_bytes=RLP_STORED_BYTES_MAX, max_items=RLP_STORED_ITEMS_MAX)
    status, cumulative_gas, bloom, logs = decode_list(value, 4)
    if status not in (b"", b"\x01"):
        raise InvalidRLP("a receipt's status is 0 or 1")
    return Receipt(
        type=receipt_type,
        succeeded=status == b"\x01",
        cumulative_gas_used=Gas(decode_uint(cumulative_gas, 64)),
        logs=tuple(_decode_log(log) for log in decode_list(logs)),
        logs_bloom=decode_bytes(bloom, 256),
    )


def _decode_log(item: Decoded) -> Log:
    log_address, topics, data = decode_list(item, 3)
    topic_list = decode_list(topics)
    if len(topic_list) > TOPICS_MAX:
        raise InvalidRLP(f"a log has at most {TOPICS_MAX} topics, not {len(topic_list)}")
    return Log(
        address=Address(decode_bytes(log_address, 20)),
        topics=tuple(Hash32(decode_bytes(topic, 32)) for topic in topic_list),
        data=decode_bytes(data),
    )


def bloom_of(logs: Iterable[Log]) -> bytes:
    """The 2048-bit filter over addresses and topics of `logs` (Yellow Paper, section 4.3.1)."""
    entries = {entry for log in logs for entry in (log.address, *log.topics)}
    bits = 0
    for entry in entries:
        bits |= _bloom_bits(entry)
    return bits.to_bytes(BLOOM_BITS // 8, "big")


def bloom_may_contain(bloom: bytes, entry: bytes) -> bool:
    """Whether an address or topic may be among the logs: no false negatives."""
    wanted = _bloom_bits(entry)
    return int.from_bytes(bloom, "big") & wanted == wanted


def merge_blooms(blooms: Iterable[bytes]) -> bytes:
    """The union of filters: a header's bloom from those of its receipts."""
    bits = 0
    for bloom in blooms:
        bits |= int.from_bytes(bloom, "big")
    return bits.to_bytes(BLOOM_BITS // 8, "big")


def _bloom_bits(entry: bytes) -> int:
    digest = keccak(entry)
    bits = 0
    for start in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[start : start + 2], "big") % BLOOM_BITS)
    return bits
