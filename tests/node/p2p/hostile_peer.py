"""A peer that breaks the rules, in a process of its own: `hostile_peer.py ADDRESS PREFIX ATTACK`.

It speaks real libp2p up to the streams, and then does what the attack says, until it is thrown out
or has done it all. It prints what it managed, and how it ended.
"""

import sys
import time
from collections.abc import Awaitable, Callable

import msgspec
import trio
from libp2p import new_host
from libp2p.abc import IHost, INetStream
from libp2p.custom_types import TProtocol
from libp2p.host.exceptions import HostException
from libp2p.network.exceptions import SwarmException
from libp2p.peer.peerinfo import PeerInfo, info_from_p2p_addr
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils.varint import encode_uvarint
from multiaddr import Multiaddr

MESHSUB = TProtocol("/meshsub/1.1.0")
SECONDS_MAX = 20.0
NAMES = 8
"""Fewer than connections that one address may make at once, so that another limit holds."""
NAME_SECONDS_MAX = 3.0


class Attacker:
    """One attack on one peer."""

    def __init__(self, host: IHost, peer: PeerInfo, prefix: str) -> None:
        self.host = host
        self.peer = peer
        self.prefix = prefix
        self.done = 0

    async def open(self, protocol: str) -> INetStream:
        return await self.host.new_stream(self.peer.peer_id, [TProtocol(protocol)])

    async def frames(self, frames: list[bytes], protocol: str = MESHSUB) -> None:
        """Write length-prefixed frames on one stream, then wait for the stream's end."""
        stream = await self.open(protocol)
        for frame in frames:
            await stream.write(encode_uvarint(len(frame)) + frame)
            self.done += 1
        await stream.read(1)

    def gossip(self, topic: str, data: bytes, count: int = 1) -> list[bytes]:
        """Frames with one unsigned-looking but well-formed, correctly signed message each."""
        return [self._message(topic, data + n.to_bytes(4), n) for n in range(count)]

    def _message(self, topic: str, data: bytes, number: int) -> bytes:
        message = rpc_pb2.Message(
            data=data,
            topicIDs=[topic],
            from_id=self.host.get_id().to_bytes(),
            seqno=(time.time_ns() + number).to_bytes(8),
        )
        signed = b"libp2p-pubsub:" + message.SerializeToString()
        message.signature = self.host.get_private_key().sign(signed)
        message.key = self.host.get_public_key().serialize()
        return rpc_pb2.RPC(publish=[message]).SerializeToString()

    # The attacks

    async def garbage(self) -> None:
        await self.frames([b"\xff" * 100])

    async def truncated(self) -> None:
        stream = await self.open(MESHSUB)
        await stream.write(encode_uvarint(1000) + b"\x0a")
        await stream.close()
        await self.garbage()

    async def oversize(self) -> None:
        stream = await self.open(MESHSUB)
        await stream.write(encode_uvarint(2**30) + bytes(60_000))
        await stream.read(1)

    async def malformed_blocks(self) -> None:
        await self.frames(self.gossip(f"{self.prefix}/blocks/1", b"no block", 10))

    async def bomb(self) -> None:
        """64 KB that would decompress to 16 MB, in a block with a signature of nobody."""
        packed = b"\x01" + b"\x1f\x00\x01\x00" + b"\xff" * 65_000 + b"\x00"
        claim = [1, b"\1" * 32, b"\2" * 32, 0, b"\0" * 32, b"\3" * 32]
        block = msgspec.msgpack.encode([[claim, b"\1" * 64 + b"\0"], packed])
        frame = self._message(f"{self.prefix}/blocks/1", block, 0)
        again = self._message(f"{self.prefix}/blocks/1", block + b"\0", 1)
        await self.frames([frame, again, *self.gossip(f"{self.prefix}/blocks/1", block, 20)])

    async def unknown_topic(self) -> None:
        await self.frames(self.gossip("/somebody/else", b"data", 50))
        while True:
            await self.frames(self.gossip("/somebody/else", b"data", 50))

    async def many_topics(self) -> None:
        options = [rpc_pb2.RPC.SubOpts(subscribe=True, topicid=f"t{n}") for n in range(5000)]
        await self.frames([rpc_pb2.RPC(subscriptions=options).SerializeToString()])

    async def flood(self) -> None:
        """As many empty frames as the peer takes."""
        await self.frames([rpc_pb2.RPC().SerializeToString()] * 200_000)

    async def flood_ids(self) -> None:
        """Messages with ids as long as a frame, which must not be kept."""
        message = rpc_pb2.Message(
            data=b"x", topicIDs=[f"{self.prefix}/blocks/1"], from_id=b"\1" * 200_000, seqno=b"1"
        )
        await self.frames([rpc_pb2.RPC(publish=[message]).SerializeToString()] * 100)

    async def streams(self) -> None:
        """Open streams and name no protocol."""
        held = []
        while True:
            held.append(await self.host.get_network().new_stream(self.peer.peer_id))
            self.done += 1

    async def requests(self) -> None:
        """Ask for ranges without end."""
        while True:
            stream = await self.open(f"{self.prefix}/range/1")
            await stream.write(b"\x03\x92\x01\x20")
            await stream.read(1)
            await stream.close()
            self.done += 1

    async def malformed_requests(self) -> None:
        while True:
            stream = await self.open(f"{self.prefix}/range/1")
            await stream.write(b"\x05garba")
            await stream.close()
            self.done += 1
            await trio.sleep(0.05)

    async def oversize_requests(self) -> None:
        stream = await self.open(f"{self.prefix}/call/1")
        await stream.write(encode_uvarint(2**28) + bytes(60_000))
        await stream.read(1)

    async def feed(self, messages: bytes) -> None:
        """Say something on a channel, then wait for its end."""
        stream = await self.open(f"{self.prefix}/feed/1")
        await stream.write(messages)
        self.done += 1
        while await stream.read(65_536):
            continue

    async def garbage_on_a_channel(self) -> None:
        while True:
            await self.feed(b"\0\0\0\5garba")

    async def oversize_on_a_channel(self) -> None:
        await self.feed((2**30).to_bytes(4) + bytes(60_000))

    async def channels(self) -> None:
        """Open channels and say nothing."""
        held = []
        while True:
            held.append(await self.open(f"{self.prefix}/feed/1"))
            self.done += 1

    async def subscriptions(self) -> None:
        """Subscribe to ever more accounts."""
        await self.feed(b"".join(map(subscription, range(20_000))))

    async def silent(self) -> None:
        """Subscribe, read nothing and say nothing."""
        await self.open(MESHSUB)
        self.done += 1
        await trio.sleep(5)


