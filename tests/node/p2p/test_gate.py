"""Who may connect."""

from collections import Counter

import pytest
import trio
from multiaddr import Multiaddr

from node.p2p.gate import AddressGate, address_group
from node.p2p.limits import CONNECT_RATE, PEERS_PER_ADDRESS_MAX

HERE, THERE = Multiaddr("/ip4/10.0.0.1/tcp/1"), Multiaddr("/ip4/10.0.0.2/tcp/1")


def answers(gate: AddressGate, address: Multiaddr, times: int) -> list[bool]:
    async def ask() -> list[bool]:
        return [await gate.is_allowed(address) for _ in range(times)]

    return trio.run(ask)


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:0:1:2::3", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::4", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("somewhere", "somewhere"),
    ],
)
def test_address_stands_for_its_network(address: str, group: str) -> None:
    assert address_group(address) == group


def test_connections_of_one_address_are_bounded() -> None:
    connected = Counter({"10.0.0.1": PEERS_PER_ADDRESS_MAX})
    gate = AddressGate(lambda: connected, lambda: 0.0)
    assert answers(gate, HERE, 1) == [False]
    assert answers(gate, THERE, 1) == [True]
    assert gate.refused == 1


def test_connections_come_no_faster_than_the_rate() -> None:
    now = [0.0]
    gate = AddressGate(Counter, lambda: now[0])
    burst = int(CONNECT_RATE[1])
    assert answers(gate, HERE, burst + 1) == [True] * burst + [False]
    assert answers(gate, THERE, 1) == [True]
    now[0] = 1 / CONNECT_RATE[0]
    assert answers(gate, HERE, 2) == [True, False]
