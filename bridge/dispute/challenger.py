"""Plays every dispute on L1 that a right trace can win, and takes what it wins.

Nothing is remembered between two looks but what L1 has finalized: what was claimed and answered is
on L1, the trace is computed, and the moves follow from both. Killed at any moment and started
again, it goes on where L1 stands.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bridge import limits as bridge_limits
from bridge.dispute import limits
from bridge.dispute.clock import ClockRules
from bridge.dispute.game import Claim, Move, Resolve, ResolveClaim, Step
from bridge.dispute.reader import Dispute, read_dispute
from bridge.dispute.solver import (
    Action,
    Plan,
    Resolution,
    claimable,
    open_leaves,
    plan,
    resolutions,
)
from bridge.dispute.trace import StepProof
from bridge.games import GameStatus
from bridge.l1 import contracts, wire
from bridge.l1.abi import Function
from bridge.l1.client import L1Receipt
from bridge.l1.errors import (
    L1CallReverted,
    L1RequestRefused,
    L1TransactionReverted,
)
from bridge.l1.headers import L1Header
from bridge.l1.transactor import L1Transaction, Transactor
from bridge.l1.watcher import OnWritingThread, write_here
from state.errors import InternalError, Invalid, Unavailable
from state.types import Address, Gas, Hash32, Timestamp, Wei

log = logging.getLogger("tallystick.challenger")

NO_VALUE: Final = Wei(0)
ETHER: Final = 10**18


class OutOfFunds(Invalid):
    """The account can't pay for a bond or for gas; whatever costs nothing goes on."""

    def __init__(self, account: Address, balance: Wei, bond: Wei, what: str) -> None:
        super().__init__(
            f"{what} needs a bond of {bond / ETHER:g} ETH and gas, but the account"
            f" 0x{account.hex()} has {balance / ETHER:g} ETH on L1: send it ether"
        )


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
    """The game before that."""
    action: Action | Resolution | Wei
    """A move, a step, a resolution, or credit claimed."""
    receipt: L1Receipt


class Spectator(Protocol):
    """Is told what happens when it happens: a game takes minutes on L1, and a look at all of them
    as long as what is done in it."""

    async def saw(self, dispute: Dispute) -> None:
        """A game as it stands, before anything is done to it; once more when it is over."""
        ...

    async def played(self, played: Played) -> None:
        """Something was done, and is in an L1 block."""
        ...


class _Nobody:
    async def saw(self, dispute: Dispute) -> None:
        """Looks away."""

    async def played(self, played: Played) -> None:
        """Looks away."""


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
    head: L1Header
    finalized: L1Header | None
    watched: list[Dispute] = field(default_factory=list)
    ended: list[tuple[int, Address]] = field(default_factory=list)
    """Games that are over, by index: what they owe us can wait until no clock does."""
    played: list[Played] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def report(self) -> ChallengerReport:
        return ChallengerReport(tuple(self.watched), tuple(self.played), tuple(self.waiting))


