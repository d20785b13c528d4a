"""Files that hold a node: evidence of what must not go on before an operator has looked at it.

One JSON file a block in the data folder, its name a prefix and the block's number.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from state.errors import InternalError
from state.files import write_atomically

Kept = TypeVar("Kept")


class EvidenceUnreadable(InternalError):
    """A file that should be evidence can't be read."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(
            f"{path} should be the evidence of a disagreement, but can't be read ({reason}):"
            " restore it, or move it away to have the block checked again"
        )


def write_evidence_file(folder: Path, prefix: str, evidence: dict[str, Any]) -> Path:
    """Write the file, whole or not at all; evidence of the same block gives way."""
    path = folder / f"{prefix}{evidence['block']}.json"
    write_atomically(path, json.dumps(evidence, indent=2).encode() + b"\n")
    return path


def read_evidence_files(folder: Path, prefix: str, read: Callable[[Path, Any], Kept]) -> list[Kept]:
    """What `read` makes of the JSON of each file with that prefix. Raises `EvidenceUnreadable`."""
    return [_read(path, read) for path in sorted(folder.glob(f"{prefix}*.json"))]


def _read(path: Path, read: Callable[[Path, Any], Kept]) -> Kept:
    try:
        return read(path, json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvidenceUnreadable(path, error) from error
