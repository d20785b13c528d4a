"""The libraries of a block's phases against the node's own code: codec, list tries, base fee."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from eth_abi import decode
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.machine.leaves import leaf_hash, root_above
from bridge.machine.limits import BLOCK_TRANSACTIONS_MAX
from state.batch_codec import COMPRESSED, RAW, InvalidBatch, decode_batch, encode_batch
from state.blocks import Header
from state.headers import next_base_fee
from state.keccak import keccak
from state.limits import BATCH_DECODED_BYTES_MAX, BATCH_POSTED_BYTES_MAX, BATCH_SEQUENCES_MAX
from state.lz4 import InvalidCompression, compress
from state.trie import list_root
from state.types import ZERO_HASH, BlockNumber, Gas, Timestamp, Wei
from tests.contracts import artifact
from tests.contracts.vm import Reverted, Vm

Ask = Callable[..., Any]
FEW = settings(max_examples=150, deadline=None)


@pytest.fixture(scope="module")
def ask() -> Ask:
    """Calls a function of the harness by its signature."""
    vm = Vm()
    harness = vm.deploy(artifact("BlockPhasesHarness"))

    def call(signature: str, answer: str, *values: Any) -> Any:
        types = signature[signature.index("(") + 1 : -1]
        listed = [types] if types.startswith("(") else types.split(",")
        return decode([answer], vm.call(harness, signature, listed, values))[0]

    return call


# Batches


def payload_of(posted: bytes) -> bytes:
    try:
        return decode_batch(posted)
    except InvalidBatch:
        return b""


def packed(*sequences: tuple[bytes, int, int]) -> bytes:
    """A posted batch of these literals, distances and lengths; a length of 0 is no match."""
    out = bytearray([COMPRESSED])
    for literals, distance, length in sequences:
        extra = max(length - 4, 0)
        out.append(min(len(literals), 15) << 4 | min(extra, 15))
        out += _more(len(literals)) + literals
        if length:
            out += distance.to_bytes(2, "little") + _more(extra)
    return bytes(out)


def _more(length: int) -> bytes:
    if length < 15:
        return b""
    full, rest = divmod(length - 15, 255)
    return b"\xff" * full + bytes([rest])


MATCH = (b"", 3, 4)
BATCHES = {
    "nothing": b"",
    "codec without a payload": b"\0",
    "raw": b"\0" + bytes(range(100)),
    "raw of the greatest size": bytes(BATCH_POSTED_BYTES_MAX),
    "raw of one byte more": bytes(BATCH_POSTED_BYTES_MAX + 1),
    "unknown codec": b"\2" + bytes(60),
    "compressed nothing": packed(),
    "literals alone": packed((b"abc", 0, 0)),
    "15 literals": packed((bytes(range(15)), 0, 0)),
    "270 literals": packed((Random(1).randbytes(270), 0, 0)),
    "literals of no bytes at the end": packed((b"abcd", 1, 4), (b"", 0, 0)),
    "ends with a match": packed((b"abc", 3, 300)),
    "decodes to the greatest size": packed((b"a", 1, BATCH_DECODED_BYTES_MAX - 1)),
    "bomb of one byte more": packed((b"a", 1, BATCH_DECODED_BYTES_MAX)),
    "bomb of literals": packed((b"a", 1, BATCH_DECODED_BYTES_MAX - 1), (b"b", 0, 0)),
    "bomb of short matches": packed((b"a", 1, BATCH_DECODED_BYTES_MAX - 4), *[MATCH] * 9),
    "short match to the greatest size": packed((b"a", 1, BATCH_DECODED_BYTES_MAX - 5), MATCH),
    "bomb of one length": b"\1\xff" + b"\xff" * (BATCH_POSTED_BYTES_MAX - 2),
    "bomb of most sequences": packed((b"abc", 3, 4), *[MATCH] * (BATCH_SEQUENCES_MAX - 1)),
    "bomb of one sequence more": packed((b"abc", 3, 4), *[MATCH] * BATCH_SEQUENCES_MAX),
    "distance of zero": packed((b"abcd", 0, 4)),
    "distance to the start": packed((b"abcd", 4, 9)),
    "distance before the start": packed((b"abcd", 5, 4)),
    "truncated literals": packed((b"abcd", 0, 0))[:-1],
    "14 literals of which there is one": b"\1\xe0a",
    "14 literals and a match, of which there is one": b"\1\xe1a",
    "truncated distance": packed((b"abcd", 2, 4))[:-1],
    "truncated literal length": b"\1\xf0\xff",
    "truncated match length": packed((b"abcd", 2, 30))[:-1],
    "last sequence promises a match": b"\1\x4f" + b"abcd",
    "garbage": Random(2).randbytes(300),
}


@pytest.mark.parametrize("kind", BATCHES)
def test_batch_decodes_as_in_the_node(kind: str, ask: Ask) -> None:
    posted = BATCHES[kind]
    assert ask("decode(bytes)", "bytes", posted) == payload_of(posted)


@pytest.mark.parametrize("distance", [*range(1, 36), 63, 64, 65, 200])
def test_match_that_runs_into_itself_repeats(distance: int, ask: Ask) -> None:
    start = Random(distance).randbytes(200)
    for length in (4, 16, 17, 31, 32, 33, 64, 65, 100, 1_000):
        posted = packed((start, distance, length), (b"end", distance, length), (b"!", 0, 0))
        assert payload_of(posted)
        assert ask("decode(bytes)", "bytes", posted) == payload_of(posted)


@FEW
@given(
    st.lists(
        st.tuples(st.binary(max_size=40), st.integers(0, 60), st.sampled_from([4, 5, 18, 19, 90])),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 30),
    st.binary(max_size=3),
)
def test_random_sequences_decode_as_in_the_node(
    ask: Ask, sequences: list[tuple[bytes, int, int]], cut: int, junk: bytes
) -> None:
    posted = packed((b"0123456789", 4, 20), *sequences)
    posted = posted[: len(posted) - cut] + junk
    assert ask("decode(bytes)", "bytes", posted) == payload_of(posted)


@FEW
@given(st.binary(max_size=200), st.integers(0, 255))
def test_garbage_batch_decodes_as_in_the_node(ask: Ask, data: bytes, codec: int) -> None:
    for posted in (bytes([codec]) + data, bytes([COMPRESSED]) + data, bytes([RAW]) + data):
        assert ask("decode(bytes)", "bytes", posted) == payload_of(posted)


@FEW
@given(st.binary(max_size=100), st.integers(1, 40))
def test_compressed_payload_comes_back(ask: Ask, data: bytes, times: int) -> None:
    try:
        posted = bytes([COMPRESSED]) + compress(data * times)
    except InvalidCompression:
        posted = encode_batch(data)
    assert ask("decode(bytes)", "bytes", posted) == data * times


# Tries of transactions and receipts


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_root_of_items_is_the_headers_for_every_count(first: int, ask: Ask) -> None:
    items = [Random(n).randbytes(32 + n % 90) for n in range(first + 50)]
    for count in range(first, first + 50):
        assert ask("root(bytes[])", "bytes32", items[:count]) == list_root(items[:count])


@pytest.mark.parametrize("count", [1_000, 1_599, BLOCK_TRANSACTIONS_MAX])
def test_root_above_many_leaves_is_that_of_the_node(count: int, ask: Ask) -> None:
    leaves = [keccak(n.to_bytes(2, "big")) for n in range(count)]
    assert ask("rootAbove(bytes32[])", "bytes32", leaves) == root_above(leaves)


@FEW
@given(st.integers(1, BLOCK_TRANSACTIONS_MAX), st.data())
def test_leaf_of_any_item_is_that_of_the_node(ask: Ask, count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, count - 1))
    item = data.draw(st.binary(min_size=60, max_size=400))
    answer = ask("leafHash(uint256,uint256,bytes)", "bytes32", index, count, item)
    assert answer == leaf_hash(index, count, item)


@pytest.mark.parametrize("size", [55, 56, 255, 256, 65_535, 65_536])
def test_leaf_of_an_item_at_each_length_of_length_is_that_of_the_node(size: int, ask: Ask) -> None:
    item = Random(size).randbytes(size)
    answer = ask("leafHash(uint256,uint256,bytes)", "bytes32", 3, 300, item)
    assert answer == leaf_hash(3, 300, item)


def test_leaf_beyond_the_count_reverts(ask: Ask) -> None:
    with pytest.raises(Reverted) as refusal:
        ask("leafHash(uint256,uint256,bytes)", "bytes32", 3, 3, bytes(60))
    assert refusal.value.is_error("NoSuchLeaf(uint256,uint256)")


# Base fee

NUMBERS = st.integers(0, 2**64)


@FEW
@given(st.integers(2, 2**25), st.integers(0, 2**25), NUMBERS)
@example(30_000_000, 15_000_000, 10**9)
@example(30_000_000, 15_000_001, 7)
@example(30_000_000, 30_000_000, 0)
@example(30_000_000, 0, 7)
def test_base_fee_is_the_nodes(ask: Ask, limit: int, used: int, fee: int) -> None:
    header = Header(
        parent_hash=ZERO_HASH,
        state_root=ZERO_HASH,
        number=BlockNumber(1),
        gas_limit=Gas(limit),
        gas_used=Gas(used),
        timestamp=Timestamp(1),
        base_fee_per_gas=Wei(fee),
    )
    fields = (limit, used, 1, fee)
    signature = "nextBaseFee((uint256,uint256,uint256,uint256))"
    assert ask(signature, "uint256", fields) == next_base_fee(header)
