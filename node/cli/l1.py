"""`tallystick l1`: put a rollup's contracts on an L1, and look at what is there."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bridge.deployment import Deployment, DeployParameters, load_deployment, to_json
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.deploy import check_deployment, deploy
from bridge.l1.dev import fund_operators
from bridge.l1.rpc import connect
from genesis.accounts import operator_accounts
from genesis.networks import ETHER, L1_DEVNET_CHAIN_ID, L2_DEVNET_CHAIN_ID
from node.cli.options import json_option
from node.cli.parameters import AddressType
from node.cli.signing import Signing, key_options

DEFAULTS = DeployParameters()


def seconds_option(
    flag: str, name: str, help: str
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """An option in seconds, whose default is that of `DeployParameters`."""
    default = getattr(DEFAULTS, name)
    return click.option(
        flag, name, type=int, default=default, show_default=True, help=f"{help} In seconds."
    )


@click.group("l1")
def l1() -> None:
    """The contracts on L1."""


@l1.command("deploy")
@click.option("--l1-rpc", required=True, help="URL of the L1's JSON-RPC.")
@key_options
@click.option("--dev", is_flag=True, help="Use a devnet's well-known keys, funded by account 0.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("deployment.json"),
    show_default=True,
    help="The deployment file; a run that was interrupted goes on from it.",
)
@click.option(
    "--l1-chain-id", type=int, default=L1_DEVNET_CHAIN_ID, show_default=True,
    help="Chain id expected of the L1.",
)  # fmt: skip
@click.option(
    "--l2-chain-id", type=int, default=L2_DEVNET_CHAIN_ID, show_default=True,
    help="Chain id of the rollup.",
)  # fmt: skip
@click.option("--sequencer", type=AddressType(), help="Who may append batches.")
@click.option("--matcher", type=AddressType(), help="Who may settle fills.")
@click.option("--guardian", type=AddressType(), help="Who may pause markets.")
@click.option("--oracle", type=AddressType(), help="Who signs prices at the start.")
@click.option("--governor", "governors", type=AddressType(), multiple=True,
    help="Who may propose and approve changes of the rules. Repeatable.",
)  # fmt: skip
@click.option("--governor-threshold", type=int, help="Governors needed for a change.")
@click.option("--token", type=AddressType(), help="Collateral token on L1; left out: TestUSD.")
@click.option("--prover", type=AddressType(), help="A OneStepProver on L1; left out: a new one.")
@click.option(
    "--no-dev-accounts",
    is_flag=True,
    help="Let no account with a well-known key own or run anything; name all duties.",
)
@seconds_option("--window", "window_seconds", "How long the sequencer may be silent.")
@seconds_option("--drift", "drift_seconds", "How far L2's time may be ahead of L1's.")
@seconds_option("--dispute-window", "dispute_window_seconds", "Until a proposed root resolves.")
@seconds_option("--clock-extension", "clock_extension_seconds", "Least time for each answer.")
@seconds_option("--payout-delay", "payout_delay_seconds", "From a game's end to its bonds.")
@seconds_option("--finality-delay", "finality_delay_seconds", "From a game's end to payment.")
@click.option(
    "--bond", "bond_wei", type=int, default=DEFAULTS.bond_wei, show_default=True,
    help="What a proposer stakes on a root. In wei.",
)  # fmt: skip
@click.option(
    "--confirmations", type=int, default=DEFAULTS.confirmations, show_default=True,
    help="L1 blocks on top of the Inbox's before L2's genesis is fixed.",
)  # fmt: skip
@json_option
def deploy_command(
    signing: Signing,
    l1_rpc: str,
    dev: bool,
    out: Path,
    no_dev_accounts: bool,
    as_json: bool,
    **chosen: object,
) -> None:
    """Deploy the L1 contracts; run again after an interruption to complete it."""
    if dev == signing.names_key:
        raise click.UsageError("give one of --keystore, --key and --dev")
    named = {name: value for name, value in chosen.items() if value not in (None, ())}
    parameters = DeployParameters(dev_accounts=not no_dev_accounts, **named)  # type: ignore[arg-type]
    operator = signing.named() or Operator.of_dev_account(operator_accounts().deployer)
    deployment = asyncio.run(_deploy(l1_rpc, operator, parameters, out, fund=dev))
    _show(deployment, as_json=as_json)
    if not as_json:
        click.echo(f"Deployment file: {out}")


@l1.command("check")
@click.option("--l1-rpc", required=True, help="URL of the L1's JSON-RPC.")
@click.option(
    "--deployment",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("deployment.json"),
    show_default=True,
    help="The deployment file.",
)
@json_option
def check_command(l1_rpc: str, deployment: Path, as_json: bool) -> None:
    """Check that an L1 holds what a deployment file says."""
    found = load_deployment(deployment)
    asyncio.run(_check(l1_rpc, found))
    _show(found, as_json=as_json)


async def _deploy(
    url: str, operator: Operator, parameters: DeployParameters, out: Path, *, fund: bool
) -> Deployment:
    async with connect(url) as rpc:
        if fund:
            click.echo("Funding the operators from dev account 0", err=True)
            await fund_operators(rpc, out)
        return await deploy(
            rpc, operator, parameters, out, progress=lambda text: click.echo(text, err=True)
        )


async def _check(url: str, deployment: Deployment) -> None:
    async with connect(url) as rpc:
        client = L1Client(rpc, chain_id=deployment.l1_chain_id, errors=l1_errors())
        await check_deployment(client, deployment)


def _show(deployment: Deployment, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(to_json(deployment), indent=2))
        return
    table = Table("contract", "address on L1", title="Rollup contracts")
    for name, contract in deployment.contracts.items():
        table.add_row(name, "0x" + contract.hex())
    console = Console()
    console.print(table)
    p = deployment.parameters
    console.print(f"L1 chain {p.l1_chain_id}, from block {deployment.start_block}")
    console.print(f"L2 chain {p.l2_chain_id}, genesis 0x{deployment.genesis_hash.hex()}")
    console.print(f"Bond {p.bond_wei / ETHER:g} ETH, dispute window {p.dispute_window_seconds} s")
