"""4byteTracer: which functions are called, by selector and size of arguments (geth, `4byte.go`)."""

from collections import Counter
from typing import Final

from execution.evm.message import FrameKind
from execution.evm.tracer import Entry
from execution.trace_budget import TraceBudget
from node.rpc.codec import data
from node.rpc.debug.tracer import PRECOMPILES, JsonTracer, TracePlace

SELECTOR_BYTES: Final = 4
ENTRY_BYTES: Final = 32
"""Of JSON for each pair of selector and size."""

_CALLS = (FrameKind.CALL, FrameKind.CALLCODE, FrameKind.DELEGATECALL, FrameKind.STATICCALL)


class SelectorTracer(JsonTracer):
    """Counts calls by `selector-size`; precompiles have no functions."""

    def __init__(self, place: TracePlace, budget: TraceBudget) -> None:
        super().__init__(place, budget)
        self._counts: Counter[str] = Counter()

    def enter(self, entry: Entry) -> None:
        self.budget.check_time()
        size = len(entry.input) - SELECTOR_BYTES
        if size < 0 or entry.kind not in _CALLS or entry.to in PRECOMPILES:
            return
        key = f"{data(entry.input[:SELECTOR_BYTES])}-{size}"
        if key not in self._counts:
            self.budget.take_bytes(ENTRY_BYTES)
        self._counts[key] += 1

    def result(self) -> object:
        return dict(self._counts)
