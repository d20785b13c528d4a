"""A client process that sends prepared requests over websockets and times their answers.

It reads a `SocketLoad` from standard input and writes a `SocketOutcome` to standard output, both as
JSON. With an interval, requests go when they are due, answered or not, and their time runs from
then: a node that falls behind can't make its clients ask less (no coordinated omission).
"""

import asyncio
import itertools
import sys
import time
from collections import Counter

import msgspec
from websockets.asyncio.client import ClientConnection, connect


class SocketLoad(msgspec.Struct, frozen=True):
    """What to send. Each list is one websocket, the requests of which go in order."""

    url: str
    requests: list[list[str]]
    begins: float
    """By the machine's monotonic clock, which all its processes share."""
    interval_seconds: float | None
    """Between two requests of one websocket; None: as soon as there is room."""
    calls_max: int
    """Requests of a websocket that wait for an answer."""
    seconds_max: float


class SocketOutcome(msgspec.Struct, frozen=True):
    """What came back. `began` and `ended` are of the machine's monotonic clock."""

    began: float
    ended: float
    latencies_ms: list[float]
    refusals: dict[str, int]
    """How many requests were answered with each error."""


class Refusal(msgspec.Struct):
    """A JSON-RPC error."""

    message: str


class Answer(msgspec.Struct):
    """All that is looked at of an answer: decoding the rest would cost the machine time."""

    id: int
    error: Refusal | None = None


_decode = msgspec.json.Decoder(Answer).decode


class Socket:
    """One websocket with its requests, whose ids are their places."""

    def __init__(self, connection: ClientConnection, load: SocketLoad, number: int) -> None:
        self._connection = connection
        self._requests = load.requests[number]
        self._interval = load.interval_seconds
        stagger = (self._interval or 0) * number / len(load.requests)
        self._begins = load.begins + stagger
        self._free = asyncio.Semaphore(load.calls_max)
        self._due = [0.0] * len(self._requests)
        self.latencies_ms: list[float] = []
        self.refusals: Counter[str] = Counter()

    async def run(self) -> None:
        """Send everything and hear the answer to everything."""
        await asyncio.gather(self._send(), self._receive())

    async def _send(self) -> None:
        await _until(self._begins)
        for place, request in enumerate(self._requests):
            if self._interval is not None:
                due = self._begins + place * self._interval
                await _until(due)
            await self._free.acquire()
            self._due[place] = time.monotonic() if self._interval is None else due
            await self._connection.send(request)

    async def _receive(self) -> None:
        for _ in self._requests:
            answer = _decode(await self._connection.recv())
            self._free.release()
            self.latencies_ms.append(1_000 * (time.monotonic() - self._due[answer.id]))
            if answer.error is not None:
                self.refusals[answer.error.message] += 1


async def _until(when: float) -> None:
    while (left := when - time.monotonic()) > 0:
        await asyncio.sleep(left)


async def run(load: SocketLoad) -> SocketOutcome:
    """Raises `TimeoutError`, and `OSError` or `WebSocketException` when the connection ends."""
    async with asyncio.timeout(load.seconds_max):
        url = load.url.replace("http", "ws", 1)
        connections = [await connect(url, compression=None) for _ in load.requests]
        sockets = [Socket(one, load, number) for number, one in enumerate(connections)]
        await asyncio.gather(*(socket.run() for socket in sockets))
        ended = time.monotonic()
        for connection in connections:
            await connection.close()
    return SocketOutcome(
        load.begins,
        ended,
        list(itertools.chain.from_iterable(socket.latencies_ms for socket in sockets)),
        sum((socket.refusals for socket in sockets), Counter()),
    )


def main() -> None:
    """Read a load, run it, write its outcome."""
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=SocketLoad)
    try:
        outcome = asyncio.run(run(load))
    except TimeoutError:
        sys.exit(f"{load.url} had not answered everything after {load.seconds_max} s")
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
