"""The names of a chain's topics and protocols: peers of another chain share none of them."""

from dataclasses import dataclass
from enum import StrEnum

from state.types import Hash32

VERSION = 1


class Topic(StrEnum):
    """What is gossiped."""

    BLOCKS = "blocks"
    TRANSACTIONS = "transactions"
    ORDERS = "orders"


class Exchange(StrEnum):
    """What is asked of one peer, and answered."""

    STATUS = "status"
    RANGE = "range"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class ChainNames:
    """Names under `/tallystick/<chain id>/<first 4 bytes of the genesis hash>/`."""

    chain_id: int
    genesis: Hash32

    def topic(self, topic: Topic) -> str:
        """The gossipsub topic."""
        return self._name(topic)

    def protocol(self, exchange: Exchange) -> str:
        """The protocol id of a stream."""
        return self._name(exchange)

    @property
    def feed(self) -> str:
        """The protocol id of the streams that carry subscriptions."""
        return self._name("feed")

    def _name(self, kind: str) -> str:
        return f"/tallystick/{self.chain_id}/{self.genesis[:4].hex()}/{kind}/{VERSION}"
