"""Closes accounts that fell below their maintenance margin: against orders, or by the backstop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from execution.contracts.abi import clearing_house
from execution.margin import AccountState, MarketState, PositionState, read_position
from node.keepers.books import Books
from node.keepers.census import Census
from node.keepers.debts import due_reports
from node.keepers.judging import judge_next
from node.keepers.keeper import Done
from node.keepers.lane import Deed, Lane
from node.keepers.limits import GAS_LIQUIDATION, LIQUIDATOR_SECONDS
from node.keepers.orders import RestingOrder, best_for, read_orders
from node.keepers.pricing import Pricing


@dataclass(slots=True)
class Liquidator:
    """Looks at every account with positions, and at what those without owe."""

    books: Books
    lane: Lane
    orders: Path | None = None
    """A file of signed orders, tried before the backstop."""
    seconds: float = LIQUIDATOR_SECONDS
    name: str = "liquidator"
    _census: Census = field(init=False)

    def __post_init__(self) -> None:
        self._census = Census(self.books)

    async def step(self) -> Done:
        """Liquidate the worst of those that failed, then report who is below zero."""
        judged = await judge_next(self.books, await self.books.look(), self._census)
        accounts, failing = judged.accounts, judged.failing
        sold = await self._sell(failing, accounts)
        takeovers = {
            id_: _takeover(id_, judged.before(id_)) for id_ in failing if id_ not in sold.subjects
        }
        taken = await self.lane.do(list(takeovers.values()))
        closed = sold.subjects | _subjects(takeovers, taken)
        # Debts are what the contract says without new prices: it reports them at those it has.
        reports = await due_reports(self.books, accounts, judged.known, but=closed)
        return Done.of((sold.done, taken, await self.lane.do(reports)))

    async def _sell(self, failing: Sequence[int], accounts: Mapping[int, AccountState]) -> "Sold":
        """Against the orders at hand, whom they suit; an account with options only the backstop."""
        orders = read_orders(self.orders) if self.orders is not None else ()
        plain = [id_ for id_ in failing if not accounts[id_].options]
        if not orders or not plain:
            return Sold()
        markets = await self.books.markets()
        deeds = {}
        for id_ in plain:
            table = await self._table(id_, accounts[id_], markets, orders)
            if table:
                data = clearing_house().call("liquidate", id_, table)
                deeds[id_] = Deed(f"liquidate account {id_}", data, GAS_LIQUIDATION)
        done = await self.lane.do(list(deeds.values()))
        return Sold(done, _subjects(deeds, done))

    async def _table(
        self,
        id_: int,
        account: AccountState,
        markets: Mapping[int, MarketState],
        orders: Sequence[RestingOrder],
    ) -> bytes:
        """Orders for the account's positions, the largest position first, packed."""
        readers = [partial(read_position, account=id_, market=each) for each in account.markets]
        positions = dict(zip(account.markets, await self.books.read_each(readers)))

        def notional(entry: tuple[int, PositionState]) -> int:
            market, position = entry
            return abs(position.size) * markets[market].mark

        largest = sorted(positions.items(), key=notional, reverse=True)
        fitting = [one for market, held in largest for one in best_for(orders, market, held.size)]
        return b"".join(one.packed for one in fitting)


@dataclass(frozen=True, slots=True)
class Sold:
    """Liquidations against orders, and whose they were."""

    done: Done = field(default_factory=Done)
    subjects: frozenset[int] = frozenset()


def _takeover(id_: int, pricing: Pricing) -> Deed:
    """Right after its series are priced, for the contract judges no account by stale ones."""
    data = clearing_house().call("takeOver", id_)
    what = f"let the backstop take over account {id_}"
    return Deed(what, data, GAS_LIQUIDATION, first=pricing)


def _subjects(deeds: Mapping[int, Deed], done: Done) -> frozenset[int]:
    """Accounts whose deeds are done."""
    sent = {one.what for one in done.sent}
    return frozenset(id_ for id_, deed in deeds.items() if deed.what in sent)
