"""The house of the random histories: two small markets with vaults, limits and options."""

from dataclasses import replace

from execution.contracts.parameters import (
    PRICE_ONE,
    RATE_ONE,
    SIZE_ONE,
    LimiterParameters,
    MarketParameters,
    OptionParameters,
    SafetyParameters,
)
from tests.execution.contracts.odd import ODD

HOUR = 3_600

STEADY = MarketParameters(
    name="STEADY-USD",
    tick=PRICE_ONE // 10,
    lot=SIZE_ONE // 10_000,
    imf=20_000,
    mmf=12_000,
    oi_low=20 * SIZE_ONE,
    oi_high=100 * SIZE_ONE,
    oi_cap=40 * SIZE_ONE,
    price_band=100_000,
    mark_band=20_000,
    stale_seconds=900,
    interest=RATE_ONE // 900,
    interest_clamp=RATE_ONE // 30,
    funding_cap=RATE_ONE // 8,
    funding_interval=600,
    funding_samples=3,
    safety=SafetyParameters(
        pause_move=150_000, grace_seconds=20, exit_delay=60, exit_window=2 * HOUR
    ),
    options=OptionParameters(PRICE_ONE, SIZE_ONE // 100, 50 * SIZE_ONE, price_band=300_000),
)
"""Near to a real market, with a cap that random sizes reach."""

RAGGED = replace(
    ODD,
    name="RAGGED-USD",
    imf=100_003,
    mmf=50_021,
    oi_low=300_000 * SIZE_ONE,
    oi_high=2**61,
    oi_cap=2**60,
    mark_band=77_777,
    funding_interval=900,
    fees=(1_999, -999, 1_999, 3, 1_777, 3, 1_999, -1),
    safety=SafetyParameters(
        liquidation_fee=9_999,
        slippage=13_333,
        exit_penalty=7_777,
        pause_move=0,
        grace_seconds=10,
        exit_delay=60,
        exit_window=2 * HOUR,
    ),
    options=OptionParameters(7, 10**10, 2**60, price_band=1_000_000),
)
"""Odd, with a mark of its own, a rising margin and options."""

MARKETS = (STEADY, RAGGED)
START_PRICES = (60_000 * PRICE_ONE + 3, 777_777_777)
"""p8."""

STRIKES = ((58_000 * PRICE_ONE, 62_000 * PRICE_ONE), (700_000_000, 850_000_004))
"""p8, by market, on the tick."""

LIMITERS = (
    LimiterParameters(HOUR, 300_001, 10**10, 3 * 10**11),
    LimiterParameters(24 * HOUR, 500_000, 10**11, 10**12),
)
