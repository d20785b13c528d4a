"""TrieEdit.sol against witnesses that lie: it must revert, whatever the lie."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from execution.machine.witness.tries import trie_edit
from state.keccak import keccak
from state.rlp import encode, encode_bytes, encode_joined
from state.types import Hash32
from tests.contracts.vm import Reverted, selector
from tests.execution.machine.witness.trie_edit import Entries, Harness, key, whole, witness

ONE = b"\x01"
LONG = b"\xee" * 70
SPREAD = [(key(start), LONG) for start in ("1", "20", "21", "3", "44", "45", "4a0", "4a1")]
NEAR = [(key("", end=end), ONE) for end in ("1", "2", "31", "32")]
"""Their branches and leaves are embedded."""

HASH = encode_bytes(keccak(b"some child"))
NOTHING = b"\x80"
WHOLE_KEY = b"\x20" + key("7")
"""The path of a leaf that is the root."""


def branch(*children: bytes, value: bytes = NOTHING) -> bytes:
    """A branch of these encoded children, and nothing after them."""
    return encode_joined(b"".join(children) + NOTHING * (16 - len(children)) + value)


def short(path: bytes, below: bytes) -> bytes:
    """A leaf or an extension: path not yet encoded, content encoded."""
    return encode_joined(encode_bytes(path) + below)


def refuse(harness: Harness, root: bytes, at: bytes, data: bytes) -> None:
    """Neither a proof nor a change comes of it."""
    with pytest.raises(Reverted):
        harness.get(root, at, data)
    for value in (b"", LONG, b"\x02"):
        with pytest.raises(Reverted):
            harness.set(root, at, value, data)


MALFORMED: dict[str, bytes] = {
    "no list": encode_bytes(b"\x77" * 40),
    "list of one": encode_joined(encode_bytes(WHOLE_KEY)),
    "list of three": encode([WHOLE_KEY, LONG, LONG]),
    "list of sixteen": encode_joined(HASH * 2 + NOTHING * 14),
    "list of eighteen": encode_joined(HASH * 2 + NOTHING * 16),
    "bytes after the node": branch(HASH, HASH) + b"\0",
    "node cut short": branch(HASH, HASH)[:-1],
    "list that ends early": b"\xf8\x50" + branch(HASH, HASH)[2:],
    "long header of a short list": b"\xf8\x30" + NOTHING * 48,
    "length with a leading zero": b"\xf9\x00\x51" + branch(HASH, HASH)[2:],
    "branch with a value": branch(HASH, HASH, value=ONE),
    "branch with a list as its value": branch(HASH, HASH, value=b"\xc2\x20\x01"),
    "branch of one child": branch(HASH),
    "branch whose child has 31 bytes": branch(encode_bytes(b"\1" * 31), HASH),
    "branch whose child has 33 bytes": branch(encode_bytes(b"\1" * 33), HASH),
    "branch whose child is one byte": branch(ONE, HASH),
    "branch whose child is an empty list": branch(b"\xc0", HASH),
    "branch with an embedded node of 32 bytes": branch(b"\xdf" + b"\1" * 31, HASH),
    "branch with an embedded node of 60 bytes": branch(b"\xf8\x3a" + b"\1" * 58, HASH),
    "leaf path of 61 digits": short(b"\x37" + key("7")[2:], encode_bytes(LONG)),
    "leaf path of 65 digits": short(b"\x37" + key("7"), encode_bytes(LONG)),
    "leaf path of 66 digits": short(WHOLE_KEY + b"\x77", encode_bytes(LONG)),
    "leaf path with a padding digit": short(b"\x21" + key("7"), encode_bytes(LONG)),
    "leaf path with the flag 4": short(b"\x40" + key("7"), encode_bytes(LONG)),
    "leaf path with the flag f": short(b"\xf7" + key("7")[1:], encode_bytes(LONG)),
    "leaf path of no bytes": short(b"", encode_bytes(LONG)),
    "leaf path that is a list": encode([[WHOLE_KEY], LONG]),
    "leaf without a value": short(WHOLE_KEY, NOTHING),
    "leaf whose value is a list": short(WHOLE_KEY, b"\xc2\x20\x01"),
    "leaf whose value has a needless prefix": short(WHOLE_KEY, b"\x81\x01"),
    "leaf whose value is longer than said": short(WHOLE_KEY, b"\x82\x01"),
    "leaf whose value has a needless length": short(WHOLE_KEY, b"\xb8\x01\xff"),
    "extension without digits": short(b"\x00", HASH),
    "extension with a padding digit": short(b"\x07\x77", HASH),
    "extension over nothing": short(b"\x17" + b"\x77" * 20, NOTHING),
    "extension over 31 bytes": short(b"\x17", encode_bytes(b"\1" * 31)),
    "extension over an embedded node of 32 bytes": short(b"\x17", b"\xdf" + b"\1" * 31),
    "extension of 64 digits": short(b"\x00" + key("7"), HASH),
    "extension whose path has a needless prefix": encode_joined(b"\x81\x17" + HASH),
    "node below 32 bytes": branch(b"\xc2\x20\x01", b"\xc2\x20\x01"),
}


@pytest.mark.parametrize("node", MALFORMED.values(), ids=MALFORMED)
def test_root_node_that_is_none_or_not_canonical_rlp_reverts(harness: Harness, node: bytes) -> None:
    refuse(harness, keccak(node), key("7"), witness(node))


@pytest.mark.parametrize("node", MALFORMED.values(), ids=MALFORMED)
def test_inner_node_that_is_none_or_not_canonical_rlp_reverts(
    harness: Harness, node: bytes
) -> None:
    root = branch(*([HASH] * 7), encode_bytes(keccak(node)))
    refuse(harness, keccak(root), key("7"), witness(root, node))


WELL_FORMED: dict[str, bytes] = {
    "leaf": short(WHOLE_KEY, encode_bytes(LONG)),
    "branch": branch(HASH, HASH),
    "branch with an embedded node": branch(b"\xc2\x20\x01", HASH),
    "extension": short(b"\x16", HASH),
}


@pytest.mark.parametrize("node", WELL_FORMED.values(), ids=WELL_FORMED)
def test_node_that_the_malformed_ones_were_made_from_succeeds(
    harness: Harness, node: bytes
) -> None:
    assert harness.get(keccak(node), key("7"), witness(node)) in (LONG, b"")


def test_leaf_that_ends_before_or_after_its_key_reverts(harness: Harness) -> None:
    """A leaf that fits below a branch does not fit at the root, nor the other way round."""
    low = short(b"\x37" + key("7")[1:], encode_bytes(LONG))
    refuse(harness, keccak(low), key("7"), witness(low))
    root = branch(*([HASH] * 7), encode_bytes(keccak(low)))
    assert harness.get(keccak(root), key("7"), witness(root, low)) == LONG
    high = WELL_FORMED["leaf"]
    root = branch(*([HASH] * 7), encode_bytes(keccak(high)))
    refuse(harness, keccak(root), key("7"), witness(root, high))


def test_extension_over_anything_but_a_branch_reverts(harness: Harness) -> None:
    """Node-kind confusion: the pair would be one leaf, or one extension."""
    inner = short(b"\x37" + key("7")[1:], encode_bytes(LONG))
    outer = short(b"\x17", encode_bytes(keccak(inner)))
    refuse(harness, keccak(outer), key("7"), witness(outer, inner))
    inner = short(b"\x17", HASH)
    outer = short(b"\x17", encode_bytes(keccak(inner)))
    refuse(harness, keccak(outer), key("7"), witness(outer, inner))
    embedded = short(b"\x20", ONE)
    outer = short(b"\x17" + b"\x77" * 31, embedded)
    refuse(harness, keccak(outer), key("7"), witness(outer))


def test_embedded_node_that_is_malformed_reverts(harness: Harness) -> None:
    """Each stands where the last digit of the key leads."""
    for node in (b"\xc2\x21\x01", b"\xc2\x80\x01", b"\xc3\x20\x01\x01", b"\xc3\x20\x81\x01"):
        bottom = branch(*([HASH] * 7), node)
        top = short(b"\x17" + b"\x77" * 31, encode_bytes(keccak(bottom)))
        refuse(harness, keccak(top), key("7"), witness(top, bottom))


def test_branch_below_the_last_digit_reverts(harness: Harness) -> None:
    """A key of 64 digits can't go on into a branch."""
    below = branch(HASH, HASH)
    bottom = branch(*([HASH] * 7), encode_bytes(keccak(below)))
    top = short(b"\x17" + b"\x77" * 31, encode_bytes(keccak(bottom)))
    refuse(harness, keccak(top), key("7"), witness(top, bottom, below))


