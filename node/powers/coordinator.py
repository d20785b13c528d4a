"""The devnet's end: one clock for both layers, snapshots of both, and blocks when they are wanted.

It runs in the process that starts the nodes. Any node passes a call of its JSON-RPC on to here with
the layer that it was made on; one call is served at a time, and to its end, even if the node that
passed it on is gone by then.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

from genesis.config import Layer
from node.powers.channel import Channel, Handler
from node.powers.controlled import ControlledNode
from node.powers.copies import Copies
from node.powers.errors import ChannelClosed, PowerRefused
from node.powers.foreign_l1 import ForeignL1
from node.powers.limits import MINED_BLOCKS_MAX, SKIP_UNSETTLED_SECONDS_MAX
from node.powers.settling import between_batches
from node.powers.shared_clock import SharedClock, check_offset
from state.clock import Clock

log = logging.getLogger("tallystick.powers")


class Coordinator:
    """The powers of one devnet. Every method is for the event loop."""

    def __init__(
        self,
        data_dir: Path,
        nodes: Iterable[ControlledNode],
        clock: Clock,
        *,
        block_seconds: dict[Layer, float],
        foreign_l1: ForeignL1 | None = None,
        is_sandbox: bool = False,
    ) -> None:
        """Take up the clock and the snapshots of an earlier run. Raises `InvalidSettings`."""
        self._nodes = {node.name: node for node in nodes}
        self._clock = SharedClock(clock, data_dir)
        self._paces: dict[Layer, tuple[float | None, bool]] = {
            layer: (seconds, False) for layer, seconds in block_seconds.items()
        }
        self._foreign_l1 = foreign_l1
        self._is_sandbox = is_sandbox
        self._turn = asyncio.Lock()
        self.copies = Copies(data_dir, self._nodes, self._clock, foreign_l1)

    # Nodes

    async def connect(self, name: str, end: socket.socket) -> None:
        """A process of that node was started, with the other end of `end` as its input."""
        node = self._nodes[name]
        node.opened.clear()
        node.channel = await Channel.over(end, self._handlers(node))

    async def close(self) -> None:
        """End all channels."""
        for node in self._nodes.values():
            if node.channel is not None:
                await node.channel.close()

    def _handlers(self, node: ControlledNode) -> dict[str, Handler]:
        powers: dict[str, Handler] = {
            "increase_time": self.increase_time,
            "set_next_timestamp": self.set_next_timestamp,
            "mine": self.mine,
            "set_pace": self.set_pace,
            "pace": self.pace,
            "drop": self.drop,
            "rollback": self.rollback,
            "reorg": self.reorg,
            "edit": self.edit,
            "pose": self.pose,
        }
        of_layer = {name: partial(power, node.layer) for name, power in powers.items()}
        of_both: dict[str, Handler] = {
            "snapshot": self.copies.snapshot,
            "snapshots": self.copies.snapshots,
            "revert": self.copies.revert,
            "reset": self.copies.reset,
            "dump": self.copies.dump,
            "load": self.copies.load,
        }
        return {
            **{name: partial(self._served, power) for name, power in (of_layer | of_both).items()},
            "hello": partial(self._hello, node),
            "opened": partial(self._opened, node),
        }

    async def _served(self, power: Handler, **arguments: Any) -> Any:
        """One power at a time, and to its end though the asker may be gone."""

        async def use() -> Any:
            async with self._turn:
                return await power(**arguments)

        return await asyncio.shield(asyncio.create_task(use()))

    async def _hello(self, node: ControlledNode) -> dict[str, Any]:
        """What a process needs to know before it opens its chain."""
        await node.may_open.wait()
        restoring = self.copies.restoring
        return {
            "offset": self._clock.offset_seconds,
            "pace": self._paces[node.layer],
            "restore": None if restoring is None else str(restoring.of(node.name).resolve()),
        }

    async def _opened(self, node: ControlledNode) -> None:
        """A node has its chain open."""
        node.opened.set()

    def _maker(self, layer: Layer) -> ControlledNode:
        for node in self._nodes.values():
            if node.layer is layer and node.makes_blocks:
                return node
        raise PowerRefused("this L1 is not the devnet's own: ask it directly")

    # The clock

    async def increase_time(self, layer: Layer, seconds: int) -> int:
        """Skip time on both layers; answers how far ahead the clock is, in seconds."""
        await self._advance(self._clock.offset_seconds + seconds)
        return self._clock.offset_seconds

    async def set_next_timestamp(self, layer: Layer, timestamp: int) -> None:
        """Give the next block of a layer an exact time; the clock goes on from there."""
        offset = self._clock.offset_at(timestamp)
        check_offset(offset)
        await self._check_follows(layer, timestamp)
        if offset - self._clock.offset_seconds > SKIP_UNSETTLED_SECONDS_MAX:
            async with self._between_batches():
                pass
        await self._skip(offset, layer, timestamp, is_exact=True)

    async def _check_follows(self, layer: Layer, timestamp: int) -> None:
        head = (await self._maker(layer).request("heads"))["timestamp"]
        if timestamp <= head:
            raise PowerRefused(
                f"Timestamp error: {timestamp} is not after the previous block's timestamp, {head}"
            )

    async def _advance(self, offset: int) -> None:
        """Move the clock of all nodes forward, and take back nothing that L2 has told."""
        check_offset(offset)
        if offset - self._clock.offset_seconds <= SKIP_UNSETTLED_SECONDS_MAX:
            await self._skip(offset)
            return
        async with self._between_batches():
            await self._skip(offset)

    def _between_batches(self) -> AbstractAsyncContextManager[None]:
        l1 = self._foreign_l1 or self._maker(Layer.L1)
        return between_batches(self._maker(Layer.L2), l1)

    async def _skip(
        self,
        offset: int,
        layer: Layer | None = None,
        timestamp: int | None = None,
        *,
        is_exact: bool = False,
    ) -> None:
        """Move the clock of all nodes forward, L1's first; the next block of `layer` gets a time,
        or a later one where a block came meanwhile and it need not be exact.

        That is told with the move, so that no block comes between both.
        """
        skipped = offset - self._clock.offset_seconds
        if self._foreign_l1 is not None and skipped > 0:
            await self._foreign_l1.skip(skipped)
        self._clock.move(offset)
        for node in sorted(self._nodes.values(), key=lambda one: one.layer):
            pin = timestamp if node.makes_blocks and node.layer is layer else None
            # One that starts at the moment is told by "hello".
            with contextlib.suppress(ChannelClosed):
                await node.request("clock", offset=offset, pin=pin, is_exact=is_exact)
        if skipped:
            log.info("%d s are skipped; the clock is %d s ahead", skipped, offset)

    # Mining

    async def mine(
        self, layer: Layer, blocks: int = 1, interval: int = 0, timestamp: int | None = None
    ) -> None:
        """Make blocks of a layer now; with many of them the clock of both layers runs ahead."""
        if blocks > MINED_BLOCKS_MAX:
            raise PowerRefused(
                f"one call mines at most {MINED_BLOCKS_MAX} blocks; to let time pass, use"
                " evm_increaseTime"
            )
        check_offset(self._clock.offset_seconds + blocks * interval)
        maker, span = self._maker(layer), blocks * interval
        if timestamp is not None:
            await self.set_next_timestamp(layer, timestamp)
        if span > SKIP_UNSETTLED_SECONDS_MAX:
            async with self._between_batches():
                pass
        if layer is Layer.L2 and span:
            # L1 goes first: it takes no batch from a time that it has not come to.
            await self._skip(self._clock.offset_seconds + span, layer, self._clock.now())
        mined = await maker.request("mine", blocks=blocks, interval=interval)
        await self._skip(max(self._clock.offset_seconds, mined["offset"]))

    async def set_pace(
        self, layer: Layer, interval: float | None = None, automine: bool = False
    ) -> None:
        """When a layer makes blocks: every `interval` seconds, and for each transaction or not."""
        await self._maker(layer).request("pace", interval=interval, automine=automine)
        self._paces[layer] = (interval, automine)

    async def pace(self, layer: Layer) -> dict[str, Any]:
        """When a layer makes blocks."""
        self._maker(layer)
        interval, automine = self._paces[layer]
        return {"interval": interval, "automine": automine}

    async def drop(
        self, layer: Layer, transaction: str | None = None, sender: str | None = None
    ) -> list[str]:
        """Take transactions out of a layer's pool; the hashes of those that were there."""
        dropped: list[str] = await self._maker(layer).request(
            "drop", transaction=transaction, sender=sender
        )
        return dropped

    # Reorgs

    async def rollback(self, layer: Layer, depth: int) -> None:
        """Take a layer's newest blocks back, and forget what they held."""
        await self._maker(layer).request("rewind", depth=depth, keeps_transactions=False)

    async def reorg(self, layer: Layer, depth: int) -> None:
        """Replace a layer's newest blocks by as many others, which hold what these held.

        They are dated after those they replace: at the same times they might be the same blocks.
        """
        maker = self._maker(layer)
        head = (await maker.request("heads"))["timestamp"]
        await self._advance(max(self._clock.offset_seconds, self._clock.offset_at(head + 1)))
        await maker.request("rewind", depth=depth, keeps_transactions=True)
        await self.mine(layer, depth)

    # The sandbox

    async def edit(
        self,
        layer: Layer,
        address: str,
        balance: str | None = None,
        nonce: str | None = None,
        code: str | None = None,
        slots: dict[str, str] | None = None,
    ) -> None:
        """Change an account of a layer, in a block that is made for it."""
        self._check_sandbox()
        await self._maker(layer).request(
            "edit", address=address, balance=balance, nonce=nonce, code=code, slots=slots or {}
        )

    async def pose(self, layer: Layer, address: str | None, enabled: bool) -> None:
        """Let an account of a layer, or every one, be sent for without a signature; or not."""
        self._check_sandbox()
        await self._maker(layer).request("pose", address=address, enabled=enabled)

    def _check_sandbox(self) -> None:
        if not self._is_sandbox:
            raise PowerRefused("this devnet is no sandbox")
