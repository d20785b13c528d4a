"""Prices as feeds give them: decimal strings, parsed exactly.

    {"prices": {"0": "64250.3"}, "external": {"0": "64251"},
     "options": {"64": {"forward": "64300", "discount": "1", "volatility": "0.6"}}}

Keys are market ids, and of options the even ids of strikes. All three members may be left out.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from bridge.l1.rpc import nesting
from node.keepers.errors import InvalidPrices
from node.keepers.limits import FEED_BYTES_MAX, FEED_DEPTH_MAX

PRICE_DECIMALS: Final = 8
"""p8."""
WAD_DECIMALS: Final = 18

_DECIMAL = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,18}))?")
_ID = re.compile(r"0|[1-9][0-9]{0,8}")
_MEMBERS = frozenset({"prices", "external", "options"})
_INPUTS = frozenset({"forward", "discount", "volatility"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OptionInputs:
    """What a strike's options are priced with: forward p8, discount and annual volatility wad."""

    forward: int
    discount: int
    volatility: int


@dataclass(frozen=True, slots=True)
class Prices:
    """One look at the world, p8 by market, and by the even id of a strike."""

    index: Mapping[int, int] = field(default_factory=dict)
    external: Mapping[int, int] = field(default_factory=dict)
    options: Mapping[int, OptionInputs] = field(default_factory=dict)


def parse_prices(data: bytes) -> Prices:
    """Prices from JSON. Raises `InvalidPrices`, which names what is wrong."""
    found = _object(_load(data), "the prices")
    if unknown := sorted(set(found) - _MEMBERS):
        raise InvalidPrices(f"{unknown[0]!r:.40} is none of {', '.join(sorted(_MEMBERS))}")
    return Prices(
        _by_id(found.get("prices", {}), "prices", _price),
        _by_id(found.get("external", {}), "external", _price),
        _by_id(found.get("options", {}), "options", _inputs),
    )


def parse_decimal(text: object, decimals: int, what: str) -> int:
    """A decimal string in units of 10^-decimals, exactly. Raises `InvalidPrices`."""
    match = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidPrices(f"{what} is no decimal string: {text!r:.40}")
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise InvalidPrices(f"{what} has more than {decimals} decimals: {text!r:.40}")
    return int(whole + fraction.ljust(decimals, "0"))


def _load(data: bytes) -> object:
    if len(data) > FEED_BYTES_MAX:
        raise InvalidPrices(f"over {FEED_BYTES_MAX} bytes of prices")
    if nesting(data) > FEED_DEPTH_MAX:
        raise InvalidPrices("prices nested more deeply than prices are")
    try:
        loaded: object = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidPrices(f"the prices are no JSON: {data[:40]!r}") from None
    return loaded


def _by_id(value: object, what: str, parse: Callable[[object, str], T]) -> dict[int, T]:
    entries = _object(value, what)
    for key in entries:
        if not _ID.fullmatch(key):
            raise InvalidPrices(f"{what}: {key!r:.40} is no market id")
    return {int(key): parse(entry, f"{what} of {key}") for key, entry in entries.items()}


def _price(value: object, what: str) -> int:
    price = parse_decimal(value, PRICE_DECIMALS, what)
    if price == 0:
        raise InvalidPrices(f"{what} is zero")
    return price


def _inputs(value: object, what: str) -> OptionInputs:
    found = _object(value, what)
    if set(found) != _INPUTS:
        raise InvalidPrices(f"{what} needs {', '.join(sorted(_INPUTS))}, and nothing else")
    return OptionInputs(
        _price(found["forward"], f"forward, {what}"),
        parse_decimal(found["discount"], WAD_DECIMALS, f"discount, {what}"),
        parse_decimal(found["volatility"], WAD_DECIMALS, f"volatility, {what}"),
    )


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidPrices(f"{what}: not an object but {value!r:.40}")
    return value


def prices_json(prices: Prices) -> bytes:
    """The same prices as JSON, which `parse_prices` reads back."""
    entries = {
        "prices": {str(id_): _text(p, PRICE_DECIMALS) for id_, p in prices.index.items()},
        "external": {str(id_): _text(p, PRICE_DECIMALS) for id_, p in prices.external.items()},
        "options": {
            str(id_): {
                "forward": _text(one.forward, PRICE_DECIMALS),
                "discount": _text(one.discount, WAD_DECIMALS),
                "volatility": _text(one.volatility, WAD_DECIMALS),
            }
            for id_, one in prices.options.items()
        },
    }
    return json.dumps(entries, indent=1).encode()


def price_text(price: int) -> str:
    """p8 as a decimal string."""
    return _text(price, PRICE_DECIMALS)


def _text(units: int, decimals: int) -> str:
    whole, fraction = divmod(units, 10**decimals)
    return f"{whole}.{fraction:0{decimals}}".rstrip("0").rstrip(".")
