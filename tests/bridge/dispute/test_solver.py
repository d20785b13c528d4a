"""The honest strategy, move by move: whom it answers, how, when, and when it keeps still."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.dispute import limits
from bridge.dispute.errors import ClaimStands
from bridge.dispute.game import Claim, GameState, Move, Resolve, ResolveClaim, Step
from bridge.dispute.position import Position
from bridge.dispute.solver import claimable, next_moves, resolutions
from bridge.games import GameStatus
from state.types import Address, Hash32, Timestamp
from tests.bridge.dispute.adversaries import ConsistentLiar, adversary_address, try_every_step
from tests.bridge.dispute.arena import (
    CLOCKS,
    HONEST,
    PAYOUT_DELAY,
    Arena,
    Honest,
    check_honest_outcome,
    root_of,
)
from tests.bridge.dispute.toy import TRUE_WORLD, CountingMachine, CountingTrace

DEPTH = 4
LEAVES = 2**DEPTH
LIAR = adversary_address(0)
OTHER = adversary_address(1)
NOISE = Hash32(b"\x66" * 32)


class Duel:
    """A liar's trace against the true one; who proposes decides whether the root is right."""

    def __init__(self, lies_from: int, *, is_root_right: bool, max_depth: int = DEPTH) -> None:
        self.machine = CountingMachine()
        self.truth = CountingTrace(self.machine)
        self.lie = CountingTrace(self.machine, lies_from)
        root = root_of(self.machine, None if is_root_right else self.lie, max_depth)
        proposer = HONEST if is_root_right else LIAR
        self.arena = Arena(max_depth, root, proposer, self.machine)
        self.honest = Honest(self.truth)
        self.liar = ConsistentLiar(LIAR, self.lie)
        self.is_root_right = is_root_right

    def play(self) -> None:
        """In turns, until nobody has anything to say."""
        claims, countered = -1, -1
        while (claims, countered) != self._progress():
            claims, countered = self._progress()
            self.honest.play(self.arena)
            self.liar.play(self.arena)

    def _progress(self) -> tuple[int, int]:
        claims = self.arena.game.claims
        return len(claims), sum(c.countered_by is not None for c in claims)

    def moves(self) -> tuple[Move | Step, ...]:
        return next_moves(self.arena.game, self.truth, HONEST, self.arena.now)

    def true_at(self, position: Position) -> Hash32:
        return self.truth.claim_at(position.trace_index(self.arena.rules.max_depth))

    def answer(
        self, parent: int, claim: Hash32, *, is_attack: bool, player: Address = LIAR
    ) -> Claim:
        """The others say something, truly or not."""
        above = self.arena.game.claims[parent]
        assert self.arena.answer(above, claim, player, is_attack=is_attack)
        return self.arena.game.claims[-1]

    def finish(self) -> None:
        self.arena.finish()
        check_honest_outcome(self.arena, is_root_right=self.is_root_right)


# Roots


def test_right_root_needs_no_move():
    assert Duel(0, is_root_right=True).moves() == ()


def test_wrong_root_is_attacked_with_the_state_in_the_middle():
    duel = Duel(0, is_root_right=False)
    root = duel.arena.game.claims[0].claim
    assert duel.moves() == (Move(0, root, duel.true_at(Position(2)), is_attack=True),)


def test_wrong_root_of_ones_own_is_attacked_like_any_other():
    duel = Duel(0, is_root_right=False)
    assert next_moves(duel.arena.game, duel.truth, LIAR, duel.arena.now) != ()


@pytest.mark.parametrize("steps_off", [-1, 1])
def test_root_of_a_wrong_numbered_block_is_attacked(steps_off: int):
    """A state that the chain does reach, before or after the claimed block: still the wrong
    root."""
    machine = CountingMachine()
    root = machine.state(TRUE_WORLD, LEAVES + steps_off)
    arena = Arena(DEPTH, root, LIAR, machine)
    honest = Honest(CountingTrace(machine))
    honest.play(arena)
    assert len(arena.game.claims) == 2
    arena.finish()
    check_honest_outcome(arena, is_root_right=False)


def test_root_of_a_future_block_is_left_alone_until_its_trace_is_complete():
    duel = Duel(0, is_root_right=False)
    partial = replace(duel.truth, known=range(LEAVES - 1))
    assert next_moves(duel.arena.game, partial, HONEST, duel.arena.now) == ()
    assert duel.moves() != ()


