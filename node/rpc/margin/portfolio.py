"""A portfolio that somebody wonders about: on top of an account, or all made up."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from node.rpc.codec import parse_bool
from node.rpc.decimals import Members, decimal, whole
from node.rpc.errors import InvalidParams
from node.rpc.margin import limits
from state.types import UINT64_MAX

_MARKET = whole(0, limits.PERPS_MAX - 1)
_SERIES = whole(limits.PERPS_MAX, 2**32 - 1)
_SECONDS = whole(0, 2**40 - 1)
_SIZE = decimal(-limits.SIZE_MAX, limits.SIZE_MAX)
_OPEN_INTEREST = decimal(0, limits.SIZE_MAX)
_AMOUNT = decimal(-limits.AMOUNT_MAX, limits.AMOUNT_MAX)
_PRICE = decimal(limits.PRICE_MIN, limits.PRICE_MAX)
_ENTRY = decimal(1, limits.PRICE_MAX)
_STRIKE = decimal(limits.PRICE_MIN, limits.STRIKE_MAX)
_DISCOUNT = decimal(limits.DISCOUNT_MIN, limits.DISCOUNT_MAX)
_VOLATILITY = decimal(limits.VOLATILITY_MIN, limits.VOLATILITY_MAX)
_FRACTION = decimal(1, limits.PPM_MAX)


class Mode(IntEnum):
    """What an account chose; `Account.marginMode` of Types.sol."""

    CROSS = 0
    PORTFOLIO = 1


@dataclass(frozen=True, slots=True)
class PerpWish:
    """The position to have in a market, in place of what is there: size s8, cost q6."""

    market: int
    size: int
    cost: int | None
    entry_price: int | None


@dataclass(frozen=True, slots=True)
class SeriesTerms:
    """A series that nobody has registered: strike p8."""

    underlying: int
    expiry: int
    strike: int
    is_put: bool


@dataclass(frozen=True, slots=True)
class OptionWish:
    """The holding to have of a series, in place of what is there, and what to price it by.

    Of `series` and `terms` one is given. Inputs that are None are the oracle's last ones.
    """

    series: int | None
    terms: SeriesTerms | None
    size: int
    forward: int | None
    volatility: int | None
    discount: int | None


@dataclass(frozen=True, slots=True)
class MarketWish:
    """What to pretend of a market; None leaves it as it is."""

    market: int
    mark: int | None
    index: int | None
    imf: int | None
    mmf: int | None
    open_interest: int | None


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What `margin_simulate` is asked about."""

    account: int | None
    cash: int | None
    mode: Mode | None
    perps: tuple[PerpWish, ...]
    options: tuple[OptionWish, ...]
    markets: tuple[MarketWish, ...]


def parse_portfolio(value: object) -> Portfolio:
    """Parse a portfolio. Raises `InvalidParams` with the path of what is wrong."""
    members = Members(value)
    portfolio = Portfolio(
        account=members.optional("account", whole(1, UINT64_MAX)),
        cash=members.optional("cashQ6", _AMOUNT),
        mode=members.optional("mode", _parse_mode),
        perps=members.listed("perps", _parse_perp, limits.PERPS_MAX),
        options=members.listed("options", _parse_option, limits.SERIES_MAX),
        markets=members.listed("markets", _parse_market, limits.PERPS_MAX),
    )
    members.end()
    _refuse_doubles("perps", (perp.market for perp in portfolio.perps))
    _refuse_doubles("markets", (market.market for market in portfolio.markets))
    _refuse_doubles("options", (option.series or option.terms for option in portfolio.options))
    return portfolio


def _parse_mode(value: object) -> Mode:
    names = {mode.name.lower(): mode for mode in Mode}
    if not isinstance(value, str) or value not in names:
        raise InvalidParams(f"neither cross nor portfolio: {value!r:.40}")
    return names[value]


def _parse_perp(value: object) -> PerpWish:
    members = Members(value)
    perp = PerpWish(
        market=members.required("market", _MARKET),
        size=members.required("sizeS8", _SIZE),
        cost=members.optional("costQ6", _AMOUNT),
        entry_price=members.optional("entryPriceP8", _ENTRY),
    )
    members.end()
    given = (perp.cost is not None) + (perp.entry_price is not None)
    if given != (perp.size != 0):
        raise InvalidParams("a position has either costQ6 or entryPriceP8, a size of 0 neither")
    if perp.cost is not None and perp.cost * perp.size <= 0:
        raise InvalidParams("costQ6 has the sign of sizeS8: what was paid, or received for a short")
    return perp


def _parse_option(value: object) -> OptionWish:
    members = Members(value)
    series = members.optional("series", _SERIES)
    option = OptionWish(
        series=series,
        terms=None if series is not None else _parse_terms(members),
        size=members.required("sizeS8", _SIZE),
        forward=members.optional("forwardP8", _STRIKE),
        volatility=members.optional("volatilityWad", _VOLATILITY),
        discount=members.optional("discountWad", _DISCOUNT),
    )
    members.end()
    if option.terms is not None and option.volatility is None:
        raise InvalidParams("volatilityWad is missing: the oracle says nothing of such a series")
    return option


def _parse_terms(members: Members) -> SeriesTerms:
    return SeriesTerms(
        underlying=members.required("underlying", _MARKET),
        expiry=members.required("expiry", _SECONDS),
        strike=members.required("strikeP8", _STRIKE),
        is_put=members.required("isPut", parse_bool),
    )


def _parse_market(value: object) -> MarketWish:
    members = Members(value)
    market = MarketWish(
        market=members.required("market", _MARKET),
        mark=members.optional("markP8", _PRICE),
        index=members.optional("indexP8", _PRICE),
        imf=members.optional("imfPpm", _FRACTION),
        mmf=members.optional("mmfPpm", _FRACTION),
        open_interest=members.optional("openInterestS8", _OPEN_INTEREST),
    )
    members.end()
    return market


def _refuse_doubles(name: str, keys: Iterable[object]) -> None:
    seen: set[object] = set()
    for key in keys:
        if key in seen:
            raise InvalidParams(f"{name}: the same one twice")
        seen.add(key)
