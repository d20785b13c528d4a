"""The ASGI application: JSON-RPC by HTTP POST and websocket, and what `GET` is answered."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from node import limits
from node.dashboard.site import Site
from node.health import Health
from node.rpc.access import AccessPolicy
from node.rpc.dispatch import Dispatcher
from node.rpc.websocket import serve_websocket

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_JSON: Final = b"application/json"
_METRICS: Final = b"text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""


class _Refused(Exception):
    """A request that gets an HTTP error instead of a JSON-RPC response."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Gone(Exception):
    """The client hung up before its request was whole."""


class RpcApp:
    """The JSON-RPC application.

    `describe` gives the short JSON about the node that `GET /` answers; `health` decides between
    200 and 503 for `GET /healthz`, `readiness` for `GET /readyz`, by default likewise; `metrics` is
    the text of `GET /metrics`; browsers get the page of `site`, if there is one. Without an
    `access` policy the server sets that of its address.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        describe: Callable[[], Mapping[str, object]],
        health: Callable[[], Health],
        readiness: Callable[[], Health] | None = None,
        access: AccessPolicy | None = None,
        metrics: Callable[[], bytes] | None = None,
        site: Site | None = None,
    ) -> None:
        self.dispatcher = dispatcher
        self.access = access
        self.metrics = metrics
        self._site = site
        self._describe = describe
        self._health = {"/healthz": health, "/readyz": readiness or health}

    def become(self, other: "RpcApp") -> None:
        """Answer as `other` does from now on; whom the server answers stays."""
        access = self.access
        self.dispatcher.retired.set()
        vars(self).update(vars(other))
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request or serve one websocket (ASGI 3.0)."""
        if scope["type"] not in ("http", "websocket"):
            return
        headers = dict(scope["headers"])
        try:
            self._check_access(headers)
        except _Refused as refused:
            await _refuse(scope["type"], refused, send)
            return
        if scope["type"] == "websocket":
            await serve_websocket(self.dispatcher, receive, send)
        else:
            await self._serve_http(scope["method"], scope["path"], headers, receive, send)

    def _check_access(self, headers: Mapping[bytes, bytes]) -> None:
        access = self.access or AccessPolicy()
        host = _text(headers.get(b"host"))
        if not access.allows_host(host):
            raise _Refused(
                403,
                f"this node does not go by the name {host!r:.80}: call it by address",
            )
        origin = _text(headers.get(b"origin"))
        if not access.allows_origin(origin, host):
            raise _Refused(403, f"pages of {origin!r:.80} may not call this node, only local ones")

    async def _serve_http(
        self, verb: str, path: str, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        cors = _cors_headers(_text(headers.get(b"origin")))
        kind = _JSON
        try:
            if verb == "POST":
                body = await _read_body(headers, receive)
                answer = await self.dispatcher.answer(body)
                status = 204 if answer is None else 200
            elif verb in ("GET", "HEAD"):
                if self._site is not None and (page := self._site.answer(path, headers)):
                    status, answer, kind = page.status, page.body, page.kind
                    cors = [*cors, *page.headers]
                else:
                    status, answer, kind = self._page(path)
            elif verb == "OPTIONS":
                status, answer = 204, None
            else:
                raise _Refused(405, "JSON-RPC calls are POST requests")
        except _Refused as refused:
            status, answer = refused.status, _message(refused)
        except _Gone:
            return
        await _respond(send, status, answer, cors, kind=kind, sends_body=verb != "HEAD")

    def _page(self, path: str) -> tuple[int, bytes, bytes]:
        """Status, body, and type of the body."""
        if path == "/":
            return 200, msgspec.json.encode(self._describe()), _JSON
        if path in self._health:
            health = self._health[path]()
            return 200 if health.is_well else 503, msgspec.json.encode(health.json()), _JSON
        if path == "/metrics" and self.metrics is not None:
            return 200, self.metrics(), _METRICS
        raise _Refused(404, "nothing here: POST / takes JSON-RPC, GET /readyz tells the health")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _message(refused: _Refused) -> bytes:
    return msgspec.json.encode({"error": str(refused)})


def _cors_headers(origin: str | None) -> Headers:
    """What lets a page of an allowed origin read the answer (Fetch standard, "CORS protocol")."""
    if origin is None:
        return []
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-allow-headers", b"content-type"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
    ]


async def _read_body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    announced = headers.get(b"content-length", b"0")
    if not announced.isdigit() or int(announced) > limits.RPC_BODY_BYTES_MAX:
        raise _Refused(413, f"a body has at most {limits.RPC_BODY_BYTES_MAX} bytes")
    try:
        async with asyncio.timeout(limits.RPC_BODY_SECONDS_MAX):
            return await _receive_body(receive)
    except TimeoutError:
        raise _Refused(408, "the body took too long to arrive") from None


async def _receive_body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise _Gone
        chunk = event.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > limits.RPC_BODY_BYTES_MAX:
            raise _Refused(413, f"a body has at most {limits.RPC_BODY_BYTES_MAX} bytes")
        if not event.get("more_body", False):
            return b"".join(chunks)


async def _respond(
    send: Send,
    status: int,
    body: bytes | None,
    headers: Headers,
    *,
    kind: bytes = _JSON,
    sends_body: bool = True,
) -> None:
    if body is not None:
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            *headers,
        ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body or b"" if sends_body else b""})


async def _refuse(kind: str, refused: _Refused, send: Send) -> None:
    """Refuse a request before its body is read, or a websocket before it is one."""
    if kind == "http":
        await _respond(send, refused.status, _message(refused), [])
        return
    headers = [(b"content-type", _JSON)]
    prefix = "websocket.http.response."
    await send({"type": prefix + "start", "status": refused.status, "headers": headers})
    await send({"type": prefix + "body", "body": _message(refused)})
