"""The honest strategy: what to answer in a dispute, given one's own trace.

A pure function of the game, the trace and the time, for both sides: it challenges a wrong root and
defends a right one. It knows one honest answer to each claim that deserves one: attack a claim
that is wrong; defend one that is right but stands against the truth, for it says that the truth
fails later. A claim is *honest* if it is the right root or the honest answer to a claim that
deserved one, whoever made it. A claim deserves an answer if it

- is a wrong root,
- answers an honest claim, or
- stands beside an honest answer and not to its right. Such a freeloader, left alone, would be
  awarded the bond that the honest answer earns (leftmost wins). To the right it gets nothing.

Everything else can't hurt, and answering it could cost a bond: below a claim that was left alone,
the states at both ends of an interval need not be the trace's. After OP's honest challenger
specification (fault-proof/stage-one/honest-challenger-fdg).

The claims that are answered keep an invariant: the state where their interval begins is right, and
the claim at its end is either a wrong one of their own side or a right one of the other side.
Hence the one step at the leaf succeeds, and none against an honest leaf does.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Protocol

from bridge.dispute import limits
from bridge.dispute.game import Claim, GameState, Move, Resolve, ResolveClaim, Step
from bridge.dispute.position import Position
from bridge.games import GameStatus
from state.errors import Unavailable
from state.types import Address, Hash32, Timestamp, Wei

Action = Move | Step
Resolution = ResolveClaim | Resolve


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and what not to end yet."""

    actions: tuple[Action, ...]
    undecided: frozenset[int]
    """Claims, by index, that a step of ours may still refute: those on which `actions` step, and
    leaves that can't be judged yet."""


class Trace(Protocol):
    """One's own execution of what the game is about."""

    def claim_at(self, trace_index: int) -> Hash32:
        """The state's hash after `trace_index` + 1 steps. Raises `Unavailable` while what it
        depends on is incomplete."""
        ...


def next_moves(
    game: GameState, trace: Trace, me: Address | None, now: Timestamp
) -> tuple[Action, ...]:
    """What to do now: steps first, which win a bond and stake none, then moves; within each the
    shortest clock first.

    Abstains from whatever depends on a state that `trace` doesn't have. Who made a claim doesn't
    matter: a root or a move of `me` that is wrong (an L1 reorg may have put it elsewhere in the
    tree) would decide the game like any other. Only beside an honest answer a move of `me` is left
    alone, for there the bond is all that is at stake.

    A step counts until its leaf is resolved, however late: play these before `resolutions`.
    """
    return plan(game, trace, me, now).actions


def plan(game: GameState, trace: Trace, me: Address | None, now: Timestamp) -> Plan:
    """As `next_moves`, with what must not be resolved before a step on it was tried."""
    if game.status is not GameStatus.IN_PROGRESS:
        return Plan((), frozenset())
    strategy = _Strategy(game, trace, me, now)
    found = [(claim, strategy.answer(claim)) for claim in game.claims]
    urgent = sorted(
        (isinstance(action, Move), -game.elapsed(claim, now), claim.index, action)
        for claim, action in found
        if action is not None
    )
    steps = {action.claim_index for _, action in found if isinstance(action, Step)}
    undecided = steps | (open_leaves(game) & strategy.unjudged)
    return Plan(tuple(action for *_, action in urgent), frozenset(undecided))


def open_leaves(game: GameState) -> frozenset[int]:
    """The leaves on which somebody may still step, by index."""
    depth = game.rules.max_depth
    return frozenset(
        claim.index
        for claim in game.claims
        if claim.position.depth == depth and claim.countered_by is None and not claim.is_resolved
    )


