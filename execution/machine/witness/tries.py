"""Paths through the state, storage and the journal: what L1's `TrieEdit` reads, in its order.

A key's path is the nodes from the root down as far as the key leads, embedded ones aside. Deleting
may leave a branch with one child; then that child's node follows when the path is closed. Two paths
of one step are read one after the other, the second in the trie that the first left behind: so
`Trie` keeps its root and its new nodes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from execution.machine.journal import Journal, address_key, transient_key
from execution.machine.journal import slot_key as warm_slot_key
from execution.machine.snapshot import Snapshot
from execution.machine.witness.writer import WitnessWriter
from execution.machine.world import NOTHING, Values, World
from state.accounts import EMPTY_TRIE_ROOT, Account
from state.errors import InternalError
from state.keccak import keccak
from state.rlp import encode_bytes, encode_uint
from state.trie import NodeReader, get, no_nodes, prove, update_trie
from state.types import Address, Hash32, Wei
from state.world import decode_account, decode_slot, encode_account, encode_slot, slot_key


class TrieEdit(NamedTuple):
    """A change of one key: the nodes to open it with and to close it with, and what comes of it."""

    path: tuple[bytes, ...]
    siblings: tuple[bytes, ...]
    """The one child of a branch that a deletion left, or nothing."""
    root: Hash32
    nodes: Mapping[Hash32, bytes]


def trie_path(root: Hash32, key: bytes, node: NodeReader) -> tuple[bytes, ...]:
    """The nodes that prove the value under a key, or that there is none."""
    return prove(root, key, node)


def trie_edit(root: Hash32, key: bytes, new_value: bytes, node: NodeReader) -> TrieEdit:
    """Set a key, or delete it where the value is empty. Writing what is there changes nothing."""
    path = trie_path(root, key, node)
    if (get(root, key, node) or b"") == new_value:
        return TrieEdit(path, (), root, {})
    read: list[bytes] = []

    def record(node_hash: Hash32) -> bytes:
        read.append(node(node_hash))
        return read[-1]

    update = update_trie(root, {key: new_value}, record)
    siblings = tuple(read[len(path) :])
    if tuple(read[: len(path)]) != path or len(siblings) > 1:
        raise InternalError(f"a change of key {key.hex()} read other nodes than its path")
    return TrieEdit(path, siblings, update.root, update.nodes)


class LayeredNodes:
    """A reader of nodes that knows of new ones before its base stores them."""

    __slots__ = ("_base", "_new")

    def __init__(self, base: NodeReader, new: Mapping[Hash32, bytes]) -> None:
        self._base = base
        self._new = dict(new)

    def __call__(self, node_hash: Hash32) -> bytes:
        new = self._new.get(node_hash)
        return self._base(node_hash) if new is None else new

    def add(self, nodes: Mapping[Hash32, bytes]) -> None:
        """Know of more."""
        self._new.update(nodes)


@dataclass(slots=True)
class Trie:
    """One trie in the course of a step: its root moves with every write."""

    root: Hash32
    nodes: LayeredNodes

    def value(self, key: bytes) -> bytes:
        """The value under a key, no bytes where there is none."""
        return get(self.root, key, self.nodes) or b""

    def open(self, key: bytes, out: WitnessWriter) -> bytes:
        """Write the path of a key; returns its value."""
        _write(trie_path(self.root, key, self.nodes), out)
        return self.value(key)

    def close(self, key: bytes, new_value: bytes, out: WitnessWriter) -> None:
        """Write what follows when the opened key gets this value, and go on with the new root."""
        edit = trie_edit(self.root, key, new_value, self.nodes)
        _write(edit.siblings, out)
        self.nodes.add(edit.nodes)
        self.root = edit.root


def _write(nodes: tuple[bytes, ...], out: WitnessWriter) -> None:
    for node in nodes:
        out.blob(node)


class StateTries:
    """The state at one moment of a transaction, to open and close accounts and slots in.

    Made once for a step, because finding the root takes one update of all that the block wrote.
    """

    __slots__ = ("accounts",)

    def __init__(self, world: World) -> None:
        update = world.update()
        self.accounts = Trie(update.root, LayeredNodes(world.node, update.nodes))

    @classmethod
    def at(cls, moment: Snapshot) -> "StateTries":
        """The state at an earlier moment: a transaction's start holds the original values."""
        with moment.moments.rewound(moment.at) as world:
            return cls(world)

    @property
    def root(self) -> Hash32:
        return self.accounts.root

    def account(self, address: Address) -> Account | None:
        """An account with the root of its storage now, None where there is none."""
        leaf = self.accounts.value(keccak(address))
        return decode_account(leaf) if leaf else None

    def storage(self, address: Address) -> Trie:
        """The trie of an account's slots; empty where there is no account."""
        account = self.account(address)
        root = EMPTY_TRIE_ROOT if account is None else account.storage_root
        return Trie(root, self.accounts.nodes)

    def open_account(self, address: Address, out: WitnessWriter) -> Account | None:
        """Write an account's path."""
        self.accounts.open(keccak(address), out)
        return self.account(address)

    def close_account(self, address: Address, values: Values, out: WitnessWriter) -> None:
        """Give the opened account these values; `NOTHING` deletes it with its storage."""
        self._close(address, values, self.storage(address).root, out)

    def edit_account(self, address: Address, values: Values, out: WitnessWriter) -> None:
        """Open an account, and close it with these values."""
        self.open_account(address, out)
        self.close_account(address, values, out)

    def open_slot(self, address: Address, slot: int, out: WitnessWriter) -> int:
        """Write the paths of an account and of one of its slots; returns the slot's value."""
        self.open_account(address, out)
        leaf = self.storage(address).open(slot_key(slot), out)
        return decode_slot(leaf) if leaf else 0

    def close_slot(self, address: Address, slot: int, value: int, out: WitnessWriter) -> None:
        """Give the opened slot another value, and the account that is around it the new root."""
        account = self.account(address)
        if account is None:
            raise InternalError(f"slot {slot:#x} of 0x{address.hex()}, which is no account")
        storage = self.storage(address)
        storage.close(slot_key(slot), encode_slot(value), out)
        values = Values(account.nonce, account.balance, account.code_hash)
        self._close(address, values, storage.root, out)

    def edit_slot(self, address: Address, slot: int, value: int, out: WitnessWriter) -> None:
        """Open an account and a slot of it, and close both with another value of the slot."""
        self.open_slot(address, slot, out)
        self.close_slot(address, slot, value, out)

    def _close(
        self, address: Address, values: Values, storage_root: Hash32, out: WitnessWriter
    ) -> None:
        leaf = b""
        if values != NOTHING:
            account = Account(values.nonce, Wei(values.balance), storage_root, values.code_hash)
            leaf = encode_account(account)
        self.accounts.close(keccak(address), leaf, out)


