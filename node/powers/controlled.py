"""A node as the devnet's coordinator sees it: a channel that comes and goes with its process."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genesis.config import Layer
from node.limits import CHILD_START_SECONDS_MAX
from node.powers.channel import Channel
from node.powers.errors import ChannelClosed, PowerUnavailable


@dataclass(slots=True)
class ControlledNode:
    """One node of the devnet, over all the processes that it lives through."""

    name: str
    folder: Path
    layer: Layer
    makes_blocks: bool = False
    channel: Channel | None = None
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while its chain is open."""
    may_open: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared while another state is put into its folder."""
    closed: Channel | None = None
    """To the process that has closed its chain and waits to be told how to go on."""

    def __post_init__(self) -> None:
        self.may_open.set()

    async def request(self, name: str, /, **arguments: Any) -> Any:
        """Ask the running process. Raises as `Channel.request` does."""
        if self.channel is None:
            raise ChannelClosed(f"the {self.name} is not there; try again")
        return await self.channel.request(name, **arguments)

    async def close(self) -> None:
        """Have the chain closed; that of a process that dies meanwhile is."""
        self.may_open.clear()
        self.closed, channel = None, self.channel
        with contextlib.suppress(ChannelClosed):
            await self.request("close")
            self.closed = channel
        self.opened.clear()

    async def reopen(self, copy: Path, offset: int) -> None:
        """Have the chain opened as it was when `copy` was taken.

        A process that died meanwhile is told when it starts again (`Coordinator`, "hello"). Raises
        `PowerUnavailable`.
        """
        self.may_open.set()
        if self.closed is not None and self.closed is self.channel:
            with contextlib.suppress(ChannelClosed):
                await self.request("reopen", folder=str(copy.resolve()), offset=offset)
        await self.wait_opened()

    async def wait_opened(self) -> None:
        """Wait until the chain is open. Raises `PowerUnavailable`."""
        try:
            async with asyncio.timeout(CHILD_START_SECONDS_MAX):
                await self.opened.wait()
        except TimeoutError:
            raise PowerUnavailable(f"the {self.name} did not come back; its log says why") from None
