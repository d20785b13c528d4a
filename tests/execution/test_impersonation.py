"""Transactions that nobody signed."""

from dataclasses import replace

import pytest

from execution import admission
from execution.errors import InvalidSignature, InvalidTransaction, SenderHasCode
from execution.impersonation import decode_impersonated, impersonate
from execution.signing import UnsignedTransaction, sign
from execution.transaction import IMPERSONATED_S, TransactionType
from execution.transactions import decode, encode_signed
from genesis.accounts import dev_accounts
from state.accounts import Account
from state.keccak import keccak
from state.types import Address, Gas, Wei

CHAIN = 424242
SENDER = Address(b"\x00\x22" * 10)
TYPES = (TransactionType.LEGACY, TransactionType.ACCESS_LIST, TransactionType.FEE_MARKET)


def fields(type_: TransactionType) -> UnsignedTransaction:
    return UnsignedTransaction(
        nonce=7, gas=Gas(21_000), to=SENDER, value=Wei(3), max_fee_per_gas=Wei(9), type=type_
    )


@pytest.mark.parametrize("type_", TYPES)
def test_impersonated_says_whom_it_is_from(type_: TransactionType) -> None:
    raw = impersonate(SENDER, fields(type_), CHAIN)
    decoded = decode_impersonated(raw, chain_id=CHAIN)

    assert decoded is not None
    assert (decoded.sender, decoded.nonce, decoded.type) == (SENDER, 7, type_)
    assert decoded.is_impersonated
    assert decoded.raw == raw


@pytest.mark.parametrize("type_", TYPES)
def test_two_senders_two_hashes(type_: TransactionType) -> None:
    other = Address(b"\x33" * 20)
    assert keccak(impersonate(SENDER, fields(type_), CHAIN)) != keccak(
        impersonate(other, fields(type_), CHAIN)
    )


@pytest.mark.parametrize("type_", TYPES)
def test_signed_transaction_is_nobodys_pose(type_: TransactionType) -> None:
    raw = sign(fields(type_), dev_accounts()[0].key, CHAIN)
    assert decode_impersonated(raw, chain_id=CHAIN) is None
    assert not decode(raw, chain_id=CHAIN).is_impersonated


@pytest.mark.parametrize("type_", TYPES)
def test_pose_from_outside_is_not_from_whom_it_says(type_: TransactionType) -> None:
    raw = impersonate(SENDER, fields(type_), CHAIN)
    try:
        recovered = decode(raw, chain_id=CHAIN)
    except InvalidTransaction:
        return
    assert recovered.sender != SENDER
    assert not recovered.is_impersonated


def test_sender_longer_than_an_address_refused() -> None:
    chosen = replace(fields(TransactionType.FEE_MARKET), chain_id=CHAIN)
    raw = encode_signed(chosen, 0, 1 << 160, IMPERSONATED_S)
    with pytest.raises(InvalidSignature):
        decode_impersonated(raw, chain_id=CHAIN)


def test_contract_sends_only_where_it_is_posed() -> None:
    contract = Account(nonce=1, balance=Wei(10), code_hash=keccak(b"code"))
    posed = decode_impersonated(
        impersonate(SENDER, fields(TransactionType.FEE_MARKET), CHAIN), chain_id=CHAIN
    )
    signed = decode(
        sign(fields(TransactionType.FEE_MARKET), dev_accounts()[0].key, CHAIN), chain_id=CHAIN
    )
    assert posed is not None
    admission.check_sender(posed, contract)
    with pytest.raises(SenderHasCode):
        admission.check_sender(signed, contract)
