"""Amounts as people read them."""

import pytest

from node.demo.amounts import dollars, exact, quantity, signed_quantity, usd


def test_amounts_are_exact_beyond_what_a_float_holds() -> None:
    assert exact(90_071_992_547_409_931) == "90,071,992,547.409931"
    assert exact(-1) == "-0.000001"


def test_amounts_and_prices_are_told_to_the_cent() -> None:
    assert usd(48_174_999) == "48.17 USD"
    assert usd(-10_600_000) == "-10.60 USD"
    assert dollars(6_423_110_000_000) == "$64,231.10"


@pytest.mark.parametrize(
    ("size", "plain", "signed"),
    [
        (150_000_000, "1.5", "+1.5"),
        (-627_758_100_000, "-6,277.581", "-6,277.581"),
        (5_000_000_000, "50", "+50"),
        (0, "0", "0"),
        (1, "0.00000001", "+0.00000001"),
    ],
)
def test_sizes_are_told_without_zeros_behind(size: int, plain: str, signed: str) -> None:
    assert quantity(size) == plain
    assert signed_quantity(size) == signed
