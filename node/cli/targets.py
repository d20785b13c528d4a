"""Which rollup a command is about and whose account it signs with; options of several commands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.progress import Progress, TextColumn

from bridge.deployment import Deployment, load_deployment
from bridge.l1.accounts import Operator
from genesis.accounts import operator_accounts
from node import derived
from node.cli import output
from node.devnet import DEFAULT_DATA_DIR, read_manifest
from node.settings import InvalidSettings, writable_folder
from state.types import BlockNumber

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Target:
    """One rollup on one L1."""

    l1_url: str
    deployment: Deployment
    is_devnet: bool
    """Found as a running devnet, whose accounts everybody knows."""
    database: Path | None
    """Where a derived chain is kept; in memory without."""


def rollup_options(command: Callable[..., R]) -> Callable[..., R]:
    """--l1-rpc, --deployment, --data-dir and --database, passed on as `target`."""
    options = (
        click.option(
            "--data-dir", type=click.Path(file_okay=False, path_type=Path),
            default=DEFAULT_DATA_DIR, show_default=True, help="The running devnet.",
        ),
        click.option("--l1-rpc", metavar="URL", help="An L1 endpoint, instead of the devnet's."),
        click.option(
            "--deployment", type=click.Path(dir_okay=False, path_type=Path),
            help="Deployment file, instead of the devnet's.",
        ),
        click.option(
            "--database", type=click.Path(file_okay=False, path_type=Path),
            help="Keep the chain derived from L1 in this folder; in memory by default.",
        ),
    )  # fmt: skip

    @wraps(command)
    def with_target(
        data_dir: Path,
        l1_rpc: str | None,
        deployment: Path | None,
        database: Path | None,
        **others: Any,
    ) -> R:
        return command(target=_target(data_dir, l1_rpc, deployment, database), **others)

    return _decorated(with_target, options)


def account_options(command: Callable[..., R]) -> Callable[..., R]:
    """--key-file, --password-file and --dev, passed on as `operator`; None if none is given."""
    options = (
        click.option(
            "--key-file", type=click.Path(path_type=Path, dir_okay=False),
            help="The account's key: 64 hex digits or a keystore, readable by you alone.",
        ),
        click.option(
            "--password-file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="The keystore's password.",
        ),
        click.option("--dev", is_flag=True, help="Sign with a devnet's well-known challenger."),
    )  # fmt: skip

    @wraps(command)
    def with_operator(
        key_file: Path | None, password_file: Path | None, dev: bool, **others: Any
    ) -> R:
        return command(operator=_operator(key_file, password_file, dev), **others)

    return _decorated(with_operator, options)


def signer(target: Target, operator: Operator | None) -> Operator:
    """The account to sign with: on a devnet its challenger's unless another is given."""
    if operator is not None:
        return operator
    if not target.is_devnet:
        raise click.UsageError("give the key of an L1 account with --key-file (or --dev)")
    return Operator.of_dev_account(operator_accounts().challenger)


@contextmanager
def derivation_progress() -> Iterator[derived.Progress]:
    """A line that counts derived blocks, gone in the end."""
    columns = (TextColumn("[progress.description]{task.description}"),)
    with Progress(*columns, console=output.console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading the inbox on L1")

        def progress(block: BlockNumber, items: int) -> None:
            bar.update(task, description=f"Derived {block} blocks from {items} inbox items")

        yield progress


def _target(
    data_dir: Path, l1_rpc: str | None, deployment: Path | None, database: Path | None
) -> Target:
    is_devnet = l1_rpc is None
    if l1_rpc is None or deployment is None:
        manifest = read_manifest(data_dir)
        l1_rpc = l1_rpc or manifest["l1"]
        deployment = deployment or Path(manifest["deployment"])
    folder = None if database is None else writable_folder(database)
    return Target(l1_rpc, load_deployment(deployment), is_devnet, folder)


def _operator(key_file: Path | None, password_file: Path | None, dev: bool) -> Operator | None:
    if dev and key_file is not None:
        raise click.UsageError("give either --key-file or --dev")
    if dev:
        return Operator.of_dev_account(operator_accounts().challenger)
    if key_file is None:
        return None
    if password_file is None:
        return Operator.from_file(key_file)
    try:
        password = password_file.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"can't read the password file {password_file}: {error}") from None
    return Operator.from_file(key_file, password)


def _decorated(
    command: Callable[..., R], options: tuple[Callable[..., Any], ...]
) -> Callable[..., R]:
    for option in reversed(options):
        command = option(command)
    return command
