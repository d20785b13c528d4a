"""`tallystick keeper`: keepers against any node, by whoever runs them."""

import asyncio
import contextlib
import json
import signal
from typing import Any

import click
from rich.console import Console

from genesis.networks import L2_DEVNET_CHAIN_ID
from node.cli import output
from node.cli.keeper_options import KeeperOptions, keeper_options
from node.cli.options import config_option
from node.cli.signing import Signing, key_options
from node.keepers.crew import crew
from node.keepers.keeper import Done, Keeper, Tell, take_step
from node.keepers.service import Memory, keep_all
from node.keepers.settings import CrewSettings, parse_duties
from node.logs import configure_logging


@click.command(short_help="Keep the books in order.", context_settings={"show_default": True})
@config_option
@click.argument("duties", nargs=-1, required=True, metavar="KEEPER...")
@click.option("--rpc-url", default="http://127.0.0.1:9545", metavar="URL", help="A node of L2.")
@click.option("--chain-id", default=L2_DEVNET_CHAIN_ID, help="Chain id expected of it.")
@key_options
@click.option("--dev", is_flag=True, help="Sign with a devnet's well-known keeper and oracle.")
@keeper_options
@click.option("--once", is_flag=True, help="One step of each, then end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def keeper(
    signing: Signing,
    duties: tuple[str, ...],
    rpc_url: str,
    chain_id: int,
    dev: bool,
    keeper: KeeperOptions,
    once: bool,
    as_json: bool,
) -> None:
    """Do what anybody may do to keep the books in order, over a node's JSON-RPC. Ctrl-C stops it.

    \b
    oracle       relays rounds of signed prices and option inputs
    funding      accrues funding at the end of an interval
    arrays       prices option series that are held
    liquidator   closes accounts below maintenance margin, reports debts
    deleverager  closes what nobody takes against those who gained
    expiry       settles option series that have expired
    closing      ends markets that have died
    exits        executes exits that owners asked for
    all          every one of them
    """
    chosen = parse_duties(duties)
    settings = keeper.crew(chosen, rpc_url, chain_id, signing.named(), dev=dev)
    tell = JsonLines().tell if as_json else Lines(output.console()).tell
    configure_logging()
    asyncio.run(_step_once(settings, tell) if once else _run(settings, tell))


async def _step_once(settings: CrewSettings, tell: Tell) -> None:
    """A step of each, in their order. Raises what the first to fail raises."""
    async with crew(settings) as keepers:
        for one in keepers:
            tell(one, await take_step(one))


async def _run(settings: CrewSettings, tell: Tell) -> None:
    """Steps until a signal."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with crew(settings) as keepers:
        running = asyncio.create_task(keep_all(keepers, tell))
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait((running, stop), return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not running.done():
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


class Lines:
    """What keepers do, for people."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._memory = Memory()

    def tell(self, keeper: Keeper, done: Done) -> None:
        for sent in done.sent:
            self._console.print(
                f"[green]✓[/green] {keeper.name:<12} {sent.what}"
                f" [dim](block {sent.block}, {sent.gas_used:,} gas)[/dim]"
            )
        for refused in self._memory.new_refusals(keeper, done):
            self._console.print(
                f"[yellow]–[/yellow] {keeper.name:<12} {refused.what}: [dim]{refused.reason}[/dim]"
            )


class JsonLines:
    """What keepers do, for programs."""

    def tell(self, keeper: Keeper, done: Done) -> None:
        for sent in done.sent:
            self._print(
                keeper,
                what=sent.what,
                transaction=f"0x{sent.transaction.hex()}",
                block=sent.block,
                gasUsed=sent.gas_used,
            )
        for refused in done.refused:
            self._print(keeper, what=refused.what, refused=refused.reason)

    def _print(self, keeper: Keeper, **members: Any) -> None:
        click.echo(json.dumps({"keeper": keeper.name, **members}))
