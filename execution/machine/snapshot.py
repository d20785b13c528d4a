"""What a failing frame goes back to: five words, and with them every access, log and refund."""

from dataclasses import dataclass, field

from execution.machine.chain import Link, list_hash
from execution.machine.journal import Journal
from execution.machine.records import Destructed, LogRecord
from execution.machine.undo import UndoLog
from execution.machine.words import Word
from execution.machine.world import World
from state.types import Hash32


@dataclass(slots=True)
class Snapshot:
    """A moment of a transaction. The two roots are found by looking back, once, when asked."""

    undo: UndoLog
    world: World
    journal: Journal
    at: int
    refund: int
    logs: Link[LogRecord] | None
    destructs: Link[Destructed] | None
    _roots: tuple[Hash32, Hash32] | None = field(default=None, repr=False)

    def words(self) -> tuple[Word, ...]:
        """State root, journal root, refund, logs, destructs."""
        if self._roots is None:
            with self.undo.rewound(self.at):
                self._roots = self.world.root(), self.journal.root()
        return (*self._roots, self.refund, list_hash(self.logs), list_hash(self.destructs))
