"""VALIDATE on the contracts: what decodes, what is refused, and what becomes of it."""

from random import Random
from typing import Any

import pytest
from coincurve import PrivateKey

from execution.machine.status import Status
from execution.transaction import AccessListEntry, Transaction, TransactionType
from execution.transactions import SECP256K1_ORDER, encode, make_deposit
from state import rlp
from state.keccak import keccak
from state.types import Address, Gas, Hash32, Wei
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import Run
from tests.execution.wallet import CHAIN_ID, GWEI, Wallet

TO = Address(b"\x11" * 20)
SIGNED_TYPES = (TransactionType.LEGACY, TransactionType.ACCESS_LIST, TransactionType.FEE_MARKET)
GAS_MAX = Gas(2**24)
ONE_PRICE = {"max_fee_per_gas": Wei(GWEI), "max_priority_fee_per_gas": Wei(GWEI)}

ACCESSES = (
    AccessListEntry(TO, (0, 1, 2**256 - 1)),
    AccessListEntry(Address(b"\xff" * 20), ()),
    AccessListEntry(TO, (7,)),
)


def offered(raw: bytes | Transaction) -> Run:
    """A machine before the transaction is validated."""
    run = Run()
    run.machine.offer(raw)
    return run


def is_accepted(raw: bytes | Transaction) -> bool:
    """Whether VALIDATE lets the transaction pass; proven either way."""
    run = offered(raw)
    prove_step(run)
    assert run.machine.status in (Status.BUY, Status.NEXT)
    return run.machine.status is Status.BUY


def signed(kind: TransactionType = TransactionType.FEE_MARKET, **changes: Any) -> bytes:
    """A transaction that is valid but for the changes."""
    prices = {} if kind is TransactionType.FEE_MARKET else ONE_PRICE
    return Wallet(1).raw(**{"type": kind, "gas": Gas(10**6), **prices, **changes})


def spoiled(at: int, item: object, kind: TransactionType = TransactionType.FEE_MARKET) -> bytes:
    """A transaction with another item in the place of one; its signature fits another sender."""
    items = rlp.decode(signed(kind)[1:])
    assert isinstance(items, list)
    items[at] = item  # type: ignore[call-overload]
    return bytes([kind]) + rlp.encode(items)


# What passes


@pytest.mark.parametrize("kind", SIGNED_TYPES)
@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 55, 56, 300, 5_000])
def test_envelope_of_every_type_and_size_proves(kind: TransactionType, size: int) -> None:
    random = Random(size)
    for to in (TO, None):
        data = bytes(random.choice((0, 0, 1, 127, 128, 255)) for _ in range(size))
        assert is_accepted(signed(kind, to=to, data=data, value=Wei(2**256 - 1)))


@pytest.mark.parametrize("kind", SIGNED_TYPES[1:])
@pytest.mark.parametrize("count", range(4))
def test_access_list_proves(kind: TransactionType, count: int) -> None:
    assert is_accepted(signed(kind, access_list=ACCESSES[:count]))


def test_envelope_of_unprotected_legacy_proves() -> None:
    assert is_accepted(Wallet(1).raw(None, type=TransactionType.LEGACY, **ONE_PRICE))


@pytest.mark.parametrize(
    ("cap", "tip"),
    [(0, 0), (6, 0), (6, 6), (7, 0), (7, 7), (8, 3), (10, 3), (11, 3), (2**256 - 1,) * 2],
)
def test_effective_price_and_tip_at_the_base_fee_prove(cap: int, tip: int) -> None:
    fees = {"max_fee_per_gas": Wei(cap), "max_priority_fee_per_gas": Wei(tip)}
    assert is_accepted(signed(**fees))


# Each kind of invalid transaction


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (signed(nonce=2**64 - 2), True),
        (signed(nonce=2**64 - 1), False),
        (signed(gas=GAS_MAX), True),
        (signed(gas=Gas(2**24 + 1)), False),
        (signed(gas=Gas(21_000)), True),
        (signed(gas=Gas(20_999)), False),
        (signed(gas=Gas(21_024), data=b"\0\1\0"), True),
        (signed(gas=Gas(21_023), data=b"\0\1\0"), False),
        (signed(gas=Gas(53_018), data=b"\1", to=None), True),
        (signed(gas=Gas(53_017), data=b"\1", to=None), False),
        (signed(gas=Gas(21_000 + 7_200 + 7_600), access_list=ACCESSES), True),
        (signed(gas=Gas(21_000 + 7_200 + 7_599), access_list=ACCESSES), False),
        (signed(max_fee_per_gas=Wei(5), max_priority_fee_per_gas=Wei(5)), True),
        (signed(max_fee_per_gas=Wei(5), max_priority_fee_per_gas=Wei(6)), False),
        (signed(data=bytes(49_152), to=None, gas=GAS_MAX), True),
        (signed(data=bytes(49_153), to=None, gas=GAS_MAX), False),
        (signed(data=bytes(49_153), gas=GAS_MAX), True),
        (Wallet(1).raw(CHAIN_ID + 1), False),
        (Wallet(1).raw(CHAIN_ID + 1, type=TransactionType.LEGACY, **ONE_PRICE), False),
    ],
)
def test_transaction_at_a_limit_and_beyond_proves(raw: bytes, expected: bool) -> None:
    assert is_accepted(raw) is expected


