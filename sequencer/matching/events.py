"""What an input did to the book.

`gc=False`: none of these can be part of a cycle, and the collector needn't walk over all of them.
"""

from enum import StrEnum

import msgspec

from sequencer.matching.inputs import CancelReason


class FillState(StrEnum):
    """How far a fill has come. The later steps follow from the block it is in."""

    MATCHED = "matched"
    """In the sequencer's durable log: the soft confirmation."""
    UNSAFE = "unsafe"
    """Settled in a block that isn't on L1 yet."""
    SAFE = "safe"
    FINALIZED = "finalized"
    REFUSED = "refused"
    """Rejected by the clearing house and unwound."""


class Fill(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A trade between two orders: price p8, size s8, time in milliseconds.

    In an auction neither was there first; `taker` is then whom the settlement names so.
    """

    id: int
    """Counts from 1 over all markets."""
    market: int
    price: int
    size: int
    taker: bytes
    maker: bytes
    taker_account: int
    maker_account: int
    taker_is_buy: bool
    time: int
    is_auction: bool = False


class Accepted(msgspec.Struct, frozen=True, gc=False, tag="accepted"):
    """An order is in the book's hands: `waits` for its trigger, or lives."""

    order: bytes
    account: int
    market: int
    waits: bool


class Triggered(msgspec.Struct, frozen=True, gc=False, tag="triggered"):
    order: bytes
    account: int
    mark: int


class Matched(msgspec.Struct, frozen=True, gc=False, tag="matched"):
    """A fill, and what each order may still trade after it (s8)."""

    fill: Fill
    taker_left: int
    maker_left: int


class Cancelled(msgspec.Struct, frozen=True, gc=False, tag="cancelled"):
    """An order left with `left` (s8) untraded."""

    order: bytes
    account: int
    market: int
    left: int
    reason: CancelReason


class Resized(msgspec.Struct, frozen=True, gc=False, tag="resized"):
    """A resting order may trade another size (s8): decremented, shrunk, or given back a fill."""

    order: bytes
    account: int
    left: int


class Settled(msgspec.Struct, frozen=True, gc=False, tag="settled"):
    fill: Fill
    block: int
    transaction: bytes


class Unwound(msgspec.Struct, frozen=True, gc=False, tag="unwound"):
    """The clearing house rejected the fill: nothing of it happened. `reason` is a `Reason`."""

    fill: Fill
    reason: int
    block: int
    transaction: bytes


class WaitsAgain(msgspec.Struct, frozen=True, gc=False, tag="waits-again"):
    """A reorg took back the block that had settled it."""

    fill: Fill


class LevelChanged(msgspec.Struct, frozen=True, gc=False, tag="level"):
    """All that rests at a price now (s8), once a changed level, at the end of an input."""

    market: int
    is_buy: bool
    price: int
    size: int


Event = (
    Accepted
    | Triggered
    | Matched
    | Cancelled
    | Resized
    | Settled
    | Unwound
    | WaitsAgain
    | LevelChanged
)
