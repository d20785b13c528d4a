"""How many new names one address may bring: a ban must not be undone by taking another name."""

from collections import OrderedDict

from node.p2p.buckets import Buckets
from node.p2p.limits import ADDRESSES_TRACKED_MAX, NEWCOMER_BAN_COST, NEWCOMER_RATE


class Newcomers:
    """Peers that were let in before may return; a new one takes a place of its address.

    Places come back slowly. Each peer that is banned costs its address several more, so that one
    of which nothing but trouble comes soon has none, while its honest peers stay.
    """

    def __init__(self) -> None:
        self._places = Buckets(NEWCOMER_RATE)
        self._known: OrderedDict[str, str] = OrderedDict()
        """Addresses by peer, those that came last at the end."""
        self.refused = 0

    def admit(self, peer: str, address: str, now: float) -> bool:
        """Whether a peer that connected from this address may stay."""
        if peer not in self._known and not self._places.take(address, now):
            self.refused += 1
            return False
        self._known[peer] = address
        self._known.move_to_end(peer)
        if len(self._known) > ADDRESSES_TRACKED_MAX:
            self._known.popitem(last=False)
        return True

    def ban(self, peer: str, now: float) -> None:
        """A peer was banned: its address pays, and the peer would be a new one."""
        address = self._known.pop(peer, None)
        if address is not None:
            self._places.charge(address, now, NEWCOMER_BAN_COST)
