"""A dispute as it stands: the tree of claims, and what may be done to it.

FRAUD_PROOFS.md, "Game"; the contract is `bridge/contracts/DisputeGame.sol`. These are values, read
from L1 or made by `bridge.dispute.model`; the strategy over them is `bridge.dispute.solver`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.dispute import limits
from bridge.dispute.clock import ClockRules
from bridge.dispute.position import Position
from bridge.games import GameStatus
from state.types import Address, Hash32, Timestamp, Wei


@dataclass(frozen=True, slots=True)
class GameRules:
    """What is fixed for every claim of a game. Raises `ValueError` for a tree that no game has."""

    max_depth: int
    """Depth of the leaves, each one step of the trace."""
    clocks: ClockRules
    root_bond: Wei
    payout_delay: int
    """Seconds from the end of the game until credits are paid."""

    def __post_init__(self) -> None:
        if not 1 <= self.max_depth <= limits.DEPTH_MAX:
            raise ValueError(f"a game has 1 to {limits.DEPTH_MAX} levels, not {self.max_depth}")

    def bond_at(self, depth: int) -> Wei:
        """What a claim at that depth stakes, in wei."""
        return Wei(self.root_bond << (depth // limits.BOND_DOUBLING_DEPTHS))


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: `claimant` says that `claim` is the state's hash where `position` ends."""

    index: int
    parent_index: int | None
    """The claim that it answers; none for the root."""
    position: Position
    claim: Hash32
    claimant: Address
    bond: Wei
    clock_used: int
    """Seconds that the claimant's side had used when it was made."""
    made_at: Timestamp
    countered_by: Address | None = None
    """Who refuted it: by a step against a leaf, or as found when the claim was resolved."""
    is_resolved: bool = False


@dataclass(frozen=True, slots=True)
class StepCase:
    """What one step of the machine would settle about a leaf."""

    trace_index: int
    """The step that is executed: the number of steps before it."""
    pre_state: Hash32
    post: Claim
    """The claim about the state after it: the leaf itself, or an ancestor."""
    is_ally: bool
    """Whether the leaf's side made the claim `post`, by the parity of their distance."""

    def refutes(self, proven: Hash32) -> bool:
        """Whether the leaf falls when the step leads to `proven`. Its own side's claim must be
        wrong, or the other side's right."""
        return (proven == self.post.claim) != self.is_ally


@dataclass(frozen=True, slots=True)
class Move:
    """Answer a claim with one of our own."""

    parent_index: int
    parent_claim: Hash32
    """The claim that is answered: after an L1 reorg another one may have its index."""
    claim: Hash32
    is_attack: bool


@dataclass(frozen=True, slots=True)
class Step:
    """Refute a leaf by executing one step of the machine on L1."""

    claim_index: int
    is_attack: bool
    """Execute the step that ends in the leaf; else the one that begins there."""
    trace_index: int


@dataclass(frozen=True, slots=True)
class ResolveClaim:
    """Judge a claim by its answers, at most `answers_max` of them in one transaction; 0 for
    all."""

    claim_index: int
    answers_max: int


@dataclass(frozen=True, slots=True)
class Resolve:
    """End the game by the judgement on its root."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What the game owes an account."""

    account: Address
    amount: Wei


@dataclass(frozen=True, slots=True)
class GameState:
    """A game after some L1 block. Raises `ValueError` if the claims aren't a tree in order."""

    rules: GameRules
    anchor: Hash32
    """Hash of the machine state that the trace starts from."""
    claims: tuple[Claim, ...]
    """In the order in which they were made, the root first."""
    status: GameStatus = GameStatus.IN_PROGRESS
    resolved_at: Timestamp = Timestamp(0)
    """Zero while it is in progress."""
    credits: tuple[Credit, ...] = ()

    def __post_init__(self) -> None:
        if not self.claims or not all(map(_is_in_place, self.claims, range(len(self.claims)))):
            raise ValueError("the claims of a game are numbered from the root on, parents first")

    def elapsed(self, claim: Claim, now: Timestamp) -> int:
        """Seconds that the side which may answer `claim` has used up."""
        return elapsed(self.rules.clocks, self.claims, claim, now)

    def is_expired(self, claim: Claim, now: Timestamp) -> bool:
        """Whether nobody can answer it any more."""
        return self.elapsed(claim, now) >= self.rules.clocks.duration

    def step_case(self, claim: Claim, *, is_attack: bool) -> StepCase:
        """What a step against a leaf would settle."""
        return step_case(
            self.claims, self.anchor, claim, is_attack=is_attack, max_depth=self.rules.max_depth
        )


def elapsed(clocks: ClockRules, claims: Sequence[Claim], claim: Claim, now: Timestamp) -> int:
    """Seconds that the side which may answer `claim` has used up: that of the claim's parent."""
    used = 0 if claim.parent_index is None else claims[claim.parent_index].clock_used
    return clocks.elapsed(used, claim.made_at, now)


def step_case(
    claims: Sequence[Claim], anchor: Hash32, leaf: Claim, *, is_attack: bool, max_depth: int
) -> StepCase:
    """What a step against a leaf would settle, from the claims on its way to the root."""
    index = leaf.position.trace_index(max_depth)
    if not is_attack:
        post = _ancestor(claims, leaf, leaf.position.after)
        return StepCase(index + 1, leaf.claim, post, _are_allies(leaf, post))
    before = leaf.position.before
    pre = anchor if before is None else _ancestor(claims, leaf, before).claim
    return StepCase(index, pre, leaf, is_ally=True)


def _ancestor(claims: Sequence[Claim], claim: Claim, position: Position) -> Claim:
    """The claim at `position` on the way from a leaf to the root. Whatever was moved, both ends of
    a leaf's interval stand there: each move took one of them from the claim that it answered."""
    while claim.position != position:
        if claim.parent_index is None:
            raise ValueError(f"no claim at {position} above the leaf")
        claim = claims[claim.parent_index]
    return claim


def _are_allies(one: Claim, other: Claim) -> bool:
    return (one.position.depth - other.position.depth) % 2 == 0


def _is_in_place(claim: Claim, index: int) -> bool:
    if claim.index != index:
        return False
    if claim.parent_index is None:
        return index == 0
    return 0 <= claim.parent_index < index
