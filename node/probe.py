"""A small JSON-RPC client for asking a node, ours or not, what it is."""

from typing import Any, Final

import httpx

from state.errors import Invalid, Unavailable

_TIMEOUT_SECONDS: Final = 10.0


class EndpointSilent(Unavailable):
    """No JSON-RPC answer came from an endpoint."""


class EndpointRefused(Invalid):
    """The endpoint answered with a JSON-RPC error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message', error)}")
        self.code = error.get("code")
        self.data = error.get("data")


class RpcProbe:
    """Asynchronous calls to any number of endpoints over one connection pool."""

    def __init__(self, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._client = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, url: str, method: str, *params: Any) -> Any:
        """One call. Raises `EndpointSilent` or `EndpointRefused`."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            response = await self._client.post(url, json=request)
            answer = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise EndpointSilent(f"{url} does not answer JSON-RPC: {error!r}") from error
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise EndpointSilent(f"{url} does not answer JSON-RPC: {answer!r:.80}")
        if "error" in answer:
            raise EndpointRefused(method, answer["error"])
        return answer["result"]

    async def is_ready(self, url: str) -> bool:
        """Whether a node answers there."""
        try:
            await self.call(url, "eth_chainId")
        except EndpointSilent:
            return False
        return True
