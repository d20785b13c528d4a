"""Tries whose paths to a few keys are as long as any can be: 64 branches of 16 children each.

Nobody can find keys for more than the first dozen levels, as keys are hashes. But a prover sees
nothing of a trie but the nodes on a path, so what stands beside the path may be any hash at all.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from execution.machine.journal import Journal
from execution.machine.machine import Machine
from execution.machine.moments import Moments
from genesis.config import ExecutionRules
from state.accounts import EMPTY_CODE_HASH, EMPTY_TRIE_ROOT, Account
from state.keccak import keccak
from state.memory_state import MemoryState
from state.rlp import encode_bytes, encode_joined
from state.trie import TrieUpdate
from state.types import Address, Hash32
from state.world import encode_account, encode_slot, slot_key
from tests.execution.evm.world import FUNDS
from tests.execution.machine.world import COINBASE, CONTRACT, OTHER, SENDER, Allocated, Run

KEY_DIGITS = 64
EMPTY = b"\x80"


class Entry(NamedTuple):
    """A key in hexadecimal digits, and its value; of no bytes, where the path shows its absence."""

    digits: str
    value: bytes


def deep_trie(values: Mapping[bytes, bytes], alone: Collection[bytes] = ()) -> TrieUpdate:
    """The nodes on the paths of these keys.

    Deleting a key that stands `alone` leaves the second lowest branch of its path with one child,
    a branch with 16 children.
    """
    nodes: dict[Hash32, bytes] = {}
    entries = [Entry(key.hex(), value) for key, value in values.items()]
    root = _node("", entries, {key.hex() for key in alone}, nodes)
    return TrieUpdate(_put(root, nodes), nodes)


def _node(
    prefix: str, entries: list[Entry], alone: Collection[str], nodes: dict[Hash32, bytes]
) -> bytes:
    """The encoding of the node that these entries share; no bytes where nothing is."""
    depth = len(prefix)
    only = entries[0]
    if depth == KEY_DIGITS:
        return _leaf(b"\x20", only.value)
    if depth == KEY_DIGITS - 2 and only.digits in alone:
        return _pair(only, nodes)
    children = [b"\xa0" + keccak(f"{prefix}{digit:x}".encode()) for digit in range(16)]
    for digit in range(16):
        below = [entry for entry in entries if int(entry.digits[depth], 16) == digit]
        if below:
            node = _node(f"{prefix}{digit:x}", below, alone, nodes)
            children[digit] = _reference(node, nodes)
    return encode_joined(b"".join([*children, EMPTY]))


def _pair(only: Entry, nodes: dict[Hash32, bytes]) -> bytes:
    """A branch of two children: a leaf, and a branch with 16 children of its own.

    Without the leaf the branch is an extension to its other child.
    """
    digit, last = (int(character, 16) for character in only.digits[-2:])
    others = [b"\xa0" + keccak(f"{only.digits}beside{n:x}".encode()) for n in range(16)]
    beside = _reference(encode_joined(b"".join([*others, EMPTY])), nodes)
    if not only.value:
        return encode_joined(encode_bytes(bytes([0x10 | digit ^ 1])) + beside)
    children = [EMPTY] * 17
    children[digit] = _reference(_leaf(bytes([0x30 | last]), only.value), nodes)
    children[digit ^ 1] = beside
    return encode_joined(b"".join(children))


def _leaf(path: bytes, value: bytes) -> bytes:
    return encode_joined(encode_bytes(path) + encode_bytes(value)) if value else b""


def _reference(node: bytes, nodes: dict[Hash32, bytes]) -> bytes:
    """How a parent refers to a node (Yellow Paper, appendix D)."""
    if not node:
        return EMPTY
    return node if len(node) < 32 else b"\xa0" + _put(node, nodes)


def _put(node: bytes, nodes: dict[Hash32, bytes]) -> Hash32:
    node_hash = keccak(node)
    nodes[node_hash] = node
    return node_hash


class DeepJournal(Journal):
    """A transaction's journal once more, with the longest paths to some keys."""

    def __init__(self, journal: Journal, keys: Collection[bytes], alone: bool) -> None:
        self._undo = journal._undo
        self._addresses = journal._addresses
        self._slots = journal._slots
        self._transient = journal._transient
        self._root = None
        self._keys = keys
        self._alone = keys if alone else ()

    def update(self) -> TrieUpdate:
        return deep_trie(dict.fromkeys(self._keys, b"") | self.entries(), self._alone)


def deepen_journal(run: Run, *keys: bytes, alone: bool = False) -> Run:
    """Make the paths of the journal to these keys, and to those in it, as long as they can be."""
    state = run.state
    state.journal = DeepJournal(state.journal, keys, alone)
    state.moments = Moments(state.undo, state.world, state.journal)
    return run


def deep_state(
    accounts: Mapping[Address, Allocated | None], alone: Collection[Address | int] = ()
) -> MemoryState:
    """A state with the longest paths to these accounts, and in each to the slots that it names.

    Only these can be asked for. `alone` are accounts and slots whose deletion merges nodes.
    """
    nodes: dict[Hash32, bytes] = {}
    codes: dict[Hash32, bytes] = {}
    leaves: dict[bytes, bytes] = {}
    for address, account in accounts.items():
        leaf = b""
        if account is not None:
            storage_root = EMPTY_TRIE_ROOT
            if account.storage:
                slots = {slot_key(slot): encode_slot(n) for slot, n in account.storage.items()}
                storage = deep_trie(slots, [slot_key(s) for s in alone if isinstance(s, int)])
                storage_root, nodes = storage.root, nodes | dict(storage.nodes)
            code_hash = keccak(account.code) if account.code else EMPTY_CODE_HASH
            codes[code_hash] = account.code
            leaf = encode_account(Account(account.nonce, account.balance, storage_root, code_hash))
        leaves[keccak(address)] = leaf
    lonely = [keccak(address) for address in alone if isinstance(address, bytes)]
    tree = deep_trie(leaves, lonely)
    return MemoryState(nodes | dict(tree.nodes), tree.root, codes)


class DeepRun(Run):
    """A machine on a small world whose every path is as long as it can be."""

    def __init__(
        self,
        accounts: Mapping[Address, Allocated | None] | None = None,
        alone: Collection[Address | int] = (),
    ) -> None:
        """Absent are, unless given, OTHER, COINBASE and CONTRACT."""
        super().__init__()
        nobody: dict[Address, Allocated | None] = dict.fromkeys((COINBASE, CONTRACT, OTHER))
        everyone = {SENDER: Allocated(balance=FUNDS), **nobody, **(accounts or {})}
        self.world.state = deep_state(everyone, alone)
        self.machine = Machine(self.world.state, self.world.context, ExecutionRules())
