"""MerkleTrie.sol against our trie and against forgeries. Runs in pyrevm: results, not gas."""

import random
from collections.abc import Callable

import pytest
from eth_abi import decode, encode

from state.accounts import EMPTY_TRIE_ROOT
from state.keccak import keccak
from state.rlp import encode as rlp
from state.trie import prove, update_trie
from state.types import Hash32
from tests.contracts import artifact
from tests.contracts.vm import Reverted, Vm

Get = Callable[[Hash32, bytes, tuple[bytes, ...]], bytes]


@pytest.fixture(scope="module")
def get() -> Get:
    """`MerkleTrie.get`; raises `Reverted`."""
    vm = Vm()
    harness = vm.deploy(artifact("LibraryHarness"))

    def call(root: Hash32, key: bytes, proof: tuple[bytes, ...]) -> bytes:
        answer = vm.call(
            harness,
            "get(bytes32,bytes32,bytes[])",
            ["bytes32", "bytes32", "bytes[]"],
            [root, key, list(proof)],
        )
        return decode(["bytes"], answer)[0]

    return call


class Trie:
    """Keys (already hashed) and RLP values, through the node's own trie code."""

    def __init__(self, entries: dict[bytes, bytes]) -> None:
        update = update_trie(Hash32(EMPTY_TRIE_ROOT), entries, {}.__getitem__)
        self.root, self.nodes = update.root, update.nodes

    def proof(self, key: bytes) -> tuple[bytes, ...]:
        return prove(self.root, key, self.nodes.__getitem__)


def _random_trie(size: int, seed: int = 1) -> tuple[Trie, dict[bytes, bytes]]:
    rng = random.Random(seed)
    entries = {
        keccak(rng.randbytes(32)): rlp(rng.randbytes(rng.randint(1, 32))) for _ in range(size)
    }
    return Trie(entries), entries


@pytest.mark.parametrize("size", [1, 2, 3, 17, 300])
def test_get_of_present_keys_succeeds(get: Get, size: int) -> None:
    trie, entries = _random_trie(size)
    for key, value in list(entries.items())[:20]:
        assert get(trie.root, key, trie.proof(key)) == value


def test_get_through_extensions_and_embedded_nodes_succeeds(get: Get) -> None:
    """Keys that share 62 or 63 nibbles make long extensions and leaves below 32 bytes."""
    stem = keccak(b"stem")[:31]
    entries = {stem + bytes([low]): b"\x01" for low in (0x00, 0x01, 0x10, 0xFF)}
    entries[keccak(b"elsewhere")] = b"\x01"
    trie = Trie(entries)
    assert any(len(trie.proof(k)[-1]) > 32 for k in entries)
    for key in entries:
        assert get(trie.root, key, trie.proof(key)) == b"\x01"


def test_get_of_an_absent_key_reverts(get: Get) -> None:
    trie, _ = _random_trie(40)
    for seed in range(30):
        key = keccak(bytes([seed]))
        with pytest.raises(Reverted):
            get(trie.root, key, trie.proof(key))


def test_get_with_another_key_reverts(get: Get) -> None:
    trie, entries = _random_trie(40)
    first, second, *_ = entries
    with pytest.raises(Reverted):
        get(trie.root, second, trie.proof(first))


def test_get_with_missing_extra_or_swapped_nodes_reverts(get: Get) -> None:
    trie, entries = _random_trie(300)
    key = next(iter(entries))
    proof = trie.proof(key)
    wrong = ((), proof[:-1], proof[1:], (*proof, proof[-1]), (*proof, b""), proof[::-1])
    for candidate in wrong:
        with pytest.raises(Reverted):
            get(trie.root, key, candidate)


def test_get_with_any_byte_flipped_reverts(get: Get) -> None:
    trie, entries = _random_trie(60)
    key = next(iter(entries))
    proof = trie.proof(key)
    rng = random.Random(7)
    for _ in range(150):
        which = rng.randrange(len(proof))
        node = bytearray(proof[which])
        node[rng.randrange(len(node))] ^= 1 << rng.randrange(8)
        with pytest.raises(Reverted):
            get(trie.root, key, (*proof[:which], bytes(node), *proof[which + 1 :]))


def _leaf(path: bytes, value: bytes) -> bytes:
    return rlp([path, value])


