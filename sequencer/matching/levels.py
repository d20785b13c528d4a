"""The price levels of one side as others know them: those who only hear of what changes."""

from bisect import bisect_left, insort
from collections.abc import Iterable

Level = tuple[int, int]
"""Price p8 and size s8."""


class LevelSide:
    """Sizes by price, in the order of how good the price is."""

    __slots__ = ("_keys", "_sign", "_sizes")

    def __init__(self, is_buy: bool, levels: Iterable[Level] = ()) -> None:
        self._sign = -1 if is_buy else 1
        self._sizes = dict(levels)
        self._keys = sorted(self._sign * price for price in self._sizes)

    @property
    def top(self) -> Level | None:
        """The best level."""
        return next(iter(self.best(1)), None)

    def best(self, depth: int) -> tuple[Level, ...]:
        """The best levels, best first."""
        prices = (self._sign * key for key in self._keys[:depth])
        return tuple((price, self._sizes[price]) for price in prices)

    def set(self, price: int, size: int) -> None:
        """All that rests at a price now (s8); 0 where nothing does."""
        key = self._sign * price
        if size:
            if price not in self._sizes:
                insort(self._keys, key)
            self._sizes[price] = size
        elif self._sizes.pop(price, None) is not None:
            del self._keys[bisect_left(self._keys, key)]
