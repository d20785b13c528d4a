"""`tallystick challenge`: prove wrong on L1 whatever is wrong there."""

import asyncio
import json
import sys
from contextlib import nullcontext

import click
from rich.markup import escape

from bridge.l1.accounts import Operator
from node.cli import output
from node.cli.targets import Target, account_options, derivation_progress, rollup_options, signer
from node.derived import derived_chain
from node.devnet import stop_on_signals
from node.dispute.happenings import Happening
from node.roles.challenger import ChallengerRole, Look, Tell
from state.errors import Unavailable

_STYLES = {
    "wrongRoot": "bold red",
    "rightRootAttacked": "bold red",
    "step": "bold",
    "bondClaimed": "green",
    "trouble": "yellow",
    "waiting": "yellow",
}
"""How sentences stand out, by event; the end of a game by how it ended."""


@click.command(short_help="Dispute what is wrong on L1.", context_settings={"show_default": True})
@rollup_options
@account_options
@click.option("--once", is_flag=True, help="Look once; exit code 1 if anything wrong is in play.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def challenge(target: Target, operator: Operator | None, once: bool, as_json: bool) -> None:
    """Derive the chain from L1 alone, and dispute every output root that contradicts it.

    Plays each game down to one step, proves that step on L1, ends the game and claims the bonds.
    Right roots that are disputed are defended. Runs until Ctrl-C; stopped at any moment and
    started again, it goes on where L1 stands. Without --l1-rpc: on the running devnet, as its
    challenger.
    """
    account = signer(target, operator)
    tell = _tell_json if as_json else _teller()
    look = asyncio.run(_run(target, account, tell, once=once, quiet=as_json))
    if look is None:
        return
    if look.wrong:
        sys.exit(1)
    if look.waiting:
        raise Unavailable(f"not everything could be judged: {look.waiting[0]}")


async def _run(
    target: Target, account: Operator, tell: Tell, *, once: bool, quiet: bool
) -> Look | None:
    """Look once and return what was found, or watch until a signal."""
    async with derived_chain(target.l1_url, target.deployment, target.database) as derived:
        role = ChallengerRole(derived, account, tell)
        with nullcontext(lambda _block, _items: None) if quiet else derivation_progress() as shown:
            await derived.catch_up(shown)
        if once:
            return await role.look()
        stopping = asyncio.Event()
        stop_on_signals(stopping)
        watching = asyncio.ensure_future(role.watch())
        ends = (watching, asyncio.ensure_future(stopping.wait()))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
    if not quiet:
        click.echo("Stopped. Start again to go on where L1 stands.")
    return None


def _tell_json(happening: Happening) -> None:
    click.echo(json.dumps(happening.json()))


def _teller() -> Tell:
    console = output.console()

    def tell(happening: Happening) -> None:
        style = _STYLES.get(happening.event)
        if happening.event == "gameEnded":
            style = "bold green" if happening.details["isWon"] else "bold red"
        console.print(escape(happening.sentence), style=style)

    return tell
