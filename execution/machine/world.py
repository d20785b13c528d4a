"""The state of the world as the machine sees it: the reader's state, and what was written since.

An account without nonce, balance and code is no account (EIP-161): writing one deletes its leaf
at once. No instruction can tell that from deleting it when the transaction ends, and so
the state root needs no list of touched accounts beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from execution.machine.undo import UndoLog, Write
from state.accounts import (
    EMPTY_CODE_HASH,
    EMPTY_TRIE_ROOT,
    Account,
    AccountChange,
    State,
    StateDiff,
    StateUpdate,
)
from state.errors import InternalError
from state.keccak import keccak
from state.trie import NodeReader
from state.types import Address, Hash32, Wei
from state.world import trie_account, update_world


@dataclass(frozen=True, slots=True)
class Values:
    """What an account holds, its storage aside."""

    nonce: int
    balance: int
    code_hash: Hash32


NOTHING: Final = Values(0, 0, EMPTY_CODE_HASH)
"""An account that is not there, or is empty."""


@runtime_checkable
class NodeSource(Protocol):
    """A state that gives the nodes of its tries, so that steps from it can be proven."""

    def node(self, node_hash: Hash32) -> bytes:
        """A trie node by its hash. Raises `InternalError` where it is lost."""


class World:
    """Accounts, storage and codes since the block's start. Writes go through the undo log."""

    def __init__(self, state: State, undo: UndoLog) -> None:
        self._state = state
        self._undo = undo
        self._values: dict[Address, Values] = {}
        self._storage: dict[Address, dict[int, int]] = {}
        self._cleared: dict[Address, bool] = {}
        self._originals: dict[tuple[Address, int], int] = {}
        self._codes: dict[Hash32, bytes] = {EMPTY_CODE_HASH: b""}
        self._root: tuple[int, Hash32] | None = None

    # Accounts

    def values(self, address: Address) -> Values:
        """The account, or `NOTHING`."""
        values = self._values.get(address)
        return self._base_values(address) if values is None else values

    def _base_values(self, address: Address) -> Values:
        account = self._state.account(address)
        if account is None:
            return NOTHING
        return Values(account.nonce, account.balance, account.code_hash)

    def account(self, address: Address) -> Account | None:
        """The account as it is now, None if empty; `storage_root` is the one before the block."""
        values = self.values(address)
        if values == NOTHING:
            return None
        base = self._state.account(address)
        root = EMPTY_TRIE_ROOT if base is None or address in self._cleared else base.storage_root
        return Account(values.nonce, Wei(values.balance), root, values.code_hash)

    def is_empty(self, address: Address) -> bool:
        """Absent, or without nonce, balance and code (EIP-161)."""
        return self.values(address) == NOTHING

    def set_values(self, address: Address, values: Values) -> None:
        """Write an account; one that is empty is deleted, with its storage."""
        if values.balance < 0:
            raise InternalError(f"balance of 0x{address.hex()} would be {values.balance}")
        self._undo.put(self._values, address, values)
        if values == NOTHING and self.has_storage(address):
            self._undo.put(self._cleared, address, True)
            self._undo.put(self._storage, address, {})

    def add_balance(self, address: Address, amount: int) -> None:
        """Add to a balance, in wei; `amount` may be negative, and zero touches the account."""
        old = self.values(address)
        self.set_values(address, Values(old.nonce, old.balance + amount, old.code_hash))

    def set_nonce(self, address: Address, nonce: int) -> None:
        old = self.values(address)
        self.set_values(address, Values(nonce, old.balance, old.code_hash))

    def touch(self, address: Address) -> None:
        """Delete the account if it is there and empty (EIP-161)."""
        if self.values(address) == NOTHING:
            self.set_values(address, NOTHING)

    def delete(self, address: Address) -> None:
        """Remove an account, whatever it holds."""
        self.set_values(address, NOTHING)

    # Code

    def code(self, code_hash: Hash32) -> bytes:
        code = self._codes.get(code_hash)
        if code is None:
            code = self._codes[code_hash] = self._state.code(code_hash)
        return code

    def remember_code(self, code: bytes) -> Hash32:
        """Keep a preimage, and return its hash; what refers to the code is set apart from it."""
        code_hash = keccak(code)
        self._codes[code_hash] = code
        return code_hash

    def set_code(self, address: Address, code: bytes) -> None:
        old = self.values(address)
        self.set_values(address, Values(old.nonce, old.balance, self.remember_code(code)))

    # Storage

    def storage(self, address: Address, slot: int) -> int:
        """The value of a slot now."""
        written = self._storage.get(address)
        if written is not None:
            value = written.get(slot)
            if value is not None:
                return value
        return 0 if address in self._cleared else self._state.storage(address, slot)

    def original_storage(self, address: Address, slot: int) -> int:
        """The value of a slot before the transaction (EIP-2200)."""
        original = self._originals.get((address, slot))
        return self.storage(address, slot) if original is None else original

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        self._originals.setdefault((address, slot), self.storage(address, slot))
        self._undo.put(self._storage.setdefault(address, {}), slot, value)

    def has_storage(self, address: Address) -> bool:
        """Whether any slot is set, which makes a creation collide (EIP-7610)."""
        if any(self._storage.get(address, {}).values()):
            return True
        base = self._state.account(address)
        if base is None or address in self._cleared:
            return False
        return base.storage_root != EMPTY_TRIE_ROOT

    # Tries

    def node(self, node_hash: Hash32) -> bytes:
        """A trie node that the state before the block holds. Raises `InternalError`."""
        if not isinstance(self._state, NodeSource):
            raise InternalError("steps from a state without its trie nodes can't be proven")
        return self._state.node(node_hash)

    def finish(self) -> None:
        """The transaction is over: values now are the next one's originals."""
        self._originals.clear()

    def diff(self) -> StateDiff:
        """Everything written, against the reader's state."""
        accounts: dict[Address, AccountChange | None] = {}
        storage: dict[Address, dict[int, int]] = {}
        codes: dict[Hash32, bytes] = {}
        for address in sorted({*self._values, *self._storage}):
            change = accounts[address] = self._change(address)
            if change is None:
                continue
            slots = self._storage.get(address)
            if slots:
                storage[address] = dict(sorted(slots.items()))
            if change.code_hash in self._codes:
                codes[change.code_hash] = self._codes[change.code_hash]
        codes.pop(EMPTY_CODE_HASH, None)
        cleared = frozenset(a for a in self._cleared if self._state.account(a) is not None)
        return StateDiff(accounts=accounts, storage=storage, cleared=cleared, codes=codes)

    def _change(self, address: Address) -> AccountChange | None:
        """What an account holds now, as diffs have it."""
        values = self.values(address)
        if values == NOTHING:
            return None
        return AccountChange(values.nonce, Wei(values.balance), values.code_hash)

    def update(self) -> StateUpdate:
        """The state root now, and the trie nodes that came with what was written."""
        return self._state.update(self.diff())

    def update_since(
        self, root: Hash32, written: Iterable[Write], node: NodeReader
    ) -> StateUpdate | None:
        """The same from a later state than the block's first: its root, and what was written since.

        None where an account went with its storage, or where `node` would not know all nodes.
        """
        diff = self._diff_of(written) if isinstance(self._state, NodeSource) else None
        if diff is None:
            return None
        return update_world(root, diff, node, lambda address: trie_account(root, address, node))

    def _diff_of(self, written: Iterable[Write]) -> StateDiff | None:
        """What was written, as it is now; codes aside. None where storage was cleared."""
        owners = {id(slots): address for address, slots in self._storage.items()}
        accounts: dict[Address, AccountChange | None] = {}
        storage: dict[Address, dict[int, int]] = {}
        for mapping, key in written:
            if mapping is self._cleared:
                return None
            if mapping is self._values:
                accounts[key] = self._change(key)
            elif (owner := owners.get(id(mapping))) is not None:
                accounts[owner] = self._change(owner)
                storage.setdefault(owner, {})[key] = self.storage(owner, key)
        for address, change in accounts.items():
            if change is None:
                storage.pop(address, None)
        return StateDiff(accounts=accounts, storage=storage)

    def root(self) -> Hash32:
        """The state root now."""
        version = self._undo.version
        if version >= 0 and self._root is not None and self._root[0] == version:
            return self._root[1]
        root = self.update().root
        if version >= 0:
            self._root = version, root
        return root
