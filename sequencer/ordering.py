"""In which order waiting transactions go into a block; nonces of one sender always in sequence.

A policy says which of two senders' next transactions comes first. Another one is a function and a
line in `POLICIES`.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from execution.transaction import Transaction
from sequencer.account_queue import PooledTransaction
from state.types import Wei


class Ordering(StrEnum):
    """The ordering policies there are, by name."""

    PRIORITY_FEE = "priority-fee"
    """Best paying first, as go-ethereum; among equals the one that came first."""
    FIRST_COME = "first-come"
    """By when the sequencer received them: paying more doesn't overtake anybody. A replacement
    takes a new place."""


Rank = tuple[int, ...]
"""The lowest goes first."""

Policy = Callable[[PooledTransaction, Wei], Rank]
"""Ranks a transaction at a base fee (wei); no two rank the same."""

LeastTip = Callable[[Transaction], int]
"""The least tip, in wei for one gas, at which a transaction is worth its place in a block."""


def effective_tip(tx: Transaction, base_fee: Wei) -> int:
    """What the sequencer earns for one gas, in wei; negative when the base fee isn't covered."""
    return min(tx.max_priority_fee_per_gas, tx.max_fee_per_gas - base_fee)


def _by_price(pooled: PooledTransaction, base_fee: Wei) -> Rank:
    return -effective_tip(pooled.tx, base_fee), pooled.order


def _by_arrival(pooled: PooledTransaction, base_fee: Wei) -> Rank:
    return (pooled.order,)


POLICIES: Final[Mapping[Ordering, Policy]] = {
    Ordering.PRIORITY_FEE: _by_price,
    Ordering.FIRST_COME: _by_arrival,
}


def in_order(
    runs: Iterable[list[PooledTransaction]], base_fee: Wei, policy: Policy, least_tip: LeastTip
) -> Iterator[Transaction]:
    """Merge runs of one sender each, which are in order of nonce, as the policy ranks them.

    A sender's run ends at the first transaction that doesn't cover the base fee and its least tip.
    """

    def covers(pooled: PooledTransaction) -> bool:
        return effective_tip(pooled.tx, base_fee) >= least_tip(pooled.tx)

    heap = [(policy(run[0], base_fee), 0, run) for run in runs if run and covers(run[0])]
    heapq.heapify(heap)
    while heap:
        _, at, run = heap[0]
        yield run[at].tx
        if at + 1 < len(run) and covers(run[at + 1]):
            heapq.heapreplace(heap, (policy(run[at + 1], base_fee), at + 1, run))
        else:
            heapq.heappop(heap)
