"""One chain of this node: its store, its pool, and the one thread that writes them."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from execution.attributes import BlockAttributes
from execution.evm.engine import Evm, MakeEvm
from execution.evm.lanes import BUILDING, SIMULATING, pressing
from execution.evm.threads import DeepExecutor
from execution.transaction import Transaction
from execution.transition import BlockResult, Candidate
from genesis.config import ChainConfig
from genesis.hashing import config_hash
from node.limits import BUILD_SECONDS_MAX
from node.powers.sandbox import Sandbox
from node.rpc.feed import ChainFeed
from sequencer.builder import Guard, build, unsafe_header
from sequencer.mempool import Mempool
from sequencer.ordering import Ordering
from state.batch import StoreBatch
from state.blocks import SealedBlock
from state.clock import Clock
from state.headers import next_base_fee
from state.store import ChainStore
from state.stored import ChainIdentity
from state.types import Hash32

T = TypeVar("T")

DATABASE: Final = "db"
"""The LevelDB's folder within a node's data folder."""


def identity_of(config: ChainConfig, genesis: SealedBlock) -> ChainIdentity:
    """What a database must say of itself to be this chain's."""
    return ChainIdentity(config.chain_id, genesis.hash, config_hash(config))


@dataclass(frozen=True, slots=True)
class Chain:
    """What the roles and the RPC share. Writes go through `write`, in order, on one deep thread."""

    store: ChainStore
    config: ChainConfig
    mempool: Mempool
    feed: ChainFeed
    clock: Clock
    writer: ThreadPoolExecutor
    """One worker: whatever changes the store runs here."""
    sandbox: Sandbox | None = None
    """What may be done to the state by decree, on a devnet that proves nothing."""
    engine: MakeEvm = Evm
    """What builds blocks: on a devnet one that listens to console.log."""

    @classmethod
    def over(
        cls,
        store: ChainStore,
        config: ChainConfig,
        clock: Clock,
        ordering: Ordering = Ordering.PRIORITY_FEE,
        sandbox: Sandbox | None = None,
    ) -> "Chain":
        """The chain of an open store, with an empty pool."""
        base_fee = next_base_fee(unsafe_header(store))
        return cls(
            store=store,
            config=config,
            mempool=Mempool(config, clock, store.state(), base_fee, ordering=ordering),
            feed=ChainFeed(store),
            clock=clock,
            writer=DeepExecutor(1, BUILDING),
            sandbox=sandbox,
        )

    async def write(self, function: Callable[[], T]) -> T:
        """Run `function` on the writing thread, after what is already waiting there.

        Simulations give way to it.
        """

        def write() -> T:
            with pressing(SIMULATING):
                return function()

        return await asyncio.get_running_loop().run_in_executor(self.writer, write)

    async def submit(self, raw: bytes) -> Hash32:
        """Take a transaction into the pool; returns its hash. Raises what `Mempool.add` does."""
        loop = asyncio.get_running_loop()
        transaction = await loop.run_in_executor(None, self._add, raw)
        return transaction.hash

    def _add(self, raw: bytes) -> Transaction:
        posed = None if self.sandbox is None else self.sandbox.posed(raw, self.config.chain_id)
        return self.mempool.add(raw) if posed is None else self.mempool.add_decoded(posed)

    def build(
        self,
        attributes: BlockAttributes,
        forced: tuple[Candidate, ...] = (),
        settlements: tuple[Transaction, ...] = (),
        guard: Guard | None = None,
    ) -> BlockResult:
        """Build on the unsafe head; begins no transaction from the pool a second from now."""
        deadline = self.clock.monotonic() + BUILD_SECONDS_MAX
        edits = () if self.sandbox is None else self.sandbox.take_edits()
        return build(
            self.store,
            self.config,
            self.mempool,
            attributes,
            forced,
            settlements=settlements,
            guard=guard,
            edits=edits,
            engine=self.engine,
            clock=self.clock,
            deadline=deadline,
        )

    def append(
        self, result: BlockResult, also: Callable[[StoreBatch], object] = lambda _: None
    ) -> None:
        """Write a built block, and what `also` adds, in one commit; then tell the pool."""
        sealed = result.sealed
        with self.store.commit() as batch:
            batch.append(sealed)
            also(batch)
        self.mempool.on_block(sealed, self.store.state(), next_base_fee(sealed.header))

    def refresh_pool(self, dropped: Iterable[bytes] = ()) -> None:
        """The head moved by other means than `append`: check every waiting transaction.

        `dropped` are transactions of blocks that are gone; those still valid wait again.
        """
        base_fee = next_base_fee(unsafe_header(self.store))
        self.mempool.reset(self.store.state(), base_fee, dropped)

    def close(self) -> None:
        """Let the last write finish, then close the database."""
        self.writer.shutdown(wait=True)
        self.store.close()
