"""The sequencer: a block every block time, and batches and output roots to L1."""

import asyncio
import logging
from dataclasses import dataclass, replace

from bridge.derive.errors import DerivationReset
from bridge.derive.plan import BlockPlan
from bridge.derive.records import RecordWriter
from bridge.derive.sequenced import record_block, sequenced_plan
from bridge.poster import Poster
from bridge.proposer import Proposer
from execution.transaction import Transaction
from execution.transition import BlockResult
from node.monitor.monitor import Monitor
from node.p2p.signatures import BlockSigner
from node.roles.follower import Follower
from node.roles.trading import TradingDesk
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
    monitor: Monitor
    poster: Poster
    proposer: Proposer
    block_seconds: float
    batch_seconds: float
    proposal_seconds: float
    signer: BlockSigner | None = None
    """Signs each block for the replicas, if there is a network."""
    trading: TradingDesk | None = None
    """Brings what the exchange matches into blocks, if there is a matcher."""
    statistics: SequencerStatistics = SequencerStatistics()

    async def build_blocks(self) -> None:
        """Build a block every block time, from the first complete look at L1 on.

        An L1 that falls silent later stops nobody: the origin stays where it is meanwhile.
        """
        await self.follower.synced.wait()
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.monitor.wait_checked_head()
            await self.build_block()
            due = max(due + self.block_seconds, loop.time())
            await asyncio.sleep(due - loop.time())

    async def build_block(self) -> BlockNumber | None:
        """Build, write and announce one block; None where the time for it has not come."""
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
        self.statistics = replace(
            self.statistics,
            blocks=self.statistics.blocks + 1,
            build_seconds=chain.clock.monotonic() - began,
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
            l1_number=follower.l1.head.number if follower.l1 else 0,
        )
        guard = None if self.trading is None else self.trading.guard
        result = chain.build(plan.attributes, plan.forced_candidates, settlements, guard)
        chain.append(result, lambda batch: self._record(batch, plan, result))
        if self.trading is not None:
            self.trading.note(result.sealed)
        return result.sealed.header.number

    def _record(self, batch: RecordWriter, plan: BlockPlan, result: BlockResult) -> None:
        """What is written with the block: its inputs, and our signature."""
        inputs = record_block(batch, plan, result)
        if self.signer is not None:
            self.signer.sign(batch, inputs, result.sealed)

    async def post(self) -> None:
        """One batch, if L1 is in view and there is something to post."""
        if self.follower.synced.is_set():
            posted = await self.poster.step()
            if posted is not None:
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
