"""Whether a node lives, and whether it is fit to be asked: `/healthz` and `/readyz`.

A process that is alive must not be restarted for what a restart doesn't mend: an L1 that is out of
reach makes a node unready, never dead. One is dead, in the sense of the supervisor who may start
it again or call for help, when it found itself wrong or can't write any more.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bridge.derive.status import SyncStatus
from node import limits
from node.roles.pace import Pace
from state.clock import Clock
from state.store import ChainStore
from state.types import BlockNumber

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a node isn't well: a word for machines, and a sentence that says what to do."""

    code: str
    message: str


Probe = Callable[[], Reason | None]
"""Looks at one thing; None when it is well."""


@dataclass(frozen=True, slots=True)
class Health:
    """What was found at one moment. The first reason is also its `status`."""

    reasons: tuple[Reason, ...] = ()
    facts: Json = field(default_factory=dict)
    """What else is told: the heads."""

    @property
    def is_well(self) -> bool:
        """Whether nothing was found."""
        return not self.reasons

    def json(self) -> Json:
        """The body of the answer."""
        return {
            "status": self.reasons[0].message if self.reasons else "ok",
            "reasons": [{"code": one.code, "message": one.message} for one in self.reasons],
            **self.facts,
        }


def examine(probes: Iterable[Probe], facts: Json) -> Health:
    """The health that all probes together find."""
    found = (probe() for probe in probes)
    return Health(tuple(reason for reason in found if reason is not None), facts)


# What ends a node


def halted(fault: Callable[[], BaseException | None]) -> Probe:
    """An error of the node's own, for which it stops."""

    def probe() -> Reason | None:
        error = fault()
        return None if error is None else Reason("halted", f"the node halts: {error}")

    return probe


def violated(violations: Callable[[], int]) -> Probe:
    """The monitor found an invariant broken."""

    def probe() -> Reason | None:
        if not violations():
            return None
        return Reason(
            "invariant_broken",
            "the monitor found an invariant broken and the node halts: look at the evidence in its"
            " data folder before it is started again",
        )

    return probe


def unwritable(store: ChainStore) -> Probe:
    """A write failed, after which none is tried."""

    def probe() -> Reason | None:
        failure = store.failure
        return None if failure is None else Reason("database_unwritable", failure)

    return probe


# What makes a node unfit to be asked


def disk_full(folder: Path) -> Probe:
    """There is no room for blocks, or the folder can't be written to."""

    def probe() -> Reason | None:
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            return Reason("disk", f"the data folder {folder} can't be looked at: {error.strerror}")
        if not os.access(folder, os.W_OK):
            return Reason("disk", f"the data folder {folder} is read-only: make it writable")
        if free < limits.READY_DISK_BYTES_MIN:
            return Reason("disk", f"{free} bytes are free in {folder}: make room before it is full")
        return None

    return probe


def l1_unreachable(trouble: Callable[[], str | None]) -> Probe:
    """L1 doesn't answer, or not as it should."""

    def probe() -> Reason | None:
        message = trouble()
        return None if message is None else Reason("l1_unreachable", message)

    return probe


def syncing(is_synced: Callable[[], bool]) -> Probe:
    """L1's inbox has not been read to its end since the start, or since L1 answers again."""

    def probe() -> Reason | None:
        if is_synced():
            return None
        return Reason("syncing", "the chain is being derived from L1: wait until it has caught up")

    return probe


def underived(status: Callable[[], SyncStatus]) -> Probe:
    """L1 holds many batches that aren't derived yet."""

    def probe() -> Reason | None:
        now = status()
        deposits = 0 if now.tip is None else now.tip.deposits
        waiting = now.items - deposits - now.cursor.next_batch
        if waiting <= limits.READY_BATCHES_MAX:
            return None
        return Reason("behind", f"{waiting} batches on L1 are not derived yet: wait for them")

    return probe


def late(store: ChainStore, pace: Pace, clock: Clock) -> Probe:
    """A node that makes blocks has made none for long; one whose pace is by hand is never late."""

    def probe() -> Reason | None:
        interval = pace.interval_seconds
        header = store.header(store.heads.unsafe.number)
        if interval is None or header is None:
            return None
        age = clock.now() - header.timestamp
        most = limits.READY_LATE_BLOCKS_MAX * interval + limits.READY_LATE_SECONDS_MAX
        if age <= most:
            return None
        return Reason("behind", f"the newest block is {age} s old; one is due every {interval:g} s")

    return probe


def behind_peers(store: ChainStore, best: Callable[[], BlockNumber]) -> Probe:
    """Peers have many blocks that this node hasn't."""

    def probe() -> Reason | None:
        missing = best() - store.heads.unsafe.number
        if missing <= limits.READY_PEER_BLOCKS_MAX:
            return None
        return Reason("behind", f"peers are {missing} blocks ahead: wait until they are here")

    return probe
