"""Both layers kept and put back: copies of all nodes' folders, as snapshots and as dumps.

docs/adr/0006-devnet-snapshots.md says why it is done so, and what a kill in the middle leaves.
"""

import asyncio
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from genesis.config import Layer
from node.devnet_nodes import DEPLOYMENT
from node.powers import checkpoint, dump
from node.powers.controlled import ControlledNode
from node.powers.errors import PowerRefused, PowerUnavailable
from node.powers.foreign_l1 import ForeignL1
from node.powers.limits import DUMP_ANSWER_BYTES_MAX, FREEZE_SECONDS_MAX
from node.powers.shared_clock import SharedClock
from node.powers.snapshots import LOADED, START, Snapshot, Snapshots
from node.settings import Role
from state.files import write_atomically

log = logging.getLogger("tallystick.powers")

_UNNAMED: Final = "unnamed"
"""The dump that is an answer, or came with a call; and the snapshot that it is made of."""


class Copies:
    """The copies of one devnet. Every method is for the event loop, one at a time."""

    def __init__(
        self,
        data_dir: Path,
        nodes: Mapping[str, ControlledNode],
        clock: SharedClock,
        foreign_l1: ForeignL1 | None,
    ) -> None:
        """Take up the snapshots of an earlier run."""
        self._data_dir = data_dir
        self._nodes = nodes
        self._clock = clock
        self._foreign_l1 = foreign_l1
        self._snapshots = Snapshots(data_dir)
        self.restoring: Snapshot | None = None
        """What the nodes go back to at the moment."""

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
        self._restore_deployment(snapshot)
        self._clock.set(snapshot.time)
        self._snapshots.finish(snapshot)

    def _restore_deployment(self, snapshot: Snapshot) -> None:
        """A dump of another devnet comes with the contracts of that one's L1."""
        content = (snapshot.folder / DEPLOYMENT).read_bytes()
        write_atomically(self._data_dir / DEPLOYMENT, content)

    async def keep_start(self) -> None:
        """Keep the devnet as it is when it is first ready, for `reset`."""
        if self._snapshots.get(START) is not None:
            return
        try:
            await self.take(START)
        except (PowerRefused, PowerUnavailable) as error:
            log.info("this devnet can't be reset, nor go back to snapshots: %s", error)

    # Snapshots

    async def snapshot(self) -> int:
        """Keep both layers as they are now; the snapshot's number."""
        return int((await self.take()).name)

    async def snapshots(self) -> list[int]:
        """The numbers of the snapshots there are."""
        return self._snapshots.numbers()

    async def revert(self, number: int) -> bool:
        """Put both layers back; the snapshot and those after it are used up. False without it."""
        snapshot = self._snapshots.get(str(number))
        if snapshot is None:
            return False
        await self.restore(snapshot)
        return True

    async def reset(self) -> None:
        """Put both layers back to when the devnet was first ready."""
        start = self._snapshots.get(START)
        if start is None:
            raise PowerRefused("this devnet kept no start to go back to: begin anew with --reset")
        await self.restore(start)
        if self._foreign_l1 is not None:
            await self.take(START)

    async def take(self, name: str | None = None) -> Snapshot:
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
            time = self._clock.now()
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
        shutil.copy2(self._data_dir / DEPLOYMENT, place)
        return self._snapshots.keep(place, time, l1_snapshot)

    async def restore(self, snapshot: Snapshot) -> None:
        """Have all nodes closed, L1 put back, and then L2: nobody sees one without the other."""
        self._snapshots.begin(snapshot)
        self.restoring = snapshot
        try:
            await self._exchange(snapshot)
        except (PowerRefused, PowerUnavailable) as error:
            raise PowerUnavailable(
                f"{error}: stop the devnet and start it again, which goes on with it"
            ) from error
        self.restoring = None
        self._snapshots.finish(snapshot)
        log.info("went back to snapshot %s", snapshot.name)

    async def _exchange(self, snapshot: Snapshot) -> None:
        nodes = tuple(self._nodes.values())
        await asyncio.gather(*(node.close() for node in nodes))
        self._clock.set(snapshot.time)
        await self._restore_foreign_l1(snapshot)
        self._restore_deployment(snapshot)
        for layer in (Layer.L1, Layer.L2):
            await asyncio.gather(
                *(
                    node.reopen(snapshot.of(node.name), self._clock.offset_seconds)
                    for node in nodes
                    if node.layer is layer
                )
            )

    async def _restore_foreign_l1(self, snapshot: Snapshot) -> None:
        """Raises `PowerRefused` where the L1 has forgotten; the devnet needs `--reset` then."""
        if self._foreign_l1 is None or snapshot.l1_snapshot is None:
            return
        if not await self._foreign_l1.revert(snapshot.l1_snapshot):
            raise PowerRefused(
                f"the L1 has no snapshot {snapshot.l1_snapshot} any more, and L2 can't go back"
                " without it: begin anew with --reset"
            )

    # Dumps

    async def dump(self, name: str | None = None) -> str:
        """Write both layers to a named file, whose path is the answer; or answer with its digits.

        Raises `PowerRefused` for one too large for an answer.
        """
        self._check_own_l1()
        target = dump.place_of(self._data_dir, name or _UNNAMED)
        snapshot = await self.take(_UNNAMED)
        try:
            await asyncio.to_thread(dump.pack, snapshot.folder, target)
        finally:
            self._snapshots.drop(snapshot.folder)
        if name is not None:
            return str(target)
        try:
            if target.stat().st_size > DUMP_ANSWER_BYTES_MAX:
                raise PowerRefused(
                    f"the state has more than {DUMP_ANSWER_BYTES_MAX} bytes: give anvil_dumpState"
                    " a name, under which it is written to the devnet's data folder"
                )
            return target.read_bytes().hex()
        finally:
            target.unlink()

    async def load(self, name: str | None = None, content: str | None = None) -> None:
        """Put both layers to what a dump holds, by its name or its digits."""
        self._check_own_l1()
        source = dump.place_of(self._data_dir, name or _UNNAMED)
        if content is not None:
            source.parent.mkdir(exist_ok=True)
            source.write_bytes(bytes.fromhex(content))
        try:
            await self.restore(await self._unpacked(source))
        finally:
            if content is not None:
                source.unlink()

    async def begin_with(self, source: Path) -> None:
        """Have a devnet that does not run yet start from a dump."""
        self._check_own_l1()
        self._snapshots.begin(await self._unpacked(source))

    async def _unpacked(self, source: Path) -> Snapshot:
        """A dump's snapshot. Raises `PowerRefused` for one of other nodes."""
        place = self._snapshots.new(LOADED)
        try:
            await asyncio.to_thread(dump.unpack, source, place)
            snapshot = self._snapshots.get(LOADED)
            missing = [name for name in self._nodes if not (place / name).is_dir()]
            if snapshot is None or missing:
                raise PowerRefused(
                    f"the dump has no {', '.join(missing) or 'time'}: a sandbox's can't be loaded"
                    " into a devnet that proves what it does"
                )
        except BaseException:
            self._snapshots.drop(place)
            raise
        return snapshot

    def _check_own_l1(self) -> None:
        if self._foreign_l1 is not None:
            raise PowerRefused(
                "this devnet's L1 is another program, whose state only that can dump and load"
            )
