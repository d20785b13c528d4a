"""How much one trace may take: instructions, bytes of its answer, and time."""

from collections.abc import Callable
from dataclasses import dataclass

from execution.limits import TRACE_STEPS_A_LOOK
from state.errors import Invalid


class TraceLimitExceeded(Invalid):
    """A trace was stopped at one of its limits; the message names it and what to do."""


class TraceTimedOut(TraceLimitExceeded):
    """Stopped by the time limit, in go-ethereum's words."""

    def __init__(self) -> None:
        super().__init__("execution timeout")


@dataclass(frozen=True, slots=True)
class TraceLimits:
    """The most that one answer may take."""

    steps_max: int
    """Instructions told, over all transactions of the answer."""
    bytes_max: int
    """Bytes of JSON, estimated as they are collected."""
    seconds_max: float


class TraceBudget:
    """What is left for one answer; counts from when it is made. Not thread-safe."""

    def __init__(self, limits: TraceLimits, monotonic: Callable[[], float]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._deadline = monotonic() + limits.seconds_max
        self._steps = 0
        self._bytes = 0

    def take_step(self) -> None:
        """Count an instruction; looks at the clock now and then. Raises `TraceLimitExceeded`."""
        self._steps += 1
        if self._steps % TRACE_STEPS_A_LOOK == 0:
            self.check_time()
        if self._steps > self._limits.steps_max:
            raise TraceLimitExceeded(
                f"trace of more than {self._limits.steps_max} instructions:"
                " use callTracer, which needs none of them"
            )

    def take_bytes(self, size: int) -> None:
        """Count bytes of the answer. Raises `TraceLimitExceeded`."""
        self._bytes += size
        if self._bytes > self._limits.bytes_max:
            raise TraceLimitExceeded(
                f"trace larger than {self._limits.bytes_max} bytes: ask for less of each"
                " instruction (disableStack, disableStorage, limit), or use callTracer"
            )

    def check_time(self) -> None:
        """Raises `TraceTimedOut` when the time is up."""
        if self._monotonic() >= self._deadline:
            raise TraceTimedOut
