"""`tallystick demo`: stories on a running devnet."""

import contextlib
import json
from pathlib import Path

import click

from bridge.deployment import load_deployment
from bridge.dispute.faults import FaultKind
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.rpc import RpcClient
from node.cli import crash_story, fraud_story, output, trade_story
from node.cli.options import data_dir_option
from node.cli.stories import Silence, Teller, json_option, play
from node.demo.crash import CrashDemo
from node.demo.crash_story import Audience as CrashAudience
from node.demo.crash_story import CrashStory
from node.demo.fraud import FraudDemo
from node.demo.fraud_story import Audience as FraudAudience
from node.demo.fraud_story import FraudStory
from node.demo.ledger import UnbalancedBooks
from node.demo.shapes import MARCH_2020, SHAPES, Shape
from node.demo.stage import Stage
from node.demo.trade import TradeDemo, layers
from node.demo.trade_story import Audience as TradeAudience
from node.demo.trade_story import TradeStory
from node.derived import derived_chain
from node.devnet import read_manifest
from node.devnet_nodes import PRICE_FILE
from node.keepers.batches import BatchClient
from node.keepers.books import Books
from node.layer import Layer


@click.group()
def demo() -> None:
    """Show on a running devnet how things work."""


@demo.command(context_settings={"show_default": True})
@data_dir_option
@json_option
def trade(data_dir: Path, as_json: bool) -> None:
    """Collateral from L1, a perpetual trade, a refused one, and a withdrawal back to L1.

    Takes about a minute: a withdrawal is paid only once its output root is resolved.
    """
    manifest = read_manifest(data_dir)
    if as_json:
        story = play(_run_trade(manifest, Silence()))
        click.echo(json.dumps(trade_story.story_json(story), indent=2))
        return
    console = output.console()
    with console.status("Connecting") as spinner:
        story = play(_run_trade(manifest, Teller(console, spinner)))
    trade_story.print_end(console, story)


@demo.command(context_settings={"show_default": True})
@data_dir_option
@click.option(
    "--kind", type=click.Choice([one.value for one in FaultKind]), default=FaultKind.MARGIN.value,
    help="What to lie about, where nobody lies yet.",
)  # fmt: skip
@json_option
def fraud(data_dir: Path, kind: str, as_json: bool) -> None:
    """A wrong output root, disputed down to one step that L1 executes; who is paid in the end.

    On a devnet with --fault its own liar is the opponent; on any other the demo lies itself, with
    the last of the funded accounts. Takes about two minutes: each answer needs an L1 block.
    """
    manifest = read_manifest(data_dir)
    if as_json:
        story = play(_run_fraud(manifest, FaultKind(kind), fraud_story.Silence()))
        click.echo(json.dumps(fraud_story.story_json(story), indent=2))
        return
    console = output.console()
    with console.status("Connecting") as spinner:
        story = play(_run_fraud(manifest, FaultKind(kind), fraud_story.Teller(console, spinner)))
    fraud_story.print_end(console, story)


@demo.command(context_settings={"show_default": True})
@data_dir_option
@click.option(
    "--shape", "name", type=click.Choice(sorted(SHAPES)), default=MARCH_2020.name,
    help="Which crash to play.",
)  # fmt: skip
@click.option("--seed", type=int, default=1, help="Of the noise on its prices.")
@json_option
def crash(data_dir: Path, name: str, seed: int, as_json: bool) -> None:
    """A crash that happened, played through the devnet's prices; its keepers do the rest.

    Traders with leverage fail, backstops take their positions, insurance pays until it can't, and
    who gained is deleveraged. Then the books are added up: the exit code is 1 where they don't
    balance. Takes about three minutes, and needs a devnet with keepers.
    """
    manifest = read_manifest(data_dir)
    stage, shape = Stage(data_dir / PRICE_FILE), SHAPES[name]
    if as_json:
        story = play(_run_crash(manifest, stage, shape, seed, crash_story.Silence()))
        click.echo(json.dumps(crash_story.story_json(story), indent=2))
    else:
        console = output.console()
        with console.status("Connecting") as spinner:
            teller = crash_story.Teller(console, spinner)
            story = play(_run_crash(manifest, stage, shape, seed, teller))
        crash_story.print_end(console, story)
    if not story.ledger.balances:
        raise UnbalancedBooks(story.ledger)


async def _run_crash(
    manifest: dict[str, str], stage: Stage, shape: Shape, seed: int, audience: CrashAudience
) -> CrashStory:
    deployment = load_deployment(Path(manifest["deployment"]))
    async with (
        RpcClient(manifest["l1"]) as l1_rpc,
        contextlib.aclosing(BatchClient(manifest["sequencer"])) as l2_rpc,
    ):
        l1 = L1Client(l1_rpc, chain_id=deployment.l1_chain_id, errors=l1_errors())
        books = Books.over(l2_rpc, deployment.l2_chain_id)
        return await CrashDemo(
            l1=Layer(l1),
            l2=Layer(books.client),
            deployment=deployment,
            books=books,
            stage=stage,
            shape=shape,
            seed=seed,
            audience=audience,
        ).run()


async def _run_fraud(
    manifest: dict[str, str], kind: FaultKind, audience: FraudAudience
) -> FraudStory:
    deployment = load_deployment(Path(manifest["deployment"]))
    async with (
        derived_chain(manifest["l1"], deployment, None) as derived,
        RpcClient(manifest["sequencer"]) as l2_rpc,
    ):
        l1, l2 = layers(derived.client, L1Client(l2_rpc, chain_id=deployment.l2_chain_id))
        return await FraudDemo(derived, l1, l2, kind, audience).run()


async def _run_trade(manifest: dict[str, str], audience: TradeAudience) -> TradeStory:
    deployment = load_deployment(Path(manifest["deployment"]))
    async with (
        RpcClient(manifest["l1"]) as l1_rpc,
        RpcClient(manifest["sequencer"]) as l2_rpc,
    ):
        l1, l2 = layers(
            L1Client(l1_rpc, chain_id=deployment.l1_chain_id, errors=l1_errors()),
            L1Client(l2_rpc, chain_id=deployment.l2_chain_id),
        )
        return await TradeDemo(l1, l2, deployment, audience).run()
