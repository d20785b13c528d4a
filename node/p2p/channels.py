"""Channels of the node: messages to and from one peer, for as long as both want it.

    channel = (length (4, big-endian) ++ message) *

Nothing here waits for a peer: what it doesn't read is kept up to a limit, beyond which the channel
is closed. It may be opened again at any time; what it carries begins anew then.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

from node.p2p import frames
from node.p2p.errors import ChannelClosed, HostUnavailable, MessageTooLarge
from node.p2p.limits import (
    CHANNEL_CHUNK_BYTES_MAX,
    CHANNEL_QUEUE_BYTES_MAX,
    FEED_MESSAGE_BYTES_MAX,
)
from node.p2p.link import HostLink

LENGTH_BYTES: Final = 4
_YIELD_MESSAGES: Final = 32
"""So many messages are taken in a row; then others have their turn, about a millisecond later."""


class MessageReader:
    """Cuts bytes that arrive in pieces into messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def read(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Raises `MessageTooLarge` before one is kept."""
        self._bytes += data
        found: list[bytes] = []
        start = 0
        while len(self._bytes) - start >= LENGTH_BYTES:
            length = int.from_bytes(self._bytes[start : start + LENGTH_BYTES])
            if length > FEED_MESSAGE_BYTES_MAX:
                raise MessageTooLarge(length, FEED_MESSAGE_BYTES_MAX)
            end = start + LENGTH_BYTES + length
            if len(self._bytes) < end:
                break
            found.append(bytes(self._bytes[start + LENGTH_BYTES : end]))
            start = end
        del self._bytes[:start]
        return found


class Channel:
    """One end of a channel. For the event loop."""

    def __init__(self, number: int, peer: str) -> None:
        self.number = number
        self.peer = peer
        self._reader = MessageReader()
        self._messages: deque[bytes] = deque()
        self._unread_bytes = 0
        self._received = 0
        self._leaving = bytearray()
        self._end: Exception | None = None
        self._is_told = False
        """Whether the host knows that the channel is closed."""
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()

    @property
    def is_closed(self) -> bool:
        return self._end is not None

    async def receive(self) -> bytes:
        """The next message. Raises `ChannelClosed`, or `InvalidMessage` for one that is none."""
        self._received += 1
        if self._received % _YIELD_MESSAGES == 0:
            await asyncio.sleep(0)
        while not self._messages:
            if self._end is not None:
                raise self._end
            self._arrived.clear()
            await self._arrived.wait()
        message = self._messages.popleft()
        self._unread_bytes -= len(message)
        return message

    def send(self, message: bytes) -> None:
        """Send a message. A peer too far behind is cut off instead."""
        if len(message) > FEED_MESSAGE_BYTES_MAX:
            raise MessageTooLarge(len(message), FEED_MESSAGE_BYTES_MAX)
        if self.is_closed:
            return
        if len(self._leaving) + len(message) > CHANNEL_QUEUE_BYTES_MAX:
            self.close("the peer reads too slowly")
            return
        self._leaving += len(message).to_bytes(LENGTH_BYTES) + message
        self._written.set()

    def close(self, reason: str = "closed") -> None:
        """Send and receive nothing more."""
        self._finish(ChannelClosed(reason))

    def lost(self, reason: str) -> None:
        """The host closed it, or is gone itself."""
        self._is_told = True
        self._finish(ChannelClosed(reason))

    def take(self, data: bytes) -> None:
        """Bytes that arrived."""
        if self.is_closed:
            return
        try:
            found = self._reader.read(data)
        except MessageTooLarge as error:
            self._finish(error)
            return
        self._messages += found
        self._unread_bytes += sum(map(len, found))
        if self._unread_bytes > CHANNEL_QUEUE_BYTES_MAX:
            self.close("this node reads too slowly")
        self._arrived.set()

    async def carry(self, link: HostLink) -> None:
        """Bring to the host what is sent, until the channel is closed."""
        try:
            while not self.is_closed:
                self._written.clear()
                while self._leaving and not self.is_closed:
                    chunk = bytes(self._leaving[:CHANNEL_CHUNK_BYTES_MAX])
                    del self._leaving[:CHANNEL_CHUNK_BYTES_MAX]
                    await link.pass_on(frames.Send(self.number, chunk))
                if not self.is_closed:
                    await self._written.wait()
            if not self._is_told:
                await link.pass_on(frames.CloseChannel(self.number))
        except HostUnavailable as error:
            self.lost(str(error))

    def _finish(self, end: Exception) -> None:
        if self._end is None:
            self._end = end
        self._arrived.set()
        self._written.set()


class Channels:
    """All channels of a node."""

    def __init__(self, link: HostLink, serve: Callable[[Channel], None]) -> None:
        """`serve` is called with each channel that a peer opens."""
        self._link = link
        self._serve = serve
        self._channels: dict[int, Channel] = {}
        self._carriers: dict[int, asyncio.Task[None]] = {}
        self._numbers = itertools.count(1)

    def __len__(self) -> int:
        """How many are open."""
        return len(self._channels)

    def open(self, peer: str) -> Channel:
        """Open a channel to a peer; one that can't be opened is closed soon."""
        channel = Channel(next(self._numbers), peer)

        async def begin() -> None:
            try:
                await self._link.pass_on(frames.OpenChannel(channel.number, peer))
            except HostUnavailable as error:
                channel.lost(str(error))
            await channel.carry(self._link)

        self._start(channel, begin())
        return channel

    def take(self, frame: frames.ChannelOpened | frames.Received | frames.ChannelClosed) -> None:
        """What the host says of channels."""
        if isinstance(frame, frames.ChannelOpened):
            opened = Channel(frame.channel, frame.peer)
            self._start(opened, opened.carry(self._link))
            self._serve(opened)
            return
        channel = self._channels.get(frame.channel)
        if channel is None:
            return
        if isinstance(frame, frames.Received):
            channel.take(frame.data)
        else:
            channel.lost(frame.reason)

    def lose_all(self, reason: str) -> None:
        """The host is gone, and every channel with it."""
        for channel in tuple(self._channels.values()):
            channel.lost(reason)
        for carrier in tuple(self._carriers.values()):
            # It may wait for room in a queue that nobody empties any more.
            carrier.cancel()

    async def stop(self) -> None:
        """Close all, and wait until nothing of them runs."""
        carriers = tuple(self._carriers.values())
        self.lose_all("this node stops")
        await asyncio.gather(*carriers, return_exceptions=True)

    def _start(self, channel: Channel, work: Coroutine[Any, Any, None]) -> None:
        self._channels[channel.number] = channel
        task = self._carriers[channel.number] = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._forget(channel))

    def _forget(self, channel: Channel) -> None:
        if self._channels.get(channel.number) is channel:
            del self._channels[channel.number]
            del self._carriers[channel.number]
