"""`tallystick verify`: derive the chain from L1 alone, and compare."""

import asyncio
import json
import sys
from pathlib import Path

import click
from rich.progress import Progress, TextColumn

from bridge.deployment import Deployment, load_deployment
from bridge.games import GameStatus
from node.cli import output
from node.devnet import DEFAULT_DATA_DIR, read_manifest
from node.verification import VerifiedBlock
from node.verification import verify as run_verification
from state.types import BlockNumber

_ROWS_DEFAULT = 20


@click.command(
    short_help="Derive the chain from L1 and compare.", context_settings={"show_default": True}
)
@click.option("--from", "first", type=int, help="First block; the last 20 by default.")
@click.option("--to", "last", type=int, help="Last block; as far as L1 goes by default.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA_DIR,
    help="The running devnet to verify.",
)
@click.option("--l1-rpc", metavar="URL", help="An L1 endpoint, instead of the devnet's.")
@click.option("--l2-rpc", metavar="URL", help="The node to compare with, instead of the devnet's.")
@click.option(
    "--deployment",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Deployment file, instead of the devnet's.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def verify(
    first: int | None,
    last: int | None,
    data_dir: Path,
    l1_rpc: str | None,
    l2_rpc: str | None,
    deployment: Path | None,
    as_json: bool,
) -> None:
    """Derive every block from L1 alone, execute it again, and compare the roots.

    The node's blocks and the proposals on L1 are held against the result. Exit code 1 when one of
    them is wrong.
    """
    if l1_rpc is None or deployment is None:
        manifest = read_manifest(data_dir)
        l1_rpc = l1_rpc or manifest["l1"]
        l2_rpc = l2_rpc or manifest["sequencer"]
        deployment = deployment or Path(manifest["deployment"])
    blocks = asyncio.run(_verify(load_deployment(deployment), l1_rpc, l2_rpc, first, last))
    if as_json:
        click.echo(json.dumps([_json(block) for block in blocks], indent=2))
    else:
        _print(blocks, shown=blocks if first is not None else blocks[-_ROWS_DEFAULT:])
    if not all(block.is_right for block in blocks):
        sys.exit(1)


async def _verify(
    deployment: Deployment, l1_rpc: str, l2_rpc: str | None, first: int | None, last: int | None
) -> list[VerifiedBlock]:
    columns = (TextColumn("[progress.description]{task.description}"),)
    with Progress(*columns, console=output.console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading the inbox on L1")

        def progress(derived: int, items: int) -> None:
            bar.update(task, description=f"Derived {derived} blocks from {items} inbox items")

        return await run_verification(
            deployment,
            l1_rpc,
            l2_rpc,
            BlockNumber(max(1, first or 1)),
            None if last is None else BlockNumber(last),
            progress,
        )


def _print(blocks: list[VerifiedBlock], shown: list[VerifiedBlock]) -> None:
    console = output.console()
    if not blocks:
        console.print("L1 holds no batch yet: nothing to verify.")
        return
    table = output.table(
        "Block", "Item", "Txs", "Block hash", "State root", "Output root", "Node", "Proposal on L1",
        right=("Block", "Item", "Txs"),
    )  # fmt: skip
    for block in shown:
        table.add_row(
            str(block.number),
            str(block.batch_item),
            str(block.transactions),
            _short(block.hash),
            _short(block.state_root),
            _short(block.output_root),
            _node_verdict(block),
            _proposal_verdict(block),
        )
    console.print(table)
    wrong = [block for block in blocks if not block.is_right]
    span = f"blocks {blocks[0].number} to {blocks[-1].number}"
    if wrong:
        names = ", ".join(str(block.number) for block in wrong)
        console.print(f"[bold red]Wrong:[/bold red] of {span}, L1 determines another {names}.")
    else:
        proposals = sum(block.game is not None for block in blocks)
        console.print(
            f"[bold green]All right:[/bold green] {span} follow from L1 alone, and"
            f" {proposals} proposed output roots match."
        )


def _node_verdict(block: VerifiedBlock) -> str:
    if block.node_hash is None:
        return "[dim]not asked[/dim]"
    return "[green]same[/green]" if block.node_agrees else "[bold red]DIFFERS[/bold red]"


def _proposal_verdict(block: VerifiedBlock) -> str:
    if block.game is None:
        return "[dim]none[/dim]"
    words = {
        GameStatus.IN_PROGRESS: "clock running",
        GameStatus.DEFENDER_WINS: "resolved",
        GameStatus.CHALLENGER_WINS: "refuted",
    }[block.game.status]
    if block.proposal_agrees:
        return f"[green]same[/green], {words}"
    return f"[bold red]DIFFERS[/bold red], {words}"


def _short(value: bytes) -> str:
    return f"0x{value.hex()[:10]}…"


def _json(block: VerifiedBlock) -> dict[str, object]:
    return {
        "number": block.number,
        "item": block.batch_item,
        "transactions": block.transactions,
        "hash": f"0x{block.hash.hex()}",
        "stateRoot": f"0x{block.state_root.hex()}",
        "outputRoot": f"0x{block.output_root.hex()}",
        "nodeAgrees": None if block.node_hash is None else block.node_agrees,
        "proposal": None if block.game is None else f"0x{block.game.root_claim.hex()}",
        "proposalAgrees": None if block.game is None else block.proposal_agrees,
        "right": block.is_right,
    }
