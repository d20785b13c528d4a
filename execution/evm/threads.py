"""Threads in which 1,024 nested calls fit.

A call of the EVM is half a dozen Python calls. Python counts them against its recursion limit, and
the few that pass through C take real stack, more than the eight megabytes a thread usually has.
"""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from execution.evm.lanes import OPEN, Lane, join_lane, lane_here
from execution.evm.limits import DEEP_STACK_BYTES, RECURSION_LIMIT

P = ParamSpec("P")
T = TypeVar("T")

if sys.getrecursionlimit() < RECURSION_LIMIT:
    # For the whole process, once: Python has no limit of a thread's own.
    sys.setrecursionlimit(RECURSION_LIMIT)

_local = threading.local()
_starting = threading.Lock()


def run_deep(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call `function` where deep recursion is safe: here, if this thread is deep, else in another.

    Returns what it returns and raises what it raises; the caller waits.
    """
    if getattr(_local, "deep", False):
        return function(*args, **kwargs)
    future: Future[T] = Future()
    start_deep(_settle, future, function, args, kwargs).join()
    return future.result()


def start_deep(function: Callable[..., None], *args: Any) -> threading.Thread:
    """Start a daemon thread with a deep stack; everything `run_deep` in it stays in it.

    It goes on in the lane of this one.
    """
    thread = threading.Thread(
        target=_deep, args=(lane_here(), function, args), name="evm", daemon=True
    )
    with _starting:
        before = threading.stack_size(DEEP_STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(before)
    return thread


class DeepExecutor(ThreadPoolExecutor):
    """A pool of deep threads, for servers that run many transactions."""

    def __init__(self, workers: int, lane: Lane = OPEN) -> None:
        """What they execute runs in `lane`."""
        super().__init__(
            workers, thread_name_prefix="evm", initializer=_become_deep, initargs=(lane,)
        )

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """As `Executor.submit`; threads started by it get the deep stack."""
        with _starting:
            before = threading.stack_size(DEEP_STACK_BYTES)
            try:
                return super().submit(fn, *args, **kwargs)
            finally:
                threading.stack_size(before)


def _deep(lane: Lane, function: Callable[..., None], args: tuple[Any, ...]) -> None:
    _become_deep(lane)
    function(*args)


def _become_deep(lane: Lane) -> None:
    _local.deep = True
    join_lane(lane)


def _settle(
    future: "Future[T]", function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    try:
        future.set_result(function(*args, **kwargs))
    except BaseException as error:  # noqa: BLE001 - handed over whole to the waiting thread
        future.set_exception(error)
