"""The process that speaks libp2p: started by the node, and told what to do over its standard input.

    python -m node.p2p.host

It lives on trio, which the library needs. It holds no state that matters: when it dies, the node
starts another. It ends when its standard input does, so that no orphan is left behind.
"""

import logging
import os
import resource
import sys
import time
from collections import Counter
from typing import Final, cast

import trio
from libp2p.abc import INetConn, INetStream, INetwork, INotifee
from libp2p.exceptions import BaseLibp2pError
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr

from node.logs import LogFormat, configure_logging
from node.p2p import frames
from node.p2p.blocks import BlockDomain
from node.p2p.buckets import Buckets
from node.p2p.connections import bounded_host, remote_address
from node.p2p.gossip import BoundedGossipSub, GuardedPubsub
from node.p2p.host_channels import HostChannels
from node.p2p.limits import (
    DIAL_SECONDS_MAX,
    HOST_ADDRESS_SPACE_BYTES,
    REDIAL_SECONDS,
    REDIALS_AT_ONCE_MAX,
    REPORT_SECONDS,
    STREAM_RATE,
)
from node.p2p.newcomers import Newcomers
from node.p2p.outbox import Outbox
from node.p2p.peer_book import KnownPeer, PeerBook
from node.p2p.requests import Requests
from node.p2p.scores import Offence, Scores
from node.p2p.topics import ChainNames, Topic
from node.p2p.validation import Validator, Verdict
from state.types import Address, Hash32

