"""A book's window at a node that is told of it: kept from a snapshot and the deltas after it.

It lets any number of clients share one subscription: each begins with a snapshot of what was told.
"""

import re
from typing import Final, Literal

import msgspec

from node.rpc.format import Json
from node.rpc.trade.format import levels_json
from node.rpc.trade.limits import DEPTH_MAX
from state.errors import Invalid
from state.types import UINT64_MAX

_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,29}", re.ASCII)
"""At most 30 digits: 2^95 has 29."""


class InvalidBookNews(Invalid):
    """News that no exchange tells of a book, or a delta after one that didn't come."""


class _BookNews(msgspec.Struct, frozen=True):
    type: Literal["snapshot", "delta"]
    sequence: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    previous: int | None = None


class BookMirror:
    """The levels that a subscription to a book has told of."""

    def __init__(self) -> None:
        self._sequence: int | None = None
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}

    def clear(self) -> None:
        """Forget the book: the next news is a snapshot again."""
        self._sequence = None
        self._bids.clear()
        self._asks.clear()

    def take(self, news: object) -> None:
        """Go on to what the news says. Raises `InvalidBookNews`, after which nothing holds."""
        try:
            told = msgspec.convert(news, _BookNews)
        except msgspec.ValidationError as error:
            raise InvalidBookNews(f"these are no news of a book: {error}") from error
        if told.type == "snapshot":
            self.clear()
        elif told.previous is None or told.previous != self._sequence:
            raise InvalidBookNews(f"news after {told.previous} follow {self._sequence}")
        if not 0 <= told.sequence <= UINT64_MAX:
            raise InvalidBookNews("the sequence number is out of range")
        _change(self._bids, told.bids)
        _change(self._asks, told.asks)
        self._sequence = told.sequence

    def snapshot(self) -> Json | None:
        """All of it, for one who begins; None before anything was told."""
        if self._sequence is None:
            return None
        return {
            "type": "snapshot",
            "sequence": self._sequence,
            "bids": levels_json(sorted(self._bids.items(), reverse=True)),
            "asks": levels_json(sorted(self._asks.items())),
        }


def _change(levels: dict[int, int], changes: list[tuple[str, str]]) -> None:
    """Put changed levels in the place of the old; size 0 takes one away."""
    for price, size in changes:
        if not _DECIMAL.fullmatch(price) or not _DECIMAL.fullmatch(size):
            raise InvalidBookNews("a level is two decimal strings")
        if size == "0":
            levels.pop(int(price), None)
        else:
            levels[int(price)] = int(size)
    if len(levels) > DEPTH_MAX:
        raise InvalidBookNews(f"more than {DEPTH_MAX} levels")