# Down to one step


@pytest.mark.parametrize("is_root_right", [True, False])
@pytest.mark.parametrize("lies_from", range(LEAVES))
def test_duel_over_each_step_from_the_first_leaf_to_the_last_is_won(
    lies_from: int, is_root_right: bool
):
    duel = Duel(lies_from, is_root_right=is_root_right)
    if is_root_right:
        duel.answer(0, duel.lie.claim_at(LEAVES // 2 - 1), is_attack=True)
    duel.play()
    duel.finish()


@pytest.mark.parametrize("block", [0, 1, 2**limits.BLOCKS_BITS - 1])
@pytest.mark.parametrize("step", [0, 1, 2**limits.BLOCK_STEPS_BITS - 1])
def test_duel_at_a_block_boundary_and_beside_it_is_won(block: int, step: int):
    """At full depth: the first, second and last (padded) step of the first, second and last
    block."""
    lies_from = (block << limits.BLOCK_STEPS_BITS) + step
    duel = Duel(lies_from, is_root_right=False, max_depth=limits.DEPTH_MAX)
    duel.play()
    leaves = [c for c in duel.arena.game.claims if c.position.depth == limits.DEPTH_MAX]
    assert [c.countered_by for c in leaves] == [HONEST]
    duel.finish()


def test_step_case_brackets_the_first_wrong_step():
    """The step that is proven at last is the first that the liar's trace gets wrong."""
    for lies_from in range(LEAVES):
        duel = Duel(lies_from, is_root_right=False)
        duel.play()
        (leaf,) = (c for c in duel.arena.game.claims if c.position.depth == DEPTH)
        case = duel.arena.game.step_case(leaf, is_attack=leaf.claim != duel.true_at(leaf.position))
        assert case.trace_index == lies_from
        assert case.pre_state == duel.machine.state(TRUE_WORLD, lies_from)


# Poisoned states


def test_poisoned_post_state_at_a_leaf_is_stepped_on():
    duel = _duel_above_the_leaves()
    parent = duel.arena.game.claims[-1]
    leaf = duel.answer(parent.index, NOISE, is_attack=True)
    index = leaf.position.trace_index(DEPTH)
    assert duel.moves() == (Step(leaf.index, is_attack=True, trace_index=index),)
    duel.honest.play(duel.arena)
    duel.finish()


def test_poisoned_pre_state_under_an_ignored_claim_is_not_stepped_on():
    """A subtree that nothing honest hangs on may end in a step from a state that nobody can
    open."""
    duel = Duel(0, is_root_right=True)
    claim = duel.answer(0, NOISE, is_attack=True)
    duel.honest.play(duel.arena)
    ignored = duel.answer(claim.index, NOISE, is_attack=False, player=OTHER)
    above = duel.answer(ignored.index, NOISE, is_attack=False)
    leaf = duel.answer(above.index, duel.machine.state(TRUE_WORLD, 3), is_attack=True)
    assert leaf.position.depth == DEPTH
    assert duel.moves() == ()
    duel.finish()


def test_honest_leaf_survives_every_step():
    for lies_from in range(LEAVES):
        duel = Duel(lies_from, is_root_right=True)
        duel.answer(0, duel.lie.claim_at(LEAVES // 2 - 1), is_attack=True)
        duel.play()
        try_every_step(duel.arena, LIAR)
        leaves = [c for c in duel.arena.game.claims if c.position.depth == DEPTH]
        assert all(c.countered_by is None for c in leaves if c.claimant == HONEST)


def _duel_above_the_leaves() -> Duel:
    """The honest claim one level above the leaves is the last one."""
    duel = Duel(0, is_root_right=False)
    duel.honest.play(duel.arena)
    claim = duel.answer(1, duel.lie.claim_at(3), is_attack=True)
    assert claim.position.depth == 2
    duel.honest.play(duel.arena)
    assert duel.arena.game.claims[-1].position.depth == DEPTH - 1
    return duel


# Freeloaders


def _answered_lie(*, is_right_value: bool) -> tuple[Duel, Claim]:
    """A right root, an attack on it by the liar, and the honest answer to that."""
    duel = Duel(0, is_root_right=True)
    value = duel.true_at(Position(2)) if is_right_value else NOISE
    lie = duel.answer(0, value, is_attack=True)
    duel.honest.play(duel.arena)
    assert duel.arena.game.claims[-1].claimant == HONEST
    return duel, lie


@pytest.mark.parametrize("is_true", [True, False])
def test_freeloader_to_the_left_of_the_honest_answer_is_countered(is_true: bool):
    """It attacks a claim that has to be defended; its value may even be right."""
    duel, lie = _answered_lie(is_right_value=True)
    value = duel.true_at(Position(4)) if is_true else NOISE
    freeloader = duel.answer(lie.index, value, is_attack=True, player=OTHER)
    (move,) = duel.moves()
    assert isinstance(move, Move)
    assert (move.parent_index, move.is_attack) == (freeloader.index, not is_true)
    duel.honest.play(duel.arena)
    duel.finish()


def test_freeloader_beside_the_honest_answer_is_countered():
    """The same position, another value."""
    duel, lie = _answered_lie(is_right_value=False)
    freeloader = duel.answer(lie.index, NOISE, is_attack=True, player=OTHER)
    (move,) = duel.moves()
    assert isinstance(move, Move)
    assert (move.parent_index, move.is_attack) == (freeloader.index, True)


def test_freeloader_ahead_of_the_honest_answer_is_countered_and_not_paid():
    """It came first, which decides between two at one place, if both stand."""
    duel = Duel(0, is_root_right=False)
    duel.answer(0, NOISE, is_attack=True, player=OTHER)
    duel.honest.play(duel.arena)
    duel.finish()
    assert duel.arena.credit(OTHER) == 0


def test_freeloader_to_the_right_of_the_honest_answer_is_ignored():
    """Neither right nor refutable there, and not paid: leftmost wins."""
    duel, lie = _answered_lie(is_right_value=False)
    duel.answer(lie.index, NOISE, is_attack=False, player=OTHER)
    assert duel.moves() == ()
    duel.finish()
    game = duel.arena.game
    assert game.claims[lie.index].countered_by == HONEST


def test_freeloader_with_an_honest_claim_under_a_wrong_parent_earns_nothing():
    duel, lie = _answered_lie(is_right_value=False)
    honest = duel.arena.game.claims[-1]
    duel.answer(honest.index, honest.claim, is_attack=True, player=OTHER)
    duel.honest.play(duel.arena)
    duel.finish()
    assert duel.arena.game.claims[lie.index].countered_by == HONEST
    assert duel.arena.credit(OTHER) == 0


def test_honest_claim_of_somebody_else_is_not_repeated_but_protected():
    duel = Duel(0, is_root_right=False)
    theirs = duel.answer(0, duel.true_at(Position(2)), is_attack=True, player=OTHER)
    assert duel.moves() == ()
    attack = duel.answer(theirs.index, NOISE, is_attack=True)
    (move,) = duel.moves()
    assert isinstance(move, Move)
    assert move.parent_index == attack.index
    duel.honest.play(duel.arena)
    duel.finish()
    assert duel.arena.credit(OTHER) > duel.arena.staked[OTHER]


def test_claim_that_answers_a_lie_of_another_liar_is_ignored():
    duel, lie = _answered_lie(is_right_value=False)
    other = duel.answer(lie.index, NOISE, is_attack=False, player=OTHER)
    duel.answer(other.index, NOISE, is_attack=True)
    assert duel.moves() == ()


# Clocks


def test_last_second_move_is_answered_within_the_extension():
    duel = _duel_above_the_leaves()
    arena = duel.arena
    arena.now = Timestamp(arena.expiry(arena.game.claims[-1]) - 1)
    duel.answer(arena.game.claims[-1].index, NOISE, is_attack=True)
    arena.wait(CLOCKS.extension - 1)
    duel.honest.play(arena)
    duel.finish()


def test_stale_clock_is_not_moved_against():
    duel = Duel(0, is_root_right=False)
    duel.arena.wait(CLOCKS.duration)
    assert duel.moves() == ()


def test_late_step_is_played_as_long_as_the_leaf_is_unresolved():
    duel = _duel_above_the_leaves()
    leaf = duel.answer(duel.arena.game.claims[-1].index, NOISE, is_attack=True)
    duel.arena.wait(CLOCKS.longest_game(DEPTH))
    assert [type(action) for action in duel.moves()] == [Step]
    duel.arena.resolve(ResolveClaim(leaf.index, 0))
    assert duel.moves() == ()


def test_freeloader_is_left_alone_where_the_honest_answer_came_too_late():
    """It is all that stands against the lie then."""
    duel = Duel(0, is_root_right=False)
    duel.answer(0, NOISE, is_attack=True, player=OTHER)
    duel.arena.wait(CLOCKS.duration)
    assert duel.moves() == ()
    duel.arena.finish()
    assert duel.arena.game.status is GameStatus.CHALLENGER_WINS


def test_later_claim_with_the_shorter_clock_is_answered_first():
    """The second attack on the root comes 300 s later, but starts from a fresh clock."""
    duel = Duel(0, is_root_right=True)
    duel.answer(0, NOISE, is_attack=True)
    duel.arena.wait(300)
    duel.honest.play(duel.arena)
    fresh = duel.answer(0, Hash32(bytes(32)), is_attack=True)
    inherited = duel.answer(2, NOISE, is_attack=True)
    targets = [action.parent_index for action in duel.moves() if isinstance(action, Move)]
    assert targets == [inherited.index, fresh.index]


def test_moves_come_shortest_clock_first_and_steps_before_them():
    duel = _duel_above_the_leaves()
    last = duel.arena.game.claims[-1].index
    first = duel.answer(1, NOISE, is_attack=True)
    duel.arena.wait(10)
    second = duel.answer(1, duel.true_at(Position(2)), is_attack=False)
    leaf = duel.answer(last, NOISE, is_attack=True)
    targets = [a.claim_index if isinstance(a, Step) else a.parent_index for a in duel.moves()]
    assert targets == [leaf.index, first.index, second.index]


# Data, restarts, repetition


@pytest.mark.parametrize("missing", range(LEAVES))
def test_incomplete_data_abstains_from_what_depends_on_it_and_never_guesses(missing: int):
    """Whatever single state is missing, each action is one that the whole trace leads to as
    well."""
    duel = Duel(5, is_root_right=False)
    known = _Without(duel.truth, missing)
    for _ in range(2 * DEPTH):
        partial = next_moves(duel.arena.game, known, HONEST, duel.arena.now)
        assert set(partial) <= set(duel.moves())
        duel.honest.play(duel.arena)
        duel.liar.play(duel.arena)


class _Without:
    """A trace that lacks one state."""

    def __init__(self, trace: CountingTrace, missing: int) -> None:
        self._trace = trace
        self._missing = missing

    def claim_at(self, trace_index: int) -> Hash32:
        known = range(0) if trace_index == self._missing else None
        return replace(self._trace, known=known).claim_at(trace_index)


def test_own_move_that_an_l1_reorg_put_against_an_honest_claim_is_answered():
    """A move names the state that it answers; a reorg may have put that state elsewhere in the
    tree, as an honest claim. What is against it then is ours, and would decide the game."""
    duel = Duel(0, is_root_right=False)
    honest = duel.answer(0, duel.true_at(Position(2)), is_attack=True, player=OTHER)
    misplaced = duel.answer(honest.index, NOISE, is_attack=True, player=HONEST)
    (move,) = duel.moves()
    assert isinstance(move, Move)
    assert move.parent_index == misplaced.index
    duel.play()
    duel.arena.finish()
    assert duel.arena.game.status is GameStatus.CHALLENGER_WINS
    assert duel.arena.awarded(HONEST) >= duel.arena.staked[HONEST]


def test_own_move_beside_an_honest_answer_is_left_alone():
    """Only its bond is at stake there."""
    duel = Duel(0, is_root_right=False)
    duel.answer(0, duel.true_at(Position(2)), is_attack=True, player=OTHER)
    duel.answer(0, NOISE, is_attack=True, player=HONEST)
    assert duel.moves() == ()
    assert next_moves(duel.arena.game, duel.truth, None, duel.arena.now) != ()


def test_challenger_killed_and_restarted_between_any_two_moves_plays_the_same_game():
    """The solver remembers nothing: one move at a time, each from L1 alone, gives the same
    claims."""
    whole, cut = (Duel(5, is_root_right=False) for _ in range(2))
    whole.play()
    for _ in range(4 * DEPTH):
        while actions := cut.moves():
            cut.arena.do(actions[0], HONEST)
        cut.liar.play(cut.arena)
    assert cut.arena.game == whole.arena.game


def test_solver_is_pure():
    duel = _duel_above_the_leaves()
    duel.answer(duel.arena.game.claims[-1].index, NOISE, is_attack=True)
    before = duel.arena.model.state()
    first = duel.moves()
    assert duel.moves() == first != ()
    assert duel.arena.model.state() == before


def test_no_move_is_repeated_after_an_l1_reorg_that_kept_it():
    duel = Duel(0, is_root_right=False)
    duel.honest.play(duel.arena)
    assert duel.moves() == ()


def test_game_that_is_over_is_left_alone():
    duel = Duel(0, is_root_right=False)
    duel.honest.play(duel.arena)
    duel.finish()
    assert duel.moves() == ()
    assert resolutions(duel.arena.game, duel.arena.now) == ()


# Resolution


def test_resolutions_wait_for_the_clocks():
    duel = Duel(0, is_root_right=False)
    duel.honest.play(duel.arena)
    arena = duel.arena
    arena.now = Timestamp(arena.expiry(arena.game.claims[1]) - 1)
    assert resolutions(arena.game, arena.now) == ()
    arena.wait(1)
    assert resolutions(arena.game, arena.now) == (
        ResolveClaim(1, limits.ANSWERS_PER_RESOLUTION_MAX),
        Resolve(),
    )


def test_thousand_spam_children_are_answered_and_resolved_page_by_page():
    duel = Duel(0, is_root_right=False)
    duel.honest.play(duel.arena)
    for number in range(1_000):
        duel.answer(1, Hash32(number.to_bytes(32, "big")), is_attack=number % 2 == 0)
    duel.honest.play(duel.arena)
    arena = duel.arena
    assert sum(c.claimant == HONEST for c in arena.game.claims) == 1_001
    arena.wait(CLOCKS.longest_game(DEPTH))
    rounds = 0
    while plan := resolutions(arena.game, arena.now):
        rounds += 1
        for action in plan:
            arena.resolve(action)
    assert rounds == -(-1_000 // limits.ANSWERS_PER_RESOLUTION_MAX) + 1
    check_honest_outcome(arena, is_root_right=False)


def test_claimable_waits_for_the_end_and_the_payout_delay():
    duel = Duel(0, is_root_right=False)
    duel.honest.play(duel.arena)
    arena = duel.arena
    assert claimable(arena.game, HONEST, arena.now) == 0
    duel.finish()
    assert claimable(arena.game, HONEST, Timestamp(arena.now + PAYOUT_DELAY - 1)) == 0
    due = Timestamp(arena.now + PAYOUT_DELAY)
    assert claimable(arena.game, HONEST, due) == arena.credit(HONEST) > arena.staked[HONEST]
    assert claimable(arena.game, LIAR, due) == 0


# Values


def test_game_whose_claims_are_no_tree_in_order_is_refused():
    game = Duel(0, is_root_right=True).arena.game
    root = game.claims[0]
    with pytest.raises(ValueError):
        replace(game, claims=())
    with pytest.raises(ValueError):
        replace(game, claims=(root, root))
    with pytest.raises(ValueError):
        GameState(game.rules, game.anchor, (replace(root, parent_index=0),))


def test_duplicate_step_on_a_leaf_is_not_played():
    duel = _duel_above_the_leaves()
    duel.answer(duel.arena.game.claims[-1].index, NOISE, is_attack=True)
    duel.honest.play(duel.arena)
    assert duel.moves() == ()


def test_step_on_an_honest_leaf_is_refused():
    duel = Duel(0, is_root_right=True)
    duel.answer(0, duel.lie.claim_at(LEAVES // 2 - 1), is_attack=True)
    duel.play()
    leaf = next(c for c in duel.arena.game.claims if c.position.depth == DEPTH)
    assert leaf.claimant == HONEST
    index = leaf.position.trace_index(DEPTH)
    with pytest.raises(ClaimStands):
        duel.arena.do(Step(leaf.index, is_attack=True, trace_index=index), LIAR)
