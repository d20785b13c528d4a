"""Signing and packing against eth-account and the contract, and storage by its layout."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account as EthAccount
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.contracts import artifact
from execution.contracts.abi import UnknownAbiItem, clearing_house
from execution.contracts.genesis import PRICE_ONE, SIZE_ONE
from execution.contracts.layout import Layout, LayoutMismatch
from execution.errors import InvalidSignature
from execution.margin import (
    EVERY_MARKET,
    CancelRequest,
    InvalidOrder,
    MarketStatus,
    Match,
    Order,
    OrderFlag,
    Reason,
    domain_separator,
    option_report_call,
    pack_batch,
    recover_signer,
    sign_option_report,
    sign_report,
)
from execution.transactions import HIGHEST_S
from genesis.accounts import derive_account
from genesis.predeploys import CLEARING_HOUSE
from state.types import Hash32, Timestamp
from tests.execution.contracts.house import CHAIN_ID, OPERATORS, START, TIMELOCK, House

ROOT = Path(__file__).resolve().parents[2]
HOUSE = House()
KEY = derive_account(0).key
ORDER = Order(1, 0, True, SIZE_ONE, PRICE_ONE, 500, 0, Timestamp(START))
DOMAIN_FIELDS = {
    "name": "ClearingHouse",
    "version": "1",
    "chainId": CHAIN_ID,
    "verifyingContract": "0x" + CLEARING_HOUSE.hex(),
}
DOMAIN = domain_separator(CHAIN_ID)
ORDER_FIELDS = (
    ("account", "uint64"),
    ("market", "uint32"),
    ("isBuy", "bool"),
    ("size", "uint64"),
    ("price", "uint64"),
    ("maxFeePpm", "int32"),
    ("flags", "uint8"),
    ("nonce", "uint64"),
    ("expiry", "uint40"),
)
orders = st.builds(
    Order,
    account=st.integers(0, 2**64 - 1),
    market=st.integers(0, 2**32 - 1),
    is_buy=st.booleans(),
    size=st.integers(0, 2**63 - 1),
    price=st.integers(0, 2**64 - 1),
    max_fee_ppm=st.integers(-(2**31), 2**31 - 1),
    nonce=st.integers(0, 2**64 - 1),
    expiry=st.integers(0, 2**40 - 1),
    flags=st.integers(0, 15).map(OrderFlag),
)


def as_message(order: Order) -> dict[str, object]:
    values = (
        order.account,
        order.market,
        order.is_buy,
        order.size,
        order.price,
        order.max_fee_ppm,
        int(order.flags),
        order.nonce,
        order.expiry,
    )
    return {name: value for (name, _), value in zip(ORDER_FIELDS, values)}


@settings(max_examples=50, deadline=None)
@given(orders)
def test_order_signature_equals_eth_account_and_the_contract_digest(order: Order) -> None:
    domain = domain_separator(CHAIN_ID)
    types = {"Order": [{"name": n, "type": t} for n, t in ORDER_FIELDS]}
    message = encode_typed_data(DOMAIN_FIELDS, types, as_message(order))
    theirs = EthAccount.sign_message(message, KEY)
    ours = order.sign(KEY, domain)
    assert int.from_bytes(ours.r, "big") == theirs.r
    assert int.from_bytes(ours.vs, "big") == (theirs.v - 27) << 255 | theirs.s
    assert HOUSE.read("orderDigest", *as_message(order).values()) == order.digest(domain)


def test_report_signature_equals_eth_account() -> None:
    names = (
        ("market", "uint32"),
        ("round", "uint32"),
        ("price", "uint64"),
        ("timestamp", "uint40"),
    )
    types = {"PriceReport": [{"name": n, "type": t} for n, t in names]}
    fields = {"market": 1, "round": 7, "price": 10**12, "timestamp": START}
    theirs = EthAccount.sign_message(encode_typed_data(DOMAIN_FIELDS, types, fields), KEY)
    ours = sign_report(1, 7, 10**12, START, KEY, domain_separator(CHAIN_ID))
    assert (ours.v, int.from_bytes(ours.r, "big")) == (theirs.v, theirs.r)
    assert int.from_bytes(ours.s, "big") == theirs.s


def test_option_report_signature_equals_eth_account() -> None:
    names = (
        ("strike", "uint32"),
        ("round", "uint32"),
        ("forward", "uint64"),
        ("discount", "uint64"),
        ("volatility", "uint64"),
        ("timestamp", "uint40"),
    )
    values = (66, 7, 10**12, 99 * 10**16, 6 * 10**17, START)
    types = {"OptionReport": [{"name": n, "type": t} for n, t in names]}
    fields = {name: value for (name, _), value in zip(names, values)}
    theirs = EthAccount.sign_message(encode_typed_data(DOMAIN_FIELDS, types, fields), KEY)
    ours = sign_option_report(*values, KEY, domain_separator(CHAIN_ID))
    assert (ours.v, int.from_bytes(ours.r, "big")) == (theirs.v, theirs.r)
    assert int.from_bytes(ours.s, "big") == theirs.s
    assert ours.as_tuple()[:4] == values[2:]


def test_option_report_is_taken_by_the_contract() -> None:
    house = House()
    expiry = START // 60 * 60 + 86_400
    receipt = house.send(TIMELOCK, "listStrike", 0, expiry, 60_000 * PRICE_ONE)
    (strike,) = clearing_house().result("listStrike", receipt.output)
    inputs = (60_100 * PRICE_ONE, 10**18, 6 * 10**17)
    report = sign_option_report(strike, 3, *inputs, START, OPERATORS.oracle.key, house.domain)
    (event,) = house.call(TIMELOCK, option_report_call(strike, 3, [report])).named(
        "OptionInputsReported"
    )
    assert tuple(event.values()) == (strike, 3, *inputs, START)


@pytest.mark.parametrize(("market", "order"), [(None, None), (3, None), (None, b"\x07" * 32)])
def test_cancel_signature_equals_eth_account(market: int | None, order: bytes | None) -> None:
    named = Hash32(order) if order else None
    request = CancelRequest(7, market, named, START * 1000)
    fields = {
        "account": 7,
        "market": EVERY_MARKET if market is None else market,
        "order": order or bytes(32),
        "time": START * 1000,
    }
    names = (("account", "uint64"), ("market", "uint32"), ("order", "bytes32"), ("time", "uint64"))
    types = {"Cancel": [{"name": name, "type": kind} for name, kind in names]}
    theirs = EthAccount.sign_message(encode_typed_data(DOMAIN_FIELDS, types, fields), KEY)
    domain = domain_separator(CHAIN_ID)
    ours = request.sign(KEY, domain)
    assert ours.r == theirs.r.to_bytes(32, "big")
    assert ours.vs == ((theirs.v - 27) << 255 | theirs.s).to_bytes(32, "big")
    assert recover_signer(request.digest(domain), ours.r, ours.vs) == derive_account(0).address


@pytest.mark.parametrize(
    "change",
    [{"account": 2**64}, {"market": EVERY_MARKET}, {"time": -1}, {"order": b"\x07" * 31}]
    + [{"order": bytes(32)}],
)
def test_cancel_field_out_of_range_is_invalid(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidOrder):
        replace(CancelRequest(7, None, None, 0), **change)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_signature_of_another_length_is_invalid(length: int) -> None:
    with pytest.raises(InvalidSignature):
        recover_signer(Hash32(b"\x01" * 32), b"\x01" * length, b"\x01" * 32)


def test_signature_with_high_s_is_invalid() -> None:
    """As in Signatures.sol: above half the curve's order it has a twin below (EIP-2)."""
    signed = ORDER.sign(KEY, DOMAIN)
    with pytest.raises(InvalidSignature):
        recover_signer(ORDER.digest(DOMAIN), signed.r, (HIGHEST_S + 1).to_bytes(32, "big"))


