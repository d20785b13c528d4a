"""Playing a game by hand: one action of one account, sent once."""

from dataclasses import dataclass

from bridge.dispute.challenger import Played, bond_of, name_of, resolve_expired, send_within_funds
from bridge.dispute.game import Move, Step
from bridge.dispute.reader import Dispute
from bridge.dispute.solver import Action, claimable
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

    async def move(self, parent: int, claim: Hash32 | None, *, is_attack: bool) -> Played:
        """Answer a claim; without `claim` by what our own trace says there.

        Raises `NotPlayable`, and what sending raises.
        """
        self._require_in_progress()
        answered = claim_of(self.dispute, parent)
        max_depth = self.dispute.game.rules.max_depth
        if answered.position.depth == max_depth:
            raise NotPlayable(f"claim {parent} is about a single step: use `dispute step`")
        if answered.position.is_root and not is_attack:
            raise NotPlayable("the root claim ends the trace: it can only be attacked")
        if self.dispute.game.is_expired(answered, self.dispute.read_at):
            raise NotPlayable(f"the time to answer claim {parent} is over")
        index = answered.position.move(is_attack).trace_index(max_depth)
        if claim is None:
            claim = await self.derived.chain.write(lambda: self.trace().claim_at(index))
        move = Move(parent, answered.claim, claim, is_attack)
        data = contracts.MOVE.call(parent, answered.claim, claim, is_attack)
        return await self._send(move, data, bond_of(self.dispute, move))

    async def step(self, index: int) -> tuple[Played, StepView]:
        """Refute a leaf by the step that our own trace says it falls by.

        Raises `NotPlayable`, and what sending raises.
        """
        self._require_in_progress()
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

    def _require_in_progress(self) -> None:
        status = self.dispute.game.status
        if status is not GameStatus.IN_PROGRESS:
            raise NotPlayable(f"the game is over: {status.name.replace('_', ' ').lower()}")

    async def _send(self, action: Action | Wei, data: bytes, value: Wei) -> Played:
        what = name_of(self.dispute, action)
        call = L1Transaction(what, self.dispute.address, data, value)
        return Played(self.dispute, action, await send_within_funds(self.transactor, call))
