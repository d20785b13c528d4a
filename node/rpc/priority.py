"""Calls that are being answered go before contracts that are executed meanwhile."""

from collections.abc import Coroutine, Generator
from functools import partial
from types import coroutine as awaitable
from typing import Any, TypeVar

from execution.evm.lanes import BUILDING, SIMULATING, pressing

T = TypeVar("T")


@awaitable
def answered_first(work: Coroutine[Any, Any, T]) -> Generator[Any, None, T]:
    """Await `work`; executions give way while it computes, and not while it waits."""
    go_on = partial(work.send, None)
    while True:
        try:
            with pressing(BUILDING, SIMULATING):
                awaited = go_on()
        except StopIteration as done:
            result: T = done.value
            return result
        try:
            yield awaited
        except BaseException as error:  # noqa: BLE001 - a cancellation is the work's to handle
            go_on = partial(work.throw, error)
        else:
            go_on = partial(work.send, None)
