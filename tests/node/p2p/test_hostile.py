"""Hostile peers, each in a process of its own with real libp2p: the host withstands them all.

What is held for every attack: the host's process is the same afterwards, its memory has not grown
much, an honest peer is served meanwhile, and the attacker has lost points or its connection.
"""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from node.p2p.exchanges import RangeRequest
from node.p2p.topics import ChainNames, Topic
from tests.node.p2p.rig import DOMAIN, Member, connected, peers_in, until

pytestmark = pytest.mark.slow

HOSTILE = Path(__file__).with_name("hostile_peer.py")
PREFIX = ChainNames(DOMAIN.chain_id, DOMAIN.genesis).topic(Topic.BLOCKS).rpartition("/blocks")[0]
GROWTH_BYTES_MAX = 64 * 2**20
"""Of the host's memory under attack; an attacker offers gigabytes."""
ATTACK_SECONDS_MAX = 45.0

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


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 120))


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


async def serve_honest(honest: Member, target: Member) -> int:
    """Ask for blocks and follow new ones until cancelled; counts what was served."""
    served = 0
    try:
        while True:
            number = target.sequence()
            peer = honest.network.peers[target.network.peer]
            blocks = await honest.network.range(peer, RangeRequest(number, 1))
            assert [block.number for block in blocks] == [number]
            await until(lambda number=number: honest.head >= number, "the gossiped block", 10)
            served += 1
            await asyncio.sleep(0.5)
    except asyncio.CancelledError:
        return served


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_withstood_and_honest_peers_are_served(tmp_path: Path, name: str) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            target = await peers.sequencer()
            honest = await peers.replica(target)
            await until(lambda: connected(target, honest), "a connection")
            pid, memory = target.host_pid, target.resident_bytes()

            serving = asyncio.create_task(serve_honest(honest, target))
            said = await attack(target, name)
            serving.cancel()
            assert await serving > 0

            assert target.host_pid == pid
            assert target.resident_bytes() - memory < GROWTH_BYTES_MAX
            offence = ATTACKS[name]
            if offence is not None:
                await until(lambda: target.offences().get(offence), f"{offence}: {said}")
            after = target.sequence()
            await until(lambda: honest.head == after, "a block after the attack")

    run(story())
