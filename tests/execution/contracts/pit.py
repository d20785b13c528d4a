"""A desk with a quoted strike and funded traders, and its accounts as the exact model sees them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from execution.contracts.genesis import BTC_USD, ETH_USD
from execution.margin import Match, Reason
from tests.execution.contracts.desk import Desk, usd
from tests.execution.contracts.exact.holdings import Account, OptionHolding, PerpHolding, Underlying
from tests.execution.contracts.house import USD, Trader

INDEX = usd(60_000)
MONTH = 30 * 86_400


class Pit:
    """Two traders, A and B, before a call and a put at the money of market 0, a month out."""

    def __init__(self, cash: int = 100_000 * USD, **changes: Any) -> None:
        self.markets = (replace(BTC_USD, **changes), ETH_USD)
        self.desk = Desk(markets=self.markets)
        self.a = self.desk.trader(0, cash)
        self.b = self.desk.trader(1, cash)
        self.expiry = self.desk.on_the_minute(MONTH)
        self.call = self.desk.list_strike(self.expiry, INDEX)
        self.put = self.call + 1
        self.desk.quote(self.call, INDEX)
        self.value = self.on_tick(self.call)

    @property
    def rules(self) -> Mapping[str, int]:
        """How options on market 0 trade."""
        rules: Mapping[str, int] = self.desk.read("getOptionRules", 0)
        return rules

    def on_tick(self, series: int) -> int:
        """p8: a series' value, down to the tick."""
        value = int(self.desk.read("getSeries", series)[2])
        return value - value % self.rules["tick"]

    def trade(
        self, buyer: Trader, seller: Trader, lots: int, price: int | None = None, **fields: Any
    ) -> list[Reason]:
        """The buyer takes so many lots, of the call unless a `market` is named; why not, if not."""
        market = fields.setdefault("market", self.call)
        size = lots * self.rules["lot"]
        price = self.on_tick(market) if price is None else price
        buy = self.desk.order(buyer, True, size, price, **fields)
        sell = self.desk.order(seller, False, size, price, market=market)
        return [reason for _, reason in self.desk.settle(Match(buy, sell, size)).rejections]

    def held(self, trader: Trader) -> dict[int, int]:
        """s8 by series."""
        return dict(zip(*self.desk.read("getHoldings", trader.account)))


def model_of(desk: Desk, account: int) -> Account:
    """An account of the books, in the model's terms; funding accrues by whole intervals only."""
    positions = dict(zip(*desk.read("getPositions", account)))
    holdings = dict(zip(*desk.read("getHoldings", account)))
    options = {series: option_of(desk, series, size) for series, size in holdings.items()}
    owners = {s: desk.read("getStrike", s & ~1)[0]["underlying"] for s in options}
    underlyings = tuple(
        Underlying(
            index=desk.read("getMarket", market)["price"]["index"],
            perps=tuple(perp_of(desk, m, p) for m, p in positions.items() if m == market),
            options=tuple(o for s, o in options.items() if owners[s] == market),
        )
        for market in sorted({*positions, *owners.values()})
    )
    return Account(desk.read("getAccount", account)[1]["cash"], underlyings)


def perp_of(desk: Desk, market: int, position: Mapping[str, int]) -> PerpHolding:
    state = desk.read("getMarket", market)
    initial, maintenance = desk.read("marginFractions", market)
    change = state["flow"]["fundingIndex"] - position["funding"]
    mark = state["price"]["mark"]
    return PerpHolding(
        position["size"],
        position["cost"],
        mark,
        initial,
        maintenance,
        change,
        state["rules"]["lot"],
    )


def option_of(desk: Desk, series: int, size: int) -> OptionHolding:
    terms, _ = desk.read("getStrike", series & ~1)
    _, changes, value, _, _ = desk.read("getSeries", series)
    is_put = bool(series & 1)
    return OptionHolding(size, terms["expiry"], terms["price"], is_put, value, tuple(changes))
