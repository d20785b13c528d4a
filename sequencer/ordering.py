"""In which order waiting transactions go into a block: best paying first, nonces in sequence."""

import heapq
from collections.abc import Iterable, Iterator

from execution.transaction import Transaction
from sequencer.account_queue import PooledTransaction
from state.types import Wei


def effective_tip(tx: Transaction, base_fee: Wei) -> int:
    """What the sequencer earns for one gas, in wei; negative when the base fee isn't covered."""
    return min(tx.max_priority_fee_per_gas, tx.max_fee_per_gas - base_fee)


def by_price_and_nonce(
    runs: Iterable[list[PooledTransaction]], base_fee: Wei
) -> Iterator[Transaction]:
    """Merge runs of one sender each, which are in order of nonce.

    The next is always the best paying of the senders' first ones; among equals the one that came
    first. A sender's run ends at the first transaction that doesn't cover the base fee.
    """
    heap = [_head(run, 0, base_fee) for run in runs if run and _covers(run[0].tx, base_fee)]
    heapq.heapify(heap)
    while heap:
        _, _, at, run = heap[0]
        yield run[at].tx
        if at + 1 < len(run) and _covers(run[at + 1].tx, base_fee):
            heapq.heapreplace(heap, _head(run, at + 1, base_fee))
        else:
            heapq.heappop(heap)


_Head = tuple[int, int, int, list[PooledTransaction]]


def _head(run: list[PooledTransaction], at: int, base_fee: Wei) -> _Head:
    return -effective_tip(run[at].tx, base_fee), run[at].order, at, run


def _covers(tx: Transaction, base_fee: Wei) -> bool:
    return tx.max_fee_per_gas >= base_fee
