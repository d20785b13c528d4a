"""Transactions on the wire: strict decoding, encoding, and recovery of the sender.

Sources: EIP-155 (replay protection), EIP-2718 (envelopes), EIP-2930 (access lists), EIP-1559 (fee
market), EIP-2 (low s), and the OP Stack's deposit transaction for type 0x7E.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from coincurve import PublicKey

from execution.errors import (
    InvalidSignature,
    MalformedTransaction,
    TransactionTooLarge,
    TransactionTypeNotSupported,
    WrongChainId,
)
from execution.limits import (
    L1_TRANSACTION_BYTES_MAX,
    TRANSACTION_DEPTH_MAX,
    TRANSACTION_ITEMS_MAX,
)
from execution.transaction import AccessListEntry, Transaction, TransactionType
from state import rlp
from state.keccak import keccak
from state.types import Address, Gas, Hash32, Wei

SECP256K1_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
"""Order of the curve's group: r and s are below it (SEC 2, section 2.4.1)."""

HIGHEST_S = SECP256K1_ORDER // 2
"""Above it a signature has a twin with the same meaning, which EIP-2 forbids."""

PROTECTED_V = 35
"""EIP-155: v = 35 + 2 * chain id + y parity."""

UNPROTECTED_V = 27
"""Before EIP-155: v = 27 + y parity."""

_INVALID_SENDER = "invalid sender: invalid transaction v, r, s values"
"""geth's words for a signature that names nobody."""

FIRST_LIST_BYTE = 0xC0
"""A legacy transaction is a bare RLP list, whose first byte is at least this (EIP-2718)."""

Item: TypeAlias = Any
"""An RLP item: bytes, or a list of items."""


class TransactionFields(Protocol):
    """What a signature covers, whatever the type."""

    @property
    def type(self) -> TransactionType: ...
    @property
    def chain_id(self) -> int | None: ...
    @property
    def nonce(self) -> int: ...
    @property
    def gas(self) -> Gas: ...
    @property
    def to(self) -> Address | None: ...
    @property
    def value(self) -> Wei: ...
    @property
    def data(self) -> bytes: ...
    @property
    def max_fee_per_gas(self) -> Wei: ...
    @property
    def max_priority_fee_per_gas(self) -> Wei: ...
    @property
    def access_list(self) -> tuple[AccessListEntry, ...]: ...


# Decoding


def decode(raw: bytes, *, chain_id: int) -> Transaction:
    """Decode a signed transaction of types 0 to 2 and recover its sender.

    Raises `InvalidTransaction`; a deposit is refused here, because nobody can send one.
    """
    if raw and raw[0] == TransactionType.DEPOSIT:
        raise TransactionTypeNotSupported(TransactionType.DEPOSIT)
    return decode_any(raw, chain_id=chain_id)


def decode_any(raw: bytes, *, chain_id: int, sender: Address | None = None) -> Transaction:
    """Decode a transaction of any type, deposits included, such as stand in stored blocks.

    A `sender` that is known already saves the recovery; the signature is then taken as checked.
    Raises `InvalidTransaction`.
    """
    if len(raw) > L1_TRANSACTION_BYTES_MAX:
        raise TransactionTooLarge(len(raw), L1_TRANSACTION_BYTES_MAX)
    if not raw:
        raise MalformedTransaction("rlp: empty transaction: send the signed EIP-2718 envelope")
    first = raw[0]
    if first >= FIRST_LIST_BYTE:
        return _decode_legacy(raw, chain_id, sender)
    if first == TransactionType.DEPOSIT:
        return _decode_deposit(raw)
    if first == TransactionType.ACCESS_LIST:
        return _decode_access_list(raw, chain_id, sender)
    if first == TransactionType.FEE_MARKET:
        return _decode_fee_market(raw, chain_id, sender)
    raise TransactionTypeNotSupported(first)


def _decode_legacy(raw: bytes, chain_id: int, sender: Address | None) -> Transaction:
    items = _items(raw, 9)
    v, r, s = (_uint(item, "signature value") for item in items[6:])
    signed_chain, parity = _legacy_v(v, chain_id)
    if sender is None:
        unsigned = items[:6]
        if signed_chain is not None:
            unsigned = [*unsigned, rlp.encode_uint(signed_chain), b"", b""]
        sender = recover(keccak(rlp.encode(unsigned)), parity, r, s)
    price = Wei(_uint(items[1], "gas price"))
    return Transaction(
        type=TransactionType.LEGACY,
        hash=keccak(raw),
        sender=sender,
        nonce=_uint(items[0], "nonce", 64),
        gas=Gas(_uint(items[2], "gas", 64)),
        to=_recipient(items[3]),
        value=Wei(_uint(items[4], "value")),
        data=_bytes(items[5], "data"),
        max_fee_per_gas=price,
        max_priority_fee_per_gas=price,
        chain_id=signed_chain,
        v=v,
        r=r,
        s=s,
        raw=raw,
    )


