"""`tallystick call`: ask a contract."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import click

from bridge.l1 import wire
from bridge.l1.abi import describe_revert
from bridge.l1.errors import L1CallReverted
from node.abi_text import find_function, plain, shown
from node.cli.contracts import Callee, ContractNames, layer_option
from node.cli.network import Network, both_of, l2_of, network_options
from node.cli.options import json_option
from node.cli.parameters import AddressType, EtherType
from node.known_contracts import LayerName, l2_errors
from node.layer import Layer
from state.errors import Invalid
from state.types import Address, Wei


class CallReverted(Invalid):
    """The contract refused."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} reverted: {reason or 'without a reason'}")


@click.command(short_help="Ask a contract.")
@click.argument("to")
@click.argument("function")
@click.argument("arguments", nargs=-1)
@click.option("--from", "sender", type=AddressType(), help="In whose name.")
@click.option("--value", type=EtherType(), default="0", help="Ether that comes along.")
@click.option("--block", default="latest", show_default=True, help="Number or tag.")
@layer_option
@network_options
@json_option
def call(
    network: Network,
    to: str,
    function: str,
    arguments: tuple[str, ...],
    sender: Address | None,
    value: Wei,
    block: str,
    layer: str | None,
    as_json: bool,
) -> None:
    """Call FUNCTION of contract TO with ARGUMENTS; nothing is sent.

    TO is an address or a contract's name; FUNCTION a signature, with what it returns or without,
    or a name alone where the contract is the rollup's own.

    \b
    tallystick call ClearingHouse getAccountsOf 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266
    tallystick call CollateralToken balanceOf ClearingHouse
    tallystick call Rollup anchor
    tallystick call 0x4200…0100 'totalSupply()(uint256)'
    """
    names = ContractNames.of(network)
    callee = names.find(to, layer)
    asked = find_function(function, callee.abi)
    data = asked.call_data(arguments, names.addresses)
    request = {"to": wire.to_data(callee.address), "data": wire.to_data(data)}
    if sender is not None:
        request["from"] = wire.to_data(sender)
    if value:
        request["value"] = wire.to_quantity(value)
    answer = asyncio.run(_ask(network, callee, request, parse_block(block), asked.signature))
    _print(asked.results(answer), as_json=as_json)


def parse_block(text: str) -> str:
    """A block number, decimal or not, or a tag, as JSON-RPC has it."""
    return wire.to_quantity(int(text)) if text.isdecimal() else text


@contextlib.asynccontextmanager
async def layer_of(network: Network, callee: LayerName) -> AsyncIterator[Layer]:
    """The connection to a layer."""
    if callee is LayerName.L2:
        async with l2_of(network) as l2:
            yield l2
    else:
        async with both_of(network) as layers:
            yield layers.l1


async def _ask(
    network: Network, callee: Callee, request: dict[str, str], block: str, what: str
) -> bytes:
    async with layer_of(network, callee.layer) as layer:
        try:
            answer = await layer.client.rpc.request("eth_call", request, block)
        except L1CallReverted as error:
            reason = describe_revert(error.revert_data, l2_errors()) or error.reason
            raise CallReverted(what, reason) from None
        output = wire.data(answer, "eth_call")
        if not output:
            await layer.client.require_code(callee.address, what)
        return output


def _print(results: list[tuple[str, Any]], *, as_json: bool) -> None:
    if as_json:
        values = [plain(value) for _, value in results]
        click.echo(json.dumps(values[0] if len(values) == 1 else values, indent=2))
        return
    for name, value in results:
        if isinstance(value, dict):
            for key, member in value.items():
                click.echo(f"{key}: {shown(member)}")
        else:
            click.echo(f"{name}: {shown(value)}" if name else shown(value))
