"""Why the exchange doesn't take an order or a request.

    OrderRejected (Invalid)
    ├── BadSignature, SignerNotAllowed   nobody's signature, or that of somebody who may not trade
    ├── UnknownAccount, UnknownMarket, UnknownOrder
    ├── MarketNotOpen                    closed, expired, or only to be reduced in
    ├── OffTick, OffLot, OutsidePriceBand
    ├── OrderTooSmall                    costs more to settle than it is worth
    ├── MalformedOrder                   asks for things that exclude each other
    ├── WrongEpoch, Expired, NonceUsed, DuplicateOrder
    ├── FeeAboveMaximum                  the market charges more than was signed
    ├── TooManyOrders                    an account, or the exchange, holds as many as it may
    ├── NotReducing, PostOnlyWouldTake
    ├── TooManyFills                     trades with too many orders at once
    ├── MarginTooLow, WouldNotSettle     the clearing house would reject the fill
    └── CancelOutOfTime, CancelReplayed
    ExchangeUnavailable (Unavailable)    overloaded, stopping, or its disk failed

Each has a `reason`, one word for programs; the message says what to do. Units as in the orders: p8,
s8, ppm, seconds.
"""

from typing import ClassVar

from execution.margin import Reason
from state.errors import Invalid, Unavailable


class OrderRejected(Invalid):
    """The exchange doesn't take this; nothing has changed."""

    reason: ClassVar[str] = "rejected"


class BadSignature(OrderRejected):
    """No key made this signature for this order on this chain."""

    reason = "bad-signature"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the signature is not one of this order: {why}; sign the EIP-712 digest in the"
            " ClearingHouse's domain of this chain"
        )


class SignerNotAllowed(OrderRejected):
    """Neither the owner nor a live session key for the market."""

    reason = "signer-not-allowed"

    def __init__(self, signer: bytes, account: int) -> None:
        super().__init__(
            f"0x{signer.hex()} may not trade here for account {account}: sign as its owner, or with"
            " a session key that is live and lists the market"
        )


class UnknownAccount(OrderRejected):
    """No sub-account has this id yet."""

    reason = "unknown-account"

    def __init__(self, account: int) -> None:
        super().__init__(f"there is no account {account}: create one in the ClearingHouse first")


class UnknownMarket(OrderRejected):
    """Neither a market nor a series has this id."""

    reason = "unknown-market"

    def __init__(self, market: int) -> None:
        super().__init__(f"there is no market or option series {market}")


class UnknownOrder(OrderRejected):
    """Never placed here, or gone for so long that it is forgotten."""

    reason = "unknown-order"

    def __init__(self, order: bytes) -> None:
        super().__init__(
            f"order 0x{order.hex()} is not open: it was filled, cancelled or never here"
        )


class MarketNotOpen(OrderRejected):
    """Closed, expired, or paused for all that doesn't reduce."""

    reason = "market-not-open"

    def __init__(self, market: int, *, takes_reducing: bool) -> None:
        how = "takes orders only with the reduce-only flag" if takes_reducing else "is closed"
        super().__init__(f"market {market} {how} now")


class OffTick(OrderRejected):
    """Not a whole number of ticks."""

    reason = "off-tick"

    def __init__(self, price: int, tick: int) -> None:
        super().__init__(f"the price {price} is not a positive multiple of the tick {tick} (p8)")


class OrderTooSmall(OrderRejected):
    """Not worth what its settlement costs."""

    reason = "order-too-small"

    def __init__(self, size: int, least: int) -> None:
        super().__init__(
            f"the size {size} is below {least} (s8): only orders with the reduce-only flag may be"
            " worth less"
        )


class OffLot(OrderRejected):
    """Not a whole number of lots."""

    reason = "off-lot"

    def __init__(self, size: int, lot: int) -> None:
        super().__init__(f"the size {size} is not a positive multiple of the lot {lot} (s8)")


class OutsidePriceBand(OrderRejected):
    """The limit reaches where the clearing house settles nothing."""

    reason = "outside-price-band"

    def __init__(self, price: int, low: int, high: int) -> None:
        super().__init__(
            f"the price {price} reaches outside of the price band {low} to {high} (p8)"
        )


