"""Ports for programs that tests start."""

import random
import socket
from itertools import islice
from typing import Final

LISTENING: Final = range(10_000, 32_768)
"""Above those of services, below Linux's ip_local_port_range."""


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, for programs that a test starts, and starts again.

    They lie below those that the system gives to outgoing connections: one of these could take the
    port of a node that is down for a moment.
    """
    candidates = random.SystemRandom().sample(LISTENING, len(LISTENING))
    return list(islice(filter(_is_free, candidates), count))


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
