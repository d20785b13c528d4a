"""Who lies on a devnet, on a real L1: each lie costs its bonds, and is told only once."""

import pytest

from bridge.dispute.faults import Fault, FaultKind, LyingTrace
from bridge.dispute.game import Step
from bridge.dispute.liar import Liar, LyingChallenger
from bridge.games import GameStatus
from state.types import BlockNumber
from tests.bridge.dispute.conftest import InCourt
from tests.bridge.dispute.l1_disputes import MALLORY, STRANGER, Court, duel, end

WRONG_ROOTS = [kind for kind in FaultKind if kind not in (FaultKind.MARGIN, FaultKind.ATTACK)]
"""Kinds that these blocks have something for; a wrong margin needs a trade, as a devnet has."""


def liar_in(court: Court, kind: FaultKind, first_block: int = 2) -> Liar:
    return Liar(
        court.local,
        court.rig.transactor(MALLORY.key),
        court.rig.deployment.rollup,
        Fault(kind, BlockNumber(first_block)),
    )


def attacker_in(court: Court) -> LyingChallenger:
    return LyingChallenger(
        court.local,
        court.rig.transactor(STRANGER.key),
        court.rig.deployment.rollup,
        Fault(FaultKind.ATTACK, BlockNumber(2)),
    )


@pytest.mark.parametrize("kind", WRONG_ROOTS)
def test_lie_of_each_kind_is_refuted_by_the_step_where_it_strikes(
    in_court: InCourt, kind: FaultKind
) -> None:
    async def scenario(court: Court) -> None:
        liar, alice, before = liar_in(court, kind), court.alice(), await court.balance()
        played = await duel(alice, liar)
        (game,) = await court.games()
        subject = (await court.read(game)).subject
        assert subject.l2_block == 2
        (step,) = (one.action for one in played if isinstance(one.action, Step))
        assert step.trace_index == LyingTrace(court.local, subject, kind).struck_at
        assert await end(court, game, alice) is GameStatus.CHALLENGER_WINS
        assert await court.balance() > before

    in_court(scenario)


def test_liar_restarted_goes_on_with_its_lie_and_tells_no_other(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        alice = court.alice()
        await liar_in(court, FaultKind.BALANCE).step()
        (game,) = await court.games()
        for _ in range(4):
            await alice.step()
            report = await liar_in(court, FaultKind.BALANCE).step()
            assert len(report.played) == 1
        assert await court.games() == [game]
        await duel(alice, liar_in(court, FaultKind.BALANCE))
        assert await end(court, game, alice) is GameStatus.CHALLENGER_WINS
        await liar_in(court, FaultKind.BALANCE).step()
        assert await court.games() == [game]

    in_court(scenario)


def test_liar_without_anything_to_lie_about_yet_waits(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        liar = liar_in(court, FaultKind.GAS, first_block=4)
        await liar.step()
        assert await court.games() == []

        await court.gift(4)
        await court.post()
        await liar.step()
        (game,) = await court.games()
        assert (await court.read(game)).subject.l2_block == 4

    in_court(scenario)


def test_right_root_under_attack_by_a_lying_challenger_is_defended(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        game = await court.propose(court.root(3), 3)
        alice, before = court.alice(), await court.balance()
        played = await duel(alice, attacker_in(court))
        assert played
        assert await end(court, game, alice) is GameStatus.DEFENDER_WINS
        assert await court.balance() > before

    in_court(scenario)


def test_lying_challenger_restarted_attacks_the_same_game_alone(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        first = await court.propose(court.root(2), 2)
        second = await court.propose(court.root(3), 3)
        alice = court.alice()
        for _ in range(3):
            assert len((await attacker_in(court).step()).played) == 1
            await alice.step()
        assert len((await court.read(first)).game.claims) == 7
        assert len((await court.read(second)).game.claims) == 1

    in_court(scenario)


def test_lying_challenger_leaves_wrong_roots_to_the_honest(in_court: InCourt) -> None:
    async def scenario(court: Court) -> None:
        await liar_in(court, FaultKind.BALANCE).step()
        assert (await attacker_in(court).step()).played == ()

    in_court(scenario)
