"""The key that names this peer: an ed25519 seed in a file of its own."""

import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final

from node.p2p.errors import InvalidIdentity
from state.files import write_atomically

SEED_BYTES: Final = 32
KEY_FILE: Final = "p2p.key"
"""In the data folder, unless another file is named."""

_SEED: Final = re.compile(r"(0x)?([0-9a-f]{64})", re.ASCII | re.IGNORECASE)
_FILE_BYTES_MAX: Final = 1024


class Identity:
    """The seed of a peer's key. Its repr says nothing, and it refuses to be pickled."""

    __slots__ = ("seed",)

    def __init__(self, seed: bytes) -> None:
        self.seed = seed

    def __repr__(self) -> str:
        return "<Identity>"

    def __reduce__(self) -> str:
        raise TypeError("keys do not travel")


def load_identity(path: Path) -> Identity:
    """The key in `path`; a new one is written where there is no file. Raises `InvalidIdentity`."""
    try:
        if not path.exists():
            seed = secrets.token_bytes(SEED_BYTES)
            write_atomically(path, seed.hex().encode() + b"\n", mode=stat.S_IRUSR | stat.S_IWUSR)
            return Identity(seed)
        return Identity(_read(path))
    except OSError as error:
        raise InvalidIdentity(
            f"the peer key {path} can't be used: {os.strerror(error.errno or 0)};"
            " name another file with --p2p-key-file"
        ) from error


def _read(path: Path) -> bytes:
    status = path.stat()
    if stat.S_IMODE(status.st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidIdentity(f"{path} may be read by others: chmod 600 {path}")
    if status.st_size <= _FILE_BYTES_MAX:
        text = path.read_text(encoding="ascii", errors="replace").strip()
        if match := _SEED.fullmatch(text):
            return bytes.fromhex(match.group(2))
    raise InvalidIdentity(f"{path} holds no key: 64 hex digits; move it away for a new one")
