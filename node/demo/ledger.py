"""The clearing house's books as one sum: what it holds, and everything that this is made of."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from execution.contracts.abi import interface
from execution.margin import (
    AccountState,
    ClosingState,
    PositionState,
    read_account_debt,
    read_claim,
    read_closing,
    read_custody,
    read_position,
)
from genesis.predeploys import CLEARING_HOUSE, COLLATERAL_TOKEN
from node.demo.limits import LEDGER_ACCOUNTS_MAX
from node.keepers.books import Books, Moment
from node.keepers.series import series_books
from node.layer import Layer
from state.errors import Invalid
from state.types import BlockNumber

_SIZE_PRICE: Final = 10**10
"""s8 times p8 in q6."""
_DEBTORS_END: Final = 2**64 - 1
"""A closed market owes under this less its id (IInsolvency)."""


class TooManyAccounts(Invalid):
    """More than a demo reads."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """MARGIN.md, "Invariants", 2, in one block; all amounts q6."""

    block: BlockNumber
    custody: int
    token: int
    """What the clearing house has of the collateral token."""
    accounts: int
    """Sum of cash less the cost of positions."""
    funding: int
    """Pools of the markets."""
    options: int
    """Pools of the series."""
    closings: int
    """What closed markets hold for those who weren't paid yet."""
    fees: int
    insurance: int

    @property
    def owed(self) -> int:
        """Everything that the custody is made of."""
        pools = self.funding + self.options + self.closings
        return self.accounts + pools + self.fees + self.insurance

    @property
    def difference(self) -> int:
        return self.custody - self.owed

    @property
    def balances(self) -> bool:
        """To the last unit; tokens that somebody just sent there are nobody's claim."""
        return self.difference == 0 and self.token >= self.custody


class UnbalancedBooks(Invalid):
    """Something was made or lost."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(
            f"the books of block {ledger.block} don't balance: custody {ledger.custody}, made of"
            f" {ledger.owed}, tokens {ledger.token}"
        )
        self.ledger = ledger


async def read_ledger(books: Books, layer: Layer, moment: Moment) -> Ledger:
    """The books of every account, in the block that was looked at last."""
    custody = await books.read(read_custody)
    markets, strikes = await books.markets(), await books.strikes()
    closings = await books.read_each([partial(read_closing, market=id_) for id_ in markets])
    series = await series_books(books, strikes)
    token = interface("CollateralToken")
    (held,) = await layer.view(
        COLLATERAL_TOKEN, token, "balanceOf", CLEARING_HOUSE, at=moment.block
    )
    return Ledger(
        block=moment.block,
        custody=custody.held,
        token=int(held),
        accounts=await _accounts(books),
        funding=sum(market.pool for market in markets.values()),
        options=sum(one.pool for one in series.values()),
        closings=sum([await _cover(books, id_, one) for id_, one in zip(markets, closings) if one]),
        fees=custody.fees,
        insurance=custody.insurance,
    )


async def _accounts(books: Books) -> int:
    """Cash less costs; a registered winner's cost is part of its claim already."""
    count = await books.account_count()
    if count > LEDGER_ACCOUNTS_MAX:
        raise TooManyAccounts(f"{count:,} accounts; a demo adds up {LEDGER_ACCOUNTS_MAX:,}")
    accounts = await books.accounts(range(1, count + 1))
    costs = 0
    for (id_, market), position in (await positions_of(books, accounts)).items():
        if not await books.read(partial(read_claim, account=id_, market=market)):
            costs += position.cost
    return sum(one.cash for one in accounts.values()) - costs


async def positions_of(
    books: Books, accounts: dict[int, AccountState]
) -> dict[tuple[int, int], PositionState]:
    """Every perpetual position of some accounts, by account and market."""
    places = [(id_, market) for id_, one in accounts.items() for market in one.markets]
    readers = [partial(read_position, account=id_, market=market) for id_, market in places]
    return dict(zip(places, await books.read_each(readers)))


async def _cover(books: Books, market: int, closing: ClosingState) -> int:
    debt = await books.read(partial(read_account_debt, account=_DEBTORS_END - market))
    left = closing.longs_left - closing.shorts_left
    return left * closing.price // _SIZE_PRICE + closing.collected - debt
