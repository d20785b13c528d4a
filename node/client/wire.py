"""What goes over the wire: JSON of signed orders, and the node's answers as values.

Members of answers that this client doesn't know are left alone, so that a newer node is understood.
Units: prices p8, sizes s8, amounts q6, times of orders and fills in ms, of candles in seconds.
"""

from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from execution.margin import OrderFlag, SignedCancel, SignedOrder
from node.client.errors import NotConnected
from node.rpc.codec import data, parse_address, parse_hash, parse_uint64
from node.rpc.errors import InvalidParams
from node.rpc.format import Json
from sequencer.exchange.placement import OrderOptions
from sequencer.matching.events import FillState
from sequencer.matching.inputs import CancelReason
from sequencer.matching.orders import SelfTradePrevention, TriggerKind
from sequencer.matching.views import OrderStatus

T = TypeVar("T")

_PPM = 1_000_000


class Hash(bytes):
    """32 bytes; `str` of it is the hexadecimal form that the node takes."""

    def __str__(self) -> str:
        return data(self)

    __repr__ = __str__


class Owner(bytes):
    """The 20 bytes of an address, likewise."""

    def __str__(self) -> str:
        return data(self)

    __repr__ = __str__


class Seconds(int):
    """Seconds since 1970, which come as a hexadecimal quantity."""


class TimeInForce(StrEnum):
    """How long an order lives."""

    GTT = "gtt"
    """Good till its expiry."""
    IOC = "ioc"
    FOK = "fok"


class _Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Numbers with a unit come as decimal strings, under a name that ends in the unit."""


class TriggerOfOrder(_Answer, frozen=True, kw_only=True):
    """When a waiting order becomes live."""

    kind: TriggerKind
    price: int = msgspec.field(name="priceP8")


class OrderState(_Answer, frozen=True, kw_only=True):
    """An order as the node tells of it."""

    hash: Hash = msgspec.field(name="orderHash")
    client_id: str | None = msgspec.field(name="clientOrderId", default=None)
    account: int
    owner: Owner
    market: int
    is_buy: bool
    size: int = msgspec.field(name="sizeS8")
    price: int = msgspec.field(name="priceP8")
    max_fee_ppm: int
    flags: int
    time_in_force: TimeInForce
    nonce: int
    expiry: int
    """Seconds since 1970."""
    prevention: SelfTradePrevention = msgspec.field(name="selfTradePrevention")
    trigger: TriggerOfOrder | None = None
    status: OrderStatus
    left: int = msgspec.field(name="leftS8")
    filled: int = msgspec.field(name="filledS8")
    reason: CancelReason | None = None
    accepted_at: int
    fills: tuple[int, ...] = ()
    """Ids of those that aren't final yet."""

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status in (OrderStatus.LIVE, OrderStatus.WAITING)

    @property
    def is_post_only(self) -> bool:
        return bool(self.flags & OrderFlag.POST_ONLY)

    @property
    def is_reduce_only(self) -> bool:
        return bool(self.flags & OrderFlag.REDUCE_ONLY)


class TradeFill(_Answer, frozen=True, kw_only=True):
    """A trade, and how far it has come."""

    id: int
    market: int
    price: int = msgspec.field(name="priceP8")
    size: int = msgspec.field(name="sizeS8")
    taker_is_buy: bool
    taker_order: Hash
    maker_order: Hash
    taker_account: int
    maker_account: int
    time: int
    is_auction: bool
    state: FillState
    block: int | None = None
    transaction: Hash | None = None
    reason: str | None = None
    """Why the clearing house refused it."""

    def change(self, account: int) -> int:
        """What it does to an account's position (s8)."""
        bought = (self.taker_account == account) * self._taker_gets
        return bought - (self.maker_account == account) * self._taker_gets

    @property
    def _taker_gets(self) -> int:
        return self.size if self.taker_is_buy else -self.size


class Placed(_Answer, frozen=True, kw_only=True):
    """An order right after it was taken, and the fills it made at once."""

    order: OrderState
    fills: tuple[TradeFill, ...]


class Cancelled(_Answer, frozen=True, kw_only=True):
    """The orders that left."""

    cancelled: tuple[Hash, ...]


class BookSnapshot(_Answer, frozen=True, kw_only=True):
    """The best levels of a market, best first, as (price, size)."""

    market: int
    sequence: int
    time: int
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class BookMessage(_Answer, frozen=True, kw_only=True):
    """A snapshot of a followed book, or the levels that changed; a size of 0 is a level gone."""

    type: str
    sequence: int
    previous: int | None = None
    bids: tuple[tuple[int, int], ...]
    asks: tuple[tuple[int, int], ...]


class OrderUpdate(_Answer, frozen=True, kw_only=True):
    """News of an account: `order` or `fill` is set."""

    type: str
    order: OrderState | None = None
    fill: TradeFill | None = None


class Candle(_Answer, frozen=True, kw_only=True):
    """An interval in which something was traded. `time` is its start in seconds."""

    time: int
    open: int = msgspec.field(name="openP8")
    high: int = msgspec.field(name="highP8")
    low: int = msgspec.field(name="lowP8")
    close: int = msgspec.field(name="closeP8")
    volume: int = msgspec.field(name="volumeS8")
    trades: int


