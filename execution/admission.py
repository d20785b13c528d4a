"""Whether a block may hold a transaction: one set of checks for engine, mempool and RPC.

`check_stateless` needs nothing but the transaction and the chain's rules; `check` adds what the
sender's account and the block decide. py-evm checks only some of this, and part of it too late.
"""

from execution.errors import (
    CalldataFloorTooHigh,
    FeeCapBelowBaseFee,
    GasAboveBlockLimit,
    GasAboveTransactionCap,
    InitcodeTooLarge,
    InsufficientFunds,
    IntrinsicGasTooLow,
    NonceOverflow,
    NonceTooHigh,
    NonceTooLow,
    SenderHasCode,
    TipAboveFeeCap,
    TransactionTooLarge,
    TransactionTypeNotSupported,
    WrongChainId,
)
from execution.intrinsic import calldata_floor, intrinsic_gas
from execution.limits import (
    INITCODE_BYTES_MAX,
    L1_TRANSACTION_BYTES_MAX,
    NONCE_MAX,
    TRANSACTION_BYTES_MAX,
)
from execution.transaction import Transaction, TransactionType
from genesis.config import ExecutionRules
from state.accounts import EMPTY_CODE_HASH, Account
from state.types import Gas, Wei

_NOBODY = Account()
_SIGNED_TYPES = (TransactionType.LEGACY, TransactionType.ACCESS_LIST, TransactionType.FEE_MARKET)


def check_stateless(tx: Transaction, rules: ExecutionRules, chain_id: int) -> None:
    """Check what no state can change. Raises `InvalidTransaction`.

    A deposit passes wherever the chain has deposits: L1 has made sure of the rest.
    """
    if tx.is_deposit and rules.deposits:
        return
    if tx.type not in _SIGNED_TYPES:
        raise TransactionTypeNotSupported(tx.type)
    if tx.chain_id is not None and tx.chain_id != chain_id:
        raise WrongChainId(tx.chain_id, chain_id)
    _check_sizes(tx, rules)
    if tx.nonce > NONCE_MAX:
        raise NonceOverflow
    if tx.max_priority_fee_per_gas > tx.max_fee_per_gas:
        raise TipAboveFeeCap(tx.max_priority_fee_per_gas, tx.max_fee_per_gas)
    _check_gas_limit(tx, rules)


def check(
    tx: Transaction,
    account: Account | None,
    *,
    base_fee: Wei,
    gas_left: Gas,
) -> None:
    """Check what the sender's account and the block decide. Raises `InvalidTransaction`.

    `account` is the sender's just before the transaction, `gas_left` what is left of the block's
    gas. Only the block's gas can stop a deposit. A sender with code is one whose code hash says so.
    """
    check_block_gas(tx, gas_left)
    if tx.is_deposit:
        return
    sender = account or _NOBODY
    check_nonce(tx, sender.nonce)
    check_sender(tx, sender)
    check_fee(tx, base_fee)
    check_funds(tx, sender.balance)


def check_simulated(
    tx: Transaction,
    account: Account | None,
    rules: ExecutionRules,
    *,
    base_fee: Wei,
    validates: bool,
) -> None:
    """Check a transaction of a simulated block (execution-apis, eth_simulateV1).

    Anybody may be its sender, a contract too. Without `validates` the nonce doesn't count, nor the
    base fee for one that offers no fee. Raises `InvalidTransaction`.
    """
    sender = account or _NOBODY
    if validates:
        if tx.nonce > NONCE_MAX:
            raise NonceOverflow
        check_nonce(tx, sender.nonce)
    if validates or tx.max_fee_per_gas or tx.max_priority_fee_per_gas:
        if tx.max_priority_fee_per_gas > tx.max_fee_per_gas:
            raise TipAboveFeeCap(tx.max_priority_fee_per_gas, tx.max_fee_per_gas)
        check_fee(tx, base_fee)
    _check_initcode(tx)
    check_funds(tx, sender.balance)
    _check_least_gas(tx, rules)


def check_block_gas(tx: Transaction, gas_left: Gas) -> None:
    """The gas limit fits what is left of the block. Raises `GasAboveBlockLimit`."""
    if tx.gas > gas_left:
        raise GasAboveBlockLimit(tx.gas, gas_left)


def check_nonce(tx: Transaction, account_nonce: int) -> None:
    """The nonce is the sender's next. Raises `NonceTooLow` or `NonceTooHigh`."""
    if tx.nonce < account_nonce:
        raise NonceTooLow(tx.nonce, account_nonce)
    if tx.nonce > account_nonce:
        raise NonceTooHigh(tx.nonce, account_nonce)


def check_sender(tx: Transaction, sender: Account) -> None:
    """The sender is no contract (EIP-3607). Raises `SenderHasCode`."""
    if sender.code_hash != EMPTY_CODE_HASH and not tx.is_impersonated:
        raise SenderHasCode(tx.sender)


def check_fee(tx: Transaction, base_fee: Wei) -> None:
    """The fee cap covers the base fee (EIP-1559). Raises `FeeCapBelowBaseFee`."""
    if tx.max_fee_per_gas < base_fee:
        raise FeeCapBelowBaseFee(tx.sender, tx.max_fee_per_gas, base_fee)


def check_funds(tx: Transaction, balance: Wei) -> None:
    """The balance covers the most that `tx` can cost. Raises `InsufficientFunds`."""
    cost = highest_cost(tx)
    if balance < cost:
        raise InsufficientFunds(tx.sender, balance, cost)


def highest_cost(tx: Transaction) -> Wei:
    """Value and all gas at the fee cap, in wei: what EIP-1559 wants the sender to hold."""
    return Wei(tx.gas * tx.max_fee_per_gas + tx.value)


def _check_sizes(tx: Transaction, rules: ExecutionRules) -> None:
    limit = TRANSACTION_BYTES_MAX if rules.bounded_inputs else L1_TRANSACTION_BYTES_MAX
    if len(tx.raw) > limit:
        raise TransactionTooLarge(len(tx.raw), limit)
    _check_initcode(tx)


def _check_initcode(tx: Transaction) -> None:
    if tx.to is None and len(tx.data) > INITCODE_BYTES_MAX:
        raise InitcodeTooLarge(len(tx.data), INITCODE_BYTES_MAX)


def _check_gas_limit(tx: Transaction, rules: ExecutionRules) -> None:
    cap = rules.transaction_gas_cap
    if cap is not None and tx.gas > cap:
        raise GasAboveTransactionCap(tx.gas, cap)
    _check_least_gas(tx, rules)


def _check_least_gas(tx: Transaction, rules: ExecutionRules) -> None:
    needed = intrinsic_gas(tx)
    if tx.gas < needed:
        raise IntrinsicGasTooLow(tx.gas, needed)
    if rules.calldata_floor:
        floor = calldata_floor(tx.data)
        if tx.gas < floor:
            raise CalldataFloorTooHigh(tx.gas, floor)