def test_envelope_of_64_kb_proves_and_one_byte_more_is_refused() -> None:
    spare = 65_536 - len(signed(data=b"\1" * 60_000, gas=GAS_MAX)) + 60_000
    assert is_accepted(signed(data=b"\1" * spare, gas=GAS_MAX))
    assert not is_accepted(signed(data=b"\1" * (spare + 1), gas=GAS_MAX))


def test_longest_access_lists_prove() -> None:
    for entry, count in ((AccessListEntry(TO, ()), 2_840), (AccessListEntry(TO, (5,)), 1_160)):
        raw = signed(access_list=(entry,) * count, gas=GAS_MAX)
        assert 64_000 < len(raw) <= 65_536
        assert is_accepted(raw)


# Signatures


@pytest.mark.parametrize("kind", SIGNED_TYPES)
def test_signature_out_of_range_is_refused(kind: TransactionType) -> None:
    raw = signed(kind)
    items = rlp.decode(raw[1:] if kind else raw)
    assert isinstance(items, list)
    v, r, s = (int.from_bytes(item, "big") for item in items[-3:])  # type: ignore[arg-type]
    low, order = SECP256K1_ORDER // 2, SECP256K1_ORDER
    verdicts = []
    for values in (
        (v, 0, s), (v, r, 0), (v, order, s), (v, order + 1, s), (v, r, order - s), (v, r, low),
        (v, r, low + 1), (v, 5, s), (v, 1, s), (v ^ 1, r, s), (v + 1, r, s), (v + 2, r, s),
        (29, r, s), (26, r, s), (2**256 - 1, r, s), (34, r, s), (27, r, s),
    ):  # fmt: skip
        forged = [*items[:-3], *map(rlp.encode_uint, values)]
        verdicts.append(is_accepted((bytes([kind]) if kind else b"") + rlp.encode(forged)))
    assert True in verdicts
    assert verdicts[:5] == [False] * 5


def test_signature_that_recovers_the_point_at_infinity_is_refused() -> None:
    """s * R = digest * G: whoever knows k of R = k * G can make such a signature."""
    items: Any = rlp.decode(signed()[1:])
    digest = int.from_bytes(keccak(b"\x02" + rlp.encode(items[:-3])), "big")
    secret = 12_345
    x, y = PrivateKey.from_int(secret).public_key.point()
    s, parity = digest * pow(secret, -1, SECP256K1_ORDER) % SECP256K1_ORDER, y & 1
    if s > SECP256K1_ORDER // 2:
        s, parity = SECP256K1_ORDER - s, parity ^ 1
    verdicts = []
    for bit in (parity, parity ^ 1):
        items[-3:] = [rlp.encode_uint(part) for part in (bit, x, s)]
        verdicts.append(is_accepted(b"\x02" + rlp.encode(items)))
    assert verdicts == [False, True]


# Bytes that are no transaction


