"""What a database is made of: entries and bytes by table."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.database.limits import STATS_ENTRIES_PER_STEP
from state.kv import KeyValueReader

Progress = Callable[[int], None]
"""Told the entries counted so far."""

_TABLES: Final = {
    b"m": "version, identity, heads",
    b"h": "headers",
    b"n": "numbers by block hash",
    b"b": "transactions of blocks",
    b"r": "receipts",
    b"t": "places of transactions",
    b"a": "accounts",
    b"s": "storage slots",
    b"c": "code",
    b"y": "trie nodes",
    b"u": "undo records",
}
"""By their prefixes (state/tables.py)."""


@dataclass(frozen=True, slots=True)
class TableSize:
    """One table. `bytes` of keys and values, before LevelDB's own overhead."""

    name: str
    entries: int
    bytes: int


def table_sizes(entries: KeyValueReader, progress: Progress) -> tuple[TableSize, ...]:
    """All tables, the largest first. Reads everything once."""
    count: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for number, (key, value) in enumerate(entries.iterate(b"", None)):
        name = _table_of(key)
        count[name] += 1
        size[name] += len(key) + len(value)
        if number % STATS_ENTRIES_PER_STEP == 0:
            progress(number)
    return tuple(TableSize(name, count[name], bytes_) for name, bytes_ in size.most_common())


def folder_bytes(folder: Path) -> int:
    """What the files in a folder have together."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _table_of(key: bytes) -> str:
    """The table of a key; records of other folders lie in one of their own name."""
    if key[:1] == b"x" and len(key) > 1:
        return key[2 : 2 + key[1]].decode("ascii", "replace")
    return _TABLES.get(key[:1], f"unknown ({key[:1].hex()})")
