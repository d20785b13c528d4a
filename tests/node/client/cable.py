"""A TCP connection that a test can cut, between a client and a node."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_CHUNK = 65_536


class Cable:
    """Passes bytes on to a node. `cut` breaks all connections; new ones are made as before."""

    def __init__(self, node_url: str) -> None:
        parts = urlsplit(node_url)
        self._host, self._port = parts.hostname, parts.port
        self._ends: list[asyncio.StreamWriter] = []
        self.is_deaf = False
        """Whether what the node says is lost."""
        self.passed = asyncio.Event()
        """Set when a client has said something."""
        self.url = ""

    def cut(self) -> None:
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        node_reader, node_writer = await asyncio.open_connection(self._host, self._port)
        self._ends += [writer, node_writer]
        with contextlib.suppress(OSError):
            await asyncio.gather(
                self._pass(reader, node_writer, is_node=False),
                self._pass(node_reader, writer, is_node=True),
            )

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_node: bool
    ) -> None:
        while chunk := await source.read(_CHUNK):
            if is_node and self.is_deaf:
                continue
            sink.write(chunk)
            await sink.drain()
            if not is_node:
                self.passed.set()
        sink.close()


@asynccontextmanager
async def cable_to(node_url: str) -> AsyncIterator[Cable]:
    """A cable on a free port."""
    cable = Cable(node_url)
    server = await asyncio.start_server(cable.connect, "127.0.0.1", 0)
    cable.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield cable
    finally:
        server.close()
        cable.cut()
