"""A matching engine to try out: short orders, a clock of its own, and what happened."""

from typing import Any, TypeVar

from execution.margin import OrderFlag
from sequencer.matching import inputs
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Cancelled, Event, Fill, Matched
from sequencer.matching.inputs import CancelReason, Input, ListMarket
from sequencer.matching.orders import BookOrder
from sequencer.matching.views import OrderView

PERP = 1
AUCTION = 2
NOW = 1_700_000_000_000
LATER = NOW // 1_000 + 3_600
"""Seconds: an expiry that few tests live to see."""

E = TypeVar("E")


def order(
    number: int,
    side: str,
    size: int,
    price: int,
    flags: OrderFlag = OrderFlag.NONE,
    **changes: Any,
) -> BookOrder:
    """Order `number`, by default of an owner and account of its own: "buy" or "sell"."""
    account = changes.pop("account", number)
    owner = changes.pop("owner", account)
    fields: dict[str, Any] = {
        "hash": number.to_bytes(32, "big"),
        "owner": owner.to_bytes(20, "big"),
        "account": account,
        "market": PERP,
        "is_buy": {"buy": True, "sell": False}[side],
        "size": size,
        "price": price,
        "max_fee_ppm": 500,
        "flags": int(flags),
        "nonce": number,
        "expiry": LATER,
        "r": bytes(32),
        "vs": bytes(32),
    }
    return BookOrder(**fields | changes)


def only(kind: type[E], events: list[Event]) -> list[E]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


class Table:
    """An engine with a continuous market and an auction, tick and lot 1; inputs come at `time`."""

    def __init__(self, tick: int = 1, lot: int = 1) -> None:
        self.engine = MatchingEngine()
        self.time = NOW
        self.log: list[Input] = []
        for market in (PERP, AUCTION):
            self.apply(
                ListMarket(
                    time=NOW, market=market, tick=tick, lot=lot, is_auction=market == AUCTION
                )
            )

    def apply(self, given: Input) -> list[Event]:
        self.log.append(given)
        return self.engine.apply(given)

    def do(self, kind: str, **fields: Any) -> list[Event]:
        """An input by its name, now."""
        return self.apply(getattr(inputs, kind)(time=self.time, **fields))

    def place(self, placed: BookOrder, most: int | None = None) -> list[Event]:
        return self.do("Place", order=placed, most=placed.size if most is None else most)

    def trades(self, events: list[Event]) -> list[tuple[int, int, int, int]]:
        """Taker, maker, size and price of every match."""
        return [_brief(event.fill) for event in only(Matched, events)]

    def left(self, events: list[Event]) -> list[tuple[int, CancelReason]]:
        """Who was cancelled, and why."""
        return [(number(event.order), event.reason) for event in only(Cancelled, events)]

    def see(self, which: int) -> OrderView:
        view = self.engine.order(which.to_bytes(32, "big"))
        assert view is not None
        return view

    def bids(self, market: int = PERP) -> list[tuple[int, int]]:
        return list(self.engine.levels(market, 99).bids)

    def asks(self, market: int = PERP) -> list[tuple[int, int]]:
        return list(self.engine.levels(market, 99).asks)


def number(order_hash: bytes) -> int:
    """The number of a test's order."""
    return int.from_bytes(order_hash, "big")


def name(which: int) -> bytes:
    """The hash of a test's order."""
    return which.to_bytes(32, "big")


def _brief(fill: Fill) -> tuple[int, int, int, int]:
    return number(fill.taker), number(fill.maker), fill.size, fill.price
