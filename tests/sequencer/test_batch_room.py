"""Room in a block: never more than a batch holds, and more than raw bytes where they compress."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.limits import SEQUENCED_BYTES_MAX
from sequencer.batch_room import BatchRoom
from state.batch_codec import BatchBlock, encode_batch, encode_blocks
from state.limits import BATCH_DECODED_BYTES_MAX, BATCH_POSTED_BYTES_MAX
from state.types import Timestamp

LENGTH_BYTES = 4


def noise(seed: int, size: int) -> bytes:
    return hashlib.shake_128(seed.to_bytes(8, "big")).digest(size)


def fill(room: BatchRoom, transactions: list[bytes]) -> list[bytes]:
    """The transactions that the room takes."""
    return [raw for raw in transactions if room.take(raw)]


def posted_bytes(transactions: list[bytes]) -> int:
    block = BatchBlock(Timestamp(2**64 - 1), 2**64 - 1, tuple(transactions))
    return len(encode_batch(encode_blocks([block])))


def test_take_incompressible_fills_to_the_last_byte() -> None:
    room = BatchRoom()
    last = SEQUENCED_BYTES_MAX - 81 * 1_000
    first = [noise(i, 1_000 - LENGTH_BYTES) for i in range(81)]

    assert fill(room, first) == first
    assert not room.take(noise(99, last + 1 - LENGTH_BYTES))
    assert room.take(noise(99, last - LENGTH_BYTES))
    assert not room.take(b"\0")
    assert room.is_postable()


def test_take_compressible_goes_beyond_the_posted_cap() -> None:
    room = BatchRoom()
    transactions = [noise(7, 80) + noise(i, 40) for i in range(2_500)]
    taken = fill(room, transactions)

    assert sum(map(len, taken)) > 1.5 * BATCH_POSTED_BYTES_MAX
    assert posted_bytes(taken) <= BATCH_POSTED_BYTES_MAX
    assert room.is_postable()


def test_take_very_compressible_stays_below_the_decoded_cap() -> None:
    taken = fill(BatchRoom(), [bytes(1_000)] * 400)

    assert sum(LENGTH_BYTES + len(raw) for raw in taken) <= BATCH_DECODED_BYTES_MAX - 20
    assert len(taken) > 250


def test_take_without_compressing_counts_bytes() -> None:
    taken = fill(BatchRoom(is_compressing=False), [bytes(1_000)] * 400)

    assert len(taken) == SEQUENCED_BYTES_MAX // (1_000 + LENGTH_BYTES)


def test_given_back_transaction_leaves_its_room() -> None:
    room = BatchRoom()
    whole = noise(1, SEQUENCED_BYTES_MAX - LENGTH_BYTES)

    assert room.take(whole)
    room.give_back()
    assert room.take(whole)


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 60_000), st.integers(0, 255)),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_is_taken_and_postable_can_be_posted(parts: list[tuple[int, int, int]]) -> None:
    room = BatchRoom()
    transactions = [
        (noise(seed, size // 2) + bytes([byte]) * (size - size // 2)) for seed, size, byte in parts
    ]
    taken = fill(room, transactions)

    assert not room.is_postable() or posted_bytes(taken) <= BATCH_POSTED_BYTES_MAX