class Challenger:
    """Watches the games of one Rollup."""

    def __init__(
        self,
        transactor: Transactor,
        rollup: Address,
        trace_of: TraceOf,
        *,
        resolves: bool = True,
        confirmations: int = 0,
        spectator: Spectator | None = None,
        on_chain_thread: OnWritingThread[Any] = write_here,
    ) -> None:
        """`resolves`: whether to end games besides playing them. `confirmations`: L1 blocks that
        must be on top of a game's creation before anything is staked in it; if a reorg took the
        game back and kept the stake, that would lie where no contract is. `on_chain_thread` runs
        what reads the chain and executes blocks."""
        self._transactor = transactor
        self._rollup = rollup
        self._trace_of = trace_of
        self._resolves = resolves
        self._confirmations = confirmations
        self._spectator: Spectator = spectator or _Nobody()
        self._on_chain_thread = on_chain_thread
        self._followed: set[Address] = set()
        """Games that were in progress when we last looked."""
        self._over: set[int] = set()
        """Games by index that L1 has finalized as over, with nothing in them for us."""
        self._oldest = 0
        """Games of a lower index are too old for anything to be done in them."""

    async def step(self) -> ChallengerReport:
        """Look at L1 once, and do all that can be done now.

        Raises `Unavailable`; and `InternalError`, but not before all other games are played: one
        that we fail at must not be a way to win the rest.
        """
        client = self._transactor.client
        await client.check_chain()
        done = _Round(await client.header(), await client.finalized())
        (count,) = await client.call(self._rollup, contracts.GAME_COUNT, at=done.head.hash)
        failures: list[InternalError] = []
        for index in range(await self._first_game(count, done.head), count):
            if index in self._over:
                continue
            try:
                await self._visit(index, done)
            except InternalError as failure:
                failures.append(failure)
        for index, address in done.ended:
            if not await self._collect(address, done):
                await self._leave(index, address, done)
        if failures:
            raise failures[0]
        return done.report()

    async def _first_game(self, count: int, head: L1Header) -> int:
        """The first game to look at: however many there are, all that may still be played.

        Games are in the order of their creation. Those of the last weeks are looked at even when
        they are over, for what they owe us.
        """
        low, high = self._oldest, max(0, count - bridge_limits.GAMES_SCANNED_MAX)
        if low >= high:
            return high
        lifetime = limits.GAME_LIFETIMES_WATCHED * await self._game_seconds_max(head)
        while low < high:
            middle = (low + high) // 2
            address = await self._game_at(middle, head)
            (created,) = await self._call(address, contracts.CREATED_AT, head)
            if created + lifetime < head.timestamp:
                low = middle + 1
            else:
                high = middle
        self._oldest = low
        return low

    async def _game_seconds_max(self, head: L1Header) -> int:
        """From a game's creation to its payout at the latest, if it is ended when it can be."""
        (duration,) = await self._call(self._rollup, contracts.DISPUTE_WINDOW, head)
        (extension,) = await self._call(self._rollup, contracts.CLOCK_EXTENSION, head)
        (delay,) = await self._call(self._rollup, contracts.PAYOUT_DELAY, head)
        longest = ClockRules(duration, extension).longest_game(limits.DEPTH_MAX)
        return longest + int(delay)

    async def _call(self, to: Address, function: Function, head: L1Header) -> tuple[Any, ...]:
        return await self._transactor.client.call(to, function, at=head.hash)

    async def _game_at(self, index: int, head: L1Header) -> Address:
        (answer,) = await self._transactor.client.call(
            self._rollup, contracts.GAME_AT, index, at=head.hash
        )
        return wire.address(answer, "gameAt")

    async def _visit(self, index: int, done: _Round) -> None:
        address = await self._game_at(index, done.head)
        (status,) = await self._call(address, contracts.STATUS, done.head)
        if status == GameStatus.IN_PROGRESS:
            await self._join(await self._read(address, done), done)
        else:
            done.ended.append((index, address))

    async def _read(self, address: Address, done: _Round) -> Dispute:
        client, us = self._transactor.client, self._transactor.address
        return await read_dispute(client, address, us, done.head, rollup=self._rollup)

    # Games that are played

    async def _join(self, dispute: Dispute, done: _Round) -> None:
        self._followed.add(dispute.address)
        done.watched.append(dispute)
        await self._spectator.saw(dispute)
        if await self._is_unconfirmed(dispute, done.head):
            return
        undecided: Container[int] = open_leaves(dispute.game)
        try:
            found = await self._on_chain_thread(lambda: self._plan(dispute))
            undecided = found.undecided
            await self._play_all(dispute, found.actions, done)
        except (Unavailable, L1RequestRefused) as reason:
            done.waiting.append(f"the game of block {dispute.subject.l2_block}: {reason}")
        # What the clocks end is resolved whatever we can say of it; but nothing that is left to us.
        if self._resolves and len(dispute.game.claims) > 1:
            await self._resolve(dispute, undecided, done)

    async def _is_unconfirmed(self, dispute: Dispute, head: L1Header) -> bool:
        """Whether a game wants more L1 blocks on its creation, and its clock has time for them."""
        patience = dispute.game.rules.clocks.duration // limits.CONFIRMING_CLOCK_PARTS
        if not self._confirmations or head.timestamp - dispute.created_at >= patience:
            return False
        client = self._transactor.client
        below = await client.header(max(0, head.number - self._confirmations))
        return not await client.code(dispute.address, at=below.hash)

    def _plan(self, dispute: Dispute) -> Plan:
        trace = self._trace_of(dispute)
        if trace is None:
            return Plan((), frozenset())
        return plan(dispute.game, trace, self._transactor.address, dispute.read_at)

    async def _play_all(self, dispute: Dispute, actions: tuple[Action, ...], done: _Round) -> None:
        """Play what we can pay for: a claim too dear to answer must not keep us from the others."""
        budget: Wei | None = None
        for action in actions:
            bond = bond_of(dispute, action) if isinstance(action, Move) else NO_VALUE
            if budget is not None and bond >= budget:
                continue
            try:
                await self._play(dispute, action, done)
            except OutOfFunds as reason:
                budget = bond
                done.waiting.append(f"the game of block {dispute.subject.l2_block}: {reason}")

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

    async def _resolve(self, dispute: Dispute, undecided: Container[int], done: _Round) -> None:
        try:
            played = await resolve_expired(self._transactor, dispute, undecided)
        except (L1RequestRefused, L1TransactionReverted) as reason:
            log.info("resolving a game was refused, which the next look explains: %s", reason)
            return
        except Unavailable as reason:
            done.waiting.append(f"the game of block {dispute.subject.l2_block}: {reason}")
            return
        for one in played:
            await self._note(one, done)

    # Games that are over

    async def _collect(self, address: Address, done: _Round) -> bool:
        """Take what a finished game owes us, once it pays; False where that is nothing."""
        us = self._transactor.address
        (owed,) = await self._transactor.client.call(
            address, contracts.CREDIT, us, at=done.head.hash
        )
        if not owed:
            return False
        dispute = await self._read(address, done)
        done.watched.append(dispute)
        await self._spectator.saw(dispute)
        payable = claimable(dispute.game, us, dispute.read_at)
        if payable:
            try:
                await self._send(dispute, payable, contracts.CLAIM_CREDIT.call(us), done)
            except OutOfFunds as reason:
                done.waiting.append(str(reason))
        return True

    async def _leave(self, index: int, address: Address, done: _Round) -> None:
        """Tell of the end of a game that we followed, and forget it once L1 can't take it back."""
        if address in self._followed:
            await self._spectator.saw(await self._read(address, done))
            self._followed.discard(address)
        client = self._transactor.client
        (ended,) = await client.call(address, contracts.RESOLVED_AT, at=done.head.hash)
        if done.finalized is not None and Timestamp(ended) <= done.finalized.timestamp:
            self._over.add(index)

    # Sending

    async def _send(
        self,
        dispute: Dispute,
        action: Action | Wei,
        data: bytes,
        done: _Round,
        value: Wei = NO_VALUE,
    ) -> None:
        """Send one call of a game. What somebody else did first is no error.

        Raises `OutOfFunds`.
        """
        what = name_of(dispute, action)
        call = L1Transaction(what, dispute.address, data, value)
        try:
            receipt = await send_within_funds(self._transactor, call)
        except (L1CallReverted, L1TransactionReverted) as reason:
            log.info("%s was refused, which the next look explains: %s", what, reason)
            return
        await self._note(Played(dispute, action, receipt), done)

    async def _note(self, played: Played, done: _Round) -> None:
        done.played.append(played)
        await self._spectator.played(played)


