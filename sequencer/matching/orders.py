"""An order as the book knows it: what was signed, and what was asked of the sequencer besides.

Units: prices p8 (1e-8 USD), sizes s8 (1e-8 base), rates ppm, `expiry` in seconds.
"""

from enum import StrEnum
from typing import Final

import msgspec

from execution.margin import Order, OrderFlag, SignedOrder
from state.types import Timestamp

# Plain numbers: an operation on enum flags takes longer than finding an order.
_REDUCE_ONLY: Final = int(OrderFlag.REDUCE_ONLY)
_POST_ONLY: Final = int(OrderFlag.POST_ONLY)
_FOK: Final = int(OrderFlag.FOK)
_IMMEDIATE: Final = int(OrderFlag.IOC | OrderFlag.FOK)


class SelfTradePrevention(StrEnum):
    """What happens when an order meets another one of the same owner, which the chain refuses."""

    EXPIRE_TAKER = "expire-taker"
    EXPIRE_MAKER = "expire-maker"
    EXPIRE_BOTH = "expire-both"
    DECREMENT = "decrement"
    """Both lose the smaller one's size, and nothing is traded."""


class TriggerKind(StrEnum):
    """Which way the mark has to go for a waiting order to become live."""

    STOP = "stop"
    """A buy when the mark is at or above the trigger, a sell at or below."""
    TAKE_PROFIT = "take-profit"
    """A buy when the mark is at or below the trigger, a sell at or above."""


class Trigger(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """When a waiting order becomes live; `price` is compared with the mark, p8."""

    kind: TriggerKind
    price: int

    def is_met(self, mark: int, *, is_buy: bool) -> bool:
        """Whether the mark (p8) has reached the trigger."""
        return mark >= self.price if self.rises(is_buy=is_buy) else mark <= self.price

    def rises(self, *, is_buy: bool) -> bool:
        """Whether the mark has to rise to the trigger, rather than fall."""
        return is_buy == (self.kind is TriggerKind.STOP)


class BookOrder(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A signed order in the book. `hash`, its EIP-712 digest, is how everybody names it."""

    hash: bytes
    owner: bytes
    """20 bytes: who owns the account. Two orders of one owner never trade with each other."""
    account: int
    market: int
    is_buy: bool
    size: int
    price: int
    max_fee_ppm: int
    flags: int
    """`OrderFlag`s."""
    nonce: int
    expiry: int
    r: bytes
    vs: bytes
    prevention: SelfTradePrevention = SelfTradePrevention.EXPIRE_TAKER
    trigger: Trigger | None = None
    client_id: str = ""
    """The trader's own name for it; "" for none."""

    @classmethod
    def of(
        cls,
        signed: SignedOrder,
        order_hash: bytes,
        owner: bytes,
        *,
        prevention: SelfTradePrevention = SelfTradePrevention.EXPIRE_TAKER,
        trigger: Trigger | None = None,
        client_id: str = "",
    ) -> "BookOrder":
        """The book's form of what a trader signed."""
        order = signed.order
        return cls(
            hash=order_hash,
            owner=owner,
            account=order.account,
            market=order.market,
            is_buy=order.is_buy,
            size=order.size,
            price=order.price,
            max_fee_ppm=order.max_fee_ppm,
            flags=int(order.flags),
            nonce=order.nonce,
            expiry=order.expiry,
            r=signed.r,
            vs=signed.vs,
            prevention=prevention,
            trigger=trigger,
            client_id=client_id,
        )

    @property
    def signed(self) -> SignedOrder:
        """What the clearing house checks."""
        order = Order(
            account=self.account,
            market=self.market,
            is_buy=self.is_buy,
            size=self.size,
            price=self.price,
            max_fee_ppm=self.max_fee_ppm,
            nonce=self.nonce,
            expiry=Timestamp(self.expiry),
            flags=OrderFlag(self.flags),
        )
        return SignedOrder(order, self.r, self.vs)

    @property
    def is_post_only(self) -> bool:
        return bool(self.flags & _POST_ONLY)

    @property
    def is_reduce_only(self) -> bool:
        return bool(self.flags & _REDUCE_ONLY)

    @property
    def is_immediate(self) -> bool:
        """IOC or FOK: never rests."""
        return bool(self.flags & _IMMEDIATE)

    @property
    def is_all_or_nothing(self) -> bool:
        """FOK."""
        return bool(self.flags & _FOK)
