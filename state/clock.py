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


class OffsetClock:
    """Another clock, moved by whole seconds: what the nodes of a devnet share to skip time.

    It can be stopped at a second (`pin`), so that the next block has exactly that timestamp.
    """

    def __init__(self, base: Clock, offset_seconds: int = 0) -> None:
        self._base = base
        self._offset = offset_seconds
        self._pinned: Timestamp | None = None

    def now(self) -> Timestamp:
        """Whole seconds, rounded down; those of the pin while there is one."""
        if self._pinned is not None:
            return self._pinned
        return Timestamp(self._base.now() + self._offset)

    def milliseconds(self) -> int:
        """Whole milliseconds, rounded down; those of the pin while there is one."""
        if self._pinned is not None:
            return self._pinned * 1_000
        return self._base.milliseconds() + self._offset * 1_000

    def monotonic(self) -> float:
        """The other clock's: what is skipped takes no time."""
        return self._base.monotonic()

    @property
    def offset_seconds(self) -> int:
        """How far ahead of the other clock this one is; negative when it is behind."""
        return self._offset

    def move(self, offset_seconds: int) -> None:
        """Set how far ahead of the other clock this one is."""
        self._offset = offset_seconds

    def reach(self, moment: Timestamp) -> None:
        """Be at `moment` at the least, now."""
        behind = moment - self._base.now() - self._offset
        if behind > 0:
            self._offset += behind

    @property
    def pinned(self) -> Timestamp | None:
        """The second that this clock stands still at, or None while it goes."""
        return self._pinned

    def pin(self, moment: Timestamp) -> None:
        """Stand still at a second until `unpin`."""
        self._pinned = moment

    def unpin(self) -> None:
        """Go on with the other clock's time and the offset; harmless without a pin."""
        self._pinned = None
