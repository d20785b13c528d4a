"""A node's place among its peers, put together for its role: signs, follows, forwards."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bridge.deployment import Deployment
from bridge.l1.accounts import Operator
from genesis.accounts import operator_accounts
from node.p2p.blocks import BlockDomain
from node.p2p.forwarder import CallDesk, Forwarder
from node.p2p.identity import KEY_FILE, load_identity
from node.p2p.loops import run_all
from node.p2p.network import Network
from node.p2p.settings import P2PSettings, require_libp2p
from node.p2p.signatures import BlockSigner
from node.p2p.trade import ForwardedTrade
from node.roles.follower import Follower
from node.roles.replica import Replica, ReplicaStatistics
from node.rpc.feed import BlockEvent, ChainFeed
from node.settings import InvalidSettings, NodeSettings, Role


@dataclass(slots=True)
class Membership:
    """The network of a node, and what it does there.

    A sequencer signs and answers calls; anybody else follows, executes and passes calls on.
    """

    network: Network
    feed: ChainFeed
    replica: Replica | None = None
    forwarder: Forwarder | None = None

    @property
    def namespaces(self) -> tuple[object, ...]:
        """JSON-RPC methods that a node has for being a member."""
        return () if self.forwarder is None else (ForwardedTrade(self.forwarder),)

    @property
    def replica_statistics(self) -> Callable[[], ReplicaStatistics] | None:
        replica = self.replica
        return None if replica is None else lambda: replica.statistics

    def peers(self) -> int:
        """How many peers there are."""
        return len(self.network.peers)

    def answer_with(self, dispatch: Callable[[bytes], Awaitable[bytes | None]]) -> None:
        """On a sequencer, answer calls of peers as those of clients."""
        if self.forwarder is None:
            self.network.answer_call = CallDesk(dispatch).answer

    async def run(self) -> None:
        """Take part until cancelled."""
        stop = self.feed.on_block(self._on_block)
        try:
            if self.replica is None:
                await self.network.run()
            else:
                await run_all(self.network.run(), self.replica.run())
        finally:
            stop()

    def _on_block(self, event: BlockEvent) -> None:
        if not event.removed:
            self.network.announce(event.id.number)


def join(settings: NodeSettings, follower: Follower, deployment: Deployment) -> Membership | None:
    """The membership that the settings ask for, not yet running; None without a network.

    Raises `LibraryMissing`, `InvalidIdentity`, `InvalidKey` or `InvalidSettings`.
    """
    p2p = settings.p2p
    if p2p is None:
        return None
    require_libp2p()
    chain = follower.chain
    is_sequencer = settings.role is Role.SEQUENCER
    operator = _block_operator(settings, p2p) if is_sequencer else None
    address = operator.address if operator is not None else p2p.sequencer
    domain = BlockDomain(
        deployment.l2_chain_id,
        deployment.genesis_hash,
        address or deployment.parameters.sequencer,
    )
    network = Network(
        settings=p2p,
        data_dir=settings.data_dir,
        domain=domain,
        store=chain.store,
        identity=load_identity(p2p.key_file or settings.data_dir / KEY_FILE),
        signer=None if operator is None else BlockSigner(operator, domain),
    )
    if is_sequencer:
        return Membership(network, chain.feed)
    replica = Replica(follower, network, settings.data_dir)
    forwarder = Forwarder(network)
    network.take_block = replica.take
    network.answer_call = forwarder.answer
    return Membership(network, chain.feed, replica, forwarder)


def _block_operator(settings: NodeSettings, p2p: P2PSettings) -> Operator:
    """Whose key signs blocks: one of its own, or the one that posts batches."""
    if p2p.block_key is not None:
        return Operator.from_file(p2p.block_key)
    if settings.mnemonic_accounts:
        return Operator.of_dev_account(operator_accounts().batcher)
    if settings.batcher_key is None:
        raise InvalidSettings("a sequencer signs its blocks: give --block-key-file")
    return Operator.from_file(settings.batcher_key)