class _Strategy:
    """Walks the claims from the root on, so that a claim's parent and what the honest answer to it
    is are known before the claim."""

    __slots__ = ("_answers", "_game", "_honest", "_me", "_now", "_standing", "_trace", "unjudged")

    def __init__(self, game: GameState, trace: Trace, me: Address | None, now: Timestamp) -> None:
        self._game = game
        self._trace = trace
        self._me = me
        self._now = now
        self._standing = {(c.parent_index, c.position, c.claim) for c in game.claims}
        self._honest: set[int] = set()
        """Honest claims, by index."""
        self._answers: dict[int, tuple[Position, Hash32]] = {}
        """The honest answer to a claim, by the claim's index; it stands or can still be given."""
        self.unjudged: set[int] = set()
        """Claims for which the trace is incomplete, and all below them."""

    def answer(self, claim: Claim) -> Action | None:
        """What to do about a claim; nothing while the trace is incomplete there."""
        if claim.parent_index in self.unjudged:
            self.unjudged.add(claim.index)
            return None
        try:
            if self._is_honest(claim):
                self._honest.add(claim.index)
                return None
            if not self._deserves_answer(claim):
                return None
            if claim.position.depth == self._game.rules.max_depth:
                return self._step(claim)
            return self._move(claim)
        except Unavailable:
            self.unjudged.add(claim.index)
            return None

    def _is_honest(self, claim: Claim) -> bool:
        if claim.parent_index is None:
            return self._is_right(claim)
        return self._answers.get(claim.parent_index) == (claim.position, claim.claim)

    def _deserves_answer(self, claim: Claim) -> bool:
        if claim.parent_index is None:
            return True
        if claim.parent_index in self._honest:
            return True
        if claim.claimant == self._me:
            return False
        honest = self._answers.get(claim.parent_index)
        return honest is not None and claim.position <= honest[0]

    def _move(self, claim: Claim) -> Move | None:
        is_attack = not self._is_right(claim)
        position = claim.position.move(is_attack)
        ours = self._claim_at(position)
        stands = (claim.index, position, ours) in self._standing
        if not stands and self._game.is_expired(claim, self._now):
            # Too late. Freeloaders beside the answer that is missing are now all that stands
            # against this claim: they are left alone, for they have no honest answer beside them.
            return None
        self._answers[claim.index] = (position, ours)
        return None if stands else Move(claim.index, claim.claim, ours, is_attack)

    def _step(self, leaf: Claim) -> Step | None:
        if leaf.countered_by is not None or leaf.is_resolved:
            return None
        is_attack = not self._is_right(leaf)
        index = leaf.position.trace_index(self._game.rules.max_depth)
        return Step(leaf.index, is_attack, trace_index=index if is_attack else index + 1)

    def _is_right(self, claim: Claim) -> bool:
        return claim.claim == self._claim_at(claim.position)

    def _claim_at(self, position: Position) -> Hash32:
        return self._trace.claim_at(position.trace_index(self._game.rules.max_depth))


def resolutions(
    game: GameState, now: Timestamp, spared: Container[int] = ()
) -> tuple[Resolution, ...]:
    """What can be resolved now, in an order that works: answers before what they answer, the game
    last. Claims whose index is in `spared`, and all above them, are left as they are. A claim with
    very many answers gets one page of them; what waits for it comes once the game, read again,
    shows it resolved, for it doesn't say how many pages others have done."""
    if game.status is not GameStatus.IN_PROGRESS:
        return ()
    answers = [0] * len(game.claims)
    open_answers = [0] * len(game.claims)
    ripe: list[Resolution] = []
    for claim in reversed(game.claims):
        is_small = answers[claim.index] <= limits.ANSWERS_PER_RESOLUTION_MAX
        may_end = open_answers[claim.index] == 0 and claim.index not in spared
        is_ripe = may_end and game.is_expired(claim, now)
        is_done = claim.is_resolved or (is_ripe and is_small)
        if claim.parent_index is not None:
            answers[claim.parent_index] += 1
            open_answers[claim.parent_index] += not is_done
        elif is_done:
            # The end of the game judges the root as well.
            return (*ripe, Resolve())
        if is_ripe and not claim.is_resolved:
            ripe.append(ResolveClaim(claim.index, limits.ANSWERS_PER_RESOLUTION_MAX))
    return tuple(ripe)


def claimable(game: GameState, me: Address, now: Timestamp) -> Wei:
    """What `me` can take out of the game now, in wei."""
    is_over = game.status is not GameStatus.IN_PROGRESS
    if not is_over or now < game.resolved_at + game.rules.payout_delay:
        return Wei(0)
    return Wei(sum(credit.amount for credit in game.credits if credit.account == me))
