"""What an account would need: a portfolio is put into storage, and the contract is asked.

Funding is accrued and options are priced by the contract itself, so that a portfolio that changes
nothing stands to the unit as its account does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from execution.margin import MODE_PORTFOLIO, SERIES_START, MarketStatus, read_strike_count
from execution.margin.calls import HouseCalls
from execution.margin.statement import (
    AccountStatement,
    ScenarioLine,
    UnknownAccount,
    read_scenarios,
    read_statement,
)
from node.rpc.errors import InvalidParams
from node.rpc.margin.draft import Draft
from node.rpc.margin.limits import EXPIRY_SECONDS_MAX, SERIES_MAX, STRIKE_MAX
from node.rpc.margin.portfolio import MarketWish, OptionWish, PerpWish, Portfolio, SeriesTerms
from state.types import UINT64_MAX, Address

_NEW_ACCOUNT: Final = UINT64_MAX
"""An id that no real account gets, for a portfolio that is all made up."""

_SOMEBODY: Final = Address(b"\x01".rjust(20, b"\0"))
"""Its owner: anybody but nobody."""

_WAD: Final = 10**18
_MARKET_BITS: Final = 32
_SIZE_BITS: Final = 64
_SERIES_BITS: Final = 32
_SERIES_IN_SLOT: Final = 8
_ARRAY_WORDS: Final = 5


def simulate(house: HouseCalls, portfolio: Portfolio) -> AccountStatement:
    """The statement of a portfolio in the house's block. The house is used up by it."""
    return _WhatIf(house, portfolio).statement()


