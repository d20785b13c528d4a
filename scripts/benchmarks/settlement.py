"""Gas of fills, of a cold margin check and of pricing, beside the goals and the EVM's least.

The real bytecode runs on the chain's own engine, every slot cold. A batch is one transaction of 100
fills, divided by 100. The least is what no code could save: calldata, signature recovery, the slots
of accounts, positions and fill lanes, and the event. Gas is the same on every machine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import click

from execution.contracts.abi import clearing_house
from execution.contracts.genesis import BTC_USD, PRICE_ONE, SIZE_ONE
from execution.margin import Match, pack_batch, read_filled, read_position
from scripts.benchmarks.report import print_table
from tests.execution.contracts.cold import GAS, cold_gas, slots_read
from tests.execution.contracts.desk import Desk, Inputs
from tests.execution.contracts.house import OPERATORS, USD, House, Trader

FILLS = 100
INDEX = 60_000 * PRICE_ONE
CASH = 1_000_000 * USD
SIZE = SIZE_ONE // 100
MONTH = 30 * 86_400

ZERO_BYTE, OTHER_BYTE = 4, 16
"""Gas of a byte of calldata (EIP-2028)."""
TRANSACTION = 21_000
RECOVERY = 3_000 + 100
"""A call of ECRECOVER."""
EVENT = 5 * 375 + 8 * 32 * 5
"""FillSettled: four topics and five words."""
COLD_READ = 2_100
"""Of a slot that is only read (EIP-2929), as an account's owner is."""
COLD_CHANGE, COLD_NEW = 5_000, 22_100
"""Of a slot that held something, or nothing (EIP-2200)."""
WARM_CHANGE = 200
"""Reading and writing a slot that the batch has changed."""

Nonce = Callable[[Trader], int]
Case = Callable[[int], "Measured"]
"""Measures with so many accounts."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Gas a fill, the least that it could be, and the goal; 0 where there is none."""

    name: str
    gas: int
    least: int = 0
    goal: int = 0


def in_order(trader: Trader) -> int:
    """Nonces as a client counts them: four lie in one slot."""
    trader.next_nonce += 1
    return trader.next_nonce - 1


def pairs(house: House, traders: Sequence[Trader], nonce: Nonce) -> list[Match]:
    """One fill after another between neighbours, each of two new orders."""
    matches = []
    for number in range(FILLS):
        place = 2 * number % len(traders)
        buyer, seller = traders[place], traders[place + 1]
        buy = house.order(buyer, True, SIZE, INDEX, nonce=nonce(buyer))
        matches.append(
            Match(buy, house.order(seller, False, SIZE, INDEX, nonce=nonce(seller)), SIZE)
        )
    return matches


def settle(house: House, matches: Sequence[Match]) -> int:
    """Gas of the whole transaction, a fill."""
    gas = cold_gas(house, pack_batch(matches).calldata, OPERATORS.matcher.address)
    receipt = house.settle(*matches, gas=GAS)
    if len(receipt.named("FillSettled")) != len(matches):
        raise click.ClickException(f"not every fill was settled: {receipt.rejections}")
    return gas // len(matches)


def least(house: House, matches: Sequence[Match]) -> int:
    """Gas a fill that no code could save, before the batch is settled."""
    data = pack_batch(matches).calldata
    zeros = data.count(0)
    gas = TRANSACTION + ZERO_BYTE * zeros + OTHER_BYTE * (len(data) - zeros)
    gas += len(matches) * EVENT
    orders = {
        signed.packed: signed.order for m in matches for signed in (m.taker, m.maker)
    }.values()
    gas += len(orders) * RECOVERY
    lanes = [(order.account, order.nonce >> 2) for order in orders]
    for account in {order.account for order in orders}:
        held = read_position(house.word, account, 0).size
        gas += COLD_READ + COLD_CHANGE + (COLD_CHANGE if held else COLD_NEW)
    for account, group in set(lanes):
        used = any(read_filled(house.word, account, 4 * group + lane) for lane in range(4))
        gas += COLD_CHANGE if used else COLD_NEW
    gas += WARM_CHANGE * (len(lanes) - len(set(lanes)))
    return gas // len(matches)


def opened(count: int) -> tuple[House, list[Trader]]:
    """A market with a price, and funded accounts."""
    house = House()
    house.report(0, INDEX)
    return house, [house.trader(number, CASH) for number in range(count)]


def new_positions(accounts: int, goal: int = 0) -> Measured:
    """Every account opens its first position, by orders with random nonces."""
    rng = Random(accounts)
    return _opening(accounts, lambda trader: rng.getrandbits(32), "random nonces", goal)


