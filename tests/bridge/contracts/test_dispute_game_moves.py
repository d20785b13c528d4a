"""DisputeGame.sol: answering claims, at which positions and for which bonds."""

import pytest

import bridge.contracts
import tests.contracts
from bridge.dispute.limits import DEPTH_MAX
from tests.bridge.contracts.game import (
    ALICE,
    ANCHOR,
    BOND,
    CAROL,
    DEPTH,
    MALLORY,
    NO_PARENT,
    NOBODY,
    PROPOSER,
    START,
    Claim,
    Rig,
    boundary_state,
    refuses,
)
from tests.contracts.vm import Reverted, Vm

WRONG = b"\x66" * 32


@pytest.fixture
def rig():
    return Rig()


def test_root_claim_is_the_boundary_state_of_the_output_root(rig):
    root = rig.truth.count(2**DEPTH)
    game = rig.propose(root)
    assert game.claims() == [
        Claim(NO_PARENT, NOBODY, False, PROPOSER, BOND, boundary_state(root), 1, 0, START)
    ]
    assert game.read("rootClaim()", ["bytes32"]) == root


def test_move_attack_goes_left_and_defend_right_of_the_neighbour(rig):
    game = rig.propose_wrong()
    first = game.move(0, WRONG)
    attacked, defended = game.move(first, WRONG), game.move(first, WRONG, attack=False)
    deeper = game.move(defended, WRONG, attack=False)
    assert [game.claim(i).position for i in (first, attacked, defended, deeper)] == [2, 4, 6, 14]
    assert game.answers(first) == [attacked, defended]
    assert game.claim(deeper).parent_index == defended


def test_move_defending_the_root_reverts(rig):
    """Nothing of the trace is to the right of its end."""
    game = rig.propose_wrong()
    with refuses("RootNotDefendable"):
        game.move(0, WRONG, attack=False)


def test_move_to_maximum_depth_succeeds_and_below_it_reverts(rig):
    game = rig.propose_wrong()
    leaf = 0
    for _ in range(DEPTH):
        leaf = game.move(leaf, WRONG)
    assert game.claim(leaf).depth == DEPTH
    for attack in (True, False):
        with refuses("TooDeep", DEPTH + 1, DEPTH):
            game.move(leaf, WRONG, attack=attack, value=0)


def test_move_with_a_bond_one_wei_off_reverts_at_each_depth():
    rig = Rig(max_depth=17)
    game = rig.propose_wrong()
    tip = 0
    for depth in range(1, 18):
        bond = BOND << (depth // 8)
        assert game.bond_at(depth) == bond
        for sent in (bond - 1, bond + 1, 0):
            with refuses("WrongBond", sent, bond):
                game.move(tip, WRONG, value=sent)
        tip = game.move(tip, WRONG, value=bond)
        assert game.claim(tip).bond == bond
    game.finish()
    game.requires_balance()


def test_bond_of_the_deepest_claim_fits_its_field():
    rig = Rig(max_depth=126)
    game = rig.propose_wrong()
    assert game.bond_at(126) == BOND << 15
    artifact = bridge.contracts.artifact("Rollup")
    limit = 2**80 - 1
    assert limit << 15 < 2**96
    types = ["address", "bytes32", *["uint256"] * 4, "address"]
    values = [rig.inbox, ANCHOR, limit, 10, 5, 0, game.address]
    rig.vm.deploy(artifact, types, values)
    values[2] += 1
    with pytest.raises(RuntimeError, match="Revert"):
        rig.vm.deploy(artifact, types, values)


@pytest.mark.parametrize("depth", [0, 127])
def test_constructor_with_a_tree_that_no_position_fits_reverts(depth):
    vm = Vm()
    prover = vm.deploy(tests.contracts.artifact("CountingProver"))
    with pytest.raises(RuntimeError, match="Revert"):
        vm.deploy(bridge.contracts.artifact("DisputeGame"), ["uint256", "address"], [depth, prover])


def test_move_duplicate_claim_under_the_same_parent_reverts_for_anyone(rig):
    game = rig.propose_wrong()
    first = game.move(0, WRONG)
    with refuses("AlreadyClaimed", WRONG, 2, 0):
        game.move(0, WRONG, sender=CAROL)
    left = game.move(first, WRONG)
    assert game.move(first, WRONG, attack=False) == left + 1, "another position is another claim"
    other = game.move(0, ANCHOR)
    assert game.claim(game.move(other, WRONG)).position == game.claim(left).position


def test_move_with_another_expected_parent_after_an_l1_reorg_reverts(rig):
    game = rig.propose_wrong()
    game.move(0, WRONG, sender=MALLORY)
    with refuses("ParentMoved", ANCHOR, WRONG):
        game.move(1, WRONG, expected=ANCHOR)


def test_game_recreated_differently_by_an_l1_reorg_has_another_address(rig):
    """A move meant for a game that is gone reaches no game at all."""
    game, other = rig.propose_wrong(), rig.propose_right()
    moved = Rig()
    moved.wait(1)
    later = moved.propose_wrong()
    assert len({game.address, other.address, later.address}) == 3


def test_move_on_a_claim_that_is_not_there_reverts(rig):
    game = rig.propose_wrong()
    data = bytes.fromhex("4e487b71") + (0x32).to_bytes(32, "big")
    with pytest.raises(Reverted) as caught:
        game.rig.vm.call(
            game.address,
            "move(uint256,bytes32,bytes32,bool)",
            ["uint256", "bytes32", "bytes32", "bool"],
            [1, WRONG, WRONG, True],
            sender=ALICE,
            value=BOND,
        )
    assert caught.value.data == data


def test_move_and_step_after_the_end_revert(rig):
    game = rig.propose_right()
    game.finish()
    with refuses("AlreadyResolved"):
        game.move(0, WRONG)
    with refuses("AlreadyResolved"):
        game.step(0)
    with refuses("AlreadyResolved"):
        game.resolve_claim(0)


def test_claims_are_read_in_pages(rig):
    game = rig.propose_wrong()
    for number in range(5):
        game.move(0, bytes([number]) * 32)
    every = game.claims()
    assert len(every) == game.read("claimCount()", ["uint256"]) == 6
    assert game.page(0, 4) + game.page(4, 4) == every
    assert game.page(6, 1) == game.page(2**255, 2**255) == []


def test_move_down_the_whole_tree_of_2_to_46_steps_reaches_the_prover():
    """A liar whose trace goes wrong at one step in 2^46 is led to that very step."""
    rig = Rig(max_depth=DEPTH_MAX)
    wrong_from = 0x2AAA_1234_5678
    lie = rig.truth.lied(wrong_from)
    game = rig.propose(lie.count(2**DEPTH_MAX), MALLORY)
    tip, trace = 0, rig.truth
    while game.claim(tip).depth < DEPTH_MAX:
        claim = game.claim(tip)
        agrees = claim.claim == trace.claim(claim.position, DEPTH_MAX)
        sender = ALICE if trace is rig.truth else MALLORY
        tip = game.follow(tip, trace, attack=not agrees, sender=sender)
        trace = lie if trace is rig.truth else rig.truth
    last = game.claim(tip)
    assert last.claimant == MALLORY
    assert last.position - 2**DEPTH_MAX in (wrong_from - 1, wrong_from - 2)
    attack = last.claim != rig.truth.claim(last.position, DEPTH_MAX)
    game.step(tip, attack=attack)
    assert game.claim(tip).countered_by == ALICE
