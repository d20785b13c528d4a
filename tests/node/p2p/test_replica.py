"""Replicas and a sequencer as real peers: gossip, ranges, deaths, and a sequencer that cheats."""

import asyncio
import json
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from node.p2p.blocks import SignedBlock, SignedClaim, claim_of, encode_signed_block
from node.p2p.equivocation import read_evidence
from node.p2p.signatures import stored_block
from node.p2p.topics import Topic
from state.batch_codec import encode_batch, encode_block
from state.types import BlockNumber, Hash32
from tests.bridge.derive.rig import ALICE, BOB, transfer
from tests.node.p2p.rig import DOMAIN, SEQUENCER, Member, connected, peers_in, until

pytestmark = pytest.mark.slow


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 120))


def transfers(count: int) -> list[bytes]:
    """Transfers of one fresh wallet, in order."""
    return [ALICE.raw(nonce=nonce) for nonce in range(count)]


def signed(claim_hash: bytes, block: SignedBlock) -> SignedBlock:
    """The same block, signed with another hash."""
    claim = claim_of(
        block.number,
        Hash32(block.claim.parent),
        Hash32(claim_hash),
        block.claim.stands_on,
        block.content,
    )
    signature = SEQUENCER.sign_digest(claim.digest(DOMAIN))
    return SignedBlock(SignedClaim(claim, signature), encode_batch(encode_block(block.content)))


