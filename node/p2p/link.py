"""The node's end of the host's process: starts it, watches it, starts it again.

Everything here lives on the node's event loop. Frames go through bounded queues: gossip that finds
no room is dropped and counted, a request that finds none fails at once.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from node.logs import current_format
from node.p2p import frames
from node.p2p.errors import HostUnavailable, MessageTooLarge, PeerUnavailable
from node.p2p.limits import (
    HOST_RESTART_SECONDS_MAX,
    HOST_RESTART_SECONDS_MIN,
    HOST_START_SECONDS_MAX,
    HOST_STEADY_SECONDS,
    HOST_STOP_SECONDS_MAX,
    REQUEST_SECONDS_MAX,
    TO_HOST_FRAMES_MAX,
)
from node.p2p.topics import Exchange, Topic

log = logging.getLogger("tallystick.p2p")

_ROOT: Final = Path(__file__).resolve().parents[2]
_GRACE_SECONDS: Final = 2.0
"""The host gives up on a request by itself; the node waits that much longer for it to say so."""

Listener = Callable[[frames.FromHost], Awaitable[None]]


@dataclass(slots=True)
class HostLink:
    """Speaks to the host, whichever process that is at the moment.

    `configure` makes the first frame of each host; `listener` gets every frame but the replies, in
    order, and must not take long.
    """

    configure: Callable[[], frames.Configure]
    listener: Listener
    on_stop: Callable[[], None] = lambda: None
    """Called when a host is gone, and what it carried with it."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Frames that found the queue to the host full, by kind."""
    restarts: int = 0
    process: asyncio.subprocess.Process | None = None
    _queue: asyncio.Queue[bytes] | None = None
    _replies: dict[int, asyncio.Future[bytes]] = field(default_factory=dict)
    _requests: "itertools.count[int]" = field(default_factory=itertools.count)

    async def run(self) -> None:
        """Keep a host running until cancelled."""
        loop = asyncio.get_running_loop()
        wait = HOST_RESTART_SECONDS_MIN
        while True:
            began = loop.time()
            reason = await self._run_once()
            if loop.time() - began > HOST_STEADY_SECONDS:
                wait = HOST_RESTART_SECONDS_MIN
            log.warning("the p2p host stopped (%s); starting it again in %.1f s", reason, wait)
            self.restarts += 1
            await asyncio.sleep(wait)
            wait = min(HOST_RESTART_SECONDS_MAX, 2 * wait)

    def publish(self, topic: Topic, data: bytes) -> bool:
        """Gossip a message; False if it had to be dropped."""
        return self._send(frames.Publish(topic, data))

    def tell(self, frame: frames.Penalize | frames.Meet | frames.HeadMoved | frames.Answer) -> bool:
        """Tell the host something; False if it had to be dropped."""
        return self._send(frame)

    async def pass_on(self, frame: frames.OpenChannel | frames.Send | frames.CloseChannel) -> None:
        """Tell the host something as soon as it has room. Raises `HostUnavailable`."""
        if self._queue is None:
            raise HostUnavailable("the p2p host is down: try again")
        await self._queue.put(frames.encode_frame(frame))

    async def ask(self, peer: str, exchange: Exchange, data: bytes) -> bytes:
        """Ask a peer. Raises `PeerUnavailable`, or `HostUnavailable` while there is no host."""
        request = next(self._requests)
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._replies[request] = reply
        try:
            if not self._send(frames.Ask(request, peer, exchange, data)):
                raise HostUnavailable("the p2p host is busy or down: try again")
            async with asyncio.timeout(REQUEST_SECONDS_MAX + _GRACE_SECONDS):
                return await reply
        except TimeoutError:
            raise PeerUnavailable(f"{peer} did not answer") from None
        finally:
            self._replies.pop(request, None)

    def _send(self, frame: frames.ToHost) -> bool:
        kind = type(frame).__name__.lower()
        if self._queue is None:
            self.dropped[kind] += 1
            return False
        try:
            self._queue.put_nowait(frames.encode_frame(frame))
        except (asyncio.QueueFull, MessageTooLarge):
            self.dropped[kind] += 1
            return False
        return True

    # One host

    async def _run_once(self) -> str:
        """Start a host and serve it until it is gone; why it is."""
        try:
            process = await self._start()
        except OSError as error:
            return f"it can't be started: {error}"
        self.process = process
        self._queue = asyncio.Queue(TO_HOST_FRAMES_MAX)
        self._send(self.configure())
        try:
            reason = await self._serve(process, self._queue)
        finally:
            self._queue = None
            self._fail_replies()
            self.on_stop()
            await _stop(process)
        return f"{reason}, exit code {process.returncode}"

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "node.p2p.host",
            current_format().value,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": _python_path(), "PYTHONUNBUFFERED": "1"},
        )

    async def _serve(self, process: asyncio.subprocess.Process, queue: asyncio.Queue[bytes]) -> str:
        """Run both directions; the first one that ends says why."""
        if process.stdin is None or process.stdout is None:
            raise HostUnavailable("the p2p host has no pipes")
        ends = [
            asyncio.create_task(_write(process.stdin, queue)),
            asyncio.create_task(self._read(process.stdout)),
        ]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _read(self, reader: asyncio.StreamReader) -> str:
        """Take frame after frame; why that ended."""
        started = False
        while True:
            try:
                async with asyncio.timeout(None if started else HOST_START_SECONDS_MAX):
                    prefix = await reader.readexactly(frames.LENGTH_BYTES)
                    body = await reader.readexactly(frames.frame_length(prefix))
                frame = frames.decode_from_host(body)
            except TimeoutError:
                return f"it wasn't ready within {HOST_START_SECONDS_MAX:.0f} s"
            except (EOFError, OSError):
                return "it closed its output"
            except (msgspec.MsgspecError, MessageTooLarge) as error:
                return f"it wrote what is no frame: {error}"
            started = True
            if isinstance(frame, frames.Replied):
                self._settle(frame)
            else:
                await self.listener(frame)

    def _settle(self, frame: frames.Replied) -> None:
        reply = self._replies.pop(frame.id, None)
        if reply is None or reply.done():
            return
        if frame.data is None:
            reply.set_exception(PeerUnavailable(f"the peer did not answer: {frame.failure}"))
        else:
            reply.set_result(frame.data)

    def _fail_replies(self) -> None:
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(HostUnavailable("the p2p host stopped: try again"))
        self._replies.clear()


async def _write(writer: asyncio.StreamWriter, queue: asyncio.Queue[bytes]) -> str:
    """Send frame after frame, no faster than the host reads; why that ended."""
    try:
        while True:
            writer.write(await queue.get())
            await writer.drain()
    except OSError:
        return "it closed its input"


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Close the host's input, which ends it; kill it when that takes too long."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        # Not wait_for, which in Python 3.11 loses a cancellation that comes with the exit.
        async with asyncio.timeout(HOST_STOP_SECONDS_MAX):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    finally:
        # asyncio leaves the pipes open where nobody has read them to their end.
        process._transport.close()  # type: ignore[attr-defined]


def _python_path() -> str:
    """Where the host finds this project, whatever folder the node was started in."""
    return os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
