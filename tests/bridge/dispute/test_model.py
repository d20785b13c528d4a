"""What the rules refuse, one by one; test_contract_agreement.py holds them to the contract's."""

from __future__ import annotations

import pytest

from bridge.dispute import errors
from bridge.dispute.game import GameRules, Move, ResolveClaim, Step
from bridge.dispute.limits import DEPTH_MAX
from bridge.games import GameStatus
from state.types import Hash32, Timestamp, Wei
from tests.bridge.dispute.adversaries import adversary_address
from tests.bridge.dispute.arena import CLOCKS, PAYOUT_DELAY, ROOT_BOND, Arena, rules_of
from tests.bridge.dispute.toy import TRUE_WORLD, CountingMachine

DEPTH = 2
PROPOSER = adversary_address(0)
ALICE = adversary_address(1)
BOB = adversary_address(2)
NOISE = Hash32(b"\x66" * 32)


@pytest.fixture
def arena() -> Arena:
    """A game about a wrong root, over four steps."""
    return Arena(DEPTH, NOISE, PROPOSER, CountingMachine())


def attack(arena: Arena, index: int, claim: Hash32 = NOISE) -> Move:
    return Move(index, arena.game.claims[index].claim, claim, is_attack=True)


def to_the_first_leaf(arena: Arena) -> None:
    """ALICE says that the second state is right, BOB that not even the first one is."""
    arena.do(attack(arena, 0, arena.machine.state(TRUE_WORLD, 2)), ALICE)
    arena.do(attack(arena, 1), BOB)


def end(arena: Arena) -> None:
    arena.finish()
    assert arena.game.status is not GameStatus.IN_PROGRESS


@pytest.mark.parametrize("wei_off", [-1, 1])
def test_bond_one_wei_off_is_refused(arena: Arena, wei_off: int):
    with pytest.raises(errors.WrongBond) as refusal:
        arena.model.move(attack(arena, 0), ALICE, Wei(ROOT_BOND + wei_off), arena.now)
    assert (refusal.value.sent, refusal.value.needed) == (ROOT_BOND + wei_off, ROOT_BOND)
    assert len(arena.model.state().claims) == 1


