"""The accounts of a devnet: keys that everybody knows, derived from the standard test mnemonic.

Their keys are public, so they hold nothing on a real chain; even so a key never shows up in a repr.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from coincurve import PrivateKey

from state.keccak import keccak
from state.types import Address

TEST_MNEMONIC: Final = "test test test test test test test test test test test junk"
"""The mnemonic of anvil's, hardhat's and everybody's test accounts (BIP-39)."""

DEV_ACCOUNTS: Final = 10

_CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_HARDENED: Final = 2**31
_SEED_ROUNDS: Final = 2048
"""PBKDF2 rounds from mnemonic to seed (BIP-39)."""
_ETHEREUM_PATH: Final = (44 + _HARDENED, 60 + _HARDENED, 0 + _HARDENED, 0)
"""m/44'/60'/0'/0, the parent of Ethereum accounts (BIP-44)."""


@dataclass(frozen=True, slots=True)
class DevAccount:
    """An address and its private key (32 bytes), the key kept out of the repr."""

    address: Address
    key: bytes = field(repr=False)

    def __reduce__(self) -> str:
        raise TypeError("keys do not travel")


@dataclass(frozen=True, slots=True)
class OperatorAccounts:
    """Who runs a devnet, one account a duty."""

    deployer: DevAccount
    batcher: DevAccount
    proposer: DevAccount
    oracle: DevAccount
    matcher: DevAccount
    guardian: DevAccount
    keeper: DevAccount
    challenger: DevAccount


@cache
def dev_accounts() -> tuple[DevAccount, ...]:
    """The ten accounts that users of a devnet find prefunded on both layers."""
    return tuple(derive_account(index) for index in range(DEV_ACCOUNTS))


@cache
def operator_accounts() -> OperatorAccounts:
    """The operators, at the indexes that follow the users'."""
    first = DEV_ACCOUNTS
    return OperatorAccounts(*(derive_account(first + duty) for duty in range(8)))


@cache
def derive_account(index: int, mnemonic: str = TEST_MNEMONIC) -> DevAccount:
    """The account at m/44'/60'/0'/0/`index` of a mnemonic (BIP-32, BIP-39, BIP-44)."""
    seed = hashlib.pbkdf2_hmac("sha512", mnemonic.encode(), b"mnemonic", _SEED_ROUNDS)
    node = hmac.digest(b"Bitcoin seed", seed, "sha512")
    for step in (*_ETHEREUM_PATH, index):
        node = _child(node, step)
    key = node[:32]
    return DevAccount(address_of(key), key)


def address_of(key: bytes) -> Address:
    """The address of a private key (Yellow Paper, appendix F). Raises `ValueError`."""
    public = PrivateKey(key).public_key.format(compressed=False)
    return Address(keccak(public[1:])[12:])


def _child(node: bytes, step: int) -> bytes:
    """One private derivation; a node is key and chain code, 32 bytes each (BIP-32, CKDpriv)."""
    key, chain_code = node[:32], node[32:]
    if step >= _HARDENED:
        data = b"\0" + key
    else:
        data = PrivateKey(key).public_key.format(compressed=True)
    digest = hmac.digest(chain_code, data + step.to_bytes(4, "big"), "sha512")
    tweak = int.from_bytes(digest[:32], "big")
    child = (tweak + int.from_bytes(key, "big")) % _CURVE_ORDER
    if tweak >= _CURVE_ORDER or child == 0:
        raise ValueError(f"BIP-32 has no child {step} here; take the next index")
    return child.to_bytes(32, "big") + digest[32:]
