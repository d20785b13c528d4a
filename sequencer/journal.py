"""The durable log of the matching engine's inputs, from which the book is made again.

    m  the layout's version, and whose log it is
    i  sequence -> input
    s  sequence -> snapshot of the engine after that input
    c  account, signer -> when his newest request to cancel all of it was signed
    t, a, k  what was traded (sequencer/history.py)

Sequences are big-endian, count from 1 and have no gaps. The log is a LevelDB of its own, so that an
order never waits for the commit of a block (docs/adr/0004-order-log.md). The two newest snapshots
stay, with every input behind the older one: what one of them lost, the other still gives.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from sequencer.history import TradeHistory
from sequencer.limits import PRUNED_INPUTS_MAX
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Event
from sequencer.matching.inputs import Input
from state.errors import InternalError
from state.kv import (
    DatabaseDamaged,
    DatabaseOfAnotherChain,
    DatabaseUnwritable,
    DatabaseVersionUnknown,
    KeyValueStore,
    prefix_end,
)
from state.leveldb import LevelDBStore
from state.memory import MemoryStore

LAYOUT_VERSION: Final = 1
"""Raised by every change to keys or values; a log of another version is refused."""

_VERSION_KEY = b"mversion"
_IDENTITY_KEY = b"midentity"
_INPUTS = b"i"
_SNAPSHOTS = b"s"
_CANCELS = b"c"

_NUMBER_BYTES = 8

_REMEDY = (
    "restore a copy, or delete the folder: resting orders are gone then, and what has settled is"
    " on the chain"
)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Input).decode


class Canceller(NamedTuple):
    """Who asks to cancel all of an account. Each signer has his own newest request: that of a
    session key, dated ahead, must not keep the owner's from being newer."""

    account: int
    signer: bytes


