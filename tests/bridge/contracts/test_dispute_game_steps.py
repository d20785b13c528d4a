"""DisputeGame.sol: steps on leaves, with the prover of a counting machine."""

import pytest
from eth_utils import to_checksum_address

import tests.contracts
from tests.bridge.contracts.game import (
    ALICE,
    ANCHOR,
    CAROL,
    CHALLENGER_WINS,
    DEFENDER_WINS,
    DEPTH,
    MALLORY,
    GameRig,
    Rig,
    boundary_state,
    refuses,
)
from tests.contracts.vm import Reverted

WRONG = b"\x66" * 32
LEAVES = 2**DEPTH


@pytest.fixture
def rig():
    return Rig()


def descend(game: GameRig, first_lie: int) -> int:
    """Alice against a liar whose trace is wrong from so many steps on, down to a leaf."""
    liar = game.truth.lied(first_lie)
    tip, mine = 0, True
    while game.claim(tip).depth < DEPTH:
        claim = game.claim(tip)
        trace = game.truth if mine else liar
        agrees = claim.claim == trace.claim(claim.position, DEPTH)
        sender = ALICE if mine else MALLORY
        tip = game.follow(tip, trace, attack=not agrees, sender=sender)
        mine = not mine
    return tip


@pytest.mark.parametrize("first_lie", range(1, LEAVES + 1))
def test_step_finds_the_first_wrong_step_wherever_it_is(rig, first_lie):
    """The first leaf, the last one, and all between; an even one is attacked, an odd defended."""
    game = rig.propose(rig.truth.lied(first_lie).count(LEAVES), MALLORY)
    leaf = descend(game, first_lie)
    attack = first_lie % 2 == 1
    with refuses("WrongWitness" if attack else "ClaimStands"):
        game.step(leaf, attack=not attack)
    game.step(leaf, attack=attack)
    assert game.claim(leaf).countered_by == ALICE
    assert game.finish() == CHALLENGER_WINS
    game.requires_balance()


def test_step_on_the_first_leaf_starts_from_the_anchor(rig):
    game = rig.propose(rig.truth.lied(1).count(LEAVES), MALLORY)
    leaf = descend(game, 1)
    assert game.claim(leaf).position == LEAVES
    game.step(leaf, witness=ANCHOR)
    assert game.claim(leaf).countered_by == ALICE


def test_step_on_the_last_leaf_leads_to_the_root_claim(rig):
    """All agree on the state before the last step; the one after it is the root's."""
    game = rig.propose(rig.truth.lied(LEAVES).count(LEAVES), MALLORY)
    leaf = descend(game, LEAVES)
    assert game.claim(leaf).position == 2 * LEAVES - 2
    game.step(leaf, attack=False)
    assert game.claim(leaf).countered_by == ALICE


@pytest.mark.parametrize("lie", range(1, LEAVES + 1))
def test_step_against_a_right_leaf_reverts_either_way(rig, lie):
    """A lying challenger of a right root gets down to leaves of the truth only."""
    game = rig.propose_right()
    tip, mine = 0, False
    liar = game.truth.lied(lie)
    while game.claim(tip).depth < DEPTH - 1:
        claim = game.claim(tip)
        trace = game.truth if mine else liar
        agrees = claim.claim == trace.claim(claim.position, DEPTH)
        sender = ALICE if mine else MALLORY
        tip = game.follow(tip, trace, attack=not agrees, sender=sender)
        mine = not mine
    game.play_honestly()
    for index, claim in enumerate(game.claims()):
        if claim.depth == DEPTH and claim.claimant == ALICE:
            for attack in (True, False):
                with refuses("ClaimStands"):
                    game.step(index, attack=attack, sender=MALLORY)
    assert game.finish() == DEFENDER_WINS


def test_step_above_maximum_depth_reverts(rig):
    game = rig.propose_wrong()
    tip = 0
    for depth in range(DEPTH):
        for attack in (True, False):
            with refuses("NotALeaf", depth, DEPTH):
                game.step(tip, attack=attack, witness=ANCHOR)
        tip = game.move(tip, WRONG)


def test_step_twice_reverts_whoever_comes_second(rig):
    game = rig.propose(rig.truth.lied(1).count(LEAVES), MALLORY)
    leaf = descend(game, 1)
    game.step(leaf)
    for sender in (ALICE, CAROL):
        with refuses("AlreadyCountered", leaf, to_checksum_address(ALICE)):
            game.step(leaf, sender=sender)


