"""Work that goes on side by side, and ends together."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from state.errors import Unavailable

T = TypeVar("T")


async def run_all(*loops: Coroutine[Any, Any, None]) -> None:
    """Run loops until cancelled; the first error ends all of them and is raised.

    Nothing of them runs any more when this returns. `asyncio.gather` would leave as soon as the
    first one has ended, and whoever waits for it would close the loop under the others.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for loop in loops:
                group.create_task(loop)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def first_found(
    asks: Iterable[Callable[[], Coroutine[Any, Any, T]]], patience_seconds: float
) -> T | None:
    """The first true answer; whoever is slower than our patience has the next one asked beside it.

    None when everybody was asked and had nothing, or was `Unavailable`.
    """
    waiting = list(asks)
    asked: set[asyncio.Task[T]] = set()
    try:
        while waiting or asked:
            if waiting:
                asked.add(asyncio.create_task(waiting.pop(0)()))
            patience = patience_seconds if waiting else None
            done, asked = await asyncio.wait(
                asked, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            found = [answer for answer in map(_answer, done) if answer]
            if found:
                return found[0]
        return None
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


def _answer(task: asyncio.Task[T]) -> T | None:
    try:
        return task.result()
    except Unavailable:
        return None
