"""The challenger: derives the chain from L1 alone, and disputes on L1 whatever contradicts it.

It needs no node and no permission, only ether for bonds. All that it knows it reads from L1 again
when it is started again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bridge.dispute.challenger import Challenger, Played
from bridge.dispute.game import Move, Resolve, ResolveClaim, Step
from bridge.dispute.limits import GAME_CONFIRMATIONS
from bridge.dispute.position import ROOT_POSITION
from bridge.dispute.reader import Dispute
from bridge.dispute.trace import ChainTrace, TraceBook
from bridge.games import GameStatus
from bridge.l1.accounts import Operator
from bridge.l1.errors import L1RequestRefused, L1TransactionReverted
from bridge.l1.transactor import Transactor
from node.derived import DerivedChain, Progress
from node.dispute import happenings
from node.dispute.happenings import Happening
from node.dispute.step_view import view_step
from node.limits import DISPUTE_POLL_SECONDS
from state.errors import InternalError, Unavailable
from state.kv import DatabaseError
from state.types import Address, Hash32

Tell = Callable[[Happening], None]
"""Shows what happened to whoever watches."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What our own trace says of a game's root claim."""

    is_right: bool
    right_root: Hash32 | None
    """Our output root of the block; None where the game's inbox prefix has no such block."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at L1 found."""

    wrong: tuple[Address, ...]
    """Games in progress with a wrong root, or a right one that is disputed."""
    waiting: tuple[str, ...]
    """Why games could not be judged or answered."""


class ChallengerRole:
    """Plays one account's disputes on one Rollup, and tells of it. Is its own spectator."""

    def __init__(self, derived: DerivedChain, operator: Operator, tell: Tell) -> None:
        self._derived = derived
        self._tell = tell
        self._book = TraceBook(derived.local)
        self._account = operator.address
        self._challenger = Challenger(
            Transactor(derived.client, operator, poll_seconds=DISPUTE_POLL_SECONDS),
            derived.deployment.rollup,
            self._trace_of,
            confirmations=GAME_CONFIRMATIONS,
            spectator=self,
            on_chain_thread=derived.chain.write,
        )
        self._is_watching = False
        self._told: set[Address] = set()
        """Games in which we have told that something is wrong."""
        self._ended: set[Address] = set()
        self._wrong: list[Address] = []
        self._moves: Counter[Address] = Counter()
        """Our claims in each game."""
        self._resolved: dict[Address, tuple[Dispute, int]] = {}
        """Claims resolved in this look."""
        self._waiting: tuple[str, ...] = ()
        self._trouble: str | None = None

    # Looking

    async def watch(self) -> None:
        """Look again and again until cancelled; what L1 refuses now is tried the next time.

        So is what we fail at ourselves: to stop would leave every other game to the liars.
        """
        while True:
            try:
                await self.look()
                self._recovered()
            except DatabaseError:
                raise
            except (Unavailable, L1RequestRefused, L1TransactionReverted, InternalError) as error:
                self._note_trouble(str(error))
            await asyncio.sleep(DISPUTE_POLL_SECONDS)

    async def look(self, progress: Progress = lambda _block, _items: None) -> Look:
        """Derive what L1 has now, and do all that can be done. Raises `Unavailable`."""
        await self._derived.catch_up(progress)
        if not self._is_watching:
            self._is_watching = True
            rollup = self._derived.deployment.rollup
            self._tell(happenings.caught_up(rollup, self._account, self._derived.safe))
        self._wrong = []
        try:
            report = await self._challenger.step()
        finally:
            self._tell_resolved()
        for reason in report.waiting:
            if reason not in self._waiting:
                self._tell(happenings.waiting(reason))
        self._waiting = report.waiting
        return Look(tuple(self._wrong), report.waiting)

    def _note_trouble(self, reason: str) -> None:
        if reason != self._trouble:
            self._tell(happenings.trouble(reason))
        self._trouble = reason

    def _recovered(self) -> None:
        if self._trouble is not None:
            self._tell(happenings.trouble_over())
        self._trouble = None

    # Judging

    def _trace_of(self, dispute: Dispute) -> ChainTrace:
        return self._book.trace_of(dispute.subject)

    def _judge(self, dispute: Dispute) -> Verdict:
        trace = self._trace_of(dispute)
        game = dispute.game
        right = trace.claim_at(ROOT_POSITION.trace_index(game.rules.max_depth))
        root = self._derived.local.view.output_root(dispute.subject.l2_block)
        return Verdict(game.claims[0].claim == right, root if trace.reaches_claim else None)

    # What the challenger tells

    async def saw(self, dispute: Dispute) -> None:
        """Tell once what is wrong with a game, and once how it ended."""
        us = self._account
        self._moves[dispute.address] = sum(c.claimant == us for c in dispute.game.claims)
        try:
            verdict = await self._derived.chain.write(lambda: self._judge(dispute))
        except Unavailable:
            return  # the challenger says the same of it
        if dispute.game.status is not GameStatus.IN_PROGRESS:
            self._tell_end(dispute, verdict)
        elif not verdict.is_right or len(dispute.game.claims) > 1:
            self._wrong.append(dispute.address)
            if dispute.address not in self._told:
                self._told.add(dispute.address)
                self._tell(_found(dispute, verdict))

    def _tell_end(self, dispute: Dispute, verdict: Verdict) -> None:
        is_ours = any(credit.amount for credit in dispute.game.credits)
        known = dispute.address in self._told or is_ours
        if not known or dispute.address in self._ended:
            return
        self._ended.add(dispute.address)
        stands = dispute.game.status is GameStatus.DEFENDER_WINS
        self._tell(happenings.game_ended(dispute, is_won=stands == verdict.is_right))

    async def played(self, played: Played) -> None:
        """Tell what was done; resolutions together, since there is one for each claim."""
        game, action = played.dispute.address, played.action
        if isinstance(action, Move):
            self._moves[game] += 1
            self._tell(happenings.moved(played, action, self._moves[game]))
        elif isinstance(action, Step):
            trace = self._trace_of(played.dispute)
            view = await self._derived.chain.write(lambda: view_step(trace, action.trace_index))
            self._tell(happenings.proven(played, action, view))
        elif isinstance(action, (Resolve, ResolveClaim)):
            _, count = self._resolved.get(game, (played.dispute, 0))
            self._resolved[game] = played.dispute, count + isinstance(action, ResolveClaim)
        else:
            self._tell(happenings.bond_claimed(played, action))

    def _tell_resolved(self) -> None:
        for dispute, count in self._resolved.values():
            if count:
                self._tell(happenings.claims_resolved(dispute, count))
        self._resolved.clear()


def _found(dispute: Dispute, verdict: Verdict) -> Happening:
    if verdict.is_right:
        return happenings.root_attacked(dispute)
    return happenings.wrong_root(dispute, verdict.right_root)