def test_value_that_is_a_valid_node_is_not_followed(harness: Harness) -> None:
    """Node-kind confusion: a leaf whose value is a node's hash, or a node's bytes."""
    node = WELL_FORMED["branch"]
    for value in (keccak(node), node):
        trie = Entries([(key("7"), value), (key("1"), LONG)])
        path = trie.path(key("7"))
        assert harness.get(trie.root, key("7"), witness(*path)) == value
        refuse(harness, trie.root, key("7"), witness(*path, node))


def test_node_of_other_bytes_of_the_same_shape_reverts(harness: Harness) -> None:
    """What does not hash to the reference is no node of this trie."""
    ours, other = Entries(SPREAD), Entries([(at, b"\xdd" * 70) for at, _ in SPREAD])
    at = SPREAD[0][0]
    refuse(harness, ours.root, at, witness(*other.path(at)))
    refuse(harness, ours.root, at, witness(ours.path(at)[0], *other.path(at)[1:]))


def test_wrong_exclusion_proof_reverts(harness: Harness) -> None:
    """Absence is shown by the key's own path alone: not by a neighbour's, a part or nothing."""
    trie = Entries(SPREAD)
    present, absent = key("4a0"), key("4b")
    for data in (
        b"",
        witness(*trie.path(absent)),
        witness(*trie.path(present)[:-1]),
        witness(*trie.path(key("1"))),
    ):
        refuse(harness, trie.root, present, data)
    refuse(harness, trie.root, absent, witness(*trie.path(present)))
    assert harness.get(trie.root, absent, witness(*trie.path(absent))) == b""


