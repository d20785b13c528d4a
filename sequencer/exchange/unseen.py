"""What is matched and the newest books don't show yet, and what it adds up to.

A check of margin or position counts it, at each order. What it adds up to is kept as fills come, so
that an account that has matched much since the last block costs no more than another.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sequencer.exchange.ports import HouseView
from sequencer.matching.events import Fill


class UnseenFills:
    """Fills after the books of one view; only ever added to, in the order of their ids."""

    def __init__(self, view: HouseView, fills: Iterable[Fill] = ()) -> None:
        self._view = view
        self._of: defaultdict[int, list[Fill]] = defaultdict(list)
        self._deltas: defaultdict[tuple[int, int], int] = defaultdict(int)
        self._grown: defaultdict[int, int] = defaultdict(int)
        for fill in fills:
            self.add(fill)

    def add(self, fill: Fill) -> None:
        """One more, later than all others."""
        for account in (fill.taker_account, fill.maker_account):
            self._of[account].append(fill)
            before = self.position(account, fill.market)
            self._deltas[account, fill.market] += (delta := delta_of(fill, account))
            self._grown[fill.market] += long_growth(before, delta)

    def of(self, account: int) -> Sequence[Fill]:
        """An account's; the same list, grown, for as long as this object is used."""
        return self._of.get(account, ())

    def position(self, account: int, market: int) -> int:
        """s8 that an account holds with them, negative when short."""
        return self._view.position(account, market) + self._deltas.get((account, market), 0)

    def grown(self, market: int) -> int:
        """s8 by which they move open interest: that of long sizes, of both sides of each."""
        return self._grown.get(market, 0)


def delta_of(fill: Fill, account: int) -> int:
    """s8 by which a fill changes an account's position."""
    buys = fill.taker_is_buy if fill.taker_account == account else not fill.taker_is_buy
    return fill.size if buys else -fill.size


def long_growth(position: int, delta: int) -> int:
    """s8 by which a long size grows when `delta` is traded on a position (s8, signed)."""
    return max(0, position + delta) - max(0, position)
