"""Candles for people and for programs."""

import io

from rich.console import Console

from node.cli.trade_tables import candle_json, print_candles
from node.client import Candle

CANDLE = Candle(
    time=1_700_000_040,
    open=6_425_030_000_000,
    high=6_430_000_000_000,
    low=6_420_000_000_000,
    close=6_428_000_000_000,
    volume=250_000_000,
    trades=1_234,
)


def shown(*candles: Candle) -> str:
    told = io.StringIO()
    print_candles(Console(file=told, width=120), candles)
    return told.getvalue()


def test_candle_is_a_row_with_its_beginning_in_utc() -> None:
    row = " ".join(shown(CANDLE).splitlines()[-1].split())

    assert row == "2023-11-14 22:14:00 64,250.30 64,300.00 64,200.00 64,280.00 2.5 1,234"


def test_no_candle_says_that_nothing_was_traded() -> None:
    assert shown() == "No trades in that time.\n"


def test_candle_as_json_keeps_units_as_text() -> None:
    assert candle_json(CANDLE) == {
        "time": 1_700_000_040,
        "openP8": "6425030000000",
        "highP8": "6430000000000",
        "lowP8": "6420000000000",
        "closeP8": "6428000000000",
        "volumeS8": "250000000",
        "trades": 1_234,
    }
