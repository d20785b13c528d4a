"""Passwords of keystores: from a file, the environment, or a prompt; never from the command line,
which other users can see, and never shown."""

import os
import sys
from pathlib import Path
from typing import Final

import click

from node.settings import InvalidSettings

PASSWORD_VARIABLE: Final = "TALLYSTICK_PASSWORD"  # noqa: S105  (the variable's name)

password_file_option = click.option(
    "--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"The keystore's password; else {PASSWORD_VARIABLE}, else a prompt.",
)  # fmt: skip


def read_password_file(path: Path) -> str:
    """A password from a file, without the newline at its end. Raises `InvalidSettings`."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"can't read the password file {path}: {error}") from None


def find_password(
    file: Path | None, what: str, *, variable: str = PASSWORD_VARIABLE, is_new: bool = False
) -> str:
    """The password of `what`; a new one is asked for twice.

    Raises `InvalidSettings` for an unreadable file or an empty new password, and a usage error
    where nobody can be asked.
    """
    if file is not None:
        password = read_password_file(file)
    elif variable in os.environ:
        password = os.environ[variable]
    elif not sys.stdin.isatty():
        raise click.UsageError(
            f"the password of {what} is needed, and there is no terminal to ask at: give it with"
            f" --password-file or {variable}"
        )
    else:
        prompt = f"{'New password' if is_new else 'Password'} of {what}"
        password = click.prompt(prompt, hide_input=True, err=True, confirmation_prompt=is_new)
    if is_new and not password:
        raise InvalidSettings(f"an empty password wouldn't protect {what}: choose another")
    return password
