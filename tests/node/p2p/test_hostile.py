"""Hostile peers, each in a process of its own with real libp2p: the host withstands them all.

What is held for every attack: the host's process is the same afterwards, its memory has not grown
much, an honest peer is served meanwhile, and the attacker has lost points or its connection.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from node.p2p.exchanges import RangeRequest
from node.p2p.limits import NEWCOMER_BAN_COST, NEWCOMER_RATE
from node.p2p.topics import ChainNames, Topic
from tests.node.p2p.rig import DOMAIN, Member, connected, peers_in, run, until
from tests.node.p2p.trading_rig import leads, trading_peers

pytestmark = pytest.mark.slow

HOSTILE = Path(__file__).with_name("hostile_peer.py")
PREFIX = ChainNames(DOMAIN.chain_id, DOMAIN.genesis).topic(Topic.BLOCKS).rpartition("/blocks")[0]
GROWTH_BYTES_MAX = 64 * 2**20
"""Of the host's memory under attack; an attacker offers gigabytes."""
ATTACK_SECONDS_MAX = 180.0
PLACES = NEWCOMER_RATE[1]
"""For newcomers from one address."""

ATTACKS = {
    "garbage": "malformed",
    "truncated": "malformed",
    "oversize": "oversize",
    "malformed_blocks": "malformed",
    "bomb": "forged",
    "unknown_topic": "topic",
    "many_topics": "oversize",
    "flood": "rate",
    "flood_ids": "malformed",
    "streams": None,
    "requests": "rate",
    "malformed_requests": "malformed",
    "oversize_requests": "oversize",
    "silent": None,
}
"""What the host counts for each; None where silence is no offence, and limits alone hold."""


FEED_ATTACKS = {
    "garbage_on_a_channel": "malformed",
    "oversize_on_a_channel": "oversize",
    "channels": "rate",
    "subscriptions": "rate",
}
"""On the channels that replicas subscribe by."""


async def attack(target: Member, name: str) -> str:
    """Run the attack to its end; what the attacker says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(HOSTILE), target.network.addresses[0], PREFIX, name,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(ATTACK_SECONDS_MAX):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode()


async def serve_honest(honest: Member, target: Member, attacking: asyncio.Task[str]) -> str:
    """Ask for blocks and follow new ones while the attack goes on; what the attacker says."""
    while True:
        number = target.sequence()
        peer = honest.network.peers[target.network.peer]
        blocks = await honest.network.range(peer, RangeRequest(number, 1))
        assert [block.number for block in blocks] == [number]
        await until(lambda number=number: honest.head >= number, "the gossiped block")
        if attacking.done():
            return attacking.result()
        await asyncio.wait([attacking], timeout=0.5)


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_withstood_and_honest_peers_are_served(tmp_path: Path, name: str) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            target = await peers.sequencer()
            honest = await peers.replica(target)
            await until(lambda: connected(target, honest), "a connection")
            pid, memory = target.host_pid, target.resident_bytes()

            attacking = asyncio.create_task(attack(target, name))
            said = await serve_honest(honest, target, attacking)

            assert target.host_pid == pid
            assert target.resident_bytes() - memory < GROWTH_BYTES_MAX
            offence = ATTACKS[name]
            if offence is not None:
                await until(lambda: target.offences().get(offence), f"{offence}: {said}")
            after = target.sequence()
            await until(lambda: honest.head == after, "a block after the attack")

    run(story())


def test_banned_peers_that_take_another_name_find_no_place(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            target = await peers.sequencer()
            honest = await peers.replica(target)
            await until(lambda: connected(target, honest), "a connection")
            said = await attack(target, "renamed")
            await until(lambda: target.refused(), f"a newcomer turned away: {said}")
            bans = PLACES // NEWCOMER_BAN_COST
            assert 0 < target.offences()["oversize"] <= bans, said

            name = honest.network.peer
            os.kill(honest.host_pid, signal.SIGKILL)
            await until(lambda: name not in target.network.peers, "the honest peer's leave")
            await until(lambda: name in target.network.peers, "its return")
            after = target.sequence()
            await until(lambda: honest.head == after, "a block after its return")

    run(story())


@pytest.mark.parametrize("name", FEED_ATTACKS)
def test_attack_on_channels_is_withstood_and_subscribers_are_told(
    tmp_path: Path, name: str
) -> None:
    async def story() -> None:
        async with trading_peers(tmp_path) as trading:
            target, buyer = trading.sequencer, trading.hall.traders[0]
            replica = await trading.replica(target)
            await leads(replica, target)
            async with replica.client() as client:
                book = await client.subscribe("book", market=0)
                await client.heard(book)
                pid, memory = target.host_pid, target.resident_bytes()
                said = await attack(target, name)
                offence = FEED_ATTACKS[name]
                await until(lambda: target.offences().get(offence), f"{offence}: {said}")
                assert target.host_pid == pid
                assert target.resident_bytes() - memory < GROWTH_BYTES_MAX
                await until(lambda: len(target.network.channels) == 1, "the attacker's leave")
                await trading.hall.exchange.place(buyer.buy(10, 900))
                assert (await client.heard(book))["bids"] == [["900", "10"]]

    run(story())
