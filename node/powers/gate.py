"""Keeps calls away from a chain while it is closed and another state of it is opened.

A call waits until the chain is open again and is then answered by the new one, so that a client
that asks during a revert never learns of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from node.powers.limits import DRAIN_SECONDS_MAX
from node.rpc.dispatch import Method


class Gate:
    """For the event loop."""

    def __init__(self) -> None:
        self._methods: Mapping[str, Method] = {}
        self._open = asyncio.Event()
        self._idle = asyncio.Event()
        self._inside = 0

    def open(
        self, methods: Mapping[str, Method], ungated: frozenset[str] = frozenset()
    ) -> dict[str, Method]:
        """Let calls in to `methods`; what a dispatcher is to hold instead of them.

        Those named in `ungated` touch no chain, and may themselves be what closes the gate.
        """
        self._methods = methods
        self._open.set()
        return {
            name: method if name in ungated else replace(method, handler=self._gated(name))
            for name, method in methods.items()
        }

    async def close(self) -> None:
        """Let nobody in any more, and those inside finish, within a limit."""
        self._open.clear()
        self._idle.clear()
        if self._inside:
            try:
                async with asyncio.timeout(DRAIN_SECONDS_MAX):
                    await self._idle.wait()
            except TimeoutError:
                return

    def _gated(self, name: str) -> Callable[..., Awaitable[object]]:
        async def call(*arguments: Any) -> object:
            await self._open.wait()
            self._inside += 1
            try:
                return await self._methods[name].handler(*arguments)
            finally:
                self._inside -= 1
                if not self._inside:
                    self._idle.set()

        return call
