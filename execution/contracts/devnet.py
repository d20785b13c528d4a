"""What a devnet's clearing house lists: two markets, two withdrawal limits, and options on both."""

from typing import Final

from execution.contracts.parameters import (
    PRICE_ONE,
    QUOTE_ONE,
    SIZE_ONE,
    LimiterParameters,
    MarketParameters,
    OptionParameters,
    StrikeParameters,
)
from state.types import Timestamp

BTC_USD: Final = MarketParameters(
    name="BTC-USD",
    tick=PRICE_ONE // 10,
    lot=SIZE_ONE // 10_000,
    imf=20_000,
    mmf=12_000,
    oi_low=2_000 * SIZE_ONE,
    oi_high=20_000 * SIZE_ONE,
    oi_cap=10_000 * SIZE_ONE,
    options=OptionParameters(PRICE_ONE, SIZE_ONE // 100, 2_000 * SIZE_ONE),
)
"""Market 0: 50x at most, in steps of 0.1 USD and 0.0001 BTC."""

ETH_USD: Final = MarketParameters(
    name="ETH-USD",
    tick=PRICE_ONE // 100,
    lot=SIZE_ONE // 1_000,
    imf=25_000,
    mmf=15_000,
    oi_low=30_000 * SIZE_ONE,
    oi_high=300_000 * SIZE_ONE,
    oi_cap=150_000 * SIZE_ONE,
    options=OptionParameters(PRICE_ONE // 10, SIZE_ONE // 10, 30_000 * SIZE_ONE),
)
"""Market 1: 40x at most, in steps of 0.01 USD and 0.001 ETH."""

DEFAULT_MARKETS: Final = (BTC_USD, ETH_USD)

DEVNET_LIMITERS: Final = (
    LimiterParameters(3_600, 250_000, 1_000_000 * QUOTE_ONE, 2_000_000 * QUOTE_ONE),
    LimiterParameters(86_400, 500_000, 1_000_000 * QUOTE_ONE, 2_000_000 * QUOTE_ONE),
)
"""A quarter of what the books hold in an hour, a half in a day; a million USD always."""

_WEEK_SECONDS = 7 * 86_400
_FRIDAY_SECONDS = 86_400 + 8 * 3_600
"""Friday 08:00 UTC within a week of Unix time, which began on a Thursday."""

_DEVNET_STRIKES = (
    (0, (50_000, 55_000, 60_000, 65_000, 70_000)),
    (1, (2_500, 2_750, 3_000, 3_250, 3_500)),
)
"""USD, by market."""


def devnet_strikes(start: Timestamp) -> tuple[StrikeParameters, ...]:
    """Five strikes of each default market for the two Fridays, 08:00 UTC, after `start`."""
    past = (start - _FRIDAY_SECONDS) // _WEEK_SECONDS
    fridays = [Timestamp(_FRIDAY_SECONDS + (past + n) * _WEEK_SECONDS) for n in (1, 2)]
    return tuple(
        StrikeParameters(market, friday, price * PRICE_ONE)
        for market, prices in _DEVNET_STRIKES
        for friday in fridays
        for price in prices
    )
