"""What the engine tells those who ask: snapshots that don't change with it."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from sequencer.matching.events import Fill, FillState
from sequencer.matching.inputs import CancelReason
from sequencer.matching.orders import BookOrder


class OrderStatus(StrEnum):
    """Where an order is."""

    WAITING = "waiting"
    """For the mark to reach its trigger."""
    LIVE = "live"
    FILLED = "filled"
    """It has traded all that it might: its size, or less if it only reduces."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order now. Sizes s8; `accepted` in ms; `fills` are the ids of those not yet final.

    `left` is what it may still trade, or what was left when it was cancelled.
    """

    order: BookOrder
    left: int
    filled: int
    status: OrderStatus
    reason: CancelReason | None
    accepted: int
    fills: tuple[int, ...]

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status in (OrderStatus.LIVE, OrderStatus.WAITING)


@dataclass(frozen=True, slots=True)
class Hit:
    """A trade that would happen: `size` (s8) with `maker` at `price` (p8)."""

    maker: BookOrder
    size: int
    price: int


@dataclass(frozen=True, slots=True)
class Levels:
    """The best levels of a book as (price p8, size s8), best first."""

    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class FillRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A fill and what became of it. `reason` is the clearing house's `Reason` if it refused.

    The engine knows MATCHED, UNSAFE and REFUSED; safe and finalized follow from the block.
    """

    fill: Fill
    state: FillState
    block: int | None = None
    transaction: bytes = b""
    reason: int = 0
