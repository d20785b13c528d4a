"""The account database: one state of the world plus everything a block has done to it.

Reads fall through to a `StateReader`; writes stay here. Whatever a failing call must undo goes
through `_put`, which notes the old value in one undo log: a checkpoint is the length of that log,
so taking one costs nothing and reverting costs what was changed since. That covers balances,
nonces, codes, storage, warm sets (EIP-2929), transient storage (EIP-1153), contracts created and
destroyed (EIP-6780), logs and the refund counter alike.
"""

from typing import Any, Final, NamedTuple, TypeAlias

from state.accounts import (
    EMPTY_CODE_HASH,
    EMPTY_TRIE_ROOT,
    Account,
    AccountChange,
    StateDiff,
    StateReader,
)
from state.blocks import Log
from state.errors import InternalError
from state.keccak import keccak
from state.types import UINT256_MAX, Address, Hash32, Wei

Checkpoint: TypeAlias = int
"""A length of the undo log."""

RIPEMD160_ADDRESS: Final = Address(bytes(19) + b"\x03")
"""Stays touched even when its call fails: mainnet's block 2,675,119 made that law (EIP-161)."""

_ABSENT: Final = object()
"""In the undo log: the key was not there."""


class BrokenJournal(InternalError):
    """The undo log was used against its rules."""


class Values(NamedTuple):
    """What an account holds, its storage aside."""

    nonce: int
    balance: int
    code_hash: Hash32


class SlotChange(NamedTuple):
    """What a slot held before a transaction, and holds after it."""

    before: int
    after: int


NOTHING: Final = Values(0, 0, EMPTY_CODE_HASH)
"""An account that is not there, or is empty: EIP-161 makes no difference between the two."""


