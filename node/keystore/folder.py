"""A folder of encrypted keys: Web3 Secret Storage, version 3, one file a key.

Files are readable by their owner alone, written whole or not at all, and never overwritten but to
change their password.
"""

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bridge.l1.accounts import InvalidKey, read_key_file
from genesis.accounts import address_of
from node.keystore.errors import InvalidKeyName, KeyExists, KeyFolderUnwritable, NoSuchKey
from state.files import sync_folder, write_atomically
from state.types import Address, address

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_SUFFIX: Final = ".json"
_FILE_MODE: Final = 0o600
_FOLDER_MODE: Final = 0o700


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An encrypted key, as its file tells without the password."""

    name: str
    address: Address
    path: Path
    is_private: bool
    """Whether its owner alone may read the file."""


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """Keys by name."""

    path: Path

    def keys(self) -> tuple[StoredKey, ...]:
        """All keys, by name; files that are no keystores are passed over."""
        return tuple(self._stored())

    def find(self, name: str) -> StoredKey:
        """The key of that name, or of that address. Raises `NoSuchKey`."""
        wanted = name.removeprefix("0x").lower()
        for key in self._stored():
            if key.name == name or key.address.hex() == wanted:
                return key
        raise NoSuchKey(name, self.path)

    def add(self, name: str, key: bytes, password: str) -> StoredKey:
        """Encrypt a private key into a new file.

        Raises `InvalidKeyName`, `KeyExists` and `KeyFolderUnwritable`; then nothing was written.
        """
        path = self._path_of(name)
        if path.exists():
            raise KeyExists(name, self.path)
        try:
            self.path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            self._create(path, _encrypted(key, password))
        except FileExistsError:
            raise KeyExists(name, self.path) from None
        except OSError as error:
            raise KeyFolderUnwritable(self.path, error.strerror) from None
        return self.find(name)

    def unlock(self, name: str, password: str) -> bytes:
        """The private key. Raises `NoSuchKey`, and `InvalidKey` for a wrong password."""
        stored = self.find(name)
        key = read_key_file(stored.path, password)
        if address_of(key) != stored.address:
            raise InvalidKey(f"{stored.path} says it is another account's key than it is")
        return key

    def change_password(self, name: str, old: str, new: str) -> StoredKey:
        """Encrypt a key anew. The file holds the old or the new encryption, never neither."""
        stored = self.find(name)
        content = _encrypted(self.unlock(name, old), new)
        try:
            write_atomically(stored.path, content, mode=_FILE_MODE)
        except OSError as error:
            raise KeyFolderUnwritable(self.path, error.strerror) from None
        return self.find(name)

    def _path_of(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise InvalidKeyName(name)
        return self.path / f"{name}{_SUFFIX}"

    def _create(self, path: Path, content: bytes) -> None:
        """Write a file that isn't there, whole before it has its name."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        write_atomically(temporary, content, mode=_FILE_MODE)
        try:
            os.link(temporary, path)
        finally:
            temporary.unlink()
        sync_folder(self.path)

    def _stored(self) -> Iterator[StoredKey]:
        for path in sorted(self.path.glob(f"[!.]*{_SUFFIX}")):
            found = _address_in(path)
            if found is not None:
                mode = stat.S_IMODE(path.stat().st_mode)
                is_private = not mode & (stat.S_IRWXG | stat.S_IRWXO)
                yield StoredKey(path.name.removesuffix(_SUFFIX), found, path, is_private)


def _encrypted(key: bytes, password: str) -> bytes:
    """The keystore's JSON; scrypt with the standard's parameters."""
    # Here, because it brings the beacon chain's curves: half a second that others do without.
    from eth_account import Account

    keystore: dict[str, Any] = Account.encrypt(key, password)
    return json.dumps(keystore).encode()


def _address_in(path: Path) -> Address | None:
    """Whose key a keystore says it holds; None for another file."""
    try:
        return address(bytes.fromhex(json.loads(path.read_bytes())["address"].removeprefix("0x")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
