"""Prices from outside: exact where they are right, a named error where they are not."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.keepers.errors import InvalidPrices
from node.keepers.limits import FEED_BYTES_MAX
from node.keepers.prices import OptionInputs, Prices, parse_prices, prices_json

GOOD = {
    "prices": {"0": "64250.3", "1": "3187.64000001"},
    "external": {"0": "64251"},
    "options": {
        "64": {"forward": "64300.5", "discount": "1", "volatility": "0.600000000000000001"}
    },
}


def encoded(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


def test_prices_are_parsed_to_the_last_unit() -> None:
    prices = parse_prices(encoded())

    assert prices.index == {0: 6_425_030_000_000, 1: 318_764_000_001}
    assert prices.external == {0: 6_425_100_000_000}
    assert prices.options == {64: OptionInputs(6_430_050_000_000, 10**18, 600_000_000_000_000_001)}


def test_members_may_be_left_out() -> None:
    assert parse_prices(b"{}") == Prices()


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff\xfe", b"[]", b"null", b"{", b"[" * 100_000, b'{"a":' * 50 + b"1" + b"}" * 50,
        b" " * (FEED_BYTES_MAX + 1),
        encoded(prices=[]),
        encoded(prices={"0": 64250.3}),
        encoded(prices={"0": "64250.300000001"}),
        encoded(prices={"0": "-1"}),
        encoded(prices={"0": "1e3"}),
        encoded(prices={"0": "1_000"}),
        encoded(prices={"0": "0"}),
        encoded(prices={"0": "0.000000000"}),
        encoded(prices={"0": "9" * 13}),
        encoded(prices={"0": "٣"}),
        encoded(prices={"x": "1"}),
        encoded(prices={"-1": "1"}),
        encoded(prices={"00": "1"}),
        encoded(prices={"0": True}),
        encoded(options={"64": {"forward": "1"}}),
        encoded(options={"64": "1"}),
        encoded(surprise={}),
    ],
)  # fmt: skip
def test_anything_else_is_invalid(data: bytes) -> None:
    with pytest.raises(InvalidPrices):
        parse_prices(data)


@given(st.binary(max_size=200))
def test_noise_never_raises_anything_but_invalid_prices(data: bytes) -> None:
    with contextlib.suppress(InvalidPrices):
        parse_prices(data)


@given(
    st.dictionaries(st.integers(0, 10**6), st.integers(1, 10**20 - 1), max_size=5),
    st.dictionaries(
        st.integers(64, 10**6),
        st.builds(
            OptionInputs,
            st.integers(1, 10**20 - 1),
            st.integers(0, 10**30 - 1),
            st.integers(0, 10**30 - 1),
        ),
        max_size=5,
    ),
)
def test_prices_written_are_prices_read(
    index: dict[int, int], options: dict[int, OptionInputs]
) -> None:
    prices = Prices(index, {}, options)

    assert parse_prices(prices_json(prices)) == prices