def test_domain_equals_the_contract() -> None:
    assert HOUSE.read("domainSeparator") == domain_separator(CHAIN_ID)


@pytest.mark.parametrize(
    "change",
    [{"size": 2**63}, {"price": -1}, {"max_fee_ppm": 2**31}, {"expiry": 2**40}, {"flags": 16}],
    ids=str,
)
def test_order_field_out_of_range_is_invalid(change: dict[str, int]) -> None:
    fields = {name: getattr(ORDER, name) for name in Order.__slots__}
    with pytest.raises(InvalidOrder):
        Order(**(fields | change))


def test_batch_holds_each_order_once() -> None:
    domain = domain_separator(CHAIN_ID)
    a, b, c = (
        Order(i, 0, i == 1, SIZE_ONE, PRICE_ONE, 500, i, START).sign(KEY, domain) for i in (1, 2, 3)
    )
    batch = pack_batch([Match(a, b, 5), Match(a, c, 6), Match(a, b, 7)], {3: 9})
    assert len(batch.orders) == 330
    assert batch.fills.hex() == (
        "000000010000000000000005" + "000000020000000000000006" + "000000010000000000000007"
    )
    assert batch.clearing.hex() == "000000030000000000000009"
    assert batch.calldata.startswith(clearing_house().selector("settleBatch"))


