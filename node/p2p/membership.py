"""A node's place among its peers, put together for its role: signs, follows, forwards."""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.deployment import Deployment
from bridge.l1.accounts import Operator
from genesis.accounts import operator_accounts
from node.p2p.blocks import BlockDomain
from node.p2p.feed_desk import Dispatch, FeedDesk
from node.p2p.feeds import Feeds
from node.p2p.forwarder import CallDesk, Forwarder
from node.p2p.identity import KEY_FILE, load_identity
from node.p2p.loops import run_all
from node.p2p.network import Network
from node.p2p.settings import P2PSettings, require_libp2p
from node.p2p.signatures import BlockSigner
from node.p2p.trade import ForwardedTrade
from node.roles.follower import Follower
from node.roles.replica import Replica, ReplicaStatistics
from node.rpc.backend import Backend
from node.rpc.feed import BlockEvent, ChainFeed
from node.settings import InvalidSettings, NodeSettings, Role
from state.types import BlockNumber


@dataclass(slots=True)
class Membership:
    """The network of a node, and what it does there.

    A sequencer signs and answers calls; anybody else follows, executes and passes calls on.
    """

    network: Network
    feed: ChainFeed
    replica: Replica | None = None
    forwarder: Forwarder | None = None
    feeds: Feeds | None = None
    trade: ForwardedTrade | None = None

    @property
    def namespaces(self) -> tuple[object, ...]:
        """JSON-RPC methods that a node has for being a member."""
        return () if self.trade is None else (self.trade,)

    def serve_trade(self, backend: Backend) -> None:
        """On a replica, have the methods of `trade_`. Call it before `run`."""
        if self.forwarder is not None and self.feeds is not None:
            self.trade = ForwardedTrade(self.forwarder, self.feeds, backend)

    @property
    def replica_statistics(self) -> Callable[[], ReplicaStatistics] | None:
        replica = self.replica
        return None if replica is None else lambda: replica.statistics

    def peers(self) -> int:
        """How many peers there are."""
        return len(self.network.peers)

    def feed_statistics(self) -> tuple[int, int]:
        """Feeds that are followed, and channels with peers."""
        feeds = 0 if self.feeds is None else len(self.feeds)
        return feeds, len(self.network.channels)

    def best_head(self) -> BlockNumber:
        """The newest block that a peer says it has; 0 where there are no peers."""
        return max((peer.head for peer in self.network.peers.values()), default=BlockNumber(0))

    def answer_with(self, dispatch: Dispatch) -> None:
        """Answer calls of peers and tell them news as it is done for clients."""
        network, feeds = self.network, self.feeds
        if self.forwarder is None:
            network.answer_call = CallDesk(lambda body: dispatch(body, None)).answer
        desk = FeedDesk(dispatch, network.penalize, network.penalize_rate)
        if feeds is not None:
            desk.may_serve = feeds.is_direct
            feeds.on_indirect = desk.end_all
        network.serve_channel = desk.serve

    async def run(self) -> None:
        """Take part until cancelled."""
        stop = self.feed.on_block(self._on_block)
        try:
            parts = (self.network, self.replica, self.feeds, self.trade)
            await run_all(*(part.run() for part in parts if part is not None))
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
    return Membership(network, chain.feed, replica, forwarder, Feeds(network))


def _block_operator(settings: NodeSettings, p2p: P2PSettings) -> Operator:
    """Whose key signs blocks: one of its own, or the one that posts batches."""
    if p2p.block_key is not None:
        return Operator.from_file(p2p.block_key)
    if settings.mnemonic_accounts:
        return Operator.of_dev_account(operator_accounts().batcher)
    if settings.batcher_key is None:
        raise InvalidSettings("a sequencer signs its blocks: give --block-key-file")
    return Operator.from_file(settings.batcher_key)
