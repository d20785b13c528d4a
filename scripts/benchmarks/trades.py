"""Trades a second, from signed orders to state root, against anvil with the same clearing house.

Ours takes signed orders over websocket, checks, stores and matches them, and settles the fills in
batches; the clock runs from the first order to the block with the last fill. Anvil gets the fills
made beforehand, each in a transaction of the matcher, and has nothing to do but to settle them: the
contracts, their parameters and the orders are alike. Only what `FillSettled` says counts.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from execution.margin import Match, SignedOrder, pack_batch
from execution.signing import sign
from genesis.accounts import operator_accounts
from genesis.networks import L2_DEVNET_CHAIN_ID
from genesis.predeploys import CLEARING_HOUSE
from scripts.benchmarks.chains import ROOT, ChainFailed, anvil
from scripts.benchmarks.load import Load
from scripts.benchmarks.orders import place_request, run_clients, venue_on_devnet
from scripts.benchmarks.report import median, print_table, ratio, spread
from scripts.benchmarks.throughput import nonce_of, unsigned
from scripts.benchmarks.trading import INDEX, Venue, shares, write_genesis
from state.types import Gas

MAKERS, TAKERS = 16, 24
TRADES_MAX = 1_000
"""So many may wait for a block; beyond, the exchange takes no orders that trade."""

SETTLEMENT_GAS = Gas(500_000)
"""One fill takes some 170,000; the clearing house wants 420,000 left before it begins one."""

BLOCK_SECONDS = 1
SECONDS_MAX = 180.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Round:
    """From the first order or settlement to the block that settles the last fill."""

    trades: int
    seconds: float
    blocks: int

    @property
    def rate(self) -> float:
        """Trades a second."""
        return self.trades / self.seconds


def pairs(venue: Venue, count: int, *, taker_buys: bool) -> list[tuple[SignedOrder, SignedOrder]]:
    """Resting orders and those that take them, all at one price, so that each meets one other."""
    return [
        (
            venue.makers[number % len(venue.makers)].order(is_buy=not taker_buys, price=INDEX),
            venue.takers[number % len(venue.takers)].order(is_buy=taker_buys, price=INDEX),
        )
        for number in range(count)
    ]


def run_ours(venue: Venue, count: int, *, taker_buys: bool) -> Round:
    """Orders over websocket from processes of their own. Raises `ChainFailed`."""
    signed = pairs(venue, count, taker_buys=taker_buys)
    requests = [place_request(order) for pair in signed for order in pair]
    first = venue.head() + 1
    outcomes = run_clients(venue.chain.url, requests, None)
    if any(one.refusals for one in outcomes):
        raise ChainFailed(f"orders were refused: {[one.refusals for one in outcomes]}")
    return _settled(venue, first, count, min(one.began for one in outcomes))


def run_anvil(venue: Venue, count: int, *, taker_buys: bool) -> Round:
    """One settlement a transaction, from a process of its own. Raises `ChainFailed`."""
    matcher = operator_accounts().matcher
    nonce = nonce_of(venue.chain, matcher.address)
    raws = []
    for number, (maker, taker) in enumerate(pairs(venue, count, taker_buys=taker_buys)):
        data = pack_batch([Match(taker, maker, maker.order.size)]).calldata
        fields = unsigned(nonce + number, SETTLEMENT_GAS, CLEARING_HOUSE, data=data)
        raws.append(f"0x{sign(fields, matcher.key, L2_DEVNET_CHAIN_ID).hex()}")
    first = venue.head() + 1
    load = Load(venue.chain.url, [raws], SECONDS_MAX, venue.chain.mines_on_demand)
    client = subprocess.run(
        [sys.executable, "-m", "scripts.benchmarks.load"],
        cwd=ROOT, input=json.dumps(asdict(load)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if client.returncode != 0:
        raise ChainFailed(f"{venue.chain.name}: {client.stderr.strip()}")
    outcome = json.loads(client.stdout)
    found = venue.count("FillSettled", first, venue.head())
    if found != count:
        raise ChainFailed(f"{venue.chain.name} settled {found} of {count}")
    return Round(count, outcome["seconds"], outcome["blocks"])


def _settled(venue: Venue, first: int, count: int, began: float) -> Round:
    """Wait for the block that settles the last of `count` fills. Raises `ChainFailed`."""
    deadline = time.monotonic() + SECONDS_MAX
    settled, seen, blocks = 0, first - 1, 0
    while time.monotonic() < deadline:
        head = venue.head()
        now = time.monotonic()
        found = venue.count("FillSettled", seen + 1, head)
        settled, seen, blocks = settled + found, head, blocks + (found > 0)
        if settled >= count:
            return Round(count, now - began, blocks)
        time.sleep(POLL_SECONDS)
    raise ChainFailed(f"{settled} of {count} fills were settled within {SECONDS_MAX:.0f} s")


@click.command(context_settings={"show_default": True})
@click.option(
    "--trades", default=TRADES_MAX, type=click.IntRange(1, TRADES_MAX), help="A round has."
)
@click.option("--rounds", default=3, type=click.IntRange(1, 20), help="Rounds a chain.")
def main(trades: int, rounds: int) -> None:
    """Measure trades a second, signed orders to state root, against anvil."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tallystick-bench-")))
        ours = stack.enter_context(venue_on_devnet(folder, MAKERS, TAKERS))
        genesis = write_genesis(folder, shares(MAKERS, TAKERS))
        started = [
            stack.enter_context(anvil(folder, block_seconds=seconds, genesis=genesis))
            for seconds in (BLOCK_SECONDS, None)
        ]
        venues = [ours, *(Venue.opened(chain, MAKERS, TAKERS) for chain in started)]
        results = measure(venues, trades, rounds)
    rates = [[one.rate for one in of] for of in results]
    print_table(
        f"Trades a second, signed orders to state root: medians of {rounds} (least-most)",
        ("peer", "tallystick", "peer's", "ratio"),
        [
            [
                f"{venue.chain.name}, one a transaction",
                spread(rates[0]),
                spread(of_peer),
                ratio(median(rates[0]), median(of_peer)),
            ]
            for venue, of_peer in zip(venues[1:], rates[1:], strict=True)
        ],
        command="./scripts/bench trades",
    )


def measure(venues: list[Venue], trades: int, rounds: int) -> list[list[Round]]:
    """Rounds by venue, which take turns. Sides change, so that positions don't grow."""
    results: list[list[Round]] = [[] for _ in venues]
    for number in range(rounds):
        for index, venue in enumerate(venues):
            venue.report()
            run = run_anvil if index else run_ours
            outcome = run(venue, trades, taker_buys=number % 2 == 0)
            results[index].append(outcome)
            click.echo(
                f"  round {number + 1}, {venue.chain.name}: {trades} in {outcome.seconds:.2f} s"
                f" and {outcome.blocks} blocks",
                err=True,
            )
    return results


if __name__ == "__main__":
    main()
