"""DisputeGame.sol: clocks, inherited from the grandparent, and their extensions."""

import pytest

import bridge.contracts
from tests.bridge.contracts.game import (
    ALICE,
    CHALLENGER_WINS,
    CLOCK,
    DEFENDER_WINS,
    DEPTH,
    EXTENSION,
    MALLORY,
    START,
    GameRig,
    Rig,
    refuses,
)
from tests.contracts.vm import Vm

WRONG = b"\x66" * 32


@pytest.fixture
def rig():
    return Rig()


def line(game: GameRig, depth: int) -> int:
    """Answers to answers, all at once; the index of the one at that depth."""
    tip = 0
    for _ in range(depth):
        tip = game.move(tip, WRONG)
    return tip


def test_clock_goes_on_from_the_grandparent(rig):
    """Each side pays for its own thinking only."""
    game = rig.propose_wrong()
    rig.wait(100)
    first = game.move(0, WRONG)  # the challenger took 100
    rig.wait(30)
    second = game.move(first, WRONG)  # the defender 30
    rig.wait(200)
    third = game.move(second, WRONG)  # the challenger 200 more
    rig.wait(7)
    fourth = game.move(third, WRONG)
    assert [game.claim(i).clock_used for i in (0, first, second, third, fourth)] == [
        0,
        100,
        30,
        300,
        37,
    ]
    assert game.expiry(0) == START + CLOCK
    assert game.expiry(third) == game.claim(third).made_at + CLOCK - 30
    assert game.expiry(fourth) == game.claim(fourth).made_at + CLOCK - 300


def test_siblings_start_from_the_same_clock(rig):
    """Time that one branch takes is not taken from another."""
    game = rig.propose_wrong()
    rig.wait(100)
    first = game.move(0, WRONG)
    one, other = game.move(first, WRONG), game.move(first, WRONG, attack=False)
    rig.wait(50)
    assert game.claim(game.move(one, WRONG)).clock_used == 150
    rig.wait(25)
    assert game.claim(game.move(other, WRONG)).clock_used == 175


@pytest.mark.parametrize("left", [EXTENSION + 1, EXTENSION, EXTENSION - 1, 2, 1])
@pytest.mark.parametrize("depth", [1, 2, DEPTH])
def test_extension_at_each_threshold_leaves_the_mover_that_much(rig, depth, left):
    game = rig.propose_wrong()
    parent = line(game, depth - 1)
    rig.wait_until(game.expiry(parent) - left)
    made = game.move(parent, WRONG)
    assert game.claim(made).clock_used == CLOCK - max(left, EXTENSION)


@pytest.mark.parametrize(
    "left", [2 * EXTENSION + 1, 2 * EXTENSION, 2 * EXTENSION - 1, EXTENSION, 1]
)
def test_extension_above_the_leaves_is_twice_as_long(rig, left):
    """What answers a leaf is a step, whose witness takes time to make."""
    game = rig.propose_wrong()
    parent = line(game, DEPTH - 2)
    rig.wait_until(game.expiry(parent) - left)
    made = game.move(parent, WRONG)
    assert game.claim(made).depth == DEPTH - 1
    assert game.claim(made).clock_used == CLOCK - max(left, 2 * EXTENSION)
    leaf = game.move(made, WRONG, sender=MALLORY)
    assert game.expiry(leaf) == rig.now + max(left, 2 * EXTENSION)


@pytest.mark.parametrize("depth", range(DEPTH))
def test_stale_clock_refuses_a_move_and_allows_the_resolution_in_the_same_second(rig, depth):
    game = rig.propose_wrong()
    tip = line(game, depth)
    expiry = game.expiry(tip)
    rig.wait_until(expiry - 1)
    with refuses("ClockRunning", expiry):
        game.resolve_claim(tip)
    rig.wait_until(expiry)
    with refuses("ClockSpent", expiry):
        game.move(tip, WRONG)
    game.resolve_claim(tip)
    with refuses("ClaimAlreadyResolved", tip):
        game.resolve_claim(tip)


