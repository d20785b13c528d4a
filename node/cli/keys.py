"""`tallystick keys`: encrypted private keys."""

import json
from pathlib import Path
from typing import Final

import click
from eth_account import Account
from eth_utils.address import to_checksum_address

from bridge.l1.accounts import read_key_file
from node.cli import output
from node.cli.options import json_option
from node.cli.passwords import find_password, password_file_option
from node.cli.signing import keys_dir_option
from node.keystore import KeyFolder, StoredKey, UnlockedKey

_NEW_PASSWORD_VARIABLE: Final = "TALLYSTICK_NEW_PASSWORD"  # noqa: S105  (the variable's name)

_name_argument = click.argument("name")


@click.group(short_help="Encrypted private keys.")
def keys() -> None:
    """Private keys, encrypted (Web3 Secret Storage, version 3), one file of mode 600 a key.

    Commands that sign take one with --keystore NAME. Passwords come from --password-file, from
    TALLYSTICK_PASSWORD or from a prompt, and are never shown; nor are keys.
    """


@keys.command()
@_name_argument
@keys_dir_option
@password_file_option
@json_option
def new(name: str, keys_dir: Path, password_file: Path | None, as_json: bool) -> None:
    """Make a key and keep it as NAME."""
    password = find_password(password_file, name, is_new=True)
    key = bytes(Account.create().key)
    _tell(_folder(keys_dir).add(name, key, password), "Made", as_json=as_json)


@keys.command("import")
@_name_argument
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@keys_dir_option
@password_file_option
@json_option
def import_key(
    name: str, file: Path, keys_dir: Path, password_file: Path | None, as_json: bool
) -> None:
    """Keep the key in FILE as NAME: 64 hex digits, readable by you alone.

    FILE stays as it is: delete it when you have tried the new one.
    """
    key = read_key_file(file)
    password = find_password(password_file, name, is_new=True)
    _tell(_folder(keys_dir).add(name, key, password), "Imported", as_json=as_json)


@keys.command("list")
@keys_dir_option
@json_option
def list_keys(keys_dir: Path, as_json: bool) -> None:
    """All keys of the folder."""
    folder = _folder(keys_dir)
    stored = folder.keys()
    if as_json:
        click.echo(json.dumps([_json(key) for key in stored], indent=2))
        return
    if not stored:
        click.echo(f"No keys in {folder.path}: make one with `tallystick keys new NAME`.")
        return
    table = output.table("Name", "Address", "")
    for key in stored:
        words = "" if key.is_private else f"[yellow]others may read it: chmod 600 {key.path}"
        table.add_row(key.name, to_checksum_address(key.address), words)
    output.console().print(table)


@keys.command()
@_name_argument
@keys_dir_option
@json_option
def show(name: str, keys_dir: Path, as_json: bool) -> None:
    """The address and the file of key NAME."""
    stored = _folder(keys_dir).find(name)
    if as_json:
        click.echo(json.dumps(_json(stored), indent=2))
    else:
        click.echo(f"{stored.name}  {to_checksum_address(stored.address)}\n{stored.path}")


@keys.command()
@_name_argument
@click.argument("text")
@keys_dir_option
@password_file_option
@json_option
def sign(name: str, text: str, keys_dir: Path, password_file: Path | None, as_json: bool) -> None:
    """Sign TEXT with key NAME as wallets do (EIP-191), to show that it is yours."""
    folder = _folder(keys_dir)
    stored = folder.find(name)
    key = UnlockedKey(folder.unlock(stored.name, find_password(password_file, stored.name)))
    signature = f"0x{key.sign_text(text).hex()}"
    if as_json:
        address = to_checksum_address(stored.address)
        click.echo(json.dumps({"address": address, "text": text, "signature": signature}, indent=2))
    else:
        click.echo(signature)


@keys.command("change-password")
@_name_argument
@keys_dir_option
@password_file_option
@click.option(
    "--new-password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"The new password; else {_NEW_PASSWORD_VARIABLE}, else a prompt.",
)  # fmt: skip
@json_option
def change_password(
    name: str,
    keys_dir: Path,
    password_file: Path | None,
    new_password_file: Path | None,
    as_json: bool,
) -> None:
    """Encrypt key NAME with another password."""
    folder = _folder(keys_dir)
    stored = folder.find(name)
    old = find_password(password_file, stored.name)
    folder.unlock(stored.name, old)  # a wrong old password is told before a new one is asked for
    fresh = find_password(
        new_password_file, stored.name, variable=_NEW_PASSWORD_VARIABLE, is_new=True
    )
    _tell(folder.change_password(stored.name, old, fresh), "Encrypted anew", as_json=as_json)


def _folder(path: Path) -> KeyFolder:
    return KeyFolder(path.expanduser())


def _tell(stored: StoredKey, done: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_json(stored), indent=2))
        return
    click.echo(f"{done}: {stored.name}  {to_checksum_address(stored.address)}")
    click.echo(f"It is in {stored.path}. Without its password nobody can use it, you included.")


def _json(stored: StoredKey) -> dict[str, object]:
    return {
        "name": stored.name,
        "address": to_checksum_address(stored.address),
        "file": str(stored.path),
        "private": stored.is_private,
    }
