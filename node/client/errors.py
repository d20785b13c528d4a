"""What a trade client raises.

    Invalid
    ├── OrderRefused      the exchange doesn't take it; `reason` says why, in a word for programs
    ├── RequestRefused    any other JSON-RPC error: code, and the node's words
    ├── InexactAmount     a price or size with more decimals than there are
    ├── NoAccount         the client was made without what signing needs
    └── BookGap           a change of a book that doesn't follow the last one
    Unavailable
    ├── NotConnected      nothing was sent
    └── OutcomeUnknown    sent, and the connection was lost before the answer

An order is named by its hash, so that after `OutcomeUnknown` asking for it tells what happened.
"""

from enum import StrEnum
from typing import Any

from state.errors import Invalid, Unavailable


class Refusal(StrEnum):
    """The words of `sequencer.exchange.errors`; docs/exchange.md has what each means."""

    REJECTED = "rejected"
    """For a reason that this client doesn't know by name; the message says it."""
    BAD_SIGNATURE = "bad-signature"
    SIGNER_NOT_ALLOWED = "signer-not-allowed"
    UNKNOWN_ACCOUNT = "unknown-account"
    UNKNOWN_MARKET = "unknown-market"
    UNKNOWN_ORDER = "unknown-order"
    MARKET_NOT_OPEN = "market-not-open"
    OFF_TICK = "off-tick"
    OFF_LOT = "off-lot"
    ORDER_TOO_SMALL = "order-too-small"
    OUTSIDE_PRICE_BAND = "outside-price-band"
    MALFORMED_ORDER = "malformed-order"
    WRONG_EPOCH = "wrong-epoch"
    EXPIRED = "expired"
    NONCE_USED = "nonce-used"
    DUPLICATE_ORDER = "duplicate-order"
    FEE_ABOVE_MAXIMUM = "fee-above-maximum"
    TOO_MANY_ORDERS = "too-many-orders"
    TOO_MANY_FILLS = "too-many-fills"
    NOT_REDUCING = "not-reducing"
    POST_ONLY_WOULD_TAKE = "post-only-would-take"
    MARGIN_TOO_LOW = "margin-too-low"
    WOULD_NOT_SETTLE = "would-not-settle"
    CANCEL_OUT_OF_TIME = "cancel-out-of-time"
    CANCEL_REPLAYED = "cancel-replayed"


class OrderRefused(Invalid):
    """The exchange doesn't take an order or a request; nothing has changed."""

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RequestRefused(Invalid):
    """A JSON-RPC error about something else than the exchange's rules."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method} was refused: {message} (code {code})")
        self.code = code


class InexactAmount(Invalid):
    """Not a number, or not a whole number of the smallest units."""


class NoAccount(Invalid):
    """Signing needs a key and a margin account."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} needs a key and the id of a margin account: connect with both")


class BookGap(Invalid):
    """A change names another predecessor than the book's last sequence: something was missed."""


class NotConnected(Unavailable):
    """The node isn't there or says 'not now'; nothing was done."""


class OutcomeUnknown(Unavailable):
    """The connection was lost before the answer came: it was done, or it wasn't."""

    def __init__(self, method: str) -> None:
        super().__init__(
            f"the connection was lost before {method} was answered: ask for the order before you"
            " try again"
        )


def refusal_of(method: str, code: object, message: object, data: object) -> Invalid | Unavailable:
    """The error that a JSON-RPC error object (its section 5.1) stands for."""
    words = str(message)
    if isinstance(data, dict) and "reason" in data:
        return OrderRefused(_reason(data["reason"]), words)
    if code in _NOT_NOW:
        return NotConnected(f"{method} can't be done now: {words}")
    return RequestRefused(method, code if isinstance(code, int) else 0, words)


_NOT_NOW = frozenset({-32002})
"""JSON-RPC code of what is worth another try (EIP-1474, "Resource unavailable")."""


def _reason(word: Any) -> Refusal:
    try:
        return Refusal(word)
    except ValueError:
        return Refusal.REJECTED
