"""callTracer: the calls of a transaction, one within the other (geth, `native/call.go`)."""

from typing import Final

from execution.call_tree import Call, CallLog, CallTracer
from execution.evm.accounts import AccountDatabase
from execution.evm.context import BlockContext
from execution.evm.engine import REVERTED, Outcome
from execution.evm.message import FrameKind
from execution.evm.tracer import Entry, Exit
from execution.trace_budget import TraceBudget
from execution.transaction import Transaction
from node.rpc.codec import data, quantity
from node.rpc.debug.config import flag
from node.rpc.debug.tracer import JsonTracer, TracePlace
from node.rpc.errors import revert_reason
from node.rpc.format import Json
from state.blocks import Log

CREATIONS: Final = (FrameKind.CREATE, FrameKind.CREATE2)


class CallTreeTracer(JsonTracer):
    """Collects calls, and logs if asked to."""

    def __init__(
        self, place: TracePlace, budget: TraceBudget, config: dict[str, object] | None = None
    ) -> None:
        super().__init__(place, budget)
        wanted = config or {}
        self._calls = CallTracer(
            budget,
            only_top=flag(wanted, "onlyTopCall"),
            with_logs=flag(wanted, "withLog"),
            first_log=place.first_log,
        )

    @property
    def root(self) -> Call:
        """The transaction's own call."""
        return self._calls.root

    def begin(self, tx: Transaction, state: AccountDatabase, context: BlockContext) -> None:
        self._calls.begin(tx, state, context)

    def enter(self, entry: Entry) -> None:
        self._calls.enter(entry)

    def log(self, log: Log, position: int) -> None:
        self._calls.log(log, position)

    def leave(self, exit: Exit) -> None:
        self._calls.leave(exit)

    def end(self, outcome: Outcome) -> None:
        self._calls.end(outcome)

    def result(self) -> object:
        return call_json(self.root)


def shown_output(call: Call) -> bytes:
    """The output of a success or a revert; any other failure has none worth telling."""
    return call.exit.output if call.exit.error in (None, REVERTED) else b""


def call_json(root: Call) -> Json:
    """A call and all within; calls nest a thousand deep, so nothing here recurses."""
    top: list[Json] = []
    waiting = [(root, top)]
    while waiting:
        call, siblings = waiting.pop()
        shown = _one_json(call)
        siblings.append(shown)
        if call.calls:
            inner: list[Json] = []
            shown["calls"] = inner
            waiting += ((one, inner) for one in reversed(call.calls))
    return top[0]


def _one_json(call: Call) -> Json:
    entry, exit = call.entry, call.exit
    output, failed = shown_output(call), exit.error is not None
    shown: Json = {
        "from": data(entry.sender),
        "gas": quantity(entry.gas),
        "gasUsed": quantity(exit.gas_used),
        "input": data(entry.input),
        "type": str(entry.kind),
    }
    if not (failed and entry.kind in CREATIONS):
        shown["to"] = data(entry.to)
    if output:
        shown["output"] = data(output)
    if exit.error is not None:
        shown["error"] = exit.error
        reason = revert_reason(output)
        if reason is not None:
            shown["revertReason"] = reason
    if call.logs:
        shown["logs"] = [_log_json(log) for log in call.logs]
    if entry.value is not None:
        shown["value"] = quantity(entry.value)
    return shown


def _log_json(one: CallLog) -> Json:
    return {
        "address": data(one.log.address),
        "topics": [data(topic) for topic in one.log.topics],
        "data": data(one.log.data),
        "index": quantity(one.index),
        "position": quantity(one.position),
    }
