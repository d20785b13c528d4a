"""Child processes of a devnet: started, watched, started again, and stopped in order.

A child reads its standard input: when the supervisor dies, even by kill -9, it closes and the child
stops by itself, so that no orphan keeps a port or a database lock.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from node.limits import (
    CHILD_LOG_TAIL_LINES,
    CHILD_RESTARTS_PER_MINUTE_MAX,
    CHILD_START_SECONDS_MAX,
    CHILD_STOP_SECONDS_MAX,
)
from node.probe import RpcProbe
from state.errors import Unavailable


class ChildFailed(Unavailable):
    """A node of the devnet stopped by itself, more often than a restart can mend."""


@dataclass(slots=True)
class Child:
    """One node of the devnet, running `tallystick node` in a process of its own."""

    name: str
    arguments: tuple[str, ...]
    rpc_url: str
    log: Path
    control: Callable[[str, socket.socket], Awaitable[None]] | None = None
    """Takes our end of each process's channel (`node/powers/channel.py`), by the node's name."""
    process: asyncio.subprocess.Process | None = None
    deaths: deque[float] = field(default_factory=deque)

    async def start(self) -> None:
        """Start the process; its output goes to the log file."""
        if self.control is None:
            await self._start(asyncio.subprocess.PIPE, "--stop-with-parent")
            return
        ours, its = socket.socketpair()
        with its:
            await self._start(its.fileno(), "--powers")
        await self.control(self.name, ours)

    async def _start(self, standard_input: int, how_to_stop: str) -> None:
        with self.log.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "node.cli.main",
                "node",
                *self.arguments,
                how_to_stop,
                stdin=standard_input,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    async def wait_ready(self, probe: RpcProbe) -> None:
        """Wait until the node answers. Raises `ChildFailed` with the end of its log."""
        deadline = time.monotonic() + CHILD_START_SECONDS_MAX
        while not await probe.is_ready(self.rpc_url):
            if self.process is None or self.process.returncode is not None:
                raise ChildFailed(f"the {self.name} stopped while starting:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ChildFailed(
                    f"the {self.name} did not answer at {self.rpc_url} within"
                    f" {CHILD_START_SECONDS_MAX} s; its log is {self.log}:\n{self.log_tail()}"
                )
            await asyncio.sleep(0.05)

    async def keep_running(self, stopping: asyncio.Event) -> None:
        """Start the process again whenever it dies, until `stopping`. Raises `ChildFailed`."""
        while True:
            if self.process is None:
                raise ChildFailed(f"the {self.name} was never started")
            code = await self.process.wait()
            if stopping.is_set():
                return
            now = time.monotonic()
            self.deaths.append(now)
            while self.deaths and self.deaths[0] < now - 60:
                self.deaths.popleft()
            if len(self.deaths) > CHILD_RESTARTS_PER_MINUTE_MAX:
                raise ChildFailed(
                    f"the {self.name} stopped {len(self.deaths)} times within a minute, last with"
                    f" code {code}; its log is {self.log}:\n{self.log_tail()}"
                )
            await self.start()

    async def stop(self) -> None:
        """Ask the process to stop; kill it when it takes too long."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(CHILD_STOP_SECONDS_MAX):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def log_tail(self) -> str:
        """The last lines of the log, for an error message."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(f"    {line}" for line in lines[-CHILD_LOG_TAIL_LINES:])
