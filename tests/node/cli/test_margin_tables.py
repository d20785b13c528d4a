"""Accounts as tables: exact for people, and strict about what a node sends."""

import io
from typing import Any

import pytest
from rich.console import Console

from node.cli.margin_tables import UnreadableStatement, fixed, print_account, read_shown


@pytest.mark.parametrize(
    ("number", "digits", "shown"),
    [
        ("0", 6, "0.00"),
        ("1", 6, "0.000001"),
        ("-1", 6, "-0.000001"),
        ("1500000", 6, "1.50"),
        ("-1234567890123", 6, "-1,234,567.890123"),
        ("6425030000000", 8, "64,250.30"),
    ],
)
def test_fixed_shows_every_digit_and_two_at_least(number: str, digits: int, shown: str) -> None:
    assert fixed(number, digits) == shown


def answer(**changes: Any) -> dict[str, Any]:
    """A cross account below its maintenance margin."""
    standing = {"initialQ6": "3000000", "maintenanceQ6": "2000000", "withdrawableQ6": "0"}
    perp = {
        "market": 0,
        "sizeS8": "150000000",
        "costQ6": "96375450000",
        "markP8": "6400000000000",
        "unrealisedQ6": "-375450000",
        "unsettledFundingQ6": "0",
        "maintenanceQ6": "2000000",
        "liquidationPriceP8": None,
        "andMore": "is not shown",
    }
    return {
        "block": {"number": 7, "timestamp": 1_700_000_000},
        "account": 3,
        "cashQ6": "377000000",
        "mode": "cross",
        "standing": standing | {"equityQ6": "1550000", "stale": True},
        "perps": [perp],
        "options": [],
        "scenarios": [],
    } | changes


def test_print_account_says_what_is_wrong_with_it() -> None:
    text = io.StringIO()
    print_account(Console(file=text, width=200), read_shown(answer()))
    shown = text.getvalue()
    assert "Account 3, cross margin, after block 7 (2023-11-14 22:13:20 UTC)" in shown
    assert "96,375.45" in shown
    assert "never" in shown
    assert "Below maintenance margin" in shown
    assert "Prices are stale" in shown


@pytest.mark.parametrize(
    "changes",
    [
        {"cashQ6": 377000000},
        {"cashQ6": "0x1"},
        {"cashQ6": "\x1b[2J"},
        {"cashQ6": "9" * 40},
        {"mode": "\x1b[2J"},
        {"block": {"number": 7, "timestamp": 10**18}},
        {"perps": [{}]},
        {"standing": None},
    ],
)
def test_read_shown_refuses_what_is_no_statement(changes: dict[str, Any]) -> None:
    """Nothing that a node sends reaches the terminal as it came."""
    with pytest.raises(UnreadableStatement):
        read_shown(answer(**changes))
