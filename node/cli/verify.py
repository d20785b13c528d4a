"""`tallystick verify`: derive the chain from L1 alone, and compare."""

import asyncio
import json
import sys
from pathlib import Path

import click

from bridge.deployment import Deployment, load_deployment
from bridge.games import GameStatus
from node.cli import output
from node.cli.exit_codes import EXIT_FAILURE, EXIT_NOTHING
from node.cli.targets import derivation_progress
from node.devnet import DEFAULT_DATA_DIR, read_manifest
from node.verification import Verification, VerifiedBlock
from node.verification import verify as run_verification
from state.types import BlockNumber

_ROWS_DEFAULT = 20


@click.command(
    short_help="Derive the chain from L1 and compare.", context_settings={"show_default": True}
)
@click.option(
    "--from", "first", type=click.IntRange(1), show_default="1, of which the last 20 are shown",
    help="First block.",
)  # fmt: skip
@click.option(
    "--to", "last", type=click.IntRange(1), show_default="as far as L1 goes", help="Last block."
)
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
    them is wrong; 3 when there was nothing to verify, because L1 holds no batch yet, or when L1
    doesn't go as far as --to.
    """
    if first is not None and last is not None and first > last:
        raise click.UsageError(f"--from {first} is after --to {last}")
    if l1_rpc is None or deployment is None:
        manifest = read_manifest(data_dir)
        l1_rpc = l1_rpc or manifest["l1"]
        l2_rpc = l2_rpc or manifest["sequencer"]
        deployment = deployment or Path(manifest["deployment"])
    found = asyncio.run(_verify(load_deployment(deployment), l1_rpc, l2_rpc, first, last))
    if as_json:
        click.echo(json.dumps([_json(block) for block in found.blocks], indent=2))
    elif found.blocks:
        _print(found, shown=found.blocks if first is not None else found.blocks[-_ROWS_DEFAULT:])
    missing = _missing(found, first or 1, last)
    if missing is not None:
        click.echo(missing, err=True)
    if found.wrong:
        sys.exit(EXIT_FAILURE)
    if missing is not None:
        sys.exit(EXIT_NOTHING)


def _missing(found: Verification, first: int, last: int | None) -> str | None:
    """Which of the blocks that were asked for L1 doesn't determine yet."""
    if found.newest == 0:
        return "L1 holds no batch yet: nothing to verify."
    if first > found.newest:
        return f"L1 goes to block {found.newest}: there is no block {first} to verify yet."
    if last is not None and last > found.newest:
        return f"L1 goes to block {found.newest}: those from there to {last} are not verified."
    return None


async def _verify(
    deployment: Deployment, l1_rpc: str, l2_rpc: str | None, first: int | None, last: int | None
) -> Verification:
    with derivation_progress() as progress:
        return await run_verification(
            deployment,
            l1_rpc,
            l2_rpc,
            BlockNumber(first or 1),
            None if last is None else BlockNumber(last),
            progress,
        )


def _print(found: Verification, shown: tuple[VerifiedBlock, ...]) -> None:
    console, blocks = output.console(), found.blocks
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
    span = f"blocks {blocks[0].number} to {blocks[-1].number}"
    if found.wrong:
        names = ", ".join(str(block.number) for block in found.wrong)
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
