"""What is found to be broken, and what an operator has said to go on with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Invariant(IntEnum):
    """The numbers of MARGIN.md, "Invariants", as far as they are checked on line."""

    SIZES = 1
    CUSTODY = 2
    FUNDING_POOL = 3
    COST = 4
    OPEN_INTEREST = 5
    MARGIN = 6
    WITHDRAWAL = 7
    SELF_TRADE = 8
    FEES = 9
    LIQUIDATION = 10
    INSURANCE = 11
    DELEVERAGING = 12
    FLAT_CASH = 13
    MARK = 14
    REQUIREMENTS = 16
    RECORDS = 18
    """Not of MARGIN.md: lists, masks and sums that the others are computed from say the truth."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken invariant: of whom, by which numbers, in whose accounts.

    `off` is how far a state is from where it should be, which lasts as long as nobody mends it;
    None for something that a block did once.
    """

    invariant: Invariant
    subject: str
    what: str
    off: int | None = None
    numbers: Mapping[str, int] = field(default_factory=dict)
    accounts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finding of a block that the operator goes on with."""

    block: int
    invariant: Invariant
    subject: str
    off: int | None

    def covers(self, finding: Finding, block: int) -> bool:
        """Whether it is the same, and no further off; what happened once only in its own block."""
        if (self.invariant, self.subject) != (finding.invariant, finding.subject):
            return False
        if self.off is None or finding.off is None:
            return self.off is finding.off and block == self.block
        return 0 <= finding.off <= self.off or self.off <= finding.off <= 0


def unaccepted(
    findings: Iterable[Finding], block: int, accepted: Iterable[Accepted]
) -> list[Finding]:
    """The findings of a block that nobody has said to go on with."""
    known = tuple(accepted)
    return [one for one in findings if not any(each.covers(one, block) for each in known)]
