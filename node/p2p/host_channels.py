"""Channels of the host: streams that stay open, and carry bytes both ways between two nodes.

The host knows nothing of what they say. It holds them to a number, to a rate of reading, which
slows down a peer that sends more, and to so many bytes that wait for a peer that reads too slowly.
"""

import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import trio
from libp2p.abc import IHost, INetStream
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID

from node.p2p import frames
from node.p2p.buckets import Buckets
from node.p2p.limits import (
    CHANNEL_CHUNK_BYTES_MAX,
    CHANNEL_QUEUE_BYTES_MAX,
    CHANNEL_RATE,
    CHANNELS_MAX,
    CHANNELS_PER_PEER_MAX,
    NEGOTIATION_SECONDS_MAX,
)
from node.p2p.outbox import Outbox
from node.p2p.scores import Offence
from node.p2p.topics import ChainNames

log = logging.getLogger("tallystick.p2p")


@dataclass(slots=True)
class _Channel:
    """One open stream, and what waits to be written on it."""

    number: int
    peer: str
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    waiting: bytearray = field(default_factory=bytearray)
    filled: trio.Event = field(default_factory=trio.Event)
    reason: str = "closed"

    def close(self, reason: str) -> None:
        self.reason = reason
        self.scope.cancel()

    def put(self, data: bytes) -> None:
        if len(self.waiting) + len(data) > CHANNEL_QUEUE_BYTES_MAX:
            self.close("it reads too slowly")
            return
        self.waiting += data
        self.filled.set()

    async def take(self) -> bytes:
        """Wait for bytes, and take as many as are written at once."""
        while not self.waiting:
            self.filled = trio.Event()
            await self.filled.wait()
        chunk = bytes(self.waiting[:CHANNEL_CHUNK_BYTES_MAX])
        del self.waiting[:CHANNEL_CHUNK_BYTES_MAX]
        return chunk


class HostChannels:
    """All channels, by number: from 1 up those that the node opened, from -1 down its peers'."""

    def __init__(
        self,
        host: IHost,
        names: ChainNames,
        outbox: Outbox,
        nursery: trio.Nursery,
        blame: Callable[[str, Offence], None],
    ) -> None:
        self._host = host
        self._protocol = TProtocol(names.feed)
        self._outbox = outbox
        self._nursery = nursery
        self._blame = blame
        self._channels: dict[int, _Channel] = {}
        self._numbers = itertools.count(-1, -1)
        self._rates = Buckets(CHANNEL_RATE)
        host.set_stream_handler(self._protocol, self._accept)

    async def open(self, number: int, peer: str, identity: ID | None) -> None:
        """Open a channel to a peer for the node, which hears of it only when it is closed."""
        if identity is None:
            await self._outbox.put(frames.ChannelClosed(number, "not connected"))
            return
        channel = self._channels[number] = _Channel(number, peer)
        self._nursery.start_soon(self._dial, channel, identity)

    def send(self, number: int, data: bytes) -> None:
        """Write to a channel, as soon as its peer reads."""
        channel = self._channels.get(number)
        if channel is not None:
            channel.put(data)

    def close(self, number: int) -> None:
        """End a channel."""
        channel = self._channels.get(number)
        if channel is not None:
            channel.close("closed")

    async def _dial(self, channel: _Channel, identity: ID) -> None:
        try:
            with trio.fail_after(NEGOTIATION_SECONDS_MAX):
                stream = await self._host.new_stream(identity, [self._protocol])
        except Exception as error:
            # The library's dial raises errors of sockets, of negotiation and its own alike.
            self._channels.pop(channel.number, None)
            await self._outbox.put(frames.ChannelClosed(channel.number, f"not opened: {error!r}"))
        else:
            await self._carry(channel, stream)

    async def _accept(self, stream: INetStream) -> None:
        """A peer opens a channel (called by the library for each)."""
        peer = str(stream.muxed_conn.peer_id)
        theirs = Counter(one.peer for one in self._channels.values() if one.number < 0)
        if theirs[peer] >= CHANNELS_PER_PEER_MAX:
            self._blame(peer, Offence.RATE)
        if theirs[peer] >= CHANNELS_PER_PEER_MAX or theirs.total() >= CHANNELS_MAX:
            await stream.reset()
            return
        channel = _Channel(next(self._numbers), peer)
        self._channels[channel.number] = channel
        await self._outbox.put(frames.ChannelOpened(channel.number, peer))
        await self._carry(channel, stream)

    async def _carry(self, channel: _Channel, stream: INetStream) -> None:
        """Read and write until either ends, or the node has enough."""
        try:
            with channel.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, channel, stream)
                    await self._read(channel, stream)
                    nursery.cancel_scope.cancel()
        except Exception as error:
            # The supervisor of one channel: a stream of the library ends by errors of many kinds.
            channel.reason = f"its stream ended: {error!r}"
        finally:
            self._channels.pop(channel.number, None)
            with trio.CancelScope(shield=True):
                await self._end(channel, stream)

    async def _end(self, channel: _Channel, stream: INetStream) -> None:
        with trio.move_on_after(NEGOTIATION_SECONDS_MAX):
            try:
                await stream.reset()
            except Exception as error:
                # As above: whatever state it is in, only this channel is concerned.
                log.debug("a channel of %s didn't end well: %r", channel.peer, error)
            await self._outbox.put(frames.ChannelClosed(channel.number, channel.reason))

    async def _read(self, channel: _Channel, stream: INetStream) -> None:
        while True:
            chunk = await stream.read(CHANNEL_CHUNK_BYTES_MAX)
            if not chunk:
                channel.reason = "the peer ended it"
                return
            while not self._rates.take(channel.peer, time.monotonic(), len(chunk)):
                # Unread bytes fill the stream's window, and then the peer has to wait too.
                await trio.sleep(len(chunk) / CHANNEL_RATE[0])
            await self._outbox.put(frames.Received(channel.number, chunk))

    async def _write(self, channel: _Channel, stream: INetStream) -> None:
        while True:
            await stream.write(await channel.take())
