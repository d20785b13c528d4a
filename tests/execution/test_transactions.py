"""Decoding and encoding, against the reference implementation eth-account and by hand."""

import pytest
from eth_account import Account as EthAccount
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.errors import (
    InvalidSignature,
    InvalidTransaction,
    MalformedTransaction,
    TransactionTooLarge,
    TransactionTypeNotSupported,
    WrongChainId,
)
from execution.limits import L1_TRANSACTION_BYTES_MAX
from execution.signing import UnsignedTransaction, sign
from execution.transaction import AccessListEntry, TransactionType
from execution.transactions import (
    HIGHEST_S,
    SECP256K1_ORDER,
    decode,
    decode_any,
    encode,
    encode_signed,
    make_deposit,
)
from state import rlp
from state.types import Address, Gas, Hash32, Wei
from tests.execution.wallet import CHAIN_ID, Wallet

TYPES = (TransactionType.LEGACY, TransactionType.ACCESS_LIST, TransactionType.FEE_MARKET)

addresses = st.binary(min_size=20, max_size=20).map(Address)
words = st.integers(0, 2**256 - 1)
entries = st.builds(AccessListEntry, addresses, st.lists(words, max_size=3).map(tuple))


@st.composite
def unsigned(draw: st.DrawFn) -> UnsignedTransaction:
    type_ = draw(st.sampled_from(TYPES))
    fee = Wei(draw(words))
    is_dynamic = type_ is TransactionType.FEE_MARKET
    return UnsignedTransaction(
        type=type_,
        nonce=draw(st.integers(0, 2**64 - 1)),
        gas=Gas(draw(st.integers(0, 2**64 - 1))),
        to=draw(st.none() | addresses),
        value=Wei(draw(words)),
        data=draw(st.binary(max_size=80)),
        max_fee_per_gas=fee,
        max_priority_fee_per_gas=Wei(draw(words)) if is_dynamic else fee,
        access_list=()
        if type_ is TransactionType.LEGACY
        else tuple(draw(st.lists(entries, max_size=3))),
    )


