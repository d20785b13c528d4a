"""Proofs: ours verify, altered ones don't, and the `trie` package agrees."""

import random
from dataclasses import replace

import pytest
from trie import HexaryTrie

from state.accounts import EMPTY_TRIE_ROOT
from state.keccak import keccak
from state.memory_state import MemoryState
from state.proofs import (
    AccountProof,
    InvalidProof,
    prove_account,
    verify_account_proof,
    verify_proof,
)
from state.trie import no_nodes, prove, update_trie
from state.world import decode_account
from tests.state.chains import account_address, default_allocation

STATE = MemoryState.from_alloc(default_allocation())


def proof_of(index: int, slots: tuple[int, ...] = (1, 5, 39, 40, 2**255)) -> AccountProof:
    return prove_account(STATE.root, account_address(index), slots, STATE.node)


@pytest.mark.parametrize("index", [0, 1, 2, 9, 10, 11])
def test_prove_account_verifies_here_and_in_the_trie_package(index: int):
    proof = proof_of(index)
    verify_account_proof(STATE.root, proof)
    proven = HexaryTrie({keccak(node): node for node in proof.nodes}, STATE.root)
    leaf = proven.get(keccak(account_address(index)))
    assert (decode_account(leaf) if leaf else None) == proof.account == STATE.account(proof.address)
    for storage in proof.storage:
        assert storage.value == STATE.storage(proof.address, storage.slot)


def test_prove_in_an_empty_trie_is_no_nodes():
    assert prove(EMPTY_TRIE_ROOT, keccak(b"key"), no_nodes) == ()
    assert verify_proof(EMPTY_TRIE_ROOT, keccak(b"key"), ()) is None


def test_verify_claims_that_are_not_proven_is_refused():
    proof = proof_of(1)
    assert proof.account is not None
    richer = replace(proof.account, balance=proof.account.balance + 1)
    value = replace(proof.storage[0], value=proof.storage[0].value + 1)
    absent = replace(proof.storage[3], slot=1)
    for false in (
        replace(proof, account=richer),
        replace(proof, account=None),
        replace(proof, address=account_address(2)),
        replace(proof, storage=(value,)),
        replace(proof, storage=(absent,)),
        replace(proof_of(10), account=proof.account),
    ):
        with pytest.raises(InvalidProof):
            verify_account_proof(STATE.root, false)


def test_verify_proof_missing_or_superfluous_nodes_is_refused():
    nodes = proof_of(1).nodes
    key = keccak(account_address(1))
    for altered in (nodes[:-1], nodes[1:], (), (*nodes, nodes[-1]), tuple(reversed(nodes))):
        with pytest.raises(InvalidProof):
            verify_proof(STATE.root, key, altered)


def test_verify_proof_any_bit_flipped_is_refused():
    rng = random.Random(1)
    nodes = proof_of(1).nodes
    for _ in range(200):
        at = rng.randrange(len(nodes))
        flipped = bytearray(nodes[at])
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        altered = (*nodes[:at], bytes(flipped), *nodes[at + 1 :])
        with pytest.raises(InvalidProof):
            verify_proof(STATE.root, keccak(account_address(1)), altered)


def test_verify_proof_of_a_malformed_node_with_the_right_hash_is_refused():
    for node in (b"", b"\xc1\x80", b"\xc2\x80\x80", bytes(40)):
        with pytest.raises(InvalidProof, match="malformed"):
            verify_proof(keccak(node), keccak(b"key"), (node,))


def test_verify_proof_of_a_malformed_account_is_refused():
    address = account_address(1)
    update = update_trie(EMPTY_TRIE_ROOT, {keccak(address): b"no account"}, no_nodes)
    proof = AccountProof(address, None, tuple(update.nodes.values()), ())
    with pytest.raises(InvalidProof, match="malformed"):
        verify_account_proof(update.root, proof)


def test_verify_proof_too_long_is_refused_unread():
    with pytest.raises(InvalidProof, match="at most"):
        verify_proof(STATE.root, keccak(b"key"), (b"",) * 100)