def test_bond_doubles_every_eight_levels():
    rules = rules_of(DEPTH_MAX)
    bonds = [rules.bond_at(depth) // ROOT_BOND for depth in (0, 7, 8, 15, 16, 45, 46)]
    assert bonds == [1, 1, 2, 2, 4, 32, 32]


@pytest.mark.parametrize("max_depth", [0, DEPTH_MAX + 1])
def test_rules_of_a_depth_that_no_game_has_are_refused(max_depth: int):
    with pytest.raises(ValueError):
        GameRules(max_depth, CLOCKS, ROOT_BOND, PAYOUT_DELAY)


def test_move_defending_the_root_is_refused(arena: Arena):
    with pytest.raises(errors.RootNotDefendable):
        arena.do(Move(0, NOISE, NOISE, is_attack=False), ALICE)


def test_move_below_maximum_depth_is_refused(arena: Arena):
    to_the_first_leaf(arena)
    with pytest.raises(errors.TooDeep):
        arena.do(attack(arena, 2), ALICE)


def test_step_above_maximum_depth_is_refused(arena: Arena):
    to_the_first_leaf(arena)
    with pytest.raises(errors.NotALeaf):
        arena.do(Step(1, is_attack=True, trace_index=1), BOB)


def test_move_against_a_parent_that_an_l1_reorg_replaced_is_refused(arena: Arena):
    with pytest.raises(errors.ParentMoved):
        arena.do(Move(0, Hash32(bytes(32)), NOISE, is_attack=True), ALICE)


def test_move_against_a_claim_that_is_not_there_is_refused(arena: Arena):
    with pytest.raises(errors.UnknownClaim):
        arena.model.move(Move(1, NOISE, NOISE, is_attack=True), ALICE, ROOT_BOND, arena.now)


def test_duplicate_claim_is_refused_whoever_makes_it(arena: Arena):
    arena.do(attack(arena, 0), ALICE)
    with pytest.raises(errors.AlreadyClaimed):
        arena.do(attack(arena, 0), BOB)
    arena.do(attack(arena, 0, Hash32(bytes(32))), BOB)


def test_duplicate_step_is_refused(arena: Arena):
    to_the_first_leaf(arena)
    step = Step(2, is_attack=True, trace_index=0)
    arena.do(step, ALICE)
    with pytest.raises(errors.AlreadyCountered):
        arena.do(step, BOB)


def test_step_on_the_first_leaf_starts_from_the_anchor(arena: Arena):
    to_the_first_leaf(arena)
    case = arena.game.step_case(arena.game.claims[2], is_attack=True)
    assert (case.pre_state, case.trace_index) == (arena.anchor, 0)


def test_step_on_the_last_leaf_leads_to_the_root_claim(arena: Arena):
    arena.do(attack(arena, 0, arena.machine.state(TRUE_WORLD, 2)), ALICE)
    right = arena.machine.state(TRUE_WORLD, 3)
    arena.do(Move(1, arena.game.claims[1].claim, right, is_attack=False), BOB)
    case = arena.game.step_case(arena.game.claims[2], is_attack=False)
    assert (case.pre_state, case.trace_index, case.post.index) == (right, 3, 0)
    assert case.is_ally


def test_move_with_a_stale_clock_is_refused_to_the_second(arena: Arena):
    arena.wait(CLOCKS.duration - 1)
    arena.do(attack(arena, 0), ALICE)
    arena.wait(1)
    with pytest.raises(errors.ClockSpent):
        arena.do(attack(arena, 0, Hash32(bytes(32))), ALICE)


def test_resolution_before_the_clock_has_run_out_is_refused(arena: Arena):
    arena.wait(CLOCKS.duration - 1)
    with pytest.raises(errors.ClockRunning):
        arena.model.resolve(arena.now)
    arena.wait(1)
    assert arena.model.resolve(arena.now) is GameStatus.DEFENDER_WINS


def test_out_of_order_resolution_is_refused(arena: Arena):
    to_the_first_leaf(arena)
    arena.wait(CLOCKS.longest_game(DEPTH))
    with pytest.raises(errors.AnswerUnresolved):
        arena.resolve(ResolveClaim(1, 0))
    arena.resolve(ResolveClaim(2, 0))
    arena.resolve(ResolveClaim(1, 0))
    with pytest.raises(errors.ClaimAlreadyResolved):
        arena.resolve(ResolveClaim(1, 0))


def test_leftmost_uncountered_answer_wins_the_bond_and_the_first_of_two_at_one_place(arena: Arena):
    to_the_first_leaf(arena)
    defence = Move(1, arena.game.claims[1].claim, NOISE, is_attack=False)
    arena.do(defence, PROPOSER)
    arena.do(attack(arena, 1, Hash32(bytes(32))), PROPOSER)
    end(arena)
    assert arena.game.claims[1].countered_by == BOB
    assert arena.credit(BOB) == 2 * ROOT_BOND


def test_stepper_wins_the_bond_of_the_leaf(arena: Arena):
    to_the_first_leaf(arena)
    arena.do(Step(2, is_attack=True, trace_index=0), PROPOSER)
    end(arena)
    assert arena.credit(PROPOSER) == ROOT_BOND
    assert arena.credit(ALICE) == 2 * ROOT_BOND


def test_double_credit_is_refused(arena: Arena):
    end(arena)
    with pytest.raises(errors.PayoutHeldBack):
        arena.claim_credit(PROPOSER)
    arena.wait(PAYOUT_DELAY)
    arena.claim_credit(PROPOSER)
    with pytest.raises(errors.NoCredit):
        arena.claim_credit(PROPOSER)
    assert arena.paid[PROPOSER] == ROOT_BOND


def test_credit_is_held_back_while_the_game_is_played(arena: Arena):
    arena.do(attack(arena, 0), ALICE)
    arena.now = Timestamp(arena.expiry(arena.game.claims[1]))
    arena.resolve(ResolveClaim(1, 0))
    with pytest.raises(errors.GameInProgress):
        arena.claim_credit(ALICE)


def test_play_after_the_end_is_refused(arena: Arena):
    end(arena)
    for refused in (
        lambda: arena.do(attack(arena, 0), ALICE),
        lambda: arena.resolve(ResolveClaim(0, 0)),
        lambda: arena.model.resolve(arena.now),
        lambda: arena.do(Step(0, is_attack=True, trace_index=0), ALICE),
    ):
        with pytest.raises(errors.AlreadyResolved):
            refused()
