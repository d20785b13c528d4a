"""A game with a lie in it: found on L1, or begun by an account of the demo's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from bridge.dispute.challenger import Challenger
from bridge.dispute.faults import FaultKind, LyingTrace, lie_about, lie_behind
from bridge.dispute.reader import Dispute, read_dispute
from bridge.dispute.trace import Subject
from bridge.games import Game, GameStatus, newest_games
from bridge.l1 import contracts, wire
from bridge.l1.abi import event_topic
from bridge.l1.client import L1Receipt
from bridge.l1.transactor import L1Transaction, Transactor
from node.demo.limits import DUEL_POLL_SECONDS, LIE_BLOCKS_SCANNED_MAX
from node.demo.trade import DemoFailed
from node.derived import DerivedChain
from node.limits import DEMO_STEP_SECONDS_MAX
from state.errors import Unavailable
from state.types import Address, BlockNumber, Hash32, Wei

T = TypeVar("T")

PROPOSED: Final = event_topic("Proposed(address,bytes32,uint256,address)")
"""game, outputRoot and l2Block are indexed."""


@dataclass(frozen=True, slots=True)
class Quarrel:
    """A game with a lie in it."""

    dispute: Dispute
    """As it was found."""
    lie: LyingTrace | None
    """None for a lie that we can't name."""
    liar: Address
    player: Challenger | None
    """Who plays the lie; None for somebody elsewhere."""


@dataclass(frozen=True, slots=True)
class Invention:
    """A lie that isn't on L1 yet."""

    lie: LyingTrace
    subject: Subject
    inbox_acc: Hash32


class Quarrels:
    """Finds and begins quarrels over one Rollup."""

    def __init__(self, derived: DerivedChain, liar: Transactor) -> None:
        """`liar` is whose account lies where nobody else does."""
        self._derived = derived
        self._client = derived.client
        self._rollup = derived.deployment.rollup
        self._liar = liar

    async def find(self) -> Quarrel | None:
        """A game in progress with a lie in it, of somebody who plays elsewhere."""
        head = await self._client.header()
        async for game in newest_games(self._client, self._rollup, at=head.hash):
            if game.status is not GameStatus.IN_PROGRESS:
                continue
            right = await self._right_root(game)
            if right is not None and (right != game.root_claim or game.is_disputed):
                return await self._found(game, right)
        return None

    async def _found(self, game: Game, right: Hash32) -> Quarrel:
        chain, dispute = self._derived.local, await self._read(game.address)
        subject = dispute.subject
        if right == game.root_claim:
            lie = await self._think(lambda: lie_about(chain, subject, FaultKind.ATTACK))
            return Quarrel(dispute, lie, dispute.game.claims[1].claimant, None)
        lie = await self._think(lambda: lie_behind(chain, subject, game.root_claim))
        return Quarrel(dispute, lie, game.proposer, None)

    async def invent(self, kind: FaultKind) -> Invention | None:
        """A lie about the newest block above the anchor that gives occasion for one."""
        root, block = await self._client.call(self._rollup, contracts.ANCHOR)
        return await self._think(lambda: self._invent(kind, Hash32(root), BlockNumber(block)))

    def _invent(
        self, kind: FaultKind, anchor_root: Hash32, anchor_block: BlockNumber
    ) -> Invention | None:
        chain = self._derived.local
        last = chain.store.heads.safe.number
        for number in range(last, max(anchor_block, last - LIE_BLOCKS_SCANNED_MAX), -1):
            block = BlockNumber(number)
            item = chain.view.safe(block).item
            subject = Subject(anchor_root, anchor_block, block, item.index + 1)
            lie = lie_about(chain, subject, kind)
            if lie is not None:
                return Invention(lie, subject, item.acc)
        return None

    async def propose(self, invention: Invention) -> Quarrel:
        """Put a lie on L1, with its bond. Raises what `Transactor.send` does."""
        subject = invention.subject
        (bond,) = await self._client.call(self._rollup, contracts.BOND)
        data = contracts.PROPOSE.call(
            invention.lie.output_root, subject.l2_block, subject.inbox_count, invention.inbox_acc
        )
        what = f"lie about block {subject.l2_block}"
        receipt = await self._liar.send(L1Transaction(what, self._rollup, data, Wei(bond)))
        # The anchor may have moved on since the lie was made up, and the trace begins there.
        return await self._played(await self._read(_game_in(receipt)), invention.lie.kind)

    async def attack(self) -> Quarrel:
        """Dispute a right root that has most of its time left, once there is one."""
        dispute = await self._until(self._fresh_game, "a right output root")
        return await self._played(dispute, FaultKind.ATTACK)

    async def occasion(self, kind: FaultKind) -> Invention:
        """A lie as soon as a block gives occasion for one."""
        return await self._until(lambda: self.invent(kind), f"a block to lie about ({kind})")

    async def _played(self, dispute: Dispute, kind: FaultKind) -> Quarrel:
        chain = self._derived.local
        lie = await self._think(lambda: lie_about(chain, dispute.subject, kind))
        if lie is None:
            raise DemoFailed(f"block {dispute.subject.l2_block} gives no occasion to lie: {kind}")

        def trace_of(other: Dispute) -> LyingTrace | None:
            return lie if other.address == dispute.address else None

        player = Challenger(
            self._liar,
            self._rollup,
            trace_of,
            resolves=False,
            on_chain_thread=self._derived.chain.write,
        )
        return Quarrel(dispute, lie, self._liar.address, player)

    async def _fresh_game(self) -> Dispute | None:
        """The newest game in progress, if its root is right and most of its time is left."""
        head = await self._client.header()
        async for game in newest_games(self._client, self._rollup, at=head.hash):
            right = await self._right_root(game)
            if game.status is not GameStatus.IN_PROGRESS or right != game.root_claim:
                continue
            dispute = await self._read(game.address)
            used = dispute.game.elapsed(dispute.game.claims[0], dispute.read_at)
            return dispute if 2 * used < dispute.game.rules.clocks.duration else None
        return None

    async def _until(self, ask: Callable[[], Awaitable[T | None]], what: str) -> T:
        """Follow L1 until there is an answer. Raises `Unavailable` when it takes too long."""
        try:
            async with asyncio.timeout(DEMO_STEP_SECONDS_MAX):
                while (answer := await ask()) is None:
                    await asyncio.sleep(DUEL_POLL_SECONDS)
                    await self._derived.catch_up()
                return answer
        except TimeoutError:
            raise Unavailable(f"waited {DEMO_STEP_SECONDS_MAX:.0f} s for {what}") from None

    async def _right_root(self, game: Game) -> Hash32 | None:
        return await self._think(lambda: self._derived.local.view.output_root(game.l2_block))

    async def _read(self, game: Address) -> Dispute:
        return await read_dispute(self._client, game, None, await self._client.header())

    async def _think(self, work: Callable[[], T]) -> T:
        """Run what reads the chain where it may be read."""
        return await self._derived.chain.write(work)


def _game_in(receipt: L1Receipt) -> Address:
    """The game that a proposal created."""
    for log in receipt.logs:
        if log.topics[:1] == (PROPOSED,):
            return wire.address(wire.to_data(log.topics[1][12:]), "the proposal's game")
    raise DemoFailed("the Rollup took the proposal and created no game")
