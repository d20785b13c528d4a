"""Answering a call holds the lanes of executions while it computes, and not while it waits."""

import asyncio

import pytest

from execution.evm.lanes import BUILDING, SIMULATING
from node.rpc.priority import answered_first

pytestmark = pytest.mark.anyio


def held() -> tuple[bool, bool]:
    return BUILDING.is_busy, SIMULATING.is_busy


async def test_lanes_are_held_while_it_computes_and_free_while_it_waits() -> None:
    event, seen = asyncio.Event(), []

    async def answer() -> str:
        seen.append(held())
        await event.wait()
        seen.append(held())
        return "answer"

    task = asyncio.create_task(answered_first(answer()))
    await asyncio.sleep(0)
    assert held() == (False, False)
    event.set()
    assert await task == "answer"
    assert seen == [(True, True), (True, True)]
    assert held() == (False, False)


async def test_error_is_passed_on_and_lanes_are_free() -> None:
    async def answer() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await answered_first(answer())
    assert held() == (False, False)


async def test_cancellation_reaches_the_work_which_may_end_in_order() -> None:
    ended = []

    async def answer() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(held())

    task = asyncio.create_task(answered_first(answer()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [(True, True)]
    assert held() == (False, False)
