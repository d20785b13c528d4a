"""The server over real sockets: HTTP, websocket, limits, and ports that are taken."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from node import limits
from node.health import Health, Reason
from node.rpc.app import RpcApp
from node.rpc.codec import parse_string
from node.rpc.dispatch import Dispatcher, Param, Session, method, registry
from node.rpc.server import CannotListen, PortInUse, RpcServer, listen
from node.rpc.subscriptions import Notify, Subscription
from tests.limits import WAIT_SECONDS_MAX

pytestmark = pytest.mark.anyio


class Echo:
    """Answers with what it was sent, and takes subscriptions to a bell."""

    def __init__(self, bell: "Bell") -> None:
        self._bell = bell

    @method("echo", Param(parse_string))
    async def echo(self, value: str) -> str:
        return value

    @method("subscribe", Param(parse_string), on_session=True)
    async def subscribe(self, session: Session, kind: str) -> str:
        return session.subscribe(self._bell, kind, None)

    @method("unsubscribe", Param(parse_string), on_session=True)
    async def unsubscribe(self, session: Session, identity: str) -> bool:
        return session.unsubscribe(identity)


class Bell:
    """A subscription source that rings on demand."""

    notification = "bell_subscription"

    def __init__(self) -> None:
        self.listeners: dict[str, Notify] = {}

    def ring(self, result: object) -> None:
        for identity, notify in list(self.listeners.items()):
            notify(identity, result)

    def subscription(self, kind: str, options: object, notify: Notify) -> Subscription:
        return BellSubscription(self, f"0x{len(self.listeners) + 1:x}", notify)


class BellSubscription:
    def __init__(self, bell: Bell, identity: str, notify: Notify) -> None:
        self.id = identity
        self._bell = bell
        self._notify = notify

    def start(self) -> None:
        self._bell.listeners[self.id] = self._notify

    def stop(self) -> None:
        self._bell.listeners.pop(self.id, None)


def make_app(bell: Bell | None = None, healthy: Callable[[], bool] = lambda: True) -> RpcApp:
    return RpcApp(
        Dispatcher(registry(Echo(bell or Bell()))),
        describe=lambda: {"name": "tallystick"},
        health=lambda: Health(() if healthy() else (Reason("behind", "behind"),)),
    )


@contextlib.asynccontextmanager
async def running(app: RpcApp) -> AsyncIterator[RpcServer]:
    server = RpcServer(app, "127.0.0.1", 0)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def call(name: str, *params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": list(params)})


def ws(server: RpcServer) -> str:
    return server.url.replace("http", "ws")


async def test_http_post_is_answered_whatever_its_content_type() -> None:
    async with running(make_app()) as server, httpx.AsyncClient() as client:
        for kind in ("application/json", "text/plain"):
            headers = {"content-type": kind}
            response = await client.post(server.url, content=call("echo", "hi"), headers=headers)
            assert response.json()["result"] == "hi"
            assert response.headers["content-type"] == "application/json"


async def test_http_notification_is_answered_with_no_content() -> None:
    async with running(make_app()) as server, httpx.AsyncClient() as client:
        body = {"jsonrpc": "2.0", "method": "echo", "params": ["hi"]}
        response = await client.post(server.url, json=body)
        assert (response.status_code, response.content) == (204, b"")


async def test_get_describes_the_node_and_its_health() -> None:
    health = [True]
    async with (
        running(make_app(healthy=lambda: health[0])) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        assert (await client.get("/")).json() == {"name": "tallystick"}
        assert (await client.get("/healthz")).status_code == 200
        health[0] = False
        assert (await client.get("/healthz")).status_code == 503
        assert (await client.get("/other")).status_code == 404
        assert (await client.put("/")).status_code == 405
        assert (await client.head("/")).content == b""


async def test_page_of_foreign_origin_or_rebound_name_is_refused() -> None:
    async with running(make_app()) as server, httpx.AsyncClient() as client:
        for headers in ({"origin": "https://evil.example"}, {"host": "evil.example"}):
            response = await client.post(server.url, content=call("echo", "x"), headers=headers)
            assert response.status_code == 403
            assert "access-control-allow-origin" not in response.headers
            with pytest.raises(InvalidStatus):
                await connect(ws(server), additional_headers=headers).__aenter__()


async def test_page_of_local_origin_may_read_the_answer() -> None:
    origin = "http://localhost:3000"
    async with running(make_app()) as server, httpx.AsyncClient() as client:
        preflight = await client.options(server.url, headers={"origin": origin})
        assert preflight.status_code == 204
        assert "content-type" in preflight.headers["access-control-allow-headers"]
        headers = {"origin": origin}
        response = await client.post(server.url, content=call("echo", "x"), headers=headers)
        assert response.headers["access-control-allow-origin"] == origin


async def test_body_too_large_is_refused_with_and_without_its_length() -> None:
    large = b" " * (limits.RPC_BODY_BYTES_MAX + 1)

    async def chunks() -> AsyncIterator[bytes]:
        yield large

    async with running(make_app()) as server, httpx.AsyncClient() as client:
        assert (await client.post(server.url, content=large)).status_code == 413
        assert (await client.post(server.url, content=chunks())).status_code == 413
        assert (await client.post(server.url, content=call("echo", "x"))).status_code == 200


async def test_client_that_hangs_up_mid_body_leaves_the_server_well() -> None:
    async with running(make_app()) as server, httpx.AsyncClient() as client:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
        await writer.drain()
        writer.close()
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"\x00\x01\x02 garbage\r\n\r\n")
        await writer.drain()
        writer.close()
        response = await client.post(server.url, content=call("echo", "still here"))
        assert response.json()["result"] == "still here"


async def test_websocket_takes_text_and_binary_frames() -> None:
    async with running(make_app()) as server, connect(ws(server)) as client:
        for message in (call("echo", "hi"), call("echo", "hi").encode()):
            await client.send(message)
            answer = await client.recv()
            assert isinstance(answer, str)
            assert json.loads(answer)["result"] == "hi"


async def test_websocket_message_too_large_closes_it() -> None:
    async with running(make_app()) as server, connect(ws(server)) as client:
        with pytest.raises(ConnectionClosed, match="1009"):  # noqa: PT012
            await client.send(b" " * (limits.RPC_BODY_BYTES_MAX + 1))
            await client.recv()


async def test_subscription_notifies_from_its_answer_to_its_end() -> None:
    bell = Bell()
    async with running(make_app(bell)) as server, connect(ws(server)) as client:
        await client.send(call("subscribe", "bell"))
        identity = json.loads(await client.recv())["result"]
        bell.ring("one")
        notification = json.loads(await client.recv())
        assert notification["method"] == "bell_subscription"
        assert notification["params"] == {"subscription": identity, "result": "one"}
        await client.send(call("unsubscribe", identity))
        assert json.loads(await client.recv())["result"] is True
        assert bell.listeners == {}
        await client.send(call("unsubscribe", identity))
        assert json.loads(await client.recv())["result"] is False


async def test_subscriptions_beyond_the_limit_are_refused() -> None:
    bell = Bell()
    most = limits.RPC_SOCKET_SUBSCRIPTIONS_MAX
    async with running(make_app(bell)) as server, connect(ws(server)) as client:
        for _ in range(most):
            await client.send(call("subscribe", "bell"))
            assert "result" in json.loads(await client.recv())
        await client.send(call("subscribe", "bell"))
        assert json.loads(await client.recv())["error"]["code"] == -32005


async def test_subscriptions_end_with_their_socket() -> None:
    bell = Bell()
    async with running(make_app(bell)) as server:
        async with connect(ws(server)) as client:
            await client.send(call("subscribe", "bell"))
            await client.recv()
            assert len(bell.listeners) == 1
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while bell.listeners:
                await asyncio.sleep(0)


async def test_subscriber_that_does_not_read_is_dropped() -> None:
    bell = Bell()
    async with running(make_app(bell)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        key = b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        upgrade = b"upgrade: websocket\r\nconnection: upgrade\r\n"
        writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n" + upgrade + key + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        body = call("subscribe", "bell").encode()
        writer.write(bytes([0x81, 0x80 | len(body), 0, 0, 0, 0]) + body)
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not bell.listeners:
                await asyncio.sleep(0)
            while bell.listeners:
                bell.ring("x" * 100_000)
                await asyncio.sleep(0)
        writer.transport.abort()


class Gate:
    """Answers when it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    @method("pass")
    async def pass_(self) -> bool:
        return await self.opened.wait()