async def send_within_funds(transactor: Transactor, transaction: L1Transaction) -> L1Receipt:
    """Send a transaction. Raises `OutOfFunds`, and what `Transactor.send` does."""
    try:
        return await transactor.send(transaction)
    except (L1CallReverted, L1TransactionReverted):
        raise
    except L1RequestRefused as reason:
        balance = await transactor.client.balance(transactor.address)
        if balance > transaction.value and "insufficient funds" not in reason.message.lower():
            raise
        bond, what = transaction.value, transaction.what
        raise OutOfFunds(transactor.address, balance, bond, what) from None


async def resolve_expired(
    transactor: Transactor, dispute: Dispute, spared: Container[int] = ()
) -> tuple[Played, ...]:
    """Resolve what the clocks have ended, in a row: each claim waits for the answers to it, and a
    block of L1 has room for many. Not what is in `spared`. Raises as `Transactor.send_row` does."""
    ripe = resolutions(dispute.game, dispute.read_at, spared)[: limits.RESOLUTIONS_PER_ROW_MAX]
    row = [
        L1Transaction(
            name_of(dispute, one), dispute.address, _resolving(one), gas=_gas_of(dispute, one)
        )
        for one in ripe
    ]
    nonce = await transactor.client.nonce(transactor.address)
    receipts = await transactor.send_row(row, first_nonce=nonce)
    return tuple(
        Played(dispute, resolution, receipt)
        for resolution, receipt in zip(ripe, receipts, strict=True)
    )


def bond_of(dispute: Dispute, move: Move) -> Wei:
    """What a move stakes, in wei."""
    return dispute.game.rules.bond_at(answered(dispute, move).position.depth + 1)


def answered(dispute: Dispute, action: Move | Step) -> Claim:
    """The claim that a move answers or a step refutes."""
    index = action.parent_index if isinstance(action, Move) else action.claim_index
    return dispute.game.claims[index]


def name_of(dispute: Dispute, action: Action | Resolution | Wei) -> str:
    """An action with its game: 'attack on claim 3 in the game of block 12'."""
    return f"{describe(action)} in the game of block {dispute.subject.l2_block}"


def describe(action: Action | Resolution | Wei) -> str:
    """An action in words: 'attack on claim 3'."""
    if isinstance(action, Move):
        kind = "attack on" if action.is_attack else "defence of"
        return f"{kind} claim {action.parent_index}"
    if isinstance(action, Step):
        return f"step against claim {action.claim_index}"
    if isinstance(action, ResolveClaim):
        return f"resolution of claim {action.claim_index}"
    if isinstance(action, Resolve):
        return "resolution"
    return "payout"


def _resolving(resolution: Resolution) -> bytes:
    if isinstance(resolution, Resolve):
        return contracts.RESOLVE.call()
    return contracts.RESOLVE_CLAIM.call(resolution.claim_index, resolution.answers_max)


def _gas_of(dispute: Dispute, resolution: Resolution) -> Gas:
    """Gas for a resolution; the end of a game also judges its root."""
    index = 0 if isinstance(resolution, Resolve) else resolution.claim_index
    answers = sum(claim.parent_index == index for claim in dispute.game.claims)
    seen = min(answers, limits.ANSWERS_PER_RESOLUTION_MAX)
    return Gas(limits.RESOLUTION_GAS + seen * limits.RESOLUTION_ANSWER_GAS)
