"""Admission checks one by one, each just inside and just outside its bound."""

from typing import Any

import pytest

from execution import errors
from execution.admission import check, check_stateless, highest_cost
from execution.limits import INITCODE_BYTES_MAX, TRANSACTION_BYTES_MAX
from execution.transaction import AccessListEntry, Transaction, TransactionType
from execution.transactions import make_deposit
from genesis.config import L1_RULES, L2_RULES, STATETEST_RULES, TRANSACTION_GAS_CAP
from state.accounts import EMPTY_TRIE_ROOT, Account
from state.types import Address, Gas, Hash32, Wei
from tests.execution.wallet import CHAIN_ID, ETHER, Wallet

RICH = Account(nonce=0, balance=Wei(ETHER))


def stateless(tx: Transaction, rules: Any = L2_RULES) -> None:
    check_stateless(tx, rules, CHAIN_ID)


def stateful(tx: Transaction, account: Account | None = RICH, **changes: Any) -> None:
    block = {"base_fee": Wei(1), "gas_left": Gas(30_000_000)} | changes
    check(tx, account, **block)


def deposit(gas: int = 100_000) -> Transaction:
    return make_deposit(
        source_hash=Hash32(bytes(32)),
        sender=Address(bytes(20)),
        to=None,
        mint=Wei(0),
        value=Wei(0),
        gas=Gas(gas),
        data=b"",
    )


def test_stateless_ordinary_transactions_pass() -> None:
    for type_ in (TransactionType.LEGACY, TransactionType.ACCESS_LIST, TransactionType.FEE_MARKET):
        for rules in (L2_RULES, L1_RULES, STATETEST_RULES):
            stateless(Wallet(1).tx(type=type_), rules)


def test_stateless_deposit_passes_only_where_deposits_exist() -> None:
    stateless(deposit())
    with pytest.raises(errors.TransactionTypeNotSupported):
        stateless(deposit(), L1_RULES)


def test_stateless_wrong_chain_raises() -> None:
    with pytest.raises(errors.WrongChainId):
        check_stateless(Wallet(1).tx(), L2_RULES, CHAIN_ID + 1)


def test_stateless_highest_nonce_raises_overflow() -> None:
    stateless(Wallet(1).tx(nonce=2**64 - 2))
    with pytest.raises(errors.NonceOverflow):
        stateless(Wallet(1).tx(nonce=2**64 - 1))


def test_stateless_tip_above_cap_raises() -> None:
    stateless(Wallet(1).tx(max_fee_per_gas=5, max_priority_fee_per_gas=5))
    with pytest.raises(errors.TipAboveFeeCap):
        stateless(Wallet(1).tx(max_fee_per_gas=5, max_priority_fee_per_gas=6))


def test_stateless_gas_above_cap_raises_unless_rules_have_none() -> None:
    stateless(Wallet(1).tx(gas=TRANSACTION_GAS_CAP))
    with pytest.raises(errors.GasAboveTransactionCap):
        stateless(Wallet(1).tx(gas=TRANSACTION_GAS_CAP + 1))
    stateless(Wallet(1).tx(gas=TRANSACTION_GAS_CAP + 1), STATETEST_RULES)


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({}, 21_000),
        ({"data": b"\0\1\1"}, 21_000 + 4 + 32),
        ({"to": None}, 53_000),
        ({"to": None, "data": b"\1" * 33}, 53_000 + 33 * 16 + 4),
        (
            {"access_list": (AccessListEntry(Address(bytes(20)), (1, 2)),)},
            21_000 + 2_400 + 2 * 1_900,
        ),
    ],
)
def test_stateless_intrinsic_gas_is_the_least(changes: dict, needed: int) -> None:
    stateless(Wallet(1).tx(gas=needed, **changes))
    with pytest.raises(errors.IntrinsicGasTooLow, match=f"minimum needed {needed}"):
        stateless(Wallet(1).tx(gas=needed - 1, **changes))


def test_stateless_calldata_floor_applies_only_by_rule() -> None:
    data = b"\1" * 100 + b"\0" * 10
    floor = 21_000 + 10 * (4 * 100 + 10)
    stateless(Wallet(1).tx(data=data, gas=floor), L1_RULES)
    with pytest.raises(errors.CalldataFloorTooHigh):
        stateless(Wallet(1).tx(data=data, gas=floor - 1), L1_RULES)
    stateless(Wallet(1).tx(data=data, gas=floor - 1), L2_RULES)


def test_stateless_initcode_above_limit_raises() -> None:
    gas = 1_000_000
    stateless(Wallet(1).tx(to=None, data=bytes(INITCODE_BYTES_MAX), gas=gas))
    with pytest.raises(errors.InitcodeTooLarge):
        stateless(Wallet(1).tx(to=None, data=bytes(INITCODE_BYTES_MAX + 1), gas=gas))
    stateless(Wallet(1).tx(data=bytes(INITCODE_BYTES_MAX + 1), gas=gas))


def test_stateless_large_transaction_raises_on_l2_only() -> None:
    data = bytes(TRANSACTION_BYTES_MAX)
    with pytest.raises(errors.TransactionTooLarge):
        stateless(Wallet(1).tx(data=data, gas=1_000_000))
    stateless(Wallet(1).tx(data=data, gas=1_000_000), L1_RULES)


@pytest.mark.parametrize(
    ("nonce", "error"), [(4, errors.NonceTooLow), (5, None), (6, errors.NonceTooHigh)]
)
def test_check_nonce_must_be_the_next(nonce: int, error: type[Exception] | None) -> None:
    account = Account(nonce=5, balance=Wei(ETHER))
    if error is None:
        stateful(Wallet(1).tx(nonce=nonce), account)
        return
    with pytest.raises(error):
        stateful(Wallet(1).tx(nonce=nonce), account)


def test_check_funds_must_cover_gas_at_the_cap_and_value() -> None:
    tx = Wallet(1).tx()
    cost = highest_cost(tx)
    stateful(tx, Account(balance=cost))
    with pytest.raises(errors.InsufficientFunds):
        stateful(tx, Account(balance=Wei(cost - 1)))
    with pytest.raises(errors.InsufficientFunds):
        stateful(tx, None)


def test_check_fee_cap_must_cover_base_fee() -> None:
    tx = Wallet(1).tx(max_fee_per_gas=7, max_priority_fee_per_gas=0)
    stateful(tx, base_fee=Wei(7))
    with pytest.raises(errors.FeeCapBelowBaseFee):
        stateful(tx, base_fee=Wei(8))


def test_check_gas_must_fit_the_block() -> None:
    stateful(Wallet(1).tx(), gas_left=Gas(21_000))
    with pytest.raises(errors.GasAboveBlockLimit):
        stateful(Wallet(1).tx(), gas_left=Gas(20_999))


def test_check_sender_with_code_raises() -> None:
    contract = Account(0, Wei(ETHER), EMPTY_TRIE_ROOT, Hash32(b"\x01" * 32))
    with pytest.raises(errors.SenderHasCode):
        stateful(Wallet(1).tx(), contract)


def test_check_deposit_needs_block_gas_and_nothing_else() -> None:
    stateful(deposit(), None)
    with pytest.raises(errors.GasAboveBlockLimit):
        stateful(deposit(gas=100_001), None, gas_left=Gas(100_000))
