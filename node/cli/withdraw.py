"""`tallystick withdraw`: from L2 to L1, the whole way in one command."""

import json
from typing import Any

import click
from eth_utils.address import to_checksum_address

from bridge.l1 import wire
from bridge.l1.client import L1Receipt
from node.bridging.time_travel import TimeTravel
from node.bridging.withdrawing import Begun, Withdrawing
from node.cli import output
from node.cli.amounts import ASSETS, Asset, parse_amount, written
from node.cli.network import Network, both_of, network_options
from node.cli.options import json_option
from node.cli.parameters import AddressType, HashType
from node.cli.progress import Waiting, waiting
from node.cli.signing import Signing, signing_options
from node.cli.stories import play
from node.keystore import UnlockedKey
from state.errors import TallystickError
from state.types import Address, Hash32, Timestamp, Wei


class _Teller:
    """Tells how it goes, on stderr where the result is to be JSON."""

    def __init__(self, line: Waiting, *, silent: bool) -> None:
        self._line = line
        self._silent = silent
        self.begun: Hash32 | None = None
        """What to resume by."""

    def told(self, done: str, detail: str) -> None:
        if not self._silent:
            output.console().print(f"[green]✓[/green] {done} [dim]({detail})[/dim]")

    def waiting(self, what: str, begun: Timestamp | None, until: Timestamp | None) -> None:
        if begun is None or until is None:
            self._line.now(what)
        else:
            self._line.timed(what, begun, until)


@click.command(short_help="Ether or collateral from L2 to L1.")
@click.argument("amount", required=False)
@click.argument("asset", required=False, type=click.Choice(ASSETS))
@click.option("--to", type=AddressType(), show_default="the sender", help="Who gets it on L1.")
@click.option(
    "--resume", type=HashType(), metavar="TX", help="Go on with what this L2 transaction began."
)
@click.option("--no-wait", is_flag=True, help="End when L2 has begun it; --resume goes on.")
@click.option("--no-warp", is_flag=True, help="Wait on a devnet too, and leave its clock alone.")
@network_options
@signing_options
@json_option
def withdraw(
    network: Network,
    signing: Signing,
    amount: str | None,
    asset: str | None,
    to: Address | None,
    resume: Hash32 | None,
    no_wait: bool,
    no_warp: bool,
    as_json: bool,
) -> None:
    """Withdraw AMOUNT of eth or usd: begin on L2, prove on L1, wait for the window, be paid.

    Interrupted, it goes on with --resume and the hash of the L2 transaction. A devnet whose clock
    can be moved doesn't wait: time passes at once, on both layers.

    \b
    tallystick withdraw 0.5 eth --keystore alice
    tallystick withdraw --resume 0x2c8f…
    """
    if (resume is None) == (amount is None) or (amount is None) != (asset is None):
        raise click.UsageError("give either AMOUNT and ASSET, or --resume TX")
    wanted = None
    if amount is not None and asset is not None:
        wanted = (parse_amount(amount, Asset(asset)), Asset(asset))
    key = signing.unlock(is_devnet=network.is_devnet)
    with waiting("Connecting") as line:
        teller = _Teller(line, silent=as_json)
        run = _withdraw(network, key, wanted, to, resume, teller, waits=not no_wait,
                        warps=network.is_devnet and not no_warp)  # fmt: skip
        try:
            facts = play(run)
        except (TallystickError, KeyboardInterrupt, click.Abort):
            _tell_how_to_resume(teller.begun)
            raise
    if as_json:
        click.echo(json.dumps(facts, indent=2))
    elif facts["status"] == "paid":
        words = "Paid" if wanted is None else f"Paid: {written(*wanted)}"
        output.console().print(f"[bold green]{words}[/bold green] [dim]({_where(facts)})[/dim]")
    else:
        click.echo(f"Go on with: tallystick withdraw --resume {facts['l2Transaction']}")


async def _withdraw(
    network: Network,
    key: UnlockedKey,
    wanted: tuple[int, Asset] | None,
    to: Address | None,
    resume: Hash32 | None,
    teller: _Teller,
    *,
    waits: bool,
    warps: bool,
) -> dict[str, Any]:
    async with both_of(network) as layers:
        way = Withdrawing(
            layers.l1,
            layers.l2,
            layers.deployment,
            key.operator,
            teller,
            TimeTravel(layers.l1, layers.l2) if warps else None,
        )
        begun = await _begin(way, wanted, to or key.operator.address, resume)
        teller.begun = begun.transaction
        payment = await way.take_through(begun) if waits else None
        return _json(begun, payment, is_paid=waits)


async def _begin(
    way: Withdrawing, wanted: tuple[int, Asset] | None, to: Address, resume: Hash32 | None
) -> Begun:
    if resume is not None:
        return await way.resumed(resume)
    if wanted is None:
        raise click.UsageError("give an amount")
    units, asset = wanted
    return await (way.ether(to, Wei(units)) if asset is Asset.ETH else way.token(to, units))


def _tell_how_to_resume(begun: Hash32 | None) -> None:
    if begun is not None:
        words = f"Nothing is lost: go on with `tallystick withdraw --resume 0x{begun.hex()}`"
        output.console(stderr=True).print(words, style="yellow", markup=False)


def _where(facts: dict[str, Any]) -> str:
    if facts["l1Transaction"] is None:
        return "somebody else had it paid"
    return f"L1 block {facts['l1Block']}, {facts['l1Transaction']}"


def _json(begun: Begun, payment: L1Receipt | None, *, is_paid: bool) -> dict[str, Any]:
    withdrawal = begun.withdrawal
    return {
        "status": "paid" if is_paid else "initiated",
        "withdrawal": wire.to_data(withdrawal.hash),
        "sender": to_checksum_address(withdrawal.sender),
        "target": to_checksum_address(withdrawal.target),
        "value": str(withdrawal.value),
        "l2Transaction": wire.to_data(begun.transaction),
        "l2Block": begun.block,
        "l1Transaction": None if payment is None else wire.to_data(payment.hash),
        "l1Block": None if payment is None else payment.block_number,
    }
