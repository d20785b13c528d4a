"""How many calls there are, how long they take, and who holds a websocket.

A method that isn't served has the label `unknown`, so that strangers can't make up labels.
"""

from collections.abc import Iterator
from typing import Final

from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import Metric

from state.clock import Clock, SystemClock

UNKNOWN: Final = "unknown"

SECONDS_BUCKETS: Final = (0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0)
"""From a read that is in memory to a trace that takes all it may."""


class Meter:
    """Counts of one node; for its event loop."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = SystemClock() if clock is None else clock
        """Measures calls; an event loop's own time may stand still for a millisecond."""
        self.websockets = 0
        self.subscriptions = 0
        self._seconds = Histogram(
            "tallystick_rpc_call_seconds",
            "How long a call took until its answer was encoded.",
            ["method"],
            registry=None,
            buckets=SECONDS_BUCKETS,
        )
        self._errors = Counter(
            "tallystick_rpc_errors_total",
            "Calls answered with an error.",
            ["method"],
            registry=None,
        )

    def answered(self, method: str, seconds: float, *, is_error: bool) -> None:
        """One call was answered; `method` is one of the node's, or `UNKNOWN`."""
        self._seconds.labels(method).observe(seconds)
        if is_error:
            self._errors.labels(method).inc()

    def collect(self) -> Iterator[Metric]:
        """The families, for a registry."""
        yield from self._seconds.collect()
        yield from self._errors.collect()
