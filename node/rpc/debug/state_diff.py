"""`trace_replayTransaction`: what a transaction changed, as Parity told it, for Otterscan."""

from typing import Final

from execution.evm.accounts import NOTHING
from execution.evm.engine import Outcome
from execution.trace_budget import TraceBudget
from node import limits
from node.rpc.backend import Backend
from node.rpc.codec import data, list_of, parse_hash, parse_string, quantity, word
from node.rpc.debug.prestate import PrestateTracer
from node.rpc.debug.tracer import TracePlace
from node.rpc.debug.traces import find_mined, replay_of, trace_budget
from node.rpc.dispatch import Param, method
from node.rpc.errors import InvalidParams
from node.rpc.format import Json
from state.stored import StoredBlock
from state.types import Address, Hash32

STATE_DIFF: Final = "stateDiff"

_parse_kinds = list_of(parse_string, 3)


def parse_kinds(value: object) -> tuple[str, ...]:
    """Which traces are asked for: there is one. Raises `InvalidParams`."""
    kinds = _parse_kinds(value)
    for kind in kinds:
        if kind != STATE_DIFF:
            raise InvalidParams(
                f"{kind!r:.40} is not told here, only {STATE_DIFF}: use debug_traceTransaction"
            )
    return kinds


class StateDiffTracer(PrestateTracer):
    """The accounts that changed: what each member was and is, "=" where that is the same."""

    def __init__(self, budget: TraceBudget) -> None:
        super().__init__(TracePlace(), budget, {})
        self.output = b""

    def end(self, outcome: Outcome) -> None:
        self.output = outcome.output
        changes = ((address, self._changes(address)) for address in self._seen)
        self._result = {data(address): changed for address, changed in changes if changed}

    def _changes(self, address: Address) -> Json | None:
        """None where nothing did. What is new or gone has changed whole: "+" or "-"."""
        seen = self._seen[address]
        is_gone = address in self._deleted
        before, now = seen.values, NOTHING if is_gone else self._state.values(address)
        slots = {} if is_gone else self._changed_slots(address, seen)
        if before == now and not slots:
            return None
        sign = "+" if before == NOTHING else "-" if now == NOTHING else "*"
        code = b"" if is_gone else self._state.code(address)
        return {
            "balance": _change(sign, quantity(before.balance), quantity(now.balance)),
            "code": _change(sign, data(seen.code), data(code)),
            "nonce": _change(sign, quantity(before.nonce), quantity(now.nonce)),
            "storage": {
                word(slot): _change(sign, word(seen.slots[slot]), word(value))
                for slot, value in sorted(slots.items())
            },
        }


def _change(sign: str, before: str, now: str) -> object:
    if sign == "+":
        return {"+": now}
    if sign == "-":
        return {"-": before}
    return "=" if before == now else {"*": {"from": before, "to": now}}


class ReplayMethods:
    """Replays as Parity names them, as far as Otterscan needs them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @method("trace_replayTransaction", Param(parse_hash), Param(parse_kinds))
    async def replay(self, transaction_hash: Hash32, kinds: tuple[str, ...]) -> Json:
        """What a mined transaction changed of each account (`["stateDiff"]`)."""
        block, index = find_mined(self._backend, transaction_hash)
        tracer = await self._backend.evm.run(self._traced, block, index)
        return {
            "output": data(tracer.output),
            "stateDiff": tracer.result() if STATE_DIFF in kinds else None,
            "trace": [],
            "vmTrace": None,
        }

    def _traced(self, block: StoredBlock, index: int) -> StateDiffTracer:
        tracer = StateDiffTracer(trace_budget(self._backend, limits.RPC_TRACE_SECONDS))
        replay = replay_of(self._backend, block)
        replay.skip_to(index)
        replay.run(tracer)
        return tracer
