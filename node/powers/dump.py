"""A devnet in one file: a packed snapshot, to be loaded into this devnet or another.

The file is a tar archive, compressed by gzip, whose first member says what it is and in which
version. It is written and read as a stream, so that memory does not grow with it.
"""

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Final

from node.powers.errors import PowerRefused
from node.powers.limits import DUMP_BYTES_MAX

FOLDER: Final = "dumps"
"""Where dumps that are given a name lie, in a devnet's data folder."""
_HEAD: Final = "dump.json"
_FORMAT: Final = "tallystick-devnet"
_VERSION: Final = 1
_HEAD_BYTES_MAX: Final = 4096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def place_of(data_dir: Path, name: str) -> Path:
    """The file of a named dump. Raises `PowerRefused` for a name that could lead elsewhere."""
    if not _NAME.fullmatch(name):
        raise PowerRefused(
            f"a dump's name has up to 64 letters, digits, dots and dashes, not {name!r:.80}"
        )
    return data_dir / FOLDER / name


def pack(folder: Path, target: Path) -> None:
    """Write a snapshot's folder to a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(str(target), "w|gz") as archive:
        head = json.dumps({"format": _FORMAT, "version": _VERSION}).encode()
        member = tarfile.TarInfo(_HEAD)
        member.size = len(head)
        archive.addfile(member, io.BytesIO(head))
        for entry in sorted(folder.iterdir()):
            archive.add(entry, entry.name)


def unpack(source: Path, folder: Path) -> None:
    """Read a file into a snapshot's folder. Raises `PowerRefused` for what is no dump."""
    try:
        with tarfile.open(str(source), "r|gz") as archive:
            members = iter(archive)
            _check_head(archive, next(members, None))
            size = 0
            for member in members:
                size += member.size
                if size > DUMP_BYTES_MAX:
                    raise PowerRefused(f"the dump holds more than {DUMP_BYTES_MAX} bytes")
                archive.extract(member, folder, filter="data")
    except (OSError, EOFError, tarfile.TarError) as error:
        raise PowerRefused(f"this is no dump of a devnet: {error}") from error


def _check_head(archive: tarfile.TarFile, first: tarfile.TarInfo | None) -> None:
    content = None
    if first is not None and first.name == _HEAD and first.size <= _HEAD_BYTES_MAX:
        content = archive.extractfile(first)
    try:
        head = {} if content is None else json.loads(content.read())
    except ValueError:
        head = {}
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        raise PowerRefused("this is no dump of a devnet: make one with anvil_dumpState")
    if head.get("version") != _VERSION:
        raise PowerRefused(
            f"the dump has version {head.get('version')!r:.20}, and this program reads version"
            f" {_VERSION}: load it with the program that wrote it"
        )
