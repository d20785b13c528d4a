"""EIP-712 as the clearing house uses it: its domain, digests of flat types, signatures."""

from collections.abc import Iterable
from functools import cache

from coincurve import PrivateKey

from execution.errors import InvalidSignature
from execution.transactions import recover
from genesis.predeploys import CLEARING_HOUSE
from state.keccak import keccak
from state.types import Address, Hash32

_DOMAIN_TYPE = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)


@cache
def domain_separator(chain_id: int, contract: Address = CLEARING_HOUSE) -> Hash32:
    """EIP-712 domain of orders and reports."""
    words = (keccak(b"ClearingHouse"), keccak(b"1"), word(chain_id), contract.rjust(32, b"\0"))
    return keccak(_DOMAIN_TYPE + b"".join(words))


def typed_digest(domain: Hash32, type_hash: Hash32, members: Iterable[int]) -> Hash32:
    """keccak(0x1901 ++ domain ++ keccak(type ++ members)), of a type with numbers alone."""
    struct_hash = keccak(type_hash + b"".join(word(m) for m in members))
    return keccak(b"\x19\x01" + domain + struct_hash)


def sign_digest(digest: Hash32, key: bytes) -> tuple[bytes, int, int]:
    """r, s and the parity of a signature with a 32-byte private key (RFC 6979, low s)."""
    signature = PrivateKey(key).sign_recoverable(digest, hasher=None)
    return signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]


def recover_signer(digest: Hash32, r: bytes, vs: bytes) -> Address:
    """Whose key made a compact signature (EIP-2098), as Signatures.sol finds it.

    Raises `InvalidSignature`: of another length, with a high s, or nobody's.
    """
    if len(r) != 32 or len(vs) != 32:
        raise InvalidSignature("a compact signature has 32 bytes r and 32 bytes vs (EIP-2098)")
    parity, s = divmod(int.from_bytes(vs, "big"), 1 << 255)
    return recover(digest, parity, int.from_bytes(r, "big"), s)


def word(number: int) -> bytes:
    """A number as the 32 bytes of the ABI, two's complement."""
    return (number % (1 << 256)).to_bytes(32, "big")