def test_step_with_a_witness_of_another_step_or_length_reverts(rig):
    game = rig.propose(rig.truth.lied(1).count(LEAVES), MALLORY)
    leaf = descend(game, 1)
    for witness in (b"", rig.truth.count(1), ANCHOR + b"\x00", ANCHOR[:31]):
        with refuses("WrongWitness"):
            game.step(leaf, witness=witness)
    assert game.claim(leaf).countered_by == bytes(20)


def test_step_with_a_poisoned_post_state_is_refuted(rig):
    """A state that no machine has: the step leads elsewhere."""
    game = rig.propose_wrong()
    first = game.follow(0, rig.truth)
    second = game.move(first, WRONG, sender=MALLORY)
    third = game.follow(second, rig.truth)
    leaf = game.move(third, WRONG, sender=MALLORY)
    game.step(leaf)
    game.play_honestly()
    assert game.finish() == CHALLENGER_WINS
    game.requires_balance()


def test_poisoned_pre_state_cannot_be_stepped_from_and_hurts_its_maker_alone(rig):
    """Mallory puts a hash without preimage where the right side's next step would start. No step
    from there can be shown, but the truth needs none: it answers the poison itself."""
    game = rig.propose_right()
    poison = game.move(0, WRONG, sender=MALLORY)
    honest = game.follow(poison, rig.truth)
    beside = game.move(honest, WRONG, attack=False, sender=MALLORY)
    # The same poison, defended by herself: its right neighbours have it as their state before.
    own = game.move(poison, WRONG, attack=False, sender=MALLORY)
    leaf = game.move(game.move(own, WRONG, sender=MALLORY), WRONG, sender=MALLORY)
    with refuses("WrongWitness"):
        game.step(leaf)
    game.play_honestly()
    assert game.finish() == DEFENDER_WINS
    assert game.claim(poison).countered_by == ALICE
    assert game.claim(beside).countered_by == ALICE
    assert game.credit(ALICE) >= rig.paid[ALICE]
    game.requires_balance()


def test_step_context_is_that_of_the_game(rig):
    """The machine adds what the game fixed of L1: a witness from another game proves nothing."""
    other = rig.propose(WRONG, l2_block=8)
    assert other.truth != rig.truth
    game = rig.propose_wrong()
    leaf = descend(game, 2)
    with refuses("WrongWitness"):
        game.step(leaf, attack=False, witness=other.truth.count(1))


def test_step_without_a_prover_reverts_and_decides_nothing():
    """A rollup that was deployed without one: code isn't there, so no answer is taken for one."""
    rig = Rig(prover=bytes(20))
    game = rig.propose(rig.truth.lied(1).count(LEAVES), MALLORY)
    leaf = descend(game, 1)
    with pytest.raises(Reverted) as caught:
        game.step(leaf)
    assert caught.value.data == b""
    assert game.claim(leaf).countered_by == bytes(20)


@pytest.mark.parametrize(("l2_block", "inbox_count"), [(8, 1), (6, 1), (7, 2)])
def test_right_root_of_another_block_or_inbox_prefix_loses(rig, l2_block, inbox_count):
    """A future, an earlier or an unsafe block: what is right there is wrong here."""
    rig.vm.call(rig.inbox, "forceTransaction(bytes)", ["bytes"], [b"\x01"])
    game = rig.propose(rig.truth.count(LEAVES), MALLORY, l2_block=l2_block, inbox_count=inbox_count)
    game.play_honestly()
    for index, claim in enumerate(game.claims()):
        if claim.claimant == ALICE and claim.depth < DEPTH:
            lie = game.truth.lied(3)
            game.follow(index, lie, sender=MALLORY)
            game.play_honestly()
    assert game.finish() == CHALLENGER_WINS
    assert rig.vm.call(rig.rollup, "anchor()")[:32] == ANCHOR
    game.requires_balance()


def test_counting_prover_steps_as_the_trace_says(rig):
    """The tests' own machine, in Solidity and in Python."""
    prover = rig.vm.deploy(tests.contracts.artifact("CountingProver"))
    context = (3, 7, 1, rig.inbox)
    answer = rig.vm.call(
        prover,
        "step(bytes32,(uint256,uint256,uint256,address),bytes)",
        ["bytes32", "(uint256,uint256,uint256,address)", "bytes"],
        [boundary_state(rig.truth.count(3)), context, rig.truth.count(3)],
    )
    assert answer == boundary_state(rig.truth.count(4))
