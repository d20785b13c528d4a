"""Immutable snapshots of derivation, for `rollup_syncStatus`, the log and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.items import Cursor, InboxItem, Origin
from state.blocks import BlockId


@dataclass(frozen=True, slots=True)
class Progress:
    """What one call of `Pipeline.advance` did."""

    derived: int
    """Blocks by which the safe head moved."""
    replaced: int
    """Unsafe blocks that were dropped, because L1 says otherwise."""
    waiting: bool
    """Whether the log is used up; when False, call again."""
    dropped: tuple[bytes, ...] = ()
    """The sequencer's transactions in blocks dropped since the last call, in order: its pool's
    matter again."""


@dataclass(frozen=True, slots=True)
class HeadStatus:
    """A head, its origin, and the inbox item of that origin (None until the item is here)."""

    block: BlockId
    origin: Origin
    l1: InboxItem | None


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """Where the chain and the reading of the inbox are."""

    unsafe: HeadStatus
    safe: HeadStatus
    finalized: HeadStatus
    cursor: Cursor
    """Where reading goes on after the safe head."""
    items: int
    """Items in the log."""
    final_items: int
    """The first this many of them L1 has finalized."""
    tip: InboxItem | None
    """The newest item."""
    counters: "Counters"


@dataclass(frozen=True, slots=True)
class Counters:
    """What the pipeline has done since it was made."""

    promoted: int = 0
    """Unsafe blocks that became safe without a second execution."""
    executed: int = 0
    """Blocks that derivation executed on the engine."""
    by_machine: int = 0
    """Blocks that the operator had executed by the machine instead."""
    replaced: int = 0
    """Unsafe blocks dropped because L1 says otherwise."""
    resets: int = 0
    """Rewinds because L1 took items back."""
    verdicts: Mapping[str, int] | None = None
    """Blocks by what became of the batch or tick they come from (`batches.Verdict`)."""
