"""`tallystick prove-step`: take one step of a block, and have L1 check it."""

import asyncio
import json
import sys
from pathlib import Path

import click
from eth_utils.address import to_checksum_address
from rich.console import Console

from bridge.dispute.trace import BLOCK_STEPS, Subject, TraceBook
from node.cli import output
from node.cli.targets import Target, derivation_progress, rollup_options
from node.derived import DerivedChain, derived_chain
from node.dispute.games import find_dispute
from node.dispute.happenings import hex_of, step_json
from node.dispute.step_proof import L1Answer, ask_l1
from node.dispute.step_view import InstructionView, StepView, view_step
from node.settings import InvalidSettings
from state.errors import Unavailable
from state.files import write_atomically
from state.types import BlockNumber

_STACK_ROWS = 8
"""Items of a stack that are shown, from the top."""


@click.command(
    "prove-step", short_help="Have L1 check one step.", context_settings={"show_default": True}
)
@rollup_options
@click.option("--block", type=click.IntRange(min=1), required=True, help="The block.")
@click.option(
    "--step", type=click.IntRange(0, BLOCK_STEPS - 1), required=True,
    help="Steps of the block before it; a block that is done idles.",
)  # fmt: skip
@click.option("--game", metavar="ID", help="As a step of this game: its index or address.")
@click.option(
    "--witness-out", type=click.Path(dir_okay=False, path_type=Path),
    help="Write the witness to this file.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def prove_step(
    target: Target,
    block: int,
    step: int,
    game: str | None,
    witness_out: Path | None,
    as_json: bool,
) -> None:
    """Derive a block, take one of its steps, and ask the prover on L1 what follows.

    Shows what the step is, its witness and its gas. Exit code 1 when L1 comes to another state.
    """
    view, answer = asyncio.run(_prove(target, BlockNumber(block), step, game))
    if witness_out is not None:
        write_atomically(witness_out, view.witness)
    if as_json:
        click.echo(json.dumps(_json(view, answer), indent=2))
    else:
        _print(output.console(), view, answer)
    if not answer.agrees(view):
        sys.exit(1)


async def _prove(
    target: Target, block: BlockNumber, step: int, game: str | None
) -> tuple[StepView, L1Answer]:
    async with derived_chain(target.l1_url, target.deployment, target.database) as derived:
        with derivation_progress() as progress:
            await derived.catch_up(progress)
        subject = await _subject(derived, block, game)
        index = (block - 1 - subject.anchor_block) * BLOCK_STEPS + step
        trace = TraceBook(derived.local).trace_of(subject)
        view = await derived.chain.write(lambda: view_step(trace, index))
        return view, await ask_l1(derived, subject, view)


async def _subject(derived: DerivedChain, block: BlockNumber, game: str | None) -> Subject:
    """The game that is named; or one of our own about the block, from its parent on."""
    if game is None:
        parent = BlockNumber(block - 1)
        root = derived.local.view.output_root(parent)
        if root is None or block > derived.safe:
            raise Unavailable(f"L1 determines {derived.safe} blocks so far, not block {block}")
        return Subject(root, parent, block, derived.local.log.count)
    subject = (await find_dispute(derived.client, derived.deployment.rollup, game)).subject
    if block <= subject.anchor_block:
        raise InvalidSettings(
            f"the game begins after block {subject.anchor_block}: block {block} is settled"
        )
    return subject


def _print(console: Console, view: StepView, answer: L1Answer) -> None:
    console.print(f"[bold]Step {view.step:,} of block {view.block}: {view.title}[/bold]")
    table = output.table("", "")
    table.add_row("Trace index", f"{view.trace_index:,}")
    table.add_row("Status", f"{view.status.name}, then {view.next_status.name}")
    if view.instruction is not None:
        one = view.instruction
        table.add_row(
            "Contract", f"{to_checksum_address(one.address)}, depth {one.depth}, pc {one.pc}"
        )
        table.add_row("Gas of the frame", f"{one.gas:,} before, {one.gas_after:,} after")
    table.add_row("State before", hex_of(view.before))
    table.add_row("State after", hex_of(view.after))
    table.add_row("Witness", f"{len(view.witness):,} bytes")
    table.add_row("Prover on L1", to_checksum_address(answer.prover))
    if answer.gas is not None:
        table.add_row("Gas on L1", f"{answer.gas:,}")
    console.print(table)
    if view.instruction is not None:
        _print_stacks(console, view.instruction)
    console.print(_verdict(view, answer))


def _print_stacks(console: Console, one: InstructionView) -> None:
    """The tops of both stacks side by side; how much lies below."""
    if one.failure is not None:
        console.print(f"It fails: {one.failure}. All gas of its frame is gone.")
        return
    table = output.table("Stack before", "Stack after")
    before, after = one.stack[::-1][:_STACK_ROWS], one.stack_after[::-1][:_STACK_ROWS]
    for row in range(max(len(before), len(after))):
        table.add_row(*(hex(side[row]) if row < len(side) else "" for side in (before, after)))
    table.add_row(*(_rest(len(stack)) for stack in (one.stack, one.stack_after)))
    console.print()
    console.print(table)


def _rest(size: int) -> str:
    if size == 0:
        return "[dim]empty[/dim]"
    return f"[dim]and {size - _STACK_ROWS} below[/dim]" if size > _STACK_ROWS else ""


def _verdict(view: StepView, answer: L1Answer) -> str:
    if answer.agrees(view):
        return "[bold green]L1 agrees:[/bold green] that state follows."
    if answer.post_state is None:
        return f"[bold red]L1 refuses the witness:[/bold red] {answer.revert}"
    return f"[bold red]L1 DIFFERS:[/bold red] there {hex_of(answer.post_state)} follows."


def _json(view: StepView, answer: L1Answer) -> dict[str, object]:
    return {
        **step_json(view),
        "prover": hex_of(answer.prover),
        "l1PostState": None if answer.post_state is None else hex_of(answer.post_state),
        "l1Revert": answer.revert,
        "l1Gas": answer.gas,
        "agrees": answer.agrees(view),
    }
