"""Prices and sizes are taken exactly or not at all."""

from decimal import Decimal

import pytest

from node.client import InexactAmount, p8, s8


@pytest.mark.parametrize(
    ("written", "units"),
    [
        ("64250.3", 6_425_030_000_000),
        ("0.00000001", 1),
        (64_250, 6_425_000_000_000),
        (Decimal("1e3"), 100_000_000_000),
        ("-2.5", -250_000_000),
        ("123456789012.12345678", 12_345_678_901_212_345_678),
    ],
)
def test_p8_of_whole_units_is_exact(written: str | int | Decimal, units: int) -> None:
    assert p8(written) == units


@pytest.mark.parametrize(
    "written", ["0.000000001", "", "abc", "nan", "inf", "1e999999999", 0.1, True, None]
)
def test_s8_of_what_is_not_exact_is_refused(written: object) -> None:
    with pytest.raises(InexactAmount):
        s8(written)  # type: ignore[arg-type]