class JournalTrie:
    """A transaction's journal at one moment, to open and close entries in. Zero is no entry."""

    __slots__ = ("entries",)

    def __init__(self, journal: Journal) -> None:
        update = journal.update()
        self.entries = Trie(update.root, LayeredNodes(no_nodes, update.nodes))

    @property
    def root(self) -> Hash32:
        return self.entries.root

    def open_flags(self, address: Address, out: WitnessWriter) -> int:
        """Write the path of an address's flags; returns them."""
        return self._open(address_key(address), out)

    def open_slot(self, address: Address, slot: int, out: WitnessWriter) -> int:
        """Write the path that says whether a slot is warm; returns 1 if it is."""
        return self._open(warm_slot_key(address, slot), out)

    def open_transient(self, address: Address, slot: int, out: WitnessWriter) -> int:
        """Write the path of a transient slot; returns its value."""
        return self._open(transient_key(address, slot), out)

    def close_flags(self, address: Address, flags: int, out: WitnessWriter) -> None:
        """Give the opened address other flags."""
        self._close(address_key(address), flags, out)

    def close_slot(self, address: Address, slot: int, out: WitnessWriter) -> None:
        """Make the opened slot warm."""
        self._close(warm_slot_key(address, slot), 1, out)

    def close_transient(self, address: Address, slot: int, value: int, out: WitnessWriter) -> None:
        """Give the opened transient slot another value."""
        self._close(transient_key(address, slot), value, out)

    def _open(self, key: Hash32, out: WitnessWriter) -> int:
        leaf = self.entries.open(key, out)
        return decode_slot(leaf) if leaf else 0

    def _close(self, key: Hash32, number: int, out: WitnessWriter) -> None:
        leaf = encode_bytes(encode_uint(number)) if number else b""
        self.entries.close(key, leaf, out)
