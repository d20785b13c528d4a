"""Limits of the trade methods, each with its reason."""

from typing import Final

DEPTH_DEFAULT: Final = 20
"""Levels a side where none are asked for: what a screen shows."""

DEPTH_MAX: Final = 1_000
"""Levels a side: an answer of some 60 KB."""

PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 1_000
"""Trades or fills of one answer, some 400 KB; `before` turns the page."""

CANDLES_MAX: Final = 1_500
"""Candles of one answer: a day of minutes, and what charts ask for at once."""
