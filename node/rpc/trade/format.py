"""Orders, fills and books as clients read them (docs/trading.md)."""

from collections.abc import Iterable

from execution.margin import OrderFlag, Reason
from node.rpc.codec import data
from node.rpc.format import Json
from sequencer.candles import Candle
from sequencer.matching.orders import BookOrder, Trigger
from sequencer.matching.views import FillRecord, Levels, OrderView


def order_json(view: OrderView) -> Json:
    """An order: what was signed, what was asked for besides, and where it is."""
    order = view.order
    return {
        "orderHash": data(order.hash),
        "clientOrderId": order.client_id or None,
        "account": order.account,
        "owner": data(order.owner),
        "market": order.market,
        "isBuy": order.is_buy,
        "sizeS8": str(order.size),
        "priceP8": str(order.price),
        "maxFeePpm": order.max_fee_ppm,
        "flags": order.flags,
        "postOnly": order.is_post_only,
        "reduceOnly": order.is_reduce_only,
        "timeInForce": time_in_force(order),
        "nonce": str(order.nonce),
        "expiry": order.expiry,
        "selfTradePrevention": str(order.prevention),
        "trigger": None if order.trigger is None else _trigger_json(order.trigger),
        "status": str(view.status),
        "leftS8": str(view.left),
        "filledS8": str(view.filled),
        "reason": None if view.reason is None else str(view.reason),
        "acceptedAt": view.accepted,
        "fills": list(view.fills),
    }


def time_in_force(order: BookOrder) -> str:
    """How long an order lives: "fok", "ioc", or "gtt", good till its expiry."""
    if order.is_all_or_nothing:
        return "fok"
    return "ioc" if order.flags & OrderFlag.IOC else "gtt"


def fill_json(record: FillRecord) -> Json:
    """A trade, and how far it has come."""
    fill = record.fill
    return {
        "id": fill.id,
        "market": fill.market,
        "priceP8": str(fill.price),
        "sizeS8": str(fill.size),
        "takerIsBuy": fill.taker_is_buy,
        "takerOrder": data(fill.taker),
        "makerOrder": data(fill.maker),
        "takerAccount": fill.taker_account,
        "makerAccount": fill.maker_account,
        "time": fill.time,
        "isAuction": fill.is_auction,
        "state": str(record.state),
        "block": record.block,
        "transaction": data(record.transaction) if record.transaction else None,
        "reason": _reason_word(record.reason),
    }


def candle_json(moment: int, candle: Candle) -> Json:
    """What was traded in the interval that begins at a moment (s)."""
    return {
        "time": moment,
        "openP8": str(candle.open),
        "highP8": str(candle.high),
        "lowP8": str(candle.low),
        "closeP8": str(candle.close),
        "volumeS8": str(candle.volume),
        "trades": candle.trades,
    }


def book_json(market: int, levels: Levels, sequence: int, time: int) -> Json:
    """The best levels of a market after input `sequence` of the log."""
    return {
        "market": market,
        "sequence": sequence,
        "time": time,
        "bids": levels_json(levels.bids),
        "asks": levels_json(levels.asks),
    }


def levels_json(levels: Iterable[tuple[int, int]]) -> list[list[str]]:
    """Price and size of each level, p8 and s8."""
    return [[str(price), str(size)] for price, size in levels]


def _trigger_json(trigger: Trigger) -> Json:
    return {"kind": str(trigger.kind), "priceP8": str(trigger.price)}


def _reason_word(reason: int) -> str | None:
    if not reason:
        return None
    return Reason(reason).name.lower().replace("_", "-")