def subscription(number: int) -> bytes:
    """A message that subscribes to the orders of an account."""
    options = b'{"account":%d}' % (number + 1)
    message = msgspec.msgpack.encode(["subscribe", number, "orders", options])
    return len(message).to_bytes(4) + message


async def renamed(address: str, prefix: str) -> None:
    """Break the rules until banned, again and again, each time under another name."""
    peer = info_from_p2p_addr(Multiaddr(address))
    for _ in range(NAMES):
        host = new_host()

        async def once(host: IHost = host) -> None:
            await host.connect(peer)
            await Attacker(host, peer, prefix).oversize()

        async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
            with trio.move_on_after(NAME_SECONDS_MAX):
                await outcome(once)
    print(f"{NAMES} names", flush=True)


async def attack(address: str, prefix: str, name: str) -> None:
    if name == "renamed":
        await renamed(address, prefix)
        return
    host = new_host()
    peer = info_from_p2p_addr(Multiaddr(address))
    async with host.run([Multiaddr("/ip4/127.0.0.1/tcp/0")]):
        await host.connect(peer)
        attacker = Attacker(host, peer, prefix)
        ended = "in time"
        with trio.move_on_after(SECONDS_MAX) as scope:
            ended = await outcome(getattr(attacker, name))
        if scope.cancelled_caught:
            ended = "still there"
        try:
            with trio.fail_after(3):
                await host.new_stream(peer.peer_id, [TProtocol("/ipfs/ping/1.0.0")])
            is_welcome = bool(host.get_network().connections.get(peer.peer_id))
        except (HostException, SwarmException, trio.TooSlowError, OSError):
            is_welcome = False
        print(f"{attacker.done} {ended} {'welcome' if is_welcome else 'thrown out'}", flush=True)


async def outcome(step: Callable[[], Awaitable[None]]) -> str:
    try:
        await step()
    except Exception as error:  # whatever the library makes of being thrown out
        return f"{type(error).__name__}"
    return "done"


if __name__ == "__main__":
    trio.run(attack, *sys.argv[1:])
