"""Merkle proofs of accounts and slots (EIP-1186), made and verified.

A proof is the list of trie nodes from the root to the key, or to where its absence shows. Each
must have the hash its parent names, so a proof convinces whoever trusts the root.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from state.accounts import EMPTY_TRIE_ROOT, Account
from state.errors import Invalid
from state.keccak import keccak
from state.limits import PROOF_NODES_MAX
from state.rlp import InvalidRLP
from state.trie import InvalidTrieNode, NodeReader, get, prove
from state.types import Address, Hash32
from state.world import decode_account, decode_slot, slot_key, trie_account, trie_slot


class InvalidProof(Invalid):
    """A proof that doesn't prove anything about this key under this root."""


@dataclass(frozen=True, slots=True)
class StorageProof:
    """A slot, its value (zero where absent) and the nodes that show it."""

    slot: int
    value: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class AccountProof:
    """An account (None where absent), the nodes that show it, and proofs of slots under it."""

    address: Address
    account: Account | None
    nodes: tuple[bytes, ...]
    storage: tuple[StorageProof, ...]


def prove_account(
    root: Hash32, address: Address, slots: Sequence[int], node: NodeReader
) -> AccountProof:
    """Prove an account and slots of it under a state root."""
    account = trie_account(root, address, node)
    storage_root = EMPTY_TRIE_ROOT if account is None else account.storage_root
    return AccountProof(
        address=address,
        account=account,
        nodes=prove(root, keccak(address), node),
        storage=tuple(
            StorageProof(
                slot=slot,
                value=trie_slot(storage_root, slot, node),
                nodes=prove(storage_root, slot_key(slot), node),
            )
            for slot in slots
        ),
    )


def verify_proof(root: Hash32, key: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The value that `proof` proves under a key, None for proven absence.

    Raises `InvalidProof` where a node is missing, superfluous, malformed or has another hash.
    """
    if len(proof) > PROOF_NODES_MAX:
        raise InvalidProof(f"a proof has at most {PROOF_NODES_MAX} nodes, not {len(proof)}")
    nodes = iter(proof)

    def next_node(node_hash: Hash32) -> bytes:
        encoded = next(nodes, None)
        if encoded is None:
            raise InvalidProof("the proof ends before the key does")
        if keccak(encoded) != node_hash:
            raise InvalidProof(f"a node of the proof does not hash to 0x{node_hash.hex()}")
        return encoded

    try:
        value = get(root, key, next_node)
    except InvalidTrieNode as error:
        raise InvalidProof(f"a node of the proof is malformed: {error}") from error
    if next(nodes, None) is not None:
        raise InvalidProof("the proof has nodes that the key does not pass")
    return value


def verify_account_proof(root: Hash32, proof: AccountProof) -> None:
    """Check all that an account proof claims against a state root. Raises `InvalidProof`."""
    leaf = verify_proof(root, keccak(proof.address), proof.nodes)
    try:
        account = None if leaf is None else decode_account(leaf)
    except InvalidRLP as error:
        raise InvalidProof(f"the account proven is malformed: {error}") from error
    if account != proof.account:
        raise InvalidProof(f"the account proven is {account}, not {proof.account}")
    storage_root = EMPTY_TRIE_ROOT if account is None else account.storage_root
    for storage in proof.storage:
        _verify_slot(storage_root, storage)


def _verify_slot(storage_root: Hash32, proof: StorageProof) -> None:
    leaf = verify_proof(storage_root, slot_key(proof.slot), proof.nodes)
    try:
        value = 0 if leaf is None else decode_slot(leaf)
    except InvalidRLP as error:
        raise InvalidProof(f"the slot proven is malformed: {error}") from error
    if value != proof.value:
        raise InvalidProof(f"slot {proof.slot:#x} is proven to hold {value}, not {proof.value}")
