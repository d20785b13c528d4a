"""The key-value store that a chain is kept in, and what can be wrong with it.

    DatabaseError (Invalid)             what is wrong with the folder, and the remedy
    ├── DatabaseInUse                   another process has it open
    ├── DatabaseOfAnotherChain          it holds a chain that is not the one configured
    ├── DatabaseVersionUnknown          written in another layout
    ├── DatabaseEmpty                   nothing in it, and no genesis block given
    ├── DatabaseDamaged                 it contradicts itself: recover or derive again
    └── DatabaseUnwritable              no permission, no room, a failing disk

Keys are ordered as bytes. A snapshot sees the store as it was when taken, whatever is written
later; that is what lets readers work beside the one writer.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from state.errors import Invalid

REMEDY: Final = (
    "run `tallystick recover` or restore a copy; an L2 node may also delete the folder and derive"
    " the chain from L1 again, and a devnet begins anew with --reset"
)
"""What to do about a damaged database."""


class DatabaseError(Invalid):
    """Base of what can be wrong with a database."""


class DatabaseInUse(DatabaseError):
    """Another process, or this one, has the folder open."""


class DatabaseOfAnotherChain(DatabaseError):
    """The folder holds a chain of another id, genesis block or configuration."""


class DatabaseVersionUnknown(DatabaseError):
    """The folder was written in a layout that this version can't read."""


class DatabaseEmpty(DatabaseError):
    """There is no chain in the folder, and no genesis block to start one with."""


class DatabaseDamaged(DatabaseError):
    """What was read can't be what was written."""


class DatabaseUnwritable(DatabaseError):
    """The folder can't be written: permissions, a full or failing disk."""


class KeyValueReader(Protocol):
    """Ordered keys and their values, read only."""

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None. Raises `DatabaseDamaged` where the disk lost it."""

    def iterate(self, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """Keys from `start` up to but not including `end`, in order, with their values."""


class KeyValueStore(KeyValueReader, Protocol):
    """A store with one writer at a time and any number of readers."""

    def snapshot(self) -> KeyValueReader:
        """The store as it is now, whatever is written later."""

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Write all of `changes` or nothing (None deletes), on disk when this returns.

        Raises `DatabaseUnwritable`; then nothing was written, and nothing more will be.
        """

    @property
    def failure(self) -> str | None:
        """Why nothing can be written any more, after a write that failed; None while all is well.

        From any thread.
        """

    def close(self) -> None:
        """Release the store. Closing twice is allowed; using it afterwards is not."""


def prefix_end(prefix: bytes) -> bytes | None:
    """The first key after all keys that start with `prefix`; None where there is none."""
    stripped = prefix.rstrip(b"\xff")
    if not stripped:
        return None
    return stripped[:-1] + bytes([stripped[-1] + 1])
