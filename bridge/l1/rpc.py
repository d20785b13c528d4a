"""JSON-RPC over HTTP, with a limit on time and size of every answer.

No retries here: whoever asks knows whether asking again makes sense. An endpoint that doesn't
answer, or answers what is no JSON-RPC, raises `L1Unavailable`; one that answers with an error
object raises `L1RequestRefused`.
"""

from __future__ import annotations

import itertools
import json
import re
from types import TracebackType
from urllib.parse import urlsplit

import httpx

from bridge.l1 import limits
from bridge.l1.abi import describe_revert
from bridge.l1.errors import (
    L1AnswerTooLarge,
    L1CallReverted,
    L1RequestRefused,
    L1Unavailable,
)

_REVERT_CODE = 3
"""JSON-RPC code of a revert, since go-ethereum 1.9.15; some endpoints use -32000 with data."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.?[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
"""A JSON string, or the unended one at the end: linear, whatever is thrown at it."""
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_TRANSIENT_CODES = frozenset({-32001, -32002, -32016, -39001, 429})
"""Not found, not ready, over rate, unknown block: all of them 'not now'."""

_LIMIT_EXCEEDED = -32005
"""EIP-1474: too many logs, or too large a range."""


def endpoint_name(url: str) -> str:
    """Host and port of a URL: paths and user names of endpoints carry API keys, so never those."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def nesting(answer: bytes) -> int:
    """How deep lists and objects stand in each other.

    Checked before parsing: the parser recurses on the C stack, and this process raises Python's
    recursion limit for the EVM's sake, so that a hostile answer would end it by a segmentation
    fault instead of a RecursionError.
    """
    depth = deepest = 0
    for bracket in _STRING.sub(b"", answer).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


class RpcClient:
    """One JSON-RPC endpoint. `async with`, or call `aclose`."""

    def __init__(
        self,
        url: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_seconds: float = limits.REQUEST_SECONDS_MAX,
        depth_max: int = limits.RESPONSE_DEPTH_MAX,
    ) -> None:
        self.name = endpoint_name(url)
        self._url = url
        self.requests = 0
        self.failures = 0
        """Requests so far, and those that the endpoint didn't answer as it should."""
        self._ids = itertools.count(1)
        self._depth_max = depth_max
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=timeout_seconds,
            limits=httpx.Limits(max_connections=limits.HTTP_CONNECTIONS_MAX),
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"<RpcClient {self.name}>"

    async def __aenter__(self) -> RpcClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(self, method: str, *params: object) -> object:
        """Ask one thing; returns the `result`, which may be null."""
        self.requests += 1
        try:
            return await self._request(method, params)
        except L1Unavailable:
            self.failures += 1
            raise

    async def _request(self, method: str, params: tuple[object, ...]) -> object:
        id_ = next(self._ids)
        body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": list(params)}
        answer = self._parse(await self._post(json.dumps(body).encode(), method), method)
        if not isinstance(answer, dict) or answer.get("id") not in (id_, None):
            raise L1Unavailable(f"{self.name} answered {method} with no JSON-RPC response")
        if (error := answer.get("error")) is not None:
            raise self._refusal(method, error)
        if "result" not in answer:
            raise L1Unavailable(f"{self.name} answered {method} with neither result nor error")
        return answer["result"]

    async def _post(self, body: bytes, method: str) -> bytes:
        headers = {"content-type": "application/json"}
        try:
            async with self._http.stream(
                "POST", self._url, content=body, headers=headers
            ) as response:
                status, answer = response.status_code, await self._read(response, method)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = str(error) or type(error).__name__
            raise L1Unavailable(f"no answer from {self.name} to {method}: {reason}") from None
        if status != httpx.codes.OK and not answer.lstrip().startswith(b"{"):
            raise L1Unavailable(f"{self.name} answered {method} with HTTP status {status}")
        return answer

    async def _read(self, response: httpx.Response, method: str) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > limits.RESPONSE_BYTES_MAX:
                raise L1AnswerTooLarge(
                    f"{self.name} answered {method} with over {limits.RESPONSE_BYTES_MAX} bytes"
                )
            parts.append(part)
        return b"".join(parts)

    def _parse(self, answer: bytes, method: str) -> object:
        if nesting(answer) > self._depth_max:
            raise L1Unavailable(f"{self.name} answered {method} with absurdly nested JSON")
        try:
            return json.loads(answer)
        except ValueError:
            raise L1Unavailable(f"{self.name} answered {method} with no JSON") from None

    def _refusal(self, method: str, error: object) -> L1RequestRefused | L1Unavailable:
        if not isinstance(error, dict):
            return L1Unavailable(f"{self.name} answered {method} with no error object")
        code = error.get("code")
        if not isinstance(code, int):
            return L1Unavailable(f"{self.name} answered {method} with an error without a code")
        message = str(error.get("message", ""))[: limits.ERROR_TEXT_CHARACTERS_MAX]
        if code == _LIMIT_EXCEEDED:
            return L1AnswerTooLarge(f"{self.name} limits {method}: {message}")
        if code in _TRANSIENT_CODES:
            return L1Unavailable(f"{self.name} can't answer {method} now: {message} (code {code})")
        revert_data = _revert_data(error.get("data"))
        if code == _REVERT_CODE or (revert_data is not None and "revert" in message):
            reason = describe_revert(revert_data or b"") or message
            return L1CallReverted(method, code, reason, revert_data or b"")
        return L1RequestRefused(method, code, message, error.get("data"))


def connect(url: str) -> RpcClient:
    """A client to use in `async with`."""
    return RpcClient(url)


def _revert_data(value: object) -> bytes | None:
    """The revert data of an error object; a few endpoints nest it one level deeper."""
    if isinstance(value, dict):
        value = value.get("data")
    if not isinstance(value, str) or not value.startswith("0x"):
        return None
    try:
        return bytes.fromhex(value[2:])
    except ValueError:
        return None
