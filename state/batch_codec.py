"""Batches: the blocks in a payload, and a payload as it is posted to the Inbox.

    posted   = codec (1 byte: 0 raw, 1 compressed as in `lz4.py`) ++ bytes
    payload  = block ++ block ++ ...
    block    = timestamp (8) ++ origin (8) ++ count (4) ++ count * (length (4) ++ transaction)

Numbers are big-endian. What breaks a rule of the first line voids the batch; what breaks one of
the third voids the rest of it. Deciding what a block may say is derivation's part.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from state.errors import Invalid
from state.limits import BATCH_DECODED_BYTES_MAX, BATCH_POSTED_BYTES_MAX
from state.lz4 import InvalidCompression, compress, decompress
from state.types import UINT64_MAX, Timestamp

RAW = 0
COMPRESSED = 1

_BLOCK_HEAD_SIZE = 20
_LENGTH_SIZE = 4


class InvalidBatch(Invalid):
    """Posted bytes that are no batch: the whole batch is void."""


class InvalidBatchBlock(Invalid):
    """Payload bytes that are no block: the rest of the batch is void."""


class BatchTooLarge(Invalid):
    """A payload that can't be posted under the caps: it must be split."""


@dataclass(frozen=True, slots=True)
class BatchBlock:
    """One L2 block as a batch states it; `origin` is the index of an inbox item."""

    timestamp: Timestamp
    origin: int
    transactions: tuple[bytes, ...]


def encode_batch(payload: bytes) -> bytes:
    """The shorter of the two posted forms. Raises `BatchTooLarge` where none fits the caps."""
    if len(payload) > BATCH_DECODED_BYTES_MAX:
        raise BatchTooLarge(
            f"a payload of {len(payload)} bytes exceeds {BATCH_DECODED_BYTES_MAX}: split it"
        )
    posted = bytes([COMPRESSED]) + compress(payload)
    if len(posted) > len(payload):
        posted = bytes([RAW]) + payload
    if len(posted) > BATCH_POSTED_BYTES_MAX:
        raise BatchTooLarge(
            f"a batch of {len(posted)} posted bytes exceeds {BATCH_POSTED_BYTES_MAX}: split it"
        )
    return posted


def decode_batch(posted: bytes) -> bytes:
    """The payload of a posted batch. Raises `InvalidBatch` for whatever voids the batch."""
    if len(posted) > BATCH_POSTED_BYTES_MAX:
        raise InvalidBatch(f"{len(posted)} posted bytes exceed {BATCH_POSTED_BYTES_MAX}")
    if not posted:
        raise InvalidBatch("a batch starts with its codec byte")
    if posted[0] == RAW:
        return posted[1:]
    if posted[0] != COMPRESSED:
        raise InvalidBatch(f"codec {posted[0]} is unknown")
    try:
        return decompress(posted[1:])
    except InvalidCompression as error:
        raise InvalidBatch(f"the batch does not decompress: {error}") from error


def encode_blocks(blocks: Iterable[BatchBlock]) -> bytes:
    """The payload of these blocks. Raises `ValueError` for a number that has no room."""
    return b"".join(encode_block(block) for block in blocks)


def encode_block(block: BatchBlock) -> bytes:
    """The bytes of one block in a payload."""
    if not 0 <= block.timestamp <= UINT64_MAX or not 0 <= block.origin <= UINT64_MAX:
        raise ValueError(f"timestamp {block.timestamp} or origin {block.origin} exceeds 64 bits")
    parts = [
        block.timestamp.to_bytes(8, "big"),
        block.origin.to_bytes(8, "big"),
        len(block.transactions).to_bytes(4, "big"),
    ]
    for raw in block.transactions:
        parts += (len(raw).to_bytes(_LENGTH_SIZE, "big"), raw)
    return b"".join(parts)


def read_block(payload: bytes, offset: int) -> tuple[BatchBlock, int]:
    """The block at `offset` of a payload, and where the next one starts.

    Raises `InvalidBatchBlock` where the payload ends within the block.
    """
    position = offset + _BLOCK_HEAD_SIZE
    if not offset >= 0 or position > len(payload):
        raise InvalidBatchBlock(f"the payload ends within the head of the block at {offset}")
    count = int.from_bytes(payload[offset + 16 : position], "big")
    if count * _LENGTH_SIZE > len(payload) - position:
        raise InvalidBatchBlock(f"the payload has no room for {count} transactions")
    transactions = []
    for _ in range(count):
        start = position + _LENGTH_SIZE
        end = start + int.from_bytes(payload[position:start], "big")
        if start > len(payload) or end > len(payload):
            raise InvalidBatchBlock(f"the payload ends within a transaction at {position}")
        transactions.append(payload[start:end])
        position = end
    block = BatchBlock(
        timestamp=Timestamp(int.from_bytes(payload[offset : offset + 8], "big")),
        origin=int.from_bytes(payload[offset + 8 : offset + 16], "big"),
        transactions=tuple(transactions),
    )
    return block, position
