"""`tallystick send`: send a transaction, and wait for its receipt."""

import asyncio
import json
from typing import Any

import click
from eth_utils.address import to_checksum_address

from bridge.l1 import wire
from bridge.l1.client import L1Receipt
from bridge.l1.transactor import L1Transaction
from node.abi_text import find_function
from node.cli import output
from node.cli.call import layer_of
from node.cli.contracts import ContractNames, layer_option, log_book
from node.cli.network import Network, network_options
from node.cli.options import json_option
from node.cli.parameters import EtherType
from node.cli.progress import waiting
from node.cli.signing import Signing, signing_options
from node.decoded_logs import decode_log, event_text
from node.decoding.book import AddressBook
from node.known_contracts import LayerName
from node.settings import InvalidSettings
from state.types import Gas, Wei


@click.command(short_help="Send a transaction.")
@click.argument("to")
@click.argument("function", required=False)
@click.argument("arguments", nargs=-1)
@click.option("--value", type=EtherType(), default="0", help="Ether to send along.")
@click.option("--data", help="Raw call data, in the place of FUNCTION.")
@click.option("--gas", type=click.IntRange(21_000), show_default="estimated", help="Gas limit.")
@layer_option
@network_options
@signing_options
@json_option
def send(
    network: Network,
    signing: Signing,
    to: str,
    function: str | None,
    arguments: tuple[str, ...],
    value: Wei,
    data: str | None,
    gas: int | None,
    layer: str | None,
    as_json: bool,
) -> None:
    """Call FUNCTION of TO with ARGUMENTS in a transaction, or just send ether with --value.

    TO and FUNCTION are as in `tallystick call`. What would revert is not sent: the reason is told.

    \b
    tallystick send 0x7099…79C8 --value 1.5
    tallystick send CollateralToken transfer 0x7099…79C8 5_000_000 --keystore alice
    """
    if function is not None and data is not None:
        raise click.UsageError("give either FUNCTION or --data")
    names = ContractNames.of(network)
    callee = names.find(to, layer)
    what, payload = "transfer", _raw(data)
    if function is not None:
        called = find_function(function, callee.abi)
        what, payload = called.name, called.call_data(arguments, names.addresses)
    operator = signing.unlock(is_devnet=network.is_devnet).operator
    limit = None if gas is None else Gas(gas)
    sending = L1Transaction(what, callee.address, payload, value, limit)
    with waiting("Sending"):
        receipt = asyncio.run(_send(network, callee.layer, sending, operator))
    book = log_book(network, callee.layer)
    if as_json:
        click.echo(json.dumps(_json(receipt, book, callee.layer), indent=2))
    else:
        _print(receipt, book, callee.layer)


async def _send(
    network: Network, name: LayerName, sending: L1Transaction, operator: Any
) -> L1Receipt:
    async with layer_of(network, name) as layer:
        return await layer.transactor(operator).send(sending)


def _raw(data: str | None) -> bytes:
    try:
        return bytes.fromhex((data or "0x").removeprefix("0x"))
    except ValueError:
        raise InvalidSettings(f"--data {data!r:.80} is not hexadecimal") from None


def _print(receipt: L1Receipt, book: AddressBook, layer: LayerName) -> None:
    console = output.console()
    console.print(
        f"[green]✓[/green] {wire.to_data(receipt.hash)} [dim]({layer.value.upper()} block"
        f" {receipt.block_number}, {receipt.gas_used:,} gas)[/dim]"
    )
    for log in receipt.logs:
        console.print(f"  {event_text(decode_log(log, book), book)}", markup=False)


def _json(receipt: L1Receipt, book: AddressBook, layer: LayerName) -> dict[str, Any]:
    contract = receipt.contract
    return {
        "transaction": wire.to_data(receipt.hash),
        "layer": layer.value,
        "block": receipt.block_number,
        "gasUsed": receipt.gas_used,
        "contract": None if contract is None else to_checksum_address(contract),
        "events": [decode_log(log, book).json() for log in receipt.logs],
    }
