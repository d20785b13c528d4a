"""A whole account as the contract computes it: standing, positions, options and scenarios.

Every number comes from a function of the ClearingHouse; nothing of margin is computed here. The
same functions run over the slots of a proof, so that a statement can be checked without its node.
Units: prices p8, sizes s8, amounts q6, funding indexes f12, fractions ppm, times seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from execution.margin.calls import HouseCalls
from execution.margin.markets import MarketStatus
from state.errors import Invalid
from state.types import ZERO_ADDRESS, Address, Timestamp

_PUT = 1
"""Lowest bit of a put's id; without it, the id names the strike."""


class UnknownAccount(Invalid):
    """No sub-account has that id."""

    def __init__(self, account: int) -> None:
        super().__init__(f"there is no account {account}")
        self.account = account


@dataclass(frozen=True, slots=True)
class Standing:
    """What an account is worth, needs and may take out, q6.

    Stale: a price or a scenario array that it depends on is too old to liquidate or withdraw by.
    """

    equity: int
    initial: int
    maintenance: int
    withdrawable: int
    stale: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """A market as margin sees it: its members by name, and what holds in this very block."""

    market: int
    members: Mapping[str, Any]
    """`Market` of Types.sol."""
    imf: int
    mmf: int
    funding_index: int
    """With whole intervals accrued up to now."""

    @property
    def mark(self) -> int:
        return int(self.members["price"]["mark"])

    @property
    def index(self) -> int:
        return int(self.members["price"]["index"])

    @property
    def tick(self) -> int:
        return int(self.members["rules"]["tick"])

    @property
    def status(self) -> MarketStatus:
        return MarketStatus(self.members["price"]["status"])


@dataclass(frozen=True, slots=True)
class PerpLine:
    """A perpetual position; initial and maintenance margin are its own in cross margin."""

    market: int
    size: int
    cost: int
    mark: int
    unrealised: int
    funding: int
    """Unsettled, to cash."""
    initial: int
    maintenance: int
    liquidation_price: int | None
    """The last tick at which this position's price alone makes the account liquidatable."""


@dataclass(frozen=True, slots=True)
class OptionLine:
    """A held series with its terms, and its value by the last pricing."""

    series: int
    underlying: int
    expiry: Timestamp
    strike: int
    is_put: bool
    size: int
    unit_value: int
    priced_at: Timestamp
    value: int


@dataclass(frozen=True, slots=True)
class ScenarioLine:
    """What everything held of an underlying gains in each scenario, in Scenarios.sol's order."""

    underlying: int
    pnl: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """One sub-account. Scenarios are empty in cross margin."""

    account: int
    owner: Address
    cash: int
    margin_mode: int
    is_portfolio: bool
    fee_tier: int
    flags: int
    order_epoch: int
    session_epoch: int
    reported_debt: int
    standing: Standing
    perps: tuple[PerpLine, ...]
    options: tuple[OptionLine, ...]
    scenarios: tuple[ScenarioLine, ...]


def read_statement(house: HouseCalls, account: int) -> AccountStatement:
    """The account as it stands in the house's block. Raises `UnknownAccount`."""
    owner, state = house.ask("getAccount", account)
    owner_address = Address(bytes.fromhex(owner[2:]))
    if owner_address == ZERO_ADDRESS:
        raise UnknownAccount(account)
    standing = read_standing(house, account)
    options = _option_lines(house, account)
    is_portfolio = bool(state["marginMode"] or options)
    return AccountStatement(
        account=account,
        owner=owner_address,
        cash=state["cash"],
        margin_mode=state["marginMode"],
        is_portfolio=is_portfolio,
        fee_tier=state["feeTier"],
        flags=state["flags"],
        order_epoch=state["orderEpoch"],
        session_epoch=state["sessionEpoch"],
        reported_debt=house.ask("getDebt", account)[2],
        standing=standing,
        perps=_perp_lines(house, account, state["cash"], is_portfolio),
        options=options,
        scenarios=read_scenarios(house, account),
    )


def read_standing(house: HouseCalls, account: int) -> Standing:
    """What an account is worth and needs in the house's block."""
    (standing,) = house.ask("requirements", account)
    return Standing(**standing)


def read_quote(house: HouseCalls, market: int) -> Quote:
    """A market with its fractions and funding index of this block."""
    (members,) = house.ask("getMarket", market)
    imf, mmf = house.ask("marginFractions", market)
    funding_index = members["flow"]["fundingIndex"]
    if members["price"]["status"] != MarketStatus.CLOSED:
        for event in house.events("accrueFunding", market):
            funding_index = event.arguments["fundingIndex"]
    return Quote(market, members, imf, mmf, funding_index)


def _perp_lines(
    house: HouseCalls, account: int, cash: int, is_portfolio: bool
) -> tuple[PerpLine, ...]:
    markets, positions = house.ask("getPositions", account)
    quotes = [read_quote(house, market) for market in markets]
    inputs = [_perp_input(position, quote) for position, quote in zip(positions, quotes)]
    lines: list[PerpLine] = []
    for place, (position, quote) in enumerate(zip(positions, quotes)):
        price = 0
        if not is_portfolio and quote.status != MarketStatus.CLOSED:
            (price,) = house.ask("liquidationPrice", cash, inputs, place, quote.tick)
        lines.append(_perp_line(house, position, quote, price or None))
    return tuple(lines)


def _perp_input(position: Mapping[str, int], quote: Quote) -> tuple[int, ...]:
    """`PerpInput` of Types.sol."""
    delta = quote.funding_index - position["funding"]
    return (position["size"], position["cost"], quote.mark, delta, quote.imf, quote.mmf)


def _perp_line(
    house: HouseCalls, position: Mapping[str, int], quote: Quote, liquidation_price: int | None
) -> PerpLine:
    size, cost, mark, delta, imf, mmf = _perp_input(position, quote)
    (alone,) = house.ask("standing", 0, [(size, cost, mark, 0, imf, mmf)])
    (funding,) = house.ask("fundingPayment", size, delta)
    return PerpLine(
        market=quote.market,
        size=size,
        cost=cost,
        mark=mark,
        unrealised=alone["equity"],
        funding=funding,
        initial=alone["initial"],
        maintenance=alone["maintenance"],
        liquidation_price=liquidation_price,
    )


def _option_lines(house: HouseCalls, account: int) -> tuple[OptionLine, ...]:
    series, sizes = house.ask("getHoldings", account)
    return tuple(_option_line(house, each, size) for each, size in zip(series, sizes))


def _option_line(house: HouseCalls, series: int, size: int) -> OptionLine:
    terms, _ = house.ask("getStrike", series & ~_PUT)
    _, _, unit_value, time, _ = house.ask("getSeries", series)
    # A holding is worth what a call struck at zero pays at its unit value, which was floored: a
    # short owes up to one more (SeriesArray.holdingValue).
    (value,) = house.ask("optionPayoff", False, 0, unit_value + (size < 0), size)
    return OptionLine(
        series=series,
        underlying=terms["underlying"],
        expiry=terms["expiry"],
        strike=terms["price"],
        is_put=bool(series & _PUT),
        size=size,
        unit_value=unit_value,
        priced_at=time,
        value=value,
    )


def read_scenarios(house: HouseCalls, account: int) -> tuple[ScenarioLine, ...]:
    """What an account in portfolio margin gains in each scenario of each underlying."""
    found = zip(*house.ask("scenarioLosses", account))
    return tuple(ScenarioLine(underlying, tuple(pnl)) for underlying, pnl in found)
