"""A market with odd numbers everywhere, so that every rounding has something to round."""

from execution.contracts.parameters import RATE_ONE, MarketParameters

ODD = MarketParameters(
    name="ODD-USD",
    tick=7,
    lot=10**10,
    imf=333_333,
    mmf=111_111,
    oi_low=0,
    oi_high=2**62,
    oi_cap=2**62,
    price_band=500_000,
    mark_band=0,
    stale_seconds=6_000,
    interest=-RATE_ONE // 300,
    interest_clamp=RATE_ONE // 7,
    funding_cap=RATE_ONE // 3,
    funding_interval=600,
    funding_samples=3,
    funding_intervals_max=4,
)
"""Each suite replaces what it needs otherwise."""
