"""Who listens to what: any number of websockets' subscriptions to one thing."""

from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec

from node.rpc.errors import LimitExceeded
from node.rpc.subscriptions import Stop, Tell
from node.rpc.trade.limits import LISTENERS_MAX

K = TypeVar("K", bound=Hashable)

_encode = msgspec.json.Encoder().encode


class Listeners(Generic[K]):
    """Listeners by what they listen to, which is encoded once for all of them."""

    def __init__(self) -> None:
        self._tells: dict[K, list[Tell]] = {}

    def __contains__(self, key: K) -> bool:
        """Whether anybody listens."""
        return key in self._tells

    def __len__(self) -> int:
        """How many things somebody listens to."""
        return len(self._tells)

    def wanted(self) -> tuple[K, ...]:
        """What somebody listens to."""
        return tuple(self._tells)

    def check_room(self, key: K) -> None:
        """Raises `LimitExceeded` where there are as many as there may be."""
        if len(self._tells.get(key, ())) >= LISTENERS_MAX:
            raise LimitExceeded(f"at most {LISTENERS_MAX} subscriptions to the same thing")

    def add(self, key: K, tell: Tell) -> Stop:
        """Tell from now on; returns how to stop it."""
        tells = self._tells.setdefault(key, [])
        tells.append(tell)

        def stop() -> None:
            tells.remove(tell)
            if not tells and self._tells.get(key) is tells:
                del self._tells[key]

        return stop

    def tell(self, key: K, result: object) -> None:
        """Tell all who listen to `key`."""
        tells = self._tells.get(key)
        if tells:
            encoded = msgspec.Raw(_encode(result))
            for tell in tuple(tells):
                tell(encoded)
