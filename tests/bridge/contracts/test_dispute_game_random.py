"""DisputeGame.sol: seeded random games, an honest player against whoever turns up."""

from random import Random

import pytest

from tests.bridge.contracts.game import (
    ALICE,
    CAROL,
    CHALLENGER_WINS,
    DEFENDER_WINS,
    EXTENSION,
    MALLORY,
    PROPOSER,
    GameRig,
    Rig,
    Trace,
    moved,
)
from tests.contracts.vm import Reverted

TURNS = 24
SEEDS = 40


def disturb(game: GameRig, rng: Random, liar: Trace) -> None:
    """One move or step of somebody who wants anything but the truth; it may be refused."""
    index = rng.randrange(len(game.claims()))
    claim, attack = game.claim(index), rng.random() < 0.6
    sender = rng.choice((MALLORY, CAROL, PROPOSER))
    try:
        if claim.depth == game.max_depth:
            game.step(index, attack=attack, sender=sender)
            return
        trace = rng.choice((liar, liar, game.truth, game.truth.lied(rng.randrange(2**10))))
        answer = trace.claim(moved(claim.position, attack), game.max_depth)
        if rng.random() < 0.15:
            answer = rng.randbytes(32)
        game.move(index, answer, attack=attack or index == 0, sender=sender)
    except Reverted:
        # Stale clocks, duplicates, steps that show the truth: the contract's to refuse.
        return


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_game_ends_right_and_the_honest_side_gets_its_bonds_back(seed):
    rng = Random(seed)
    rig = Rig(max_depth=rng.choice((4, 5, 6)))
    liar = rig.truth.lied(rng.randrange(1, 2**rig.max_depth + 1))
    is_right = seed % 2 == 0
    game = rig.propose((rig.truth if is_right else liar).count(2**rig.max_depth), PROPOSER)
    for _ in range(TURNS):
        for _ in range(rng.randrange(3)):
            disturb(game, rng, liar)
        rig.wait(rng.randrange(EXTENSION))
        game.play_honestly()
    rig.wait_until(max(rig.now, game.expiry(0) - 1))
    disturb(game, rng, liar)
    game.play_honestly()
    assert game.finish() == (DEFENDER_WINS if is_right else CHALLENGER_WINS)
    assert game.credit(ALICE) >= rig.paid[ALICE]
    game.requires_balance()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_game_without_honest_player_still_pays_out_what_was_paid_in(seed):
    """Whoever wins: each bond goes to one account, and none stays in the game."""
    rng = Random(1_000 + seed)
    rig = Rig(max_depth=rng.choice((4, 5, 6)))
    game = rig.propose_right()
    liar = rig.truth.lied(rng.randrange(1, 2**rig.max_depth))
    for _ in range(40):
        disturb(game, rng, liar)
        rig.wait(rng.randrange(2 * EXTENSION))
    game.finish()
    game.requires_balance()
    rig.wait(1_000)
    for account in (ALICE, CAROL, MALLORY, PROPOSER):
        if game.credit(account):
            game.claim_credit(account)
    assert rig.vm.balance(game.address) == 0
