"""Where a new contract goes."""

from state import rlp
from state.keccak import keccak
from state.types import Address


def creation_address(creator: Address, nonce: int) -> Address:
    """The address of a contract that `creator` makes with this nonce (Yellow Paper, section 7)."""
    return Address(keccak(rlp.encode([creator, rlp.encode_uint(nonce)]))[12:])


def creation2_address(creator: Address, salt: int, initcode: bytes) -> Address:
    """The address of a contract made by CREATE2 (EIP-1014)."""
    return Address(keccak(b"\xff" + creator + salt.to_bytes(32, "big") + keccak(initcode))[12:])