@given(unsigned(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_decode_what_was_signed_gives_it_back(
    fields: UnsignedTransaction, is_protected: bool
) -> None:
    wallet = Wallet(1)
    legacy = fields.type is TransactionType.LEGACY
    raw = sign(fields, wallet.key, CHAIN_ID if is_protected or not legacy else None)
    tx = decode(raw, chain_id=CHAIN_ID)
    assert tx.sender == wallet.address
    assert tx.raw == raw == encode(tx)
    assert tx.chain_id == (CHAIN_ID if is_protected or not legacy else None)
    names = "type nonce gas to value data max_fee_per_gas max_priority_fee_per_gas access_list"
    for name in names.split():
        assert getattr(tx, name) == getattr(fields, name), name
    assert decode_any(raw, chain_id=CHAIN_ID, sender=wallet.address) == tx


@pytest.mark.parametrize(
    "fees",
    [
        {"gasPrice": 7},
        {"gasPrice": 7, "accessList": [{"address": "0x" + "22" * 20, "storageKeys": [3, 9]}]},
        {
            "maxFeePerGas": 9,
            "maxPriorityFeePerGas": 2,
            "accessList": [{"address": "0x" + "22" * 20, "storageKeys": []}],
        },
    ],
    ids=["legacy", "access list", "fee market"],
)
def test_decode_of_eth_account_transactions_recovers_sender_and_hash(fees: dict) -> None:
    wallet = Wallet(2)
    for entry in fees.get("accessList", []):
        entry["storageKeys"] = ["0x" + f"{int(key):064x}" for key in entry["storageKeys"]]
    request = {"nonce": 3, "gas": 50_000, "to": "0x" + "33" * 20, "value": 5, "data": b"\x01\x00"}
    signed = EthAccount.sign_transaction({**request, **fees, "chainId": CHAIN_ID}, wallet.key)
    tx = decode(bytes(signed.raw_transaction), chain_id=CHAIN_ID)
    assert tx.sender == wallet.address
    assert tx.hash == bytes(signed.hash)
    assert (tx.r, tx.s, tx.v) == (signed.r, signed.s, signed.v)
    assert encode(tx) == bytes(signed.raw_transaction)
    assert wallet.raw(nonce=3) == wallet.raw(nonce=3), "signatures are deterministic"


def test_decode_another_chains_transaction_raises_wrong_chain_id() -> None:
    for type_ in TYPES:
        raw = Wallet(1).raw(chain_id=1, type=type_)
        with pytest.raises(WrongChainId, match="have 1 want 424242"):
            decode(raw, chain_id=CHAIN_ID)


def test_decode_high_s_raises_invalid_signature() -> None:
    tx = Wallet(1).tx()
    twin = encode_signed(tx, 1 - tx.v, tx.r, SECP256K1_ORDER - tx.s)
    with pytest.raises(InvalidSignature):
        decode(twin, chain_id=CHAIN_ID)


@pytest.mark.parametrize(
    ("v", "r", "s"),
    [
        (0, 0, 1),
        (0, 1, 0),
        (0, SECP256K1_ORDER, 1),
        (0, 1, HIGHEST_S + 1),
        (2, 1, 1),
        (27, 1, 1),
        (0, 5, 1),  # no point of the curve has x = 5
    ],
)
def test_decode_impossible_signature_raises_invalid_signature(v: int, r: int, s: int) -> None:
    tx = Wallet(1).tx()
    with pytest.raises(InvalidSignature):
        decode(encode_signed(tx, v, r, s), chain_id=CHAIN_ID)


@pytest.mark.parametrize("v", [0, 1, 26, 29, 34])
def test_decode_legacy_v_of_no_scheme_raises_invalid_signature(v: int) -> None:
    tx = Wallet(1).tx(type=TransactionType.LEGACY)
    with pytest.raises(InvalidSignature):
        decode(encode_signed(tx, v, tx.r, tx.s), chain_id=CHAIN_ID)


@pytest.mark.parametrize("first", [0x00, 0x03, 0x04, 0x7F, 0x80, 0xBF])
def test_decode_unknown_type_raises_not_supported(first: int) -> None:
    with pytest.raises(TransactionTypeNotSupported):
        decode(bytes([first]) + rlp.encode([b""] * 9), chain_id=CHAIN_ID)


def test_decode_of_deposit_bytes_is_refused_but_stored_ones_decode() -> None:
    deposit = make_deposit(
        source_hash=Hash32(b"\x01" * 32),
        sender=Address(b"\x02" * 20),
        to=None,
        mint=Wei(10**18),
        value=Wei(5),
        gas=Gas(100_000),
        data=b"\x60\x00",
    )
    with pytest.raises(TransactionTypeNotSupported):
        decode(deposit.raw, chain_id=CHAIN_ID)
    assert decode_any(deposit.raw, chain_id=CHAIN_ID) == deposit
    assert encode(deposit) == deposit.raw


def test_make_deposit_encodes_as_the_op_stack_does() -> None:
    # Fields in the order of the OP Stack's deposits specification.
    deposit = make_deposit(
        source_hash=Hash32(bytes(31) + b"\x07"),
        sender=Address(b"\xaa" * 20),
        to=Address(b"\xbb" * 20),
        mint=Wei(0),
        value=Wei(0x0102),
        gas=Gas(21_000),
        data=b"\xff",
    )
    payload = (
        b"\xa0" + bytes(31) + b"\x07"
        b"\x94" + b"\xaa" * 20 + b"\x94" + b"\xbb" * 20 + b"\x80"
        b"\x82\x01\x02"
        b"\x82\x52\x08"
        b"\x80"
        b"\x81\xff"
    )
    assert deposit.raw == b"\x7e\xf8" + bytes([len(payload)]) + payload


def _items(raw: bytes) -> list:
    return rlp.decode(raw[1:], max_bytes=10_000, max_items=100, max_depth=10)


@pytest.mark.parametrize(
    ("at", "item"),
    [
        (1, b"\0"),  # nonce with a leading zero
        (1, b"\xff" * 9),  # nonce above 64 bits
        (2, b"\xff" * 33),  # tip above 256 bits
        (4, b"\xff" * 9),  # gas above 64 bits
        (5, b"\x11" * 19),  # recipient too short
        (5, []),  # recipient as a list
        (6, [b"\x01"]),  # value as a list
        (7, []),  # data as a list
        (8, b""),  # access list as bytes
        (8, [b""]),  # entry as bytes
        (8, [[b"\x11" * 20]]),  # entry without slots
        (8, [[b"\x11" * 20, b""]]),  # slots as bytes
        (8, [[b"\x11" * 20, [b"\x01"]]]),  # a short slot
        (8, [[b"\x11" * 21, []]]),  # a long address
        (9, []),  # parity as a list
    ],
)
def test_decode_misshapen_field_raises_malformed(at: int, item: object) -> None:
    items = _items(Wallet(1).raw())
    items[at] = item
    with pytest.raises(MalformedTransaction):
        decode(b"\x02" + rlp.encode(items), chain_id=CHAIN_ID)


@pytest.mark.parametrize("raw", [b"", b"\x02", b"\xc0", b"\xf8", b"\x01\x80", b"\x02\xc1\xc0"])
def test_decode_fragments_raises_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedTransaction):
        decode(raw, chain_id=CHAIN_ID)


def test_decode_trailing_byte_raises_malformed() -> None:
    with pytest.raises(MalformedTransaction):
        decode(Wallet(1).raw() + b"\0", chain_id=CHAIN_ID)


def test_decode_bomb_of_empty_lists_raises_and_is_quick() -> None:
    with pytest.raises(MalformedTransaction):
        decode(b"\x02\xfa\x01\x00\x00" + b"\xc0" * 65_536, chain_id=CHAIN_ID)


def test_decode_beyond_size_limit_raises_too_large() -> None:
    with pytest.raises(TransactionTooLarge):
        decode(b"\x02" * (L1_TRANSACTION_BYTES_MAX + 1), chain_id=CHAIN_ID)


@given(st.binary(max_size=200), st.integers(0, 300), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_decode_of_damaged_bytes_raises_invalid_or_decodes_canonically(
    noise: bytes, at: int, byte: int
) -> None:
    raw = bytearray(Wallet(1).raw())
    raw[at % len(raw)] = byte
    for candidate in (bytes(raw), noise, b"\x02" + noise):
        try:
            tx = decode(candidate, chain_id=CHAIN_ID)
        except InvalidTransaction:
            continue
        assert encode(tx) == candidate
