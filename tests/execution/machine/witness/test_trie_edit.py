"""TrieEdit.sol against our trie and the `trie` package: proofs, insertions, deletions."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from execution.machine.witness.tries import trie_edit
from state.accounts import EMPTY_TRIE_ROOT
from state.keccak import keccak
from state.rlp import encode, encode_bytes, encode_joined
from state.types import Hash32
from tests.conftest import Show
from tests.contracts.vm import Reverted
from tests.execution.machine.witness.trie_edit import (
    KEY_DIGITS,
    Entries,
    Harness,
    key,
    whole,
    witness,
)
from tests.state.official import official_tests, text_or_hex

ONE = b"\x01"
"""A value whose leaf is embedded near the end of a key."""

LONG = b"\xee" * 70
"""A value as long as an account: its leaf is never embedded."""

FORKS = (0, 1, 30, 31, 61, 62, 63)
"""Digits in which alike keys differ."""

alike_keys = st.dictionaries(st.sampled_from(FORKS), st.sampled_from("01f"), max_size=3).map(
    lambda forks: bytes.fromhex("".join(forks.get(i, "7") for i in range(KEY_DIGITS)))
)
values = st.sampled_from([b"", ONE, b"\x80", b"\x7f\x01", b"v" * 31, b"v" * 32, b"v" * 56, LONG])


def check_edit(harness: Harness, trie: Entries, at: bytes, value: bytes) -> None:
    """The contract reads the value before, and arrives at our root with our witness."""
    edit = trie.edit(at, value)
    assert harness.get(trie.root, at, witness(*edit.path)) == trie.value(at)
    assert harness.set(trie.root, at, value, whole(edit)) == (trie.value(at), edit.root)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(alike_keys, values), max_size=14))
def test_set_of_alike_keys_gives_the_roots_of_the_trie_package(changes) -> None:
    trie, reference = Entries(), HexaryTrie({}, prune=False)
    for at, value in changes:
        check_edit(HARNESS, trie, at, value)
        trie.apply(trie.edit(at, value))
        if value:
            reference[at] = value
        elif at in reference:
            del reference[at]
        assert trie.root == reference.root_hash


HARNESS = Harness()
"""Hypothesis wants no fixtures that outlive an example."""


@pytest.mark.parametrize("size", [1, 2, 17, 300])
def test_set_in_a_trie_of_hashed_keys_gives_the_root(harness: Harness, size: int) -> None:
    rng = random.Random(size)
    keys = [keccak(rng.randbytes(8)) for _ in range(size)]
    trie = Entries((at, rng.randbytes(rng.randint(1, 90))) for at in keys)
    for at in (*rng.sample(keys, min(size, 12)), keccak(b"absent"), keccak(b"not there")):
        for value in (b"", rng.randbytes(33), trie.value(at)):
            check_edit(harness, trie, at, value)


@pytest.mark.parametrize("shared", range(KEY_DIGITS))
@pytest.mark.parametrize("value", [ONE, LONG], ids=["embedded", "hashed"])
def test_insert_splits_a_leaf_after_any_number_of_digits(
    harness: Harness, shared: int, value: bytes
) -> None:
    trie = Entries([(key(""), value)])
    check_edit(harness, trie, key("7" * shared + "8"), value)
    check_edit(harness, trie, key("7" * shared + "6"), LONG)


@pytest.mark.parametrize("fork", range(40))
@pytest.mark.parametrize("value", [ONE, LONG], ids=["embedded", "hashed"])
def test_insert_splits_an_extension_at_any_digit(harness: Harness, fork: int, value: bytes) -> None:
    """The branch below may move up by reference, when the last digit of the extension goes."""
    trie = Entries([(key("7" * 39 + "7"), value), (key("7" * 39 + "8"), value)])
    check_edit(harness, trie, key("7" * fork + "a"), value)


@pytest.mark.parametrize("shared", range(KEY_DIGITS))
@pytest.mark.parametrize("value", [ONE, LONG], ids=["embedded", "hashed"])
def test_delete_merges_leaf_with_what_is_above_it(
    harness: Harness, shared: int, value: bytes
) -> None:
    """A branch collapses into its other leaf, which takes in the extension above."""
    trie = Entries([(key(""), value), (key("7" * shared + "8"), value)])
    check_edit(harness, trie, key(""), b"")
    check_edit(harness, trie, key("7" * shared + "8"), b"")


@pytest.mark.parametrize("first", [0, 1, 20])
@pytest.mark.parametrize("second", [22, 23, 61, 62])
@pytest.mark.parametrize("value", [ONE, LONG], ids=["embedded", "hashed"])
def test_delete_merges_extensions_around_a_collapsed_branch(
    harness: Harness, first: int, second: int, value: bytes
) -> None:
    """Extension, branch, extension or branch, branch: without the leaf, one extension is left."""
    leaf = key("7" * first + "8")
    trie = Entries([(key(""), value), (key("7" * second + "9"), value), (leaf, value)])
    edit = trie.edit(leaf, b"")
    assert len(edit.siblings) == 1 or value == ONE
    check_edit(harness, trie, leaf, b"")


def test_delete_reads_the_sibling_that_is_a_branch(harness: Harness) -> None:
    """It stays as it is, but that it is a branch is for the witness to show."""
    trie = Entries((key(start), LONG) for start in ("1", "20", "21"))
    edit = trie.edit(key("1"), b"")
    (sibling,) = edit.siblings
    assert len(sibling) > 64
    check_edit(harness, trie, key("1"), b"")
    with pytest.raises(Reverted):
        harness.set(trie.root, key("1"), b"", witness(*edit.path))


def test_delete_of_the_last_key_leaves_the_empty_root(harness: Harness) -> None:
    trie = Entries([(key("1"), ONE)])
    assert harness.set(trie.root, key("1"), b"", whole(trie.edit(key("1"), b""))) == (
        ONE,
        EMPTY_TRIE_ROOT,
    )


def test_write_of_the_same_value_reads_no_sibling(harness: Harness) -> None:
    trie = Entries([(key("1"), LONG), (key("2"), LONG)])
    path = witness(*trie.path(key("1")))
    assert harness.set(trie.root, key("1"), LONG, path) == (LONG, trie.root)
    assert harness.set(trie.root, key("3"), b"", witness(*trie.path(key("3")))) == (b"", trie.root)


def test_empty_trie_takes_no_node(harness: Harness) -> None:
    assert harness.get(EMPTY_TRIE_ROOT, key("1"), b"") == b""
    assert harness.set(EMPTY_TRIE_ROOT, key("1"), b"", b"") == (b"", EMPTY_TRIE_ROOT)
    with pytest.raises(Reverted):
        harness.get(EMPTY_TRIE_ROOT, key("1"), witness(b"\x80"))


def test_root_that_is_an_extension_over_an_embedded_branch_is_edited(harness: Harness) -> None:
    near = [key("", end="1"), key("", end="2")]
    trie = Entries((at, ONE) for at in near)
    assert len(trie.path(near[0])) == 1, "branch and leaves stand in the root"
    for at in (*near, key("", end="3"), key("1")):
        check_edit(harness, trie, at, LONG)
        check_edit(harness, trie, at, b"")


@pytest.mark.parametrize(
    "file",
    [
        "trietest_secureTrie.json",
        "trieanyorder_secureTrie.json",
        "hex_encoded_securetrie_test.json",
    ],
)
def test_official_secure_tries_arrive_at_the_root(harness: Harness, file: str) -> None:
    for name, case in official_tests(f"TrieTests/{file}").items():
        entries = case["in"].items() if isinstance(case["in"], dict) else case["in"]
        trie = Entries()
        for text, value in entries:
            at, new = keccak(text_or_hex(text)), text_or_hex(value) if value else b""
            check_edit(harness, trie, at, new)
            trie.apply(trie.edit(at, new))
        assert trie.root.hex() == case["root"].removeprefix("0x"), name


class DeepPath:
    """A way of 64 full branches to a leaf that has no digits left: the longest witness there is."""

    def __init__(self, at: bytes, value: bytes, siblings: int = 15) -> None:
        rng = random.Random(64)
        self.key = at
        self.nodes: dict[Hash32, bytes] = {}
        below = self._add(encode([b"\x20", value]))
        for digit in reversed(at.hex()):
            children = [encode_bytes(rng.randbytes(32)) for _ in range(siblings)]
            children += [b"\x80"] * (15 - siblings)
            children.insert(int(digit, 16), encode_bytes(below))
            below = self._add(encode_joined(b"".join(children) + b"\x80"))
        self.root = below

    def _add(self, node: bytes) -> Hash32:
        self.nodes[keccak(node)] = node
        return keccak(node)


@pytest.mark.parametrize("value", [b"\xdd" * 112, b""], ids=["write", "delete"])
def test_path_of_64_full_branches_stays_cheap(harness: Harness, value: bytes, show: Show) -> None:
    deep = DeepPath(keccak(b"deep"), b"\xcc" * 112)
    edit = trie_edit(deep.root, deep.key, value, deep.nodes.__getitem__)
    data = whole(edit)
    assert harness.set(deep.root, deep.key, value, data) == (b"\xcc" * 112, edit.root)
    opening, closing = harness.measure(deep.root, deep.key, value, data)
    show(f"64 full branches: {len(data)} bytes, open {opening} gas, close {closing} gas")
    assert opening + closing < 2_000_000


def test_delete_below_64_branches_of_two_reads_the_sibling(harness: Harness) -> None:
    """The deepest collapse: the sibling's leaf has no digits, and gets one."""
    stem = key("", end="1")
    near = [stem[:31] + b"\x72", stem]
    alike = [(bytes.fromhex("7" * i + "3" * (KEY_DIGITS - i)), LONG) for i in range(KEY_DIGITS)]
    trie = Entries([*alike, *((at, LONG) for at in near)])
    edit = trie.edit(stem, b"")
    assert len(edit.path) == 65
    check_edit(harness, trie, stem, b"")
    for at in near:
        check_edit(harness, trie, at, b"")
        trie.apply(trie.edit(at, b""))
    check_edit(harness, trie, alike[-1][0], b"")
