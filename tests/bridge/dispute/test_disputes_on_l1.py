"""Whole disputes on L1: the real game, the real provers, and a challenger that derives the chain.

Each game starts from the same three blocks; a liar who plays all 46 levels is led to the very step
where its trace goes wrong, and L1 executes that step.
"""

import os
from dataclasses import replace

import pytest

from bridge.dispute.challenger import Challenger, Played
from bridge.dispute.game import Step
from bridge.dispute.limits import ANSWERS_PER_RESOLUTION_MAX, CLAIMS_PER_CALL_MAX, DEPTH_MAX
from bridge.dispute.trace import BLOCK_STEPS
from bridge.games import GameStatus
from bridge.l1 import contracts
from bridge.l1.transactor import Sleep
from bridge.machine.prefix import Prefix
from state.types import BlockNumber, Hash32
from tests.bridge.dispute.conftest import InCourt
from tests.bridge.dispute.l1_disputes import (
    ALICE,
    EXTENSION,
    LAST_INDEX,
    PAYOUT,
    WINDOW,
    Court,
    Killed,
    KilledAfterEach,
    duel,
    end,
    forged,
)

pytestmark = pytest.mark.slow

ALL = bool(os.environ.get("TALLYSTICK_ALL"))

LEAVES = {
    "first leaf": 0,
    "last padded leaf before a block boundary": BLOCK_STEPS - 1,
    "first leaf behind a block boundary": BLOCK_STEPS,
    "last leaf": LAST_INDEX,
}
MORE_LEAVES = {
    "padded leaf of a block": BLOCK_STEPS // 2,
    "first leaf behind the claimed block": 3 * BLOCK_STEPS,
}
LEAVES |= MORE_LEAVES if ALL else {}
"""Places in the trace of three blocks, by their index; the default run has a sample."""

SPAM = 1_000 if ALL else 270
assert min(CLAIMS_PER_CALL_MAX, ANSWERS_PER_RESOLUTION_MAX) < SPAM

WRONG = Hash32(b"\x66" * 32)


async def refute(court: Court, root: Hash32, number: int, index: int, **prefix: int) -> Played:
    """Propose a wrong root and defend it by a trace that is wrong from a step on. Alice must win,
    by that very step, and go home with more than she came with; returns her step."""
    game = await court.propose(root, number, **prefix)
    before, alice = await court.balance(), court.alice()
    played = await duel(alice, court.mallory(game, await court.lie(game, index)))
    (step,) = (one for one in played if isinstance(one.action, Step))
    assert isinstance(step.action, Step)
    assert step.action.trace_index == index
    assert await end(court, game, alice) is GameStatus.CHALLENGER_WINS
    assert await court.balance() > before
    return step


# Where in the trace


@pytest.mark.parametrize("place", LEAVES)
def test_lie_at_first_last_and_padded_leaf_and_block_boundary_is_refuted(
    in_court: InCourt, place: str
) -> None:
    async def scenario(court: Court) -> None:
        await refute(court, forged(court.root(3)), 3, LEAVES[place])

    in_court(scenario)


# Roots that are right somewhere else


def test_root_for_a_future_block_is_refuted(in_court: InCourt) -> None:
    """The inbox has three blocks; whatever is said of the ninth, the trace is exhausted before."""

    async def scenario(court: Court) -> None:
        await refute(court, court.root(3), 9, 3 * BLOCK_STEPS)

    in_court(scenario)


def test_root_for_an_unsafe_block_is_refuted_though_it_becomes_safe(in_court: InCourt) -> None:
    """What the sequencer announced and then posted is right, but not by the game's prefix."""

    async def scenario(court: Court) -> None:
        items = court.rig.log.count
        await court.gift(4)
        await court.post()
        await refute(court, court.root(4), 4, 3 * BLOCK_STEPS, items=items)

    in_court(scenario)


@pytest.mark.parametrize("number", [2, 4] if ALL else [4])
def test_root_for_a_wrong_numbered_block_is_refuted(in_court: InCourt, number: int) -> None:
    """The third block's root, said of the one before or after it."""

    async def scenario(court: Court) -> None:
        await court.gift(4)
        await court.post()
        await refute(court, court.root(3), number, LAST_INDEX)

    in_court(scenario)


def test_root_over_a_wrong_inbox_prefix_is_refuted(in_court: InCourt) -> None:
    """The third block's batch is on L1 when the game begins, but the proposer left it out."""

    async def scenario(court: Court) -> None:
        items = court.rig.log.count - 1
        await refute(court, court.root(3), 3, 2 * BLOCK_STEPS, items=items)

    in_court(scenario)


def test_right_root_with_a_wrong_cursor_is_refuted_at_the_blocks_seal(in_court: InCourt) -> None:
    """Same block, same state: only where the next block is to be read from is wrong."""

    async def scenario(court: Court) -> None:
        boundary = court.local.boundary(BlockNumber(3))
        cursor = replace(boundary.cursor, next_batch=boundary.cursor.next_batch + 1)
        root = replace(boundary, cursor=cursor).output_root
        machine = court.local.machine_after(
            BlockNumber(2), Prefix(court.rig.log, court.rig.log.count), BlockNumber(3)
        )
        seal = 2 * BLOCK_STEPS + machine.run() - 1
        await refute(court, root, 3, seal)

    in_court(scenario)


