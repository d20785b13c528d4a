"""py-evm's view of the state: its `CancunState`, answered by our account database."""

from collections.abc import Mapping
from typing import Any

from eth.vm.forks.cancun.state import CancunState

from execution.evm.accounts import AccountDatabase, Checkpoint
from execution.evm.context import BlockContext
from execution.evm.precompiles import PRECOMPILES, Precompile
from execution.evm.size_rules import LIMITS, SizeRule
from execution.evm.transfers import transfer_note
from genesis.config import ExecutionRules
from state.accounts import EMPTY_CODE_HASH
from state.types import Address, BlockNumber, Gas, Hash32, Wei

ANCESTORS_MAX = 256
"""How many blocks back BLOCKHASH sees (Yellow Paper, section 9.4.3)."""


class VmState(CancunState):
    """The state that a transaction's computations share.

    py-evm's own database, journals and transaction executor are not used: `Evm` runs transactions,
    and `AccountDatabase` holds what they do.
    """

    def __init__(self, db: AccountDatabase, context: BlockContext, rules: ExecutionRules) -> None:
        self.db = db
        self.context = context
        self.rules = rules
        self.execution_context: Any = context
        self.rules_hit: set[SizeRule] = set()
        """Rules that have made something fail, for reports."""
        self.precompiles: Mapping[Address, Precompile] = PRECOMPILES
        self.notes_transfers = False
        """Whether every transfer of ether is to be told among the logs, for simulations."""

    def exceeds(self, rule: SizeRule, amount: int) -> bool:
        """Whether a size rule of this chain forbids `amount`."""
        if amount <= LIMITS[rule] or not self.rules.bounded_inputs:
            return False
        self.rules_hit.add(rule)
        return True

    def note_call(self, message: Any) -> None:
        """Tell the transfer of a call or creation; a CALLCODE moves nothing."""
        if message.code_address in (None, message.storage_address):
            self.note_transfer(message.sender, message.storage_address, message.value)

    def note_transfer(self, sender: Address, recipient: Address, value: int) -> None:
        """Tell a transfer among the logs, in wei; undone with it when the frame fails."""
        self.db.add_log(transfer_note(sender, recipient, value), 0)

    # Block context

    @property
    def coinbase(self) -> Address:
        return self.context.coinbase

    @property
    def timestamp(self) -> int:
        return self.context.timestamp

    @property
    def block_number(self) -> int:
        return self.context.number

    @property
    def mix_hash(self) -> Hash32:
        return self.context.prev_randao

    @property
    def gas_limit(self) -> Gas:
        return self.context.gas_limit

    @property
    def base_fee(self) -> Wei:
        return self.context.base_fee

    @property
    def blob_base_fee(self) -> int:
        return self.context.blob_base_fee

    def get_ancestor_hash(self, block_number: BlockNumber) -> bytes:
        """The hash of one of the last 256 blocks, or no bytes."""
        if not 0 < self.context.number - block_number <= ANCESTORS_MAX:
            return b""
        return self.context.ancestor_hash(block_number) or b""

    # Accounts

    def get_balance(self, address: Address) -> int:
        return self.db.values(address).balance

    def set_balance(self, address: Address, balance: int) -> None:
        self.db.set_balance(address, balance)

    def delta_balance(self, address: Address, delta: int) -> None:
        self.db.add_balance(address, delta)

    def get_nonce(self, address: Address) -> int:
        return self.db.values(address).nonce

    def set_nonce(self, address: Address, nonce: int) -> None:
        self.db.set_nonce(address, nonce)

    def increment_nonce(self, address: Address) -> None:
        self.db.set_nonce(address, self.db.values(address).nonce + 1)

    def get_code(self, address: Address) -> bytes:
        return self.db.code(address)

    def set_code(self, address: Address, code: bytes) -> None:
        self.db.set_code(address, code)

    def get_code_hash(self, address: Address) -> Hash32:
        return self.db.values(address).code_hash

    def account_exists(self, address: Address) -> bool:
        """py-evm asks only together with `account_is_empty`, and the two agree since EIP-161."""
        return not self.db.is_empty(address)

    def account_is_empty(self, address: Address) -> bool:
        return self.db.is_empty(address)

    def has_code_or_nonce(self, address: Address) -> bool:
        """Whether a creation at this address collides (EIP-684), storage included (EIP-7610)."""
        values = self.db.values(address)
        return (
            values.nonce != 0 or values.code_hash != EMPTY_CODE_HASH or self.db.has_storage(address)
        )

    def touch_account(self, address: Address) -> None:
        self.db.touch(address)

    # Storage

    def get_storage(self, address: Address, slot: int, from_journal: bool = True) -> int:
        """A slot's value; with `from_journal` off, its value before the transaction."""
        if from_journal:
            return self.db.storage(address, slot)
        return self.db.original_storage(address, slot)

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        self.db.set_storage(address, slot, value)

    # Access sets

    def is_address_warm(self, address: Address) -> bool:
        return address in self.db.warm_addresses

    def mark_address_warm(self, address: Address) -> None:
        self.db.warm_address(address)

    def is_storage_warm(self, address: Address, slot: int) -> bool:
        return (address, slot) in self.db.warm_slots

    def mark_storage_warm(self, address: Address, slot: int) -> None:
        self.db.warm_slot(address, slot)

    # Checkpoints

    def snapshot(self) -> Checkpoint:
        return self.db.checkpoint()

    def revert(self, snapshot: Any) -> None:
        self.db.revert(snapshot)

    def commit(self, snapshot: Any) -> None:
        """Nothing to do: what is not reverted stays."""
