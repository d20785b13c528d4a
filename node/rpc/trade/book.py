"""The book as far as it was announced: all levels of a market, and windows on the best of them.

The engine's own book may be a write to the disk ahead, and nobody hears of that.
"""

from typing import Final

from node.rpc.format import Json
from node.rpc.subscriptions import Stop, Tell
from node.rpc.trade.format import levels_json
from node.rpc.trade.listeners import Listeners
from sequencer.matching.events import LevelChanged
from sequencer.matching.levels import Level, LevelSide
from sequencer.matching.views import Levels

_THE_WINDOW: Final = 0


class AnnouncedBook:
    """One market's levels, and the windows that somebody looks through."""

    def __init__(self, levels: Levels) -> None:
        self._bids = LevelSide(True, levels.bids)
        self._asks = LevelSide(False, levels.asks)
        self._windows: dict[int, BookWindow] = {}

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks at it."""
        return bool(self._windows)

    def set(self, event: LevelChanged) -> None:
        """A level changed."""
        (self._bids if event.is_buy else self._asks).set(event.price, event.size)

    def levels(self, depth: int) -> Levels:
        """The best levels of both sides."""
        return Levels(self._bids.best(depth), self._asks.best(depth))

    def tell(self, sequence: int) -> None:
        """Tell those who watch what is new to them after input `sequence` of the log."""
        for depth, window in tuple(self._windows.items()):
            window.move(self.levels(depth), sequence)

    def check_room(self, depth: int) -> None:
        """Raises `LimitExceeded` where as many watch that window as may."""
        if depth in self._windows:
            self._windows[depth].check_room()

    def watch(self, depth: int, sequence: int, tell: Tell) -> Stop:
        """Tell what the window shows now, and then what changes in it; returns how to stop.

        What is new in the book as of input `sequence` of the log must have been told.
        """
        window = self._windows.setdefault(depth, BookWindow(self.levels(depth), sequence))
        tell(window.snapshot())
        stop = window.add(tell)

        def leave() -> None:
            stop()
            if window.is_idle and self._windows.get(depth) is window:
                del self._windows[depth]

        return leave


class BookWindow:
    """The best levels of a market as its watchers know them."""

    def __init__(self, levels: Levels, sequence: int) -> None:
        self._levels = levels
        self._sequence = sequence
        self._listeners: Listeners[int] = Listeners()

    @property
    def is_idle(self) -> bool:
        return not len(self._listeners)

    def check_room(self) -> None:
        self._listeners.check_room(_THE_WINDOW)

    def add(self, tell: Tell) -> Stop:
        return self._listeners.add(_THE_WINDOW, tell)

    def snapshot(self) -> Json:
        """All of it, for one who begins."""
        return {
            "type": "snapshot",
            "sequence": self._sequence,
            "bids": levels_json(self._levels.bids),
            "asks": levels_json(self._levels.asks),
        }

    def move(self, levels: Levels, sequence: int) -> None:
        """Go on to other levels, and tell what differs, if anything does."""
        bids = _changed(self._levels.bids, levels.bids)
        asks = _changed(self._levels.asks, levels.asks)
        if not bids and not asks:
            return
        delta = {
            "type": "delta",
            "sequence": sequence,
            "previous": self._sequence,
            "bids": levels_json(bids),
            "asks": levels_json(asks),
        }
        self._levels, self._sequence = levels, sequence
        self._listeners.tell(_THE_WINDOW, delta)


def _changed(before: tuple[Level, ...], after: tuple[Level, ...]) -> list[Level]:
    """Levels that differ, with size 0 for those that are gone or out of sight."""
    if before == after:
        return []
    old, new = dict(before), dict(after)
    gone = [(price, 0) for price in old if price not in new]
    return gone + [(price, size) for price, size in after if old.get(price) != size]
