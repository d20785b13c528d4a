"""Limits of the margin methods, each with its reason."""

from typing import Final

PERPS_MAX: Final = 64
"""Positions of one what-if: a perpetual market is a bit of a 64-bit word."""

SERIES_MAX: Final = 32
"""Series of one what-if: what the contract lets an account hold."""

PRICE_MIN: Final = 10**6
PRICE_MAX: Final = 10**17
"""p8: the lowest and highest index that the oracle takes, 0.01 and 1e9 USD."""

STRIKE_MAX: Final = 2**47 - 1
"""p8: what fits a scenario array; a forward too."""

DISCOUNT_MIN: Final = 10**16
DISCOUNT_MAX: Final = 2 * 10**18
VOLATILITY_MIN: Final = 10**14
VOLATILITY_MAX: Final = 10 * 10**18
"""wad: what the oracle takes."""

EXPIRY_SECONDS_MAX: Final = 3 * 365 * 86_400
"""From now to a hypothetical expiry: what the pricer's error bound holds for."""

SIZE_MAX: Final = 2**63 - 1
"""s8: a packed size, signed, either way."""

AMOUNT_MAX: Final = 2**95 - 1
"""q6: packed cash and cost, either way."""

PPM_MAX: Final = 10**6
"""A margin fraction is at most all of the notional."""

FUNDING_BLOCKS_DEFAULT: Final = 3_600
"""Blocks of funding history where none is asked for: an hour of one-second blocks."""
