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
from functools import partial
from pathlib import Path
from typing import Any

from genesis.config import Layer
from node.powers import checkpoint
from node.powers.channel import Channel, Handler
from node.powers.clock_file import read_offset, write_offset
from node.powers.controlled import ControlledNode
from node.powers.errors import ChannelClosed, PowerRefused, PowerUnavailable
from node.powers.foreign_l1 import ForeignL1
from node.powers.limits import (
    FREEZE_SECONDS_MAX,
    MINED_BLOCKS_MAX,
    OFFSET_SECONDS_MAX,
)
from node.powers.snapshots import START, Snapshot, Snapshots
from node.settings import Role
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
        self._data_dir = data_dir
        self._nodes = {node.name: node for node in nodes}
        self._clock = clock
        self._paces: dict[Layer, tuple[float | None, bool]] = {
            layer: (seconds, False) for layer, seconds in block_seconds.items()
        }
        self._foreign_l1 = foreign_l1
        self._is_sandbox = is_sandbox
        self._offset = read_offset(data_dir)
        self._snapshots = Snapshots(data_dir)
        self._restoring: Snapshot | None = None
        self._turn = asyncio.Lock()

    async def finish_restoring(self) -> None:
        """Complete a revert that a crash cut off, before any node runs."""
        snapshot = self._snapshots.restoring()
        if snapshot is None:
            return
        log.info("going back to snapshot %s, as was begun", snapshot.name)
        for node in self._nodes.values():
            node.folder.mkdir(parents=True, exist_ok=True)
            checkpoint.put_back(snapshot.of(node.name), node.folder)
        if self._foreign_l1 is not None and snapshot.l1_snapshot is not None:
            await self._foreign_l1.revert(snapshot.l1_snapshot)
        self._set_offset(snapshot.time - self._clock.now())
        self._snapshots.finish(snapshot)

    async def keep_start(self) -> None:
        """Keep the devnet as it is when it is first ready, for `reset`."""
        if self._snapshots.get(START) is not None:
            return
        async with self._turn:
            try:
                await self._take(START)
            except (PowerRefused, PowerUnavailable) as error:
                log.warning("this devnet can't be reset, nor go back to snapshots: %s", error)

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
            "snapshot": self.snapshot,
            "revert": self.revert,
            "reset": self.reset,
            "drop": self.drop,
            "rollback": self.rollback,
            "reorg": self.reorg,
            "snapshots": self.snapshots,
            "edit": self.edit,
            "pose": self.pose,
        }
        return {
            **{
                name: partial(self._served, partial(power, node.layer))
                for name, power in powers.items()
            },
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
        restoring = self._restoring
        return {
            "offset": self._offset,
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
        if self._offset + seconds > OFFSET_SECONDS_MAX:
            raise PowerRefused(f"the clock can be ahead by at most {OFFSET_SECONDS_MAX} s")
        await self._advance(self._offset + seconds)
        return self._offset

    async def set_next_timestamp(self, layer: Layer, timestamp: int) -> None:
        """Give the next block of a layer an exact time; the clock goes on from there."""
        await self._move_to(layer, timestamp)
        await self._maker(layer).request("clock", offset=self._offset, pin=timestamp)

    async def _move_to(self, layer: Layer, timestamp: int) -> None:
        """Have the clock of all nodes at a time that the next block of a layer can have."""
        head = (await self._maker(layer).request("heads"))["timestamp"]
        if timestamp <= head:
            raise PowerRefused(
                f"Timestamp error: {timestamp} is not after the previous block's timestamp, {head}"
            )
        ahead = timestamp - self._clock.now()
        if ahead > OFFSET_SECONDS_MAX:
            raise PowerRefused(f"the clock can be ahead by at most {OFFSET_SECONDS_MAX} s")
        await self._advance(max(self._offset, ahead))

    async def _advance(self, offset: int) -> None:
        """Move the clock of all nodes forward, L1's first: no block of L2 may be ahead of L1."""
        skipped, before = offset - self._offset, self._offset
        if self._foreign_l1 is not None and skipped > 0:
            await self._foreign_l1.skip(skipped)
        self._set_offset(offset)
        for node in sorted(self._nodes.values(), key=lambda one: one.layer):
            # One that starts at the moment is told by "hello".
            with contextlib.suppress(ChannelClosed):
                await node.request("clock", offset=offset, pin=None)
        if skipped:
            log.info("the clock is %d s ahead, from %d s", offset, before)

    def _set_offset(self, offset: int) -> None:
        write_offset(self._data_dir, offset)
        self._offset = offset

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
        if blocks * interval > OFFSET_SECONDS_MAX - self._offset:
            raise PowerRefused(f"the clock can be ahead by at most {OFFSET_SECONDS_MAX} s")
        if timestamp is not None:
            await self._move_to(layer, timestamp)
        mined = await self._maker(layer).request(
            "mine", blocks=blocks, interval=interval, timestamp=timestamp
        )
        await self._advance(max(self._offset, mined["offset"]))

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
        """Replace a layer's newest blocks by as many others, which hold what these held."""
        maker = self._maker(layer)
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

    # Snapshots

    async def snapshot(self, layer: Layer) -> int:
        """Keep both layers as they are now; the snapshot's number."""
        return int((await self._take()).name)

    async def snapshots(self, layer: Layer) -> list[int]:
        """The numbers of the snapshots there are."""
        return self._snapshots.numbers()

    async def revert(self, layer: Layer, number: int) -> bool:
        """Put both layers back; the snapshot and those after it are used up. False without it."""
        snapshot = self._snapshots.get(str(number))
        if snapshot is None:
            return False
        await self._restore(snapshot)
        return True

    async def reset(self, layer: Layer) -> None:
        """Put both layers back to when the devnet was first ready."""
        start = self._snapshots.get(START)
        if start is None:
            raise PowerRefused("this devnet kept no start to go back to: begin anew with --reset")
        await self._restore(start)
        if self._foreign_l1 is not None:
            await self._take(START)

    async def _take(self, name: str | None = None) -> Snapshot:
        """Copy all nodes' folders while none of them writes.

        Raises `PowerRefused` where replicas would hold the sequencer to what it then takes back.
        """
        if any(node.name.startswith(Role.REPLICA) for node in self._nodes.values()):
            raise PowerRefused(
                "replicas hold the sequencer to the blocks that it signed, so that it can't go"
                " back: start the devnet without --replicas"
            )
        place = self._snapshots.new(name)
        nodes = tuple(self._nodes.values())
        began = self._clock.monotonic()
        try:
            await asyncio.gather(*(node.wait_opened() for node in nodes))
            await asyncio.gather(*(node.request("freeze") for node in nodes))
            time = self._clock.now() + self._offset
            await asyncio.gather(
                *(node.request("save", folder=str((place / node.name).resolve())) for node in nodes)
            )
            foreign = self._foreign_l1
            l1_snapshot = None if foreign is None else await foreign.snapshot()
            if self._clock.monotonic() - began > FREEZE_SECONDS_MAX / 2:
                raise PowerUnavailable("the snapshot took too long; try again")
        except BaseException:
            self._snapshots.drop(place)
            raise
        finally:
            await asyncio.gather(
                *(node.request("unfreeze") for node in nodes), return_exceptions=True
            )
        return self._snapshots.keep(place, time, l1_snapshot)

    async def _restore(self, snapshot: Snapshot) -> None:
        """Have all nodes closed, L1 put back, and then L2: nobody sees one without the other."""
        nodes = tuple(self._nodes.values())
        self._snapshots.begin(snapshot)
        self._restoring = snapshot
        await asyncio.gather(*(node.close() for node in nodes))
        self._set_offset(snapshot.time - self._clock.now())
        await self._restore_foreign_l1(snapshot)
        for layer in (Layer.L1, Layer.L2):
            await asyncio.gather(
                *(
                    node.reopen(snapshot.of(node.name), self._offset)
                    for node in nodes
                    if node.layer is layer
                )
            )
        self._restoring = None
        self._snapshots.finish(snapshot)
        log.info("went back to snapshot %s", snapshot.name)

    async def _restore_foreign_l1(self, snapshot: Snapshot) -> None:
        """Raises `PowerRefused` where the L1 has forgotten; the devnet needs `--reset` then."""
        if self._foreign_l1 is None or snapshot.l1_snapshot is None:
            return
        if not await self._foreign_l1.revert(snapshot.l1_snapshot):
            raise PowerRefused(
                f"the L1 has no snapshot {snapshot.l1_snapshot} any more, and L2 can't go back"
                " without it: begin anew with --reset"
            )
