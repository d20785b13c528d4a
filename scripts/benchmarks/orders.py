"""How soon an order is acknowledged over websocket, at 1,000 a second and as fast as it goes.

Client processes place signed orders on a running devnet, while it builds blocks and settles what
trades: of a hundred orders two, or as many as `--takes` says, take a lot, and the others rest. An
answer means that the order is checked, matched and on disk. The peer does what no such exchange
could do without: it answers a websocket message when that is on disk.
"""

import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec

from execution.margin import OrderFlag, SignedOrder
from node.client.wire import order_json
from scripts.benchmarks.chains import ROOT, ChainFailed, RunningChain, devnet, free_ports, process
from scripts.benchmarks.orders_load import SocketLoad, SocketOutcome
from scripts.benchmarks.report import print_table, spread
from scripts.benchmarks.trading import (
    INDEX,
    TICK,
    Venue,
    bring_collateral,
    shares,
)

GOAL_P50_MS, GOAL_P99_MS = 5, 25
"""DESIGN.md, "Figures to reach"."""

MAKERS, TAKERS = 60, 20
PROCESSES, SOCKETS = 2, 4
"""Client processes, and websockets of each."""

PACED_CALLS_MAX = 32
"""Orders of a websocket in the works, as many as a node takes (node/limits.py)."""
UNPACED_CALLS_MAX = 16
"""Likewise, where each answer lets the next order go."""

TAKES_OF_HUNDRED = 2
LEVELS = 50
"""Resting orders are up to so many ticks behind the best price."""
REACH = 100 * TICK