def test_reasons_are_those_of_the_contract_in_order() -> None:
    text = (ROOT / "execution" / "contracts" / "Types.sol").read_text(encoding="utf-8")
    assert [r.name for r in Reason] == enum_members(text, "Reason")
    assert [s.name for s in MarketStatus] == enum_members(text, "MarketStatus")


def enum_members(text: str, name: str) -> list[str]:
    """Of a Solidity enum, as Python would write them."""
    body = text.split(f"enum {name} {{", 1)[1].split("}", 1)[0]
    names = re.findall(r"^ +(\w+),?$", body, re.MULTILINE)
    return [re.sub(r"(?<!^)(?=[A-Z])", "_", each).upper() for each in names]


account_values = st.fixed_dictionaries(
    {
        "cash": st.integers(-(2**95), 2**95 - 1),
        "perps": st.integers(0, 2**64 - 1),
        "flags": st.integers(0, 255),
        "marginMode": st.integers(0, 255),
        "feeTier": st.integers(0, 255),
        "options": st.integers(0, 255),
        "orderEpoch": st.integers(0, 2**32 - 1),
        "sessionEpoch": st.integers(0, 2**32 - 1),
    }
)


@settings(max_examples=50)
@given(account_values)
def test_layout_writes_what_it_reads(value: dict[str, int]) -> None:
    layout = Layout.of(artifact("ClearingHouse"))
    place = layout.place("accounts", 77)
    words: dict[int, int] = {}
    layout.write(place, value, words)
    assert len(words) == 1
    assert layout.read(place, words.__getitem__) == value


def test_layout_refuses_what_does_not_fit() -> None:
    layout = Layout.of(artifact("ClearingHouse"))
    for label, value in (("paused", 2), ("oracleWeight", 2**64), ("oracleWeight", -1)):
        with pytest.raises(LayoutMismatch):
            layout.write(layout.place(label), value, {})
    with pytest.raises(LayoutMismatch):
        layout.place("nothing")
    with pytest.raises(LayoutMismatch):
        layout.write(layout.place("accounts", 1), {"nothing": 1}, {})
    with pytest.raises(LayoutMismatch):
        layout.place("matcher", 1)


def test_abi_refuses_names_and_selectors_it_does_not_know() -> None:
    with pytest.raises(UnknownAbiItem):
        clearing_house().call("nothing")
    with pytest.raises(UnknownAbiItem):
        clearing_house().error(b"\x00\x00\x00\x00")
    with pytest.raises(UnknownAbiItem):
        clearing_house().event([bytes(32)], b"")
