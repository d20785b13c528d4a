"""What a transaction knows and its end forgets: accesses, creations, transient storage.

One authenticated map, a hexary trie like the state's, so that one verifier serves both. Its keys
are hashes of a kind's tag, an address, and for slots the slot; its values are words without leading
zeros, and zero is no entry. A snapshot of it is its root.
"""

from collections.abc import Iterable
from typing import Final

from execution.machine.undo import UndoLog, Write
from execution.machine.words import commit, tag
from state.accounts import EMPTY_TRIE_ROOT
from state.rlp import encode_bytes, encode_uint
from state.trie import TrieUpdate, no_nodes, update_trie
from state.types import Address, Hash32

WARM: Final = 1
"""Flag of an address: accessed (EIP-2929)."""

CREATED: Final = 2
"""Flag of an address: a contract made by this transaction (EIP-6780)."""

ADDRESS_TAG: Final = tag("journal.address")
SLOT_TAG: Final = tag("journal.slot")
TRANSIENT_TAG: Final = tag("journal.transient")


def address_key(address: Address) -> Hash32:
    """Where the flags of an address are."""
    return commit(ADDRESS_TAG, (address,))


def slot_key(address: Address, slot: int) -> Hash32:
    """Where the word 1 says that a slot is warm."""
    return commit(SLOT_TAG, (address, slot))


def transient_key(address: Address, slot: int) -> Hash32:
    """Where the value of a transient slot is (EIP-1153)."""
    return commit(TRANSIENT_TAG, (address, slot))


class Journal:
    """The map in plain dictionaries; its root is computed when asked for."""

    def __init__(self, undo: UndoLog) -> None:
        self._undo = undo
        self._addresses: dict[Address, int] = {}
        self._slots: dict[tuple[Address, int], int] = {}
        self._transient: dict[tuple[Address, int], int] = {}
        self._root: tuple[int, Hash32] | None = None

    def is_warm(self, address: Address) -> bool:
        return bool(self._addresses.get(address, 0) & WARM)

    def is_created(self, address: Address) -> bool:
        return bool(self._addresses.get(address, 0) & CREATED)

    def mark(self, address: Address, flag: int) -> None:
        """Set a flag of an address."""
        flags = self._addresses.get(address, 0)
        if not flags & flag:
            self._undo.put(self._addresses, address, flags | flag)

    def is_slot_warm(self, address: Address, slot: int) -> bool:
        return (address, slot) in self._slots

    def warm_slot(self, address: Address, slot: int) -> None:
        if (address, slot) not in self._slots:
            self._undo.put(self._slots, (address, slot), 1)

    def transient(self, address: Address, slot: int) -> int:
        return self._transient.get((address, slot), 0)

    def set_transient(self, address: Address, slot: int, value: int) -> None:
        self._undo.put(self._transient, (address, slot), value)

    def clear(self) -> None:
        """Forget everything: the transaction is over."""
        for mapping in (self._addresses, self._slots, self._transient):
            mapping.clear()
        self._root = None

    def entries(self) -> dict[bytes, bytes]:
        """The map as the trie holds it: keys, and values as RLP strings."""
        words = {
            **{address_key(address): flags for address, flags in self._addresses.items()},
            **{slot_key(*key): value for key, value in self._slots.items()},
            **{transient_key(*key): value for key, value in self._transient.items()},
        }
        return {key: _leaf(value) for key, value in words.items() if value}

    def changes(self, written: Iterable[Write]) -> dict[bytes, bytes]:
        """What entries that were written hold now: as `entries`, and no bytes for none."""
        changes: dict[bytes, bytes] = {}
        for mapping, key in written:
            if mapping is self._addresses:
                changes[address_key(key)] = _leaf(self._addresses.get(key, 0))
            elif mapping is self._slots:
                changes[slot_key(*key)] = _leaf(self._slots.get(key, 0))
            elif mapping is self._transient:
                changes[transient_key(*key)] = _leaf(self._transient.get(key, 0))
        return changes

    def update(self) -> TrieUpdate:
        """The root of the map now, and all its nodes."""
        return update_trie(EMPTY_TRIE_ROOT, self.entries(), no_nodes)

    def root(self) -> Hash32:
        """The root of the map now."""
        version = self._undo.version
        if version >= 0 and self._root is not None and self._root[0] == version:
            return self._root[1]
        root = self.update().root
        if version >= 0:
            self._root = version, root
        return root


def _leaf(value: int) -> bytes:
    return encode_bytes(encode_uint(value)) if value else b""
