"""`Evm`: transactions against one state, one after the other, and what they change.

py-evm's computations run the code; buying gas, refunds, fees, deposits and the end of a
transaction are here, because py-evm's executor checks part of that too late and leaves dirty
state behind. Nothing is touched before a transaction has passed `execution.admission`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from eth.exceptions import Revert
from eth.vm.forks.cancun.transaction_context import CancunTransactionContext
from eth_typing import Address as EthAddress

from execution import admission
from execution.errors import Declined, InsufficientFunds, IntrinsicGasTooLow
from execution.evm.accounts import AccountDatabase, SlotChange
from execution.evm.addresses import creation_address
from execution.evm.computation import Computation
from execution.evm.context import BlockContext
from execution.evm.limits import INITCODE_BYTES_MAX
from execution.evm.message import FrameKind, Message
from execution.evm.precompiles import PRECOMPILES, Precompile
from execution.evm.size_rules import SizeRule
from execution.evm.threads import run_deep
from execution.evm.vm_state import VmState
from execution.intrinsic import calldata_floor, intrinsic_gas
from execution.transaction import AccessListEntry, Transaction
from genesis.config import ExecutionRules
from state.accounts import Account, StateDiff, StateReader
from state.blocks import Log
from state.types import Address, Gas, Hash32, Wei

__all__ = ["Approve", "BlockContext", "ChangesOf", "Evm", "MakeEvm", "Outcome", "SlotChange"]

REFUND_QUOTIENT = 5
"""At most a fifth of the gas used is refunded (EIP-3529)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transaction did. `output` is the return or revert data; for a creation, the code.

    `error` names the reason of a failure; `reverted` tells a REVERT, whose output explains itself.
    """

    succeeded: bool
    gas_used: Gas
    logs: tuple[Log, ...] = ()
    output: bytes = b""
    created: Address | None = None
    error: str | None = None
    reverted: bool = False
    gas_peak: Gas = Gas(0)
    """Gas used before the refund was taken off: what had to be there."""
    accessed: tuple[AccessListEntry, ...] = ()
    """Every address and slot that was ever warm; only from `call`, for eth_createAccessList."""


ChangesOf = Callable[[Address], Mapping[int, SlotChange]]
"""The slots of an account that a transaction has changed."""

Approve = Callable[[Outcome, ChangesOf], bool]
"""Whether whoever builds a block wants to keep what a transaction did."""


class Evm:
    """The engine: a state reader, a block, and the transactions so far. Not thread-safe."""

    _frame: type[Computation] = Computation
    """What runs code; `execution.evm.tracing` has one that tells of what it does."""

    def __init__(self, state: StateReader, context: BlockContext, rules: ExecutionRules) -> None:
        self._db = AccountDatabase(state)
        self._context = context
        self._rules = rules
        self._vm = VmState(self._db, context, rules)

    # Transactions

    def apply(self, tx: Transaction, gas_left: Gas, approve: Approve | None = None) -> Outcome:
        """Run a transaction and keep what it did; `gas_left` is what is left of the block's gas.

        `approve` is asked when it has run. Raises `InvalidTransaction`, `Declined` if that says no,
        with the state untouched. On any other exception, such as a state that can't be read, the
        state is as it was too.
        """
        admission.check_stateless(tx, self._rules, self._context.chain_id)
        admission.check(
            tx, self.account(tx.sender), base_fee=self._context.base_fee, gas_left=gas_left
        )
        price = tx.effective_gas_price(self._context.base_fee)
        try:
            outcome = self._perform(self._deposit if tx.is_deposit else self._transact, tx, price)
            if approve is not None and not approve(outcome, self._db.changes_of):
                raise Declined
        except BaseException:
            self._db.revert(0)
            self._db.forget()
            raise
        self._db.finish()
        return outcome

    def call(
        self, tx: Transaction, *, gas_price: Wei | None = None, check: bool = False
    ) -> Outcome:
        """Run a transaction and leave no trace (eth_call).

        Nonce, balance and fees count only with `check`; `gas_price` is then what GASPRICE pushes,
        by default the transaction's own. Raises `InvalidTransaction` when it can't run at all.
        """
        if check:
            admission.check_stateless(tx, self._rules, self._context.chain_id)
            gas_left = Gas(max(tx.gas, self._context.gas_limit))
            admission.check(
                tx, self.account(tx.sender), base_fee=self._context.base_fee, gas_left=gas_left
            )
        price = tx.effective_gas_price(self._context.base_fee) if gas_price is None else gas_price
        try:
            outcome = self._perform(self._simulate, tx, price, check)
            return replace(outcome, accessed=self._accessed())
        finally:
            self._db.revert(0)
            self._db.forget()

    def _perform(self, work: Callable[..., Outcome], tx: Transaction, *how: object) -> Outcome:
        """Do the work of an admitted transaction; what is before and after is not undone yet."""
        return run_deep(work, tx, *how)

    def _accessed(self) -> tuple[AccessListEntry, ...]:
        return tuple(
            AccessListEntry(address, tuple(sorted(slots)))
            for address, slots in sorted(self._db.accessed.items())
        )

    def _transact(self, tx: Transaction, price: Wei) -> Outcome:
        """Buy gas, run, refund, and pay the block's beneficiary (Yellow Paper, section 6)."""
        db = self._db
        db.add_balance(tx.sender, -tx.gas * price)
        nonce = self._bump_nonce(tx.sender)
        outcome = self._run(tx, price, nonce, tx.gas - intrinsic_gas(tx))
        db.add_balance(tx.sender, (tx.gas - outcome.gas_used) * price)
        tip = price - self._context.base_fee
        db.add_balance(self._context.coinbase, outcome.gas_used * tip)
        return outcome

    def _deposit(self, tx: Transaction, price: Wei) -> Outcome:
        """Mint, then run for nothing; whatever happens, mint and nonce stay (OP Stack, Deposits).

        A deposit that can't even start uses its whole gas limit, so that L1 pays for it.
        """
        self._db.add_balance(tx.sender, tx.mint)
        balance = self._db.values(tx.sender).balance
        nonce = self._bump_nonce(tx.sender)
        gas = tx.gas - intrinsic_gas(tx)
        if gas < 0:
            return Outcome(False, tx.gas, error="intrinsic gas too low")
        if balance < tx.value:
            return Outcome(False, tx.gas, error="insufficient balance for transfer")
        if tx.to is None and len(tx.data) > INITCODE_BYTES_MAX:
            return Outcome(False, tx.gas, error="max initcode size exceeded")
        return self._run(tx, price, nonce, gas)

    def _simulate(self, tx: Transaction, price: Wei, pay: bool) -> Outcome:
        if pay:
            outcome = self._transact(tx, price)
        else:
            self._db.add_balance(tx.sender, tx.mint)
            if self._db.values(tx.sender).balance < tx.value:
                raise InsufficientFunds(tx.sender, self._db.values(tx.sender).balance, tx.value)
            nonce = self._bump_nonce(tx.sender)
            gas = tx.gas - intrinsic_gas(tx)
            if gas < 0:
                raise IntrinsicGasTooLow(tx.gas, intrinsic_gas(tx))
            outcome = self._run(tx, price, nonce, gas)
        return outcome

    def _bump_nonce(self, sender: Address) -> int:
        nonce = self._db.values(sender).nonce
        # Only a simulation gets as far as the last nonce, where it begins anew as geth's does.
        self._db.set_nonce(sender, (nonce + 1) % 2**64)
        return nonce

    def _run(self, tx: Transaction, price: Wei, nonce: int, gas: int) -> Outcome:
        recipient = creation_address(tx.sender, nonce) if tx.to is None else tx.to
        created = recipient if tx.to is None else None
        self._warm(tx, recipient)
        context = CancunTransactionContext(gas_price=price, origin=EthAddress(tx.sender))
        computation = self._compute(_message(tx, created, gas, self._db), context)
        error = computation._error
        gas_used = tx.gas - computation.get_gas_remaining()
        gas_peak = gas_used
        gas_used -= min(self._db.refund, gas_used // REFUND_QUOTIENT)
        if self._rules.calldata_floor:
            gas_used = max(gas_used, calldata_floor(tx.data))
        return Outcome(
            succeeded=error is None,
            gas_used=Gas(gas_used),
            gas_peak=Gas(max(gas_peak, gas_used)),
            logs=tuple(self._db.logs.values()),
            output=computation.output,
            created=created if error is None else None,
            error=None if error is None else describe_failure(error),
            reverted=isinstance(error, Revert),
        )

    def _compute(self, message: Message, context: CancunTransactionContext) -> Computation:
        frame = self._frame
        if not message.is_create:
            return frame.apply_message(self._vm, message, context)
        if self._vm.has_code_or_nonce(message.storage_address):
            return frame.collide(self._vm, message, context)
        return frame.apply_create_message(self._vm, message, context)

    def _warm(self, tx: Transaction, recipient: Address) -> None:
        """What a transaction may access at the warm price (EIP-2929, 2930, 3651)."""
        db = self._db
        for address in PRECOMPILES:
            db.warm_address(address)
        db.warm_address(tx.sender)
        db.warm_address(recipient)
        db.warm_address(self._context.coinbase)
        for entry in tx.access_list:
            db.warm_address(entry.address)
            for slot in entry.slots:
                db.warm_slot(entry.address, slot)

    # Reading

    def account(self, address: Address) -> Account | None:
        """The account as it is now, or None; its `storage_root` is that before the block."""
        return self._db.account(address)

    def storage(self, address: Address, slot: int) -> int:
        """A storage value as it is now."""
        return self._db.storage(address, slot)

    def has_storage(self, address: Address) -> bool:
        """Whether any slot of the account is set now."""
        return self._db.has_storage(address)

    def code(self, address: Address) -> bytes:
        """An account's code as it is now."""
        return self._db.code(address)

    def code_of(self, code_hash: Hash32) -> bytes:
        """A code by its hash, that of a contract just made too."""
        return self._db.code_of(code_hash)

    def diff(self) -> StateDiff:
        """Everything that changed since construction."""
        return self._db.diff()

    @property
    def rules_hit(self) -> frozenset[SizeRule]:
        """Size rules that have made something fail since construction."""
        return frozenset(self._vm.rules_hit)

    # Simulations

    def include(self, tx: Transaction, *, validates: bool) -> Outcome:
        """Run a transaction of a simulated block and keep what it did.

        Without `validates` the nonce doesn't count, and one that offers no fee pays none. Raises
        `InvalidTransaction` with the state untouched.
        """
        base_fee = self._context.base_fee
        admission.check_simulated(
            tx, self.account(tx.sender), self._rules, base_fee=base_fee, validates=validates
        )
        price = tx.effective_gas_price(base_fee)
        outcome = run_deep(self._transact if price >= base_fee else self._give, tx, price)
        self._db.finish()
        return outcome

    def _give(self, tx: Transaction, price: Wei) -> Outcome:
        """Run a transaction that pays for no gas."""
        nonce = self._bump_nonce(tx.sender)
        return self._run(tx, price, nonce, tx.gas - intrinsic_gas(tx))

    def next_block(self, context: BlockContext) -> None:
        """Go on in the state as it is, in a block that follows; precompiles are in their places."""
        notes_transfers = self._vm.notes_transfers
        self._context = context
        self._vm = VmState(self._db, context, self._rules)
        self._vm.notes_transfers = notes_transfers

    def note_transfers(self) -> None:
        """Tell transfers of ether among the logs, as `TransferNote`, from now on."""
        self._vm.notes_transfers = True

    @property
    def precompiles(self) -> Mapping[Address, Precompile]:
        """Native contracts by address, as they are in this block."""
        return self._vm.precompiles

    @precompiles.setter
    def precompiles(self, moved: Mapping[Address, Precompile]) -> None:
        self._vm.precompiles = moved

    def set_override(
        self,
        address: Address,
        *,
        balance: Wei | None = None,
        nonce: int | None = None,
        code: bytes | None = None,
        storage: Mapping[int, int] | None = None,
        storage_diff: Mapping[int, int] | None = None,
    ) -> None:
        """Pretend that an account holds this; `storage` replaces all slots, `storage_diff` some."""
        if balance is not None:
            self._db.set_balance(address, balance)
        if nonce is not None:
            self._db.set_nonce(address, nonce)
        if code is not None:
            self._db.set_code(address, code)
        if storage is not None:
            self._db.clear_storage(address)
        for slot, value in (*(storage or {}).items(), *(storage_diff or {}).items()):
            self._db.set_storage(address, slot, value)
        self._db.override(address)


MakeEvm: TypeAlias = Callable[[StateReader, BlockContext, ExecutionRules], Evm]
"""How an engine is made: `Evm`, or one that somebody listens to."""


def _message(tx: Transaction, created: Address | None, gas: int, db: AccountDatabase) -> Message:
    if tx.to is not None:
        code = db.code(tx.to)
        return Message(gas=gas, to=tx.to, sender=tx.sender, value=tx.value, data=tx.data, code=code)
    return Message(
        gas=gas,
        to=None,
        sender=tx.sender,
        value=tx.value,
        data=b"",
        code=tx.data,
        create_address=created,
        kind=FrameKind.CREATE,
    )


def describe_failure(error: Exception) -> str:
    """A failure in geth's words where clients look for them."""
    if isinstance(error, Revert):
        return REVERTED
    return _GETH_WORDS.get(type(error).__name__, str(error))


REVERTED = "execution reverted"
"""What the failure of a frame is called that ended in a REVERT, whose output explains it."""

_GETH_WORDS = {
    "OutOfGas": "out of gas",
    "FullStack": "stack limit reached 1024 (1023)",
    "InvalidJumpDestination": "invalid jump destination",
    "WriteProtection": "write protection",
    "OutOfBoundsRead": "return data out of bounds",
    "ContractCreationCollision": "contract address collision",
    "ReservedBytesInCode": "invalid code: must not begin with 0xef",
}
