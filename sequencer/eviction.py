"""Which waiting transactions leave when the pool is full: those that pay least."""

import heapq
from collections.abc import Collection, Mapping

from execution.transaction import Transaction
from sequencer.account_queue import PooledTransaction
from sequencer.ordering import effective_tip
from state.types import Hash32, Wei

Price = tuple[int, int]
"""Effective tip, then fee cap, in wei for one gas."""

SLACK = 2
"""The heap is rebuilt when it holds this many times what lives, plus a little."""


def price(tx: Transaction, base_fee: Wei) -> Price:
    """What counts when two transactions compete for a place in the pool."""
    return effective_tip(tx, base_fee), tx.max_fee_per_gas


class CheapestFirst:
    """The pool's transactions by price, cheapest first and among equals the latest first.

    Built when it is first needed after a block, because a new base fee changes the order. Entries
    of transactions that have left are dropped when they come up.
    """

    __slots__ = ("_base_fee", "_heap")

    def __init__(self) -> None:
        self._base_fee = Wei(0)
        self._heap: list[tuple[Price, int, PooledTransaction]] | None = None

    def forget(self) -> None:
        """The base fee changed: the order has to be found anew."""
        self._heap = None

    def prepare(self, pooled: Collection[PooledTransaction], base_fee: Wei) -> None:
        """Make sure that everything in `pooled` is in order for `base_fee`."""
        if self._heap is not None and len(self._heap) <= SLACK * (len(pooled) + 1):
            return
        self._base_fee = base_fee
        self._heap = [self._entry(one) for one in pooled]
        heapq.heapify(self._heap)

    def push(self, pooled: PooledTransaction) -> None:
        """Add one that came in, or put one back."""
        if self._heap is not None:
            heapq.heappush(self._heap, self._entry(pooled))

    def pop(self, alive: Mapping[Hash32, PooledTransaction]) -> PooledTransaction | None:
        """Take the cheapest that is still alive; None when nothing is left."""
        while self._heap:
            pooled = heapq.heappop(self._heap)[2]
            if alive.get(pooled.tx.hash) is pooled:
                return pooled
        return None

    def _entry(self, pooled: PooledTransaction) -> tuple[Price, int, PooledTransaction]:
        return price(pooled.tx, self._base_fee), -pooled.order, pooled
