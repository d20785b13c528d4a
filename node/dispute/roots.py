"""The output roots on L1 and their games, read for whoever looks on and remembered in between.

L1 is asked the same few questions however many people look, and what can't change any more is not
asked for again: a game's address commits to its arguments, and a game that is over stays so unless
L1 reorganises, which the block that was read last tells.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, TypeVar

from bridge.dispute.game_code import arguments_of
from bridge.dispute.reader import Dispute
from bridge.games import GameStatus
from bridge.l1 import contracts, wire
from bridge.l1.client import L1Client
from bridge.l1.headers import L1Header
from node.dispute.games import find_dispute
from node.dispute.limits import (
    DISPUTE_READS,
    DISPUTE_SECONDS,
    DISPUTES_KEPT_MAX,
    PROPOSALS_MAX,
    ROOTS_SECONDS,
)
from node.p2p.buckets import Buckets
from state.errors import Unavailable
from state.types import Address, BlockNumber, Hash32, Timestamp, Wei

T = TypeVar("T")


class TooManyGamesAsked(Unavailable):
    """Somebody asks for more games than L1 should be asked for."""

    def __init__(self) -> None:
        super().__init__("too many games were asked for: try again in a second")


class L1Silent(Unavailable):
    """L1 didn't answer a moment ago, and isn't asked again at once."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed output root and the game about it. Times in L1 seconds."""

    index: int
    game: Address
    proposer: Address
    output_root: Hash32
    l2_block: BlockNumber
    bond: Wei
    created_at: Timestamp
    resolvable_at: Timestamp
    """From when on it may be resolved if nobody disputes it."""
    payout_delay: int
    """Seconds from its end until it pays bonds."""
    status: GameStatus = GameStatus.IN_PROGRESS
    claims: int = 1
    resolved_at: Timestamp = Timestamp(0)
    """Zero while it is in progress."""

    @property
    def is_over(self) -> bool:
        return self.status is not GameStatus.IN_PROGRESS


@dataclass(frozen=True, slots=True)
class Roots:
    """What L1 says of output roots after one of its blocks."""

    head: L1Header
    anchor_root: Hash32
    anchor_block: BlockNumber
    """The newest block whose root is settled."""
    count: int
    """Proposals so far."""
    proposals: tuple[Proposal, ...]
    """The newest ones, newest first."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A dispute, and when it was read by our own clock."""

    dispute: Dispute
    at: float


@dataclass(slots=True)
class RootsReader:
    """Reads L1 for those who look on. Lives on the event loop; `clock` never goes back."""

    client: L1Client
    rollup: Address
    clock: Callable[[], float] = monotonic
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _roots: Roots | None = None
    _read_at: float = 0.0
    _wanted: int = 0
    """The most proposals that anybody has asked for. It only grows, so that nobody who asks for
    more and more has L1 read each time."""
    _known: dict[int, Proposal] = field(default_factory=dict)
    """By index, as of the block of `_roots`."""
    _disputes: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)
    """By the name that was asked for; the one used last comes last."""
    _reads: Buckets = field(default_factory=lambda: Buckets(DISPUTE_READS))
    _trouble: tuple[str, float] | None = None
    """Why L1 couldn't be read, and when that was."""

    async def roots(self, count: int = PROPOSALS_MAX) -> Roots:
        """At least the newest `count` proposals, `ROOTS_SECONDS` old at the most.

        Raises `Unavailable`.
        """
        async with self._lock:
            known, self._wanted = self._roots, max(self._wanted, count)
            is_old = known is None or self.clock() - self._read_at >= ROOTS_SECONDS
            if known is None or is_old or len(known.proposals) < min(count, known.count):
                known = self._roots = await self._asked(self._read_roots())
                self._read_at = self.clock()
            return known

    async def dispute(self, name: str) -> Dispute:
        """A game by its index or address with all its claims, at most `DISPUTE_SECONDS` old.

        Raises `UnknownGame`, `TooManyGamesAsked` and what reading L1 does.
        """
        async with self._lock:
            kept = self._disputes.get(name)
            if kept is not None and self.clock() - kept.at < DISPUTE_SECONDS:
                return kept.dispute
            if not self._reads.take("games", self.clock()):
                if kept is None:
                    raise TooManyGamesAsked
                return kept.dispute
            dispute = await self._asked(find_dispute(self.client, self.rollup, name))
            self._keep(name, dispute)
            return dispute

    async def _asked(self, question: Coroutine[Any, Any, T]) -> T:
        """The answer of L1; where it is out of reach, not everybody waits for it in turn."""
        if self._trouble is not None and self.clock() - self._trouble[1] < ROOTS_SECONDS:
            question.close()
            raise L1Silent(self._trouble[0])
        try:
            answer = await question
        except Unavailable as error:
            self._trouble = str(error), self.clock()
            raise
        self._trouble = None
        return answer

    def _keep(self, name: str, dispute: Dispute) -> None:
        self._disputes[name] = _Kept(dispute, self.clock())
        self._disputes.move_to_end(name)
        if len(self._disputes) > DISPUTES_KEPT_MAX:
            self._disputes.popitem(last=False)

    async def _read_roots(self) -> Roots:
        await self.client.check_chain()
        head = await self.client.header()
        if not await self._still_stands(head):
            self._known.clear()
        anchor_root, anchor_block = await self.client.call(
            self.rollup, contracts.ANCHOR, at=head.hash
        )
        (count,) = await self.client.call(self.rollup, contracts.GAME_COUNT, at=head.hash)
        newest = range(count - 1, max(-1, count - 1 - self._wanted), -1)
        known = {index: await self._proposal(index, head) for index in newest}
        self._known |= known
        for index in sorted(self._known)[:-PROPOSALS_MAX]:
            del self._known[index]
        return Roots(
            head=head,
            anchor_root=Hash32(anchor_root),
            anchor_block=BlockNumber(anchor_block),
            count=count,
            proposals=tuple(known.values()),
        )

    async def _still_stands(self, head: L1Header) -> bool:
        """Whether the L1 block of what is remembered is still one of L1's."""
        if self._roots is None:
            return True
        seen = self._roots.head
        if seen.number >= head.number:
            return seen.hash == head.hash
        return (await self.client.header(seen.number)).hash == seen.hash

    async def _proposal(self, index: int, head: L1Header) -> Proposal:
        known = self._known.get(index) or await self._new_proposal(index, head)
        if known.is_over:
            return known
        call, game = self.client.call, known.game
        (claims,) = await call(game, contracts.CLAIM_COUNT, at=head.hash)
        (status,) = await call(game, contracts.STATUS, at=head.hash)
        resolved_at = 0
        if GameStatus(status) is not GameStatus.IN_PROGRESS:
            (resolved_at,) = await call(game, contracts.RESOLVED_AT, at=head.hash)
        return replace(
            known, claims=claims, status=GameStatus(status), resolved_at=Timestamp(resolved_at)
        )

    async def _new_proposal(self, index: int, head: L1Header) -> Proposal:
        (answer,) = await self.client.call(self.rollup, contracts.GAME_AT, index, at=head.hash)
        game = wire.address(answer, "gameAt")
        code = await self.client.require_code(game, "the game", at=head.hash)
        _, proposer, root, l2_block, *_, created_at, clock, _, delay, bond = arguments_of(
            game, code
        )
        return Proposal(
            index=index,
            game=game,
            proposer=wire.address(proposer, "proposer"),
            output_root=Hash32(root),
            l2_block=BlockNumber(l2_block),
            bond=Wei(bond),
            created_at=Timestamp(created_at),
            resolvable_at=Timestamp(created_at + clock),
            payout_delay=delay,
        )
