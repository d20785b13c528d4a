"""Replicas and a sequencer as real peers: gossip, ranges, deaths, and a sequencer that cheats."""

import json
import os
import signal

import pytest

from node.p2p.blocks import SignedBlock, SignedClaim, claim_of, encode_signed_block
from node.p2p.equivocation import read_evidence
from node.p2p.signatures import stored_block
from node.p2p.topics import Topic
from state.batch_codec import encode_batch, encode_block
from state.types import BlockNumber, Hash32
from tests.bridge.derive.rig import ALICE, BOB, transfer
from tests.node.p2p.rig import (
    DOMAIN,
    SEQUENCER,
    Member,
    Peers,
    meet,
    same_head,
    stalled,
    until,
)

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


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


async def test_replica_adopts_gossiped_blocks_with_their_transactions(peers: Peers) -> None:
    sequencer, replica = await peers.pair()
    for raw in transfers(5):
        sequencer.sequence(raw)
        await until(lambda: replica.head == sequencer.head, "the block")
    assert replica.rig.unsafe == sequencer.rig.unsafe
    assert replica.rig.account(ALICE.address).nonce == 5
    assert replica.rig.safe.number < sequencer.head


async def test_late_joiner_syncs_ranges_and_serves_them_to_the_next(peers: Peers) -> None:
    sequencer = await peers.sequencer()
    for _ in range(70):
        # Never gossiped: that they come by ranges is then certain.
        sequencer.rig.sequence()
    late = await peers.replica(sequencer)
    await same_head(late, sequencer, "all blocks")
    assert late.following.statistics.ranges >= 3

    with stalled(sequencer):
        later = await peers.replica(late)
        await same_head(later, late, "blocks of a replica")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stalled"])
async def test_peer_lost_others_go_on(peers: Peers, number: signal.Signals) -> None:
    sequencer = await peers.sequencer()
    first = await peers.replica(sequencer)
    second = await peers.replica(sequencer, first)
    await meet(sequencer, first, second)
    lost = first.host_pid
    os.kill(lost, number)
    try:
        for _ in range(5):
            sequencer.sequence()
        await same_head(second, sequencer, "the blocks")
    finally:
        if number is signal.SIGSTOP:
            os.kill(lost, signal.SIGCONT)
    await same_head(first, sequencer, "the lost one's return")


async def test_replica_relays_gossip_to_one_that_knows_only_it(peers: Peers) -> None:
    sequencer = await peers.sequencer()
    middle = await peers.replica(sequencer)
    far = await peers.replica(middle)
    await meet(middle, far)
    sequencer.sequence(*transfers(1))
    await same_head(far, sequencer, "the block")


async def test_block_on_an_item_to_come_waits_for_it(peers: Peers) -> None:
    sequencer, replica = await peers.pair()
    before = replica.head
    peers.inbox.mine()
    peers.inbox.deposit()
    sequencer.rig.feed(peers.inbox)
    sequencer.rig.set_clock(peers.inbox)
    sequencer.sequence()
    await until(lambda: len(replica.following.buffer) == 1, "the block in the buffer")
    assert replica.head == before
    replica.rig.feed(peers.inbox)
    await same_head(replica, sequencer, "the block")


async def two_in_one_place(sequencer: Member, replica: Member) -> None:
    """Another node with the sequencer's key signs another block in the place of the first."""
    await meet(sequencer, replica)
    first = sequencer.sequence()
    await until(lambda: replica.head == first, "the honest block")
    block = stored_block(sequencer.rig.store, BlockNumber(first))
    assert block is not None
    other = signed(b"\x66" * 32, block)
    sequencer.network.link.publish(Topic.BLOCKS, encode_signed_block(other))


async def test_equivocation_is_kept_as_evidence_and_the_sequencer_left_alone(peers: Peers) -> None:
    sequencer = await peers.sequencer()
    replica = await peers.replica(sequencer)
    name = sequencer.network.peer
    await two_in_one_place(sequencer, replica)
    await until(lambda: replica.following.distrusts, "the alarm")

    (path,) = read_evidence(replica.network.data_dir)
    messages = json.loads(path.read_text())["messages"]
    assert len({message["hash"] for message in messages}) == 2
    assert len({(message["number"], message["parent"]) for message in messages}) == 1

    before = replica.head
    sequencer.sequence()
    await until(lambda: replica.network.peers[name].head > before, "word of a new block")
    assert replica.head == before


async def test_block_that_executes_to_another_hash_is_not_adopted(peers: Peers) -> None:
    sequencer, replica = await peers.pair()
    before = replica.head
    number = sequencer.rig.sequence(transfer(BOB, nonce=0)).number
    block = stored_block(sequencer.rig.store, number)
    assert block is not None
    wrong = encode_signed_block(signed(b"\x77" * 32, block))
    sequencer.network.link.publish(Topic.BLOCKS, wrong)
    await until(lambda: replica.following.distrusts, "the alarm")
    assert replica.head == before
    (path,) = read_evidence(replica.network.data_dir)
    assert path.name == f"wrong-block-{number}.json"
    assert json.loads(path.read_text())["executedHash"] == "0x" + block.claim.hash.hex()


async def test_signing_anew_after_an_l1_reorg_is_no_equivocation(peers: Peers) -> None:
    sequencer, replica = await peers.pair()
    peers.inbox.mine()
    peers.inbox.deposit()
    for one in (sequencer, replica):
        one.rig.feed(peers.inbox)
    sequencer.rig.set_clock(peers.inbox)
    sequencer.sequence()
    await same_head(replica, sequencer, "the first block")
    old = replica.rig.unsafe

    fork = peers.inbox.fork(2, b"other")
    fork.mine()
    fork.deposit(mint=3)
    for one in (sequencer, replica):
        one.rig.pipeline.reset(2)
        one.rig.follow(fork)
    sequencer.rig.set_clock(fork)
    sequencer.sequence()
    await same_head(replica, sequencer, "the second block")
    assert replica.rig.unsafe.number == old.number
    assert replica.rig.unsafe != old
    assert not replica.following.distrusts