class AccountDatabase:
    """Accounts as the transactions so far have left them. Not thread-safe."""

    def __init__(self, reader: StateReader) -> None:
        self._reader = reader
        self._base: dict[Address, Account | None] = {}
        self._base_storage: dict[Address, dict[int, int]] = {}
        self._values: dict[Address, Values] = {}
        self._storage: dict[Address, dict[int, int]] = {}
        self._cleared: dict[Address, bool] = {}
        self._codes: dict[Hash32, bytes] = {EMPTY_CODE_HASH: b""}
        self._dirty: set[Address] = set()
        self._undo: list[tuple[dict[Any, Any], Any, Any]] = []
        # What lives no longer than a transaction.
        self.warm_addresses: dict[Address, bool] = {}
        self.warm_slots: dict[tuple[Address, int], bool] = {}
        self.accessed: dict[Address, dict[int, bool]] = {}
        """All that was ever warm, in failed frames as well: what an access list should name."""
        self.created: dict[Address, bool] = {}
        self.destroyed: dict[Address, bool] = {}
        self.logs: dict[int, Log] = {}
        self._touched: dict[Address, bool] = {}
        self._originals: dict[tuple[Address, int], int] = {}
        self._transient: dict[tuple[Address, int], int] = {}
        self._counters: dict[str, int] = {}

    # The undo log

    def _put(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def checkpoint(self) -> Checkpoint:
        """A point to come back to."""
        return len(self._undo)

    def revert(self, checkpoint: Checkpoint) -> None:
        """Undo everything since `checkpoint`."""
        undo = self._undo
        if checkpoint > len(undo):
            raise BrokenJournal(f"checkpoint {checkpoint} is ahead of the log of {len(undo)}")
        while len(undo) > checkpoint:
            mapping, key, old = undo.pop()
            if old is _ABSENT:
                del mapping[key]
            else:
                mapping[key] = old

    # Accounts

    def values(self, address: Address) -> Values:
        """The account, or `NOTHING`."""
        values = self._values.get(address)
        if values is None:
            account = self._base_account(address)
            if account is None:
                values = NOTHING
            else:
                values = Values(account.nonce, account.balance, account.code_hash)
            self._values[address] = values
        return values

    def account(self, address: Address) -> Account | None:
        """The account as it is now, None if empty; `storage_root` is the one before the block."""
        values = self.values(address)
        if values == NOTHING:
            return None
        base = self._base_account(address)
        root = EMPTY_TRIE_ROOT if base is None or address in self._cleared else base.storage_root
        return Account(values.nonce, Wei(values.balance), root, values.code_hash)

    def _base_account(self, address: Address) -> Account | None:
        if address not in self._base:
            self._base[address] = self._reader.account(address)
        return self._base[address]

    def _set(self, address: Address, values: Values) -> None:
        self._put(self._values, address, values)
        self.touch(address)

    def is_empty(self, address: Address) -> bool:
        """Absent, or without nonce, balance and code (EIP-161)."""
        return self.values(address) == NOTHING

    def touch(self, address: Address) -> None:
        """Let the account be deleted after the transaction if it is empty then (EIP-161)."""
        if address in self._touched:
            return
        if address == RIPEMD160_ADDRESS:
            self._touched[address] = True
        else:
            self._put(self._touched, address, True)

    def set_balance(self, address: Address, balance: int) -> None:
        """Set a balance, in wei."""
        if balance < 0:
            raise BrokenJournal(f"balance of 0x{address.hex()} would be {balance}")
        if balance > UINT256_MAX:
            # Only what a simulation pretends adds up to so much; it wraps around as geth's does.
            balance &= UINT256_MAX
        old = self.values(address)
        self._set(address, Values(old.nonce, balance, old.code_hash))

    def add_balance(self, address: Address, amount: int) -> None:
        """Add to a balance, in wei; `amount` may be negative."""
        self.set_balance(address, self.values(address).balance + amount)

    def set_nonce(self, address: Address, nonce: int) -> None:
        old = self.values(address)
        self._set(address, Values(nonce, old.balance, old.code_hash))

    def code(self, address: Address) -> bytes:
        """The account's code; empty where there is none."""
        return self.code_of(self.values(address).code_hash)

    def code_of(self, code_hash: Hash32) -> bytes:
        code = self._codes.get(code_hash)
        if code is None:
            code = self._codes[code_hash] = self._reader.code(code_hash)
        return code

    def set_code(self, address: Address, code: bytes) -> None:
        code_hash = keccak(code)
        self._codes[code_hash] = code
        old = self.values(address)
        self._set(address, Values(old.nonce, old.balance, code_hash))

    # Storage

    def storage(self, address: Address, slot: int) -> int:
        """The value of a slot now."""
        written = self._storage.get(address)
        if written is not None:
            value = written.get(slot)
            if value is not None:
                return value
        return self._base_slot(address, slot)

    def _base_slot(self, address: Address, slot: int) -> int:
        if address in self._cleared or not self._has_base_storage(address):
            return 0
        slots = self._base_storage.setdefault(address, {})
        value = slots.get(slot)
        if value is None:
            value = slots[slot] = self._reader.storage(address, slot)
        return value

    def _has_base_storage(self, address: Address) -> bool:
        account = self._base_account(address)
        return account is not None and account.storage_root != EMPTY_TRIE_ROOT

    def original_storage(self, address: Address, slot: int) -> int:
        """The value of a slot before the transaction (EIP-2200)."""
        original = self._originals.get((address, slot))
        return self.storage(address, slot) if original is None else original

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        self._originals.setdefault((address, slot), self.storage(address, slot))
        self._put(self._storage.setdefault(address, {}), slot, value)
        self.touch(address)

    def changes_of(self, address: Address) -> dict[int, SlotChange]:
        """The account's slots that the transaction under way has changed, by slot."""
        changes = {
            slot: SlotChange(before, self.storage(address, slot))
            for (where, slot), before in self._originals.items()
            if where == address
        }
        return {slot: change for slot, change in changes.items() if change.before != change.after}

    def has_storage(self, address: Address) -> bool:
        """Whether any slot is set, which makes a creation collide (EIP-7610)."""
        if any(self._storage.get(address, {}).values()):
            return True
        return address not in self._cleared and self._has_base_storage(address)

    def clear_storage(self, address: Address) -> None:
        """Forget every slot of an account."""
        self._put(self._cleared, address, True)
        self._put(self._storage, address, {})
        self.touch(address)

    # What lives no longer than a transaction

    def warm_address(self, address: Address) -> bool:
        """Mark an address as accessed; whether it was cold before (EIP-2929)."""
        if address in self.warm_addresses:
            return False
        self._put(self.warm_addresses, address, True)
        self.accessed.setdefault(address, {})
        return True

    def warm_slot(self, address: Address, slot: int) -> bool:
        """Mark a slot as accessed; whether it was cold before (EIP-2929)."""
        key = (address, slot)
        if key in self.warm_slots:
            return False
        self._put(self.warm_slots, key, True)
        self.accessed.setdefault(address, {})[slot] = True
        return True

    def transient(self, address: Address, slot: int) -> int:
        """The value of a transient slot (EIP-1153)."""
        return self._transient.get((address, slot), 0)

    def set_transient(self, address: Address, slot: int, value: int) -> None:
        self._put(self._transient, (address, slot), value)

    def mark_created(self, address: Address) -> None:
        """Note that the transaction made this contract, so that it may destroy it (EIP-6780)."""
        self._put(self.created, address, True)

    def mark_destroyed(self, address: Address) -> None:
        """Delete the account when the transaction ends."""
        self._put(self.destroyed, address, True)

    def add_log(self, log: Log, encoded_bytes: int) -> None:
        """Append a log that takes so many bytes in the receipt."""
        self._put(self.logs, len(self.logs), log)
        self._put(self._counters, "log_bytes", self.log_bytes + encoded_bytes)

    @property
    def log_bytes(self) -> int:
        """RLP-encoded bytes of the transaction's logs so far."""
        return self._counters.get("log_bytes", 0)

    @property
    def refund(self) -> int:
        """The refund counter, in gas (EIP-3529)."""
        return self._counters.get("refund", 0)

    def add_refund(self, gas: int) -> None:
        """Add to the refund counter; `gas` may be negative."""
        self._put(self._counters, "refund", self.refund + gas)

    # The end of a transaction

    def finish(self) -> None:
        """Delete what was destroyed and what was touched and is empty; forget the transaction."""
        for address in self.destroyed:
            self._delete(address)
        for address in list(self._touched):
            if self.is_empty(address):
                self._delete(address)
        self._dirty.update(self._touched)
        self.forget()

    def _delete(self, address: Address) -> None:
        self._set(address, NOTHING)
        if self.has_storage(address):
            self.clear_storage(address)

    def forget(self) -> None:
        """Start the next transaction with nothing warm, logged or refundable."""
        self._undo.clear()
        for mapping in (
            self.warm_addresses,
            self.warm_slots,
            self.accessed,
            self.created,
            self.destroyed,
            self.logs,
            self._touched,
            self._originals,
            self._transient,
            self._counters,
        ):
            mapping.clear()

    def override(self, address: Address) -> None:
        """Count what was just set as part of the state; for simulations, between transactions."""
        self._dirty.add(address)
        self.forget()

    # The outcome

    def diff(self) -> StateDiff:
        """What the finished transactions changed, against the reader's state."""
        accounts: dict[Address, AccountChange | None] = {}
        storage: dict[Address, dict[int, int]] = {}
        codes: dict[Hash32, bytes] = {}
        cleared = frozenset(address for address in self._cleared if self._has_base_storage(address))
        for address in sorted(self._dirty):
            slots = self._changed_slots(address)
            if slots:
                storage[address] = slots
            values = self.values(address)
            base = self._base_account(address)
            if values == NOTHING:
                if base is not None:
                    accounts[address] = None
            elif slots or address in cleared or _differs(values, base):
                accounts[address] = AccountChange(
                    values.nonce, Wei(values.balance), values.code_hash
                )
                if base is None or base.code_hash != values.code_hash:
                    codes[values.code_hash] = self._codes[values.code_hash]
        codes.pop(EMPTY_CODE_HASH, None)
        return StateDiff(accounts=accounts, storage=storage, cleared=cleared, codes=codes)

    def _changed_slots(self, address: Address) -> dict[int, int]:
        written = self._storage.get(address, {})
        return {
            slot: value
            for slot, value in sorted(written.items())
            if value != self._base_slot(address, slot)
        }


def _differs(values: Values, base: Account | None) -> bool:
    if base is None:
        return True
    return (values.nonce, values.balance, values.code_hash) != (
        base.nonce,
        base.balance,
        base.code_hash,
    )
