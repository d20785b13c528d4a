"""Requests and answers between the devnet and one of its nodes, in both directions.

The channel is the node's standard input, one end of a pair of connected sockets: no other process
can reach it, it needs no name and no password, and it closes when either side dies. A message is a
line of JSON.
"""

import asyncio
import itertools
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from node.powers.errors import ChannelClosed, PowerRefused, PowerUnavailable, UnknownPower
from node.powers.limits import ANSWER_SECONDS_MAX, MESSAGE_BYTES_MAX
from state.errors import Invalid, TallystickError, Unavailable

log = logging.getLogger("tallystick.powers")

Handler = Callable[..., Awaitable[Any]]
"""Takes a request's arguments by name and gives plain JSON. Raises `TallystickError`."""

_REFUSED: Final = "refused"
_UNAVAILABLE: Final = "unavailable"


class Channel:
    """One end. `handlers` answer the other end's requests, each in a task of its own."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handlers: Mapping[str, Handler],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handlers = handlers
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = asyncio.Event()
        """Set once the other end is gone."""
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def over(cls, end: socket.socket, handlers: Mapping[str, Handler]) -> "Channel":
        """A channel over one of a pair of connected sockets."""
        end.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=end, limit=MESSAGE_BYTES_MAX)
        return cls(reader, writer, handlers)

    async def request(self, name: str, /, **arguments: Any) -> Any:
        """Ask the other end. Raises what its handler raised, and `ChannelClosed`."""
        if self.closed.is_set():
            raise ChannelClosed("the other end of the channel is gone")
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._send({"id": number, "do": name, "with": arguments})
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                return await answer
        except TimeoutError:
            raise PowerUnavailable(f"no answer to {name!r} in {ANSWER_SECONDS_MAX} s") from None
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """End it; whoever waits for an answer gets `ChannelClosed`."""
        running = (self._reading, *self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._writer.close()

    def _send(self, message: dict[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(message) + b"\n")

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                self._take(msgspec.json.decode(line))
        except (OSError, ValueError) as error:
            # A line that is none, or none that fits: what follows can't be told apart from it.
            log.warning("the channel is closed: %s", error)
        finally:
            self._end()

    def _take(self, message: dict[str, Any]) -> None:
        if "do" in message:
            task = asyncio.create_task(self._answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        answer = self._waiting.get(message["id"])
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(_raised(message["error"], message["message"]))
        else:
            answer.set_result(message["ok"])

    async def _answer(self, message: dict[str, Any]) -> None:
        number, name = message["id"], message["do"]
        handler = self._handlers.get(name)
        try:
            if handler is None:
                raise UnknownPower(f"there is no request {name!r} here")
            self._send({"id": number, "ok": await handler(**message["with"])})
        except TallystickError as error:
            kind = _REFUSED if isinstance(error, Invalid) else _UNAVAILABLE
            self._send({"id": number, "error": kind, "message": str(error)})
        except Exception as error:
            # The supervisor of all handlers: the asker hears of it, and the log says more.
            log.exception("%s failed", name)
            self._send({"id": number, "error": _UNAVAILABLE, "message": f"{name}: {error!r}"})

    def _end(self) -> None:
        self.closed.set()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ChannelClosed("the node stopped meanwhile; try again"))
        self._writer.close()


def _raised(kind: str, message: str) -> Invalid | Unavailable:
    return PowerRefused(message) if kind == _REFUSED else PowerUnavailable(message)
