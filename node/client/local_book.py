"""A market's book at the client, kept from a snapshot and the changes after it."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from node.client.errors import BookGap
from node.client.wire import BookMessage
from sequencer.matching.views import Levels

Level = tuple[int, int]
"""Price p8 and size s8."""


@dataclass(slots=True)
class LocalBook:
    """The levels of a market as of input `sequence` of the exchange's log."""

    market: int
    sequence: int = 0
    _bids: "_Side" = field(default_factory=lambda: _Side(), repr=False)
    _asks: "_Side" = field(default_factory=lambda: _Side(), repr=False)

    def apply(self, message: BookMessage) -> None:
        """Take a snapshot or a change. Raises `BookGap` where one is missing in between."""
        if message.type == "snapshot":
            self._bids, self._asks = _Side(), _Side()
        elif message.previous != self.sequence:
            raise BookGap(
                f"market {self.market}: a change after input {message.previous},"
                f" but the book is as of input {self.sequence}"
            )
        self._bids.take(message.bids)
        self._asks.take(message.asks)
        self.sequence = message.sequence

    @property
    def best_bid(self) -> Level | None:
        """The highest price that somebody buys at."""
        return self._bids.highest

    @property
    def best_ask(self) -> Level | None:
        """The lowest price that somebody sells at."""
        return self._asks.lowest

    def levels(self, depth: int) -> Levels:
        """The best levels of both sides, best first."""
        return Levels(tuple(self._bids.from_top(depth)), tuple(self._asks.from_bottom(depth)))


class _Side:
    """Levels by price; few change at a time, so that a sorted list is quick enough."""

    def __init__(self) -> None:
        self._prices: list[int] = []
        self._sizes: dict[int, int] = {}

    @property
    def lowest(self) -> Level | None:
        return next(self.from_bottom(1), None)

    @property
    def highest(self) -> Level | None:
        return next(self.from_top(1), None)

    def take(self, levels: Iterable[Level]) -> None:
        for price, size in levels:
            if size:
                self._set(price, size)
            else:
                self._drop(price)

    def from_bottom(self, depth: int) -> Iterator[Level]:
        return ((price, self._sizes[price]) for price in self._prices[:depth])

    def from_top(self, depth: int) -> Iterator[Level]:
        return ((price, self._sizes[price]) for price in self._prices[: -depth - 1 : -1])

    def _set(self, price: int, size: int) -> None:
        if price not in self._sizes:
            self._prices.insert(bisect_left(self._prices, price), price)
        self._sizes[price] = size

    def _drop(self, price: int) -> None:
        if self._sizes.pop(price, None) is not None:
            del self._prices[bisect_left(self._prices, price)]