class MalformedOrder(OrderRejected):
    """Flags that exclude each other."""

    reason = "malformed-order"


class WrongEpoch(OrderRejected):
    """The upper half of the nonce is not the account's order epoch."""

    reason = "wrong-epoch"

    def __init__(self, epoch: int, account_epoch: int) -> None:
        super().__init__(
            f"the nonce is of order epoch {epoch}, the account is in {account_epoch}: sign with a"
            " nonce whose upper 32 bits are that epoch"
        )


class Expired(OrderRejected):
    """Expired, or so soon that its fills might not settle any more."""

    reason = "expired"

    def __init__(self, expiry: int, earliest: int) -> None:
        super().__init__(
            f"the order expires at {expiry}; the earliest expiry that can still settle is"
            f" {earliest} (seconds since 1970)"
        )


class NonceUsed(OrderRejected):
    """Another order has this nonce, or fills or a cancellation on chain."""

    reason = "nonce-used"

    def __init__(self, nonce: int) -> None:
        super().__init__(f"nonce {nonce} is used or cancelled: sign with a fresh one")


class DuplicateOrder(OrderRejected):
    """The very same order came before."""

    reason = "duplicate-order"

    def __init__(self, order: bytes) -> None:
        super().__init__(f"order 0x{order.hex()} is already here")


class FeeAboveMaximum(OrderRejected):
    """The account's fee in this market is above the signed bound."""

    reason = "fee-above-maximum"

    def __init__(self, fee_ppm: int, max_fee_ppm: int) -> None:
        super().__init__(f"the fee is {fee_ppm} ppm, and the order allows {max_fee_ppm} ppm")


class TooManyOrders(OrderRejected):
    """No room for another open order."""

    reason = "too-many-orders"

    def __init__(self, limit: int, whose: str) -> None:
        super().__init__(
            f"{whose} has {limit} orders, as many as may be: cancel some, or sign earlier expiries"
        )


class NotReducing(OrderRejected):
    """Reduce-only without a position on the other side."""

    reason = "not-reducing"

    def __init__(self, position: int) -> None:
        super().__init__(
            f"a reduce-only order needs a position on the other side, and this one is {position}"
            " (s8, with what is matched and not yet settled)"
        )


class PostOnlyWouldTake(OrderRejected):
    """Post-only, and it crosses the book."""

    reason = "post-only-would-take"

    def __init__(self, best: int) -> None:
        super().__init__(
            f"a post-only order may not trade at once, and {best} (p8) is there to take"
        )


class MarginTooLow(OrderRejected):
    """The account would be below its requirement."""

    reason = "margin-too-low"

    def __init__(self, account: int) -> None:
        super().__init__(
            f"account {account} would be below its initial margin: deposit, or trade less"
        )


class TooManyFills(OrderRejected):
    """It would trade with more resting orders than one request may."""

    reason = "too-many-fills"

    def __init__(self, limit: int) -> None:
        super().__init__(f"the order would trade with more than {limit} others: send a smaller one")


class WouldNotSettle(OrderRejected):
    """The clearing house would reject the fill for a reason other than margin."""

    reason = "would-not-settle"

    def __init__(self, why: Reason) -> None:
        word = why.name.lower().replace("_", " ")
        super().__init__(f"the clearing house would reject the fill now: {word}")


class CancelOutOfTime(OrderRejected):
    """Signed too long ago, or in the future."""

    reason = "cancel-out-of-time"

    def __init__(self, time: int, now: int) -> None:
        super().__init__(
            f"the request was signed at {time} ms, and it is {now} ms now: sign it again, with a"
            " clock that is right"
        )


class CancelReplayed(OrderRejected):
    """Not newer than the account's last request to cancel all."""

    reason = "cancel-replayed"

    def __init__(self, time: int, last: int) -> None:
        super().__init__(f"the request's time {time} ms must be after the last one's, {last} ms")


class ExchangeUnavailable(Unavailable):
    """Not now: nothing was done, or it isn't known to be on disk."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the exchange takes no requests: {why}")
