"""`tallystick accounts`: who has what, on both layers and in the clearing house."""

import asyncio
import json
from typing import Any

import click
from eth_utils.address import to_checksum_address

from genesis.accounts import dev_accounts
from genesis.networks import ETHER
from node.cli import output
from node.cli.network import Network, both_of, l2_of, network_options
from node.cli.options import json_option
from node.cli.parameters import AddressType
from node.cli.progress import waiting
from node.demo.amounts import amount
from node.holdings import Holdings, LayerHoldings, read_holdings
from state.types import Address, Wei


@click.command(short_help="Balances and margin accounts.")
@click.argument("addresses", nargs=-1, type=AddressType(), metavar="[ADDRESS]...")
@network_options
@json_option
def accounts(network: Network, addresses: tuple[Address, ...], as_json: bool) -> None:
    """Ether and collateral of ADDRESSes on both layers, and the margin accounts that they own.

    On a devnet its ten well-known accounts by default; their number is what --dev-account takes.
    With --rpc alone only L2 is asked.
    """
    if not addresses and not network.is_devnet:
        raise click.UsageError("name the addresses to look at")
    chosen = addresses or tuple(account.address for account in dev_accounts())
    with waiting("Asking for balances"):
        found = asyncio.run(_read(network, chosen))
    if as_json:
        click.echo(json.dumps([holdings_json(one) for one in found], indent=2))
    else:
        _print(found)


async def _read(network: Network, addresses: tuple[Address, ...]) -> list[Holdings]:
    if network.l1_url is None or network.deployment_file is None:
        async with l2_of(network) as l2:
            return await read_holdings(addresses, None, l2, None)
    async with both_of(network) as layers:
        return await read_holdings(addresses, layers.l1, layers.l2, layers.deployment)


def ether(wei: Wei) -> str:
    """An amount in ETH, to the sixth decimal, without a float."""
    return f"{wei // ETHER:,}.{wei % ETHER // 10**12:06}"


def holdings_json(one: Holdings) -> dict[str, Any]:
    """For programs: exact amounts as text."""
    return {
        "address": to_checksum_address(one.address),
        "l1": None if one.l1 is None else _layer_json(one.l1),
        "l2": _layer_json(one.l2),
        "margin": [
            {
                "account": account.id,
                "cashQ6": str(account.cash),
                "equityQ6": str(account.equity),
                "maintenanceQ6": str(account.maintenance),
            }
            for account in one.margin
        ],
    }


def _layer_json(one: LayerHoldings) -> dict[str, str]:
    return {"wei": str(one.ether), "collateralQ6": str(one.collateral)}


def _print(found: list[Holdings]) -> None:
    dev = {account.address: index for index, account in enumerate(dev_accounts())}
    titles = ("ETH on L1", "ETH on L2", "USD on L1", "USD on L2")
    table = output.table("", "Address", *titles, right=titles)
    for one in found:
        index = dev.get(one.address)
        l1 = one.l1
        table.add_row(
            "" if index is None else f"({index})",
            to_checksum_address(one.address),
            "-" if l1 is None else ether(l1.ether),
            ether(one.l2.ether),
            "-" if l1 is None else amount(l1.collateral),
            amount(one.l2.collateral),
        )
    output.console().print(table)
    if any(one.margin for one in found):
        output.console().print(_margin_table(found))


def _margin_table(found: list[Holdings]) -> Any:
    titles = ("Margin account", "Cash", "Equity", "Maintenance")
    table = output.table("Owner", *titles, right=titles)
    for one in found:
        for account in one.margin:
            table.add_row(
                to_checksum_address(one.address),
                str(account.id),
                amount(account.cash),
                amount(account.equity),
                amount(account.maintenance),
            )
    return table
