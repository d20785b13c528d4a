"""The snapshots of a devnet on disk: a copy of each node's data folder, and when it was taken.

snapshots/3/snapshot.json   written last, so that a folder without it is none
snapshots/3/sequencer/...   copies made by `checkpoint.take`
snapshots/start/...         what the devnet was when it was first ready, for `reset`
restoring.json              the snapshot that is being gone back to, until all nodes have it
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.powers.errors import PowerRefused
from node.powers.limits import SNAPSHOTS_MAX
from state.files import write_atomically

FOLDER: Final = "snapshots"
RESTORING: Final = "restoring.json"
START: Final = "start"
LOADED: Final = "loaded"
"""What came from a dump."""
_RECORD: Final = "snapshot.json"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of both layers."""

    name: str
    """Its number in decimal, or `START`."""
    folder: Path
    time: int
    """What the devnet's clock showed, in seconds."""
    l1_snapshot: str | None = None
    """Its id at an L1 that is not ours."""

    def of(self, node: str) -> Path:
        """The copy of one node's data folder."""
        return self.folder / node


class Snapshots:
    """All snapshots of one devnet's data folder."""

    def __init__(self, data_dir: Path) -> None:
        """Take up what an earlier run left; half-made ones are removed."""
        self._folder = data_dir / FOLDER
        self._restoring = data_dir / RESTORING
        self._next = 0
        if not self._folder.is_dir():
            return
        for entry in self._folder.iterdir():
            if not (entry / _RECORD).exists():
                shutil.rmtree(entry)
            elif entry.name.isdecimal():
                self._next = max(self._next, int(entry.name) + 1)

    def new(self, name: str | None = None) -> Path:
        """An empty place for the next snapshot, or the one of that name.

        Raises `PowerRefused` for too many.
        """
        if name is None:
            if len(self.numbers()) >= SNAPSHOTS_MAX:
                raise PowerRefused(
                    f"there are {SNAPSHOTS_MAX} snapshots: go back to an older one with evm_revert,"
                    " which deletes those after it"
                )
            name = str(self._next)
            self._next += 1
        place = self._folder / name
        if place.exists():
            shutil.rmtree(place)
        place.mkdir(parents=True)
        return place

    def keep(self, place: Path, time: int, l1_snapshot: str | None) -> Snapshot:
        """Declare a snapshot whole."""
        record = {"time": time, "l1Snapshot": l1_snapshot}
        write_atomically(place / _RECORD, json.dumps(record).encode())
        return Snapshot(place.name, place, time, l1_snapshot)

    def drop(self, place: Path) -> None:
        """Remove what was not completed."""
        shutil.rmtree(place, ignore_errors=True)

    def get(self, name: str) -> Snapshot | None:
        """The snapshot of that name, or None."""
        place = self._folder / name
        try:
            record = json.loads((place / _RECORD).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Snapshot(name, place, record["time"], record["l1Snapshot"])

    def numbers(self) -> list[int]:
        """The numbers of the snapshots there are, in order."""
        if not self._folder.is_dir():
            return []
        return sorted(int(one.name) for one in self._folder.iterdir() if one.name.isdecimal())

    # Going back

    def restoring(self) -> Snapshot | None:
        """The snapshot that is being gone back to, or None."""
        try:
            name = json.loads(self._restoring.read_bytes())["snapshot"]
        except FileNotFoundError:
            return None
        return self.get(name)

    def begin(self, snapshot: Snapshot) -> None:
        """Note that all nodes go back to `snapshot`."""
        write_atomically(self._restoring, json.dumps({"snapshot": snapshot.name}).encode())

    def finish(self, snapshot: Snapshot) -> None:
        """All nodes have it: it and those after it are gone, as with anvil; the start stays."""
        self._restoring.unlink(missing_ok=True)
        if snapshot.name == LOADED:
            self.drop(snapshot.folder)
        first = int(snapshot.name) if snapshot.name.isdecimal() else 0
        for number in self.numbers():
            if number >= first:
                shutil.rmtree(self._folder / str(number))
