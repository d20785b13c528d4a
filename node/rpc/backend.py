"""What the namespaces work with: the chain, the pool, the threads for the EVM, the rollup.

The node's composition fills it in. A namespace asks it for nothing that depends on which layer the
chain is: an L1 has no `rollup`, a node without a pool forwards in `submit`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bridge.derive.status import SyncStatus
from bridge.derive.view import DerivationView
from bridge.withdrawal_status import BridgeContracts
from execution.evm.engine import Evm, MakeEvm
from execution.overrides import NO_BLOCK_OVERRIDES, BlockOverrides, Overrides
from execution.simulate import World
from execution.transition import context_of
from genesis.config import ChainConfig
from node.history.history import AddressHistory
from node.rpc.codec import BlockRef, Tag
from node.rpc.errors import CallFailed
from node.rpc.eth.signers import NoSigners, Signers
from node.rpc.evm_work import EvmWork
from node.rpc.feed import ChainFeed
from node.rpc.pending import PendingBlock, PendingBlocks
from sequencer.mempool import Mempool
from state.accounts import State
from state.blocks import Header
from state.clock import Clock, SystemClock
from state.store import ChainStore
from state.stored import StoredBlock
from state.types import BlockNumber, Hash32

CLIENT_VERSION = "tallystick/0.1.0"
"""What `web3_clientVersion` answers."""


class HeaderNotFound(CallFailed):
    """No such block in the chain, in geth's words."""

    def __init__(self) -> None:
        super().__init__("header not found")


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


def _plain_engine() -> MakeEvm:
    return Evm


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
    call_engine: Callable[[], MakeEvm] = _plain_engine
    """What runs a call; on a devnet one that listens to console.log."""
    history: AddressHistory | None = None
    """Transactions by address, where the node keeps an index of them."""
    signers: Signers = NoSigners()
    """The accounts that the node sends for."""
    pending: PendingBlocks | None = None
    """Makes pending blocks; without it "pending" is the latest block."""

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

    # The same for methods that know what is pending

    async def pending_block(self, ref: BlockRef) -> PendingBlock | None:
        """The pending block, if that is what `ref` means and one can be made now."""
        if ref is not Tag.PENDING or self.pending is None:
            return None
        return await self.pending.current()

    async def block_at(self, ref: BlockRef) -> StoredBlock | None:
        """As `block`, and the pending one."""
        pending = await self.pending_block(ref)
        return self.block(ref) if pending is None else pending.block

    async def state_at(self, ref: BlockRef) -> State:
        """As `state`, and the one after the pending block."""
        pending = await self.pending_block(ref)
        return self.state(ref) if pending is None else pending.state

    async def world_at(
        self, ref: BlockRef, overrides: Overrides, block: BlockOverrides = NO_BLOCK_OVERRIDES
    ) -> World:
        """As `world`, and the one after the pending block."""
        pending = await self.pending_block(ref)
        if pending is None:
            return self.world(ref, overrides, block)
        return self._world(pending.block.header, pending.state, overrides, block)

    # Simulation

    def world(
        self, ref: BlockRef, overrides: Overrides, block: BlockOverrides = NO_BLOCK_OVERRIDES
    ) -> World:
        """Where a call at that block runs: in the block itself, as in go-ethereum."""
        header = self.header(ref)
        return self._world(header, self.store.state(header.number), overrides, block)

    def _world(
        self, header: Header, state: State, overrides: Overrides, block: BlockOverrides
    ) -> World:
        return World(
            state=state,
            context=block.applied_to(context_of(header, self.config, self.ancestor)),
            config=self.config,
            overrides=overrides,
            engine=self.call_engine(),
        )

    def ancestor(self, number: BlockNumber) -> Hash32 | None:
        """The hash of a block by number, for BLOCKHASH."""
        block_id = self.store.block_id(number)
        return None if block_id is None else block_id.hash