@dataclass(slots=True)
class _WhatIf:
    """One portfolio on its way into storage."""

    house: HouseCalls
    portfolio: Portfolio
    holdings: dict[int, int] = field(default_factory=dict)
    """s8 by series, as they shall be."""
    wishes: dict[int, OptionWish] = field(default_factory=dict)
    """What was named, by series."""
    repriced: list[int] = field(default_factory=list)
    """Series that the contract prices anew."""

    @property
    def account(self) -> int:
        return self.portfolio.account or _NEW_ACCOUNT

    def statement(self) -> AccountStatement:
        """Put everything in, and ask."""
        self._open_account()
        self._accrue()
        moved = self._move_markets()
        self._place_perps()
        self._place_options()
        self._reprice(moved)
        found = read_statement(self.house, self.account)
        return found if found.is_portfolio else replace(found, scenarios=self._scenarios())

    def _open_account(self) -> None:
        owner, _ = self.house.ask("getAccount", self.account)
        if self.portfolio.account is not None and int(owner, 16) == 0:
            raise UnknownAccount(self.account)
        draft = Draft(self.house)
        if self.portfolio.account is None:
            draft.put(_SOMEBODY, "owners", self.account)
        if self.portfolio.cash is not None:
            draft.put({"cash": self.portfolio.cash}, "accounts", self.account)
        if self.portfolio.mode is not None:
            draft.put({"marginMode": int(self.portfolio.mode)}, "accounts", self.account)
        draft.apply()

    # Markets

    def _accrue(self) -> None:
        """Pass funding up to now at the real index, as the contract does before any change."""
        touched = {wish.market for wish in self.portfolio.perps}
        touched |= {wish.market for wish in self.portfolio.markets}
        for market in sorted(touched):
            if self._market(market)["price"]["status"] != MarketStatus.CLOSED:
                self.house.keep("accrueFunding", market)

    def _market(self, market: int) -> Mapping[str, Any]:
        """A listed market. Raises `InvalidParams`."""
        (members,) = self.house.ask("getMarket", market)
        if members["price"]["status"] == MarketStatus.UNLISTED:
            raise InvalidParams(f"there is no market {market}")
        return dict(members)

    def _move_markets(self) -> dict[int, tuple[int, int]]:
        """Index before and after, of the markets whose index is another now."""
        moved: dict[int, tuple[int, int]] = {}
        draft = Draft(self.house)
        for wish in self.portfolio.markets:
            before = int(self._market(wish.market)["price"]["index"])
            draft.put(self._market_value(wish), "markets", wish.market)
            if wish.index is not None and wish.index != before:
                moved[wish.market] = (before, wish.index)
        draft.apply()
        return moved

    def _market_value(self, wish: MarketWish) -> dict[str, dict[str, int]]:
        now = self.house.context.timestamp
        price: dict[str, int] = {}
        if wish.mark is not None:
            price |= {"mark": wish.mark, "markTime": now}
        if wish.index is not None:
            price |= {"index": wish.index, "indexTime": now}
        rules: dict[str, int] = {} if wish.imf is None else {"imf": wish.imf}
        if wish.mmf is not None:
            rules |= {"mmf": wish.mmf, "mmfFrom": wish.mmf, "mmfTime": now}
        flow = {} if wish.open_interest is None else {"openInterest": wish.open_interest}
        return {"price": price, "rules": rules, "flow": flow}

    # Perpetuals

    def _place_perps(self) -> None:
        _, state = self.house.ask("getAccount", self.account)
        bits = state["perps"]
        draft = Draft(self.house)
        for wish in self.portfolio.perps:
            bit = 1 << wish.market
            bits = bits & ~bit if wish.size == 0 else bits | bit
            key = self.account << _MARKET_BITS | wish.market
            draft.put(self._position(wish), "positions", key)
        draft.put({"perps": bits}, "accounts", self.account)
        draft.apply()

    def _position(self, wish: PerpWish) -> dict[str, int]:
        """The position as if it had been opened now: no funding is unsettled."""
        if wish.size == 0:
            return {"size": 0, "cost": 0, "funding": 0}
        funding = self._market(wish.market)["flow"]["fundingIndex"]
        return {"size": wish.size, "cost": self._cost(wish), "funding": funding}

    def _cost(self, wish: PerpWish) -> int:
        if wish.entry_price is None:
            return wish.cost or 0
        _, cost, _ = self.house.ask("applyTrade", 0, 0, wish.size, wish.entry_price)
        if cost == 0:
            raise InvalidParams(f"market {wish.market}: sizeS8 at entryPriceP8 costs nothing")
        return int(cost)

    # Options

    def _place_options(self) -> None:
        holdings = dict(zip(*self.house.ask("getHoldings", self.account)))
        made_up = self._register()
        for wish in self.portfolio.options:
            series = self._series(wish, made_up)
            holdings[series] = wish.size
            if wish.size:
                self.wishes[series] = wish
        self.holdings = {series: size for series, size in holdings.items() if size}
        if len(self.holdings) > SERIES_MAX:
            raise InvalidParams(f"an account holds at most {SERIES_MAX} series")
        self._write_holdings()

    def _series(self, wish: OptionWish, made_up: Mapping[SeriesTerms, int]) -> int:
        if wish.terms is not None:
            return made_up[wish.terms]
        series = wish.series or 0
        terms, _ = self.house.ask("getStrike", series & ~1)
        if not terms["price"]:
            raise InvalidParams(f"there is no series {series}")
        return series

    def _register(self) -> dict[SeriesTerms, int]:
        """List strikes that don't exist, behind those that do; calls and puts share theirs."""
        first = SERIES_START + 2 * read_strike_count(self.house.word)
        strikes: dict[tuple[int, int, int], int] = {}
        series: dict[SeriesTerms, int] = {}
        draft = Draft(self.house)
        for terms in (wish.terms for wish in self.portfolio.options if wish.terms is not None):
            self._check_terms(terms)
            key = (terms.underlying, terms.expiry, terms.strike)
            strike = strikes.setdefault(key, first + 2 * len(strikes))
            members = {"underlying": key[0], "expiry": key[1], "price": key[2]}
            draft.put(members, "strikes", strike)
            series[terms] = strike + terms.is_put
        draft.apply()
        return series

    def _check_terms(self, terms: SeriesTerms) -> None:
        self._market(terms.underlying)
        left = terms.expiry - self.house.context.timestamp
        if not 0 < left <= EXPIRY_SECONDS_MAX:
            raise InvalidParams(
                f"expiry {terms.expiry} is not within {EXPIRY_SECONDS_MAX} s after the block's time"
            )

    def _write_holdings(self) -> None:
        draft = Draft(self.house)
        for place, (series, size) in enumerate(self.holdings.items()):
            slot, lane = divmod(place, _SERIES_IN_SLOT)
            held = self.account << 8 | slot
            draft.put_lane(series, _SERIES_BITS, "heldSeries", held, lane)
            sizes = self.account << _MARKET_BITS | series >> 2
            draft.put_lane(size, _SIZE_BITS, "optionSizes", sizes, series & 3)
        draft.put({"options": len(self.holdings)}, "accounts", self.account)
        draft.apply()

    def _reprice(self, moved: Mapping[int, tuple[int, int]]) -> None:
        """Price what was named, and whatever else depends on an index that was moved."""
        now = self.house.context.timestamp
        draft = Draft(self.house)
        inputs: dict[int, dict[str, int]] = {}
        for series in self.holdings:
            terms, known = self.house.ask("getStrike", series & ~1)
            depends = terms["underlying"] in moved and terms["expiry"] > now
            if series not in self.wishes and not depends:
                continue
            found = self._inputs(series, known, moved.get(terms["underlying"]))
            if inputs.setdefault(series & ~1, found) != found:
                raise InvalidParams(f"series {series}: call and put of a strike have one forward")
            draft.put(found | {"time": now}, "optionInputs", series & ~1)
            draft.put({"price": {"indexTime": now}}, "markets", terms["underlying"])
            draft.put([0] * _ARRAY_WORDS, "seriesArrays", series)
            self.repriced.append(series)
        draft.apply()
        for series in self.repriced:
            self.house.keep("priceSeries", [series])

    def _inputs(
        self, series: int, known: Mapping[str, int], moved: tuple[int, int] | None
    ) -> dict[str, int]:
        """What was given, else the oracle's; its forward moves as far as the index does."""
        members = {name: known[name] for name in ("forward", "discount", "volatility")}
        if moved is not None and moved[0]:
            members["forward"] = members["forward"] * moved[1] // moved[0]
        wish = self.wishes.get(series)
        if wish is not None:
            members = self._given(wish, members)
        if not all(members.values()):
            raise InvalidParams(f"series {series}: the oracle has no inputs of it, so give all")
        if members["forward"] > STRIKE_MAX:
            raise InvalidParams(f"series {series}: a forward of {members['forward']} is too high")
        return members

    def _given(self, wish: OptionWish, members: Mapping[str, int]) -> dict[str, int]:
        """The inputs that were given, over others; nothing is carried to a made-up expiry."""
        if wish.terms is not None:
            members = {
                "forward": self._market(wish.terms.underlying)["price"]["index"],
                "discount": _WAD,
                "volatility": 0,
            }
        given = {name: getattr(wish, name) for name in members}
        return {name: members[name] if given[name] is None else given[name] for name in members}

    def _scenarios(self) -> tuple[ScenarioLine, ...]:
        """The scenarios of an account that isn't judged by them."""
        draft = Draft(self.house)
        draft.put({"marginMode": MODE_PORTFOLIO}, "accounts", self.account)
        draft.apply()
        return read_scenarios(self.house, self.account)
