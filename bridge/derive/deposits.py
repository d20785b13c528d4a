"""From inbox items to the transactions they stand for.

Only the Portal appends deposits, and it encodes them canonically and within limits. The rules here
are total all the same: an item that breaks them is void, which takes its place in the walk and
leaves no transaction.
"""

from dataclasses import dataclass
from typing import Final

from bridge.items import InboxItem, ItemKind
from bridge.limits import (
    BATCH_TRANSACTION_BYTES_MAX,
    DEPOSIT_DATA_BYTES_MAX,
    DEPOSIT_MINT_BITS_MAX,
)
from execution.transaction import Transaction
from execution.transactions import make_deposit
from genesis.config import TRANSACTION_GAS_CAP
from genesis.predeploys import ALIAS_OFFSET
from state.errors import Invalid
from state.keccak import keccak
from state.types import Address, Gas, Hash32, Wei

DEPOSIT_SOURCE: Final = 0
"""Domain of the source hash of a user's deposit (OP Stack)."""

VOID: Final = b""
"""Stands for an item without a transaction: no bytes are a transaction, so it is skipped."""

_HEAD_WORDS: Final = 6
_DATA_OFFSET: Final = 32 * _HEAD_WORDS


class InvalidDeposit(Invalid):
    """The data of a deposit item is not what the Portal appends."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """What a deposit item asks for. Amounts in wei; `to` is None for a creation."""

    mint: Wei
    value: Wei
    gas: Gas
    to: Address | None
    data: bytes


def transaction_of(item: InboxItem) -> Transaction | bytes:
    """The transaction that a deposit or forced item stands for; `VOID` where there is none.

    A forced transaction is given as the bytes that were posted: whether they decode is for
    execution to say.
    """
    if item.kind is ItemKind.FORCED:
        return item.data if len(item.data) <= BATCH_TRANSACTION_BYTES_MAX else VOID
    try:
        deposit = decode_deposit(item.data)
    except InvalidDeposit:
        return VOID
    return make_deposit(
        source_hash=deposit_source_hash(item.acc),
        sender=item.sender,
        to=deposit.to,
        mint=deposit.mint,
        value=deposit.value,
        gas=deposit.gas,
        data=deposit.data,
    )


def deposit_source_hash(acc: Hash32) -> Hash32:
    """What makes the hash of a deposit transaction unique: the `acc` of its item."""
    return keccak(_word(DEPOSIT_SOURCE) + keccak(acc))


def encode_deposit(deposit: Deposit) -> bytes:
    """`abi.encode(mint, value, gasLimit, isCreation, to, data)`, as Portal.sol appends it."""
    padding = bytes(-len(deposit.data) % 32)
    words = (
        _word(deposit.mint),
        _word(deposit.value),
        _word(deposit.gas),
        _word(deposit.to is None),
        (deposit.to or b"").rjust(32, b"\0"),
        _word(_DATA_OFFSET),
        _word(len(deposit.data)),
    )
    return b"".join(words) + deposit.data + padding


def decode_deposit(encoded: bytes) -> Deposit:
    """Read what `encode_deposit` wrote, and nothing else: one deposit has one encoding.

    Raises `InvalidDeposit`.
    """
    size = len(encoded)
    if size < _DATA_OFFSET + 32 or size > _DATA_OFFSET + 32 + DEPOSIT_DATA_BYTES_MAX:
        raise InvalidDeposit(f"a deposit of {size} bytes")
    mint, value, gas, is_creation, to, offset, length = (
        int.from_bytes(encoded[i : i + 32], "big") for i in range(0, _DATA_OFFSET + 32, 32)
    )
    _check(mint.bit_length() <= DEPOSIT_MINT_BITS_MAX, "mint is too large")
    _check(gas <= TRANSACTION_GAS_CAP, "gas is above the cap of a transaction")
    _check(is_creation <= 1, "isCreation is no boolean")
    _check(to.bit_length() <= 160, "to is no address")
    _check(not (is_creation and to), "a creation has no recipient")
    _check(offset == _DATA_OFFSET, "data is not where the canonical encoding has it")
    deposit = Deposit(
        mint=Wei(mint),
        value=Wei(value),
        gas=Gas(gas),
        to=None if is_creation else Address(to.to_bytes(20, "big")),
        data=encoded[_DATA_OFFSET + 32 :][:length],
    )
    _check(encode_deposit(deposit) == encoded, "length or padding is wrong")
    return deposit


def alias(contract: Address) -> Address:
    """The L2 sender of a deposit that a contract made (OP Stack, address aliasing)."""
    return _shift(contract, ALIAS_OFFSET)


def unalias(sender: Address) -> Address:
    """The L1 contract behind an aliased L2 sender."""
    return _shift(sender, -ALIAS_OFFSET)


def _shift(account: Address, offset: int) -> Address:
    shifted = (int.from_bytes(account, "big") + offset) % 2**160
    return Address(shifted.to_bytes(20, "big"))


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise InvalidDeposit(otherwise)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
