"""The peers that this node knows how to reach, and when to try which again."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from libp2p.peer.peerinfo import PeerInfo, info_from_p2p_addr
from multiaddr import Multiaddr
from multiaddr.exceptions import Error as MultiaddrError

from node.p2p.errors import InvalidMessage
from node.p2p.limits import (
    ADDRESS_BYTES_MAX,
    FAILURES_MAX,
    KNOWN_PEERS_MAX,
    PEERS_WANTED,
    REDIAL_SECONDS,
    REDIAL_SECONDS_MAX,
)

log = logging.getLogger("tallystick.p2p")

_HOSTS = ("ip4", "ip6", "dns", "dns4", "dns6")


@dataclass(slots=True)
class KnownPeer:
    """Where a peer can be dialled, and how that went."""

    info: PeerInfo
    address: str
    is_bootnode: bool
    failures: int = 0
    due: float = 0.0
    """When it may be dialled next."""


def parse_address(address: str) -> PeerInfo:
    """A TCP multiaddress with a peer id. Raises `InvalidMessage`."""
    if len(address) > ADDRESS_BYTES_MAX:
        raise InvalidMessage("an address is too long")
    try:
        parsed = Multiaddr(address)
        names = [protocol.name for protocol in parsed.protocols()]
        if len(names) != 3 or names[0] not in _HOSTS or names[1:] != ["tcp", "p2p"]:
            raise InvalidMessage(f"{address!r} isn't /ip4/HOST/tcp/PORT/p2p/PEER")
        return info_from_p2p_addr(parsed)
    except (MultiaddrError, ValueError, LookupError, TypeError) as error:
        raise InvalidMessage(f"{address!r:.80} is no address of a peer: {error}") from error


class PeerBook:
    """Bounded; bootnodes are never forgotten."""

    def __init__(self, own: str, bootnodes: Iterable[str], known: Iterable[str]) -> None:
        self._own = own
        self._peers: dict[str, KnownPeer] = {}
        for address in bootnodes:
            self._meet(address, is_bootnode=True)
        self.meet(known)

    def meet(self, addresses: Iterable[str]) -> None:
        """Remember addresses that somebody told of. What is known stays as it is."""
        for address in addresses:
            self._meet(address, is_bootnode=False)

    def _meet(self, address: str, *, is_bootnode: bool) -> None:
        try:
            info = parse_address(address)
        except InvalidMessage as error:
            log.log(logging.ERROR if is_bootnode else logging.DEBUG, "no peer: %s", error)
            return
        name = str(info.peer_id)
        if name != self._own and name not in self._peers:
            self._make_room()
            if len(self._peers) < KNOWN_PEERS_MAX:
                self._peers[name] = KnownPeer(info, address, is_bootnode)

    def due(self, connected: Collection[str], now: float) -> list[KnownPeer]:
        """Whom to dial now: bootnodes that are away, and others while there are few peers."""
        lacking = PEERS_WANTED - len(connected)
        away = [
            peer
            for name, peer in self._peers.items()
            if name not in connected and peer.due <= now and (peer.is_bootnode or lacking > 0)
        ]
        return sorted(away, key=lambda peer: (not peer.is_bootnode, peer.failures))

    def is_bootnode(self, name: str) -> bool:
        """Whether the operator named the peer."""
        peer = self._peers.get(name)
        return peer is not None and peer.is_bootnode

    def reached(self, name: str) -> None:
        """A connection to the peer is there."""
        peer = self._peers.get(name)
        if peer is not None:
            peer.failures = 0
            peer.due = 0.0

    def failed(self, peer: KnownPeer, now: float) -> None:
        """It could not be dialled; the next time it gets longer."""
        wait = min(REDIAL_SECONDS_MAX, REDIAL_SECONDS * 2.0 ** min(peer.failures, 10))
        peer.failures += 1
        peer.due = now + wait
        if peer.failures >= FAILURES_MAX and not peer.is_bootnode:
            self._peers.pop(str(peer.info.peer_id), None)

    def forget(self, name: str) -> None:
        """The peer was banned; a bootnode is tried again when that is over."""
        peer = self._peers.get(name)
        if peer is not None and not peer.is_bootnode:
            del self._peers[name]

    def addresses(self) -> tuple[str, ...]:
        """Addresses of the peers that answered last, for the next start."""
        return tuple(peer.address for peer in self._peers.values() if not peer.failures)

    def _make_room(self) -> None:
        """Let go of the one that failed most, if the book is full."""
        if len(self._peers) < KNOWN_PEERS_MAX:
            return
        others = [peer for peer in self._peers.values() if not peer.is_bootnode and peer.failures]
        if others:
            worst = max(others, key=lambda peer: peer.failures)
            del self._peers[str(worst.info.peer_id)]
