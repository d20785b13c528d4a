"""Playing a game by hand: one action of one account, sent once."""

from dataclasses import dataclass

from bridge.dispute.challenger import Played, bond_of, name_of, resolve_expired, send_within_funds
from bridge.dispute.game import Claim, Move, Step
from bridge.dispute.reader import Dispute
from bridge.dispute.solver import Action, claimable, next_moves
from bridge.dispute.trace import ChainTrace, TraceBook
from bridge.games import GameStatus
from bridge.l1 import contracts
from bridge.l1.transactor import L1Transaction, Transactor
from node.derived import DerivedChain
from node.dispute.games import claim_of
from node.dispute.step_view import StepView, view_step
from state.errors import Invalid
from state.types import Hash32, Wei


class NotPlayable(Invalid):
    """The rules of the game don't allow that now; the message says why."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Who plays which game."""

    derived: DerivedChain
    transactor: Transactor
    dispute: Dispute

    def trace(self) -> ChainTrace:
        """Our own trace of the game; on the chain's thread. Raises `Unavailable`."""
        return TraceBook(self.derived.local).trace_of(self.dispute.subject)

    async def answer(self, parent: int | None) -> Played:
        """Attack a claim that is wrong by our own trace, defend one that is right but stands
        against it; without `parent` the one of all such claims whose clock is the shortest.

        Raises `NotPlayable`, also for a claim that `solver` leaves alone: an answer to one that is
        on our side would only cost its bond. Raises `Unavailable` while the trace is incomplete.
        """
        self._require_in_progress()
        if parent is not None:
            self._movable(parent)
        due = await self.derived.chain.write(lambda: self._due(parent))
        if isinstance(due, Step):
            raise _is_leaf(due.claim_index)
        return await self._move(due)

    async def move(self, parent: int, claim: Hash32 | None, *, is_attack: bool) -> Played:
        """Answer a claim, be that wise or not; without `claim` by what our own trace says there.

        Raises `NotPlayable`, and what sending raises.
        """
        self._require_in_progress()
        answered = self._movable(parent)
        if answered.position.is_root and not is_attack:
            raise NotPlayable("the root claim ends the trace: it can only be attacked")
        index = answered.position.move(is_attack).trace_index(self.dispute.game.rules.max_depth)
        if claim is None:
            claim = await self.derived.chain.write(lambda: self.trace().claim_at(index))
        return await self._move(Move(parent, answered.claim, claim, is_attack))

    async def step(self, index: int | None) -> tuple[Played, StepView]:
        """Refute a leaf by the step that our own trace says it falls by; without `index` the one
        of all wrong leaves whose clock is the shortest.

        Raises `NotPlayable`, and what sending raises.
        """
        self._require_in_progress()
        if index is None:
            due = await self.derived.chain.write(lambda: self._due(None))
            if not isinstance(due, Step):
                raise NotPlayable("no single step is left to prove yet: use `dispute move`")
            index = due.claim_index
        leaf = claim_of(self.dispute, index)
        max_depth = self.dispute.game.rules.max_depth
        if leaf.position.depth != max_depth:
            raise NotPlayable(
                f"claim {index} is at depth {leaf.position.depth} of {max_depth}: only single"
                " steps are proven; use `dispute move`"
            )
        end = leaf.position.trace_index(max_depth)

        def prepare() -> tuple[Step, StepView]:
            trace = self.trace()
            is_attack = trace.claim_at(end) != leaf.claim
            step = Step(index, is_attack, end if is_attack else end + 1)
            return step, view_step(trace, step.trace_index)

        step, view = await self.derived.chain.write(prepare)
        data = contracts.STEP.call(index, step.is_attack, view.witness)
        return await self._send(step, data, Wei(0)), view

    async def resolve(self) -> tuple[Played, ...]:
        """Resolve all that the clocks have ended. Raises `NotPlayable` for nothing."""
        self._require_in_progress()
        played = await resolve_expired(self.transactor, self.dispute)
        if not played:
            raise NotPlayable(
                "nothing can be resolved yet: a claim is, once the time to answer it is over and"
                " its answers are resolved; `dispute show` shows the clocks"
            )
        return played

    async def claim(self) -> Played:
        """Take out what the game owes us. Raises `NotPlayable`."""
        game, us = self.dispute.game, self.transactor.address
        owed = claimable(game, us, self.dispute.read_at)
        if owed:
            return await self._send(owed, contracts.CLAIM_CREDIT.call(us), Wei(0))
        if game.status is GameStatus.IN_PROGRESS:
            raise NotPlayable("the game is in progress: bonds are paid after its end")
        if not any(credit.amount for credit in game.credits):
            raise NotPlayable(f"the game owes 0x{us.hex()} nothing")
        wait = game.resolved_at + game.rules.payout_delay - self.dispute.read_at
        raise NotPlayable(f"bonds are held back for {wait} more seconds")

    def _due(self, index: int | None) -> Action:
        """The honest answer to a claim, or the most urgent one of all. On the chain's thread."""
        game, trace = self.dispute.game, self.trace()
        trace.claim_at(game.claims[0].position.trace_index(game.rules.max_depth))
        for action in next_moves(game, trace, None, self.dispute.read_at):
            if index in (None, _answered(action)):
                return action
        if index is None:
            raise NotPlayable("no claim needs an answer of yours now: the other side is to move")
        raise NotPlayable(
            f"claim {index} needs no answer: it is on the side that is right, or has its answer;"
            " --attack or --defend answer it all the same"
        )

    def _movable(self, index: int) -> Claim:
        """A claim that can still be answered by another. Raises `NotPlayable`, `UnknownGame`."""
        claim = claim_of(self.dispute, index)
        if claim.position.depth == self.dispute.game.rules.max_depth:
            raise _is_leaf(index)
        if self.dispute.game.is_expired(claim, self.dispute.read_at):
            raise NotPlayable(f"the time to answer claim {index} is over")
        return claim

    async def _move(self, move: Move) -> Played:
        data = contracts.MOVE.call(move.parent_index, move.parent_claim, move.claim, move.is_attack)
        return await self._send(move, data, bond_of(self.dispute, move))

    def _require_in_progress(self) -> None:
        status = self.dispute.game.status
        if status is not GameStatus.IN_PROGRESS:
            raise NotPlayable(f"the game is over: {status.name.replace('_', ' ').lower()}")

    async def _send(self, action: Action | Wei, data: bytes, value: Wei) -> Played:
        what = name_of(self.dispute, action)
        call = L1Transaction(what, self.dispute.address, data, value)
        return Played(self.dispute, action, await send_within_funds(self.transactor, call))


def _answered(action: Action) -> int:
    """The claim that an action is about, by index."""
    return action.parent_index if isinstance(action, Move) else action.claim_index


def _is_leaf(index: int) -> NotPlayable:
    return NotPlayable(f"claim {index} is about a single step: use `dispute step`")
