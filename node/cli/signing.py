"""Whose account a command signs with; options of every command that sends something."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from bridge.l1.accounts import Operator, read_key_file
from genesis.accounts import DEV_ACCOUNTS, dev_accounts
from node.cli.options import with_options
from node.cli.passwords import find_password, password_file_option
from node.keystore import KeyFolder, UnlockedKey

R = TypeVar("R")

KEYS_DIR: Final = Path("~/.tallystick/keys")

keys_dir_option = click.option(
    "--keys-dir", type=click.Path(file_okay=False, path_type=Path), default=KEYS_DIR,
    envvar="TALLYSTICK_KEYS_DIR", show_default=True, show_envvar=True,
    help="Folder of encrypted keys.",
)  # fmt: skip
KEY_OPTIONS: Final = (
    click.option(
        "--keystore", metavar="NAME", help="Sign with this key of `tallystick keys` (or address)."
    ),
    click.option(
        "--key", "--key-file", "key_file", type=click.Path(path_type=Path, dir_okay=False),
        help="Sign with the key in this file: 64 hex digits or a keystore, readable by you alone.",
    ),
    keys_dir_option,
    password_file_option,
)  # fmt: skip
_DEV_OPTION: Final = click.option(
    "--dev-account", type=click.IntRange(0, DEV_ACCOUNTS - 1), metavar="N",
    show_default="0 on a devnet", help="Sign with a devnet's well-known account.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signing:
    """What the options said; nothing is read or asked for before `unlock`."""

    keystore: str | None
    key_file: Path | None
    dev_account: int | None
    keys_dir: Path
    password_file: Path | None

    @property
    def names_key(self) -> bool:
        """Whether the options name a key at all."""
        return any(one is not None for one in (self.keystore, self.key_file, self.dev_account))

    def named(self) -> Operator | None:
        """The account of the key that the options name; None where they name none.

        Raises as `unlock` does.
        """
        return self.unlock(is_devnet=False).operator if self.names_key else None

    def unlock(self, *, is_devnet: bool) -> UnlockedKey:
        """The key to sign with, on a devnet that of account 0 by default.

        Raises `InvalidKey`, `NoSuchKey`, and a usage error where no key is named.
        """
        if self.keystore is not None:
            folder = KeyFolder(self.keys_dir.expanduser())
            stored = folder.find(self.keystore)
            password = find_password(self.password_file, stored.name)
            return UnlockedKey(folder.unlock(stored.name, password))
        if self.key_file is not None:
            return UnlockedKey(_read(self.key_file, self.password_file))
        if self.dev_account is None and not is_devnet:
            raise click.UsageError("name the key to sign with: --keystore NAME or --key FILE")
        return UnlockedKey.of_dev_account(dev_accounts()[self.dev_account or 0])


def key_options(command: Callable[..., R]) -> Callable[..., R]:
    """--keystore, --key and the password, passed on as `signing`.

    For commands whose --dev says which well-known account it is.
    """

    @wraps(command)
    def with_signing(
        keystore: str | None,
        key_file: Path | None,
        keys_dir: Path,
        password_file: Path | None,
        **others: Any,
    ) -> R:
        if keystore is not None and key_file is not None:
            raise click.UsageError("give either --keystore or --key")
        signing = Signing(keystore, key_file, None, keys_dir, password_file)
        return command(signing=signing, **others)

    return with_options(with_signing, KEY_OPTIONS)


def signing_options(command: Callable[..., R]) -> Callable[..., R]:
    """--keystore, --key, --dev-account and the password, passed on as `signing`."""

    @wraps(command)
    def with_signing(
        keystore: str | None,
        key_file: Path | None,
        dev_account: int | None,
        keys_dir: Path,
        password_file: Path | None,
        **others: Any,
    ) -> R:
        if sum(one is not None for one in (keystore, key_file, dev_account)) > 1:
            raise click.UsageError("give one of --keystore, --key and --dev-account")
        signing = Signing(keystore, key_file, dev_account, keys_dir, password_file)
        return command(signing=signing, **others)

    return with_options(with_signing, (*KEY_OPTIONS, _DEV_OPTION))


def _read(path: Path, password_file: Path | None) -> bytes:
    """A key file's key; the password is asked for only where the file is encrypted."""
    if _is_keystore(path):
        return read_key_file(path, find_password(password_file, str(path)))
    return read_key_file(path)


def _is_keystore(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(1) == b"{"
    except OSError:
        return False  # whoever reads the key says what is wrong with the file