def new_positions_in_order(accounts: int, goal: int = 0) -> Measured:
    """As `new_positions`, with nonces as clients count them."""
    return _opening(accounts, in_order, "sequential nonces", goal)


def _opening(accounts: int, nonce: Nonce, nonces: str, goal: int) -> Measured:
    house, traders = opened(accounts)
    matches = pairs(house, traders, nonce)
    floor = least(house, matches)
    name = f"{accounts} accounts, new positions, {nonces}"
    return Measured(name, settle(house, matches), floor, goal)


def old_positions(accounts: int, goal: int = 0) -> Measured:
    """Every account has a position and nonces in order: the mean of batches that fill a slot."""
    house, traders = opened(accounts)
    house.settle(*pairs(house, traders, in_order), gas=GAS)
    batches = 4 * accounts // (2 * FILLS)
    gas, floor = [], []
    for _ in range(batches):
        matches = pairs(house, traders, in_order)
        floor.append(least(house, matches))
        gas.append(settle(house, matches))
    name = f"{accounts} accounts, one position each, sequential nonces"
    return Measured(name, sum(gas) // batches, sum(floor) // batches, goal)


class Portfolios:
    """Two accounts with 8 perpetuals and 16 series each, every array fresh."""

    def __init__(self) -> None:
        self.desk = Desk(markets=(BTC_USD,) * 8)
        self.pair = [self.desk.trader(number, 10 * CASH) for number in range(2)]
        for market in range(8):
            self.desk.report(market, INDEX)
        expiry = self.desk.on_the_minute(MONTH)
        for market in range(8):
            strike = self.desk.list_strike(expiry, INDEX, underlying=market)
            self.desk.report_inputs(strike, Inputs(INDEX))
            self.desk.price(strike, strike + 1)
        self.strike = strike
        every = [*range(8), *range(strike - 14, strike + 2)]
        self.desk.settle(*map(self.match, every), gas=GAS)

    def match(self, market: int) -> Match:
        price = INDEX if market < self.strike - 14 else INDEX * 4 // 60
        price -= price % PRICE_ONE
        buyer, seller = self.pair
        buy = self.desk.order(buyer, True, SIZE, price, market=market)
        return Match(buy, self.desk.order(seller, False, SIZE, price, market=market), SIZE)

    def check(self) -> Measured:
        """`requirements` as the first thing that a transaction asks, less the transaction's own."""
        data = clearing_house().call("requirements", self.pair[0].account)
        gas = cold_gas(self.desk, data) - TRANSACTION
        floor = COLD_READ * slots_read(self.desk, data)
        return Measured("margin check of 8 perpetuals and 16 series, cold", gas, floor, 450_000)

    def fills(self, what: str, market: int) -> Measured:
        """Fills of accounts whose scenarios have been added up."""
        matches = [self.match(market) for _ in range(FILLS)]
        name = f"2 accounts with 8 perpetuals and 16 series, {what}"
        return Measured(name, settle(self.desk, matches))


def pricing(*, again: bool) -> Measured:
    """One series in a transaction of its own, at the money, where most digits are worked out."""
    desk = Desk(markets=(BTC_USD,))
    desk.report(0, INDEX)
    strike = desk.list_strike(desk.on_the_minute(MONTH), INDEX)
    desk.report_inputs(strike, Inputs(INDEX))
    if again:
        desk.price(strike)
        desk.quote(strike, INDEX + 123 * PRICE_ONE)
        desk.advance(1)
    data = clearing_house().call("priceSeries", [strike])
    what = "pricing a series again" if again else "pricing a series for the first time"
    return Measured(what, cold_gas(desk, data), goal=250_000 if again else 0)


def measure() -> list[Measured]:
    """Everything, in the order of the table."""
    portfolios = Portfolios()
    return [
        old_positions(100, goal=60_000),
        old_positions(200),
        new_positions_in_order(100, goal=90_000),
        new_positions(100, goal=90_000),
        new_positions(200),
        new_positions(20),
        portfolios.fills("perpetual", 0),
        portfolios.fills("option", portfolios.strike),
        portfolios.check(),
        pricing(again=False),
        pricing(again=True),
    ]


def _row(one: Measured) -> list[str]:
    least_, above = (f"{one.least:,}", f"{one.gas - one.least:,}") if one.least else ("", "")
    return [one.name, f"{one.gas:,}", least_, above, f"{one.goal:,}" if one.goal else ""]


@click.command()
def main() -> None:
    """Measure what settlement costs, in gas a fill of a batch of 100."""
    print_table(
        "Gas of ClearingHouse: a fill of a batch of 100, a margin check, pricing a series",
        ("what", "gas", "the EVM's least", "above it", "goal"),
        [_row(one) for one in measure()],
        command="./scripts/bench settlement",
    )


if __name__ == "__main__":
    main()
