"""What a trader wants, before it has a nonce and a signature.

    limit(0, BUY, s8("1.5"), p8("64000")).post_only().lasting(60)
    market_order(0, SELL, s8("1.5"), bound=p8("63000")).reduce_only()
    stop(0, SELL, s8("1.5"), trigger=p8("60000"), price=p8("59000")).ioc()

Units: prices p8, sizes s8, fees ppm, times seconds.
"""

from dataclasses import dataclass, replace
from typing import Final

from execution.margin import OrderFlag
from node.client.limits import FEE_PPM_DEFAULT, ORDER_SECONDS_DEFAULT
from sequencer.exchange.placement import PLAIN, OrderOptions
from sequencer.matching.orders import SelfTradePrevention, Trigger, TriggerKind

BUY: Final = True
SELL: Final = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An order to be. `options` are asked of the sequencer; all else is signed."""

    market: int
    is_buy: bool
    size: int
    price: int
    flags: OrderFlag = OrderFlag.NONE
    max_fee_ppm: int = FEE_PPM_DEFAULT
    seconds: int = ORDER_SECONDS_DEFAULT
    options: OrderOptions = PLAIN

    def post_only(self) -> "Draft":
        """Refused rather than to trade at once."""
        return self._flagged(OrderFlag.POST_ONLY)

    def reduce_only(self) -> "Draft":
        """Trades no more than brings the position to zero."""
        return self._flagged(OrderFlag.REDUCE_ONLY)

    def ioc(self) -> "Draft":
        """Immediate or cancel: what can't trade at once is let go."""
        return self._flagged(OrderFlag.IOC)

    def fok(self) -> "Draft":
        """Fill or kill: trades whole and at once, or not at all."""
        return self._flagged(OrderFlag.FOK)

    def lasting(self, seconds: int) -> "Draft":
        """Good for that long; the book lets it go 5 s earlier, so that fills still settle."""
        return replace(self, seconds=seconds)

    def fee_at_most(self, ppm: int) -> "Draft":
        """The highest fee it pays, in ppm of what is traded; negative asks for a rebate."""
        return replace(self, max_fee_ppm=ppm)

    def named(self, client_id: str) -> "Draft":
        """With a name of the trader's own, at most 64 bytes."""
        return replace(self, options=replace(self.options, client_id=client_id))

    def preventing(self, mode: SelfTradePrevention) -> "Draft":
        """What happens when it meets an order of the same owner."""
        return replace(self, options=replace(self.options, prevention=mode))

    def _flagged(self, flag: OrderFlag) -> "Draft":
        return replace(self, flags=self.flags | flag)

    def _triggered(self, kind: TriggerKind, price: int) -> "Draft":
        return replace(self, options=replace(self.options, trigger=Trigger(kind, price)))


def limit(market: int, is_buy: bool, size: int, price: int) -> Draft:
    """Trades at `price` or better; what can't rests until it expires."""
    return Draft(market, is_buy, size, price)


def market_order(market: int, is_buy: bool, size: int, bound: int) -> Draft:
    """Trades at once, at no worse a price than `bound` (p8): nobody signs 'at any price'.

    `MarketTerms.bound` makes one from a slippage.
    """
    return Draft(market, is_buy, size, bound).ioc()


def stop(market: int, is_buy: bool, size: int, *, trigger: int, price: int) -> Draft:
    """A limit order that waits until the mark is at `trigger` or beyond: up for a buy, down for a
    sell. With `.ioc()` it is a stop-market order, bounded by `price`."""
    return limit(market, is_buy, size, price)._triggered(TriggerKind.STOP, trigger)


def take_profit(market: int, is_buy: bool, size: int, *, trigger: int, price: int) -> Draft:
    """Likewise, the other way: down for a buy, up for a sell."""
    return limit(market, is_buy, size, price)._triggered(TriggerKind.TAKE_PROFIT, trigger)
