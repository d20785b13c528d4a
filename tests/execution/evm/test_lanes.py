"""Executions that give way to what is more pressing, and get done all the same."""

from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet

import pytest

from execution.evm import lanes
from execution.evm.engine import Outcome
from execution.evm.lanes import BUILDING, SIMULATING, Lane, lane_here, pressing
from execution.evm.threads import DeepExecutor, run_deep
from state.types import Gas
from tests.execution.evm.world import World

A_MOMENT = 0.3
"""For an execution of microseconds to be seen not to end."""


def start(executor: DeepExecutor) -> "Future[Outcome]":
    """Execute a jump in a thread of the executor."""
    return executor.submit(World().run, "6003565b00")


@pytest.fixture
def no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits does so to the end."""
    monkeypatch.setattr(lanes, "LANE_WAIT_SECONDS_MAX", 60.0)


@pytest.mark.usefixtures("no_turns")
def test_execution_waits_while_its_lane_is_held_and_goes_on_then() -> None:
    with DeepExecutor(1, SIMULATING) as executor:
        with pressing(SIMULATING):
            outcome = start(executor)
            with pytest.raises(NotYet):
                outcome.result(A_MOMENT)
        assert outcome.result(30).succeeded


@pytest.mark.usefixtures("no_turns")
def test_execution_in_another_lane_does_not_wait() -> None:
    with DeepExecutor(1, BUILDING) as executor, pressing(SIMULATING):
        assert start(executor).result(30).succeeded


def test_execution_that_is_always_overtaken_gets_done() -> None:
    with DeepExecutor(1, SIMULATING) as executor, pressing(SIMULATING):
        assert start(executor).result(30).succeeded


def test_executions_take_turns_so_that_a_short_one_passes_a_long_one() -> None:
    endless = "5b5f56"

    def run(code: str, gas: int) -> Outcome:
        with SIMULATING.turns():
            return World().run(code, gas=Gas(gas))

    with DeepExecutor(2, SIMULATING) as executor:
        long = executor.submit(run, endless, 5_000_000)
        assert executor.submit(run, "6003565b00", 50_000).result(60).succeeded
        assert not long.done()
        assert not long.result(60).succeeded


def test_lane_held_twice_is_free_after_the_second_release() -> None:
    lane = Lane()
    with pressing(lane):
        with pressing(lane):
            assert lane.is_busy
        assert lane.is_busy
    assert not lane.is_busy


def test_deep_thread_stays_in_the_lane_of_the_one_that_started_it() -> None:
    with DeepExecutor(1, SIMULATING) as executor:
        assert executor.submit(run_deep, lane_here).result() is SIMULATING
    assert run_deep(lane_here) is lanes.OPEN
