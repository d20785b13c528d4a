"""Who may connect: so many from one address, so often, and nobody who is banned."""

from collections import Counter
from collections.abc import Callable

from libp2p.network.connection_gate import ConnectionGate
from libp2p.utils.multiaddr_utils import extract_ip_from_multiaddr
from multiaddr import Multiaddr

from node.p2p.buckets import Buckets
from node.p2p.limits import CONNECT_RATE, PEERS_PER_ADDRESS_MAX


class AddressGate(ConnectionGate):
    """Decides on a connection before any of it is read."""

    def __init__(self, connected: Callable[[], Counter[str]], now: Callable[[], float]) -> None:
        """`connected` counts the connections that there are, by IP address."""
        super().__init__()
        self._connected = connected
        self._now = now
        self._rates = Buckets(CONNECT_RATE)
        self.refused = 0

    async def is_allowed(self, remote_addr: Multiaddr) -> bool:
        """Whether a connection from there is taken; called by the library for each."""
        address = extract_ip_from_multiaddr(remote_addr) or ""
        is_allowed = self._connected()[address] < PEERS_PER_ADDRESS_MAX and self._rates.take(
            address, self._now()
        )
        self.refused += not is_allowed
        return is_allowed
