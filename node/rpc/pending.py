"""The pending block: what the builder would make now of what waits, tried on a snapshot.

It is made when somebody asks, shared by all who ask until the head or the pool moves, and bounded
in gas by the block and in time by a limit. Where no block can be made now, there is none.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bridge.derive.errors import DerivationReset
from execution.attributes import BlockAttributes
from execution.transition import Candidate, InvalidBlockAttributes
from genesis.config import ChainConfig
from node import limits
from node.rpc.evm_work import EvmWork
from sequencer.builder import preview
from sequencer.mempool import Mempool
from state.blocks import BlockId
from state.clock import Clock
from state.errors import Unavailable
from state.reader import ChainReader
from state.store import ChainStore
from state.stored import StoredBlock
from state.stored_state import UnwrittenState


@dataclass(frozen=True, slots=True)
class NextBlock:
    """What decides the next block besides the pool."""

    attributes: BlockAttributes
    forced: tuple[Candidate, ...] = ()
    """Candidates that come first and are nobody's choice."""


Plan = Callable[[ChainReader], NextBlock]
"""Says what the next block after that moment's head is like. Raises `Unavailable` for not now."""


@dataclass(frozen=True, slots=True)
class PendingBlock:
    """A block that nobody wrote, and the state after it."""

    block: StoredBlock
    state: UnwrittenState


@dataclass(frozen=True, slots=True)
class _Made:
    """The newest pending block, what it was made of, and when and how long it took."""

    head: BlockId
    revision: int
    pending: PendingBlock | None
    at: float
    seconds: float


class PendingBlocks:
    """Makes pending blocks, one at a time."""

    def __init__(
        self,
        store: ChainStore,
        config: ChainConfig,
        mempool: Mempool | None,
        clock: Clock,
        evm: EvmWork,
        plan: Plan,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._config = config
        self._mempool = mempool
        self._clock = clock
        self._evm = evm
        self._plan = plan
        self._sleep = sleep
        self._made: _Made | None = None
        self._making = asyncio.Lock()

    async def current(self) -> PendingBlock | None:
        """The pending block of this moment; None where the next block can't be made now.

        A pool that never rests could keep the node trying blocks; who asks then waits, so that
        trying takes no more than its share of the time.
        """
        async with self._making:
            made = self._made
            if made is None or not self._is_current(made):
                await self._wait_for_share(made)
                self._made = made = await self._evm.run(self._make)
            return made.pending

    def _is_current(self, made: _Made) -> bool:
        return (made.head, made.revision) == (self._store.heads.unsafe, self._revision())

    def _revision(self) -> int:
        return 0 if self._mempool is None else self._mempool.revision

    async def _wait_for_share(self, made: _Made | None) -> None:
        if made is None:
            return
        due = made.at + made.seconds * limits.RPC_PENDING_REST
        await self._sleep(max(0.0, due - self._clock.monotonic()))

    def _make(self) -> _Made:
        began = self._clock.monotonic()
        revision = self._revision()
        reader = self._store.reader
        try:
            pending = self._try(reader, began + limits.RPC_PENDING_SECONDS_MAX)
        except (Unavailable, DerivationReset, InvalidBlockAttributes):
            pending = None
        now = self._clock.monotonic()
        return _Made(reader.heads.unsafe, revision, pending, now, now - began)

    def _try(self, reader: ChainReader, deadline: float) -> PendingBlock:
        plan = self._plan(reader)
        sealed = preview(
            reader,
            self._config,
            self._mempool,
            plan.attributes,
            plan.forced,
            clock=self._clock,
            deadline=deadline,
        ).sealed
        block = StoredBlock(
            hash=sealed.hash,
            header=sealed.header,
            transactions=sealed.transactions,
            senders=sealed.senders,
            contracts=sealed.contracts,
            receipts=sealed.receipts,
        )
        return PendingBlock(block, UnwrittenState(reader, sealed.update))
