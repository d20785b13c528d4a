"""The roots at a transaction's earlier moments, each found from those of a moment before it.

A frame commits to what it goes back to, and hundreds of frames may wait. To build the tries of each
from nothing would take as long as all that the block wrote, times the frames: minutes for one
hash, while the clock of a dispute runs. What changed between two of them is little.
"""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter

from execution.machine.journal import Journal
from execution.machine.limits import MOMENTS_KEPT_MAX
from execution.machine.undo import UndoLog
from execution.machine.world import World
from state.trie import update_trie
from state.types import Hash32


@dataclass(frozen=True, slots=True)
class Roots:
    """What state and journal were when the undo log had a length of `at`."""

    at: int
    state: Hash32
    journal: Hash32


class Moments:
    """The moments of a transaction that somebody asked about. A revert forgets those it undoes."""

    def __init__(self, undo: UndoLog, world: World, journal: Journal) -> None:
        self._undo = undo
        self._world = world
        self._journal = journal
        self._known: list[Roots] = []
        """From the earliest on."""
        self._nodes: dict[Hash32, bytes] = {}
        """Of the tries of these, as far as the state before the block doesn't hold them."""

    def now(self) -> int:
        """The present moment, to ask about or to go back to later."""
        return self._undo.snapshot()

    @contextmanager
    def rewound(self, at: int) -> Iterator[World]:
        """Look at the world as it was; afterwards it is as it was before."""
        with self._undo.rewound(at):
            yield self._world

    def revert(self, at: int) -> None:
        """Go back for good."""
        self._undo.revert(at)
        del self._known[bisect_right(self._known, at, key=attrgetter("at")) :]

    def clear(self) -> None:
        """Keep what was changed for good: the transaction is over."""
        self._undo.clear()
        self._forget()

    def roots(self, at: int) -> Roots:
        """State and journal at a moment that no revert has undone."""
        place = bisect_right(self._known, at, key=attrgetter("at"))
        before = self._known[place - 1] if place else None
        if before is not None and before.at == at:
            return before
        with self._undo.rewound(at):
            roots = self._all(at) if before is None else self._after(before, at)
        if len(self._known) >= MOMENTS_KEPT_MAX:
            self._forget()
            return roots
        self._known.insert(place, roots)
        return roots

    def _forget(self) -> None:
        self._known.clear()
        self._nodes.clear()

    def _all(self, at: int) -> Roots:
        """The roots of what is there, from all that was written."""
        state, journal = self._world.update(), self._journal.update()
        self._nodes.update(state.nodes)
        self._nodes.update(journal.nodes)
        return Roots(at, state.root, journal.root)

    def _after(self, before: Roots, at: int) -> Roots:
        """The roots of what is there, from what was written since another moment."""
        written = self._undo.since(before.at)
        state = self._world.update_since(before.state, written, self._node)
        if state is None:
            return self._all(at)
        journal = update_trie(before.journal, self._journal.changes(written), self._node)
        self._nodes.update(state.nodes)
        self._nodes.update(journal.nodes)
        return Roots(at, state.root, journal.root)

    def _node(self, node_hash: Hash32) -> bytes:
        node = self._nodes.get(node_hash)
        return self._world.node(node_hash) if node is None else node
