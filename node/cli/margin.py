"""`tallystick margin`: look at accounts of the clearing house, and trust no node about them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bridge.deployment import Deployment, load_deployment
from bridge.l1 import wire
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Receipt
from bridge.l1.rpc import connect
from bridge.margin_proof.limits import PROOF_BYTES_MAX
from node.cli import output
from node.cli.margin_tables import print_account, read_shown
from node.cli.network import Network, l2_of, network_options
from node.cli.options import data_dir_option, json_option, rpc_option
from node.cli.parameters import AddressType, DollarType
from node.cli.progress import waiting
from node.cli.signing import Signing, signing_options
from node.demo.amounts import usd
from node.devnet import read_manifest
from node.limits import RPC_BODY_BYTES_MAX
from node.margin_accounts import MarginAccounts, Opened
from node.proven_account import ProvenAccount, fetch_proof, l1_client, prove_account
from node.rpc.margin.format import account_json, block_json, positions_json
from node.settings import InvalidSettings
from state.files import write_atomically
from state.types import Address

T = TypeVar("T")


@click.group(short_help="Accounts of the clearing house.")
def margin() -> None:
    """Accounts of the clearing house: open and fund them, show them, wonder about them, verify
    them. `tallystick accounts` lists those of an owner."""


@margin.command("open")
@click.argument("amount", type=DollarType())
@network_options
@signing_options
@json_option
def open_account(network: Network, signing: Signing, amount: int, as_json: bool) -> None:
    """Open a margin account with AMOUNT of your collateral (USD) on L2; 0 for an empty one."""

    def move(house: MarginAccounts, owner: Operator) -> Awaitable[Opened]:
        return house.open(owner, amount)

    opened = _moved(network, signing, move)
    facts = {"account": opened.account, "creditedQ6": str(opened.credited), "block": opened.block}
    words = f"account {opened.account} is open, with {usd(opened.credited)}"
    _tell(words, facts, as_json=as_json)


@margin.command()
@click.argument("account", type=click.IntRange(min=1))
@click.argument("amount", type=DollarType())
@network_options
@signing_options
@json_option
def fund(network: Network, signing: Signing, account: int, amount: int, as_json: bool) -> None:
    """Put AMOUNT of your collateral (USD) on L2 into ACCOUNT."""

    def move(house: MarginAccounts, owner: Operator) -> Awaitable[Opened]:
        return house.fund(owner, account, amount)

    funded = _moved(network, signing, move)
    facts = {"account": account, "creditedQ6": str(funded.credited), "block": funded.block}
    _tell(f"account {account} got {usd(funded.credited)}", facts, as_json=as_json)


@margin.command()
@click.argument("account", type=click.IntRange(min=1))
@click.argument("amount", type=DollarType())
@click.option("--to", type=AddressType(), show_default="the owner", help="Who gets it on L2.")
@network_options
@signing_options
@json_option
def withdraw(
    network: Network,
    signing: Signing,
    account: int,
    amount: int,
    to: Address | None,
    as_json: bool,
) -> None:
    """Take AMOUNT (USD) out of ACCOUNT, as far as its margin allows.

    It stays on L2: `tallystick withdraw` brings it to L1.
    """

    def move(house: MarginAccounts, owner: Operator) -> Awaitable[L1Receipt]:
        return house.take(owner, account, amount, to or owner.address)

    receipt = _moved(network, signing, move)
    facts = {
        "account": account,
        "amountQ6": str(amount),
        "block": receipt.block_number,
        "transaction": wire.to_data(receipt.hash),
    }
    _tell(f"account {account} gave {usd(amount)}", facts, as_json=as_json)


@margin.command()
@click.argument("account", type=click.IntRange(min=1))
@click.option("--block", type=click.IntRange(min=0), help="After this block; the latest.")
@data_dir_option
@rpc_option
@json_option
def show(
    account: int, block: int | None, data_dir: Path, rpc_url: str | None, as_json: bool
) -> None:
    """What ACCOUNT is worth, needs and holds, by the word of a node."""
    at = "latest" if block is None else wire.to_quantity(block)
    _show(asyncio.run(_account(_node_url(data_dir, rpc_url), account, at)), as_json=as_json)


@margin.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_dir_option
@rpc_option
@json_option
def simulate(file: Path, data_dir: Path, rpc_url: str | None, as_json: bool) -> None:
    """What the portfolio in FILE would be worth and need; docs/margin-rpc.md has its form."""
    try:
        portfolio = json.loads(_read(file, RPC_BODY_BYTES_MAX))
    except ValueError as error:
        raise InvalidSettings(f"{file} is no JSON: {error}") from None
    url = _node_url(data_dir, rpc_url)
    _show(asyncio.run(_request(url, "margin_simulate", portfolio, "latest")), as_json=as_json)


@margin.command()
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--account", type=click.IntRange(min=1), help="Have a node prove this account.")
@click.option(
    "--save", type=click.Path(dir_okay=False, path_type=Path), help="Keep the node's proof in FILE."
)
@click.option("--resolved", is_flag=True, help="Take no proposal that can still be challenged.")
@data_dir_option
@rpc_option
@click.option("--l1-rpc", metavar="URL", help="Your L1 endpoint, instead of the devnet's.")
@click.option(
    "--deployment", type=click.Path(dir_okay=False, path_type=Path),
    help="Deployment file, instead of the devnet's.",
)  # fmt: skip
@json_option
def verify(
    file: Path | None,
    account: int | None,
    save: Path | None,
    resolved: bool,
    data_dir: Path,
    rpc_url: str | None,
    l1_rpc: str | None,
    deployment: Path | None,
    as_json: bool,
) -> None:
    """Verify what an account is worth, needs and holds, from an output root on L1 downwards.

    The proof is read from FILE, or fetched for --account. Every byte of it is checked against the
    root that your own L1 endpoint serves; the margin is then computed by the contract's code, from
    this program, over the proven slots alone.
    """
    if (file is None) == (account is None):
        raise click.UsageError("give either a FILE or --account")
    if l1_rpc is None or deployment is None:
        manifest = read_manifest(data_dir)
        l1_rpc, deployment = l1_rpc or manifest["l1"], deployment or manifest["deployment"]
    rollup = load_deployment(Path(deployment))
    if file is None:
        text = asyncio.run(_fetch(l1_rpc, rollup, _node_url(data_dir, rpc_url), account or 0))
    else:
        text = _read(file, PROOF_BYTES_MAX)
    if save is not None:
        write_atomically(save, text + b"\n")
    proven = asyncio.run(_prove(l1_rpc, rollup, text, account, resolved=resolved))
    _show({**_statement_json(proven), **_commitment_json(proven)}, as_json=as_json)
    if not as_json:
        _print_commitment(proven)


def _moved(
    network: Network, signing: Signing, move: Callable[[MarginAccounts, Operator], Awaitable[T]]
) -> T:
    """What came of moving collateral in an owner's name."""
    owner = signing.unlock(is_devnet=network.is_devnet).operator

    async def run() -> T:
        async with l2_of(network) as l2:
            return await move(MarginAccounts(l2), owner)

    with waiting("Sending"):
        return asyncio.run(run())


