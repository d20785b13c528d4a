"""New names of one address."""

from node.p2p.limits import ADDRESSES_TRACKED_MAX, NEWCOMER_BAN_COST, NEWCOMER_RATE
from node.p2p.newcomers import Newcomers

HERE, THERE = "10.0.0.1", "10.0.0.2"
PER_SECOND, PLACES = NEWCOMER_RATE[0], int(NEWCOMER_RATE[1])


def admitted(newcomers: Newcomers, names: range, address: str = HERE, now: float = 0.0) -> int:
    return sum(newcomers.admit(f"peer {name}", address, now) for name in names)


def test_newcomers_of_an_address_are_bounded_and_come_back_slowly() -> None:
    newcomers = Newcomers()
    assert admitted(newcomers, range(100)) == PLACES
    assert newcomers.refused == 100 - PLACES
    assert admitted(newcomers, range(100, 110), THERE) == 10
    assert admitted(newcomers, range(200, 300), now=2 / PER_SECOND) == 2


def test_peers_that_were_here_return_whatever_others_of_their_address_did() -> None:
    newcomers = Newcomers()
    admitted(newcomers, range(100))
    assert admitted(newcomers, range(PLACES)) == PLACES


def test_banned_peers_take_the_places_of_their_next_names() -> None:
    newcomers = Newcomers()
    assert newcomers.admit("honest", HERE, 0.0)
    bans = 0
    while newcomers.admit(f"bad {bans}", HERE, 0.0):
        newcomers.ban(f"bad {bans}", 0.0)
        bans += 1
    assert bans == PLACES // NEWCOMER_BAN_COST
    assert not newcomers.admit("bad 0", HERE, 0.0)
    assert newcomers.admit("honest", HERE, 0.0)


def test_remembered_names_are_bounded() -> None:
    newcomers = Newcomers()
    for name in range(ADDRESSES_TRACKED_MAX + 1):
        assert newcomers.admit(str(name), f"address {name}", 0.0)
    admitted(newcomers, range(PLACES), "address 0")
    assert not newcomers.admit("0", "address 0", 0.0)
    assert newcomers.admit(str(ADDRESSES_TRACKED_MAX), "address 0", 0.0)
