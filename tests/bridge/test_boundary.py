"""The output root against an independent ABI encoder, and the ring against a plain tree."""

from eth_abi import encode
from hypothesis import given

from bridge.boundary import (
    RING_SIZE,
    BlockHashRing,
    Boundary,
    decode_boundary,
    output_root,
    ring_root,
)
from state.keccak import keccak
from state.types import ZERO_HASH, BlockNumber, Hash32
from tests.bridge.strategies import BOUNDARIES


@given(BOUNDARIES)
def test_output_root_any_boundary_equals_abi_encoding(boundary: Boundary) -> None:
    types = ["bytes32", "uint256", "bytes32", "uint256", *["bytes32"] * 4, *["uint256"] * 5]
    values = [
        keccak(b"tallystick.boundary.v1"),
        1,
        boundary.config_hash,
        boundary.number,
        boundary.header_hash,
        boundary.state_root,
        boundary.message_passer_root,
        boundary.ring_root,
        boundary.cursor.next_batch,
        boundary.cursor.offset,
        boundary.cursor.next_deposit,
        boundary.origin.item,
        boundary.origin.sequence_number,
    ]
    assert output_root(boundary) == keccak(encode(types, values))


@given(BOUNDARIES)
def test_boundary_encoding_round_trips(boundary: Boundary) -> None:
    assert decode_boundary(boundary.encode()) == boundary


def test_ring_grown_block_by_block_equals_plain_tree() -> None:
    ring = BlockHashRing(BlockNumber(0), _hash_of)
    for number in range(1, 2 * RING_SIZE + 10):
        expected_root = ring.root_after(_hash_of(number))
        ring.append(_hash_of(number))
        assert ring.number == number
        assert ring.root == expected_root
        if number % 37 == 0 or number in (RING_SIZE - 1, RING_SIZE, RING_SIZE + 1):
            assert ring.root == _plain_root(number)
            assert ring.root == ring_root(BlockNumber(number), _hash_of)


def test_ring_of_genesis_has_one_leaf() -> None:
    assert ring_root(BlockNumber(0), _hash_of) == _plain_root(0)


def _hash_of(number: int) -> Hash32:
    return keccak(b"block %d" % number)


def _plain_root(number: int) -> Hash32:
    """The definition, level by level: leaf n % 256 is the hash of block n."""
    level = [ZERO_HASH] * RING_SIZE
    for n in range(max(0, number - RING_SIZE + 1), number + 1):
        level[n % RING_SIZE] = _hash_of(n)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [keccak(left + right) for left, right in pairs]
    return level[0]
