"""The peer of the order benchmark: a websocket that answers when the message is on disk, no more.

It appends each message to a file and syncs those that came together in one go, as an order log has
to. What an exchange does besides is the difference.
"""

import asyncio
import os
import sys
from pathlib import Path

import uvloop
from websockets.asyncio.server import ServerConnection, serve

ANSWER = '{"jsonrpc":"2.0","id":%s,"result":null}'


class SyncedFile:
    """A file whose writers wait for one another's syncs."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._filled = asyncio.Event()

    async def append(self, message: bytes) -> None:
        """Returns when the message is on disk."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, written))
        self._filled.set()
        await written

    async def run(self) -> None:
        """Write what waits, until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            group, self._waiting = self._waiting, []
            data = b"\n".join(message for message, _ in group)
            await asyncio.get_running_loop().run_in_executor(None, self._write, data)
            for _, written in group:
                written.set_result(None)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        os.fdatasync(self._file.fileno())


async def serve_file(port: int, file: SyncedFile) -> None:
    """Answer each request by its id, many of a connection at once."""

    async def answer(connection: ServerConnection, message: str) -> None:
        await file.append(message.encode())
        identity = message[message.rindex(":") + 1 : -1]
        await connection.send(ANSWER % identity)

    async def handle(connection: ServerConnection) -> None:
        async with asyncio.TaskGroup() as answers:
            async for message in connection:
                answers.create_task(answer(connection, str(message)))

    async with serve(handle, "127.0.0.1", port, compression=None):
        await file.run()


if __name__ == "__main__":
    uvloop.run(serve_file(int(sys.argv[1]), SyncedFile(Path(sys.argv[2]))))
