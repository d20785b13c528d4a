"""Signatures beside the blocks."""

from node.p2p.limits import SIGNATURES_KEPT_BLOCKS
from node.p2p.signatures import put_signature, read_signature, stored_block
from state.types import BlockNumber, Hash32
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import ALICE, Rig, transfer
from tests.node.p2p.rig import DOMAIN, SequencerRig

SIGNATURE = b"\1" * 65
HASH = Hash32(b"\2" * 32)


def sequencer() -> SequencerRig:
    inbox = Inbox()
    inbox.tick()
    rig = SequencerRig()
    rig.follow(inbox)
    rig.set_clock(inbox)
    return rig


def test_stored_block_is_signed_and_holds_the_sequencers_transactions_alone() -> None:
    rig = sequencer()
    raw = transfer(ALICE, nonce=0)
    number = rig.sequence(raw).number
    block = stored_block(rig.store, number)
    assert block is not None
    block.signed.check(DOMAIN)
    assert block.claim.hash == rig.unsafe.hash
    assert block.content.transactions == (raw,)


def test_block_that_l1_led_to_has_no_signature() -> None:
    rig = sequencer()
    assert rig.unsafe.number == 1
    assert stored_block(rig.store, BlockNumber(1)) is None
    assert stored_block(rig.store, BlockNumber(99)) is None


def test_signature_of_another_block_in_the_place_is_none_of_this_one() -> None:
    rig = Rig()
    with rig.store.commit() as batch:
        put_signature(batch, BlockNumber(5), HASH, SIGNATURE)
    assert read_signature(rig.store, BlockNumber(5), HASH) == SIGNATURE
    assert read_signature(rig.store, BlockNumber(5), Hash32(b"\3" * 32)) is None


def test_old_signatures_are_let_go() -> None:
    rig = Rig()
    with rig.store.commit() as batch:
        put_signature(batch, BlockNumber(1), HASH, SIGNATURE)
    with rig.store.commit() as batch:
        put_signature(batch, BlockNumber(1 + SIGNATURES_KEPT_BLOCKS), HASH, SIGNATURE)
    assert read_signature(rig.store, BlockNumber(1), HASH) is None
