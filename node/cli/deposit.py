"""`tallystick deposit`: from L1 to L2."""

import asyncio
import json
from typing import Any

import click
from eth_utils.address import to_checksum_address

from bridge.l1 import wire
from node.bridging.deposits import Deposit, Depositor
from node.cli import output
from node.cli.amounts import ASSETS, Asset, parse_amount, written
from node.cli.network import Network, both_of, network_options
from node.cli.options import json_option
from node.cli.parameters import AddressType
from node.cli.progress import Waiting, waiting
from node.cli.signing import Signing, signing_options
from node.keystore import UnlockedKey
from state.types import Address, Wei


@click.command(short_help="Ether or collateral from L1 to L2.")
@click.argument("amount")
@click.argument("asset", type=click.Choice(ASSETS))
@click.option("--to", type=AddressType(), show_default="the sender", help="Who gets it on L2.")
@click.option("--no-wait", is_flag=True, help="End when L1 has it.")
@network_options
@signing_options
@json_option
def deposit(
    network: Network,
    signing: Signing,
    amount: str,
    asset: str,
    to: Address | None,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Deposit AMOUNT of eth (ether) or usd (the collateral token), and wait until L2 has it.

    \b
    tallystick deposit 1.5 eth --dev-account 2
    tallystick deposit 20000 usd --keystore alice
    """
    units = parse_amount(amount, Asset(asset))
    key = signing.unlock(is_devnet=network.is_devnet)
    with waiting("Depositing") as line:
        facts = asyncio.run(
            _deposit(network, key, units, Asset(asset), to, line, waits=not no_wait)
        )
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    console = output.console()
    console.print(
        f"[green]✓[/green] {written(units, Asset(asset))} deposited"
        f" [dim](L1 block {facts['l1Block']}, {facts['l1Transaction']})[/dim]"
    )
    if facts["l2Block"] is not None:
        console.print(
            f"[green]✓[/green] {facts['to']} has it on L2"
            f" [dim](L2 block {facts['l2Block']}, {facts['l2Transaction']})[/dim]"
        )


async def _deposit(
    network: Network,
    key: UnlockedKey,
    units: int,
    asset: Asset,
    to: Address | None,
    line: Waiting,
    *,
    waits: bool,
) -> dict[str, Any]:
    async with both_of(network) as layers:
        depositor = Depositor(layers.l1, layers.l2, layers.deployment)
        account = key.operator
        receiver = to or account.address
        if asset is Asset.ETH:
            made = await depositor.ether(account, receiver, Wei(units))
        else:
            made = await depositor.token(account, receiver, units)
        block = await depositor.credited(made, line.now) if waits else None
        return deposit_json(made, receiver, asset, units, block)


def deposit_json(
    made: Deposit, to: Address, asset: Asset, units: int, block: int | None
) -> dict[str, Any]:
    """A deposit for programs; the amount in wei or q6."""
    return {
        "asset": asset.value,
        "amount": str(units),
        "from": to_checksum_address(made.sender),
        "to": to_checksum_address(to),
        "l1Transaction": wire.to_data(made.l1.hash),
        "l1Block": made.l1.block_number,
        "l2Transaction": wire.to_data(made.l2_hash),
        "l2Block": block,
    }
