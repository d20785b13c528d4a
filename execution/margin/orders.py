"""Signed orders, and the packed batches in which the matcher settles them.

Units: prices p8 (1e-8 USD), sizes s8 (1e-8 base), rates ppm, times seconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from execution.contracts.abi import clearing_house
from execution.limits import BATCH_ORDERS_MAX
from execution.margin.typed_data import sign_digest, typed_digest
from state.errors import Invalid
from state.keccak import keccak
from state.types import Hash32, Timestamp

ORDER_BYTES: Final = 110
FILL_BYTES: Final = 12

_ORDER_TYPE = keccak(
    b"Order(uint64 account,uint32 market,bool isBuy,uint64 size,uint64 price,int32 maxFeePpm,"
    b"uint8 flags,uint64 nonce,uint40 expiry)"
)
_BUY_BIT = 0x80


class InvalidOrder(Invalid):
    """An order field that doesn't fit its EIP-712 type."""


class InvalidBatch(Invalid):
    """A batch with more orders than fills can name."""


class OrderFlag(IntFlag):
    """What an order asks for beyond its limit."""

    NONE = 0
    REDUCE_ONLY = 1
    POST_ONLY = 2
    IOC = 4
    FOK = 8


@dataclass(frozen=True, slots=True)
class Order:
    """What a trader signs. Upper half of `nonce` is the account's order epoch."""

    account: int
    market: int
    is_buy: bool
    size: int
    price: int
    max_fee_ppm: int
    nonce: int
    expiry: Timestamp
    flags: OrderFlag = OrderFlag.NONE

    def __post_init__(self) -> None:
        for name, bits in (("account", 64), ("market", 32), ("price", 64), ("nonce", 64)):
            check_range(name, getattr(self, name), 0, 1 << bits)
        check_range("size", self.size, 0, 1 << 63)
        check_range("expiry", self.expiry, 0, 1 << 40)
        check_range("max_fee_ppm", self.max_fee_ppm, -(1 << 31), 1 << 31)
        check_range("flags", self.flags, 0, 16)

    def digest(self, domain: Hash32) -> Hash32:
        """EIP-712 digest, which the trader's key signs."""
        members = (
            self.account,
            self.market,
            self.is_buy,
            self.size,
            self.price,
            self.max_fee_ppm,
            self.flags,
            self.nonce,
            self.expiry,
        )
        return typed_digest(domain, _ORDER_TYPE, members)

    def sign(self, key: bytes, domain: Hash32) -> "SignedOrder":
        """Sign with a 32-byte private key (RFC 6979, low s)."""
        r, s, parity = sign_digest(self.digest(domain), key)
        return SignedOrder(self, r, (parity << 255 | s).to_bytes(32, "big"))


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order and its compact signature (EIP-2098)."""

    order: Order
    r: bytes
    vs: bytes

    @property
    def packed(self) -> bytes:
        """The order's 110 bytes in a batch's table."""
        o = self.order
        parts = (
            o.account.to_bytes(8, "big"),
            o.market.to_bytes(4, "big"),
            bytes([_BUY_BIT * o.is_buy | o.flags]),
            o.size.to_bytes(8, "big"),
            o.price.to_bytes(8, "big"),
            o.max_fee_ppm.to_bytes(4, "big", signed=True),
            o.nonce.to_bytes(8, "big"),
            o.expiry.to_bytes(5, "big"),
            self.r,
            self.vs,
        )
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Match:
    """A fill that a book made: `size` (s8) between two orders."""

    taker: SignedOrder
    maker: SignedOrder
    size: int


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """The three arguments of `settleBatch`."""

    orders: bytes
    fills: bytes
    clearing: bytes = b""

    @property
    def calldata(self) -> bytes:
        """The whole call."""
        return clearing_house().call("settleBatch", self.orders, self.fills, self.clearing)


def pack_batch(
    matches: Iterable[Match], clearing_prices: Mapping[int, int] | None = None
) -> PackedBatch:
    """Pack fills with each distinct order once; `clearing_prices` (p8) of auction markets.

    Raises `InvalidBatch`.
    """
    numbers: dict[bytes, int] = {}
    fills = []
    for match in matches:
        taker, maker = (
            numbers.setdefault(order.packed, len(numbers)) for order in (match.taker, match.maker)
        )
        if len(numbers) > BATCH_ORDERS_MAX:
            raise InvalidBatch(f"more than {BATCH_ORDERS_MAX} orders: split the batch")
        fills.append(pack_fill(taker, maker, match.size))
    prices = sorted((clearing_prices or {}).items())
    clearing = [m.to_bytes(4, "big") + p.to_bytes(8, "big") for m, p in prices]
    return PackedBatch(b"".join(numbers), b"".join(fills), b"".join(clearing))


def pack_fill(taker: int, maker: int, size: int) -> bytes:
    """A fill between two orders of the table, by their numbers."""
    return taker.to_bytes(2, "big") + maker.to_bytes(2, "big") + size.to_bytes(8, "big")


def check_range(name: str, value: int, low: int, high: int) -> None:
    """Hold a field to its type. Raises `InvalidOrder`."""
    if not low <= value < high:
        raise InvalidOrder(f"{name} {value} is not in {low}..{high - 1}")
