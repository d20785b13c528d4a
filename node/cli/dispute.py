"""`tallystick dispute`: look at the games on L1, and play one by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

import click

from bridge.dispute.challenger import Played
from bridge.dispute.game import Move, Resolve, Step
from bridge.l1.accounts import Operator
from bridge.l1.transactor import Transactor
from node.cli import output
from node.cli.dispute_tables import game_json, list_json, print_dispute, print_list
from node.cli.parameters import HashType
from node.cli.targets import Target, account_options, derivation_progress, rollup_options, signer
from node.derived import DerivedChain, derived_chain
from node.dispute import happenings
from node.dispute.games import JudgedDispute, ListedGame, find_dispute, judge, list_games
from node.dispute.hand import Hand
from node.dispute.happenings import Happening
from node.limits import DISPUTE_POLL_SECONDS
from state.types import Hash32, Wei

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
verify_option = click.option(
    "--verify", "verifies", is_flag=True, help="Derive the chain, and say what is right."
)


@click.group(short_help="Games about output roots on L1.")
def dispute() -> None:
    """The games about output roots on L1: see what goes on, or play by hand.

    ID is the index or the address of a game, as `list` shows them. `tallystick challenge` plays
    by itself.
    """


@dispute.command("list")
@rollup_options
@verify_option
@json_option
def list_command(target: Target, verifies: bool, as_json: bool) -> None:
    """All games, the newest last."""

    async def run() -> tuple[list[ListedGame], int]:
        async with _opened(target, derives=verifies) as derived:
            head = await derived.client.header()
            return await list_games(derived, judges=verifies), head.timestamp

    games, now = asyncio.run(run())
    if as_json:
        click.echo(json.dumps([list_json(game) for game in games], indent=2))
    else:
        print_list(output.console(), games, now)


@dispute.command()
@click.argument("game", metavar="ID")
@rollup_options
@verify_option
@json_option
def show(target: Target, game: str, verifies: bool, as_json: bool) -> None:
    """One game with all its claims, bonds and clocks."""

    async def run() -> JudgedDispute:
        async with _opened(target, derives=verifies) as derived:
            found = await find_dispute(derived.client, derived.deployment.rollup, game)
            if verifies:
                return await judge(derived, found)
            return JudgedDispute(found, (None,) * len(found.game.claims))

    shown = asyncio.run(run())
    if as_json:
        click.echo(json.dumps(game_json(shown), indent=2))
    else:
        print_dispute(output.console(), shown)


@dispute.command()
@click.argument("game", metavar="ID")
@click.argument("parent", type=click.IntRange(min=0), required=False)
@click.option(
    "--attack/--defend", "is_attack", default=None, show_default="whichever is right",
    help="Say what is in the middle before the claim, or after it.",
)  # fmt: skip
@click.option("--claim", type=HashType(), show_default="what is right", help="What to claim there.")
@rollup_options
@account_options
@json_option
def move(
    target: Target,
    operator: Operator | None,
    game: str,
    parent: int | None,
    is_attack: bool | None,
    claim: Hash32 | None,
    as_json: bool,
) -> None:
    """Answer claim PARENT of a game with a claim of your own, and stake the bond of its depth.

    Derives the chain from L1 and makes the answer that is right by it: a wrong claim is attacked, a
    right one that stands against the truth is defended, and one that needs no answer is refused.
    Without PARENT it answers the claim that most needs it. With --attack or --defend you decide.

    \b
    tallystick dispute move 0
    tallystick dispute move 0 2 --defend
    """
    if claim is not None and is_attack is None:
        raise click.UsageError("with --claim say where: --attack or --defend")
    if is_attack is not None and parent is None:
        raise click.UsageError("name the claim to attack or defend: its number is in `show`")

    async def run(hand: Hand) -> list[Happening]:
        if parent is None or is_attack is None:
            return [_told(await hand.answer(parent))]
        return [_told(await hand.move(parent, claim, is_attack=is_attack))]

    _play(target, operator, game, run, derives=claim is None, as_json=as_json)


@dispute.command()
@click.argument("game", metavar="ID")
@click.argument("claim", type=click.IntRange(min=0), required=False)
@rollup_options
@account_options
@json_option
def step(
    target: Target, operator: Operator | None, game: str, claim: int | None, as_json: bool
) -> None:
    """Refute CLAIM, which is about a single step, by proving that step on L1.

    Without CLAIM the one that is wrong by the chain that is derived from L1.
    """

    async def run(hand: Hand) -> list[Happening]:
        played, view = await hand.step(claim)
        if not isinstance(played.action, Step):
            raise TypeError(f"{played.action!r} is no step")
        return [happenings.proven(played, played.action, view)]

    _play(target, operator, game, run, derives=True, as_json=as_json)


@dispute.command()
@click.argument("game", metavar="ID")
@rollup_options
@account_options
@json_option
def resolve(target: Target, operator: Operator | None, game: str, as_json: bool) -> None:
    """Resolve the claims whose time is over, and the game if its root is among them."""

    async def run(hand: Hand) -> list[Happening]:
        played = await hand.resolve()
        ended = sum(isinstance(one.action, Resolve) for one in played)
        told = [happenings.claims_resolved(hand.dispute, len(played) - ended)]
        if ended:
            told.append(happenings.game_resolved(played[-1]))
        return told

    _play(target, operator, game, run, derives=False, as_json=as_json)


@dispute.command()
@click.argument("game", metavar="ID")
@rollup_options
@account_options
@json_option
def claim(target: Target, operator: Operator | None, game: str, as_json: bool) -> None:
    """Take out what a finished game owes your account."""

    async def run(hand: Hand) -> list[Happening]:
        return [_told(await hand.claim())]

    _play(target, operator, game, run, derives=False, as_json=as_json)


def _play(
    target: Target,
    operator: Operator | None,
    game: str,
    run: Callable[[Hand], Awaitable[list[Happening]]],
    *,
    derives: bool,
    as_json: bool,
) -> None:
    """Play one game by hand, and print what it led to."""
    account = signer(target, operator)

    async def play() -> list[Happening]:
        async with _opened(target, derives=derives) as derived:
            transactor = Transactor(derived.client, account, poll_seconds=DISPUTE_POLL_SECONDS)
            rollup = derived.deployment.rollup
            found = await find_dispute(derived.client, rollup, game, account.address)
            return await run(Hand(derived, transactor, found))

    _print(asyncio.run(play()), as_json=as_json)


def _print(told: Iterable[Happening], *, as_json: bool) -> None:
    for happening in told:
        click.echo(json.dumps(happening.json()) if as_json else happening.sentence)


def _told(played: Played) -> Happening:
    if isinstance(played.action, Move):
        return happenings.moved(played, played.action, len(played.dispute.game.claims))
    if not isinstance(played.action, int):
        raise TypeError(f"{played.action!r} is neither a move nor a payout")
    return happenings.bond_claimed(played, Wei(played.action))


@asynccontextmanager
async def _opened(target: Target, *, derives: bool) -> AsyncIterator[DerivedChain]:
    """The L1, and our own chain, which is derived only if it is needed."""
    async with derived_chain(target.l1_url, target.deployment, target.database) as derived:
        if derives:
            with derivation_progress() as progress:
                await derived.catch_up(progress)
        yield derived
