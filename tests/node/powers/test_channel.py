"""Requests and answers between two processes of a devnet."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from node.powers.channel import Channel, Handler
from node.powers.errors import ChannelClosed, PowerRefused, PowerUnavailable

pytestmark = pytest.mark.anyio


async def _double(number: int) -> int:
    return 2 * number


async def _refuse() -> None:
    raise PowerRefused("not that")


async def _break() -> None:
    raise KeyError("inside")


HANDLERS: dict[str, Handler] = {"double": _double, "refuse": _refuse, "break": _break}


@asynccontextmanager
async def pair(handlers: dict[str, Any] = HANDLERS) -> AsyncIterator[tuple[Channel, Channel]]:
    ours, its = socket.socketpair()
    one, other = await Channel.over(ours, handlers), await Channel.over(its, handlers)
    try:
        yield one, other
    finally:
        await one.close()
        await other.close()


async def test_requests_answered_in_both_directions() -> None:
    async with pair() as (one, other):
        assert await asyncio.gather(
            one.request("double", number=1), other.request("double", number=2)
        ) == [2, 4]


async def test_errors_travel_by_their_family() -> None:
    async with pair() as (one, _):
        with pytest.raises(PowerRefused, match="not that"):
            await one.request("refuse")
        with pytest.raises(PowerUnavailable, match="inside"):
            await one.request("break")
        with pytest.raises(PowerRefused, match="no request 'other'"):
            await one.request("other")


async def test_other_end_gone_ends_the_wait() -> None:
    asked = asyncio.Event()

    async def never() -> None:
        asked.set()
        await asyncio.Event().wait()

    async with pair({"never": never}) as (one, other):
        waiting = asyncio.create_task(one.request("never"))
        await asked.wait()
        await other.close()

        with pytest.raises(ChannelClosed):
            await waiting
        with pytest.raises(ChannelClosed):
            await one.request("never")


async def test_line_that_is_no_message_closes_the_channel() -> None:
    ours, its = socket.socketpair()
    channel = await Channel.over(ours, HANDLERS)
    with its:
        its.sendall(b"{nonsense}\n")
        await channel.closed.wait()
    await channel.close()
