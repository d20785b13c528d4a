"""The inputs of the matching engine, which are also the records of its log.

`time` is when the sequencer received the input, in milliseconds since 1970; it never goes back.
"""

from enum import StrEnum

import msgspec

from sequencer.matching.faults import Fault
from sequencer.matching.orders import BookOrder


class CancelReason(StrEnum):
    """Why an order left the book without being filled."""

    REQUESTED = "requested"
    REPLACED = "replaced"
    EXPIRED = "expired"
    EPOCH_RAISED = "epoch raised"
    """The account's order epoch on chain moved on, which voids everything older."""
    CANCELLED_ON_CHAIN = "cancelled on chain"
    CHANGES_ON_CHAIN = "changes on chain"
    """Somebody came to trade with it while a block changed its account's collateral, positions or
    orders."""
    SIGNER_REVOKED = "signer revoked"
    MARGIN = "margin"
    """A fill of it would have left the account below its requirement."""
    NOT_REDUCING = "not reducing"
    """Reduce-only, and there is no position left that it would reduce."""
    SELF_TRADE = "self-trade"
    POST_ONLY_WOULD_TAKE = "post-only would take"
    IMMEDIATE_REST = "immediate rest"
    """What an IOC order couldn't trade at once."""
    FOK_UNFILLED = "fill-or-kill unfilled"
    DECREMENTED = "decremented"
    OFF_GRID = "off grid"
    """Its price isn't on the market's tick, or its size not on the lot, as they are now."""
    MARKET_CLOSED = "market closed"
    """No longer open, or matched by other rules than those the order came for."""
    REFUSED_ON_CHAIN = "refused on chain"
    """The clearing house rejected a fill for this order's sake."""
    WOULD_CROSS = "would cross"
    """Put back after a rejected fill, it would have crossed the book."""


class _Input(msgspec.Struct, frozen=True, array_like=True, tag_field="kind", kw_only=True):
    time: int


class Place(_Input, frozen=True, array_like=True, kw_only=True, tag="place"):
    """A new order. `most` (s8) is what it may trade: its size, or for a reduce-only order less."""

    order: BookOrder
    most: int


class Replace(_Input, frozen=True, array_like=True, kw_only=True, tag="replace"):
    """A new order in an old one's stead; the old one goes whatever becomes of the new one."""

    old: bytes
    order: BookOrder
    most: int


class Cancel(_Input, frozen=True, array_like=True, kw_only=True, tag="cancel"):
    """One order leaves."""

    order: bytes
    reason: CancelReason = CancelReason.REQUESTED


class CancelAll(_Input, frozen=True, array_like=True, kw_only=True, tag="cancel-all"):
    """All of an account's orders leave, or those in one market."""

    account: int
    market: int | None = None
    reason: CancelReason = CancelReason.REQUESTED


class Shrink(_Input, frozen=True, array_like=True, kw_only=True, tag="shrink"):
    """A resting reduce-only order may trade no more than `most` (s8) from now on."""

    order: bytes
    most: int


class Marks(_Input, frozen=True, array_like=True, kw_only=True, tag="marks"):
    """Mark prices, p8 by market: they fire stops and take-profits, or, with `fires` False, allow
    that each of these is fired by a `Fire` of its own."""

    marks: dict[int, int]
    fires: bool = True


class Fire(_Input, frozen=True, array_like=True, kw_only=True, tag="fire"):
    """A waiting order lives, if the last mark meets its trigger."""

    order: bytes


class ListMarket(_Input, frozen=True, array_like=True, kw_only=True, tag="list"):
    """A market or series can be traded, or its rules changed. Tick p8, lot s8.

    In an auction market orders gather until `Clear`. A market that isn't open takes no new orders
    and loses those it has.
    """

    market: int
    tick: int
    lot: int
    is_auction: bool = False
    is_open: bool = True


class Clear(_Input, frozen=True, array_like=True, kw_only=True, tag="clear"):
    """The auctions of a block: what has gathered trades at one price a market."""

    markets: tuple[int, ...]


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """A fill that the clearing house rejected, with its `Reason`.

    `fault` says whose order was to blame, where the books told; else the reason has to.
    """

    fill: int
    reason: int
    fault: Fault | None = None


class Outcome(_Input, frozen=True, array_like=True, kw_only=True, tag="outcome"):
    """What a block made of fills that were waiting."""

    block: int
    transaction: bytes
    settled: tuple[int, ...]
    refused: tuple[Refusal, ...] = ()
    recovered: tuple[int, ...] = ()
    """Fills that it settled, though a block that is gone had refused them."""


class Reverted(_Input, frozen=True, array_like=True, kw_only=True, tag="reverted"):
    """A reorg took back the blocks from `block` on: what was settled in them waits again."""

    block: int


class Finalized(_Input, frozen=True, array_like=True, kw_only=True, tag="finalized"):
    """Fills settled up to `block` can't be taken back any more, and may be forgotten."""

    block: int


class Heartbeat(_Input, frozen=True, array_like=True, kw_only=True, tag="heartbeat"):
    """Only time passed: orders past their expiry leave."""


Input = (
    Place
    | Replace
    | Cancel
    | CancelAll
    | Shrink
    | Marks
    | Fire
    | ListMarket
    | Clear
    | Outcome
    | Reverted
    | Finalized
    | Heartbeat
)
