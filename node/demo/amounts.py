"""Amounts, prices and sizes as people read them, without a float."""

from decimal import Decimal
from typing import Final

from execution.contracts.parameters import PRICE_ONE, QUOTE_ONE, SIZE_ONE

USD: Final = QUOTE_ONE
"""q6."""


def amount(units: int) -> str:
    """q6 to the cent, as in a column of dollars."""
    return f"{Decimal(units) / QUOTE_ONE:,.2f}"


def exact(units: int) -> str:
    """q6, every unit of it."""
    return f"{Decimal(units) / QUOTE_ONE:,.6f}"


def usd(units: int) -> str:
    """q6 to the cent, as in a sentence."""
    return f"{amount(units)} USD"


def price(units: int) -> str:
    """p8 to the cent, as in a column of prices."""
    return f"{Decimal(units) / PRICE_ONE:,.2f}"


def dollars(units: int) -> str:
    """p8 to the cent, as in a sentence."""
    return f"${price(units)}"


def quantity(size: int) -> str:
    """s8 in base units, without zeros behind."""
    whole, fraction = divmod(abs(size), SIZE_ONE)
    digits = f"{whole:,}.{fraction:08}".rstrip("0").rstrip(".")
    return f"-{digits}" if size < 0 else digits


def signed_quantity(size: int) -> str:
    """s8 of a position: a long one with its plus."""
    return quantity(size) if size <= 0 else f"+{quantity(size)}"
