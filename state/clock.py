"""The clock as an argument: what needs the time gets a `Clock`, which tests and devnets can set."""

import time
from typing import Protocol

from state.types import Timestamp


class Clock(Protocol):
    """Tells the time of day, and measures how long something takes."""

    def now(self) -> Timestamp:
        """Seconds since the Unix epoch; may jump when the machine's clock is set."""

    def milliseconds(self) -> int:
        """The same moment, finer: what orders are timed with."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back. Only differences mean anything."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> Timestamp:
        """Whole seconds, rounded down."""
        return Timestamp(int(time.time()))

    def milliseconds(self) -> int:
        """Whole milliseconds, rounded down."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """The machine's monotonic clock."""
        return time.monotonic()


class ManualClock:
    """A clock that moves when told: for tests, and for time travel on a devnet."""

    def __init__(self, start: int = 0) -> None:
        self._seconds = float(start)

    def now(self) -> Timestamp:
        """Whole seconds, rounded down."""
        return Timestamp(int(self._seconds))

    def milliseconds(self) -> int:
        """Whole milliseconds, rounded down."""
        return int(self._seconds * 1_000)

    def monotonic(self) -> float:
        """The same seconds, unrounded."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Move forward. Raises `ValueError` for a move back."""
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds} s")
        self._seconds += seconds
