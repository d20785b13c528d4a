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
from node.cli.options import with_options
from node.cli.signing import Signing, key_options
from node.devnet import DEFAULT_DATA_DIR, read_manifest
from node.settings import writable_folder
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

    return with_options(with_target, options)


def account_options(command: Callable[..., R]) -> Callable[..., R]:
    """--keystore, --key, the password and --dev, passed on as `operator`; None without any."""
    dev_option = click.option(
        "--dev", is_flag=True, help="Sign with a devnet's well-known challenger."
    )

    @wraps(command)
    def with_operator(signing: Signing, dev: bool, **others: Any) -> R:
        return command(operator=_operator(signing, dev=dev), **others)

    return key_options(dev_option(with_operator))


def signer(target: Target, operator: Operator | None) -> Operator:
    """The account to sign with: on a devnet its challenger's unless another is given."""
    if operator is not None:
        return operator
    if not target.is_devnet:
        raise click.UsageError(
            "give the key of an L1 account with --keystore or --key-file (or --dev)"
        )
    return Operator.of_dev_account(operator_accounts().challenger)


@contextmanager
def derivation_progress() -> Iterator[derived.Progress]:
    """A line on a terminal that counts derived blocks, gone in the end."""
    columns = (TextColumn("[progress.description]{task.description}"),)
    console = output.console(stderr=True)
    disabled = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=disabled) as bar:
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


def _operator(signing: Signing, *, dev: bool) -> Operator | None:
    if not dev:
        return signing.named()
    if signing.names_key:
        raise click.UsageError("give one of --keystore, --key and --dev")
    return Operator.of_dev_account(operator_accounts().challenger)
