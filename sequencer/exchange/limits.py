"""Limits of the exchange, each with its reason."""

from typing import Final

REQUESTS_WAITING_MAX: Final = 4_096
"""New orders that wait to be looked at: a second's work or two; beyond, trying later is better
than an answer that comes too late."""

READS_WAITING_MAX: Final = 1_024
"""Requests of all kinds that may wait before a question is refused: whoever trades comes first."""

CANCELS_WAITING_MAX: Final = 2 * REQUESTS_WAITING_MAX
"""Requests of all kinds that may wait before a cancel is refused too: a flood of orders must not
keep anybody from leaving."""

GROUP_REQUESTS_MAX: Final = 256
"""Requests that share one write to the disk: the first of them waits for the last."""

GROUP_SECONDS_MAX: Final = 0.02
"""No further request joins a write after this long: the event loop has others to serve too. While a
block is built a request takes some ms, most of which it waits for the interpreter; with fewer of
them in a write, the disk sets the pace."""

ACCOUNT_ORDERS_MAX: Final = 1_000
"""Open orders of an account: two sides and some levels in every market there is."""

OPEN_ORDERS_MAX: Final = 50_000
"""Open orders of all accounts: after a restart, the signers of all of them are known in 3 s."""

OWNER_ORDERS_MAX: Final = OPEN_ORDERS_MAX // 10
"""Open orders of all accounts of an owner: accounts cost next to nothing, and nobody may take up
the room of all others."""

CLIENT_ID_BYTES_MAX: Final = 64
"""A trader's own name for an order: a UUID with a prefix."""

CANCEL_WINDOW_MS: Final = 30_000
"""How far a request's time may be from the clock: what clocks and slow lines need, and for how long
a signed request could be replayed."""

HEARTBEAT_MS: Final = 1_000
"""The log hears of the time as often, so that orders expire to the second."""

CLOCK_AHEAD_MS_MAX: Final = 86_400_000
"""How far the clock may be ahead of the newest block: longer than the chain may stand still with
people still cancelling. The log's time never goes back: a clock that once jumped ahead by a year
would void every order until that year has passed."""

ORDER_SECONDS_MAX: Final = 90 * 86_400
"""How far ahead an expiry may be. A cancelled order's signature is good until then, so that the
book has to remember as long that it must not come back."""

KNOWN_ORDERS_MAX: Final = 500_000
"""Orders that the book remembers, open or not: some hundred MB, and a snapshot in a second."""

OWNER_KNOWN_ORDERS_MAX: Final = KNOWN_ORDERS_MAX // 10
"""Those of an owner: 14 new orders a second with an hour to live each, or 800 with a minute."""

LONG_ORDERS_MAX: Final = KNOWN_ORDERS_MAX // 2
"""When as many are remembered, only orders that soon expire are taken: room that is taken for 90
days is lost to all, so that half of it is kept for what comes and goes."""

SHORT_ORDER_SECONDS: Final = 3_600
"""How far ahead these may expire."""

ORDER_FILLS_MAX: Final = 500
"""Resting orders that one order may meet: two blocks of settlements, and their margin is
checked within 0.1 s."""

PENDING_FILLS_MAX: Final = 1_024
"""Fills that wait for a block before nothing more is matched: what five blocks settle, for as long
is what an order has to live at least (SETTLING_SECONDS). Until then its trader may void it on chain
or from L1, so that nobody may make the queue longer."""

CROSSING_ROUNDS_MAX: Final = 16
"""How often resting orders that can't pay leave for one order, or one auction, before it has to
come again: others wait meanwhile."""

FIRED_ORDERS_MAX: Final = 500
"""Stops and take-profits that live after one block, each with its margin checked: 0.3 s. The others
have to wait for the next one."""

ORDER_VALUE_MIN_Q6: Final = 1_000_000
"""What an order is worth at least (1e-6 USD), unless it only reduces: each fill costs the matcher
100,000 gas and its bytes on L1, however small it is, and accounts to send dust from are free."""