def _tell(words: str, facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    else:
        output.console().print(f"[green]✓[/green] {words} [dim](L2 block {facts['block']})[/dim]")


async def _account(url: str, account: int, at: str) -> dict[str, Any]:
    """The account and its positions, of one block."""
    facts = await _request(url, "margin_getAccount", account, at)
    block = wire.object_(facts.get("block"), "the account's block").get("hash")
    return facts | await _request(url, "margin_getPositions", account, block)


async def _request(url: str, method: str, *params: object) -> dict[str, Any]:
    async with connect(url) as rpc:
        return dict(wire.object_(await rpc.request(method, *params), method))


async def _fetch(l1_rpc: str, rollup: Deployment, url: str, account: int) -> bytes:
    async with connect(l1_rpc) as l1, connect(url) as l2:
        return await fetch_proof(l1_client(l1, rollup), rollup, l2, account)


async def _prove(
    l1_rpc: str, rollup: Deployment, text: bytes, account: int | None, *, resolved: bool
) -> ProvenAccount:
    async with connect(l1_rpc) as l1:
        client = l1_client(l1, rollup)
        return await prove_account(client, rollup, text, account, resolved=resolved)


def _node_url(data_dir: Path, rpc_url: str | None) -> str:
    return rpc_url or str(read_manifest(data_dir)["sequencer"])


def _read(file: Path, bytes_max: int) -> bytes:
    """A file's content, if it isn't something else."""
    try:
        if file.stat().st_size > bytes_max:
            raise InvalidSettings(f"{file} has more than {bytes_max} bytes")
        return file.read_bytes()
    except OSError as error:
        raise InvalidSettings(f"can't read {file}: {error.strerror}") from None


def _show(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        print_account(output.console(), read_shown(answer))


def _statement_json(proven: ProvenAccount) -> dict[str, Any]:
    statement = proven.statement
    return {
        "block": block_json(proven.proof.header),
        **account_json(statement),
        **positions_json(statement),
    }


def _commitment_json(proven: ProvenAccount) -> dict[str, Any]:
    commitment = proven.commitment
    return {
        "outputRoot": wire.to_data(proven.proof.output_root),
        "commitment": {
            "game": wire.to_data(commitment.game.address),
            "status": commitment.status,
            "resolvableAt": commitment.game.resolvable_at,
            "l1Time": commitment.l1_time,
        },
    }


def _print_commitment(proven: ProvenAccount) -> None:
    game, commitment = proven.commitment.game, proven.commitment
    style = "bold green" if commitment.is_resolved else "bold yellow"
    output.console().print(
        f"[{style}]Proven[/{style}] by output root {wire.to_data(proven.proof.output_root)}: the"
        f" proposal {wire.to_data(game.address)} on L1 is {commitment.words}."
    )
