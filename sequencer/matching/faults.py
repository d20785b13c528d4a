"""Which of its two orders a fill failed for, as far as the clearing house's reason tells."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from execution.margin.reasons import Reason


class Fault(Enum):
    """Whose order is at fault, and leaves the book."""

    TAKER = "taker"
    MAKER = "maker"
    BOTH = "both"
    """It may be either, or the market's state: then whoever stayed would make the next fill fail
    as well, and block the book's best price while it lasts."""


_FAULTS: Final[Mapping[int, Fault]] = {
    # The contract checks these two flags of the side that they name.
    Reason.POST_ONLY_WOULD_TAKE: Fault.TAKER,
    Reason.IMMEDIATE_WOULD_REST: Fault.MAKER,
    Reason.TAKER_MARGIN: Fault.TAKER,
    Reason.MAKER_MARGIN: Fault.MAKER,
    # The price is the maker's: the mark has moved away from it since it came.
    Reason.OUTSIDE_PRICE_BAND: Fault.MAKER,
}


def fault_of(reason: int, *, is_auction: bool) -> Fault:
    """Who is at fault for a `Reason`; an unknown one says nothing, so that both are."""
    if is_auction and reason == Reason.OUTSIDE_PRICE_BAND:
        return Fault.BOTH  # The clearing price is neither one's.
    return _FAULTS.get(reason, Fault.BOTH)
