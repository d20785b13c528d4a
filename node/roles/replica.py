"""A replica: follows the sequencer's signed blocks ahead of L1, and executes every one of them.

Blocks come by gossip, or by asking peers for what is missing. One is adopted as unsafe when it
follows our head, stands on the L1 that we see, and executes to the hash that the sequencer signed;
what L1 says later wins, by the follower that every L2 node has. A sequencer that signed two blocks
for one place, or one that doesn't execute to its hash, isn't followed any more: the evidence is
kept, and the chain goes on from L1 alone until an operator has put the file away.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from pathlib import Path

from bridge.derive.errors import DerivationReset, DerivationRetry, InvalidSequencedBlock
from bridge.derive.records import stands
from bridge.derive.sequenced import received_plan, record_block
from execution.evm.threads import run_deep
from execution.transition import execute_block
from node.p2p.block_buffer import BlockBuffer
from node.p2p.blocks import SignedBlock
from node.p2p.equivocation import (
    EquivocationWatch,
    read_evidence,
    write_equivocation,
    write_wrong_block,
)
from node.p2p.exchanges import RangeRequest
from node.p2p.limits import RANGE_PATIENCE_SECONDS, SYNC_SECONDS
from node.p2p.loops import first_found
from node.p2p.network import Network
from node.p2p.signatures import put_signature, stored_block
from node.roles.follower import Follower
from sequencer.builder import ancestors_in, unsafe_header
from state.batch import StoreBatch
from state.errors import Invalid, Unavailable
from state.types import BlockNumber, Hash32

log = logging.getLogger("tallystick.replica")


class WrongBlock(Invalid):
    """A signed block that executes to another hash: the sequencer is wrong, or we are."""

    def __init__(self, block: SignedBlock, executed: Hash32) -> None:
        super().__init__(
            f"block {block.number} executes to 0x{executed.hex()}; the sequencer signed"
            f" 0x{block.claim.hash.hex()}"
        )
        self.executed = executed


class Step(Enum):
    """What became of a block that is next."""

    ADOPTED = "adopted"
    WAITS = "waits"
    """For L1: we haven't seen yet what it stands on."""
    DROPPED = "dropped"
    """It doesn't fit our chain; another one may."""


@dataclass(frozen=True, slots=True)
class ReplicaStatistics:
    """What was done since the start."""

    adopted: int = 0
    dropped: int = 0
    ranges: int = 0
    """Answers of peers with blocks that were missing."""
    buffered: int = 0
    distrusts: bool = False
    """Whether the sequencer's blocks are left alone, for what it signed."""


