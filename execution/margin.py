"""The margin engine from outside: signing orders and reports, packing batches, decoding storage.

Margin itself is computed by the ClearingHouse contract alone (execution/contracts/). Units: prices
p8 (1e-8 USD), sizes s8 (1e-8 base), amounts q6 (1e-6 USD), rates ppm, times seconds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import cache
from typing import Final

from coincurve import PrivateKey

from execution.contracts import artifact
from execution.contracts.abi import clearing_house
from execution.contracts.layout import Layout
from execution.limits import BATCH_ORDERS_MAX
from genesis.predeploys import CLEARING_HOUSE
from state.errors import Invalid
from state.keccak import keccak
from state.types import Address, Hash32, Timestamp

ORDER_BYTES: Final = 110
FILL_BYTES: Final = 12
FILLED_CANCELLED: Final = 2**64 - 1
"""What a nonce's fill lane says once it is cancelled."""

_DOMAIN_TYPE = keccak(
    b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
_ORDER_TYPE = keccak(
    b"Order(uint64 account,uint32 market,bool isBuy,uint64 size,uint64 price,int32 maxFeePpm,"
    b"uint8 flags,uint64 nonce,uint40 expiry)"
)
_BUY_BIT = 0x80
_Word = Callable[[int], int]


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


class Reason(IntEnum):
    """Why `FillRejected` was emitted; `Reason` of Types.sol."""

    NONE = 0
    MALFORMED_FILL = 1
    MALFORMED_ORDER = 2
    UNKNOWN_ACCOUNT = 3
    BAD_SIGNATURE = 4
    SIGNER_NOT_ALLOWED = 5
    ORDER_EXPIRED = 6
    WRONG_EPOCH = 7
    MARKET_MISMATCH = 8
    UNKNOWN_MARKET = 9
    SAME_SIDE = 10
    SELF_TRADE = 11
    ZERO_SIZE = 12
    OFF_LOT = 13
    OFF_TICK = 14
    NO_CLEARING_PRICE = 15
    LIMIT_EXCEEDED = 16
    ORDER_CANCELLED = 17
    ORDER_OVERFILLED = 18
    POST_ONLY_WOULD_TAKE = 19
    IMMEDIATE_WOULD_REST = 20
    FEE_ABOVE_MAXIMUM = 21
    OUTSIDE_PRICE_BAND = 22
    NOT_REDUCING = 23
    MARKET_REDUCE_ONLY = 24
    ORACLE_STALE = 25
    OPEN_INTEREST_CAP = 26
    FIELD_OVERFLOW = 27
    TAKER_MARGIN = 28
    MAKER_MARGIN = 29


class ReportKind(IntEnum):
    """What a price report is about: the index, or the external perpetual."""

    INDEX = 0
    EXTERNAL = 1

    @property
    def type_hash(self) -> Hash32:
        """EIP-712 type hash of the report."""
        name = b"PriceReport" if self is ReportKind.INDEX else b"ExternalPriceReport"
        return keccak(name + b"(uint32 market,uint32 round,uint64 price,uint40 timestamp)")


@cache
def domain_separator(chain_id: int, contract: Address = CLEARING_HOUSE) -> Hash32:
    """EIP-712 domain of orders and reports."""
    words = (keccak(b"ClearingHouse"), keccak(b"1"), _word(chain_id), contract.rjust(32, b"\0"))
    return keccak(_DOMAIN_TYPE + b"".join(words))


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
            _check_range(name, getattr(self, name), 0, 1 << bits)
        _check_range("size", self.size, 0, 1 << 63)
        _check_range("expiry", self.expiry, 0, 1 << 40)
        _check_range("max_fee_ppm", self.max_fee_ppm, -(1 << 31), 1 << 31)
        _check_range("flags", self.flags, 0, 16)

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
        return _typed_digest(domain, _ORDER_TYPE, members)

    def sign(self, key: bytes, domain: Hash32) -> "SignedOrder":
        """Sign with a 32-byte private key (RFC 6979, low s)."""
        r, s, parity = _sign(self.digest(domain), key)
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


@dataclass(frozen=True, slots=True)
class SignedReport:
    """One oracle signer's price (p8) in a round."""

    price: int
    timestamp: Timestamp
    v: int
    r: bytes
    s: bytes

    def as_tuple(self) -> tuple[int, int, int, bytes, bytes]:
        """As the ABI wants it."""
        return (self.price, self.timestamp, self.v, self.r, self.s)


def sign_report(
    market: int,
    round_: int,
    price: int,
    timestamp: Timestamp,
    key: bytes,
    domain: Hash32,
    kind: ReportKind = ReportKind.INDEX,
) -> SignedReport:
    """Sign a price report with an oracle signer's 32-byte key."""
    digest = _typed_digest(domain, kind.type_hash, (market, round_, price, timestamp))
    r, s, parity = _sign(digest, key)
    return SignedReport(price, timestamp, 27 + parity, r, _word(s))


def report_call(
    market: int,
    round_: int,
    reports: Sequence[SignedReport],
    kind: ReportKind = ReportKind.INDEX,
) -> bytes:
    """Calldata that relays one round of reports."""
    name = "reportPrice" if kind is ReportKind.INDEX else "reportExternalPrice"
    return clearing_house().call(name, market, round_, [r.as_tuple() for r in reports])


# Storage


@dataclass(frozen=True, slots=True)
class AccountState:
    """One sub-account's slot. Cash in q6; bit i of `perps`: a position in market i."""

    owner: Address
    cash: int
    perps: int
    flags: int
    margin_mode: int
    fee_tier: int
    options: int
    order_epoch: int
    session_epoch: int

    @property
    def markets(self) -> tuple[int, ...]:
        """Ids of the perpetual markets with an open position."""
        return tuple(i for i in range(64) if self.perps >> i & 1)


@dataclass(frozen=True, slots=True)
class PositionState:
    """One perpetual position: size s8, cost q6, funding index f12."""

    size: int
    cost: int
    funding: int


@dataclass(frozen=True, slots=True)
class MarketState:
    """What of a market moves: prices p8, funding index f12, open interest s8, pool q6."""

    mark: int
    index: int
    index_time: Timestamp
    mark_time: Timestamp
    status: int
    round: int
    funding_index: int
    funding_time: Timestamp
    open_interest: int
    pool: int


def read_account(word: _Word, account: int) -> AccountState | None:
    """A sub-account from the ClearingHouse's storage, `word` giving a slot's content."""
    layout = _layout()
    owner = Address(layout.read(layout.place("owners", account), word))
    if not any(owner):
        return None
    state = layout.read(layout.place("accounts", account), word)
    return AccountState(
        owner,
        state["cash"],
        state["perps"],
        state["flags"],
        state["marginMode"],
        state["feeTier"],
        state["options"],
        state["orderEpoch"],
        state["sessionEpoch"],
    )


def read_position(word: _Word, account: int, market: int) -> PositionState:
    """A perpetual position; all zero when there is none."""
    layout = _layout()
    state = layout.read(layout.place("positions", account << 32 | market), word)
    return PositionState(state["size"], state["cost"], state["funding"])


def read_market(word: _Word, market: int) -> MarketState:
    """A market's moving parts."""
    layout = _layout()
    state = layout.read(layout.place("markets", market), word)
    price, flow = state["price"], state["flow"]
    return MarketState(
        price["mark"],
        price["index"],
        price["indexTime"],
        price["markTime"],
        price["status"],
        price["round"],
        flow["fundingIndex"],
        flow["fundingTime"],
        flow["openInterest"],
        state["funding"]["pool"],
    )


def read_filled(word: _Word, account: int, nonce: int) -> int:
    """s8 filled under a nonce, or `FILLED_CANCELLED`."""
    layout = _layout()
    lanes = layout.read(layout.place("orderFills", account << 64 | nonce >> 2), word)
    return int(lanes >> 64 * (nonce & 3) & FILLED_CANCELLED)


@cache
def _layout() -> Layout:
    return Layout.of(artifact("ClearingHouse"))


def _typed_digest(domain: Hash32, type_hash: Hash32, members: Iterable[int]) -> Hash32:
    """EIP-712: keccak(0x1901 ++ domain ++ keccak(type ++ members))."""
    struct_hash = keccak(type_hash + b"".join(_word(m) for m in members))
    return keccak(b"\x19\x01" + domain + struct_hash)


def _sign(digest: Hash32, key: bytes) -> tuple[bytes, int, int]:
    """r, s and the parity of a signature."""
    signature = PrivateKey(key).sign_recoverable(digest, hasher=None)
    return signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]


def _word(number: int) -> bytes:
    return (number % (1 << 256)).to_bytes(32, "big")


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value < high:
        raise InvalidOrder(f"{name} {value} is not in {low}..{high - 1}")
