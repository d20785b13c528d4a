"""Many JSON-RPC calls in one HTTP request (JSON-RPC 2.0, section 6)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.l1.errors import L1RequestRefused, L1Unavailable
from bridge.l1.rpc import RpcClient


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a batch."""

    method: str
    params: tuple[object, ...]


Answer = object
"""A result, or the `L1RequestRefused` with which the endpoint refused that one call."""


class BatchClient(RpcClient):
    """An endpoint that is also asked many things at once.

    Answers come in any order and are matched by id; one that is missing, or that says 'not now',
    makes the whole batch `L1Unavailable`, for half a look at the books is none.
    """

    async def request_all(self, calls: Sequence[Call], at_once: int) -> list[Answer]:
        """The answers in the order of the calls, `at_once` of them in a request."""
        answers: list[Answer] = []
        for start in range(0, len(calls), at_once):
            answers += await self._request_batch(calls[start : start + at_once])
        return answers

    async def _request_batch(self, calls: Sequence[Call]) -> list[Answer]:
        numbered = {next(self._ids): call for call in calls}
        body = [
            {"jsonrpc": "2.0", "id": id_, "method": call.method, "params": list(call.params)}
            for id_, call in numbered.items()
        ]
        what = f"a batch of {calls[0].method}"
        answer = self._parse(await self._post(json.dumps(body).encode(), what), what)
        entries = self._by_id(answer, what)
        return [self._answer(call, entries.get(id_)) for id_, call in numbered.items()]

    def _by_id(self, answer: object, what: str) -> dict[int, dict[str, object]]:
        if isinstance(answer, dict) and answer.get("error") is not None:
            raise self._refusal(what, answer["error"])
        if not isinstance(answer, list):
            raise L1Unavailable(f"{self.name} answered {what} with no list")
        entries = (entry for entry in answer if isinstance(entry, dict))
        return {entry["id"]: entry for entry in entries if isinstance(entry.get("id"), int)}

    def _answer(self, call: Call, entry: dict[str, object] | None) -> Answer:
        if entry is None:
            raise L1Unavailable(f"{self.name} left out the answer to a {call.method}")
        if (error := entry.get("error")) is not None:
            refusal = self._refusal(call.method, error)
            if isinstance(refusal, L1RequestRefused):
                return refusal
            raise refusal
        if "result" not in entry:
            raise L1Unavailable(f"{self.name} answered {call.method} with neither result nor error")
        return entry["result"]
