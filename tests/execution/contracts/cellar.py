"""A house of failing accounts with backstop vaults, and one of them hedged with options."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from execution.contracts.genesis import BTC_USD, ETH_USD, MarketParameters
from genesis.accounts import derive_account
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.desk import Inputs
from tests.execution.contracts.house import USD, Receipt, Trader
from tests.execution.contracts.wreck import ANYONE, BTC, ETH, Wreck, usd

FEE, SLIPPAGE = 2_000, 3_000
SAFETY = replace(BTC_USD.safety, liquidation_fee=FEE, slippage=SLIPPAGE)
"""Cheaper than the devnet's, at which a single position always goes whole."""

RULES: tuple[MarketParameters, ...] = (
    replace(BTC_USD, safety=SAFETY),
    replace(ETH_USD, safety=SAFETY),
)
DAY = 86_400


@dataclass
class Cellar(Wreck):
    """A wreck with backstops of which the timelock holds the key."""

    markets: tuple[MarketParameters, ...] = RULES

    def __post_init__(self) -> None:
        self.keeper = derive_account(9)
        self.timelock = self.keeper.address
        super().__post_init__()
        self.failing = self.trader(1, 2_000 * USD)
        self.winner = self.trader(2, 10**13)

    def back(self, market: int, cash: int = 10**12, loss_cap: int = 10**12) -> Trader:
        """Open and fund the vault of a market."""
        self.send(self.timelock, "openVault", market, loss_cap)
        vault = Trader(self.keeper, int(self.read("getSafety", market)[2]["account"]))
        if cash:
            self.deposit(self.timelock, vault.account, cash)
        return vault

    def buy(self, size: int, price: int, *, market: int = BTC) -> None:
        """The failing account goes long, or short below zero."""
        sides = (self.failing, self.winner) if size > 0 else (self.winner, self.failing)
        assert self.trade(*sides, abs(size), price, market=market).rejections == []

    def take_over(self, account: int | None = None) -> list[Mapping[str, Any]]:
        """Anyone hands the account to the backstop; returns what was taken."""
        receipt: Receipt = self.send(ANYONE, "takeOver", account or self.failing.account)
        assert_balanced(self)
        return receipt.named("PositionLiquidated")

    def stands(self) -> tuple[int, int]:
        """Equity and maintenance of the failing account, q6."""
        now = self.read("requirements", self.failing.account)
        return now["equity"], now["maintenance"]


class Hedged(Cellar):
    """The failing account is short calls and long perpetuals, in both markets."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.expiry = self.on_the_minute(30 * DAY)
        self.calls = {
            BTC: self.list_strike(self.expiry, usd(60_000), underlying=BTC),
            ETH: self.list_strike(self.expiry, usd(3_000), underlying=ETH),
        }
        self.quote_all({BTC: usd(60_000), ETH: usd(3_000)})

    def quote_all(self, indexes: Mapping[int, int]) -> None:
        """Report both indexes and price every series in the same second."""
        self.advance(1)
        for market, index in indexes.items():
            self.report(market, index)
        for market, strike in self.calls.items():
            self.report_inputs(strike, Inputs(indexes[market]))
        self.price(*(s for call in self.calls.values() for s in (call, call + 1)))

    def fail(self, *, bankrupt: bool, eth: int = usd(3_000)) -> None:
        """BTC rises until equity is below maintenance margin, or below zero; ETH is at a p8."""
        for percent in range(2, 100, 2):
            self.quote_all({BTC: usd(60_000 + 600 * percent), ETH: eth})
            now, needed = self.stands()
            if now < (0 if bankrupt else needed):
                assert bankrupt or now >= 0
                return

    def sell_call(self, market: int, lots: int) -> None:
        """The failing account writes calls at their value."""
        self.sell_option(self.winner, self.failing, self.calls[market], lots, underlying=market)

    def sell_option(
        self, buyer: Trader, seller: Trader, series: int, lots: int, *, underlying: int = BTC
    ) -> None:
        """At its value, down to the tick."""
        rules = self.read("getOptionRules", underlying)
        value = int(self.read("getSeries", series)[2])
        price, size = value - value % rules["tick"], lots * rules["lot"]
        assert self.trade(buyer, seller, size, price, market=series).rejections == []