def test_replica_adopts_gossiped_blocks_with_their_transactions(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            sequencer = await peers.sequencer()
            replica = await peers.replica(sequencer)
            await until(lambda: connected(sequencer, replica), "a connection")
            for raw in transfers(5):
                sequencer.sequence(raw)
                await until(lambda: replica.head == sequencer.head, "the block")
            assert replica.rig.unsafe == sequencer.rig.unsafe
            assert replica.rig.account(ALICE.address).nonce == 5
            assert replica.rig.safe.number < sequencer.head

    run(story())


def test_late_joiner_syncs_ranges_and_serves_them_to_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            sequencer = await peers.sequencer()
            for _ in range(70):
                # Never gossiped: that they come by ranges is then certain.
                sequencer.rig.sequence()
            late = await peers.replica(sequencer)
            await until(lambda: late.rig.unsafe == sequencer.rig.unsafe, "all blocks")
            assert late.replica is not None
            assert late.replica.statistics.ranges >= 3

            os.kill(sequencer.host_pid, signal.SIGSTOP)
            try:
                later = await peers.replica(late)
                await until(lambda: later.rig.unsafe == late.rig.unsafe, "blocks of a replica")
            finally:
                os.kill(sequencer.host_pid, signal.SIGCONT)

    run(story())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stalled"])
def test_peer_lost_others_go_on(tmp_path: Path, number: signal.Signals) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            sequencer = await peers.sequencer()
            first = await peers.replica(sequencer)
            second = await peers.replica(sequencer, first)
            await until(lambda: connected(sequencer, first, second), "all connections")
            lost = first.host_pid
            os.kill(lost, number)
            try:
                for _ in range(5):
                    sequencer.sequence()
                await until(lambda: second.rig.unsafe == sequencer.rig.unsafe, "the blocks")
            finally:
                if number is signal.SIGSTOP:
                    os.kill(lost, signal.SIGCONT)
            await until(lambda: first.rig.unsafe == sequencer.rig.unsafe, "the lost one's return")

    run(story())


def test_replica_relays_gossip_to_one_that_knows_only_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            sequencer = await peers.sequencer()
            middle = await peers.replica(sequencer)
            far = await peers.replica(middle)
            await until(lambda: connected(middle, far), "a connection")
            sequencer.sequence(*transfers(1))
            await until(lambda: far.rig.unsafe == sequencer.rig.unsafe, "the block")

    run(story())


def test_block_on_an_item_to_come_waits_for_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            sequencer = await peers.sequencer()
            replica = await peers.replica(sequencer)
            await until(lambda: connected(sequencer, replica), "a connection")
            before = replica.head
            peers.inbox.mine()
            peers.inbox.deposit()
            sequencer.rig.feed(peers.inbox)
            sequencer.rig.set_clock(peers.inbox)
            sequencer.sequence()
            assert replica.replica is not None
            await until(lambda: len(replica.replica.buffer) == 1, "the block in the buffer")
            assert replica.head == before
            replica.rig.feed(peers.inbox)
            await until(lambda: replica.rig.unsafe == sequencer.rig.unsafe, "the block")

    run(story())


async def two_in_one_place(sequencer: Member, replica: Member) -> None:
    """Another node with the sequencer's key signs another block in the place of the first."""
    await until(lambda: connected(sequencer, replica), "a connection")
    first = sequencer.sequence()
    await until(lambda: replica.head == first, "the honest block")
    block = stored_block(sequencer.rig.store, BlockNumber(first))
    assert block is not None
    other = signed(b"\x66" * 32, block)
    sequencer.network.link.publish(Topic.BLOCKS, encode_signed_block(other))


def test_equivocation_is_kept_as_evidence_and_the_sequencer_left_alone(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            sequencer = await peers.sequencer()
            replica = await peers.replica(sequencer)
            name = sequencer.network.peer
            await two_in_one_place(sequencer, replica)
            assert replica.replica is not None
            await until(lambda: replica.replica.distrusts, "the alarm")

            (path,) = read_evidence(replica.network.data_dir)
            messages = json.loads(path.read_text())["messages"]
            assert len({message["hash"] for message in messages}) == 2
            assert len({(message["number"], message["parent"]) for message in messages}) == 1

            before = replica.head
            sequencer.sequence()
            await until(lambda: replica.network.peers[name].head > before, "word of a new block")
            assert replica.head == before

    run(story())


def test_block_that_executes_to_another_hash_is_not_adopted(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            sequencer = await peers.sequencer()
            replica = await peers.replica(sequencer)
            await until(lambda: connected(sequencer, replica), "a connection")
            before = replica.head
            number = sequencer.rig.sequence(transfer(BOB, nonce=0)).number
            block = stored_block(sequencer.rig.store, number)
            assert block is not None
            wrong = encode_signed_block(signed(b"\x77" * 32, block))
            sequencer.network.link.publish(Topic.BLOCKS, wrong)
            assert replica.replica is not None
            await until(lambda: replica.replica.distrusts, "the alarm")
            assert replica.head == before
            (path,) = read_evidence(replica.network.data_dir)
            assert path.name == f"wrong-block-{number}.json"
            assert json.loads(path.read_text())["executedHash"] == "0x" + block.claim.hash.hex()

    run(story())


def test_signing_anew_after_an_l1_reorg_is_no_equivocation(tmp_path: Path) -> None:
    async def story() -> None:
        async with peers_in(tmp_path) as peers:
            sequencer = await peers.sequencer()
            replica = await peers.replica(sequencer)
            await until(lambda: connected(sequencer, replica), "a connection")
            peers.inbox.mine()
            peers.inbox.deposit()
            for one in (sequencer, replica):
                one.rig.feed(peers.inbox)
            sequencer.rig.set_clock(peers.inbox)
            sequencer.sequence()
            await until(lambda: replica.rig.unsafe == sequencer.rig.unsafe, "the first block")
            old = replica.rig.unsafe

            fork = peers.inbox.fork(2, b"other")
            fork.mine()
            fork.deposit(mint=3)
            for one in (sequencer, replica):
                one.rig.pipeline.reset(2)
                one.rig.follow(fork)
            sequencer.rig.set_clock(fork)
            sequencer.sequence()
            await until(lambda: replica.rig.unsafe == sequencer.rig.unsafe, "the second block")
            assert replica.rig.unsafe.number == old.number
            assert replica.rig.unsafe != old
            assert replica.replica is not None
            assert not replica.replica.distrusts

    run(story())