def masked(opcode: int, payload: bytes) -> bytes:
    """A short frame as clients send it (RFC 6455, section 5.2), under a mask of zeros."""
    return bytes([0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0]) + payload


async def upgraded(server: RpcServer) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A websocket whose frames the test makes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    key = b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    upgrade = b"upgrade: websocket\r\nconnection: upgrade\r\n"
    writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n" + upgrade + key + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


TEXT, PING, PONG = 0x1, 0x9, 0xA


async def test_pongs_behind_calls_in_the_works_do_not_cost_the_websocket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "RPC_PING_SECONDS", 0.1)
    gate = Gate()
    dispatcher = Dispatcher(registry(gate))
    app = RpcApp(dispatcher, describe=dict, health=Health)
    count = limits.RPC_SOCKET_CALLS_MAX + 8
    async with running(app) as server, asyncio.timeout(WAIT_SECONDS_MAX):
        reader, writer = await upgraded(server)
        writer.write(masked(TEXT, call("pass").encode()) * count)
        for _ in range(5):
            opcode, size = await reader.readexactly(2)
            assert opcode == 0x80 | PING
            writer.write(masked(PONG, await reader.readexactly(size)))
        gate.opened.set()
        answered = 0
        while answered < count:
            opcode, size = await reader.readexactly(2)
            payload = await reader.readexactly(size)
            answered += opcode == 0x80 | TEXT and b"true" in payload
            assert opcode in (0x80 | TEXT, 0x80 | PING)
            if opcode == 0x80 | PING:
                writer.write(masked(PONG, payload))
        writer.transport.abort()


