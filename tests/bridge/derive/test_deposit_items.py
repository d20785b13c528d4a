"""Deposit and forced items: canonical decoding, and the void in place of everything else."""

from contextlib import suppress

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from bridge.derive.deposits import (
    VOID,
    Deposit,
    InvalidDeposit,
    alias,
    decode_deposit,
    deposit_source_hash,
    encode_deposit,
    transaction_of,
    unalias,
)
from bridge.items import ItemKind
from bridge.limits import BATCH_TRANSACTION_BYTES_MAX, DEPOSIT_DATA_BYTES_MAX
from execution.transaction import Transaction
from genesis.config import TRANSACTION_GAS_CAP
from state.keccak import keccak
from state.types import Address, Gas, Wei
from tests.bridge.derive.inbox import DEPOSITOR, RECIPIENT, Inbox

ABI = ["uint256", "uint256", "uint64", "bool", "address", "bytes"]
ADDRESSES = st.binary(min_size=20, max_size=20).map(Address)
DEPOSITS = st.builds(
    Deposit,
    mint=st.integers(0, 2**128 - 1).map(Wei),
    value=st.integers(0, 2**256 - 1).map(Wei),
    gas=st.integers(0, TRANSACTION_GAS_CAP).map(Gas),
    to=st.none() | ADDRESSES,
    data=st.binary(max_size=200),
)


@given(DEPOSITS)
def test_deposit_encoding_equals_abi_and_round_trips(deposit: Deposit) -> None:
    to = deposit.to or bytes(20)
    values = [deposit.mint, deposit.value, deposit.gas, deposit.to is None, to, deposit.data]
    encoded = encode_deposit(deposit)
    assert encoded == encode(ABI, values)
    assert decode_deposit(encoded) == deposit


@given(st.binary(max_size=400))
def test_decode_arbitrary_bytes_raises_nothing_but_invalid(data: bytes) -> None:
    with suppress(InvalidDeposit):
        assert encode_deposit(decode_deposit(data)) == data


@given(DEPOSITS, st.data())
def test_decode_one_byte_changed_is_another_deposit_or_invalid(
    deposit: Deposit, data: st.DataObject
) -> None:
    encoded = bytearray(encode_deposit(deposit))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    with suppress(InvalidDeposit):
        assert decode_deposit(bytes(encoded)) != deposit


@pytest.mark.parametrize(
    "values",
    [
        [2**128, 0, 0, False, RECIPIENT, b""],
        [0, 0, TRANSACTION_GAS_CAP + 1, False, RECIPIENT, b""],
        [0, 0, 0, True, RECIPIENT, b""],
        [0, 0, 0, False, RECIPIENT, bytes(DEPOSIT_DATA_BYTES_MAX + 1)],
    ],
    ids=["mint", "gas", "creation with recipient", "data"],
)
def test_deposit_item_beyond_limits_is_void(values: list[object]) -> None:
    item = Inbox().append(ItemKind.DEPOSIT, DEPOSITOR, encode(ABI, values))
    assert transaction_of(item) == VOID


def test_deposit_item_at_limits_is_a_transaction() -> None:
    data = bytes(DEPOSIT_DATA_BYTES_MAX)
    item = Inbox().deposit(mint=2**128 - 1, gas=TRANSACTION_GAS_CAP, data=data)
    tx = transaction_of(item)
    assert isinstance(tx, Transaction)
    assert (tx.sender, tx.to, tx.data) == (DEPOSITOR, RECIPIENT, data)
    assert (tx.mint, tx.gas) == (2**128 - 1, TRANSACTION_GAS_CAP)


def test_deposit_source_hash_depends_on_the_item() -> None:
    inbox = Inbox()
    first, second = inbox.deposit(), inbox.deposit()
    assert first.data == second.data
    assert transaction_of(first) != transaction_of(second)
    inner = keccak(first.acc)
    assert deposit_source_hash(first.acc) == keccak(encode(["uint256", "bytes32"], [0, inner]))


def test_forced_item_is_given_as_posted_up_to_the_limit() -> None:
    inbox = Inbox()
    largest = bytes(BATCH_TRANSACTION_BYTES_MAX)
    assert transaction_of(inbox.forced(largest)) == largest
    assert transaction_of(inbox.forced(largest + b"\0")) == VOID


@given(ADDRESSES)
def test_alias_round_trips(account: Address) -> None:
    assert unalias(alias(account)) == account
    assert alias(account) != account


def test_alias_known_address_matches_op_stack() -> None:
    highest = Address(b"\xff" * 20)
    assert alias(highest).hex() == "1111000000000000000000000000000000001110"
