"""`tallystick faucet`: a devnet's ether and test dollars for anybody."""

import asyncio
import json
from typing import Any

import click
from eth_utils.address import to_checksum_address

from bridge.l1.transactor import L1Transaction
from genesis.accounts import dev_accounts
from node.bridging.collateral import Collateral
from node.bridging.deposits import Depositor
from node.cli import output
from node.cli.accounts import holdings_json
from node.cli.amounts import Asset, written
from node.cli.network import Layers, Network, both_of, network_options
from node.cli.options import json_option
from node.cli.parameters import AddressType, DollarType, EtherType
from node.cli.progress import Waiting, waiting
from node.holdings import read_holdings
from node.settings import InvalidSettings
from state.types import Address, Wei


@click.command(short_help="Ether and dollars of a devnet.")
@click.argument("address", type=AddressType())
@click.option(
    "--eth", type=EtherType(), default="10", show_default=True, help="Ether, on each layer."
)
@click.option(
    "--usd", type=DollarType(), default="10000", show_default=True,
    help="Test dollars, on each layer.",
)  # fmt: skip
@network_options
@json_option
def faucet(network: Network, address: Address, eth: Wei, usd: int, as_json: bool) -> None:
    """Give ADDRESS ether and test dollars on both layers of a devnet, from its account 0.

    What goes to L2 goes as deposits, through the Portal, as everybody's does.
    """
    if not network.is_devnet:
        raise InvalidSettings(
            "a faucet is for devnets: start one with ./scripts/devnet, or name its folder with"
            " --data-dir"
        )
    with waiting("Opening the tap") as line:
        facts = asyncio.run(_pour(network, address, eth, usd, line))
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    given = [
        written(units, asset) for units, asset in ((eth, Asset.ETH), (usd, Asset.USD)) if units
    ]
    who = to_checksum_address(address)
    output.console().print(f"[green]✓[/green] {who} got {' and '.join(given)} on L1, and on L2")


async def _pour(network: Network, to: Address, eth: Wei, usd: int, line: Waiting) -> dict[str, Any]:
    async with both_of(network) as layers:
        depositor = Depositor(layers.l1, layers.l2, layers.deployment)
        bank = dev_accounts()[0]
        deposits = []
        if eth:
            line.now("Sending ether on L1")
            sending = L1Transaction("faucet's ether", to, b"", eth)
            await layers.l1.transactor(bank).send(sending)
            deposits.append(await depositor.ether(bank, to, eth))
        if usd:
            line.now("Minting test dollars on L1")
            collateral = _test_dollars(layers)
            await collateral.mint(bank, to, usd)
            await collateral.mint(bank, bank.address, usd)
            deposits.append(await depositor.token(bank, to, usd))
        for deposit in deposits:
            await depositor.credited(deposit, line.now)
        found = await read_holdings([to], layers.l1, layers.l2, layers.deployment)
        return holdings_json(found[0])


def _test_dollars(layers: Layers) -> Collateral:
    if layers.deployment.parameters.token is not None:
        raise InvalidSettings("this devnet's collateral is no TestUSD: give --usd 0")
    return Collateral(layers.l1, layers.l2, layers.deployment)
