"""An order as the engine works on it: what may still change about it."""

from sequencer.matching.inputs import CancelReason
from sequencer.matching.limits import SETTLING_SECONDS
from sequencer.matching.orders import BookOrder
from sequencer.matching.views import OrderStatus, OrderView

MS = 1_000
_DONE = (OrderStatus.FILLED, OrderStatus.CANCELLED)


def last_match_ms(order: BookOrder) -> int:
    """The last millisecond in which the order may match."""
    return (order.expiry - SETTLING_SECONDS) * MS


def expiry_ms(order: BookOrder) -> int:
    """The last millisecond in which the chain takes the order: `block.timestamp > expiry` voids."""
    return order.expiry * MS


class Entry:
    """An order in the engine's hands. Sizes s8, `accepted` in ms.

    `left` and `filled` add up to what the order was given to trade, less what self-trade prevention
    and shrinking took. `fills` are those that may still be taken back.
    """

    __slots__ = (
        "accepted",
        "filled",
        "fills",
        "left",
        "order",
        "rank",
        "reason",
        "rests",
        "status",
    )

    def __init__(self, order: BookOrder, left: int, accepted: int, rank: int) -> None:
        self.order = order
        self.left = left
        self.filled = 0
        self.status = OrderStatus.LIVE
        self.reason: CancelReason | None = None
        self.accepted = accepted
        self.rank = rank
        """Time priority: the lower came first. Counts over all markets, so that none are equal."""
        self.rests = False
        """Whether a side of a book holds it: not while it takes, nor while it waits."""
        self.fills: list[int] = []

    @property
    def is_done(self) -> bool:
        """Filled or cancelled. A filled one may still be given back a fill."""
        return self.status in _DONE

    def may_be_forgotten(self, now: int) -> bool:
        """Whether nothing can come of it any more: done, all fills final, void on chain."""
        return self.is_done and not self.fills and expiry_ms(self.order) < now

    def view(self) -> OrderView:
        """What others may see of it."""
        return OrderView(
            order=self.order,
            left=self.left,
            filled=self.filled,
            status=self.status,
            reason=self.reason,
            accepted=self.accepted,
            fills=tuple(self.fills),
        )