class OrderJournal:
    """Inputs in order, each on disk when `append` returns. For one thread at a time."""

    def __init__(self, store: KeyValueStore, where: str, identity: bytes) -> None:
        """Take over a store; `identity` tells one chain's orders from another's."""
        self._store = store
        self._where = where
        self.history = TradeHistory(store)
        self._check_identity(identity)
        self._snapshots = [number for number, _ in self._numbers(_SNAPSHOTS)]
        self._oldest = next(self._numbers(_INPUTS), (1, b""))[0]
        self._sequence: int | None = None

    @classmethod
    def open(cls, path: Path | None, identity: bytes = b"") -> "OrderJournal":
        """Open or create the log in a folder, or for None one that is forgotten.

        Raises the errors of `state/kv.py`; `DatabaseOfAnotherChain` for another identity.
        """
        store: KeyValueStore = LevelDBStore(path) if path else MemoryStore()
        try:
            return cls(store, f"the order log in {path}" if path else "the order log", identity)
        except BaseException:
            store.close()
            raise

    @property
    def snapshots(self) -> tuple[int, ...]:
        """Sequences of the snapshots there are."""
        return tuple(self._snapshots)

    def load(self) -> MatchingEngine:
        """The engine after every input of the log. Raises `DatabaseDamaged`."""
        engine = self._newest_snapshot()
        for number, value in self._numbers(_INPUTS, engine.sequence + 1):
            if number != engine.sequence + 1:
                raise self._damaged(f"input {engine.sequence + 1} is missing")
            try:
                given = _decode(value)
            except msgspec.MsgspecError as error:
                raise self._damaged(f"input {number} is none: {error}") from error
            engine.apply(given)
        self._sequence = engine.sequence
        return engine

    def append(
        self,
        inputs: Sequence[Input],
        cancelled: Mapping[Canceller, int | None] | None = None,
        events: Iterable[Event] = (),
    ) -> None:
        """Write inputs in one synced write, and signing times (ms) of requests to cancel all.

        A time of None is deleted. `events` are what the inputs did, for the history. Needs `load`
        before. Raises `DatabaseUnwritable`; then nothing of it was written, and nothing more will
        be.
        """
        if self._sequence is None:
            raise InternalError("the order log is added to before it was loaded")
        changes: dict[bytes, bytes | None] = {
            _key(_INPUTS, number): _encode(given)
            for number, given in enumerate(inputs, self._sequence + 1)
        }
        for who, time in (cancelled or {}).items():
            key = _key(_CANCELS, who.account) + who.signer
            changes[key] = None if time is None else _number(time)
        changes.update(self.history.changes(events))
        kept_from = self._prune(changes, len(inputs) + PRUNED_INPUTS_MAX)
        self._write(changes)
        self._sequence += len(inputs)
        self._oldest = kept_from

    def save_snapshot(self, engine: MatchingEngine) -> None:
        """Keep the state of an engine that has applied all of the log, and the snapshot before.

        Raises `DatabaseUnwritable`.
        """
        if engine.sequence != self._sequence:
            raise InternalError(f"the order log ends at {self._sequence}, not {engine.sequence}")
        if engine.sequence in self._snapshots:
            return
        changes: dict[bytes, bytes | None] = {
            _key(_SNAPSHOTS, number): None for number in self._snapshots[:-1]
        }
        changes[_key(_SNAPSHOTS, engine.sequence)] = engine.snapshot()
        self._write(changes)
        self._snapshots = [*self._snapshots[-1:], engine.sequence]

    def cancel_times(self) -> dict[Canceller, int]:
        """When each newest request to cancel all was signed, in ms."""
        entries = self._entries(_key(_CANCELS, 0), prefix_end(_CANCELS))
        return {_canceller(key): int.from_bytes(time) for key, time in entries}

    def close(self) -> None:
        """Release the folder."""
        self._store.close()

    def _check_identity(self, identity: bytes) -> None:
        version = self._store.get(_VERSION_KEY)
        if version is None:
            self._write({_VERSION_KEY: bytes([LAYOUT_VERSION]), _IDENTITY_KEY: identity})
            return
        if version != bytes([LAYOUT_VERSION]):
            raise DatabaseVersionUnknown(
                f"{self._where} has layout {version.hex()}, and this version knows {LAYOUT_VERSION}"
            )
        if self._store.get(_IDENTITY_KEY) != identity:
            raise DatabaseOfAnotherChain(
                f"{self._where} is of another chain: choose another folder with --data-dir, or"
                " delete this one"
            )

    def _newest_snapshot(self) -> MatchingEngine:
        """The engine of the newest snapshot that can be read, or a new one."""
        for number in reversed(self._snapshots):
            with contextlib.suppress(DatabaseDamaged, InternalError):
                engine = MatchingEngine.restore(self._store.get(_key(_SNAPSHOTS, number)) or b"")
                if engine.sequence == number:
                    return engine
        return MatchingEngine()

    def _prune(self, changes: dict[bytes, bytes | None], most: int) -> int:
        """Delete up to `most` inputs that lie behind both snapshots; returns the first one left."""
        needed_from = self._snapshots[0] + 1 if len(self._snapshots) > 1 else self._oldest
        end = max(self._oldest, min(needed_from, self._oldest + most))
        changes.update((_key(_INPUTS, number), None) for number in range(self._oldest, end))
        return end

    def _numbers(self, prefix: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
        for key, value in self._entries(_key(prefix, start), prefix_end(prefix)):
            yield int.from_bytes(key[1:]), value

    def _entries(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        try:
            yield from self._store.iterate(start, end)
        except DatabaseDamaged as error:
            raise self._damaged(str(error)) from error

    def _write(self, changes: Mapping[bytes, bytes | None]) -> None:
        try:
            self._store.write(changes)
        except DatabaseUnwritable as error:
            raise DatabaseUnwritable(
                f"{self._where} can't be written; no order was lost that was acknowledged: free"
                f" room or mend the disk, then start again ({error.__cause__ or error})"
            ) from error

    def _damaged(self, why: str) -> DatabaseDamaged:
        return DatabaseDamaged(f"{self._where} is damaged ({why}): {_REMEDY}")


def _key(prefix: bytes, number: int) -> bytes:
    return prefix + _number(number)


def _number(number: int) -> bytes:
    return number.to_bytes(_NUMBER_BYTES, "big")


def _canceller(key: bytes) -> Canceller:
    account, signer = key[1 : 1 + _NUMBER_BYTES], key[1 + _NUMBER_BYTES :]
    return Canceller(int.from_bytes(account), signer)
