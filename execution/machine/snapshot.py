"""What a failing frame goes back to: five words, and with them every access, log and refund."""

from dataclasses import dataclass, field

from execution.machine.chain import Link, list_hash
from execution.machine.moments import Moments, Roots
from execution.machine.records import Destructed, LogRecord
from execution.machine.words import Word


@dataclass(slots=True)
class Snapshot:
    """A moment of a transaction. The two roots are found by looking back, once, when asked."""

    moments: Moments
    at: int
    refund: int
    logs: Link[LogRecord] | None
    destructs: Link[Destructed] | None
    _roots: Roots | None = field(default=None, repr=False)

    def words(self) -> tuple[Word, ...]:
        """State root, journal root, refund, logs, destructs."""
        if self._roots is None:
            self._roots = self.moments.roots(self.at)
        roots = self._roots
        return (
            roots.state,
            roots.journal,
            self.refund,
            list_hash(self.logs),
            list_hash(self.destructs),
        )
