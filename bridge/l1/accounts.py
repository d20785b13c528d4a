"""The accounts that write to L1 for us. A key goes in once and can't be read out again."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Self

from execution.margin.typed_data import sign_digest
from execution.signing import UnsignedTransaction, address_of, sign
from genesis.accounts import DevAccount
from state.errors import Invalid
from state.types import Address, Hash32

_HEX_KEY = re.compile(r"(0x)?([0-9a-f]{64})", re.ASCII | re.IGNORECASE)

_KEY_FILE_BYTES_MAX = 16 * 1024
"""A keystore has under 1 KB; a larger file is something else."""


class InvalidKey(Invalid):
    """Text or a file that holds no usable private key. The message never holds any of it."""


class Operator:
    """An L1 account that can sign. Its repr is its address, and it refuses to be pickled."""

    __slots__ = ("_key", "address")

    def __init__(self, key: bytes) -> None:
        try:
            self.address: Address = address_of(key)
        except ValueError:
            raise InvalidKey("a private key is a number from 1 to the curve's order") from None
        self._key = key

    def __repr__(self) -> str:
        return f"<Operator 0x{self.address.hex()}>"

    def __reduce__(self) -> str:
        raise TypeError("keys do not travel")

    @classmethod
    def of_dev_account(cls, account: DevAccount) -> Self:
        """One of a devnet's well-known accounts."""
        return cls(account.key)

    @classmethod
    def from_file(cls, path: Path, password: str | None = None) -> Self:
        """A key file: 64 hex digits, or an encrypted keystore (Web3 Secret Storage, version 3).

        Raises `InvalidKey`, also where others than the owner may read the file.
        """
        return cls(read_key_file(path, password))

    def sign(self, fields: UnsignedTransaction, chain_id: int) -> bytes:
        """The signed EIP-2718 envelope."""
        return sign(fields, self._key, chain_id)

    def sign_digest(self, digest: Hash32) -> bytes:
        """r, s and the parity, 65 bytes, of what was hashed in a domain of its own (EIP-712)."""
        r, s, parity = sign_digest(digest, self._key)
        return r + s.to_bytes(32) + bytes([parity])


def read_key_file(path: Path, password: str | None = None) -> bytes:
    """The private key in a file, 32 bytes; see `Operator.from_file`. Raises `InvalidKey`."""
    text = _read_private(path)
    if match := _HEX_KEY.fullmatch(text):
        return bytes.fromhex(match.group(2))
    return _decrypt(path, text, password)


def _read_private(path: Path) -> str:
    try:
        status = path.stat()
        if stat.S_IMODE(status.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            raise InvalidKey(f"{path} may be read by others: chmod 600 {path}")
        if status.st_size > _KEY_FILE_BYTES_MAX:
            raise InvalidKey(f"{path} is too large for a key file")
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise InvalidKey(f"can't read the key file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidKey(f"{path} is no key file") from None


def _decrypt(path: Path, text: str, password: str | None) -> bytes:
    try:
        keystore = json.loads(text)
    except ValueError:
        raise InvalidKey(f"{path} holds neither 64 hex digits nor a JSON keystore") from None
    if password is None:
        raise InvalidKey(f"{path} is an encrypted keystore: give its password")
    # Here, because it brings the beacon chain's curves: half a second that others do without.
    from eth_account import Account

    try:
        return bytes(Account.decrypt(keystore, password))
    except (ValueError, TypeError, KeyError, NotImplementedError):
        raise InvalidKey(f"{path} can't be decrypted: wrong password or damaged file") from None
