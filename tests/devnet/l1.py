"""A real L1 for a devnet: anvil with timed blocks, and a misbehaving endpoint in front of it."""

import contextlib
import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.bridge.conftest import Anvil

BLOCK_SECONDS = 1


class TimedAnvil(Anvil):
    """An anvil that mines by itself; a reorg of 64 blocks stays above its finalized block."""

    def __init__(self) -> None:
        super().__init__("--block-time", str(BLOCK_SECONDS))

    @property
    def height(self) -> int:
        """The newest block's number."""
        return int(self.ask("eth_blockNumber"), 16)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def empty(self) -> None:
        """Start again without state, as anvil does unless told otherwise."""
        self.stop()
        (self._folder / "state.json").unlink()
        self.start()


class Endpoint:
    """JSON-RPC in front of an anvil: as it is, out of service, or some blocks behind now and then.

    What it serves while lagging is what a load balancer with one lagging server behind it would:
    each request is answered by the view of the newest block, or by an older one's.
    """

    def __init__(self, anvil: TimedAnvil, seed: int = 1) -> None:
        self._anvil = anvil
        self._random = random.Random(seed)
        self._upstream = httpx.Client(timeout=30, trust_env=False)
        self.in_service = True
        self.blocks_behind = 0
        self.stale_answers = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._upstream.close()

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body for one request."""
        if not self.in_service:
            return 503, b"out of service"
        request = json.loads(body)
        try:
            if self.blocks_behind and self._random.random() < 0.5:
                self.stale_answers += 1
                return 200, json.dumps(self._stale(request)).encode()
            return 200, self._forward(body)
        except httpx.HTTPError:
            return 502, b"bad gateway"

    def _forward(self, body: bytes) -> bytes:
        headers = {"content-type": "application/json"}
        return self._upstream.post(self._anvil.url, content=body, headers=headers).content

    def _stale(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of a server that has not seen the newest blocks."""
        newest = max(0, self._anvil.height - self.blocks_behind)
        params = [hex(newest) if one in ("latest", "pending") else one for one in request["params"]]
        method = request["method"]
        if method == "eth_getLogs":
            last = min(int(params[0]["toBlock"], 16), newest)
            params = [{**params[0], "toBlock": hex(last)}]
        response = json.loads(self._forward(json.dumps({**request, "params": params}).encode()))
        result = response.get("result")
        if method == "eth_blockNumber":
            response["result"] = hex(newest)
        elif isinstance(result, dict):
            number = result.get("number") or result.get("blockNumber")
            if number is not None and int(number, 16) > newest:
                response["result"] = None
        return response

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = endpoint.answer(body)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # who asked is out of patience
                    self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler
