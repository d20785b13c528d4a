"""Following L1: the part of an L2 node that a sequencer and a verifier share."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from bridge.deployment import Deployment, l2_config, l2_genesis
from bridge.derive.inbox_log import InboxLog, InboxReader
from bridge.derive.pipeline import Pipeline
from bridge.derive.sequenced import sequenced_plan
from bridge.l1.client import L1Client
from bridge.l1.watcher import L1Progress, Watcher
from node.chain import DATABASE, Chain, identity_of
from node.limits import L1_POLL_SECONDS
from node.powers.sandbox import Sandbox
from node.rpc.pending import NextBlock
from sequencer.ordering import Ordering
from state.clock import Clock
from state.errors import Invalid, TallystickError, Unavailable
from state.kv import DatabaseError
from state.reader import ChainReader
from state.store import ChainStore
from state.types import BlockNumber

log = logging.getLogger("tallystick.derive")


@dataclass(slots=True)
class Follower:
    """Keeps the safe chain equal to what L1 says.

    `synced` is set while the log is read to L1's head and derived as far as it goes; it is cleared
    while L1 is out of reach, so that nobody posts on an old view. `has_synced` is set the first
    time, and stays: blocks are made through an L1's silence, but not before it has once spoken.
    """

    chain: Chain
    log: InboxLog
    pipeline: Pipeline
    watcher: Watcher
    synced: asyncio.Event
    has_synced: asyncio.Event
    l1: L1Progress | None = None
    trouble: str | None = None
    """Why L1 is out of reach, while it is."""

    @classmethod
    def over(
        cls,
        chain: Chain,
        client: L1Client,
        deployment: Deployment,
        machine_results: Collection[BlockNumber] = (),
    ) -> "Follower":
        """Follow L1 on a chain, whose `machine_results` the machine executes, not the engine."""
        inbox_log = InboxLog(chain.store)
        return cls(
            chain=chain,
            log=inbox_log,
            pipeline=Pipeline(chain.store, chain.config, inbox_log, machine_blocks=machine_results),
            watcher=Watcher(
                client,
                deployment.inbox,
                inbox_log,
                start_block=deployment.start_block,
                write=chain.write,
            ),
            synced=asyncio.Event(),
            has_synced=asyncio.Event(),
        )

    def next_block(self, reader: ChainReader) -> NextBlock:
        """What the next block is like, for a look at it ahead of its time. Raises `Unavailable`."""
        plan = sequenced_plan(
            reader,
            InboxReader(reader),
            self.chain.config,
            now=self.chain.clock.now(),
            l1_number=self.l1.head.number if self.l1 else 0,
        )
        return NextBlock(plan.attributes, plan.forced_candidates)

    async def run(self) -> None:
        """Follow L1 until cancelled. Only an `InternalError` ends it."""
        await self.watcher.follow(self._on_l1, self._on_trouble, poll_seconds=L1_POLL_SECONDS)

    async def _on_l1(self, progress: L1Progress) -> None:
        self.l1 = progress
        if self.trouble is not None:
            log.info("L1 answers again, at block %d", progress.head.number)
            self.trouble = None
        if progress.truncated_to is not None:
            log.warning("L1 took inbox items back, from item %d on", progress.truncated_to)
        waiting = False
        while not waiting:
            waiting = await self.chain.write(self._advance)
            await self.chain.feed.announce()
        if progress.is_complete:
            self.synced.set()
            self.has_synced.set()

    def _advance(self) -> bool:
        """Derive for a while; True when the log is used up."""
        before = self.chain.store.heads
        step = self.pipeline.advance()
        after = self.chain.store.heads
        if step.replaced:
            log.warning("L1 says otherwise: %d unsafe blocks were replaced", step.replaced)
        if after.unsafe != before.unsafe or step.dropped:
            self.chain.refresh_pool(step.dropped)
        if after != before:
            log.info(
                "safe %d, finalized %d, unsafe %d",
                after.safe.number,
                after.finalized.number,
                after.unsafe.number,
            )
        return step.waiting

    def _on_trouble(self, error: TallystickError) -> None:
        trouble = f"L1 is out of reach: {error}"
        if self.trouble is None:
            log.warning("%s", trouble)
        self.trouble = trouble
        self.synced.clear()


def open_l2(
    data_dir: Path | None,
    deployment: Deployment,
    clock: Clock,
    ordering: Ordering = Ordering.PRIORITY_FEE,
    sandbox: Sandbox | None = None,
) -> Chain:
    """Open the L2 that a deployment describes; in memory without a folder."""
    config = l2_config(deployment)
    genesis = l2_genesis(deployment)
    path = None if data_dir is None else data_dir / DATABASE
    store = ChainStore.open(path, identity_of(config, genesis), genesis)
    return Chain.over(store, config, clock, ordering, sandbox)


async def every(seconds: float, step: Callable[[], Awaitable[None]], part: str) -> None:
    """Call `step` again and again, `seconds` apart; what L1 refuses is tried the next time.

    Only an `InternalError` or a `DatabaseError` ends it: what can't be written won't be the next
    time either. The same trouble is logged once.
    """
    trouble = ""
    while True:
        try:
            await step()
            if trouble:
                logging.getLogger(f"tallystick.{part}").info("goes on")
            trouble = ""
        except DatabaseError:
            raise
        except (Unavailable, Invalid) as error:
            if str(error) != trouble:
                logging.getLogger(f"tallystick.{part}").warning("%s", error)
            trouble = str(error)
        await asyncio.sleep(seconds)