START_SECONDS = 1.5
"""For the client processes to start and to connect."""
SECONDS_MAX = 120.0
SETTLING_SECONDS_MAX = 120.0
BLOCK_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement: times in ms, rate in answers a second."""

    p50: float
    p99: float
    rate: float


class OrderFlow:
    """Signed orders, placed around the index."""

    def __init__(self, venue: Venue, takes: int) -> None:
        """Of a hundred orders `takes` take a lot of what rests."""
        self._venue = venue
        self._takes = takes
        self._random = random.Random(5)
        self._count = self._taken = 0

    def requests(self, count: int) -> list[str]:
        """The next orders, as JSON-RPC."""
        return [place_request(self._next()) for _ in range(count)]

    def _next(self) -> SignedOrder:
        self._count += 1
        is_buy = self._random.random() < 0.5
        sign = 1 if is_buy else -1
        if self._count * self._takes % 100 < self._takes:
            self._taken += 1
            trader = self._venue.takers[self._taken % len(self._venue.takers)]
            return trader.order(is_buy=is_buy, price=INDEX + sign * REACH, flags=OrderFlag.IOC)
        trader = self._venue.makers[self._count % len(self._venue.makers)]
        distance = self._random.randint(1, LEVELS) * TICK
        return trader.order(is_buy=is_buy, price=INDEX - sign * distance)


def place_request(signed: SignedOrder) -> str:
    """The JSON-RPC request that places an order, without its id."""
    body = {"jsonrpc": "2.0", "method": "trade_placeOrder", "params": [order_json(signed)]}
    return json.dumps(body, separators=(",", ":"))


def numbered(request: str, number: int) -> str:
    """A request with its id, which is its place among those of one websocket."""
    return f'{request[:-1]},"id":{number}}}'


def spread_out(requests: Sequence[str]) -> list[list[str]]:
    """The requests of each websocket, taking turns."""
    sockets = PROCESSES * SOCKETS
    return [
        [numbered(one, place) for place, one in enumerate(requests[first::sockets])]
        for first in range(sockets)
    ]


def run_clients(url: str, requests: Sequence[str], rate: int | None) -> list[SocketOutcome]:
    """Let client processes send it all, so many a second or as fast as it goes.

    Raises `ChainFailed`.
    """
    sockets = spread_out(requests)
    begins = time.monotonic() + START_SECONDS
    clients = []
    for number in range(PROCESSES):
        load = SocketLoad(
            url=url,
            requests=sockets[number::PROCESSES],
            begins=begins,
            interval_seconds=None if rate is None else len(sockets) / rate,
            calls_max=UNPACED_CALLS_MAX if rate is None else PACED_CALLS_MAX,
            seconds_max=SECONDS_MAX,
        )
        client = subprocess.Popen(
            [sys.executable, "-m", "scripts.benchmarks.orders_load"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        clients.append((client, msgspec.json.encode(load)))
    with ThreadPoolExecutor(PROCESSES) as waiting:
        return list(waiting.map(lambda one: _outcome(url, *one), clients))


def _outcome(url: str, client: subprocess.Popen[bytes], load: bytes) -> SocketOutcome:
    output, error = client.communicate(load)
    if client.returncode != 0:
        raise ChainFailed(f"{url}: {error.decode().strip()[-500:]}")
    return msgspec.json.decode(output, type=SocketOutcome)


def measure(name: str, url: str, requests: Sequence[str], rate: int | None) -> Round:
    """One round; a refused order makes it void. Raises `ChainFailed`."""
    outcomes = run_clients(url, requests, rate)
    refusals = sum((Counter(one.refusals) for one in outcomes), Counter())
    if refusals:
        ((message, count), *_) = refusals.most_common()
        raise ChainFailed(
            f"{name} refused {refusals.total()} of {len(requests)}: {count} {message}"
        )
    latencies = sorted(ms for one in outcomes for ms in one.latencies_ms)
    seconds = max(one.ended for one in outcomes) - min(one.began for one in outcomes)
    p50, p99 = (latencies[len(latencies) * percent // 100] for percent in (50, 99))
    found = Round(p50, p99, len(latencies) / seconds)
    click.echo(
        f"  {name}, {f'{rate:,} a second' if rate else 'as fast as it goes'}: p50 {p50:.1f} ms,"
        f" p99 {p99:.1f} ms, {found.rate:,.0f} a second",
        err=True,
    )
    return found


def wait_settled(venue: Venue) -> None:
    """Until a block settles nothing that the next round would have to wait for."""
    deadline = time.monotonic() + SETTLING_SECONDS_MAX
    seen = venue.head()
    while time.monotonic() < deadline:
        time.sleep(BLOCK_POLL_SECONDS)
        head = venue.head()
        if head >= seen + 2:
            if venue.count("FillSettled", seen + 1, head) == 0:
                return
            seen = head
    raise ChainFailed(f"fills still settle after {SETTLING_SECONDS_MAX:.0f} s")


@contextlib.contextmanager
def peer(folder: Path) -> Iterator[RunningChain]:
    """The synced echo."""
    (port,) = free_ports(1)
    chain = RunningChain("websocket and fsync", f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "scripts.benchmarks.orders_peer", str(port)]
    command.append(str(folder / "peer.log"))
    with process(chain, command, folder / "peer.txt", chain.listens):
        yield chain


@contextlib.contextmanager
def venue_on_devnet(folder: Path, makers: int, takers: int) -> Iterator[Venue]:
    """Our devnet with traders, whose price no keeper moves."""
    with devnet(folder, "--no-keepers") as chain:
        bring_collateral(folder, shares(makers, takers))
        yield Venue.opened(chain, makers, takers)


@click.command(context_settings={"show_default": True})
@click.option("--rate", default=1_000, type=click.IntRange(1, 5_000), help="Orders a second.")
@click.option("--seconds", default=10, type=click.IntRange(1, 60), help="A paced round lasts.")
@click.option("--fastest", default=3_000, type=click.IntRange(1, 20_000),
              help="Orders of a round without a pace.")  # fmt: skip
@click.option("--takes", default=TAKES_OF_HUNDRED, type=click.IntRange(0, 50),
              help="Of a hundred orders, how many trade.")  # fmt: skip
@click.option("--rounds", default=3, type=click.IntRange(1, 5), help="Rounds of each.")
def main(rate: int, seconds: int, fastest: int, takes: int, rounds: int) -> None:
    """Measure how soon orders are acknowledged over websocket, and how many a second."""
    paced: dict[str, list[Round]] = {}
    unpaced: dict[str, list[Round]] = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tallystick-bench-")))
        venue = stack.enter_context(venue_on_devnet(folder, MAKERS, TAKERS))
        servers = [venue.chain, stack.enter_context(peer(folder))]
        flow = OrderFlow(venue, takes)
        for _ in range(rounds):
            venue.report()
            for pace, count, rounds_of in (
                (rate, rate * seconds, paced),
                (None, fastest, unpaced),
            ):
                requests = flow.requests(count)
                for server in servers:
                    rounds_of.setdefault(server.name, []).append(
                        measure(server.name, server.url, requests, pace)
                    )
                    wait_settled(venue)
    print_table(
        f"Orders acknowledged over websocket: medians of {rounds} (least-most)",
        ("what", *paced, "goal"),
        [
            [f"p50 ms at {rate:,} orders a second", *_cells(paced, "p50", 1), f"{GOAL_P50_MS}"],
            ["p99 ms", *_cells(paced, "p99", 1), f"{GOAL_P99_MS}"],
            ["orders a second, as fast as it goes", *_cells(unpaced, "rate", 0), ""],
        ],
        command="./scripts/bench orders",
    )


def _cells(rounds: dict[str, list[Round]], figure: str, digits: int) -> list[str]:
    return [spread([getattr(one, figure) for one in of], digits) for of in rounds.values()]


if __name__ == "__main__":
    main()
