"""A node in a process of its own, the honest client that it serves, and what attackers use."""

import contextlib
import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
from websockets.sync.client import ClientConnection, connect

HOST = "127.0.0.1"
VILLAIN, ACCOMPLICE = "127.0.0.2", "127.0.0.3"
"""Addresses that attackers come from: all of 127.0.0.0/8 is this machine."""

START_SECONDS_MAX = 120
ANSWER_SECONDS_MAX = 60
HONEST_CALLS = 80
"""Calls that a median is taken of."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def request(method: str, *params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def http_post(body: bytes, headers: bytes = b"") -> bytes:
    """A POST as it goes over the wire."""
    lines = b"POST / HTTP/1.1\r\nhost: localhost\r\n%scontent-length: %d\r\n\r\n"
    return lines % (headers, len(body)) + body


class Target:
    """The node as its attackers see it; what they hold stays open until `close`."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self.port = port
        self.process = process
        self._held = contextlib.ExitStack()

    def close(self) -> None:
        self._held.close()
        self._held = contextlib.ExitStack()

    def raw(self, source: str = VILLAIN, receive_bytes: int | None = None) -> socket.socket:
        """A connection that speaks whatever it likes."""
        opened = socket.socket()
        if receive_bytes is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        opened.settimeout(ANSWER_SECONDS_MAX)
        opened.bind((source, 0))
        opened.connect((HOST, self.port))
        return self._held.enter_context(contextlib.closing(opened))

    def websocket(self) -> ClientConnection:
        opened = connect(f"ws://{HOST}:{self.port}", source_address=(VILLAIN, 0), max_size=None)
        return self._held.enter_context(opened)

    def post(self, content: object, **headers: str) -> httpx.Response:
        """One POST; bytes as they are, anything else as JSON."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        transport = httpx.HTTPTransport(local_address=VILLAIN)
        with httpx.Client(transport=transport, timeout=ANSWER_SECONDS_MAX) as client:
            return client.post(f"http://{HOST}:{self.port}", content=body, headers=headers)

    def error(self, method: str, *params: object) -> str:
        """The message of a call that fails."""
        return str(self.post(request(method, *params)).json()["error"]["message"])

    def resident(self) -> int:
        return int(self.process.memory_info().rss)


def read_to_end(opened: socket.socket) -> bytes:
    """What comes until the node hangs up."""
    told = b""
    with contextlib.suppress(ConnectionResetError):
        while some := opened.recv(65_536):
            told += some
    return told


class HonestClient:
    """Asks for the head over one connection, and measures."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS_MAX)
        self._body = json.dumps(request("eth_chainId"))

    def close(self) -> None:
        self._connection.close()

    def call_seconds(self) -> float:
        """One call, which is answered; over a new connection if the old one was idle for long."""
        while True:
            began = time.perf_counter()
            try:
                self._connection.request("POST", "/", self._body)
                answer = json.loads(self._connection.getresponse().read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self._connection.close()
                continue
            assert "result" in answer
            return time.perf_counter() - began

    def median_seconds(self, goes_on: Callable[[], bool] = lambda: False) -> float:
        """Of a number of calls, and of more while `goes_on`."""
        taken = [self.call_seconds() for _ in range(HONEST_CALLS)]
        while goes_on():
            taken.append(self.call_seconds())
        return statistics.median(taken)


def slowdown(client: HonestClient, attack: Callable[[], None]) -> float:
    """How many times as long an honest call takes beside an attack. Raises what that raises."""
    failures: list[BaseException] = []

    def attacking() -> None:
        try:
            attack()
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for the thread
            failures.append(error)

    before = client.median_seconds()
    thread = threading.Thread(target=attacking)
    thread.start()
    beside = client.median_seconds(thread.is_alive)
    thread.join()
    if failures:
        raise failures[0]
    return beside / before


@contextlib.contextmanager
def attacked_node(limits: dict[str, float]) -> Iterator[Target]:
    """An embedded L1 with these limits; its first block is there."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as written:
            command = [
                *(sys.executable, "-m", "tests.node.rpc.impatient_node", json.dumps(limits)),
                *("node", "--role", "l1", "--dev", "--stop-with-parent"),
                *("--data-dir", folder, "--rpc-port", str(port)),
            ]
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=written)
        try:
            _wait_ready(port, child, log)
            target = Target(port, psutil.Process(child.pid))
            yield target
            target.close()
            assert child.poll() is None, log.read_text()
        finally:
            child.kill()
            child.communicate()


def _wait_ready(port: int, child: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        assert child.poll() is None, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"http://{HOST}:{port}/readyz").status_code == 200:
                return
        threading.Event().wait(0.1)
    raise AssertionError(f"the node is not ready:\n{log.read_text()}")


def whole(value: Any) -> list[Any]:
    """A batch's answers."""
    assert isinstance(value, list)
    return value
