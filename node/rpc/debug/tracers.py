"""The tracers that go by a name."""

from collections.abc import Callable
from typing import Final

from execution.evm.accounts import AccountDatabase
from execution.evm.context import BlockContext
from execution.evm.engine import Outcome
from execution.evm.tracer import Entry, Exit, Frame
from execution.trace_budget import TraceBudget
from execution.transaction import Transaction
from node.rpc.codec import parse_object
from node.rpc.debug.calls import CallTreeTracer
from node.rpc.debug.config import TraceConfig
from node.rpc.debug.flat_calls import FlatCallTracer
from node.rpc.debug.prestate import PrestateTracer
from node.rpc.debug.selectors import SelectorTracer
from node.rpc.debug.struct_log import StructLogTracer
from node.rpc.debug.tracer import JsonTracer, TracePlace
from node.rpc.errors import CallFailed
from state.blocks import Log


class TracerNotFound(CallFailed):
    """No tracer of that name; programs in JavaScript are not run."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"tracer not found: {name[:40]!r}; there are {', '.join(TRACERS)},"
            " and tracers written in JavaScript are not run here"
        )


class NoTracer(JsonTracer):
    """noopTracer: runs the transaction and tells nothing."""

    def enter(self, entry: Entry) -> None:
        self.budget.check_time()

    def result(self) -> object:
        return {}


class MuxTracer(JsonTracer):
    """muxTracer: several tracers in one run; its settings are theirs, by name."""

    def __init__(self, place: TracePlace, budget: TraceBudget, config: dict[str, object]) -> None:
        """Raises `TracerNotFound`, also for a mux within a mux."""
        super().__init__(place, budget)
        self._tracers = {
            name: _named(name, parse_object(settings or {}), place, budget)
            for name, settings in config.items()
        }
        self.wants_steps = any(one.wants_steps for one in self._tracers.values())
        self._stepping = [one for one in self._tracers.values() if one.wants_steps]

    def begin(self, tx: Transaction, state: AccountDatabase, context: BlockContext) -> None:
        for one in self._tracers.values():
            one.begin(tx, state, context)

    def enter(self, entry: Entry) -> None:
        for one in self._tracers.values():
            one.enter(entry)

    def step(self, frame: Frame, pc: int, opcode: int, gas: int) -> None:
        for one in self._stepping:
            one.step(frame, pc, opcode, gas)

    def charged(self, cost: int, error: str | None) -> None:
        for one in self._stepping:
            one.charged(cost, error)

    def log(self, log: Log, position: int) -> None:
        for one in self._tracers.values():
            one.log(log, position)

    def leave(self, exit: Exit) -> None:
        for one in self._tracers.values():
            one.leave(exit)

    def end(self, outcome: Outcome) -> None:
        for one in self._tracers.values():
            one.end(outcome)

    def result(self) -> object:
        return {name: one.result() for name, one in self._tracers.items()}


_MUX: Final = "muxTracer"

_Factory = Callable[[TracePlace, TraceBudget, dict[str, object]], JsonTracer]

TRACERS: Final[dict[str, _Factory]] = {
    "callTracer": CallTreeTracer,
    "flatCallTracer": FlatCallTracer,
    "prestateTracer": PrestateTracer,
    "4byteTracer": lambda place, budget, config: SelectorTracer(place, budget),
    "noopTracer": lambda place, budget, config: NoTracer(place, budget),
    _MUX: MuxTracer,
}
"""By the name that `tracer` gives."""


def make_tracer(config: TraceConfig, place: TracePlace, budget: TraceBudget) -> JsonTracer:
    """The tracer that was asked for. Raises `TracerNotFound` and `InvalidParams`."""
    if config.tracer is None:
        return StructLogTracer(place, budget, config.steps)
    if config.tracer not in TRACERS:
        raise TracerNotFound(config.tracer)
    return TRACERS[config.tracer](place, budget, config.tracer_config)


def _named(
    name: str, settings: dict[str, object], place: TracePlace, budget: TraceBudget
) -> JsonTracer:
    if name == _MUX or name not in TRACERS:
        raise TracerNotFound(name)
    return TRACERS[name](place, budget, settings)
