"""States whose every path is as long as can be: 64 branches, each with sixteen children.

No such state can be made by choosing addresses. A verifier can't know: children beside the path are
nothing but hashes to it, so that random ones do.
"""

from collections.abc import Mapping
from random import Random

from execution.machine.machine import Machine
from genesis.config import ExecutionRules
from state.accounts import EMPTY_TRIE_ROOT, Account
from state.keccak import keccak
from state.memory_state import MemoryState
from state.rlp import encode
from state.types import Address, Hash32
from state.world import encode_account, encode_slot, slot_key
from tests.execution.machine.world import Allocated, Run

DIGITS = 64
LEAF_WITHOUT_DIGITS = b"\x20"
"""Hex-prefix of a leaf whose key ends above it (Yellow Paper, appendix C)."""

Nodes = dict[Hash32, bytes]


def deep_trie(leaves: Mapping[bytes, bytes], random: Random, nodes: Nodes) -> Hash32:
    """The root of a trie in which each of these keys has 64 branches above it.

    No bytes: the last of them shows that the key isn't there.
    """
    return _subtrie(dict(leaves), 0, random, nodes)


def _subtrie(leaves: dict[bytes, bytes], depth: int, random: Random, nodes: Nodes) -> Hash32:
    if depth == DIGITS:
        (leaf,) = leaves.values()
        return _store(encode([LEAF_WITHOUT_DIGITS, leaf]), nodes)
    children = [random.randbytes(32) for _ in range(16)]
    for digit in range(16):
        below = {key: leaf for key, leaf in leaves.items() if _digit(key, depth) == digit}
        if depth == DIGITS - 1 and b"" in below.values():
            children[digit] = b""
        elif below:
            children[digit] = _subtrie(below, depth + 1, random, nodes)
    return _store(encode([*children, b""]), nodes)


def _digit(key: bytes, depth: int) -> int:
    return int(key.hex()[depth], 16)


def _store(node: bytes, nodes: Nodes) -> Hash32:
    nodes[keccak(node)] = node
    return keccak(node)


def deep_run(accounts: Mapping[Address, Allocated | None]) -> Run:
    """A machine on a world of these accounts, and of those that are known not to be there."""
    random, nodes = Random(64), Nodes()
    leaves = {
        keccak(address): b"" if account is None else _leaf(account, random, nodes)
        for address, account in accounts.items()
    }
    root = deep_trie(leaves, random, nodes)
    codes = {keccak(account.code): account.code for account in accounts.values() if account}
    run = Run()
    run.world.state = MemoryState(nodes, root, codes)
    run.machine = Machine(run.world.state, run.world.context, ExecutionRules())
    return run


def _leaf(account: Allocated, random: Random, nodes: Nodes) -> bytes:
    slots = {slot_key(slot): encode_slot(value) for slot, value in account.storage.items()}
    storage_root = deep_trie(slots, random, nodes) if slots else EMPTY_TRIE_ROOT
    values = Account(account.nonce, account.balance, storage_root, keccak(account.code))
    return encode_account(values)
