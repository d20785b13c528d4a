"""Signing transactions of our own: the poster's, the proposer's, the demo's."""

from dataclasses import dataclass, replace

from coincurve import PrivateKey

from execution.transaction import AccessListEntry, TransactionType
from execution.transactions import PROTECTED_V, UNPROTECTED_V, encode_signed, signing_digest
from genesis.accounts import address_of
from state.types import Address, Gas, Wei

__all__ = ["UnsignedTransaction", "address_of", "sign", "wire_v"]


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """The fields that a sender chooses. Fees in wei for one gas.

    A legacy or access-list transaction has one price, which is `max_fee_per_gas`.
    """

    nonce: int
    gas: Gas
    to: Address | None
    """None creates a contract."""
    value: Wei = Wei(0)
    data: bytes = b""
    max_fee_per_gas: Wei = Wei(0)
    max_priority_fee_per_gas: Wei = Wei(0)
    access_list: tuple[AccessListEntry, ...] = ()
    type: TransactionType = TransactionType.FEE_MARKET
    chain_id: int | None = None
    """Filled in by `sign`."""


def sign(fields: UnsignedTransaction, key: bytes, chain_id: int | None) -> bytes:
    """Sign with a 32-byte private key; returns the EIP-2718 envelope.

    Deterministic (RFC 6979) and with a low s (EIP-2). A `chain_id` of None makes a legacy
    transaction without replay protection. Raises `ValueError` for a key that is none.
    """
    if chain_id is None and fields.type is not TransactionType.LEGACY:
        raise ValueError("only a legacy transaction can do without a chain id (EIP-155)")
    fields = replace(fields, chain_id=chain_id)
    signature = PrivateKey(key).sign_recoverable(signing_digest(fields), hasher=None)
    r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:64]))
    return encode_signed(fields, wire_v(fields, signature[64]), r, s)


def wire_v(fields: UnsignedTransaction, parity: int) -> int:
    """How a signature's parity stands on the wire (EIP-155 for a legacy transaction)."""
    if fields.type is not TransactionType.LEGACY:
        return parity
    if fields.chain_id is None:
        return UNPROTECTED_V + parity
    return PROTECTED_V + 2 * fields.chain_id + parity
