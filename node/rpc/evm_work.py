"""The threads in which simulations run."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

from execution.evm.lanes import SIMULATING
from node import limits
from node.rpc.errors import LimitExceeded

P = ParamSpec("P")
T = TypeVar("T")


class EvmWork:
    """Runs simulations in deep-stack threads: so many in turns, so many waiting, for so long.

    A simulation can't be interrupted; one that takes too long is answered with an error, and its
    thread becomes free when the gas cap ends it.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Simulations in the works or waiting."""
        return self._waiting

    def close(self) -> None:
        """Begin nothing more; what is under way ends by its gas cap."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in one of the threads. Raises what it raises, or `LimitExceeded`."""
        if self._waiting >= limits.RPC_CALLS_WAITING_MAX:
            raise LimitExceeded("too many calls at once: try again in a moment")
        self._waiting += 1
        try:
            future = self._executor.submit(_in_turns, partial(work, *args, **kwargs))
            async with asyncio.timeout(limits.RPC_CALL_SECONDS_MAX):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise LimitExceeded(
                f"the call took longer than {limits.RPC_CALL_SECONDS_MAX:.0f} s: give it less gas"
            ) from None
        finally:
            self._waiting -= 1


def _in_turns(work: Callable[[], T]) -> T:
    with SIMULATING.turns():
        return work()
