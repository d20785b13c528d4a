"""When the next block is made: after so many seconds, when a transaction waits, or when told.

The loop of a role waits here between two blocks. Modes may change while it waits.
"""

import asyncio


class Pace:
    """Every method is for the event loop."""

    def __init__(self, interval_seconds: float | None) -> None:
        """`interval_seconds` lie between two blocks; with None no block comes by itself."""
        self._interval = interval_seconds
        self._automine = False
        self._is_wanted = False
        self._changed = asyncio.Event()
        self._due: float | None = None

    @property
    def interval_seconds(self) -> float | None:
        """What lies between two blocks, or None where none comes by itself."""
        return self._interval

    @property
    def automine(self) -> bool:
        """Whether a waiting transaction is enough for a block."""
        return self._automine

    def set(self, *, interval_seconds: float | None, automine: bool) -> None:
        """Change the mode; an interval begins now."""
        self._interval, self._automine = interval_seconds, automine
        if interval_seconds is not None:
            self._due = asyncio.get_running_loop().time() + interval_seconds
        self._changed.set()

    def transaction_waits(self) -> None:
        """Tell that the pool has something for a block."""
        if self._automine:
            self._is_wanted = True
            self._changed.set()

    async def wait(self) -> None:
        """Wait until the next block is due. Late blocks are not made up for."""
        loop = asyncio.get_running_loop()
        while True:
            if self._is_wanted:
                self._is_wanted = False
                return
            self._changed.clear()
            try:
                async with asyncio.timeout_at(self._next(loop.time())):
                    await self._changed.wait()
            except TimeoutError:
                self._due = (self._due or 0.0) + (self._interval or 0.0)
                return

    def _next(self, now: float) -> float | None:
        """When the next block comes by itself; the first one, and a late one, at once."""
        if self._interval is None:
            return None
        self._due = now if self._due is None else max(self._due, now)
        return self._due
