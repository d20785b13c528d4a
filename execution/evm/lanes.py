"""Which thread goes first in an interpreter that runs one at a time.

Python hands its interpreter round without regard to who waits for whom. A thread that executes
contracts, for a block or for a client's simulation, computes for as long as it has gas; the event
loop needs the interpreter for fractions of a millisecond, many times a second, and somebody waits
for each. So executions run in lanes, and look at each JUMPDEST, which no loop and no function of a
contract is without, whether it is time to give way.

Giving way changes when an instruction runs, never what it does.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from execution.evm.limits import LANE_TURN_LOOKS, LANE_WAIT_SECONDS_MAX


class Lane:
    """Executions of one rank: what is more pressing than they, and whose turn among them it is."""

    __slots__ = (
        "_changing",
        "_free",
        "_holders",
        "_is_taken",
        "_looks_left",
        "_waiting",
        "is_busy",
    )

    def __init__(self) -> None:
        self.is_busy = False
        """Whether an execution in it should give way: to a holder, or to one like itself."""
        self._holders = 0
        self._free = threading.Event()
        self._free.set()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()
        self._looks_left = 0
        self._changing = threading.Lock()

    # What is more pressing

    def hold(self) -> None:
        """Have executions in the lane give way, until `release`."""
        with self._changing:
            self._holders += 1
            self._free.clear()
            self.is_busy = True

    def release(self) -> None:
        """End one `hold`."""
        with self._changing:
            self._holders -= 1
            if not self._holders:
                self._free.set()
                self.is_busy = bool(self._waiting)

    # Turns

    @contextmanager
    def turns(self) -> Iterator[None]:
        """Run in turns with whatever else does so in this lane, one at a time."""
        self._take_turn()
        try:
            yield
        finally:
            self._pass_on()

    def give_way(self) -> None:
        """Wait until nobody holds the lane, and until it is this execution's turn again.

        Who is always overtaken gets a share of the time all the same.
        """
        self._looks_left -= 1
        if self._looks_left > 0:
            return
        self._free.wait(LANE_WAIT_SECONDS_MAX)
        if self._waiting:
            self._pass_on()
            self._take_turn()
        self._looks_left = LANE_TURN_LOOKS

    def _take_turn(self) -> None:
        with self._changing:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
            self.is_busy = True
        mine.wait()

    def _pass_on(self) -> None:
        """To the one that has waited longest: a lock would most often be ours again."""
        with self._changing:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False
            self.is_busy = bool(self._holders or self._waiting)


OPEN = Lane()
"""Of threads that nothing is said about: nobody holds it."""
BUILDING = Lane()
"""Blocks, which give way to calls that are being answered."""
SIMULATING = Lane()
"""What clients only try, in turns, which gives way to those and to blocks."""

_local = threading.local()


def join_lane(lane: Lane) -> None:
    """Have what this thread executes from now on run in `lane`."""
    _local.lane = lane


def lane_here() -> Lane:
    """The lane of this thread."""
    lane: Lane = getattr(_local, "lane", OPEN)
    return lane


@contextmanager
def pressing(*lanes: Lane) -> Iterator[None]:
    """Hold lanes for as long as the block runs."""
    for lane in lanes:
        lane.hold()
    try:
        yield
    finally:
        for lane in lanes:
            lane.release()
