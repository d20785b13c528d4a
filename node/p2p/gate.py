"""Who may connect: so many from one address, so often, and nobody who is banned."""

import ipaddress
from collections import Counter
from collections.abc import Callable

from libp2p.network.connection_gate import ConnectionGate
from libp2p.utils.multiaddr_utils import extract_ip_from_multiaddr
from multiaddr import Multiaddr

from node.p2p.buckets import Buckets
from node.p2p.limits import CONNECT_RATE, PEERS_PER_ADDRESS_MAX


def address_group(address: str) -> str:
    """Whom an IP address stands for: of IPv6 a whole /64, which one customer has (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


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
        address = address_group(extract_ip_from_multiaddr(remote_addr) or "")
        is_allowed = self._connected()[address] < PEERS_PER_ADDRESS_MAX and self._rates.take(
            address, self._now()
        )
        self.refused += not is_allowed
        return is_allowed
