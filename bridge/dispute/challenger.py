"""Plays every dispute on L1 that a right trace can win, and takes what it wins.

Nothing is remembered between two looks: what was claimed and answered is on L1, the trace is
computed, and the moves follow from both. Killed at any moment and started again, it goes on where
L1 stands.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bridge.dispute.game import Claim, Move, Resolve, ResolveClaim, Step
from bridge.dispute.reader import Dispute, read_dispute
from bridge.dispute.solver import Action, Resolution, claimable, next_moves, resolutions
from bridge.dispute.trace import StepProof
from bridge.games import Game, GameStatus, newest_games
from bridge.l1 import contracts
from bridge.l1.client import L1Receipt
from bridge.l1.errors import L1CallReverted, L1TransactionReverted
from bridge.l1.headers import L1Header
from bridge.l1.transactor import L1Transaction, Transactor
from bridge.l1.watcher import write_here
from state.errors import Unavailable
from state.types import Address, Hash32, Wei

log = logging.getLogger("tallystick.challenger")

NO_VALUE: Final = Wei(0)


class ProvableTrace(Protocol):
    """A trace that can be proven step by step; a liar's looks the same."""

    def claim_at(self, trace_index: int) -> Hash32: ...
    def proof(self, trace_index: int) -> StepProof: ...


TraceOf = Callable[[Dispute], ProvableTrace | None]
"""The trace to play a dispute by; None to leave it alone. Raises `Unavailable` for not yet."""


@dataclass(frozen=True, slots=True)
class Played:
    """Something that we did to a game, and L1's receipt."""

    dispute: Dispute
    action: Action | Resolution | Wei
    """A move, a step, a resolution, or credit claimed."""
    receipt: L1Receipt


@dataclass(frozen=True, slots=True)
class ChallengerReport:
    """What one look at L1 led to."""

    watched: tuple[Dispute, ...] = ()
    """Games that are not over, or owe us something."""
    played: tuple[Played, ...] = ()
    waiting: tuple[str, ...] = ()
    """Why a game could not be judged or answered yet."""


@dataclass(slots=True)
class _Round:
    watched: list[Dispute] = field(default_factory=list)
    played: list[Played] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


class Challenger:
    """Watches the games of one Rollup."""

    def __init__(
        self,
        transactor: Transactor,
        rollup: Address,
        trace_of: TraceOf,
        *,
        on_chain_thread: Callable[[Callable[[], Any]], Awaitable[Any]] = write_here,
    ) -> None:
        """`on_chain_thread` runs what reads the chain and executes blocks."""
        self._transactor = transactor
        self._rollup = rollup
        self._trace_of = trace_of
        self._on_chain_thread = on_chain_thread
        self._over: set[Address] = set()
        """Games that can't change for us any more: looked at once."""

    async def step(self) -> ChallengerReport:
        """Look at L1 once, and do all that can be done now.

        Raises `Unavailable`, and `Invalid` where L1 refuses us (no funds for a bond).
        """
        client = self._transactor.client
        await client.check_chain()
        head = await client.header()
        done = _Round()
        games = [game async for game in newest_games(client, self._rollup, at=head.hash)]
        for game in reversed(games):
            if game.address not in self._over:
                await self._visit(game, head, done)
        return ChallengerReport(tuple(done.watched), tuple(done.played), tuple(done.waiting))

    async def _visit(self, game: Game, head: L1Header, done: _Round) -> None:
        us = self._transactor.address
        dispute = await read_dispute(self._transactor.client, game.address, us, head)
        if game.status is not GameStatus.IN_PROGRESS:
            await self._collect(dispute, done)
            return
        done.watched.append(dispute)
        try:
            for action in await self._on_chain_thread(lambda: self._plan(dispute)):
                await self._play(dispute, action, done)
        except Unavailable as reason:
            # Nothing is guessed; what the clocks end is still resolved.
            done.waiting.append(f"the game of block {dispute.subject.l2_block}: {reason}")
        if len(dispute.game.claims) > 1:
            for resolution in resolutions(dispute.game, head.timestamp):
                await self._send(dispute, resolution, _resolving(resolution), done)

    def _plan(self, dispute: Dispute) -> tuple[Action, ...]:
        trace = self._trace_of(dispute)
        if trace is None:
            return ()
        return next_moves(dispute.game, trace, self._transactor.address, dispute.read_at)

    async def _play(self, dispute: Dispute, action: Action, done: _Round) -> None:
        if isinstance(action, Step):
            witness = await self._on_chain_thread(lambda: self._witness(dispute, action))
            data = contracts.STEP.call(action.claim_index, action.is_attack, witness)
            await self._send(dispute, action, data, done)
            return
        data = contracts.MOVE.call(
            action.parent_index, action.parent_claim, action.claim, action.is_attack
        )
        await self._send(dispute, action, data, done, value=bond_of(dispute, action))

    def _witness(self, dispute: Dispute, step: Step) -> bytes:
        trace = self._trace_of(dispute)
        if trace is None:
            raise Unavailable(f"no trace of the game of block {dispute.subject.l2_block}")
        return trace.proof(step.trace_index).witness

    async def _collect(self, dispute: Dispute, done: _Round) -> None:
        """Take what a finished game owes us, once it pays."""
        us = self._transactor.address
        if not any(credit.amount for credit in dispute.game.credits):
            self._over.add(dispute.address)
            return
        done.watched.append(dispute)
        owed = claimable(dispute.game, us, dispute.read_at)
        if owed:
            await self._send(dispute, owed, contracts.CLAIM_CREDIT.call(us), done)

    async def _send(
        self,
        dispute: Dispute,
        action: Action | Resolution | Wei,
        data: bytes,
        done: _Round,
        value: Wei = NO_VALUE,
    ) -> None:
        """Send one call of a game. What somebody else did first is no error."""
        what = f"{describe(dispute, action)} of block {dispute.subject.l2_block}"
        try:
            receipt = await self._transactor.send(L1Transaction(what, dispute.address, data, value))
        except (L1CallReverted, L1TransactionReverted) as reason:
            log.info("%s was refused, which the next look explains: %s", what, reason)
            return
        done.played.append(Played(dispute, action, receipt))


def bond_of(dispute: Dispute, move: Move) -> Wei:
    """What a move stakes, in wei."""
    return dispute.game.rules.bond_at(answered(dispute, move).position.depth + 1)


def answered(dispute: Dispute, action: Move | Step) -> Claim:
    """The claim that a move answers or a step refutes."""
    index = action.parent_index if isinstance(action, Move) else action.claim_index
    return dispute.game.claims[index]


def describe(dispute: Dispute, action: Action | Resolution | Wei) -> str:
    """An action in words: 'attack on claim 3 at depth 4'."""
    if isinstance(action, Move):
        kind = "attack on" if action.is_attack else "defence of"
        return f"{kind} claim {action.parent_index}"
    if isinstance(action, Step):
        return f"step against claim {action.claim_index}"
    if isinstance(action, ResolveClaim):
        return f"resolution of claim {action.claim_index}"
    if isinstance(action, Resolve):
        return "end of the game"
    return "payout of the game"


def _resolving(resolution: Resolution) -> bytes:
    if isinstance(resolution, Resolve):
        return contracts.RESOLVE.call()
    return contracts.RESOLVE_CLAIM.call(resolution.claim_index, resolution.answers_max)
