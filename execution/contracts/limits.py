"""Bounds of the clearing house's configuration, as libraries/Configuration.sol has them."""

from typing import Final

PERPS_MAX: Final = 64
"""Perpetual markets: their bits fit one word."""

LIMITERS_MAX: Final = 4
"""Withdrawal limits: what Storage.sol has room for; each costs a withdrawal two slots."""

SERIES_START: Final = 64
"""Id of the first strike's call; smaller ids are perpetual markets."""

SIZE_END: Final = 1 << 63
"""s8: sizes and open interest stay below what a position's field holds."""

FEE_PPM_MAX: Final = 100_000
"""No fee, rebate or penalty is above 10%."""

PRICE_BAND_MIN: Final = 100
"""ppm: fills at the mark are possible in any band."""

STRIKE_MIN: Final = 10**6
"""p8: the lowest index that the oracle takes, 0.01 USD."""

STRIKE_END: Final = 1 << 47
"""p8: what fits a scenario array."""

GRID_SECONDS: Final = 60
"""Expiries lie on the grid that the settlement price samples."""

EXPIRY_SECONDS_MAX: Final = 3 * 365 * 86_400
"""What the pricer's error bound holds for."""

LIMITER_PERIOD_MAX: Final = 7 * 86_400
"""Seconds: with LIMITER_SHARE_MIN it keeps a limit from stopping withdrawals."""

LIMITER_SHARE_MIN: Final = 10_000
"""ppm of what the books hold."""

LIMITER_MINIMUM: Final = 10**6
"""q6: more than a week has seconds, so that a second's refill never rounds to nothing."""
