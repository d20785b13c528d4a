"""flatCallTracer: the same calls as a list, in Parity's shape (geth, `native/call_flat.go`)."""

from collections.abc import Iterator
from typing import Final

from execution.call_tree import Call
from execution.evm.engine import REVERTED
from execution.evm.message import FrameKind
from execution.trace_budget import TraceBudget
from node.rpc.codec import data, optional_data, quantity
from node.rpc.debug.calls import CREATIONS, CallTreeTracer, shown_output
from node.rpc.debug.config import flag
from node.rpc.debug.tracer import PRECOMPILES, TracePlace
from node.rpc.format import Json

_PARITY: Final = {
    "contract creation code storage out of gas": "Out of gas",
    "out of gas": "Out of gas",
    "gas uint64 overflow": "Out of gas",
    "max code size exceeded": "Out of gas",
    "invalid jump destination": "Bad jump destination",
    "execution reverted": "Reverted",
    "return data out of bounds": "Out of bounds",
    "stack limit reached 1024 (1023)": "Out of stack",
    "precompiled failed": "Built-in failed",
    "invalid input length": "Built-in failed",
}
_PARITY_BEGINNINGS: Final = {
    "out of gas:": "Out of gas",
    "invalid opcode:": "Bad instruction",
    "stack underflow": "Stack underflow",
}
"""Parity's words for geth's."""


class FlatCallTracer(CallTreeTracer):
    """Calls by their address in the tree; those of precompiles only if asked for."""

    def __init__(self, place: TracePlace, budget: TraceBudget, config: dict[str, object]) -> None:
        super().__init__(place, budget)
        self._parity = flag(config, "convertParityErrors")
        self._precompiles = flag(config, "includePrecompiles")

    def result(self) -> object:
        return [self._json(call, subtraces, path) for call, subtraces, path in self._flat()]

    def _flat(self) -> Iterator[tuple[Call, int, list[int]]]:
        waiting: list[tuple[Call, list[int]]] = [(self.root, [])]
        while waiting:
            call, path = waiting.pop()
            inner = [one for one in call.calls if self._is_told(one)]
            # An address is as long as its call is deep, so that many together can be large.
            self.budget.take_bytes(4 * len(path))
            yield call, len(inner), path
            waiting += reversed([(one, [*path, at]) for at, one in enumerate(inner)])

    def _is_told(self, call: Call) -> bool:
        plain = call.entry.kind in (FrameKind.CALL, FrameKind.STATICCALL)
        return self._precompiles or not (plain and call.entry.to in PRECOMPILES)

    def _json(self, call: Call, subtraces: int, path: list[int]) -> Json:
        place, error = self.place, call.exit.error
        shown: Json = {
            **_action(call),
            "blockHash": optional_data(place.block_hash),
            "blockNumber": place.block_number,
            "subtraces": subtraces,
            "traceAddress": path,
            "transactionHash": optional_data(place.transaction_hash),
            "transactionPosition": place.index,
        }
        if error is not None:
            shown["error"] = _parity_words(error) if self._parity else error
            if error != REVERTED:
                shown.pop("result", None)
        return shown


def _parity_words(error: str) -> str:
    if error in _PARITY:
        return _PARITY[error]
    return next(
        (words for start, words in _PARITY_BEGINNINGS.items() if error.startswith(start)), error
    )


def _action(call: Call) -> Json:
    entry = call.entry
    value = quantity(entry.value or 0)
    if entry.kind is FrameKind.SELFDESTRUCT:
        action = {"address": data(entry.sender), "balance": value, "refundAddress": data(entry.to)}
        return {"type": "suicide", "action": action}
    used = quantity(call.exit.gas_used)
    begun = {"from": data(entry.sender), "gas": quantity(entry.gas), "value": value}
    if entry.kind in CREATIONS:
        result = {"gasUsed": used, "code": data(shown_output(call))}
        if not call.failed:
            result["address"] = data(entry.to)
        action = {**begun, "creationMethod": entry.kind.lower(), "init": data(entry.input)}
        return {"type": "create", "action": action, "result": result}
    action = {
        **begun,
        "to": data(entry.to),
        "callType": entry.kind.lower(),
        "input": data(entry.input),
    }
    result = {"gasUsed": used, "output": data(shown_output(call))}
    return {"type": "call", "action": action, "result": result}
