"""A state in memory: genesis is built on one, official tests and simulations run on one.

Nodes and codes are kept by their hash, so all states that grew from one another share the same
dictionaries, and an older state stays readable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from state.accounts import (
    EMPTY_CODE_HASH,
    EMPTY_TRIE_ROOT,
    Account,
    AccountChange,
    StateDiff,
    StateUpdate,
)
from state.errors import InternalError
from state.keccak import keccak
from state.types import Address, Hash32, Wei
from state.world import trie_account, trie_slot, update_world


class AllocatedAccount(Protocol):
    """An account as a genesis file or a test lists it."""

    @property
    def nonce(self) -> int: ...
    @property
    def balance(self) -> Wei: ...
    @property
    def code(self) -> bytes: ...
    @property
    def storage(self) -> Mapping[int, int]: ...


@dataclass(slots=True)
class MemoryState:
    """A `State` over dictionaries: trie nodes by hash, and codes by hash."""

    nodes: dict[Hash32, bytes] = field(default_factory=dict)
    root: Hash32 = EMPTY_TRIE_ROOT
    codes: dict[Hash32, bytes] = field(default_factory=dict)
    _accounts: dict[Address, Account | None] = field(default_factory=dict, repr=False)

    @classmethod
    def from_alloc(cls, alloc: Mapping[Address, AllocatedAccount]) -> "MemoryState":
        """The state of exactly these accounts."""
        return cls().apply(allocation_update(alloc))

    def account(self, address: Address) -> Account | None:
        """The account, or None where there is none."""
        if address not in self._accounts:
            self._accounts[address] = trie_account(self.root, address, self.node)
        return self._accounts[address]

    def storage(self, address: Address, slot: int) -> int:
        """The value of a slot; zero where nothing was stored."""
        account = self.account(address)
        if account is None or account.storage_root == EMPTY_TRIE_ROOT:
            return 0
        return trie_slot(account.storage_root, slot, self.node)

    def code(self, code_hash: Hash32) -> bytes:
        """The code of that hash. Raises `InternalError` where it was never given."""
        if code_hash == EMPTY_CODE_HASH:
            return b""
        code = self.codes.get(code_hash)
        if code is None:
            raise InternalError(f"no code of hash 0x{code_hash.hex()} in this state")
        return code

    def node(self, node_hash: Hash32) -> bytes:
        """A trie node. Raises `InternalError` where it was never given."""
        encoded = self.nodes.get(node_hash)
        if encoded is None:
            raise InternalError(f"no trie node of hash 0x{node_hash.hex()} in this state")
        return encoded

    def update(self, diff: StateDiff) -> StateUpdate:
        """Compute the root after `diff`; changes nothing."""
        return update_world(self.root, diff, self.node, self.account)

    def apply(self, update: StateUpdate) -> "MemoryState":
        """The state that `update`, computed on this one, describes. This one stays readable."""
        self.nodes.update(update.nodes)
        self.codes.update(update.diff.codes)
        return MemoryState(self.nodes, update.root, self.codes)


def allocation_update(alloc: Mapping[Address, AllocatedAccount]) -> StateUpdate:
    """What makes the empty state into one of exactly these accounts."""
    codes = {keccak(account.code): account.code for account in alloc.values() if account.code}
    diff = StateDiff(
        accounts={
            address: AccountChange(account.nonce, account.balance, keccak(account.code))
            for address, account in alloc.items()
        },
        storage={address: account.storage for address, account in alloc.items() if account.storage},
        codes=codes,
    )
    return MemoryState().update(diff)
