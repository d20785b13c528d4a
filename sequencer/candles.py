"""Candles: what a market traded in a span of time. Prices p8, volume s8, times seconds."""

from collections.abc import Iterable
from typing import Final

import msgspec

from sequencer.matching.events import Fill

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400

SPANS: Final = (MINUTE, HOUR, DAY)
"""Kept as they are, each made of the ones before it; every other interval is read from these."""

INTERVALS: Final = {
    "1m": MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "1h": HOUR,
    "4h": 4 * HOUR,
    "1d": DAY,
}
"""Seconds of the intervals that can be asked for."""


class Candle(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The trades of a span; `first` and `last` are the ids of its first and last fill."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int
    first: int
    last: int

    @classmethod
    def of(cls, fill: Fill) -> "Candle":
        """The candle of a single fill."""
        price = fill.price
        return cls(price, price, price, price, fill.size, 1, fill.id, fill.id)

    def then(self, later: "Candle") -> "Candle":
        """This candle and a later one in one."""
        return Candle(
            open=self.open,
            high=max(self.high, later.high),
            low=min(self.low, later.low),
            close=later.close,
            volume=self.volume + later.volume,
            trades=self.trades + later.trades,
            first=self.first,
            last=later.last,
        )


def joined(candles: Iterable[Candle]) -> Candle | None:
    """All of them, in order of time, in one; None for none."""
    whole: Candle | None = None
    for candle in candles:
        whole = candle if whole is None else whole.then(candle)
    return whole


def start_of(seconds: int, span: int) -> int:
    """When the span begins that a moment is in."""
    return seconds - seconds % span