def _decode_access_list(raw: bytes, chain_id: int, sender: Address | None) -> Transaction:
    items = _items(raw[1:], 11)
    parity, r, s = _typed_signature(items, chain_id)
    price = Wei(_uint(items[2], "gas price"))
    return Transaction(
        type=TransactionType.ACCESS_LIST,
        hash=keccak(raw),
        sender=sender or recover(_typed_digest(raw[0], items), parity, r, s),
        chain_id=chain_id,
        nonce=_uint(items[1], "nonce", 64),
        max_fee_per_gas=price,
        max_priority_fee_per_gas=price,
        gas=Gas(_uint(items[3], "gas", 64)),
        to=_recipient(items[4]),
        value=Wei(_uint(items[5], "value")),
        data=_bytes(items[6], "data"),
        access_list=_access_list(items[7]),
        v=parity,
        r=r,
        s=s,
        raw=raw,
    )


def _decode_fee_market(raw: bytes, chain_id: int, sender: Address | None) -> Transaction:
    items = _items(raw[1:], 12)
    parity, r, s = _typed_signature(items, chain_id)
    return Transaction(
        type=TransactionType.FEE_MARKET,
        hash=keccak(raw),
        sender=sender or recover(_typed_digest(raw[0], items), parity, r, s),
        chain_id=chain_id,
        nonce=_uint(items[1], "nonce", 64),
        max_priority_fee_per_gas=Wei(_uint(items[2], "priority fee")),
        max_fee_per_gas=Wei(_uint(items[3], "fee cap")),
        gas=Gas(_uint(items[4], "gas", 64)),
        to=_recipient(items[5]),
        value=Wei(_uint(items[6], "value")),
        data=_bytes(items[7], "data"),
        access_list=_access_list(items[8]),
        v=parity,
        r=r,
        s=s,
        raw=raw,
    )


def _decode_deposit(raw: bytes) -> Transaction:
    items = _items(raw[1:], 8)
    return Transaction(
        type=TransactionType.DEPOSIT,
        hash=keccak(raw),
        source_hash=Hash32(_sized(items[0], 32, "source hash")),
        sender=Address(_sized(items[1], 20, "depositor")),
        nonce=0,
        to=_recipient(items[2]),
        mint=Wei(_uint(items[3], "mint")),
        value=Wei(_uint(items[4], "value")),
        gas=Gas(_uint(items[5], "gas", 64)),
        is_system=bool(_uint(items[6], "system flag", 1)),
        data=_bytes(items[7], "data"),
        raw=raw,
    )


# Making and encoding


def make_deposit(
    *,
    source_hash: Hash32,
    sender: Address,
    to: Address | None,
    mint: Wei,
    value: Wei,
    gas: Gas,
    data: bytes,
) -> Transaction:
    """The L2 transaction of type 0x7E for something that happened on L1. Amounts in wei.

    Source: the OP Stack's deposits specification; `is_system` is always false, as since Regolith.
    """
    items = [
        source_hash,
        sender,
        to or b"",
        rlp.encode_uint(mint),
        rlp.encode_uint(value),
        rlp.encode_uint(gas),
        b"",
        data,
    ]
    raw = bytes([TransactionType.DEPOSIT]) + rlp.encode(items)
    return Transaction(
        type=TransactionType.DEPOSIT,
        hash=keccak(raw),
        source_hash=source_hash,
        sender=sender,
        nonce=0,
        to=to,
        mint=mint,
        value=value,
        gas=gas,
        data=data,
        raw=raw,
    )


def encode(tx: Transaction) -> bytes:
    """The EIP-2718 envelope, built from the fields; for a decoded one it equals `tx.raw`."""
    if tx.is_deposit:
        return make_deposit(
            source_hash=tx.source_hash,
            sender=tx.sender,
            to=tx.to,
            mint=tx.mint,
            value=tx.value,
            gas=tx.gas,
            data=tx.data,
        ).raw
    return encode_signed(tx, tx.v, tx.r, tx.s)


def encode_signed(fields: TransactionFields, v: int, r: int, s: int) -> bytes:
    """The EIP-2718 envelope of `fields` with that signature, `v` as it stands on the wire."""
    signature = [rlp.encode_uint(part) for part in (v, r, s)]
    return _prefix(fields.type) + rlp.encode([*_unsigned_items(fields), *signature])


def signing_digest(fields: TransactionFields) -> Hash32:
    """What the sender signs (EIP-155 for a legacy transaction with a chain id)."""
    items = _unsigned_items(fields)
    if fields.type is TransactionType.LEGACY and fields.chain_id is not None:
        items = [*items, rlp.encode_uint(fields.chain_id), b"", b""]
    return keccak(_prefix(fields.type) + rlp.encode(items))


def _prefix(type_: TransactionType) -> bytes:
    return b"" if type_ is TransactionType.LEGACY else bytes([type_])


