"""When the next block is due."""

import asyncio

import pytest

from node.roles.pace import Pace

pytestmark = pytest.mark.anyio

LONG = 3600.0


async def is_due(pace: Pace) -> bool:
    """Whether a block is due by now, all that is ready having run."""
    waiting = asyncio.create_task(pace.wait())
    for _ in range(5):
        await asyncio.sleep(0)
    if waiting.done():
        return True
    waiting.cancel()
    return False


async def test_interval_first_block_at_once_and_the_next_later() -> None:
    pace = Pace(LONG)
    await asyncio.wait_for(pace.wait(), 10)
    assert not await is_due(pace)


async def test_no_interval_nothing_comes_by_itself() -> None:
    pace = Pace(None)
    assert not await is_due(pace)
    pace.transaction_waits()
    assert not await is_due(pace)


async def test_automine_a_transaction_is_enough() -> None:
    pace = Pace(LONG)
    pace.set(interval_seconds=None, automine=True)
    assert not await is_due(pace)
    pace.transaction_waits()
    assert await is_due(pace)
    assert not await is_due(pace)


async def test_mode_changed_while_waiting_counts_at_once() -> None:
    pace = Pace(None)
    waiting = asyncio.create_task(pace.wait())
    await asyncio.sleep(0)
    pace.set(interval_seconds=0.001, automine=False)
    await asyncio.wait_for(waiting, 10)


@pytest.mark.parametrize(("interval", "automine"), [(2.5, False), (None, True), (None, False)])
async def test_mode_is_told(interval: float | None, automine: bool) -> None:
    pace = Pace(LONG)
    pace.set(interval_seconds=interval, automine=automine)
    assert (pace.interval_seconds, pace.automine) == (interval, automine)
