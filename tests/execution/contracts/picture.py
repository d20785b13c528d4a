"""All of a clearing house's books at one moment, decoded from its storage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from execution.margin.accounts import (
    AccountState,
    PositionState,
    read_account,
    read_account_count,
    read_account_debt,
    read_claim,
    read_holdings,
    read_position,
)
from execution.margin.custody import CustodyState, LimiterState, read_custody, read_limiters
from execution.margin.markets import (
    ClosingState,
    MarketState,
    VaultState,
    read_closing,
    read_insurance,
    read_market,
    read_market_count,
    read_vault,
)
from execution.margin.options import (
    SERIES_START,
    OptionRulesState,
    SeriesState,
    read_option_rules,
    read_series,
    read_strike_count,
)
from execution.margin.storage import read_value
from genesis.predeploys import CLEARING_HOUSE
from tests.execution.contracts.house import House

DEBTORS_END = 2**64 - 1
"""A closed market is a debtor under this less its id."""


@dataclass(frozen=True, slots=True)
class AccountPicture:
    """An account, what it holds (by market or series) and owes, and claims of closed markets."""

    state: AccountState
    positions: Mapping[int, PositionState]
    claims: Mapping[int, int]
    options: Mapping[int, int]
    debt: int

    @property
    def is_flat(self) -> bool:
        return not self.positions and not self.options


@dataclass(frozen=True, slots=True)
class MarketPicture:
    """A market, its end, its backstop and insurance, and its raw configuration."""

    state: MarketState
    closing: ClosingState | None
    vault: VaultState | None
    insurance: int
    debt: int
    options: OptionRulesState | None
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that holds or owes collateral."""

    time: int
    accounts: Mapping[int, AccountPicture]
    markets: tuple[MarketPicture, ...]
    series: Mapping[int, SeriesState]
    custody: CustodyState
    limiters: tuple[LimiterState | None, ...]
    tokens: int
    """q6 that the house has in the token."""

    def positions(self, market: int) -> Iterator[tuple[AccountPicture, PositionState]]:
        """Who is in a market, and how."""
        for account in self.accounts.values():
            if market in account.positions:
                yield account, account.positions[market]


def take_picture(house: House) -> Picture:
    """The books as they are now."""
    word = house.word
    count = read_market_count(word)
    series = range(SERIES_START, SERIES_START + 2 * read_strike_count(word))
    accounts = range(1, read_account_count(word) + 1)
    return Picture(
        house.now,
        {number: _account(house, number) for number in accounts},
        tuple(_market(house, number) for number in range(count)),
        {number: read_series(word, number) for number in series},
        read_custody(word),
        read_limiters(word),
        house.balance_of(CLEARING_HOUSE),
    )


def _account(house: House, number: int) -> AccountPicture:
    word = house.word
    state = read_account(word, number)
    assert state is not None
    claims = {market: read_claim(word, number, market) for market in state.markets}
    return AccountPicture(
        state,
        {market: read_position(word, number, market) for market in state.markets},
        {market: claim for market, claim in claims.items() if claim},
        {held.series: held.size for held in read_holdings(word, number)},
        read_account_debt(word, number),
    )


def _market(house: House, number: int) -> MarketPicture:
    word = house.word
    return MarketPicture(
        read_market(word, number),
        read_closing(word, number),
        read_vault(word, number),
        read_insurance(word, number),
        read_account_debt(word, DEBTORS_END - number),
        read_option_rules(word, number),
        read_value(word, "markets", number),
    )
