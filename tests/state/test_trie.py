"""The batched trie against the official cases and against the `trie` package, key by key."""

import random
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from state.accounts import EMPTY_TRIE_ROOT
from state.errors import InternalError
from state.keccak import keccak
from state.rlp import encode, encode_bytes, encode_uint
from state.trie import (
    InvalidTrieNode,
    get,
    list_root,
    no_nodes,
    parse_node,
    prove,
    trie_entries,
    update_trie,
)
from state.types import Hash32
from tests.state.official import official_tests, text_or_hex

Keys = Callable[[random.Random], bytes]

KEYS: dict[str, Keys] = {
    "two bytes": lambda rng: rng.randbytes(2),
    "any length": lambda rng: rng.randbytes(rng.randrange(4)),
    "prefixes of each other": lambda rng: bytes([rng.choice((0, 1, 16))]) * rng.randrange(5),
    "few hashes": lambda rng: keccak(rng.randbytes(1)),
    "many hashes": lambda rng: keccak(rng.randbytes(8)),
    "long common paths": lambda rng: b"\x77" * 20 + rng.randbytes(1) + b"\x77" * 11,
}


def _pairs(case: dict | list) -> list[tuple[bytes, bytes]]:
    entries = case.items() if isinstance(case, dict) else case
    return [(text_or_hex(key), text_or_hex(value) if value else b"") for key, value in entries]


@pytest.mark.parametrize(
    ("file", "secure"),
    [
        ("trietest.json", False),
        ("trieanyorder.json", False),
        ("trietest_secureTrie.json", True),
        ("trieanyorder_secureTrie.json", True),
        ("hex_encoded_securetrie_test.json", True),
    ],
)
@pytest.mark.parametrize("batched", [True, False])
def test_update_official_cases_arrive_at_the_root(file: str, secure: bool, batched: bool):
    for name, case in official_tests(f"TrieTests/{file}").items():
        pairs = [(keccak(k) if secure else k, v) for k, v in _pairs(case["in"])]
        batches = [dict(pairs)] if batched else [{key: value} for key, value in pairs]
        nodes: dict[Hash32, bytes] = {}
        root = EMPTY_TRIE_ROOT
        for batch in batches:
            update = update_trie(root, batch, nodes.__getitem__)
            nodes.update(update.nodes)
            root = update.root
        assert root.hex() == case["root"].removeprefix("0x"), name


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("seed", range(3))
def test_update_random_batches_match_the_trie_package(keys: Keys, seed: int):
    rng = random.Random(seed)
    nodes: dict[Hash32, bytes] = {}
    root, reference, model = EMPTY_TRIE_ROOT, HexaryTrie({}), {}
    for _ in range(60):
        batch = {}
        for _ in range(rng.randrange(1, 25)):
            known = list(model)
            key = rng.choice(known) if known and rng.random() < 0.4 else keys(rng)
            batch[key] = b"" if rng.random() < 0.45 else rng.randbytes(rng.choice((1, 2, 31, 33)))
        update = update_trie(root, batch, nodes.__getitem__)
        nodes.update(update.nodes)
        root = update.root
        for key, value in batch.items():
            if value:
                reference[key] = model[key] = value
            elif model.pop(key, None):
                del reference[key]
        assert root == reference.root_hash
        for key in batch:
            assert get(root, key, nodes.__getitem__) == model.get(key)
    assert all(get(root, key, nodes.__getitem__) == value for key, value in model.items())


@settings(deadline=None)
@given(
    st.dictionaries(st.binary(max_size=3), st.binary(min_size=1, max_size=40), max_size=30),
    st.data(),
)
def test_update_deleting_gives_the_trie_without(entries: dict[bytes, bytes], data: st.DataObject):
    gone = data.draw(st.sets(st.sampled_from(sorted(entries)))) if entries else set()
    full = update_trie(EMPTY_TRIE_ROOT, entries, no_nodes)
    less = update_trie(full.root, dict.fromkeys(gone, b""), full.nodes.__getitem__)
    rest = {key: value for key, value in entries.items() if key not in gone}
    assert less.root == update_trie(EMPTY_TRIE_ROOT, rest, no_nodes).root


@given(st.dictionaries(st.binary(max_size=4), st.binary(min_size=1, max_size=40), max_size=40))
def test_trie_entries_are_all_in_order(entries: dict[bytes, bytes]):
    full = update_trie(EMPTY_TRIE_ROOT, entries, no_nodes)
    assert list(trie_entries(full.root, full.nodes.__getitem__)) == sorted(entries.items())


