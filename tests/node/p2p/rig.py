"""Nodes with real peers: chains in memory, and libp2p hosts in processes of their own."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.derive.plan import BlockPlan
from bridge.derive.sequenced import record_block
from bridge.l1.accounts import Operator
from bridge.l1.client import L1Client
from bridge.l1.contracts import l1_errors
from bridge.l1.rpc import RpcClient
from bridge.l1.watcher import Watcher
from execution.transition import BlockResult
from genesis.accounts import operator_accounts
from node.chain import Chain
from node.p2p.blocks import BlockDomain
from node.p2p.identity import Identity
from node.p2p.network import Network
from node.p2p.settings import P2PSettings
from node.p2p.signatures import BlockSigner
from node.roles.follower import Follower
from node.roles.replica import Replica
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import CONFIG, Rig, genesis
from tests.limits import WAIT_SECONDS_MAX

STORY_SECONDS_MAX = 600.0
"""How long a whole test may take."""

SEQUENCER = Operator.of_dev_account(operator_accounts().batcher)
DOMAIN = BlockDomain(CONFIG.chain_id, genesis().hash, SEQUENCER.address)
SIGNER = BlockSigner(SEQUENCER, DOMAIN)


class SequencerRig(Rig):
    """Signs each block in the commit that writes it, as the sequencer does."""

    def write(self, plan: BlockPlan, result: BlockResult) -> None:
        with self.store.commit() as batch:
            batch.append(result.sealed)
            SIGNER.sign(batch, record_block(batch, plan, result), result.sealed)


@dataclass
class Member:
    """One node of the tests and its running tasks."""

    rig: Rig
    network: Network
    replica: Replica | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def head(self) -> int:
        return self.rig.unsafe.number

    @property
    def following(self) -> Replica:
        """What a replica does with blocks."""
        assert self.replica is not None
        return self.replica

    @property
    def host_pid(self) -> int:
        process = self.network.link.process
        assert process is not None
        return process.pid

    def sequence(self, *raws: bytes) -> int:
        """Make and announce a block; its number."""
        number = self.rig.sequence(*raws).number
        self.network.announce(number)
        return number

    async def wait_ready(self) -> "Member":
        await until(lambda: bool(self.network.addresses), "the host")
        return self

    def resident_bytes(self) -> int:
        """Memory of the host's process."""
        statm = Path(f"/proc/{self.host_pid}/statm").read_text().split()
        return int(statm[1]) * 4096

    def refused(self) -> int:
        """Connections and newcomers turned away, as of the last report."""
        host = self.network.statistics().host
        return 0 if host is None else host.refused

    def offences(self) -> dict[str, int]:
        """What the host counted, as of its last report."""
        host = self.network.statistics().host
        return {} if host is None else host.offences


@contextlib.contextmanager
def stalled(member: Member) -> Iterator[None]:
    """Stop the member's host, so that it neither answers nor leaves."""
    pid = member.host_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def run(story: Coroutine[Any, Any, None]) -> None:
    """Play a test to its end."""
    asyncio.run(asyncio.wait_for(story, STORY_SECONDS_MAX))


async def until(
    condition: Callable[[], object], what: str, seconds: float = WAIT_SECONDS_MAX
) -> None:
    """Wait for a condition that other processes bring about."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)
    assert condition(), what


def make_network(rig: Rig, folder: Path, seed: int = 1, bootnodes: tuple[str, ...] = ()) -> Network:
    """A network that is not running yet."""
    folder.mkdir(exist_ok=True)
    return Network(
        settings=P2PSettings(bootnodes=bootnodes),
        data_dir=folder,
        domain=DOMAIN,
        store=rig.store,
        identity=Identity(bytes([seed]) * 32),
    )


class Peers:
    """Starts members and stops them all in the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbox = Inbox()
        self.inbox.tick()
        self.members: list[Member] = []

    async def sequencer(self, *bootnodes: Member) -> Member:
        """A node that signs."""
        rig = SequencerRig().follow(self.inbox)
        rig.set_clock(self.inbox)
        network = self._make(rig, bootnodes)
        network.signer = SIGNER
        return await self._start(Member(rig, network))

    async def replica(self, *bootnodes: Member) -> Member:
        """A node that follows."""
        rig = Rig().follow(self.inbox)
        network = self._make(rig, bootnodes)
        chain = Chain.over(rig.store, rig.config, rig.clock)
        client = L1Client(RpcClient("http://127.0.0.1:1"), chain_id=1, errors=l1_errors())
        watcher = Watcher(client, b"\1" * 20, rig.log, start_block=0, write=chain.write)
        follower = Follower(chain, rig.log, rig.pipeline, watcher, asyncio.Event(), asyncio.Event())
        follower.synced.set()
        follower.has_synced.set()
        replica = Replica(follower, network, network.data_dir)
        network.take_block = replica.take
        chain.feed.on_block(lambda event: network.announce(event.id.number))
        member = Member(rig, network, replica)
        member.tasks.append(asyncio.create_task(replica.run()))
        return await self._start(member)

    async def pair(self) -> tuple[Member, Member]:
        """A sequencer and a replica, connected."""
        sequencer = await self.sequencer()
        replica = await self.replica(sequencer)
        await meet(sequencer, replica)
        return sequencer, replica

    def _make(self, rig: Rig, bootnodes: tuple[Member, ...]) -> Network:
        index = len(self.members) + 1
        addresses = tuple(one.network.addresses[0] for one in bootnodes)
        return make_network(rig, self.folder / str(index), index, addresses)

    async def _start(self, member: Member) -> Member:
        self.members.append(member)
        member.tasks.append(asyncio.create_task(member.network.run()))
        return await member.wait_ready()

    async def stop(self) -> None:
        tasks = [task for member in self.members for task in member.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for member in self.members:
            if member.replica is not None:
                member.replica.follower.chain.close()


@contextlib.asynccontextmanager
async def peers_in(folder: Path) -> AsyncIterator[Peers]:
    """An empty network; whatever is started in it is stopped."""
    peers = Peers(folder)
    try:
        yield peers
    finally:
        await peers.stop()


def connected(*members: Member) -> bool:
    """Whether each of them has all others as peers that told their status."""
    names = {member.network.peer for member in members}
    return all(names - {one.network.peer} <= one.network.peers.keys() for one in members)


async def meet(*members: Member) -> None:
    """Wait until all of them are connected."""
    await until(lambda: connected(*members), "all connections")


async def same_head(follower: Member, leader: Member, what: str = "all blocks") -> None:
    """Wait until one has the newest block of the other."""
    await until(lambda: follower.rig.unsafe == leader.rig.unsafe, what)