def _unsigned_items(fields: TransactionFields) -> list[Item]:
    number = rlp.encode_uint
    tail = [number(fields.gas), fields.to or b"", number(fields.value), fields.data]
    nonce, fee_cap = number(fields.nonce), number(fields.max_fee_per_gas)
    if fields.type is TransactionType.LEGACY:
        return [nonce, fee_cap, *tail]
    chain, entries = number(fields.chain_id or 0), access_list_items(fields.access_list)
    if fields.type is TransactionType.ACCESS_LIST:
        return [chain, nonce, fee_cap, *tail, entries]
    if fields.type is TransactionType.FEE_MARKET:
        return [chain, nonce, number(fields.max_priority_fee_per_gas), fee_cap, *tail, entries]
    raise TransactionTypeNotSupported(fields.type)


def access_list_items(entries: Sequence[AccessListEntry]) -> list[Item]:
    """An access list as RLP items (EIP-2930)."""
    return [
        [entry.address, [slot.to_bytes(32, "big") for slot in entry.slots]] for entry in entries
    ]


# Signatures


def recover(digest: Hash32, parity: int, r: int, s: int) -> Address:
    """The address whose key signed `digest`. Raises `InvalidSignature` (EIP-2: low s only)."""
    if not (0 < r < SECP256K1_ORDER and 0 < s <= HIGHEST_S):
        raise InvalidSignature(f"{_INVALID_SENDER}: r or s is out of range (EIP-2)")
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError as error:
        raise InvalidSignature(f"{_INVALID_SENDER}: no key fits") from error
    return Address(keccak(key.format(compressed=False)[1:])[12:])


def _legacy_v(v: int, chain_id: int) -> tuple[int | None, int]:
    """Split a legacy v into the chain id it was signed for, None if unprotected, and the parity."""
    if v in (UNPROTECTED_V, UNPROTECTED_V + 1):
        return None, v - UNPROTECTED_V
    if v < PROTECTED_V:
        raise InvalidSignature(f"{_INVALID_SENDER}: v is {v}")
    signed_chain, parity = divmod(v - PROTECTED_V, 2)
    if signed_chain != chain_id:
        raise WrongChainId(signed_chain, chain_id)
    return signed_chain, parity


def _typed_signature(items: list[Item], chain_id: int) -> tuple[int, int, int]:
    signed_chain = _uint(items[0], "chain id")
    if signed_chain != chain_id:
        raise WrongChainId(signed_chain, chain_id)
    parity, r, s = (_uint(item, "signature value") for item in items[-3:])
    if parity > 1:
        raise InvalidSignature(f"{_INVALID_SENDER}: y parity is {parity}")
    return parity, r, s


def _typed_digest(type_byte: int, items: list[Item]) -> Hash32:
    return keccak(bytes([type_byte]) + rlp.encode(items[:-3]))


# Items


def _items(payload: bytes, count: int) -> list[Item]:
    try:
        items = rlp.decode(
            payload,
            max_bytes=L1_TRANSACTION_BYTES_MAX,
            max_items=TRANSACTION_ITEMS_MAX,
            max_depth=TRANSACTION_DEPTH_MAX,
        )
    except rlp.InvalidRLP as error:
        raise MalformedTransaction(f"rlp: {error}") from error
    if not isinstance(items, list) or len(items) != count:
        raise MalformedTransaction(f"rlp: a transaction of this type is a list of {count} items")
    return items


def _uint(item: Item, name: str, bits: int = 256) -> int:
    value = _bytes(item, name)
    if value[:1] == b"\0":
        raise MalformedTransaction(f"rlp: {name} has a leading zero byte")
    number = int.from_bytes(value, "big")
    if number.bit_length() > bits:
        raise MalformedTransaction(f"rlp: {name} has more than {bits} bits")
    return number


def _bytes(item: Item, name: str) -> bytes:
    if not isinstance(item, bytes):
        raise MalformedTransaction(f"rlp: {name} is a list where bytes belong")
    return item


def _sized(item: Item, size: int, name: str) -> bytes:
    value = _bytes(item, name)
    if len(value) != size:
        raise MalformedTransaction(f"rlp: {name} has {len(value)} bytes, not {size}")
    return value


def _recipient(item: Item) -> Address | None:
    recipient = _bytes(item, "recipient")
    return Address(_sized(recipient, 20, "recipient")) if recipient else None


def _access_list(item: Item) -> tuple[AccessListEntry, ...]:
    if not isinstance(item, list):
        raise MalformedTransaction("rlp: the access list is no list")
    return tuple(_access_list_entry(entry) for entry in item)


def _access_list_entry(item: Item) -> AccessListEntry:
    if not isinstance(item, list) or len(item) != 2 or not isinstance(item[1], list):
        raise MalformedTransaction("rlp: an access-list entry is an address and a list of slots")
    address = Address(_sized(item[0], 20, "access-list address"))
    slots = (_sized(slot, 32, "access-list slot") for slot in item[1])
    return AccessListEntry(address, tuple(int.from_bytes(slot, "big") for slot in slots))
