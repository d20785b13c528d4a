"""Nonces for orders: the account's order epoch above, a number that nobody used below.

The numbers of a client follow each other, because the clearing house keeps four in one slot. They
start at a random place, so that a client that has lost its memory doesn't meet its old ones; one
that turns out to be used is left by another jump (MARGIN.md, "Orders and settlement").
"""

import secrets
from collections.abc import Callable

_EPOCH_SHIFT = 32
_PLACES = 1 << _EPOCH_SHIFT

Place = Callable[[], int]
"""Where to start: any number below 2^32."""


def anywhere() -> int:
    """A random place."""
    return secrets.randbelow(_PLACES)


class NonceSource:
    """Fresh nonces of one account."""

    def __init__(self, epoch: int, place: Place = anywhere) -> None:
        self.epoch = epoch
        self._place = place
        self._next = place()

    def take(self) -> int:
        """A nonce that this source hasn't given yet."""
        nonce = self.epoch << _EPOCH_SHIFT | self._next
        self._next = (self._next + 1) % _PLACES
        return nonce

    def jump(self) -> None:
        """Go on elsewhere."""
        self._next = self._place()
