"""The rules of a game, played in memory: the twin of `DisputeGame.sol`.

The tests play thousands of games here, and the same ones on the contract. It is no part of a
running node: that plays on L1 alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge.dispute.errors import (
    AlreadyClaimed,
    AlreadyCountered,
    AlreadyResolved,
    AnswerUnresolved,
    ClaimAlreadyResolved,
    ClaimStands,
    ClockRunning,
    ClockSpent,
    GameInProgress,
    NoCredit,
    NotALeaf,
    ParentMoved,
    PayoutHeldBack,
    RootNotDefendable,
    TooDeep,
    UnknownClaim,
    WrongBond,
)
from bridge.dispute.game import (
    Claim,
    Credit,
    GameRules,
    GameState,
    Move,
    ResolveClaim,
    Step,
    elapsed,
    step_case,
)
from bridge.dispute.position import ROOT_POSITION, Position
from bridge.games import GameStatus
from state.types import Address, Hash32, Timestamp, Wei

Prover = Callable[[Hash32, int], Hash32]
"""The state after one step: of a state's hash, and the number of steps before."""


@dataclass(slots=True)
class _Judgement:
    """How far the resolution of a claim has got."""

    seen: int = 0
    leftmost: Claim | None = None
    """Of those that stand, the answer that is furthest left; the earlier of two at one
    position."""

    def weigh(self, answer: Claim) -> None:
        self.seen += 1
        if answer.countered_by is None and (
            self.leftmost is None or answer.position < self.leftmost.position
        ):
            self.leftmost = answer


