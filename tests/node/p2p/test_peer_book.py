"""Whom the host knows, and when it dials whom."""

from collections.abc import Iterable

import base58
import pytest

from node.p2p.errors import InvalidMessage
from node.p2p.limits import FAILURES_MAX, KNOWN_PEERS_MAX, PEERS_WANTED, REDIAL_SECONDS_MAX
from node.p2p.peer_book import PeerBook, parse_address


def peer_id(number: int) -> str:
    """An ed25519 peer id in its usual text (libp2p peer ids specification)."""
    key = number.to_bytes(32)
    return base58.b58encode(bytes.fromhex("002408011220") + key).decode()


def address(number: int) -> str:
    return f"/ip4/127.0.0.1/tcp/{1000 + number}/p2p/{peer_id(number)}"


def book(bootnodes: Iterable[int] = (), known: Iterable[int] = ()) -> PeerBook:
    return PeerBook(peer_id(0), map(address, bootnodes), map(address, known))


def due(book: PeerBook, now: float, *connected: int) -> list[str]:
    return [peer.address for peer in book.due([peer_id(n) for n in connected], now)]


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "/ip4/1.2.3.4/tcp/1", f"/ip4/1.2.3.4/udp/1/p2p/{peer_id(1)}",
     f"/ip4/999.2.3.4/tcp/1/p2p/{peer_id(1)}", "/ip4/1.2.3.4/tcp/1/p2p/xyz", "/" * 1000,
     f"/unix/x/p2p/{peer_id(1)}"],
)  # fmt: skip
def test_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidMessage):
        parse_address(text)


def test_bootnodes_come_first_and_whatever_the_number_of_peers() -> None:
    peers = book([1], [2])
    assert due(peers, 0.0) == [address(1), address(2)]
    many = range(10, 10 + PEERS_WANTED)
    assert due(peers, 0.0, *many) == [address(1)]
    assert due(peers, 0.0, 1) == [address(2)]


def test_failed_peer_is_tried_again_later_and_later() -> None:
    peers = book([1])
    waits = []
    now = 0.0
    for _ in range(10):
        (known,) = peers.due([], now)
        peers.failed(known, now)
        waits.append(known.due - now)
        now = known.due
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert waits[-1] == REDIAL_SECONDS_MAX
    peers.reached(peer_id(1))
    assert due(peers, 0.0) == [address(1)]


def test_peer_that_never_answers_is_forgotten_but_no_bootnode() -> None:
    peers = book([1], [2])
    for _ in range(FAILURES_MAX):
        for known in peers.due([], 1e9):
            known.due = 0.0
            peers.failed(known, 0.0)
    assert due(peers, 1e9) == [address(1)]


def test_book_is_bounded_and_lets_go_of_the_worst() -> None:
    peers = book([1], range(2, KNOWN_PEERS_MAX + 1))
    peers.meet([address(5000)])
    assert address(5000) not in peers.addresses()
    failing = peers.due([], 0.0)[-1]
    peers.failed(failing, 0.0)
    peers.meet([address(5000), "nonsense"])
    assert address(5000) in peers.addresses()
    assert len(due(peers, 1e9)) == KNOWN_PEERS_MAX


def test_own_address_and_known_ones_are_not_met() -> None:
    peers = book([1])
    peers.meet([address(0), address(1)])
    assert peers.addresses() == (address(1),)
    peers.forget(peer_id(1))
    assert peers.addresses() == (address(1),)
