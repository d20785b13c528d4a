"""Prices and sizes as people write them, to the units that are signed, without a float."""

from decimal import Decimal, InvalidOperation

from execution.contracts.parameters import PRICE_ONE, SIZE_ONE
from node.client.errors import InexactAmount

Written = str | int | Decimal
"""A float is none of them: 0.1 isn't a tenth."""


def p8(price: Written) -> int:
    """A price in USD to p8 (1e-8 USD). Raises `InexactAmount` for a ninth decimal."""
    return exact_units(price, PRICE_ONE)


def s8(size: Written) -> int:
    """A size in base units to s8 (1e-8 base). Raises `InexactAmount` for a ninth decimal."""
    return exact_units(size, SIZE_ONE)


def exact_units(value: Written, one: int) -> int:
    """An amount in units of which `one` make a whole. Raises `InexactAmount`."""
    if not isinstance(value, Written) or isinstance(value, bool):
        raise InexactAmount(f"write {value!r} as text or a Decimal: a float isn't exact")
    try:
        sign, digits, exponent = Decimal(value).as_tuple()
    except InvalidOperation:
        raise InexactAmount(f"{value!r:.40} is not a number") from None
    if not isinstance(exponent, int) or abs(exponent) > _EXPONENT_MAX:
        raise InexactAmount(f"{value!r:.40} is not a number that anybody trades")
    scaled = int("".join(map(str, digits))) * one * _power(exponent)
    units, rest = divmod(scaled, _power(-exponent))
    if rest:
        raise InexactAmount(f"{value} is not a whole number of 1/{one:,}")
    return -units if sign else units


def _power(exponent: int) -> int:
    return int(10 ** max(exponent, 0))


_EXPONENT_MAX = 40
"""Decimals, or zeros behind: enough for anything that fits 64 bits, however it is written."""
