"""Tracers that answer in JSON, and what they are told beforehand."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from execution.evm.precompiles import precompiles
from execution.evm.tracer import Tracer
from execution.trace_budget import TraceBudget
from state.types import BlockNumber, Hash32

PRECOMPILES = frozenset(precompiles())


@dataclass(frozen=True, slots=True)
class TracePlace:
    """Where a traced transaction is. A call that is only tried is nowhere."""

    block_number: BlockNumber = BlockNumber(0)
    block_hash: Hash32 | None = None
    index: int = 0
    transaction_hash: Hash32 | None = None
    first_log: int = 0
    """The number in the block of its first log."""


class JsonTracer(Tracer, ABC):
    """A tracer with an answer."""

    def __init__(self, place: TracePlace, budget: TraceBudget) -> None:
        self.place = place
        self.budget = budget

    @abstractmethod
    def result(self) -> object:
        """The answer as JSON; after the transaction's end."""
