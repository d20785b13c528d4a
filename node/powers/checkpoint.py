"""Copies of a node's data folder, taken while it is open, and put back while it is closed.

LevelDB never changes a table once it is written (`*.ldb`), so that a link to it is a copy. It only
appends to its log and its manifest; these are small and are copied. As long as nobody writes, the
set of files belongs together if the manifest did not change while they were collected: a compaction
in the background is the only thing that can, and then one looks again.

Putting a copy back is safe against a kill at any moment: a marker says what is being put back until
all of it is there, and whoever opens the folder next finishes the work first.
"""

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Final

from node.powers.errors import PowerRefused, PowerUnavailable
from node.powers.limits import COPY_ATTEMPTS_MAX
from state.files import sync_folder, write_atomically

MARKER: Final = "restoring.json"
"""In a data folder: which copy is being put back."""
_CURRENT: Final = "CURRENT"
_TABLE_SUFFIXES: Final = frozenset((".ldb", ".sst"))
_LEFT_OUT: Final = frozenset(("LOCK", "LOG", "LOG.old", "lock", MARKER))
"""Locks, which are the running process's, and LevelDB's own diary, which it never reads."""


def take(source: Path, target: Path) -> None:
    """Copy the data folder `source`, whose databases nobody writes meanwhile, to a new folder.

    Raises `PowerUnavailable` where a database never came to rest.
    """
    target.mkdir(parents=True)
    for entry in sorted(source.iterdir()):
        if entry.name in _LEFT_OUT:
            continue
        if not entry.is_dir():
            shutil.copy2(entry, target / entry.name)
        elif (entry / _CURRENT).exists():
            _take_database(entry, target / entry.name)
        else:
            take(entry, target / entry.name)


def put_back(source: Path, target: Path) -> None:
    """Make the data folder `target` what it was when `source` was taken. It must not be open.

    Raises `PowerRefused` where there is no such copy.
    """
    if not source.is_dir():
        raise PowerRefused(f"there is no copy {source}")
    write_atomically(target / MARKER, json.dumps({"from": str(source.resolve())}).encode())
    finish_putting_back(target)


def finish_putting_back(target: Path) -> None:
    """Put back what a marker says; nothing where there is none. Harmless to repeat.

    Raises `PowerRefused` where the copy is gone.
    """
    try:
        source = Path(json.loads((target / MARKER).read_bytes())["from"])
    except FileNotFoundError:
        return
    if not source.is_dir():
        raise PowerRefused(
            f"{target} is half of the copy {source}, which is gone: begin anew with --reset"
        )
    for entry in target.iterdir():
        if entry.name != MARKER:
            _remove(entry)
    _link_all(source, target)
    sync_folder(target)
    (target / MARKER).unlink()
    sync_folder(target)


def _take_database(source: Path, target: Path) -> None:
    for _ in range(COPY_ATTEMPTS_MAX):
        before = _state_of(source)
        target.mkdir()
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(before):
                _copy(source / name, target / name)
            if _state_of(source) == before:
                return
        shutil.rmtree(target)
    raise PowerUnavailable(f"the database in {source} is being compacted; try again")


def _state_of(database: Path) -> dict[str, int]:
    """The files of a database, and the size of each that is appended to.

    The log's size is left out: who writes orders meanwhile gets a copy that ends a little earlier.
    """
    files = {}
    for entry in database.iterdir():
        if entry.name not in _LEFT_OUT:
            is_manifest = entry.name.startswith("MANIFEST")
            files[entry.name] = entry.stat().st_size if is_manifest else 0
    return files


def _link_all(source: Path, target: Path) -> None:
    for entry in source.iterdir():
        if entry.is_dir():
            (target / entry.name).mkdir()
            _link_all(entry, target / entry.name)
        else:
            _copy(entry, target / entry.name)


def _copy(source: Path, target: Path) -> None:
    if source.suffix in _TABLE_SUFFIXES:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.unlink()