def test_update_without_changes_keeps_the_root_and_reads_nothing():
    assert update_trie(keccak(b"any"), {}, no_nodes) == (keccak(b"any"), {})


def test_update_deleting_what_is_absent_keeps_the_root():
    entries = {keccak(bytes([n])): b"\1" * 40 for n in range(50)}
    full = update_trie(EMPTY_TRIE_ROOT, entries, no_nodes)
    absent = {keccak(b"absent" + bytes([n])): b"" for n in range(50)}
    assert update_trie(full.root, absent, full.nodes.__getitem__).root == full.root


def test_update_deleting_everything_is_empty():
    entries = {keccak(bytes([n])): b"\1" for n in range(50)}
    full = update_trie(EMPTY_TRIE_ROOT, entries, no_nodes)
    empty = update_trie(full.root, dict.fromkeys(entries, b""), full.nodes.__getitem__)
    assert empty == (EMPTY_TRIE_ROOT, {})


def test_update_reads_and_hashes_each_node_once():
    entries = {keccak(n.to_bytes(2, "big")): b"\1" * 32 for n in range(2_000)}
    full = update_trie(EMPTY_TRIE_ROOT, entries, no_nodes)
    reads: list[Hash32] = []

    def node(node_hash: Hash32) -> bytes:
        reads.append(node_hash)
        return full.nodes[node_hash]

    update = update_trie(full.root, dict.fromkeys(entries, b"\2" * 32), node)
    assert len(reads) == len(set(reads)) == len(full.nodes)
    assert len(update.nodes) == len(full.nodes)


def test_update_with_a_lost_node_raises_what_the_reader_raises():
    with pytest.raises(InternalError):
        update_trie(keccak(b"lost"), {b"key": b"value"}, no_nodes)


def test_update_with_a_damaged_node_is_an_internal_error():
    with pytest.raises(InternalError, match="damaged"):
        update_trie(keccak(b"lost"), {b"key": b"value"}, lambda _: b"\xc1\x80")


def test_update_with_an_overlong_key_is_refused():
    with pytest.raises(InternalError, match="key"):
        update_trie(EMPTY_TRIE_ROOT, {bytes(65): b"value"}, no_nodes)


@pytest.mark.parametrize("count", [0, 1, 2, 127, 128, 129, 300])
def test_list_root_matches_the_trie_package(count: int):
    items = [keccak(bytes([n % 256])) * (1 + n % 3) for n in range(count)]
    reference = HexaryTrie({})
    for index, item in enumerate(items):
        reference[encode_bytes(encode_uint(index))] = item
    assert list_root(items) == reference.root_hash


def test_prove_gives_nodes_that_the_trie_package_accepts():
    entries = {keccak(bytes([n])): bytes([n]) * 33 for n in range(1, 200)}
    full = update_trie(EMPTY_TRIE_ROOT, entries, no_nodes)
    for key in (*list(entries)[:30], keccak(b"absent"), keccak(b"absent too")):
        nodes = prove(full.root, key, full.nodes.__getitem__)
        proven = HexaryTrie({keccak(node): node for node in nodes}, full.root)
        assert proven.get(key) == entries.get(key, b"")


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x80",
        b"\x05",
        encode([]),
        encode([b"\x20"]),
        encode([b"\x20", b"a", b"b"]),
        encode([b"\x20", b"value"]) + b"\0",
        encode([b"\x20", b"value"])[:-1],
        encode([b"", b"value"]),  # no path at all
        encode([[], b"value"]),  # a list for a path
        encode([b"\x40", b"value"]),  # an unknown flag
        encode([b"\x2f", b"value"]),  # padding that isn't zero
        encode([b"\x20", b""]),  # a leaf without a value
        encode([b"\x20", [b"value"]]),  # a leaf with a list
        encode([b"\x00", bytes(32)]),  # an extension of no digits
        encode([b"\x11", b""]),  # an extension to nothing
        encode([b"\x11", b"short"]),  # an extension to bytes
        encode([b"\x11", [b"x" * 40]]),  # an extension to a large node in place
        encode([b"short", *[b""] * 16]),  # a branch with bytes for a child
        encode([[b"x" * 40], *[b""] * 16]),
        encode([*[b""] * 16, [b"value"]]),
        encode([*[bytes(32)] * 16, b""])[:-1],
    ],
)
def test_parse_node_malformed_is_refused(encoded: bytes):
    with pytest.raises(InvalidTrieNode):
        parse_node(encoded)


@given(st.binary(max_size=120))
def test_parse_node_of_any_bytes_gives_a_node_or_one_error(encoded: bytes):
    with suppress(InvalidTrieNode):
        parse_node(encoded)
