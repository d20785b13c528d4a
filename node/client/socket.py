"""A websocket to a node that is opened again when it is lost, with what was subscribed to.

Answers are matched by id. Notifications go to their streams while messages are read, so that one
that follows the answer to its subscription at once isn't lost.
"""

import asyncio
import contextlib
import itertools
import logging
from dataclasses import dataclass
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from node.client import limits
from node.client.errors import NotConnected, OutcomeUnknown, RequestRefused, refusal_of
from node.client.streams import Stream
from state.errors import TallystickError

log = logging.getLogger("tallystick.client")


@dataclass(frozen=True, slots=True)
class _Waiting:
    method: str
    answer: "asyncio.Future[Any]"
    stream: Stream[Any] | None = None
    """What the answer subscribes."""


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""
    data: Any = None


class _Notification(msgspec.Struct):
    subscription: str
    result: Any


class _Message(msgspec.Struct):
    """An answer, or a notification."""

    id: int | None = None
    result: Any = None
    error: _Error | None = None
    params: _Notification | None = None


_decode = msgspec.json.Decoder(_Message).decode


class Socket:
    """A connection by websocket. `async with` it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ids = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._streams: list[Stream[Any]] = []
        self._subscribed: dict[str, Stream[Any]] = {}
        """By what the node of the present connection calls them."""
        self._connection: ClientConnection | None = None
        self._changed = asyncio.Event()
        """Set while there is a connection, or never will be."""
        self._keeping: asyncio.Task[None] | None = None
        self._ended: TallystickError | None = None

    async def __aenter__(self) -> "Socket":
        """Connect, without a second try. Raises `NotConnected`."""
        try:
            first = await self._connect()
        except (WebSocketException, OSError, TimeoutError) as error:
            raise NotConnected(f"no node answers at {self._url}: {error}") from None
        self._connection = first
        self._keeping = asyncio.create_task(self._keep_connected(first))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection for good."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        self._end(NotConnected(f"the connection to {self._url} was closed"))

    async def request(self, method: str, *params: object) -> Any:
        """The result of a call.

        Raises `OrderRefused`, `RequestRefused`; `NotConnected` when nothing was sent, and
        `OutcomeUnknown` when the answer was lost.
        """
        return await self._ask(method, params, None)

    async def subscribe(self, stream: Stream[Any]) -> None:
        """Subscribe a stream, now and after each time that the connection was lost."""
        self._streams.append(stream)
        try:
            await self._subscribe(stream)
        except TallystickError:
            self._streams.remove(stream)
            raise

    async def renew(self, stream: Stream[Any]) -> None:
        """Subscribe a stream anew, which then begins again."""
        # A connection that is lost meanwhile is opened again, and the stream with it.
        with contextlib.suppress(NotConnected, OutcomeUnknown):
            await self._unsubscribe(stream)
            await self._subscribe(stream)

    async def end(self, stream: Stream[Any]) -> None:
        """Unsubscribe a stream."""
        if stream in self._streams:
            self._streams.remove(stream)
            with contextlib.suppress(NotConnected, OutcomeUnknown):
                await self._unsubscribe(stream)

    # Asking

    async def _ask(
        self, method: str, params: tuple[object, ...], stream: Stream[Any] | None
    ) -> Any:
        connection = await self._until_connected()
        id_ = next(self._ids)
        body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # When sending fails already, nobody waits for the answer, and asyncio would complain.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting[id_] = _Waiting(method, answer, stream)
        try:
            async with asyncio.timeout(limits.ANSWER_SECONDS_MAX):
                await connection.send(msgspec.json.encode(body).decode())
                return await answer
        except (ConnectionClosed, TimeoutError):
            raise OutcomeUnknown(method) from None
        finally:
            del self._waiting[id_]

    async def _subscribe(self, stream: Stream[Any]) -> None:
        await self._ask("trade_subscribe", (stream.kind, stream.options), stream)

    async def _unsubscribe(self, stream: Stream[Any]) -> None:
        if stream.id is not None and self._subscribed.pop(stream.id, None) is not None:
            await self._ask("trade_unsubscribe", (stream.id,), None)

    async def _until_connected(self) -> ClientConnection:
        try:
            async with asyncio.timeout(limits.CONNECT_SECONDS_MAX):
                while self._connection is None:
                    if self._ended is not None:
                        raise self._ended
                    await self._changed.wait()
                return self._connection
        except TimeoutError:
            raise NotConnected(f"no node answers at {self._url}") from None

    # Staying connected

    def _connect(self) -> connect:
        """Without compression, which costs more time than a node nearby costs bytes."""
        return connect(
            self._url,
            max_size=limits.MESSAGE_BYTES_MAX,
            open_timeout=limits.CONNECT_SECONDS_MAX,
            compression=None,
            proxy=None,
            reconnect_delays=limits.reconnect_delays,
        )

    async def _keep_connected(self, first: ClientConnection) -> None:
        """Connect again and again; only a node that refuses websockets ends this."""
        try:
            await self._attend(first)
            async for connection in self._connect():
                await self._attend(connection)
        except (WebSocketException, OSError) as error:
            self._end(NotConnected(f"{self._url} is no websocket of a node: {error}"))

    def _end(self, why: TallystickError) -> None:
        """No connection any more; those who wait hear of it."""
        self._ended = self._ended or why
        self._changed.set()
        for stream in self._streams:
            stream.fail(why)
        self._streams.clear()

    async def _attend(self, connection: ClientConnection) -> None:
        """Read one connection to its end."""
        self._connection = connection
        self._changed.set()
        renewing = asyncio.create_task(self._renew_all())
        try:
            async for message in connection:
                self._take(message)
        except (ConnectionClosed, msgspec.DecodeError) as error:
            log.info("lost the connection to %s: %s", self._url, error)
        finally:
            self._connection = None
            self._changed.clear()
            renewing.cancel()
            self._lose()
            await connection.close()

    def _lose(self) -> None:
        """Nobody will answer what was asked over the connection that was lost."""
        self._subscribed.clear()
        for waiting in self._waiting.values():
            if not waiting.answer.done():
                waiting.answer.set_exception(OutcomeUnknown(waiting.method))

    async def _renew_all(self) -> None:
        """Subscribe what was subscribed before; a loss meanwhile begins this again."""
        for stream in tuple(self._streams):
            try:
                await self._subscribe(stream)
            except RequestRefused as error:
                stream.fail(error)
            except TallystickError:
                return

    def _take(self, message: str | bytes) -> None:
        told = _decode(message)
        if told.params is not None:
            stream = self._subscribed.get(told.params.subscription)
            # Two that renew a stream at once leave it with two; the newer one counts.
            if stream is not None and stream.id == told.params.subscription:
                stream.offer(told.params.result)
            return
        waiting = self._waiting.get(told.id or 0)
        if waiting is not None and not waiting.answer.done():
            self._answer(waiting, told)

    def _answer(self, waiting: _Waiting, told: _Message) -> None:
        if (error := told.error) is not None:
            failure = refusal_of(waiting.method, error.code, error.message, error.data)
            waiting.answer.set_exception(failure)
            return
        if waiting.stream is not None:
            self._subscribed[str(told.result)] = waiting.stream
            waiting.stream.begin(str(told.result))
        waiting.answer.set_result(told.result)