# Right roots


def test_right_root_under_attack_by_a_lying_challenger_is_defended(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        game = await court.propose(court.root(3), 3)
        before, alice = await court.balance(), court.alice()
        lie = await court.lie(game, BLOCK_STEPS + 40, forged(court.root(3)))
        await duel(alice, court.mallory(game, lie))
        assert await end(court, game, alice) is GameStatus.DEFENDER_WINS
        assert await court.balance() > before
        anchor = await court.rig.client.call(court.rig.deployment.rollup, contracts.ANCHOR)
        assert anchor == (court.root(3), 3)

    in_court(scenario)


def test_right_root_is_not_answered(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        await court.propose(court.root(2), 2)
        assert not (await court.alice().step()).played

    in_court(scenario)


# Spam


def test_thousand_spam_children_are_read_and_resolved_in_pages(in_court: InCourt) -> None:
    """Mallory attacks a right root, Alice answers her, and hundreds of claims that can't hurt stand
    beside that answer: more than one call reads, and than one transaction resolves."""

    async def scenario(court: Court) -> None:
        game = await court.propose(court.root(3), 3)
        await court.attack(game, (await court.read(game)).game.claims[0], WRONG)
        before, alice = await court.balance(), court.alice()
        assert len((await alice.step()).played) == 1
        await court.spam(game, (await court.read(game)).game.claims[1], SPAM)
        assert not (await alice.step()).played
        assert len((await court.read(game)).game.claims) == SPAM + 3
        court.wait(2 * WINDOW)
        await court.resolve_by_strangers(game, range(3, SPAM + 3))
        assert await end(court, game, alice) is GameStatus.DEFENDER_WINS
        claims = (await court.read(game)).game.claims
        assert all(claim.is_resolved for claim in claims)
        assert claims[1].countered_by == ALICE.address
        assert await court.balance() > before

    in_court(scenario)


# Time


def test_last_second_moves_leave_the_challenger_its_extension(in_court: InCourt) -> None:
    """Mallory makes each of her moves a second before her time is over."""

    async def scenario(court: Court) -> None:
        game = await court.propose(forged(court.root(3)), 3)
        alice = court.alice()
        mallory = court.mallory(game, await court.lie(game, BLOCK_STEPS + 7))
        while (await alice.step()).played:
            newest = len((await court.read(game)).game.claims) - 1
            last_second = await court.expiry(game, newest) - 1
            court.anvil.ask("evm_setNextBlockTimestamp", last_second)
            if not (await mallory.step()).played:
                break
            assert await court.expiry(game, newest + 1) - last_second >= EXTENSION
        assert await end(court, game, alice) is GameStatus.CHALLENGER_WINS

    in_court(scenario)


# Restarts


@pytest.mark.parametrize("moment", ["before the receipt", "after the receipt"])
def test_challenger_killed_and_restarted_between_any_two_moves_wins(
    in_court: InCourt, moment: str
) -> None:
    """Each action is done by another challenger, and the one before it didn't live to see, or to
    note, that its own action is on L1: no move is left out, and none is made twice.

    The end of the game comes in rows of transactions, whose players die after the first of them.
    """

    async def scenario(court: Court) -> None:
        game = await court.propose(forged(court.root(3)), 3)
        mallory = court.mallory(game, await court.lie(game, BLOCK_STEPS + 7))
        before = await court.balance()
        lives = await play_and_die(court, mallory, moment)
        assert lives == DEPTH_MAX // 2 + 1, "one for each move, and one for the step"
        claims = (await court.read(game)).game.claims
        assert [claim.parent_index for claim in claims] == [None, *range(len(claims) - 1)]
        assert claims[-1].countered_by == ALICE.address
        for seconds in (2 * WINDOW, PAYOUT):
            court.wait(seconds)
            assert await play_and_die(court, mallory, "after the receipt")
        assert (await court.read(game)).game.status is GameStatus.CHALLENGER_WINS
        assert await court.balance() > before

    in_court(scenario)


async def play_and_die(court: Court, mallory: Challenger, moment: str) -> int:
    """Let challengers that live for one action play until none has anything to do; how many."""
    lives = 0
    while True:
        if await dies(court, moment):
            lives += 1
        elif not (await mallory.step()).played:
            return lives


async def dies(court: Court, moment: str) -> bool:
    """Start a challenger; whether it does anything, and so is killed."""
    if moment == "after the receipt":
        alice = court.alice(spectator=KilledAfterEach())
    else:
        alice = court.alice(sleep=killed_waiting(court))
        court.anvil.automine(False)
    try:
        await alice.step()
    except Killed:
        return True
    finally:
        court.anvil.automine(True)
    return False


def killed_waiting(court: Court) -> Sleep:
    """Ends a player that has sent something, which then gets into a block."""

    async def sleep(_seconds: float) -> None:
        court.anvil.mine()
        raise Killed

    return sleep
