"""Who trades with whom in an auction."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from heapq import heappop, heappush, heapreplace

from sequencer.matching.entry import Entry


@dataclass(frozen=True, slots=True)
class Pair:
    """Two orders that trade `size` (s8), in the roles in which they are settled."""

    taker: Entry
    maker: Entry
    size: int


class Role(IntEnum):
    """What an order may be in a pair."""

    ANY = 0
    MAKER = 1
    """Post-only."""
    TAKER = 2
    """Immediate."""
    NONE = 3
    """Post-only and immediate: the clearing house takes it in neither role."""


_PARTNERS = {
    Role.ANY: (Role.ANY, Role.MAKER, Role.TAKER),
    Role.MAKER: (Role.ANY, Role.TAKER),
    Role.TAKER: (Role.ANY, Role.MAKER),
    Role.NONE: (),
}


def role_of(entry: Entry) -> Role:
    """The role that an order's flags leave it."""
    order = entry.order
    return Role(order.is_post_only * Role.MAKER + order.is_immediate * Role.TAKER)


class _Queue:
    """Orders of one side and role in priority, those of each owner apart.

    Whoever has many orders on both sides would otherwise have each stepped over for each.
    """

    __slots__ = ("_heads", "_orders")

    def __init__(self) -> None:
        self._orders: dict[bytes, deque[tuple[int, Entry]]] = {}
        self._heads: list[tuple[int, bytes]] = []
        """A heap of where each owner's first order is, and the owner."""

    def add(self, place: int, entry: Entry) -> None:
        """Add an order behind all others."""
        owner = entry.order.owner
        orders = self._orders.setdefault(owner, deque())
        if not orders:
            heappush(self._heads, (place, owner))
        orders.append((place, entry))

    def first_not_of(self, owner: bytes, left: list[int]) -> tuple[int, Entry] | None:
        """The first of another owner with something left (s8, by place)."""
        first = self._first(left)
        if first is None or first[1].order.owner != owner:
            return first
        own = heappop(self._heads)
        other = self._first(left)
        heappush(self._heads, own)
        return other

    def _first(self, left: list[int]) -> tuple[int, Entry] | None:
        while self._heads:
            place, owner = self._heads[0]
            orders = self._orders[owner]
            if left[place]:
                return orders[0]
            orders.popleft()
            if orders:
                heapreplace(self._heads, (orders[0][0], owner))
            else:
                heappop(self._heads)
        return None


def pair_off(bids: Iterable[Entry], asks: Iterable[Entry]) -> list[Pair]:
    """Pair orders that all accept one price, both sides given in price-time priority.

    The first bid is served first, by the first ask that it can be settled with, and so on: the
    longer side is rationed from its end. Changes nothing.
    """
    queues = {role: _Queue() for role in Role}
    left: list[int] = []
    for place, ask in enumerate(asks):
        queues[role_of(ask)].add(place, ask)
        left.append(ask.left)
    return [pair for bid in bids for pair in _serve(bid, queues, left)]


def _serve(bid: Entry, queues: dict[Role, _Queue], left: list[int]) -> Iterator[Pair]:
    wanted = bid.left
    while wanted:
        found = [
            queues[role].first_not_of(bid.order.owner, left) for role in _PARTNERS[role_of(bid)]
        ]
        first = min((one for one in found if one), key=lambda one: one[0], default=None)
        if first is None:
            return
        place, ask = first
        size = min(wanted, left[place])
        wanted -= size
        left[place] -= size
        yield _pair(bid, ask, size)


def _pair(bid: Entry, ask: Entry, size: int) -> Pair:
    """The immediate one takes, the post-only one makes, and otherwise the later one takes."""
    roles = role_of(bid), role_of(ask)
    if roles == (Role.ANY, Role.ANY):
        bid_takes = bid.rank > ask.rank
    else:
        bid_takes = roles[0] is Role.TAKER or roles[1] is Role.MAKER
    return Pair(bid, ask, size) if bid_takes else Pair(ask, bid, size)
