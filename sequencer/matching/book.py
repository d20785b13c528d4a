"""The two sides of a market's book: price levels, each a queue in order of time."""

from bisect import bisect_left, insort
from collections.abc import Iterator

from sequencer.matching.entry import Entry
from sequencer.matching.inputs import ListMarket
from sequencer.matching.orders import BookOrder
from sequencer.matching.triggers import Triggers

Changes = dict[tuple["Side", int], int]
"""Levels that an input touched, by side and price (p8), and their sizes (s8) before it."""


class Level:
    """What rests at one price: orders by hash, the earliest first, and the sum of what's left."""

    __slots__ = ("orders", "size")

    def __init__(self) -> None:
        self.orders: dict[bytes, Entry] = {}
        self.size = 0


class Side:
    """Bids or asks. Levels are found by price and kept in order by a key that grows with how good
    the price is: the price of a bid, minus that of an ask. So the best is always the last."""

    __slots__ = ("_changes", "_keys", "_levels", "is_buy", "market")

    def __init__(self, market: int, is_buy: bool, changes: Changes) -> None:
        self.market = market
        self.is_buy = is_buy
        self._keys: list[int] = []
        self._levels: dict[int, Level] = {}
        self._changes = changes

    def __iter__(self) -> Iterator[Entry]:
        """All orders in price-time priority."""
        for level in self.levels():
            yield from level.orders.values()

    def levels(self) -> Iterator[Level]:
        """The levels, best first."""
        sign = 1 if self.is_buy else -1
        for key in reversed(self._keys):
            yield self._levels[sign * key]

    def depth(self, most: int) -> tuple[tuple[int, int], ...]:
        """Price (p8) and size (s8) of the best `most` levels."""
        sign = 1 if self.is_buy else -1
        best = self._keys[: -most - 1 : -1] if most > 0 else []
        return tuple((sign * key, self._levels[sign * key].size) for key in best)

    @property
    def best(self) -> int | None:
        """The best price, p8."""
        if not self._keys:
            return None
        return self._keys[-1] if self.is_buy else -self._keys[-1]

    def is_met_by(self, price: int) -> bool:
        """Whether an order of the other side with this limit (p8) could trade here."""
        if not self._keys:
            return False
        return self._keys[-1] >= (price if self.is_buy else -price)

    def size_at(self, price: int) -> int:
        """What rests at a price, s8."""
        level = self._levels.get(price)
        return level.size if level else 0

    def add(self, entry: Entry) -> None:
        """Queue an order behind all others of its price."""
        self._join(entry)

    def put_back(self, entry: Entry) -> None:
        """Queue an order where its rank belongs."""
        level = self._join(entry)
        level.orders = {one.order.hash: one for one in sorted(level.orders.values(), key=_rank)}

    def remove(self, entry: Entry) -> None:
        """Take an order out with all that's left of it."""
        level = self._touch(entry.order.price)
        del level.orders[entry.order.hash]
        level.size -= entry.left
        entry.rests = False
        if not level.orders:
            self._drop(entry.order.price)

    def resize(self, entry: Entry, left: int) -> None:
        """Let a resting order trade `left` (s8) in place; one with nothing left goes."""
        level = self._touch(entry.order.price)
        level.size += left - entry.left
        entry.left = left
        if left == 0:
            self.remove(entry)

    def _join(self, entry: Entry) -> Level:
        order = entry.order
        level = self._levels.get(order.price)
        if level is None:
            level = self._levels[order.price] = Level()
            insort(self._keys, order.price if self.is_buy else -order.price)
        self._changes.setdefault((self, order.price), level.size)
        level.orders[order.hash] = entry
        level.size += entry.left
        entry.rests = True
        return level

    def _touch(self, price: int) -> Level:
        level = self._levels[price]
        self._changes.setdefault((self, price), level.size)
        return level

    def _drop(self, price: int) -> None:
        del self._levels[price]
        key = price if self.is_buy else -price
        del self._keys[bisect_left(self._keys, key)]


def _rank(entry: Entry) -> int:
    return entry.rank


class MarketBook:
    """A market: its rules, what rests, what waits for the mark, and the mark (p8) itself."""

    __slots__ = ("asks", "bids", "mark", "rules", "triggers")

    def __init__(self, rules: ListMarket, changes: Changes) -> None:
        self.rules = rules
        self.bids = Side(rules.market, True, changes)
        self.asks = Side(rules.market, False, changes)
        self.triggers = Triggers()
        self.mark: int | None = None

    def own(self, order: BookOrder) -> Side:
        """The side on which the order would rest."""
        return self.bids if order.is_buy else self.asks

    def opposite(self, order: BookOrder) -> Side:
        """The side that the order would hit."""
        return self.asks if order.is_buy else self.bids

    def would_take(self, order: BookOrder) -> bool:
        """Whether the order's limit reaches the other side's best price."""
        return self.opposite(order).is_met_by(order.price)

    def must_wait(self, order: BookOrder) -> bool:
        """Whether the order has a trigger that the last known mark hasn't reached."""
        trigger = order.trigger
        if trigger is None:
            return False
        return self.mark is None or not trigger.is_met(self.mark, is_buy=order.is_buy)

    def met_triggers(self) -> list[Entry]:
        """The waiting orders whose triggers the mark meets, in order of rank."""
        return [] if self.mark is None else self.triggers.met_by(self.mark)

    def is_on_grid(self, price: int, size: int) -> bool:
        """Whether price (p8) and size (s8) are multiples of tick and lot."""
        return price % self.rules.tick == 0 and size % self.rules.lot == 0

    def entries(self) -> list[Entry]:
        """All orders, resting and waiting, in order of rank."""
        return sorted((*self.bids, *self.asks, *self.triggers), key=_rank)