log = logging.getLogger("tallystick.p2p")

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Host(INotifee):
    """One libp2p host, and what the node told it."""

    def __init__(self, configure: frames.Configure, outbox: Outbox, nursery: trio.Nursery) -> None:
        genesis = Hash32(configure.genesis)
        self._names = ChainNames(configure.chain_id, genesis)
        domain = BlockDomain(configure.chain_id, genesis, Address(configure.sequencer))
        self._listen = _listen_address(configure.listen_host, configure.listen_port)
        self._outbox = outbox
        self._nursery = nursery
        self._libp2p, self._gate = bounded_host(configure.seed, time.monotonic)
        self._swarm = cast(Swarm, self._libp2p.get_network())
        self.peer = str(self._libp2p.get_id())
        self._book = PeerBook(self.peer, configure.bootnodes, configure.known)
        self._scores = Scores()
        self._newcomers = Newcomers()
        self._turned_away: set[str] = set()
        """Connected peers that may not stay, until they are gone."""
        self._offences: Counter[str] = Counter()
        self._streams = Buckets(STREAM_RATE)
        self._connected: dict[str, ID] = {}
        self._dialling: set[str] = set()
        self._validator = Validator(domain, self.blame)
        self._topics = {self._names.topic(topic): topic for topic in Topic}
        self._router = BoundedGossipSub()
        self._pubsub = GuardedPubsub(
            self._libp2p, self._router, frozenset(self._topics), self.blame
        )
        self._requests = Requests(self._libp2p, self._names, outbox, self.blame)
        self._channels = HostChannels(self._libp2p, self._names, outbox, nursery, self.blame)
        self._guard_streams()
        self._swarm.register_notifee(self)

    async def run(self) -> None:
        """Listen, gossip and redial until cancelled."""
        # Pubsub must be there before the first connection is.
        async with (
            background_trio_service(self._pubsub),
            background_trio_service(self._router),
            self._libp2p.run([self._listen]),
        ):
            await self._pubsub.wait_until_ready()
            for name in self._topics:
                self._pubsub.set_topic_validator(name, self._validate, True)
                await self._pubsub.subscribe(name)
            await self._outbox.put(frames.Ready(self.peer, self._addresses()))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._redial)
                nursery.start_soon(self._report)

    async def handle(self, frame: frames.ToHost) -> None:
        """Do what the node says."""
        match frame:
            case frames.Publish(topic=topic, data=data):
                await self._pubsub.publish(self._names.topic(topic), data)
            case frames.Ask():
                self._nursery.start_soon(self._requests.ask, frame, self._connected.get(frame.peer))
            case frames.Answer(id=request, data=data):
                self._requests.answer(request, data)
            case frames.Penalize(peer=peer, offence=offence):
                self.blame(peer, offence)
            case frames.Meet(addresses=addresses):
                self._book.meet(addresses)
            case frames.OpenChannel(channel=channel, peer=peer):
                await self._channels.open(channel, peer, self._connected.get(peer))
            case frames.Send(channel=channel, data=data):
                self._channels.send(channel, data)
            case frames.CloseChannel(channel=channel):
                self._channels.close(channel)
            case frames.HeadMoved(number=number):
                self._validator.head = number

    def blame(self, peer: str, offence: Offence) -> None:
        """A peer did something wrong; it is sent away when that was too much."""
        self._offences[offence] += 1
        if peer == self.peer:
            return
        if self._scores.penalize(peer, offence, time.monotonic()):
            log.warning("peer %s is banned: %s", peer, offence)
            self._book.forget(peer)
            self._newcomers.ban(peer, time.monotonic())
            if peer in self._connected:
                self._nursery.start_soon(self._send_away, self._connected[peer])

    # Gossip

    async def _validate(self, forwarder: ID, message: rpc_pb2.Message) -> bool:
        """Called for each message of our topics; a good one goes to the node on its way."""
        peer = str(forwarder)
        if peer == self.peer:
            return True
        topic = self._topics[message.topicIDs[0]]
        if self._scores.is_banned(peer, time.monotonic()):
            return False
        verdict = self._validator.judge(topic, peer, message.data, time.monotonic())
        if verdict is not Verdict.ACCEPT:
            return False
        await self._outbox.put(frames.Gossiped(topic, peer, message.data))
        return True

    # Streams

    def _guard_streams(self) -> None:
        """Put a rate on opened streams, and keep whatever a handler raises from ending the host."""
        handle = self._swarm.common_stream_handler

        async def guarded(stream: INetStream) -> None:
            peer = str(stream.muxed_conn.peer_id)
            try:
                if peer in self._turned_away:
                    await stream.reset()
                elif self._streams.take(peer, time.monotonic()):
                    await handle(stream)
                else:
                    self.blame(peer, Offence.RATE)
                    await stream.reset()
            except Exception as error:
                # The supervisor of one stream: the library's handlers raise what they like.
                log.debug("a stream of %s ended by %r", peer, error)

        self._swarm.set_stream_handler(guarded)

    # Connections

    async def connected(self, network: INetwork, conn: INetConn) -> None:
        """A connection is there (libp2p's notifee)."""
        peer = conn.muxed_conn.peer_id
        name = str(peer)
        if not self._is_welcome(name, conn):
            self._turned_away.add(name)
            self._nursery.start_soon(self._send_away, peer)
            return
        if name not in self._connected:
            self._connected[name] = peer
            self._book.reached(name)
            await self._outbox.put(frames.PeerJoined(name))

    def _is_welcome(self, peer: str, connection: INetConn) -> bool:
        now = time.monotonic()
        if self._scores.is_banned(peer, now):
            return False
        address = remote_address(connection)
        if address is None or self._book.is_bootnode(peer):
            return True
        return self._newcomers.admit(peer, address, now)

    async def disconnected(self, network: INetwork, conn: INetConn) -> None:
        """A connection is gone (libp2p's notifee)."""
        peer = conn.muxed_conn.peer_id
        name = str(peer)
        if any(one is not conn and not one.is_closed for one in self._swarm.get_connections(peer)):
            return
        self._turned_away.discard(name)
        if self._connected.pop(name, None) is not None:
            await self._outbox.put(frames.PeerLeft(name))
        # What a peer told of itself would be kept for ever, and new names cost a peer nothing.
        self._libp2p.get_peerstore().clear_peerdata(peer)

    async def opened_stream(self, network: INetwork, stream: INetStream) -> None:
        """Nothing to do (libp2p's notifee)."""

    async def closed_stream(self, network: INetwork, stream: INetStream) -> None:
        """Nothing to do (libp2p's notifee)."""

    async def listen(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Nothing to do (libp2p's notifee)."""

    async def listen_close(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """Nothing to do (libp2p's notifee)."""

    async def _send_away(self, peer: ID) -> None:
        try:
            await self._swarm.close_peer(peer)
        except (BaseLibp2pError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
            log.debug("%s didn't go well: %r", peer, error)

    async def _redial(self) -> None:
        """Dial whoever is due, again and again; one that doesn't answer keeps nobody waiting."""
        while True:
            now = time.monotonic()
            due = [
                known
                for known in self._book.due({*self._connected, *self._dialling}, now)
                if not self._scores.is_banned(str(known.info.peer_id), now)
            ]
            for known in due[: REDIALS_AT_ONCE_MAX - len(self._dialling)]:
                self._dialling.add(str(known.info.peer_id))
                self._nursery.start_soon(self._dial, known)
            await trio.sleep(REDIAL_SECONDS)

    async def _dial(self, known: KnownPeer) -> None:
        """One attempt; the address is tried as it stands, whatever the library remembers of it."""
        try:
            with trio.fail_after(DIAL_SECONDS_MAX):
                await self._swarm.dial_addr(known.info.addrs[0], known.info.peer_id)
        except Exception as error:
            # The library's dial raises errors of sockets, of handshakes and its own alike.
            log.debug("%s can't be reached: %r", known.address, error)
            self._book.failed(known, time.monotonic())
        finally:
            self._dialling.discard(str(known.info.peer_id))

    # Telling

    def _addresses(self) -> tuple[str, ...]:
        return tuple(str(address) for address in self._libp2p.get_addrs())

    async def _report(self) -> None:
        while True:
            statistics = frames.HostStatistics(
                accepted=dict(self._validator.accepted),
                ignored=self._validator.ignored,
                offences=dict(self._offences),
                dropped=dict(self._outbox.dropped),
                refused=self._gate.refused + self._newcomers.refused,
                banned=self._scores.banned(time.monotonic()),
                resident_bytes=_resident_bytes(),
            )
            await self._outbox.put(frames.Report(statistics, self._book.addresses()))
            await trio.sleep(REPORT_SECONDS)


def _listen_address(host: str, port: int) -> Multiaddr:
    kind = "ip6" if ":" in host else "ip4"
    return Multiaddr(f"/{kind}/{host}/tcp/{port}")


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * _PAGE_BYTES


async def _serve(source: int, sink: int) -> None:
    """Read the configuration, then run until the node closes the source."""
    reader, writer = trio.lowlevel.FdStream(source), trio.lowlevel.FdStream(sink)
    configure = frames.decode_to_host(await _read_frame(reader))
    if not isinstance(configure, frames.Configure):
        raise TypeError("the first frame is the configuration")
    outbox = Outbox()
    async with trio.open_nursery() as nursery:
        host = Host(configure, outbox, nursery)
        nursery.start_soon(outbox.drain, writer.send_all)
        nursery.start_soon(host.run)
        await _obey(host, reader)
        nursery.cancel_scope.cancel()


async def _obey(host: Host, reader: trio.lowlevel.FdStream) -> None:
    """Do what the node says, until it is gone."""
    while True:
        try:
            body = await _read_frame(reader)
        except EOFError:
            return
        await host.handle(frames.decode_to_host(body))


async def _read_frame(reader: trio.lowlevel.FdStream) -> bytes:
    length = frames.frame_length(await _read_exactly(reader, frames.LENGTH_BYTES))
    return await _read_exactly(reader, length)


async def _read_exactly(reader: trio.lowlevel.FdStream, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = await reader.receive_some(size - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def main() -> None:
    """Run the host. Whatever is printed goes to standard error, frames alone to standard output."""
    sink = os.dup(1)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (HOST_ADDRESS_SPACE_BYTES, HOST_ADDRESS_SPACE_BYTES))
    configure_logging(log_format=LogFormat(sys.argv[1]) if sys.argv[1:] else LogFormat.TEXT)
    logging.getLogger("libp2p").setLevel(logging.CRITICAL)
    trio.run(_serve, 0, sink)


if __name__ == "__main__":
    main()
