"""Loops that end together, and peers asked one beside the other."""

import asyncio

import pytest

from node.p2p.errors import PeerUnavailable
from node.p2p.loops import first_found, run_all

PATIENT = 60.0
IMPATIENT = 0.001


async def never() -> None:
    await asyncio.Event().wait()


def test_run_all_cancelled_returns_when_the_slowest_has_ended() -> None:
    async def story() -> None:
        started, may_end = asyncio.Event(), asyncio.Event()
        ended: list[str] = []

        async def slow_to_leave() -> None:
            try:
                started.set()
                await never()
            finally:
                await may_end.wait()
                ended.append("slow")

        running = asyncio.create_task(run_all(never(), slow_to_leave()))
        await started.wait()
        running.cancel()
        asyncio.get_running_loop().call_later(0.01, may_end.set)
        with pytest.raises(asyncio.CancelledError):
            await running
        assert ended == ["slow"]

    asyncio.run(story())


def test_run_all_raises_the_error_of_one_itself() -> None:
    async def broken() -> None:
        raise PeerUnavailable("gone")

    with pytest.raises(PeerUnavailable, match="gone"):
        asyncio.run(run_all(never(), broken()))


def test_first_found_stalled_peer_has_the_next_one_asked() -> None:
    async def stalled() -> list[int]:
        await never()
        return []

    async def honest() -> list[int]:
        return [1]

    found = asyncio.run(asyncio.wait_for(first_found([stalled, honest], IMPATIENT), PATIENT))
    assert found == [1]


def test_first_found_asks_the_next_at_once_when_one_has_nothing() -> None:
    async def gone() -> list[int]:
        raise PeerUnavailable("gone")

    async def empty() -> list[int]:
        return []

    async def honest() -> list[int]:
        return [2]

    async def story() -> None:
        assert await first_found([gone, empty, honest], PATIENT) == [2]
        assert await first_found([gone, empty], PATIENT) is None

    asyncio.run(asyncio.wait_for(story(), PATIENT / 2))
