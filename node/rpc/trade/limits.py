"""Limits of the trade methods, each with its reason."""

from typing import Final

from sequencer.exchange.limits import OPEN_ORDERS_MAX

DEPTH_DEFAULT: Final = 20
"""Levels a side where none are asked for: what a screen shows."""

DEPTH_MAX: Final = 1_000
"""Levels a side: an answer of some 60 KB."""

PAGE_DEFAULT: Final = 100
PAGE_MAX: Final = 1_000
"""Trades or fills of one answer, some 400 KB; `before` turns the page."""

CANDLES_MAX: Final = 1_500
"""Candles of one answer: a day of minutes, and what charts ask for at once."""

DEPTHS: Final = (1, 5, 10, 20, 50, 100, 500, 1_000)
"""Levels a side that a subscription to a book may be of: all who watch as many share the work of
finding what changed."""

WHOLE_BOOK: Final = OPEN_ORDERS_MAX
"""Levels a side at most: each has an order."""

LISTENERS_MAX: Final = 1_024
"""Subscriptions to the same thing, 3 us each whenever it is told: two for every connection."""

HOUSE_LISTENED_MAX: Final = 256
"""Accounts and markets that the contract is asked about after each block, some ms each, in a thread
beside the one that builds blocks."""