def test_wrong_exclusion_proof_by_the_empty_root_reverts(harness: Harness) -> None:
    """Whatever root is not that of the empty trie needs a node."""
    refuse(harness, Entries(SPREAD).root, key("9"), b"")
    refuse(harness, bytes(32), key("9"), b"")


def test_trailing_witness_bytes_revert(harness: Harness) -> None:
    trie = Entries(SPREAD)
    for at, _ in SPREAD:
        edit = trie.edit(at, b"")
        for tail in (b"\0", bytes(4), witness(edit.path[-1])):
            with pytest.raises(Reverted) as reading:
                harness.get(trie.root, at, witness(*edit.path) + tail)
            with pytest.raises(Reverted) as deleting:
                harness.set(trie.root, at, b"", whole(edit) + tail)
            for caught in (reading, deleting):
                assert caught.value.data[:4] == selector("TrailingWitness(uint256)")


@pytest.mark.parametrize("start", ["20", "44"])
def test_branch_collapse_on_delete_without_its_sibling_reverts(
    harness: Harness, start: str
) -> None:
    trie = Entries([(key("20"), LONG), (key("21"), LONG), (key("44"), LONG), (key("45"), LONG)])
    edit = trie.edit(key(start), b"")
    assert len(edit.siblings) == 1
    with pytest.raises(Reverted) as caught:
        harness.set(trie.root, key(start), b"", witness(*edit.path))
    assert caught.value.is_error("WitnessTooShort()")


def test_branch_collapse_on_delete_with_another_sibling_reverts(harness: Harness) -> None:
    """A sibling of another kind would merge otherwise, one of other bytes give another root."""
    trie = Entries([(key("1"), LONG), (key("20"), LONG), (key("21"), LONG)])
    edit = trie.edit(key("1"), b"")
    leaf = trie.path(key("20"))[-1]
    for sibling in (leaf, edit.path[0], edit.path[-1], b"", edit.siblings[0] + b"\0"):
        with pytest.raises(Reverted):
            harness.set(trie.root, key("1"), b"", witness(*edit.path, sibling))