class GameModel:
    """One game. Every method is one transaction; what it refuses raises `InvalidPlay` and changes
    nothing. Times are those of the L1 block, in seconds, and never go back."""

    __slots__ = (
        "_anchor",
        "_answers",
        "_claims",
        "_credits",
        "_ids",
        "_judgements",
        "_prover",
        "_resolved_at",
        "_rules",
        "_status",
    )

    def __init__(
        self,
        rules: GameRules,
        anchor: Hash32,
        root: Hash32,
        proposer: Address,
        now: Timestamp,
        prover: Prover,
    ) -> None:
        self._rules = rules
        self._anchor = anchor
        self._prover = prover
        self._claims = [Claim(0, None, ROOT_POSITION, root, proposer, rules.bond_at(0), 0, now)]
        self._answers: defaultdict[int, list[int]] = defaultdict(list)
        self._ids: set[tuple[int, Position, Hash32]] = set()
        self._judgements: defaultdict[int, _Judgement] = defaultdict(_Judgement)
        self._credits: defaultdict[Address, int] = defaultdict(int)
        self._status = GameStatus.IN_PROGRESS
        self._resolved_at = Timestamp(0)

    def state(self) -> GameState:
        """The game as it stands."""
        credits = tuple(Credit(who, Wei(wei)) for who, wei in self._credits.items() if wei)
        return GameState(
            rules=self._rules,
            anchor=self._anchor,
            claims=tuple(self._claims),
            status=self._status,
            resolved_at=self._resolved_at,
            credits=credits,
        )

    def move(self, move: Move, sender: Address, value: Wei, now: Timestamp) -> Claim:
        """Answer a claim; returns the new one."""
        parent = self._open_claim(move.parent_index)
        if parent.claim != move.parent_claim:
            raise ParentMoved
        position = self._moved(parent, move.is_attack)
        self._check_bond(position, value)
        used = self._rules.clocks.used_after_move(
            self._time_used(parent, now), position.depth, self._rules.max_depth
        )
        self._claim_once(parent.index, position, move.claim)
        made = Claim(
            index=len(self._claims),
            parent_index=parent.index,
            position=position,
            claim=move.claim,
            claimant=sender,
            bond=value,
            clock_used=used,
            made_at=now,
        )
        self._claims.append(made)
        self._answers[parent.index].append(made.index)
        return made

    def step(self, step: Step, sender: Address) -> None:
        """Refute a leaf by executing one step; costs no bond, wins the leaf's. No clock counts,
        only that the leaf isn't resolved: what a step shows is true, however late."""
        leaf = self._open_claim(step.claim_index)
        if leaf.position.depth != self._rules.max_depth:
            raise NotALeaf
        if leaf.countered_by is not None:
            raise AlreadyCountered
        if leaf.is_resolved:
            raise ClaimAlreadyResolved
        case = step_case(
            self._claims,
            self._anchor,
            leaf,
            is_attack=step.is_attack,
            max_depth=self._rules.max_depth,
        )
        if not case.refutes(self._prover(case.pre_state, case.trace_index)):
            raise ClaimStands
        self._claims[leaf.index] = replace(leaf, countered_by=sender)

    def resolve_claim(self, resolve: ResolveClaim, now: Timestamp) -> None:
        """Look at some more answers of a claim, and judge it once all are known."""
        claim = self._open_claim(resolve.claim_index)
        if claim.is_resolved:
            raise ClaimAlreadyResolved
        if elapsed(self._rules.clocks, self._claims, claim, now) < self._rules.clocks.duration:
            raise ClockRunning
        answers = self._answers[claim.index]
        judgement = self._judgements[claim.index]
        end = judgement.seen + resolve.answers_max if resolve.answers_max else len(answers)
        page = [self._claims[i] for i in answers[judgement.seen : end]]
        if not all(answer.is_resolved for answer in page):
            raise AnswerUnresolved
        for answer in page:
            judgement.weigh(answer)
        if judgement.seen == len(answers):
            self._award(claim, judgement.leftmost)

    def resolve(self, now: Timestamp) -> GameStatus:
        """End the game by the judgement on its root, which is made here if it wasn't before."""
        root = self._open_claim(0)
        if not root.is_resolved:
            self.resolve_claim(ResolveClaim(root.index, answers_max=0), now)
        stands = self._claims[0].countered_by is None
        self._status = GameStatus.DEFENDER_WINS if stands else GameStatus.CHALLENGER_WINS
        self._resolved_at = now
        return self._status

    def claim_credit(self, account: Address, now: Timestamp) -> Wei:
        """Pay an account what it is owed; returns the wei."""
        if not self._credits.get(account):
            raise NoCredit
        if self._status is GameStatus.IN_PROGRESS:
            raise GameInProgress
        if now < self._resolved_at + self._rules.payout_delay:
            raise PayoutHeldBack
        return Wei(self._credits.pop(account))

    def _open_claim(self, index: int) -> Claim:
        """A claim of a game that isn't over."""
        if self._status is not GameStatus.IN_PROGRESS:
            raise AlreadyResolved
        if not 0 <= index < len(self._claims):
            raise UnknownClaim(f"there is no claim {index}, only {len(self._claims)} in all")
        return self._claims[index]

    def _moved(self, parent: Claim, is_attack: bool) -> Position:
        """Where a move leads to."""
        if parent.position.is_root and not is_attack:
            raise RootNotDefendable
        if parent.position.depth == self._rules.max_depth:
            raise TooDeep
        return parent.position.move(is_attack)

    def _check_bond(self, position: Position, value: Wei) -> None:
        required = self._rules.bond_at(position.depth)
        if value != required:
            raise WrongBond(value, required)

    def _time_used(self, claim: Claim, now: Timestamp) -> int:
        """What the side that answers a claim has used; it must have some left."""
        used = elapsed(self._rules.clocks, self._claims, claim, now)
        if used >= self._rules.clocks.duration:
            raise ClockSpent
        return used

    def _claim_once(self, parent_index: int, position: Position, claim: Hash32) -> None:
        identity = (parent_index, position, claim)
        if identity in self._ids:
            raise AlreadyClaimed
        self._ids.add(identity)

    def _award(self, claim: Claim, leftmost: Claim | None) -> None:
        """The bond goes to whoever refuted the claim, else back to who made it."""
        countered_by = claim.countered_by if leftmost is None else leftmost.claimant
        self._claims[claim.index] = replace(claim, countered_by=countered_by, is_resolved=True)
        self._credits[countered_by or claim.claimant] += claim.bond