class MarkUpdate(_Answer, frozen=True, kw_only=True):
    """A market's prices after a block."""

    market: int
    block: int
    timestamp: int
    mark: int = msgspec.field(name="markP8")
    index: int = msgspec.field(name="indexP8")


class MarketTerms(_Answer, frozen=True, kw_only=True):
    """What a perpetual market asks of orders, and where its prices are."""

    market: int
    status: str
    mark: int = msgspec.field(name="markP8")
    index: int = msgspec.field(name="indexP8")
    tick: int = msgspec.field(name="tickP8")
    lot: int = msgspec.field(name="lotS8")
    is_auction: bool

    def bound(self, is_buy: bool, slippage_ppm: int) -> int:
        """The worst price (p8) that is within a slippage of the mark, on the tick."""
        away = self.mark * slippage_ppm // _PPM
        if is_buy:
            return (self.mark + away) // self.tick * self.tick
        return -(-(self.mark - away) // self.tick) * self.tick

    def nearest(self, price: int) -> int:
        """A price (p8) on the tick, at or below the one given."""
        return price // self.tick * self.tick


class MarketList(_Answer, frozen=True, kw_only=True):
    """`margin_getMarkets`."""

    markets: tuple[MarketTerms, ...]


class Standing(_Answer, frozen=True, kw_only=True):
    """What an account is worth and needs (q6), after a block."""

    equity: int = msgspec.field(name="equityQ6")
    initial: int = msgspec.field(name="initialQ6")
    maintenance: int = msgspec.field(name="maintenanceQ6")
    withdrawable: int = msgspec.field(name="withdrawableQ6")
    stale: bool


class MarginUpdate(_Answer, frozen=True, kw_only=True):
    """How an account stands after a block. `cash` q6, `timestamp` in seconds."""

    account: int
    block: int
    timestamp: int
    cash: int = msgspec.field(name="cashQ6")
    standing: Standing


class FundingUpdate(_Answer, frozen=True, kw_only=True):
    """A market's funding after a block: index f12, rates of 8 h r12, the index's next move f12."""

    market: int
    block: int
    timestamp: int
    index: int = msgspec.field(name="fundingIndexF12")
    running_rate: int = msgspec.field(name="runningRateR12")
    predicted_rate: int = msgspec.field(name="predictedRateR12")
    predicted_delta: int = msgspec.field(name="predictedDeltaF12")


class AccountFacts(_Answer, frozen=True, kw_only=True):
    """`margin_getAccount`, as much of it as trading needs."""

    account: int
    owner: Owner
    order_epoch: int
    standing: Standing


class PerpPosition(_Answer, frozen=True, kw_only=True):
    """A position in a perpetual market (s8), and what it cost (q6)."""

    market: int
    size: int = msgspec.field(name="sizeS8")
    cost: int = msgspec.field(name="costQ6")


class BlockTime(_Answer, frozen=True, kw_only=True):
    """A block as `eth_getBlockByNumber` tells of it, the time (s) of it."""

    timestamp: Seconds


class BlockName(_Answer, frozen=True, kw_only=True):
    """The block that an answer is about. `timestamp` in seconds."""

    number: int
    hash: Hash
    timestamp: int


class Positions(_Answer, frozen=True, kw_only=True):
    """`margin_getPositions`, the perpetual markets of it."""

    block: BlockName
    perps: tuple[PerpPosition, ...]

    def size(self, market: int) -> int:
        """The position in a market (s8), after that block."""
        return sum(held.size for held in self.perps if held.market == market)


def read(answer: object, kind: type[T]) -> T:
    """An answer as a value. Raises `NotConnected` for what no node would say."""
    try:
        return msgspec.convert(answer, kind, strict=False, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise NotConnected(f"the node's answer can't be read: {error}") from None


def order_json(signed: SignedOrder) -> Json:
    """A signed order, as `trade_placeOrder` takes it."""
    order = signed.order
    return {
        "account": order.account,
        "market": order.market,
        "isBuy": order.is_buy,
        "sizeS8": str(order.size),
        "priceP8": str(order.price),
        "maxFeePpm": order.max_fee_ppm,
        "flags": int(order.flags),
        "nonce": str(order.nonce),
        "expiry": order.expiry,
        "signature": data(signed.r + signed.vs),
    }


def options_json(options: OrderOptions) -> Json:
    """What is asked of the sequencer besides."""
    trigger = options.trigger
    return {
        "clientOrderId": options.client_id or None,
        "selfTradePrevention": str(options.prevention),
        "trigger": trigger and {"kind": str(trigger.kind), "priceP8": str(trigger.price)},
    }


def cancel_json(signed: SignedCancel) -> Json:
    """A signed request to cancel."""
    request = signed.request
    body: Json = {
        "account": request.account,
        "market": request.market,
        "time": request.time,
        "signature": data(signed.r + signed.vs),
    }
    return body if request.order is None else body | {"orderHash": data(request.order)}


def _decode(kind: type, value: Any) -> Any:
    try:
        if kind is Hash:
            return Hash(parse_hash(value))
        if kind is Owner:
            return Owner(parse_address(value))
        if kind is Seconds:
            return Seconds(parse_uint64(value))
    except InvalidParams as error:
        raise ValueError(error.message) from None
    raise NotImplementedError(kind)
