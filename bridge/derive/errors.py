"""How derivation fails: three severities, one for each thing the node can do about it.

    Invalid
    └── InvalidSequencedBlock   a peer's block that no batch could hold; L1's are never refused
    Unavailable
    ├── DerivationRetry         retry: what is needed isn't there yet
    │   └── AheadOfClock        block time has run ahead of the clock; the sequencer waits
    └── DerivationReset         reset: L1 has changed its mind; drop what it took back, go on
        └── LogDiverged         items that don't continue the log that is stored
    InternalError
    └── DerivationStop          stop: the node's own records contradict each other
        ├── LogDamaged          an item of the log is gone or can't be read
        ├── RecordDamaged       a block's derivation record is gone or can't be read
        ├── FinalizedReorg      L1 took back an item that it had called final
        └── ConfigNotDerivable  a chain configuration under which derivation could get stuck

Nothing that stands in the log raises: bad data has a defined meaning (docs/derivation.md).
"""

from state.errors import InternalError, Invalid, Unavailable


class InvalidSequencedBlock(Invalid):
    """An unsafe block that breaks the rules of time and origin."""


class DerivationRetry(Unavailable):
    """Not now; the same call may succeed later."""


class AheadOfClock(DerivationRetry):
    """Blocks came faster than one a second for so long that the next would lie in the future."""

    def __init__(self, timestamp: int, now: int) -> None:
        super().__init__(
            f"the next block would have time {timestamp}, {timestamp - now} s ahead of the clock;"
            " waiting for the clock: make blocks at most once a second, or correct the clock"
        )


class DerivationReset(Unavailable):
    """L1 reorganised; rewind to what still stands and read again."""


class LogDiverged(DerivationReset):
    """The offered items don't continue the stored log: find the common ancestor and truncate."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(
            f"inbox item {index} doesn't continue the log ({reason}); L1 reorganised, or the"
            " endpoint served another chain's items: truncate the log to the common ancestor"
        )
        self.index = index


class DerivationStop(InternalError):
    """Going on could produce a wrong root."""


class LogDamaged(DerivationStop):
    """The stored inbox log contradicts itself."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"stored inbox log: {what}; remove the database and derive it anew from L1"
        )


class RecordDamaged(DerivationStop):
    """The stored derivation records contradict the stored blocks."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(
            f"derivation record of block {number}: {what};"
            " remove the database and derive it anew from L1"
        )


class FinalizedReorg(DerivationStop):
    """L1 took back what it had finalized; no node can follow that by itself."""

    def __init__(self, index: int, finalized: int) -> None:
        super().__init__(
            f"L1 took back inbox item {index}, but items up to {finalized} were final:"
            " check the L1 endpoint; if L1 truly broke finality, derive anew from an empty database"
        )


class ConfigNotDerivable(DerivationStop):
    """A configuration that could stop the chain; refused before the first block."""
