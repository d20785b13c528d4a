"""Batches: what is posted gives the blocks back; what is no batch is void, and says why."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.batch_codec import (
    BatchBlock,
    BatchTooLarge,
    InvalidBatch,
    InvalidBatchBlock,
    decode_batch,
    encode_batch,
    encode_blocks,
    read_block,
)
from state.limits import BATCH_DECODED_BYTES_MAX, BATCH_POSTED_BYTES_MAX

uint64 = st.integers(0, 2**64 - 1)
blocks = st.lists(
    st.builds(BatchBlock, uint64, uint64, st.lists(st.binary(max_size=200)).map(tuple)), max_size=6
)


def read_all(payload: bytes) -> list[BatchBlock]:
    """The blocks of a payload, one after another."""
    found, offset = [], 0
    while offset < len(payload):
        block, offset = read_block(payload, offset)
        found.append(block)
    return found


@given(blocks)
def test_blocks_posted_come_back(expected: list[BatchBlock]):
    posted = encode_batch(encode_blocks(expected))
    assert read_all(decode_batch(posted)) == expected


@given(blocks, st.data())
def test_read_block_of_a_payload_cut_short_is_refused(some: list[BatchBlock], data: st.DataObject):
    payload = encode_blocks(some)
    cut = data.draw(st.integers(0, len(payload)))
    ends = [len(encode_blocks(some[:n])) for n in range(len(some) + 1)]
    if cut in ends:
        assert read_all(payload[:cut]) == some[: ends.index(cut)]
    else:
        with pytest.raises(InvalidBatchBlock):
            read_all(payload[:cut])


@given(st.binary(max_size=80), st.integers(-1, 90))
def test_read_block_of_any_bytes_gives_a_block_or_one_error(payload: bytes, offset: int):
    try:
        block, end = read_block(payload, offset)
    except InvalidBatchBlock:
        return
    assert encode_blocks([block]) == payload[offset:end]


def test_read_block_claiming_more_transactions_than_bytes_is_refused_at_once():
    with pytest.raises(InvalidBatchBlock, match="room"):
        read_block(bytes(16) + b"\xff" * 4 + bytes(100), 0)


def test_encode_batch_takes_the_shorter_form():
    rng = random.Random(1)
    noise = rng.randbytes(5_000)
    assert encode_batch(noise) == b"\0" + noise
    assert encode_batch(bytes(5_000))[0] == 1
    assert encode_batch(b"") == b"\0"


def test_encode_batch_too_large_is_refused():
    with pytest.raises(BatchTooLarge, match="payload"):
        encode_batch(bytes(BATCH_DECODED_BYTES_MAX + 1))
    with pytest.raises(BatchTooLarge, match="posted"):
        encode_batch(random.Random(1).randbytes(BATCH_POSTED_BYTES_MAX))
    largest = random.Random(1).randbytes(BATCH_POSTED_BYTES_MAX - 1)
    assert decode_batch(encode_batch(largest)) == largest


@pytest.mark.parametrize(
    "posted",
    [
        b"",
        b"\x02",
        b"\xff" + bytes(20),
        b"\x01\x10",
        b"\x00" * (BATCH_POSTED_BYTES_MAX + 1),
        b"\x01\x1fa\x01\x00" + b"\xff" * 1_030 + b"\0",
    ],
)
def test_decode_batch_void_is_refused(posted: bytes):
    with pytest.raises(InvalidBatch):
        decode_batch(posted)


def test_encode_block_beyond_64_bits_is_refused():
    for block in (BatchBlock(2**64, 0, ()), BatchBlock(0, 2**64, ()), BatchBlock(-1, 0, ())):
        with pytest.raises(ValueError, match="64 bits"):
            encode_blocks([block])
