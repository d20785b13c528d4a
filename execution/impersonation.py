"""Transactions that nobody signed: a devnet's sandbox lets one account pose as another.

Such a transaction has the sender where a signature's r is, and a constant in place of s, so that
its bytes say whom it is from, and two senders' transactions have different hashes. No node takes
one from outside: `decode` recovers a signer from it as from any other.
"""

from dataclasses import replace
from typing import Final

from execution.errors import InvalidSignature
from execution.signing import UnsignedTransaction, wire_v
from execution.transaction import IMPERSONATED_S, Transaction
from execution.transactions import decode_any, encode_signed
from state.types import Address

_ADDRESS_BYTES: Final = 20


def impersonate(sender: Address, fields: UnsignedTransaction, chain_id: int) -> bytes:
    """The envelope of a transaction in the name of `sender`."""
    fields = replace(fields, chain_id=chain_id)
    return encode_signed(fields, wire_v(fields, 0), int.from_bytes(sender), IMPERSONATED_S)


def decode_impersonated(raw: bytes, *, chain_id: int) -> Transaction | None:
    """Such a transaction, or None where `raw` is signed as usual. Raises `InvalidTransaction`."""
    shown = decode_any(raw, chain_id=chain_id, sender=Address(bytes(_ADDRESS_BYTES)))
    if shown.s != IMPERSONATED_S:
        return None
    if shown.r >= 1 << 8 * _ADDRESS_BYTES:
        raise InvalidSignature("this names no sender: an address has 20 bytes")
    sender = Address(shown.r.to_bytes(_ADDRESS_BYTES))
    return decode_any(raw, chain_id=chain_id, sender=sender)
