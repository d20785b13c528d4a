"""The fields of official state tests, as leniently as their fillers of many years wrote them.

Files of today hold the signed transaction; older ones, and some by other tools, only its fields
and the key. Numbers come with leading zeros, without digits ("0x"), in decimal, or marked as too
long for their field ("0x:bigint 0x..."); bytes come with an odd count of digits.
"""

from collections.abc import Mapping
from typing import Any

from execution.signing import UnsignedTransaction, sign
from execution.transaction import AccessListEntry, TransactionType
from state.types import Address, Gas, Wei, address

BIGINT = "0x:bigint "
"""Before a number that its field can't hold; the transaction must be refused."""

BLOB_TYPE_BYTE = b"\x03"
AUTHORIZATIONS_TYPE_BYTE = b"\x04"
"""EIP-7702's, which Cancun doesn't have."""


def parse_number(value: str | int) -> int:
    """A number in hex, or in decimal. Raises `ValueError`, also for a negative one."""
    if isinstance(value, int):
        number = value
    else:
        digits = value.removeprefix(BIGINT)
        hexadecimal = digits[:2] in ("0x", "0X")
        number = int(digits[2:] or "0", 16) if hexadecimal else int(digits or "0")
    if number < 0:
        raise ValueError(f"a negative number: {value!r:.40}")
    return number


def parse_bytes(text: str) -> bytes:
    """Bytes in hex, with or without 0x; an odd first digit is a byte. Raises `ValueError`."""
    digits = text.removeprefix("0x")
    return bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)


def parse_address(text: str) -> Address:
    """An address, whole. Raises `ValueError`."""
    return address(parse_bytes(text))


def signed_transaction(
    fields: Mapping[str, Any], indexes: Mapping[str, Any], chain_id: int
) -> bytes:
    """The envelope of the transaction with those indexes, signed with the file's key.

    Of a type that Cancun lacks or this chain excludes, only the type byte. Raises `ValueError`
    or `KeyError` for fields that are none.
    """
    if "authorizationList" in fields:
        return AUTHORIZATIONS_TYPE_BYTE
    if "blobVersionedHashes" in fields or "maxFeePerBlobGas" in fields:
        return BLOB_TYPE_BYTE
    data = parse_number(indexes["data"])
    lists = fields.get("accessLists")
    entries = lists[data] if lists else None
    fee_cap = parse_number(fields.get("maxFeePerGas", fields.get("gasPrice", "0x0")))
    unsigned = UnsignedTransaction(
        nonce=parse_number(fields["nonce"]),
        gas=Gas(parse_number(fields["gasLimit"][parse_number(indexes["gas"])])),
        to=parse_address(fields["to"]) if fields.get("to") else None,
        value=Wei(parse_number(fields["value"][parse_number(indexes["value"])])),
        data=parse_bytes(fields["data"][data]),
        max_fee_per_gas=Wei(fee_cap),
        max_priority_fee_per_gas=Wei(parse_number(fields.get("maxPriorityFeePerGas", fee_cap))),
        access_list=tuple(_access_list_entry(entry) for entry in entries or ()),
        type=_type(fields, entries),
    )
    return sign(unsigned, parse_bytes(fields["secretKey"]).rjust(32, b"\0"), chain_id)


def _type(fields: Mapping[str, Any], access_list: Any) -> TransactionType:
    """A null list makes a legacy transaction; an empty one doesn't."""
    if "maxFeePerGas" in fields or "maxPriorityFeePerGas" in fields:
        return TransactionType.FEE_MARKET
    return TransactionType.LEGACY if access_list is None else TransactionType.ACCESS_LIST


def _access_list_entry(entry: Mapping[str, Any]) -> AccessListEntry:
    slots = entry.get("storageKeys") or ()
    return AccessListEntry(parse_address(entry["address"]), tuple(map(parse_number, slots)))
