"""`tallystick status`: a rollup on one screen."""

import asyncio
import json
from typing import Any, Final

import click
from rich.console import Group
from rich.live import Live

from node.cli import output
from node.cli.network import Network, network_options
from node.cli.options import json_option
from node.cli.progress import waiting
from node.cli.status_tables import render
from node.status import Snapshot, StatusReader
from state.errors import Unavailable

_WATCH_SECONDS: Final = 2.0
"""Between two looks: two blocks of a devnet."""


@click.command(short_help="A rollup on one screen.")
@network_options
@click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")
@json_option
def status(network: Network, watch: bool, as_json: bool) -> None:
    """Both layers with their heads, batches, output roots, disputes, peers, pool, books, margin.

    Everything comes from one L2 node, which asks L1: the devnet's sequencer, or --rpc. With
    --watch and --json each look is one line. Exit code 75 where the node doesn't answer.
    """
    reader = StatusReader(network.l2_url, is_sandbox=network.is_sandbox)
    if watch:
        asyncio.run(_watch(reader, as_json=as_json))
        return
    with waiting("Asking the node"):
        snapshot = asyncio.run(_once(reader))
    if as_json:
        click.echo(json.dumps(snapshot.json(), indent=2))
    else:
        output.screen().print(Group(*render(snapshot)))


async def _once(reader: StatusReader) -> Snapshot:
    async with reader:
        return await reader.read()


async def _watch(reader: StatusReader, *, as_json: bool) -> None:
    async with reader:
        if as_json:
            while True:
                click.echo(json.dumps(await _tried(reader)))
                await asyncio.sleep(_WATCH_SECONDS)
        console = output.screen()
        with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
            while True:
                try:
                    live.update(Group(*render(await reader.read())), refresh=True)
                except Unavailable as error:
                    live.update(Group(f"[yellow]{error}[/yellow]"), refresh=True)
                await asyncio.sleep(_WATCH_SECONDS)


async def _tried(reader: StatusReader) -> dict[str, Any]:
    try:
        return (await reader.read()).json()
    except Unavailable as error:
        return {"error": str(error)}
