"""What was read of the clearing house's storage, and which slots it came from.

A block changes few slots. What was decoded from the others stays good, so that following a block
costs what the block changed, not what is known.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple, TypeVar

from execution.margin.storage import Word
from genesis.predeploys import CLEARING_HOUSE
from sequencer.limits import HOUSE_PIECES_MAX
from state.accounts import StateReader

T = TypeVar("T")


class Piece(NamedTuple):
    """A thing that is read: its kind, whose it is (an account, or None), and its other keys."""

    kind: str
    account: int | None = None
    keys: tuple[Hashable, ...] = ()


class HouseMemory:
    """Pieces of one state, each read once. Not thread-safe."""

    __slots__ = ("_moved_slots", "_pieces_of", "_state", "_values", "moved")

    def __init__(
        self,
        state: StateReader,
        values: dict[Piece, Any] | None = None,
        pieces_of: dict[int, tuple[Piece, ...]] | None = None,
    ) -> None:
        """`state` stays what it is; of `values` each came from the slots that `pieces_of` says."""
        self._state = state
        self._values = values or {}
        self._pieces_of = pieces_of or {}
        self._moved_slots: set[int] = set()
        self.moved: set[int] = set()
        """Accounts of which the block under way has changed something; filled as slots that moved
        are read, for until then nobody can tell whose they are."""

    @property
    def is_full(self) -> bool:
        """Whether it is time to start anew."""
        return len(self._values) >= HOUSE_PIECES_MAX

    def read(self, piece: Piece, decode: Callable[[Word], T]) -> T:
        """What `decode` makes of the slots that it asks for; of memory if it has before."""
        if piece in self._values:
            found: T = self._values[piece]
            return found

        def word(slot: int) -> int:
            self._pieces_of[slot] = (*self._pieces_of.get(slot, ()), piece)
            if slot in self._moved_slots and piece.account is not None:
                self.moved.add(piece.account)
            return self._state.storage(CLEARING_HOUSE, slot)

        value = decode(word)
        self._values[piece] = value
        return value

    def word(self, slot: int) -> int:
        """A slot's content, which nobody remembers for it."""
        return self._state.storage(CLEARING_HOUSE, slot)

    def accounts_at(self, slot: int) -> frozenset[int]:
        """Whose pieces came from a slot."""
        pieces = self._pieces_of.get(slot, ())
        return frozenset(piece.account for piece in pieces if piece.account is not None)

    def begin_block(self, moved: Iterable[int]) -> None:
        """A block is about to be built, in which something of those accounts may change."""
        self._moved_slots.clear()
        self.moved = set(moved)

    def note_moved(self, slots: Iterable[int], accounts: Iterable[int]) -> None:
        """The block under way changes these accounts, and these slots, of which nobody has read
        anything yet."""
        self._moved_slots.update(slots)
        self.moved.update(accounts)

    def after(
        self, state: StateReader, changed: Iterable[int]
    ) -> tuple["HouseMemory", frozenset[Piece]]:
        """The memory of a later state, in which those slots differ, and the pieces it let go."""
        values, pieces_of = dict(self._values), dict(self._pieces_of)
        gone = {piece for slot in changed for piece in pieces_of.pop(slot, ())}
        for piece in gone:
            values.pop(piece, None)
        return HouseMemory(state, values, pieces_of), frozenset(gone)
