"""Limits of the trade client, each with its reason. Times in seconds."""

from collections.abc import Generator
from typing import Final

CONNECT_SECONDS_MAX: Final = 10.0
"""A call waits so long for a connection that was lost, and opening one for its handshake."""

ANSWER_SECONDS_MAX: Final = 30.0
"""The exchange answers in milliseconds; a node that needs longer has stopped answering."""

MESSAGE_BYTES_MAX: Final = 25 * 10**6
"""One message: the node's own limit on an answer."""

STREAM_ITEMS_MAX: Final = 8_192
"""Notifications that wait for whoever reads a stream; beyond, all are dropped and a `Gap` told."""

RECONNECT_SECONDS_MIN: Final = 0.1
RECONNECT_SECONDS_MAX: Final = 10.0
"""Between two tries to connect: a restart takes seconds, and a dead node needs no hammering."""

SIGN_TRIES_MAX: Final = 3
"""Signatures for one order: a nonce that was used, and an epoch that was raised, each cost one."""

SEND_TRIES_MAX: Final = 3
"""Times that one signed order is sent over connections that get lost; it trades once at most."""

ORDER_SECONDS_DEFAULT: Final = 3_600
"""How long an order lives: long enough to rest, short enough not to be forgotten."""

FEE_PPM_DEFAULT: Final = 1_000
"""The fee that an order allows, twice the highest that a devnet charges."""


def reconnect_delays() -> Generator[float]:
    """Seconds to wait before each try, longer each time."""
    delay = RECONNECT_SECONDS_MIN
    while True:
        yield delay
        delay = min(2 * delay, RECONNECT_SECONDS_MAX)