KEY = keccak(b"key")
EVEN_LEAF = b"\x20" + KEY


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(_leaf(b"\x21" + KEY, b"\x01"), id="padding-nibble-set"),
        pytest.param(_leaf(b"\x40" + KEY, b"\x01"), id="unknown-flag"),
        pytest.param(_leaf(b"\x00" + KEY, b"\x01"), id="extension-instead-of-leaf"),
        pytest.param(_leaf(EVEN_LEAF[:-1], b"\x01"), id="path-too-short"),
        pytest.param(_leaf(EVEN_LEAF + b"\0", b"\x01"), id="path-too-long"),
        pytest.param(_leaf(b"", b"\x01"), id="no-path"),
        pytest.param(rlp([EVEN_LEAF, b"\x01", b""]), id="three-items"),
        pytest.param(rlp([EVEN_LEAF]), id="one-item"),
        pytest.param(rlp([EVEN_LEAF, [b"\x01"]]), id="value-is-a-list"),
        pytest.param(rlp([[EVEN_LEAF], b"\x01"]), id="path-is-a-list"),
        pytest.param(rlp(EVEN_LEAF), id="string-instead-of-list"),
        pytest.param(_leaf(EVEN_LEAF, b"\x01") + b"\0", id="trailing-byte"),
        pytest.param(b"\xe4\xa1" + EVEN_LEAF + b"\x81\x01", id="value-not-canonical"),
        pytest.param(b"\xf8\x23\xa1" + EVEN_LEAF + b"\x01", id="long-list-header"),
        pytest.param(b"\xe4\xb8\x21" + EVEN_LEAF + b"\x01", id="long-string-header"),
        pytest.param(b"\xe4\xa1" + EVEN_LEAF + b"\x01", id="list-longer-than-node"),
        pytest.param(b"\xe2\xa1" + EVEN_LEAF + b"\x01", id="list-shorter-than-node"),
        pytest.param(rlp([b""] * 16 + [b"\x01"]), id="value-in-branch"),
        pytest.param(rlp([b""] * 16), id="sixteen-items"),
        pytest.param(rlp([b""] * 17), id="empty-branch"),
        pytest.param(b"", id="no-bytes"),
        pytest.param(b"\x80", id="empty-trie"),
    ],
)
def test_get_from_a_malformed_root_node_reverts(get: Get, node: bytes) -> None:
    with pytest.raises(Reverted):
        get(keccak(node), KEY, (node,))


def test_get_from_the_same_node_well_formed_succeeds(get: Get) -> None:
    node = _leaf(EVEN_LEAF, b"\x01")
    assert get(keccak(node), KEY, (node,)) == b"\x01"


def test_get_through_an_extension_below_an_extension_reverts(get: Get) -> None:
    nibbles = KEY.hex()
    leaf = _leaf(bytes.fromhex("3" + nibbles[3:]), b"\x01")
    branch = rlp(_branch_items(int(nibbles[2], 16), keccak(leaf)))
    inner = rlp([bytes.fromhex("1" + nibbles[1]), keccak(branch)])
    outer = rlp([bytes.fromhex("1" + nibbles[0]), keccak(inner)])
    single = rlp([bytes.fromhex("00" + nibbles[:2]), keccak(branch)])
    assert get(keccak(single), KEY, (single, branch, leaf)) == b"\x01"
    with pytest.raises(Reverted):
        get(keccak(outer), KEY, (outer, inner, branch, leaf))


def test_get_of_an_embedded_node_succeeds_and_of_the_same_by_hash_reverts(get: Get) -> None:
    """A node below 32 bytes stands in its parent; referenced by hash it is a forgery."""
    leaf = [bytes([0x30 | KEY[31] & 0x0F]), b"\x01"]
    embedded = _branch_items(KEY[31] >> 4, leaf)
    root = rlp([b"\x00" + KEY[:31], embedded])
    assert get(keccak(root), KEY, (root,)) == b"\x01"

    by_hash = rlp(_branch_items(KEY[31] >> 4, keccak(rlp(leaf))))
    root = rlp([b"\x00" + KEY[:31], keccak(by_hash)])
    with pytest.raises(Reverted):
        get(keccak(root), KEY, (root, by_hash, rlp(leaf)))


def test_get_through_a_branch_that_holds_a_value_reverts(get: Get) -> None:
    """No key of a secure trie ends at a branch."""
    leaf = rlp([bytes.fromhex("3" + KEY.hex()[1:]), b"\x01"])
    items = _branch_items(KEY[0] >> 4, keccak(leaf))
    assert get(keccak(rlp(items)), KEY, (rlp(items), leaf)) == b"\x01"
    for value in (b"\x01", b"\xff" * 32):
        branch = rlp([*items[:16], value])
        with pytest.raises(Reverted):
            get(keccak(branch), KEY, (branch, leaf))


def _branch_items(nibble: int, child: bytes | list[bytes]) -> list[bytes | list[bytes]]:
    items: list[bytes | list[bytes]] = [b""] * 17
    items[nibble] = child
    return items


def test_alias_is_undone_by_its_inverse() -> None:
    vm = Vm()
    harness = vm.deploy(artifact("LibraryHarness"))
    for account in (b"\xff" * 20, bytes(20), b"\xee\xee" + bytes(17) + b"\x07"):
        forward = vm.call(harness, "toL2(address)", ["address"], [account])
        offset = 0x1111000000000000000000000000000000001111
        expected = (int.from_bytes(account, "big") + offset) % 2**160
        assert int.from_bytes(forward, "big") == expected
        back = vm.call(harness, "toL1(address)", ["address"], [forward[12:]])
        assert back == encode(["address"], [account])