@pytest.mark.parametrize(
    ("at", "item"),
    [
        (0, b"\0"),
        (0, b""),
        (0, []),
        (1, b"\0"),
        (1, b"\xff" * 9),
        (2, b"\xff" * 33),
        (3, b"\0\xff"),
        (4, b"\xff" * 9),
        (5, b"\x11" * 19),
        (5, b"\x11" * 21),
        (5, []),
        (6, [b"\x01"]),
        (6, b"\xff" * 33),
        (7, []),
        (8, b""),
        (8, [b""]),
        (8, [[]]),
        (8, [[b"\x11" * 20]]),
        (8, [[b"\x11" * 20, b""]]),
        (8, [[b"\x11" * 20, b"\x11" * 33]]),
        (8, [[b"\x11" * 20, [b"\x01"]]]),
        (8, [[b"\x11" * 20, [b"\x01" * 32, b"\x01" * 31]]]),
        (8, [[b"\x11" * 20, [b"\x01" * 32, b"\x01" * 31, b"\x01" * 33]]]),
        (8, [[b"\x11" * 20, [[b"\x01" * 31], b"\x01" * 32]]]),
        (8, [[b"\x11" * 20, [], []]]),
        (8, [[b"\x11" * 21, []]]),
        (8, [[[b"\x11" * 19], []]]),
        (8, [[b"\x11" * 20, []], b"\x11"]),
        (9, []),
        (9, b"\0"),
        (10, b"\xff" * 33),
    ],
)
def test_misshapen_field_is_refused(at: int, item: object) -> None:
    assert not is_accepted(spoiled(at, item))


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\x02", b"\x01", b"\x03", b"\x00", b"\x7f", b"\x80", b"\xbf", b"\xc0", b"\xf8",
        b"\xff", b"\x01\x80", b"\x02\xc1\xc0", b"\x7e\xc0",
        b"\x02\xfa\x01\x00\x00" + b"\xc0" * 65_000,
        b"\xc9" + b"\xc0" * 9, b"\xc9" + b"\x01" * 9, b"\xff" * 9, b"\xbf" + b"\xff" * 8,
        signed() + b"\0", signed()[:-1], b"\x03" + signed()[1:], signed()[1:],
        b"\x01" + signed(TransactionType.LEGACY),
    ],
)  # fmt: skip
def test_bytes_that_are_no_transaction_are_refused(raw: bytes) -> None:
    assert not is_accepted(raw)


def test_needless_length_bytes_are_refused() -> None:
    """Non-canonical RLP of the list, of a short string, and of one byte."""
    payload = signed()[3:]
    assert signed()[1] == 0xF8
    long_form = b"\x02\xf9" + len(payload).to_bytes(2, "big") + payload
    assert not is_accepted(long_form)
    items: Any = rlp.decode(signed()[1:])
    encoded = [rlp.encode(item) for item in items]
    assert encoded[6] == b"\x01"
    for value in (b"\x81\x01", b"\xb8\x01\x01"):
        joined = b"".join([*encoded[:6], value, *encoded[7:]])
        assert not is_accepted(b"\x02" + rlp.encode_joined(joined))


@pytest.mark.parametrize("kind", SIGNED_TYPES)
def test_damaged_envelope_has_the_same_verdict_on_the_contracts(kind: TransactionType) -> None:
    random = Random(kind)
    lists = {} if kind is TransactionType.LEGACY else {"access_list": ACCESSES}
    whole = signed(kind, data=b"\x05\0\x80" * 20, **lists)
    for _ in range(150):
        raw = bytearray(whole)
        for _ in range(random.choice((1, 1, 2))):
            at = random.randrange(len(raw))
            how = random.randrange(4)
            if how == 0:
                raw[at : at + 1] = b""
            elif how == 1:
                raw[at:at] = random.randbytes(1)
            else:
                raw[at] = random.choice(
                    (0, 1, 0x7F, 0x80, 0x81, 0xB8, 0xC0, 0xF8, 0xFF, raw[at] ^ 1)
                )
        is_accepted(bytes(raw))


# Deposits


def given_deposit(**changes: Any) -> Transaction:
    fields: dict[str, Any] = {
        "source_hash": Hash32(b"\x5c" * 32),
        "sender": Address(b"\xaa" * 20),
        "to": TO,
        "mint": Wei(3),
        "value": Wei(2),
        "gas": Gas(100_000),
        "data": b"\x01\x00",
    }
    return make_deposit(**fields | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"to": None},
        {"to": None, "data": b"\1" * 49_153},
        {"data": b""},
        {"data": b"\xfe" * 65_536, "gas": GAS_MAX},
        {"gas": Gas(0), "mint": Wei(2**128 - 1), "value": Wei(2**256 - 1)},
        {"sender": Address(bytes(20))},
    ],
)
def test_deposit_proves(changes: dict[str, Any]) -> None:
    assert is_accepted(given_deposit(**changes))


def test_deposit_that_nobody_but_its_sender_vouches_for_is_refused() -> None:
    assert not is_accepted(encode(given_deposit()))


# Forgery


@pytest.mark.parametrize(
    "raw",
    [
        signed(access_list=ACCESSES, data=b"\1\0\1"),
        signed(TransactionType.LEGACY),
        signed(nonce=2**64 - 1),
        b"\x02\xc0",
        given_deposit(),
    ],
    ids=["accepted", "legacy", "refused", "garbage", "deposit"],
)
def test_witness_with_any_byte_flipped_is_refused(raw: bytes | Transaction) -> None:
    assert_every_flip_is_refused(offered(raw))


def test_witness_of_another_transaction_is_refused() -> None:
    raws = (signed(), signed(nonce=1), signed(TransactionType.LEGACY), encode(given_deposit()))
    assert_no_witness_of_another_step([offered(raw) for raw in (*raws, given_deposit())])
