"""Blocks that wait for the one before them."""

from node.p2p.block_buffer import BlockBuffer
from node.p2p.limits import BUFFER_AHEAD_MAX, BUFFER_BLOCKS_MAX, RANGE_BLOCKS_MAX
from state.types import BlockNumber
from tests.node.p2p.signing import signed_block

HEAD = BlockNumber(10)


def test_buffer_keeps_what_is_ahead_and_not_too_far() -> None:
    buffer = BlockBuffer()
    for number in (10, 11, 10 + BUFFER_AHEAD_MAX, 11 + BUFFER_AHEAD_MAX):
        buffer.put(signed_block(number), HEAD)
    assert len(buffer) == 2
    assert buffer.get(BlockNumber(11)) is not None


def test_newer_block_of_a_number_takes_the_place() -> None:
    buffer = BlockBuffer()
    buffer.put(signed_block(11), HEAD)
    newer = signed_block(11, block_hash=b"\7" * 32)
    buffer.put(newer, HEAD)
    assert buffer.get(BlockNumber(11)) is newer


def test_full_buffer_keeps_the_nearest() -> None:
    buffer = BlockBuffer()
    for number in range(12, 13 + BUFFER_BLOCKS_MAX):
        buffer.put(signed_block(number), HEAD)
    buffer.put(signed_block(11), HEAD)
    assert len(buffer) == BUFFER_BLOCKS_MAX
    assert buffer.get(BlockNumber(11)) is not None
    assert buffer.get(BlockNumber(11 + BUFFER_BLOCKS_MAX)) is None


def test_gap_ends_at_the_first_block_that_is_here() -> None:
    buffer = BlockBuffer()
    assert buffer.gap(HEAD, BlockNumber(9)) == range(11, 11)
    assert buffer.gap(HEAD, BlockNumber(13)) == range(11, 14)
    assert len(buffer.gap(HEAD, BlockNumber(2**63))) == RANGE_BLOCKS_MAX
    buffer.put(signed_block(13), HEAD)
    assert buffer.gap(HEAD, BlockNumber(2**63)) == range(11, 13)
    buffer.put(signed_block(11), HEAD)
    assert not buffer.gap(HEAD, BlockNumber(20))


def test_blocks_that_the_chain_has_are_forgotten() -> None:
    buffer = BlockBuffer()
    for number in (11, 12, 13):
        buffer.put(signed_block(number), HEAD)
    buffer.forget_until(BlockNumber(12))
    assert len(buffer) == 1
    buffer.drop(BlockNumber(13))
    buffer.drop(BlockNumber(13))
    assert len(buffer) == 0
