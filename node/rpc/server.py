"""The listening socket and the uvicorn server behind it."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable, Iterator

import uvicorn

from node import limits
from node.rpc.access import AccessPolicy, is_loopback
from node.rpc.app import RpcApp
from node.rpc.connections import HttpConnection, WebSocketConnection
from state.errors import Invalid


class CannotListen(Invalid):
    """The address can't be listened on, for a reason that only the user can remove."""


class PortInUse(CannotListen):
    """Another process listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} on {host} is in use by another process: stop that process or choose"
            " another port with --rpc-port"
        )
        self.host = host
        self.port = port


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 lets the system choose. Raises `CannotListen`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, 0, socket.SOCK_STREAM, socket.IPPROTO_TCP, socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise CannotListen(
            f"{host} is no address of this machine ({error.strerror}): choose another with"
            " --rpc-host"
        ) from None
    # With its protocol named, asyncio turns off Nagle's algorithm, which costs 40 ms an answer.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            patience = limits.RPC_UNSENT_MILLISECONDS_MAX
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        listener.bind(address)
        listener.listen(limits.RPC_CONNECTIONS_MAX)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from None
    listener.setblocking(False)
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> CannotListen:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(host, port)
    if error.errno == errno.EACCES:
        return CannotListen(
            f"port {port} is reserved for the system: choose one above 1023 with --rpc-port"
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return CannotListen(
        f"can't listen on {host}, port {port} ({reason}): choose another address with --rpc-host"
    )


class _Uvicorn(uvicorn.Server):
    """Uvicorn as one service among others: signals are the node's, and readiness can be awaited."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _config(app: RpcApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=HttpConnection,
        ws=WebSocketConnection,
        ws_max_size=limits.RPC_BODY_BYTES_MAX,
        ws_ping_interval=limits.RPC_PING_SECONDS,
        ws_ping_timeout=limits.RPC_PING_SECONDS,
        ws_per_message_deflate=False,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=limits.RPC_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=limits.RPC_SHUTDOWN_SECONDS_MAX,
    )


class RpcServer:
    """Serves an `RpcApp` on one address. `port` is the real one once started, also for port 0."""

    def __init__(
        self,
        app: RpcApp,
        host: str,
        port: int,
        *,
        opener: Callable[[str, int], socket.socket] = listen,
    ) -> None:
        self.host = host
        self.port = port
        self._app = app
        if app.access is None:
            app.access = AccessPolicy(checks_host=is_loopback(host))
        self._opener = opener
        self._server: _Uvicorn | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The HTTP URL of the server; its websocket has the same with ws://."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen and serve; returns when calls are answered. Raises `CannotListen`."""
        listener = self._opener(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._server = _Uvicorn(_config(self._app))
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait((ready, self._serving), return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            ready.cancel()
            listener.close()
            await self._serving

    async def wait_stopped(self) -> None:
        """Wait until the server ends, which it does only by `stop` or by failing."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    async def stop(self) -> None:
        """Finish the calls in the works within a limit, then close every connection."""
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        self._server = self._serving = None
