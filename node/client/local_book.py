"""A market's book at the client, kept from a snapshot and the changes after it."""

from dataclasses import dataclass, field

from node.client.errors import BookGap
from node.client.wire import BookMessage
from sequencer.matching.levels import Level, LevelSide
from sequencer.matching.views import Levels


@dataclass(slots=True)
class LocalBook:
    """The levels of a market as of input `sequence` of the exchange's log."""

    market: int
    sequence: int = 0
    _bids: LevelSide = field(default_factory=lambda: LevelSide(is_buy=True), repr=False)
    _asks: LevelSide = field(default_factory=lambda: LevelSide(is_buy=False), repr=False)

    def apply(self, message: BookMessage) -> None:
        """Take a snapshot or a change. Raises `BookGap` where one is missing in between."""
        if message.type == "snapshot":
            self._bids, self._asks = LevelSide(is_buy=True), LevelSide(is_buy=False)
        elif message.previous != self.sequence:
            raise BookGap(
                f"market {self.market}: a change after input {message.previous},"
                f" but the book is as of input {self.sequence}"
            )
        for side, levels in ((self._bids, message.bids), (self._asks, message.asks)):
            for price, size in levels:
                side.set(price, size)
        self.sequence = message.sequence

    @property
    def best_bid(self) -> Level | None:
        """The highest price that somebody buys at."""
        return self._bids.top

    @property
    def best_ask(self) -> Level | None:
        """The lowest price that somebody sells at."""
        return self._asks.top

    def levels(self, depth: int) -> Levels:
        """The best levels of both sides, best first."""
        return Levels(self._bids.best(depth), self._asks.best(depth))
