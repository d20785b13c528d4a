"""What the namespaces work with: the chain, the pool, the threads for the EVM, the rollup.

The node's composition fills it in. A namespace asks it for nothing that depends on which layer the
chain is: an L1 has no `rollup`, a node without a pool forwards in `submit`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from bridge.derive.status import SyncStatus
from bridge.derive.view import DerivationView
from bridge.withdrawal_status import BridgeContracts
from execution.overrides import NO_BLOCK_OVERRIDES, BlockOverrides, Overrides
from execution.simulate import World
from execution.transition import context_of
from genesis.config import ChainConfig
from node import limits
from node.history.history import AddressHistory
from node.rpc.codec import BlockRef, Tag
from node.rpc.errors import CallFailed, LimitExceeded
from node.rpc.eth.signers import NoSigners, Signers
from node.rpc.feed import ChainFeed
from sequencer.mempool import Mempool
from state.accounts import State
from state.blocks import Header
from state.clock import Clock, SystemClock
from state.store import ChainStore
from state.stored import StoredBlock
from state.types import BlockNumber, Hash32

P = ParamSpec("P")
T = TypeVar("T")

CLIENT_VERSION = "tallystick/0.1.0"
"""What `web3_clientVersion` answers."""


class HeaderNotFound(CallFailed):
    """No such block in the chain, in geth's words."""

    def __init__(self) -> None:
        super().__init__("header not found")


class EvmWork:
    """Runs simulations in deep-stack threads: so many at once, so many waiting, for so long.

    A simulation can't be interrupted; one that takes too long is answered with an error, and its
    thread becomes free when the gas cap ends it.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._waiting = 0

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in one of the threads. Raises what it raises, or `LimitExceeded`."""
        if self._waiting >= limits.RPC_CALLS_WAITING_MAX:
            raise LimitExceeded("too many calls at once: try again in a moment")
        self._waiting += 1
        try:
            future = self._executor.submit(work, *args, **kwargs)
            async with asyncio.timeout(limits.RPC_CALL_SECONDS_MAX):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise LimitExceeded(
                f"the call took longer than {limits.RPC_CALL_SECONDS_MAX:.0f} s: give it less gas"
            ) from None
        finally:
            self._waiting -= 1


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a node that is behind has come, in blocks."""

    starting: BlockNumber
    current: BlockNumber
    highest: BlockNumber


@dataclass(frozen=True, slots=True)
class Rollup:
    """What only an L2 node has: derivation, and the deployment it follows."""

    status: Callable[[], SyncStatus]
    """`Pipeline.status`, or a snapshot of it taken in the pipeline's thread."""
    view: DerivationView
    deployment: Mapping[str, object] = field(default_factory=dict)
    """The public part of the deployment file, as JSON."""
    l1: BridgeContracts | None = None
    """The contracts on L1 and the client to read them; None where L1 can't be asked."""


def _not_syncing() -> SyncProgress | None:
    return None


@dataclass(frozen=True, slots=True)
class Backend:
    """One chain, ready to be served.

    `submit` takes a raw transaction to wherever this node's transactions go (its pool, or the
    sequencer's RPC), and returns its hash or raises the pool's error. `mempool` is None on a node
    without a pool.
    """

    store: ChainStore
    config: ChainConfig
    feed: ChainFeed
    evm: EvmWork
    submit: Callable[[bytes], Awaitable[Hash32]]
    mempool: Mempool | None = None
    rollup: Rollup | None = None
    syncing: Callable[[], SyncProgress | None] = _not_syncing
    peers: Callable[[], int] = int
    """How many peers the node has."""
    client_version: str = CLIENT_VERSION
    clock: Clock = field(default_factory=SystemClock)
    """Measures how long a trace takes."""
    history: AddressHistory | None = None
    """Transactions by address, where the node keeps an index of them."""
    signers: Signers = NoSigners()
    """The accounts that the node sends for."""

    # Which block

    def number_of(self, ref: BlockRef) -> BlockNumber | None:
        """The number of a block that is in the chain, or None.

        "pending" is the latest block here: what the next one will hold is the builder's to say.
        """
        if isinstance(ref, Tag):
            return self.tagged(ref)
        if isinstance(ref, int):
            return ref if ref <= self.store.heads.unsafe.number else None
        return self.store.number_of(ref)

    def tagged(self, tag: Tag) -> BlockNumber:
        """The number of the block that goes by that name."""
        heads = self.store.heads
        if tag is Tag.EARLIEST:
            return BlockNumber(0)
        if tag is Tag.FINALIZED:
            return heads.finalized.number
        if tag is Tag.SAFE:
            return heads.safe.number
        return heads.unsafe.number

    def block(self, ref: BlockRef) -> StoredBlock | None:
        """The block, or None where the chain has none such."""
        number = self.number_of(ref)
        return None if number is None else self.store.block(number)

    def header(self, ref: BlockRef) -> Header:
        """The header. Raises `HeaderNotFound`."""
        number = self.number_of(ref)
        header = None if number is None else self.store.header(number)
        if header is None:
            raise HeaderNotFound
        return header

    def state(self, ref: BlockRef) -> State:
        """The state after a block. Raises `HeaderNotFound`."""
        number = self.number_of(ref)
        if number is None:
            raise HeaderNotFound
        return self.store.state(number)

    # Simulation

    def world(
        self, ref: BlockRef, overrides: Overrides, block: BlockOverrides = NO_BLOCK_OVERRIDES
    ) -> World:
        """Where a call at that block runs: in the block itself, as in go-ethereum."""
        header = self.header(ref)
        return World(
            state=self.store.state(header.number),
            context=block.applied_to(context_of(header, self.config, self.ancestor)),
            config=self.config,
            overrides=overrides,
        )

    def ancestor(self, number: BlockNumber) -> Hash32 | None:
        """The hash of a block by number, for BLOCKHASH."""
        block_id = self.store.block_id(number)
        return None if block_id is None else block_id.hash
