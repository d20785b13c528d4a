"""Chess clocks: what is inherited, when the extension applies, how long a game can last."""

import pytest

from bridge.dispute.clock import ClockRules
from state.types import Timestamp

CLOCKS = ClockRules(duration=1_000, extension=100)
DEPTH = 8


def test_elapsed_adds_what_the_grandparents_side_had_used():
    assert CLOCKS.elapsed(300, Timestamp(5_000), Timestamp(5_050)) == 350


def test_elapsed_never_exceeds_the_duration():
    assert CLOCKS.elapsed(300, Timestamp(5_000), Timestamp(5_699)) == 999
    assert CLOCKS.elapsed(300, Timestamp(5_000), Timestamp(5_700)) == 1_000
    assert CLOCKS.elapsed(300, Timestamp(5_000), Timestamp(9_000)) == 1_000


@pytest.mark.parametrize("elapsed", [0, 899, 900])
def test_move_before_the_extension_threshold_keeps_its_clock(elapsed: int):
    assert CLOCKS.used_after_move(elapsed, 1, DEPTH) == elapsed


@pytest.mark.parametrize("elapsed", [901, 999])
def test_last_second_move_gets_the_extension(elapsed: int):
    assert CLOCKS.used_after_move(elapsed, 1, DEPTH) == 900


@pytest.mark.parametrize(("elapsed", "used"), [(800, 800), (801, 800), (999, 800)])
def test_move_above_the_leaves_gets_twice_the_extension(elapsed: int, used: int):
    assert CLOCKS.used_after_move(elapsed, DEPTH - 1, DEPTH) == used


def test_move_to_a_leaf_gets_one_extension():
    assert CLOCKS.used_after_move(999, DEPTH, DEPTH) == 900


@pytest.mark.parametrize(("duration", "extension"), [(100, 51), (101, 51), (100, -1)])
def test_clock_that_its_extensions_do_not_fit_is_refused(duration: int, extension: int):
    with pytest.raises(ValueError):
        ClockRules(duration, extension)
