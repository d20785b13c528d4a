"""What is on disk: databases, and who may read keys."""

import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from node.chain import DATABASE
from node.database.errors import NoDatabase
from node.database.opening import opened
from node.doctor.findings import Finding, failed, ok, warning
from node.doctor.limits import KEY_FOLDER_FILES_MAX
from node.settings import InvalidSettings
from state.errors import TallystickError
from state.kv import DatabaseInUse

_KEY_FILES: Final = ("*.key", "*/*.key")
"""Keys that nodes make in their folders."""


def examine_databases(data_dir: Path, deployment: Path | None) -> Iterator[Finding]:
    """Every database below a data folder, or in it."""
    folders = [data_dir] if (data_dir / DATABASE).is_dir() else sorted(data_dir.glob("*"))
    found = [folder for folder in folders if (folder / DATABASE).is_dir()]
    for folder in found:
        yield examine_database(folder, deployment)
    if not found:
        yield ok("databases", f"none in {data_dir} yet")


def examine_database(folder: Path, deployment: Path | None) -> Finding:
    """One database: its lock, its version, its chain, its newest blocks."""
    subject = f"database {folder.name}"
    try:
        with opened(folder, deployment) as database:
            heads = database.store.heads
            return ok(subject, f"whole at its end, block {heads.unsafe.number}; nobody uses it")
    except DatabaseInUse:
        return ok(subject, "a node runs on it; stop it for a closer look")
    except NoDatabase:
        return warning(subject, "the folder is empty", "the next start of its node fills it")
    except InvalidSettings as error:
        return warning(subject, str(error), "name the file with --deployment")
    except TallystickError as error:
        return failed(subject, str(error), f"tallystick recover --data-dir {folder} --help")


def examine_keys(data_dir: Path, keys_dir: Path) -> Iterator[Finding]:
    """Key files that others than their owner may read."""
    files = [path for pattern in _KEY_FILES for path in data_dir.glob(pattern)]
    files += list(islice(keys_dir.glob("*.json"), KEY_FOLDER_FILES_MAX))
    open_ones = [path for path in files if _may_be_read_by_others(path)]
    for path in open_ones:
        yield failed("keys", f"{path} may be read by others", f"chmod 600 {path}")
    if not open_ones:
        what = f"{len(files)} files, readable by their owner alone" if files else "no key files"
        yield ok("keys", what)


def _may_be_read_by_others(path: Path) -> bool:
    mode = stat.S_IMODE(path.stat().st_mode)
    return bool(mode & (stat.S_IRWXG | stat.S_IRWXO))