def test_last_second_move_is_answered_within_the_extension(rig):
    """Mallory lets her clock run down before each move; Alice always has her extension."""
    game = rig.propose(rig.truth.lied(9).count(2**DEPTH), MALLORY)
    liar = rig.truth.lied(9)
    mine = game.follow(0, rig.truth)
    while game.claim(mine).depth < DEPTH:
        claim = game.claim(mine)
        rig.wait_until(game.expiry(mine) - 1)
        agrees = claim.claim == liar.claim(claim.position, DEPTH)
        hers = game.follow(mine, liar, attack=not agrees, sender=MALLORY)
        assert game.expiry(hers) - rig.now >= EXTENSION
        rig.wait_until(game.expiry(hers) - 1)
        if game.claim(hers).depth == DEPTH:
            assert game.expiry(hers) - game.claim(hers).made_at >= 2 * EXTENSION
            break
        claim = game.claim(hers)
        agrees = claim.claim == rig.truth.claim(claim.position, DEPTH)
        mine = game.follow(hers, rig.truth, attack=not agrees)
    game.step(hers, attack=game.claim(hers).claim != rig.truth.claim(game.claim(hers).position, 4))
    assert game.finish() == CHALLENGER_WINS
    assert game.credit(ALICE) > rig.paid[ALICE]
    game.requires_balance()


def test_last_second_attack_on_a_right_root_fails(rig):
    """In the last second the defender still gets its whole clock."""
    game = rig.propose_right()
    rig.wait_until(game.expiry(0) - 1)
    attack = game.move(0, WRONG, sender=MALLORY)
    assert game.expiry(attack) == rig.now + CLOCK
    rig.wait(CLOCK - 1)
    game.play_honestly()
    rig.wait(EXTENSION)
    assert game.finish() == DEFENDER_WINS


def test_step_after_the_clock_counts_until_the_leaf_is_resolved(rig):
    """What a step shows is true however late; a decided leaf stays decided."""
    game = rig.propose(rig.truth.lied(1).count(2**DEPTH), MALLORY)
    tip = game.follow(0, rig.truth)
    tip = game.move(tip, WRONG, sender=MALLORY)
    tip = game.follow(tip, rig.truth)
    in_time, too_late = (game.move(tip, bytes([n]) * 32, sender=MALLORY) for n in range(2))
    rig.wait_until(max(game.expiry(in_time), game.expiry(too_late)))
    game.step(in_time)
    game.resolve_claim(in_time)
    game.resolve_claim(too_late)
    with refuses("ClaimAlreadyResolved", too_late):
        game.step(too_late)
    assert game.claim(in_time).countered_by == ALICE
    assert game.claim(too_late).countered_by == bytes(20)


def test_longest_game_is_bounded_by_clocks_and_extensions(rig):
    """Both sides always move in their last second: two clocks, and an extension a level."""
    game = rig.propose_wrong()
    tip = 0
    for _ in range(DEPTH):
        rig.wait_until(game.expiry(tip) - 1)
        tip = game.move(tip, WRONG)
    game.finish()
    assert rig.now - START <= 2 * CLOCK + (DEPTH + 1) * EXTENSION
    game.requires_balance()


@pytest.mark.parametrize(
    ("clock", "extension", "fits"),
    [(100, 50, True), (100, 51, False), (101, 51, False), (2**32 - 1, 0, True), (2**32, 0, False)],
)
def test_rollup_with_a_clock_that_games_cannot_keep_reverts(rig, clock, extension, fits):
    artifact = bridge.contracts.artifact("Rollup")
    types = ["address", "bytes32", *["uint256"] * 4, "address"]
    values = [rig.inbox, WRONG, 1, clock, extension, 0, rig.inbox]
    if fits:
        rig.vm.deploy(artifact, types, values)
        return
    with pytest.raises(RuntimeError, match="Revert"):
        Vm().deploy(artifact, types, values)