async def test_rest_of_a_refused_body_is_dropped_and_the_connection_goes_on() -> None:
    async with running(make_app()) as server, asyncio.timeout(WAIT_SECONDS_MAX):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        size = limits.RPC_BODY_BYTES_MAX + 1
        head = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % size)
        assert b"413" in await reader.readuntil(b"}")
        writer.write(b" " * size)
        body = call("echo", "still here").encode()
        writer.write(head % len(body) + body)
        assert b"still here" in await reader.readuntil(b"}")
        writer.transport.abort()


def test_listener_names_its_protocol_so_that_answers_are_not_delayed() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


async def test_server_on_all_addresses_takes_any_name() -> None:
    server = RpcServer(make_app(), "0.0.0.0", 0)
    await server.start()
    async with httpx.AsyncClient() as client:
        url, headers = f"http://127.0.0.1:{server.port}", {"host": "node.example"}
        response = await client.post(url, content=call("echo", "x"), headers=headers)
        assert response.status_code == 200
    await server.stop()


async def test_port_in_use_is_named_with_its_remedy() -> None:
    async with running(make_app()) as server:
        second = RpcServer(make_app(), "127.0.0.1", server.port)
        with pytest.raises(PortInUse, match=f"port {server.port}.*another port"):
            await second.start()
        await second.stop()


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
async def test_address_not_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(CannotListen, match="--rpc-host"):
        await RpcServer(make_app(), host, 0).start()


async def test_stopped_server_closes_sockets_and_frees_its_port() -> None:
    server = RpcServer(make_app(), "127.0.0.1", 0)
    await server.start()
    async with connect(ws(server)) as client:
        await server.stop()
        with pytest.raises(ConnectionClosed):
            await client.recv()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", server.port))


async def test_get_metrics_is_text_where_there_are_any() -> None:
    app = make_app()
    async with running(app) as server, httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/metrics")).status_code == 404
        app.metrics = lambda: b"one 1\n"
        response = await client.get("/metrics")
        assert (response.status_code, response.content) == (200, b"one 1\n")
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
