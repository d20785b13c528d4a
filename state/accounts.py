"""Accounts, and how the rest of the node reads and changes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from state.types import Address, Hash32, Wei

EMPTY_CODE_HASH = Hash32(
    bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
)
"""keccak256 of no bytes."""

EMPTY_TRIE_ROOT = Hash32(
    bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
)
"""keccak256(rlp("")): the root of a trie without entries."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its leaf in the state trie holds it (Yellow Paper, section 4.1)."""

    nonce: int = 0
    balance: Wei = Wei(0)
    storage_root: Hash32 = EMPTY_TRIE_ROOT
    code_hash: Hash32 = EMPTY_CODE_HASH


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What a block leaves in an account, its storage aside."""

    nonce: int
    balance: Wei
    code_hash: Hash32


@dataclass(frozen=True, slots=True)
class StateDiff:
    """Everything a block changed, as values after the block.

    `accounts` maps to None where the account is gone. `cleared` names accounts whose storage is
    wiped before `storage` is written (destroyed, or destroyed and created again). A storage value
    of zero means that the slot is gone. `codes` holds code that may be new, by its hash.
    """

    accounts: Mapping[Address, AccountChange | None] = field(default_factory=dict)
    storage: Mapping[Address, Mapping[int, int]] = field(default_factory=dict)
    cleared: frozenset[Address] = frozenset()
    codes: Mapping[Hash32, bytes] = field(default_factory=dict)


class StateReader(Protocol):
    """One state of the world, read only."""

    @property
    def root(self) -> Hash32:
        """The state root."""

    def account(self, address: Address) -> Account | None:
        """The account, or None where there is none."""

    def storage(self, address: Address, slot: int) -> int:
        """The value of a slot; zero where nothing was stored."""

    def code(self, code_hash: Hash32) -> bytes:
        """The code of that hash. Raises `InternalError` when the store has lost it."""


@dataclass(frozen=True, slots=True)
class StateUpdate:
    """What one synced batch writes for a `StateDiff`: trie nodes by hash, and flat values.

    `accounts` and `storage` hold values after the change (None and zero where gone), with
    storage roots filled in. Built by `State.update`; consumed by the store.
    """

    root: Hash32
    diff: StateDiff
    nodes: Mapping[Hash32, bytes]
    accounts: Mapping[Address, Account | None]


class State(StateReader, Protocol):
    """A state that can also say what it would become."""

    def update(self, diff: StateDiff) -> StateUpdate:
        """Compute the root after `diff` in one batched pass; changes nothing itself."""
