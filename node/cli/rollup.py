"""`tallystick rollup`: what crossed between the layers, and what became of it."""

import asyncio
import json
from typing import Any

import click

from bridge.l1 import wire
from node.cli import output
from node.cli.network import Network, l2_of, network_options
from node.cli.options import json_option
from node.cli.parameters import AddressType, HashType
from state.types import Address, Hash32

limit_option = click.option(
    "--limit", type=click.IntRange(1, 100), default=20, show_default=True,
    help="How many at the most.",
)  # fmt: skip


@click.group(short_help="Batches, deposits, withdrawals.")
def rollup() -> None:
    """What crossed between the layers, and what became of it, by the word of an L2 node."""


@rollup.command()
@click.argument("index", default="latest")
@network_options
@json_option
def batch(network: Network, index: str, as_json: bool) -> None:
    """The batch or tick at INDEX of the inbox, by default the newest, and its blocks."""
    asked = wire.to_quantity(int(index)) if index.isdecimal() else index
    found = asyncio.run(_ask(network, "rollup_getBatch", asked))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if found is None:
        click.echo(f"The inbox has no item {index} yet.")
        return
    item = found["item"]
    click.echo(
        f"Item {_int(item['index'])}, a {item['kind']} of {_int(item['size'])} bytes in L1 block"
        f" {_int(item['l1Number'])}, is {found['status']}."
    )
    table = output.table("Block", "Transactions", "Hash", right=("Block", "Transactions"))
    for block in found["blocks"]:
        table.add_row(str(_int(block["number"])), str(_int(block["transactions"])), block["hash"])
    output.console().print(table)


@rollup.command()
@click.option("--address", type=AddressType(), help="Only those that it sent or gets.")
@limit_option
@network_options
@json_option
def deposits(network: Network, address: Address | None, limit: int, as_json: bool) -> None:
    """Deposits and forced transactions from L1, newest first."""
    query: dict[str, Any] = {"limit": wire.to_quantity(limit)}
    if address is not None:
        query["address"] = wire.to_data(address)
    found = asyncio.run(_ask(network, "rollup_getDeposits", query))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    titles = ("Number", "L1 block", "Status", "L2 block", "To", "L2 transaction")
    table = output.table(*titles, right=("Number", "L1 block", "L2 block"))
    for one in found["deposits"]:
        block, token = one["block"], one["token"]
        table.add_row(
            str(_int(one["ordinal"])),
            str(_int(one["item"]["l1Number"])),
            one["status"],
            "-" if block is None else str(_int(block["number"])),
            (one["to"] if token is None else token["to"]) or "new contract",
            one["hash"],
        )
    output.console().print(table)


@rollup.command()
@click.option("--address", type=AddressType(), help="Those that it sent or gets.")
@click.option("--tx", "transaction", type=HashType(), help="Those of one L2 transaction.")
@limit_option
@network_options
@json_option
def withdrawals(
    network: Network,
    address: Address | None,
    transaction: Hash32 | None,
    limit: int,
    as_json: bool,
) -> None:
    """Messages from L2 to L1, newest first, how far each has come and what comes next."""
    if (address is None) == (transaction is None):
        raise click.UsageError("give either --address or --tx")
    if transaction is not None:
        query = {"transactionHash": wire.to_data(transaction)}
    else:
        query = {"address": wire.to_data(address or b""), "limit": wire.to_quantity(limit)}
    found = asyncio.run(_ask(network, "rollup_getWithdrawals", query))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    table = output.table("L2 block", "Status", "Next", "L2 transaction", right=("L2 block",))
    for one in found["withdrawals"]:
        follows = one["next"]
        table.add_row(
            str(_int(one["blockNumber"])),
            one["status"],
            "-" if follows is None else follows["what"],
            one["transactionHash"],
        )
    output.console().print(table)


async def _ask(network: Network, method: str, query: object) -> Any:
    async with l2_of(network) as l2:
        return await l2.client.rpc.request(method, query)


def _int(value: object) -> int:
    return wire.quantity(value, "a number")
