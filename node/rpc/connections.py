"""What one connection may cost before a request of it is whole: uvicorn's protocols, with limits.

uvicorn bounds neither idle connections nor what a client sends as headers, and counts a websocket
as dead whose pong waits behind messages that we don't read yet. A refused connection is told why
in HTTP; the client may not have asked anything yet.
"""

import asyncio
from typing import Any, Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from node import limits

_REASONS: Final = {408: b"Request Timeout", 431: b"Request Header Fields Too Large",
                   503: b"Service Unavailable"}  # fmt: skip


def refusal(status: int, message: str) -> bytes:
    """A whole HTTP answer that ends its connection."""
    body = msgspec.json.encode({"error": message})
    return b"".join(
        (
            b"HTTP/1.1 %d %s\r\n" % (status, _REASONS[status]),
            b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body),
            b"connection: close\r\n\r\n",
            body,
        )
    )


class _Taken(asyncio.Protocol):
    """A connection whose peer must take what it asked for, and leave others room for answers."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    connections: set[Any]
    _deadline: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """More waits for the peer than the system's buffers hold: it has so long to take it."""
        super().pause_writing()
        untaken = sum(one.transport.get_write_buffer_size() for one in self.connections)
        if untaken > limits.RPC_UNTAKEN_BYTES_MAX:
            self.loop.call_soon(self.transport.abort)
        elif self._deadline is None:
            self._deadline = self.loop.call_later(
                limits.RPC_UNTAKEN_SECONDS_MAX, self.transport.abort
            )

    def resume_writing(self) -> None:
        """The peer took it."""
        self._forget_deadline()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there to take anything."""
        self._forget_deadline()
        super().connection_lost(exc)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class HttpConnection(_Taken, HttpToolsProtocol):
    """An HTTP connection that must say something whole within a time and a size."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._patience: asyncio.TimerHandle | None = None
        self._surplus = 0
        """Bytes of the request beyond twice its body: headers, and how the body is framed."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        host = None if self.client is None else self.client[0]
        if len(self.connections) > limits.RPC_CONNECTIONS_MAX:
            self._refuse(503, f"at most {limits.RPC_CONNECTIONS_MAX} connections: try again later")
        elif _of_host(self.connections, host) > limits.RPC_CONNECTIONS_PER_ADDRESS_MAX:
            most = limits.RPC_CONNECTIONS_PER_ADDRESS_MAX
            self._refuse(503, f"at most {most} connections of one address: close some")
        else:
            self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is waited for."""
        self._forget_patience()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the request has more around its body than any honest one."""
        if self._patience is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_headers()
        self._surplus += len(data)
        super().data_received(data)
        if self._surplus > limits.RPC_HEADER_BYTES_MAX and not self.transport.is_closing():
            self._refuse(431, f"headers have at most {limits.RPC_HEADER_BYTES_MAX} bytes")

    def on_headers_complete(self) -> None:
        """The app has the request now, and is patient in its own way with the body."""
        self._forget_patience()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body: as many bytes again may frame it."""
        self._surplus -= 2 * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole. After the rest of one that was refused, the connection is idle."""
        self._surplus = 0
        if self._patience is not None:
            self._forget_patience()
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """The connection is a websocket's from now on."""
        self._forget_patience()
        super().handle_websocket_upgrade()

    def _expect_headers(self) -> None:
        self._patience = self.loop.call_later(
            limits.RPC_HEADERS_SECONDS_MAX,
            self._refuse,
            408,
            f"headers must be there within {limits.RPC_HEADERS_SECONDS_MAX:g} s",
        )

    def _forget_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, status: int, message: str) -> None:
        """Answer, unless an answer is on its way, and hang up."""
        self._forget_patience()
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(refusal(status, message))
        self.transport.close()


class WebSocketConnection(_Taken, WebSocketsSansIOProtocol):
    """A websocket that is dead only when it is silent while we listen."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_heard = False
        """Whether anything of the peer was read since the last ping."""

    def data_received(self, data: bytes) -> None:
        """Whatever the peer says, it lives."""
        self._is_heard = True
        super().data_received(data)

    async def receive(self) -> Any:
        """The next message; what waited behind it is read only now."""
        message = await super().receive()
        self._is_heard = True
        return message

    def send_keepalive_ping(self) -> None:
        """Ask for a sign of life."""
        self._is_heard = False
        super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        """Ask again where the pong may wait behind calls that we haven't taken yet.

        A peer that is gone is then noticed by TCP, which has the ping to deliver.
        """
        if self._is_heard or self.read_paused:
            self.pong_timer = None
            self.send_keepalive_ping()
        else:
            super().keepalive_timeout()


def _of_host(connections: set[Any], host: str | None) -> int:
    """How many connections a client's address has."""
    return sum(one.client is not None and one.client[0] == host for one in connections)
