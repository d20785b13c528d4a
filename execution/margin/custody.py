"""The collateral as a whole, from storage: what the books hold and how fast it may leave, q6."""

from dataclasses import dataclass

from execution.margin.storage import Word, as_struct, read_value
from state.types import Timestamp


@dataclass(frozen=True, slots=True)
class CustodyState:
    """q6: collateral that the books account for, and what of it is fees and insurance.

    While `reported_debt`, the negative equity that was reported, exceeds the insurance, nothing may
    be withdrawn.
    """

    held: int
    fees: int
    insurance: int
    reported_debt: int

    @property
    def is_gated(self) -> bool:
        """Whether reported bad debt keeps withdrawals closed."""
        return self.reported_debt > self.insurance


@dataclass(frozen=True, slots=True)
class LimiterState:
    """A withdrawal limit: period s, share ppm of the custody, the rest q6.

    `capacity` is what could leave at `time`; it drifts to its baseline since.
    """

    period: int
    share: int
    minimum: int
    cap: int
    capacity: int
    time: Timestamp


def read_custody(word: Word) -> CustodyState:
    """What the books hold."""
    labels = ("custody", "feeFund", "insuranceTotal", "reportedDebt")
    return CustodyState(*(int(read_value(word, label)) for label in labels))


def read_limiters(word: Word) -> tuple[LimiterState | None, ...]:
    """The withdrawal limits by number; None for one that is off."""
    found = [as_struct(LimiterState, each) for each in read_value(word, "limiters")]
    return tuple(limiter if limiter.period else None for limiter in found)
