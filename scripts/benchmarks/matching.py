"""Operations a second of the matching engine alone, against the least that a book can do.

The same stream of orders goes through both: 40% new orders in ten levels around a wandering middle,
30% cancels, 20% replacements, 10% takers of a few orders each, and each thousand operations a block
that settles what was matched. The peer is a list a side, kept sorted by `bisect`: price-time
matching and nothing else, no events, expiry, nonces, accounts or snapshots. Both must make the same
trades. Times are processor time, medians of interleaved rounds in one process.
"""

import random
import sys
import time
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence

import click

from node.interpreter import prepare_interpreter
from scripts.benchmarks.report import median, print_table, ratio, spread
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Matched
from sequencer.matching.inputs import (
    Cancel,
    Finalized,
    Input,
    ListMarket,
    Outcome,
    Place,
    Replace,
)
from sequencer.matching.orders import BookOrder

ROUNDS = 5
OPERATIONS = 50_000
SEED = 20_240_313
MARKET = 1
START = 1_700_000_000_000
LEVELS = 10
MIDDLE = 100_000
BLOCK_OPERATIONS = 1_000

Trade = tuple[bytes, bytes, int, int]


class Stream:
    """A repeatable stream of inputs, without the outcomes of blocks."""

    def __init__(self, operations: int) -> None:
        self._random = random.Random(SEED)
        self._middle = MIDDLE
        self._resting: list[bytes] = []
        self._count = 0
        self.inputs = [self._next(START + number) for number in range(operations)]

    def _next(self, now: int) -> Input:
        rng = self._random
        self._middle += rng.choice((-1, 0, 0, 0, 1))
        kind = rng.random()
        if kind < 0.4 or not self._resting:
            order = self._order(LEVELS)
            self._resting.append(order.hash)
            return Place(time=now, order=order, most=order.size)
        if kind < 0.5:
            order = self._order(0)
            return Place(time=now, order=order, most=order.size)
        old = self._resting.pop(rng.randrange(len(self._resting)))
        if kind < 0.8:
            return Cancel(time=now, order=old)
        order = self._order(LEVELS)
        self._resting.append(order.hash)
        return Replace(time=now, old=old, order=order, most=order.size)

    def _order(self, levels: int) -> BookOrder:
        """An order some levels behind the middle, or for 0 one that reaches beyond it."""
        rng = self._random
        self._count += 1
        is_buy = rng.random() < 0.5
        distance = -rng.randint(1, levels) if levels else 3
        account = rng.randrange(1, 200)
        return BookOrder(
            hash=rng.randbytes(32),
            owner=account.to_bytes(20, "big"),
            account=account,
            market=MARKET,
            is_buy=is_buy,
            size=rng.randint(1, 20 if levels else 40),
            price=self._middle + (distance if is_buy else -distance),
            max_fee_ppm=500,
            flags=0,
            nonce=self._count,
            expiry=START // 1_000 + 86_400,
            r=bytes(32),
            vs=bytes(32),
        )


def run_engine(inputs: Sequence[Input]) -> tuple[float, list[Trade]]:
    """Processor seconds of the engine, and its trades."""
    engine = MatchingEngine()
    engine.apply(ListMarket(time=START, market=MARKET, tick=1, lot=1))
    matched: list[Matched] = []
    started = time.process_time()
    for number, given in enumerate(inputs, 1):
        for event in engine.apply(given):
            if type(event) is Matched:
                matched.append(event)
        if number % BLOCK_OPERATIONS == 0:
            settle(engine, given.time, number // BLOCK_OPERATIONS)
    elapsed = time.process_time() - started
    fills = [event.fill for event in matched]
    return elapsed, [(fill.taker, fill.maker, fill.size, fill.price) for fill in fills]


def settle(engine: MatchingEngine, now: int, block: int) -> None:
    """A block settles all that waits, and makes final what an earlier one did."""
    fills = tuple(fill.id for fill in engine.pending())
    engine.apply(Outcome(time=now, block=block, transaction=bytes(32), settled=fills))
    engine.apply(Finalized(time=now, block=block - 10))


class SortedLists:
    """The peer. A row is [key, time, order, left]; the best of a side is its first.

    An order of the taker's owner stops it, as the default of self-trade prevention asks for.
    """

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self._sides: dict[bool, list[list]] = {True: [], False: []}
        self._rows: dict[bytes, list] = {}
        self._places = 0

    def apply(self, given: Input) -> None:
        if isinstance(given, Cancel):
            self._cancel(given.order)
        elif isinstance(given, Replace):
            self._cancel(given.old)
            self._place(given.order)
        elif isinstance(given, Place):
            self._place(given.order)

    def _cancel(self, order: bytes) -> None:
        row = self._rows.pop(order, None)
        if row is not None:
            side = self._sides[row[2].is_buy]
            del side[bisect_left(side, row[:2])]

    def _place(self, order: BookOrder) -> None:
        left = order.size
        for size in self._take(order):
            left -= size
        if left > 0:
            self._places += 1
            key = -order.price if order.is_buy else order.price
            row = self._rows[order.hash] = [key, self._places, order, left]
            insort(self._sides[order.is_buy], row)

    def _take(self, order: BookOrder) -> Iterator[int]:
        """Sizes that the order trades, or more than it has when it is stopped."""
        makers, left = self._sides[not order.is_buy], order.size
        limit = order.price if order.is_buy else -order.price
        while makers and left and makers[0][0] <= limit:
            row = makers[0]
            maker = row[2]
            if maker.owner == order.owner:
                yield left
                return
            size = min(left, row[3])
            self.trades.append((order.hash, maker.hash, size, maker.price))
            left -= size
            row[3] -= size
            if not row[3]:
                del makers[0], self._rows[maker.hash]
            yield size


def run_peer(inputs: Sequence[Input]) -> tuple[float, list[Trade]]:
    """Processor seconds of the peer, and its trades."""
    book = SortedLists()
    started = time.process_time()
    for given in inputs:
        book.apply(given)
    return time.process_time() - started, book.trades


@click.command(context_settings={"show_default": True})
@click.option("--rounds", default=ROUNDS, type=click.IntRange(1, 50), help="Rounds of both.")
@click.option(
    "--operations", default=OPERATIONS, type=click.IntRange(1, 1_000_000), help="Inputs a round."
)
def main(rounds: int, operations: int) -> None:
    """Measure the matching engine alone, without signatures, margin or disk, in a node's Python."""
    inputs = Stream(operations).inputs
    prepare_interpreter()
    ours: list[float] = []
    peers: list[float] = []
    for _ in range(rounds):
        (elapsed, trades), (peer_elapsed, peer_trades) = run_engine(inputs), run_peer(inputs)
        if trades != peer_trades:
            sys.exit("the engine and its peer trade differently")
        ours.append(operations / elapsed)
        peers.append(operations / peer_elapsed)
    print_table(
        f"Matching engine: operations a processor second, medians of {rounds}",
        ("stream", "engine", "sorted lists", "ratio"),
        [
            [
                f"{operations:,} inputs, {len(trades):,} trades",
                spread(ours),
                spread(peers),
                ratio(median(ours), median(peers)),
            ]
        ],
        command="./scripts/bench matching",
    )


if __name__ == "__main__":
    main()
