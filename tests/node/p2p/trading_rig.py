"""Replicas with clients by websocket, and a sequencer with an exchange, as real peers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from websockets.asyncio.client import connect

from execution.evm.threads import DeepExecutor
from node.p2p.feeds import Feeds
from node.p2p.forwarder import Forwarder
from node.p2p.membership import Membership
from node.rpc.api import build_app
from node.rpc.backend import Backend, EvmWork
from node.rpc.feed import ChainFeed
from node.rpc.server import RpcServer
from node.rpc.trade.methods import TradeMethods
from state.types import Hash32
from tests.bridge.derive.rig import CONFIG
from tests.node.p2p.rig import Member, Peers, peers_in, until
from tests.node.rpc.trade.venue import Client
from tests.sequencer.exchange.hall import Hall, opened


def backend_of(member: Member, feed: ChainFeed, executor: DeepExecutor) -> Backend:
    """What a member's JSON-RPC serves from its own chain."""

    async def refuse(raw: bytes) -> Hash32:
        raise AssertionError("nobody sends a transaction here")

    return Backend(
        store=member.rig.store, config=CONFIG, feed=feed, evm=EvmWork(executor), submit=refuse
    )


@dataclass
class TradingReplica:
    """A replica that clients subscribe at."""

    member: Member
    feeds: Feeds
    url: str

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        async with connect(self.url) as connection:
            yield Client(connection)


@dataclass
class TradingPeers:
    """An exchange, its sequencer, and replicas that are told of it."""

    peers: Peers
    hall: Hall
    sequencer: Member
    closing: contextlib.AsyncExitStack
    executor: DeepExecutor

    async def replica(self, *bootnodes: Member) -> TradingReplica:
        """One more replica, connected to those peers."""
        member = await self.peers.replica(*bootnodes)
        assert member.replica is not None
        feed = member.replica.follower.chain.feed
        forwarder, feeds = Forwarder(member.network), Feeds(member.network)
        membership = Membership(member.network, feed, member.replica, forwarder, feeds)
        backend = backend_of(member, feed, self.executor)
        membership.serve_trade(backend)
        app = build_app(backend, extra=membership.namespaces)
        membership.answer_with(app.dispatcher.answer)
        server = RpcServer(app, "127.0.0.1", 0)
        await server.start()
        self.closing.push_async_callback(server.stop)
        member.tasks.append(asyncio.create_task(feeds.run()))
        return TradingReplica(member, feeds, server.url.replace("http", "ws"))

    def serve(self) -> None:
        """Let the sequencer's exchange answer its peers."""
        feed = ChainFeed(self.sequencer.rig.store)
        backend = backend_of(self.sequencer, feed, self.executor)
        app = build_app(backend, extra=(TradeMethods(self.hall.exchange, backend),))
        Membership(self.sequencer.network, feed).answer_with(app.dispatcher.answer)


@contextlib.asynccontextmanager
async def trading_peers(folder: Path) -> AsyncIterator[TradingPeers]:
    """An exchange at a sequencer without replicas."""
    executor = DeepExecutor(1)
    try:
        async with peers_in(folder) as peers, opened() as hall, contextlib.AsyncExitStack() as end:
            sequencer = await peers.sequencer()
            trading = TradingPeers(peers, hall, sequencer, end, executor)
            trading.serve()
            yield trading
    finally:
        executor.shutdown()


async def leads(replica: TradingReplica, peer: Member) -> None:
    """Wait until the replica knows the peer as one that has blocks, or is the sequencer."""
    peers = replica.member.network.peers

    def is_known() -> bool:
        known = peers.get(peer.network.peer)
        return known is not None and (known.is_sequencer or known.head > 0)

    await until(is_known, "a way")
