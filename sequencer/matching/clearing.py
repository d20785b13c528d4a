"""The clearing price of an auction."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from sequencer.matching.entry import Entry


def clearing_price(
    bids: Iterable[Entry], asks: Iterable[Entry], tick: int, mark: int | None
) -> int | None:
    """The price (p8, a multiple of `tick`) at which most can trade; None when nothing can.

    Among those with the same volume it's that with the least surplus, among these the nearest to
    the mark, or without one to the middle between best bid and best ask; among two, the lower.
    """
    demand, supply = _sizes(bids), _sizes(asks)
    if not demand or not supply or max(demand) < min(supply):
        return None
    reference = (max(demand) + min(supply)) // 2 if mark is None else mark
    best: tuple[int, int, int, int] | None = None
    for low, high, bought, sold in _steps(demand, supply, tick):
        price = _nearest(low, high, reference, tick)
        rating = (-min(bought, sold), abs(bought - sold), abs(price - reference), price)
        if best is None or rating < best:
            best = rating
    return best[3] if best and best[0] else None


def _sizes(entries: Iterable[Entry]) -> dict[int, int]:
    """What is left (s8) by limit price."""
    sizes: dict[int, int] = {}
    for entry in entries:
        sizes[entry.order.price] = sizes.get(entry.order.price, 0) + entry.left
    return sizes


def _steps(
    demand: dict[int, int], supply: dict[int, int], tick: int
) -> Iterator[tuple[int, int, int, int]]:
    """Ranges of prices, ends included, over which demand and supply (s8) stay the same: every limit
    price, and the ticks between two neighbours."""
    prices = sorted(demand.keys() | supply.keys())
    bought, sold = sum(demand.values()), 0
    for price, after in pairwise([*prices, prices[-1]]):
        sold += supply.get(price, 0)
        yield price, price, bought, sold
        bought -= demand.get(price, 0)
        if after - tick > price:
            yield price + tick, after - tick, bought, sold


def _nearest(low: int, high: int, reference: int, tick: int) -> int:
    """The tick nearest to `reference` between two others; of two as near, the lower."""
    if reference <= low or reference >= high:
        return low if reference <= low else high
    below = reference - reference % tick
    return below if 2 * (reference - below) <= tick else below + tick
