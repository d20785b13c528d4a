"""The sequencer: a block every block time, and batches and output roots to L1."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bridge.derive.errors import DerivationReset
from bridge.derive.plan import BlockPlan
from bridge.derive.records import RecordWriter
from bridge.derive.sequenced import record_block, sequenced_plan
from bridge.poster import Poster
from bridge.proposer import Proposer
from execution.transaction import Transaction
from execution.transition import BlockResult
from node.chain import Chain
from node.monitor.monitor import Monitor
from node.p2p.signatures import BlockSigner
from node.powers.errors import PowerRefused
from node.roles.follower import Follower
from node.roles.pace import Pace
from node.roles.trading import TradingDesk
from state.clock import OffsetClock
from state.errors import Unavailable
from state.types import BlockNumber

log = logging.getLogger("tallystick.sequencer")


@dataclass(frozen=True, slots=True)
class SequencerStatistics:
    """What was done since the start."""

    blocks: int = 0
    build_seconds: float = 0.0
    """How long the newest block took."""
    batches: int = 0
    batch_bytes: int = 0
    proposals: int = 0


@dataclass(slots=True)
class Sequencer:
    """Makes unsafe blocks while the view of L1 is fresh enough to build on.

    Nothing is built on a block that the monitor hasn't found right.
    """

    follower: Follower
    monitor: Monitor | None
    """None in a devnet's sandbox, where anybody may break what it looks after."""
    poster: Poster
    proposer: Proposer
    pace: Pace
    batch_seconds: float
    proposal_seconds: float
    signer: BlockSigner | None = None
    """Signs each block for the replicas, if there is a network."""
    trading: TradingDesk | None = None
    """Brings what the exchange matches into blocks, if there is a matcher."""
    note_build: Callable[[float], None] = lambda seconds: None
    """Told how long each block took."""
    statistics: SequencerStatistics = SequencerStatistics()
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _posting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _posted: int = 0
    """The newest block that is on its way to L1 or there; for as long as L1 stays as it is."""

    async def build_blocks(self) -> None:
        """Build a block every block time, from the first complete look at L1 on.

        An L1 that falls silent later stops nobody: the origin stays where it is meanwhile.
        """
        while True:
            await self.pace.wait()
            await self.make_block()

    @property
    def chain(self) -> Chain:
        """The chain that the blocks go to."""
        return self.follower.chain

    async def make_block(self, in_turn: Callable[[], None] = lambda: None) -> BlockNumber | None:
        """Build a block once the one before is checked; None where the time has not come.

        `in_turn` is called when no other block can come before this one.
        """
        async with self._turn:
            await self.follower.has_synced.wait()
            if self.monitor is not None:
                await self.monitor.wait_checked_head()
            in_turn()
            return await self._build_block()

    async def hold(self) -> None:
        """Make no block until `release`."""
        await self._turn.acquire()

    def release(self) -> None:
        """Make blocks again."""
        self._turn.release()

    async def rewind(self, depth: int, *, keeps_transactions: bool) -> None:
        """Take unsafe blocks back. Raises `PowerRefused` for those that L1 holds already.

        A batch on its way to L1 is waited for, since L1 would bring its blocks back.
        """
        async with self._turn, self._posting:
            await self.chain.write(lambda: self._rewind(depth, keeps_transactions))
            await self.chain.feed.announce()
            if self.trading is not None:
                await self.trading.follow()

    def _rewind(self, depth: int, keeps_transactions: bool) -> None:
        heads = self.chain.store.heads
        if self.signer is not None:
            raise PowerRefused(
                "replicas hold the sequencer to the blocks that it signed: start the devnet without"
                " --replicas, or reorg L1"
            )
        deepest = max(0, heads.unsafe.number - max(heads.safe.number, self._posted))
        if depth > deepest:
            raise PowerRefused(
                f"the newest {depth} blocks can't be taken back: all but {deepest} of L2 are posted"
                " to L1, and follow from it; reorg L1 instead, or revert to a snapshot"
            )
        dropped = self.follower.pipeline.drop_unsafe(BlockNumber(heads.unsafe.number - depth))
        self.chain.refresh_pool(dropped if keeps_transactions else ())

    async def _build_block(self) -> BlockNumber | None:
        """Build, write and announce one block."""
        chain = self.follower.chain
        began = chain.clock.monotonic()
        try:
            settlements = () if self.trading is None else await self.trading.before_block()
            number = await chain.write(lambda: self._build(settlements))
        except (Unavailable, DerivationReset) as error:
            log.info("no block now: %s", error)
            return None
        await chain.feed.announce()
        if self.trading is not None:
            await self.trading.follow()
        seconds = chain.clock.monotonic() - began
        self.note_build(seconds)
        self.statistics = replace(
            self.statistics, blocks=self.statistics.blocks + 1, build_seconds=seconds
        )
        return number

    def _build(self, settlements: tuple[Transaction, ...]) -> BlockNumber:
        follower = self.follower
        chain = follower.chain
        plan = sequenced_plan(
            chain.store,
            follower.log,
            chain.config,
            now=chain.clock.now(),
            l1_number=self._newest_origin(),
        )
        guard = None if self.trading is None else self.trading.guard
        result = chain.build(plan.attributes, plan.forced_candidates, settlements, guard)
        chain.append(result, lambda batch: self._record(batch, plan, result))
        if self.trading is not None:
            self.trading.note(result.sealed)
        return result.sealed.header.number

    def _newest_origin(self) -> int:
        """The newest L1 block whose items may be the next block's origin.

        On a devnet whose next block is to have an exact time, none after it.
        """
        follower = self.follower
        newest = follower.l1.head.number if follower.l1 else 0
        clock = self.chain.clock
        pinned = clock.pinned if isinstance(clock, OffsetClock) else None
        item = None if pinned is None else follower.log.newest_at(newest)
        while item is not None and pinned is not None and item.l1_time > pinned:
            newest = item.l1_number - 1
            item = follower.log.newest_at(newest)
        return newest

    def _record(self, batch: RecordWriter, plan: BlockPlan, result: BlockResult) -> None:
        """What is written with the block: its inputs, and our signature."""
        inputs = record_block(batch, plan, result)
        if self.signer is not None:
            self.signer.sign(batch, inputs, result.sealed)

    async def post(self) -> None:
        """One batch, if L1 is in view and there is something to post."""
        if self.follower.synced.is_set():
            async with self._posting:
                posted = await self.poster.step()
            if posted is not None:
                self._posted = posted.last
                self.statistics = replace(
                    self.statistics,
                    batches=self.statistics.batches + 1,
                    batch_bytes=self.statistics.batch_bytes + posted.data_bytes,
                )
                log.info(
                    "posted blocks %d to %d in %d bytes",
                    posted.first,
                    posted.last,
                    posted.data_bytes,
                )

    async def propose(self) -> None:
        """One proposal, and whatever games can be resolved or credit claimed."""
        if self.follower.synced.is_set():
            report = await self.proposer.step()
            if report.proposed is not None:
                self.statistics = replace(self.statistics, proposals=self.statistics.proposals + 1)
                log.info(
                    "proposed output root 0x%s of block %d",
                    report.proposed.output_root.hex(),
                    report.proposed.number,
                )
            if report.resolved:
                log.info("resolved %d games, claimed %d bonds", len(report.resolved),
                         len(report.claimed))  # fmt: skip