@pytest.mark.parametrize("sibling", MALFORMED.values(), ids=MALFORMED)
def test_branch_collapse_on_delete_into_a_malformed_sibling_reverts(
    harness: Harness, sibling: bytes
) -> None:
    at = key("1")
    leaf = short(b"\x37" + at[1:], encode_bytes(LONG))
    root = branch(NOTHING, encode_bytes(keccak(leaf)), encode_bytes(keccak(sibling)))
    assert harness.get(keccak(root), at, witness(root, leaf)) == LONG
    with pytest.raises(Reverted):
        harness.set(keccak(root), at, b"", witness(root, leaf, sibling))


def flips(data: bytes) -> Iterator[bytes]:
    """The witness with each byte altered, in its lowest bit, its highest, and in all."""
    for index in range(len(data)):
        for mask in (0x01, 0x80, 0xFF):
            yield data[:index] + bytes([data[index] ^ mask]) + data[index + 1 :]


TRIES: dict[bytes, Entries] = {}
"""The tries of the cases, by their roots."""

Case = tuple[Hash32, bytes, bytes, bytes]
"""Root, key, new value, witness."""


def _case(entries: list[tuple[bytes, bytes]], at: bytes, value: bytes) -> Callable[[], Case]:
    def build() -> Case:
        trie = Entries(entries)
        TRIES[trie.root] = trie
        return trie.root, at, value, whole(trie.edit(at, value))

    return build


CASES: dict[str, Callable[[], Case]] = {
    "replace": _case(SPREAD, key("20"), b"\xdd" * 70),
    "replace embedded": _case(NEAR, NEAR[2][0], b"\x02"),
    "insert into a branch": _case(SPREAD, key("9"), LONG),
    "insert that splits a leaf": _case(SPREAD, key("17777"), LONG),
    "insert that splits an extension": _case(NEAR, key("5"), ONE),
    "delete": _case(SPREAD, key("1"), b""),
    "delete with a leaf merge": _case(SPREAD, key("20"), b""),
    "delete with an extension merge": _case(
        [(key("8"), LONG), (key("77778"), LONG), (key("777777"), LONG)], key("8"), b""
    ),
    "delete above a branch": _case(SPREAD[:3], key("1"), b""),
    "delete embedded": _case(NEAR, NEAR[2][0], b""),
}


@pytest.mark.parametrize("build", CASES.values(), ids=CASES)
def test_flip_of_any_witness_byte_reverts(harness: Harness, build: Callable[[], Case]) -> None:
    root, at, value, data = build()
    harness.set(root, at, value, data)
    for forged in flips(data):
        with pytest.raises(Reverted):
            harness.set(root, at, value, forged)


@pytest.mark.parametrize("build", CASES.values(), ids=CASES)
def test_flip_of_any_byte_of_the_root_reverts(harness: Harness, build: Callable[[], Case]) -> None:
    root, at, value, data = build()
    for forged in flips(root):
        with pytest.raises(Reverted):
            harness.set(forged, at, value, data)


@pytest.mark.parametrize("build", CASES.values(), ids=CASES)
def test_flip_of_any_byte_of_the_key_reverts_or_is_about_that_key(
    harness: Harness, build: Callable[[], Case]
) -> None:
    """One path may show the absence of many keys: then it is right for each of them."""
    root, at, value, data = build()
    trie = TRIES[root]
    for other in flips(at):
        with suppress(Reverted):
            edit = trie.edit(other, value)
            assert harness.set(root, other, value, data) == (trie.value(other), edit.root)
            assert edit.root != trie.edit(at, value).root or edit.root == root


@pytest.mark.parametrize("build", CASES.values(), ids=CASES)
def test_witness_cut_at_any_byte_reverts(harness: Harness, build: Callable[[], Case]) -> None:
    root, at, value, data = build()
    for length in range(len(data)):
        with pytest.raises(Reverted):
            harness.set(root, at, value, data[:length])


def test_witness_of_another_trie_reverts(harness: Harness) -> None:
    """As one from another transaction, block or game would be."""
    before = Entries(SPREAD)
    edit = before.edit(key("1"), b"\xdd" * 70)
    after = trie_edit(edit.root, key("1"), LONG, {**before.nodes, **edit.nodes}.__getitem__)
    refuse(harness, before.root, key("1"), witness(*after.path))
    refuse(harness, edit.root, key("1"), witness(*edit.path))
