"""What the host has to tell the node: a bounded queue that drops gossip rather than grow."""

from collections import Counter, deque
from collections.abc import Awaitable, Callable

import trio

from node.p2p.frames import Frame, Gossiped, encode_frame
from node.p2p.limits import FROM_HOST_BYTES_MAX, FROM_HOST_FRAMES_MAX


class Outbox:
    """Frames for the node, in order. Gossip may be dropped; everything else waits for room."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._changed = trio.Condition()
        self.dropped: Counter[str] = Counter()

    async def put(self, frame: Frame) -> bool:
        """Queue a frame; False for gossip that found no room."""
        encoded = encode_frame(frame)
        async with self._changed:
            while not self._has_room(len(encoded)):
                if isinstance(frame, Gossiped):
                    self.dropped[f"to node: {frame.topic}"] += 1
                    return False
                await self._changed.wait()
            self._frames.append(encoded)
            self._bytes += len(encoded)
            self._changed.notify_all()
        return True

    async def drain(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send frame after frame. Raises what `send` does when the node is gone."""
        while True:
            async with self._changed:
                while not self._frames:
                    await self._changed.wait()
                encoded = self._frames.popleft()
                self._bytes -= len(encoded)
                self._changed.notify_all()
            await send(encoded)

    def _has_room(self, size: int) -> bool:
        has_frames = len(self._frames) < FROM_HOST_FRAMES_MAX
        return has_frames and (self._bytes + size <= FROM_HOST_BYTES_MAX or not self._frames)