@dataclass(slots=True)
class Replica:
    """Keeps the unsafe chain equal to what the sequencer signed."""

    follower: Follower
    network: Network
    folder: Path
    """Where evidence is kept."""
    buffer: BlockBuffer = field(default_factory=BlockBuffer)
    watch: EquivocationWatch = field(default_factory=EquivocationWatch)
    distrusts: bool = False
    _counts: ReplicaStatistics = ReplicaStatistics()
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _comparing: asyncio.Task[None] | None = None

    @property
    def statistics(self) -> ReplicaStatistics:
        return replace(self._counts, buffered=len(self.buffer), distrusts=self.distrusts)

    def take(self, block: SignedBlock) -> None:
        """A signed block from a peer, its signature checked."""
        if self.distrusts:
            return
        self.watch.see(block.signed)
        self.buffer.put(block, self._head)
        self._wake.set()

    async def run(self) -> None:
        """Adopt and ask for blocks until cancelled, from the first complete look at L1 on."""
        self._remember_evidence()
        await self.follower.has_synced.wait()
        feed = self.follower.chain.feed
        stop = feed.on_block(lambda _: self._wake.set())
        fetching = asyncio.create_task(self._fetch())
        try:
            while True:
                self._wake.clear()
                await self._adopt_all()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SYNC_SECONDS):
                        await self._wake.wait()
        finally:
            stop()
            tasks = [task for task in (fetching, self._comparing) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _head(self) -> BlockNumber:
        return self.follower.chain.store.heads.unsafe.number

    def _remember_evidence(self) -> None:
        for path in read_evidence(self.folder):
            self.distrusts = True
            log.error(
                "the sequencer isn't followed, only L1: %s is evidence against it; put the file"
                " away to follow it again",
                path,
            )

    # Adopting

    async def _adopt_all(self) -> None:
        """Adopt block after block, as far as they are here and fit."""
        while not self.distrusts:
            self._hold_to_account()
            head = self._head
            self.buffer.forget_until(head)
            block = self.buffer.get(BlockNumber(head + 1))
            if block is None or self.distrusts:
                return
            try:
                step = await self.follower.chain.write(partial(self._adopt, block))
            except WrongBlock as error:
                path = write_wrong_block(
                    self.folder, self.network.domain, block.signed, error.executed
                )
                self._distrust(str(error), path)
                return
            if step is Step.WAITS:
                return
            await self._stepped(step, block)

    async def _stepped(self, step: Step, block: SignedBlock) -> None:
        self.buffer.drop(block.number)
        counts = self._counts
        if step is Step.ADOPTED:
            self._counts = replace(counts, adopted=counts.adopted + 1)
            await self.follower.chain.feed.announce()
            if self.buffer.get(BlockNumber(block.number + 1)) is None:
                self.network.changed.set()
        else:
            self._counts = replace(counts, dropped=counts.dropped + 1)
            if self._comparing is None or self._comparing.done():
                self._comparing = asyncio.create_task(self._compare_head())

    def _adopt(self, block: SignedBlock) -> Step:
        """Execute the block and write it, if it is next. Raises `WrongBlock`.

        Runs on the chain's writing thread. Nothing is written of a block that isn't executed.
        """
        chain, inbox = self.follower.chain, self.follower.log
        store, claim = chain.store, block.claim
        head = store.heads.unsafe
        if claim.number != head.number + 1 or claim.parent != head.hash:
            return Step.DROPPED
        if claim.anchor >= inbox.count:
            return Step.WAITS
        if not stands(claim.stands_on, inbox):
            return Step.DROPPED
        try:
            plan = received_plan(store, inbox, chain.config, block.content)
        except (DerivationRetry, DerivationReset):
            return Step.WAITS
        except InvalidSequencedBlock as error:
            log.warning("a signed block can't be: %s", error)
            return Step.DROPPED
        if plan.anchor != claim.stands_on:
            return Step.DROPPED
        result = run_deep(
            execute_block,
            unsafe_header(store),
            store.state(),
            plan.attributes,
            plan.candidates,
            chain.config,
            ancestors_in(store),
        )
        if result.sealed.hash != claim.hash:
            raise WrongBlock(block, result.sealed.hash)

        def records(batch: StoreBatch) -> None:
            record_block(batch, plan, result)
            put_signature(batch, block.number, result.sealed.hash, block.signed.signature)

        chain.append(result, records)
        return Step.ADOPTED

    # Holding the sequencer to what it signed

    async def _compare_head(self) -> None:
        """A block didn't follow our head: watch what the sequencer signed in our head's place."""
        own = await asyncio.to_thread(stored_block, self.follower.chain.store, self._head)
        if own is not None:
            self.watch.see(own.signed)
        for peer in self.network.holders(self._head)[:1]:
            with contextlib.suppress(Unavailable):
                blocks = await self.network.range(peer, RangeRequest(self._head, 1))
                for block in blocks:
                    self.watch.see(block.signed)
                self._wake.set()

    def _hold_to_account(self) -> None:
        found = self.watch.find(self.follower.log)
        if found is not None:
            path = write_equivocation(self.folder, self.network.domain, found)
            number = found.first.claim.number
            self._distrust(f"the sequencer signed two blocks {number} in one place", path)

    def _distrust(self, what: str, path: Path) -> None:
        """Alarm, and go on with L1 alone."""
        self.distrusts = True
        self.buffer.clear()
        log.error(
            "%s: its blocks are left alone from now on, and the chain follows L1; the evidence"
            " is %s",
            what,
            path,
        )

    # Asking for what is missing

    async def _fetch(self) -> None:
        """Ask peers for the blocks between our head and what they have, again and again."""
        while True:
            found = False
            if not self.distrusts:
                found = await self._fetch_gap()
            if not found:
                self.network.changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SYNC_SECONDS):
                        await self.network.changed.wait()

    async def _fetch_gap(self) -> bool:
        """Ask for the next missing blocks; whether a peer had some."""
        asks = [
            partial(self.network.range, peer, RangeRequest(missing.start, len(missing)))
            for peer in self.network.holders(BlockNumber(self._head + 1))
            if (missing := self.buffer.gap(self._head, peer.head))
        ]
        blocks = await first_found(asks, RANGE_PATIENCE_SECONDS)
        if not blocks:
            return False
        self._counts = replace(self._counts, ranges=self._counts.ranges + 1)
        for block in blocks:
            self.take(block)
        return True
