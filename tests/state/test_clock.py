"""Clocks."""

import time

import pytest

from state.clock import ManualClock, OffsetClock, SystemClock
from state.types import Timestamp


def test_system_clock_tells_the_time():
    before = int(time.time())
    assert before <= SystemClock().now() <= int(time.time())
    assert before * 1_000 <= SystemClock().milliseconds() <= time.time() * 1_000
    assert SystemClock().monotonic() <= SystemClock().monotonic()


def test_manual_clock_moves_when_told():
    clock = ManualClock(1_000)
    assert clock.now() == 1_000
    clock.advance(1.5)
    clock.advance(0.25)
    assert (clock.now(), clock.monotonic()) == (1_001, 1_001.75)
    assert clock.milliseconds() == 1_001_750


def test_manual_clock_does_not_go_back():
    with pytest.raises(ValueError):
        ManualClock().advance(-1)


def test_offset_clock_is_ahead_and_stands_still_when_pinned():
    base = ManualClock(1_000)
    clock = OffsetClock(base, 50)
    assert (clock.now(), clock.milliseconds(), clock.monotonic()) == (1_050, 1_050_000, 1_000)

    clock.pin(Timestamp(2_000))
    base.advance(1.5)
    assert (clock.now(), clock.milliseconds(), clock.pinned) == (2_000, 2_000_000, 2_000)

    clock.move(1_000)
    clock.unpin()
    clock.reach(Timestamp(1_500))
    assert clock.now() == 2_001
    clock.reach(Timestamp(3_001))
    assert clock.now() == 3_001
    clock.move(1_000)
    assert (clock.now(), clock.pinned, clock.offset_seconds) == (2_001, None, 1_000)
