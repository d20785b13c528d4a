"""`tallystick logs`: events, decoded, of the past and as they come."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import click

from bridge.l1 import wire
from bridge.l1.abi import event_topic
from bridge.l1.rpc import RpcClient
from execution.contracts.abi import topic_of
from node.abi_text import split_signature
from node.cli import output
from node.cli.call import layer_of
from node.cli.contracts import Callee, ContractNames, layer_option, log_book
from node.cli.network import Network, network_options
from node.cli.options import json_option
from node.decoded_logs import DecodedLog, decode_log, event_text
from node.decoding.book import AddressBook
from node.known_contracts import LayerName
from node.layer import Layer
from node.settings import InvalidSettings
from state.blocks import Log

_BLOCKS_DEFAULT: Final = 100
_BLOCKS_PER_CALL: Final = 2_000
"""A span that every endpoint answers, busy contracts included."""
_FOLLOW_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class PlacedLog:
    """A decoded log and where it is."""

    block: int
    transaction: str
    index: int
    decoded: DecodedLog


@click.command(short_help="Events, decoded.")
@click.argument("contract", required=False)
@click.option("--event", help="Its name, or its signature for a contract that isn't known.")
@click.option(
    "--from-block", type=click.IntRange(0), show_default=f"the newest {_BLOCKS_DEFAULT} blocks",
    help="First block.",
)  # fmt: skip
@click.option("--to-block", type=click.IntRange(0), show_default="the newest", help="Last block.")
@click.option("--follow", is_flag=True, help="Go on with every new block, until Ctrl-C.")
@layer_option
@network_options
@json_option
def logs(
    network: Network,
    contract: str | None,
    event: str | None,
    from_block: int | None,
    to_block: int | None,
    follow: bool,
    layer: str | None,
    as_json: bool,
) -> None:
    """Events of CONTRACT (a name or an address; all contracts without), oldest first.

    With --json each event is one line.

    \b
    tallystick logs ClearingHouse --event FillSettled --follow
    tallystick logs Rollup --from-block 0
    tallystick logs 0xA0b8…eB48 --event 'Transfer(address,address,uint256)'
    """
    if follow and to_block is not None:
        raise click.UsageError("give either --follow or --to-block")
    callee = None if contract is None else ContractNames.of(network).find(contract, layer)
    where = LayerName(layer or LayerName.L2) if callee is None else callee.layer
    criteria, book = _criteria(callee, event), log_book(network, where)
    asyncio.run(_run(network, where, criteria, book, from_block, to_block, follow, as_json))


async def _run(
    network: Network,
    where: LayerName,
    criteria: dict[str, Any],
    book: AddressBook,
    first: int | None,
    last: int | None,
    follow: bool,
    as_json: bool,
) -> None:
    async with layer_of(network, where) as layer:
        head = (await layer.client.header()).number
        start = max(0, head - _BLOCKS_DEFAULT + 1) if first is None else first
        end = head if last is None else min(last, head)
        async for one in _read(layer.client.rpc, criteria, start, end, book):
            _print(one, book, as_json=as_json)
        while follow:
            start, end = end + 1, await _next_head(layer, end)
            async for one in _read(layer.client.rpc, criteria, start, end, book):
                _print(one, book, as_json=as_json)


async def _next_head(layer: Layer, seen: int) -> int:
    """The newest block, once it is newer than `seen`."""
    while (head := (await layer.client.header()).number) <= seen:
        await asyncio.sleep(_FOLLOW_SECONDS)
    return head


async def _read(
    rpc: RpcClient,
    criteria: dict[str, Any],
    first: int,
    last: int,
    book: AddressBook,
) -> AsyncIterator[PlacedLog]:
    """Events of a span of blocks, asked for in pieces."""
    for start in range(first, last + 1, _BLOCKS_PER_CALL):
        span = {
            "fromBlock": wire.to_quantity(start),
            "toBlock": wire.to_quantity(min(last, start + _BLOCKS_PER_CALL - 1)),
        }
        answer = await rpc.request("eth_getLogs", {**criteria, **span})
        for entry in wire.list_(answer, "eth_getLogs"):
            yield _placed(wire.object_(entry, "a log"), book)


def _criteria(callee: Callee | None, event: str | None) -> dict[str, Any]:
    criteria: dict[str, Any] = {}
    if callee is not None:
        criteria["address"] = wire.to_data(callee.address)
    if event is not None:
        criteria["topics"] = [wire.to_data(_topic(callee, event))]
    return criteria


def _topic(callee: Callee | None, event: str) -> bytes:
    """The first topic of an event by name or signature. Raises `InvalidSettings`."""
    if "(" in event:
        return event_topic(split_signature(event).signature)
    if callee is None or callee.abi is None:
        raise InvalidSettings(
            f"{event!r:.80} is a name alone: name the contract too, or give the signature"
        )
    for item in callee.abi.items:
        if item["type"] == "event" and item["name"] == event:
            return topic_of(item)
    known = sorted(item["name"] for item in callee.abi.items if item["type"] == "event")
    raise InvalidSettings(f"the contract has no event {event!r:.80}, but {', '.join(known)}")


def _placed(entry: wire.Json, book: AddressBook) -> PlacedLog:
    topics = wire.list_(entry.get("topics"), "topics")
    log = Log(
        address=wire.address(entry.get("address"), "the log's address"),
        topics=tuple(wire.hash_(topic, "a topic") for topic in topics),
        data=wire.data(entry.get("data"), "the log's data"),
    )
    return PlacedLog(
        block=wire.quantity(entry.get("blockNumber"), "blockNumber"),
        transaction=str(entry.get("transactionHash")),
        index=wire.quantity(entry.get("logIndex"), "logIndex"),
        decoded=decode_log(log, book),
    )


def _print(one: PlacedLog, book: AddressBook, *, as_json: bool) -> None:
    if as_json:
        place = {"block": one.block, "transaction": one.transaction, "logIndex": one.index}
        click.echo(json.dumps({**place, **one.decoded.json()}))
        return
    console = output.console()
    console.print(f"[dim]{one.block:>8}[/dim]  ", end="")
    console.print(event_text(one.decoded, book), markup=False)
