"""The sequencer's plan: origin, time, and what a replica accepts."""

from dataclasses import replace

import pytest

from bridge.derive.errors import (
    AheadOfClock,
    DerivationReset,
    DerivationRetry,
    InvalidSequencedBlock,
    RecordDamaged,
)
from bridge.derive.plan import BlockPlan
from bridge.derive.records import delete_inputs
from bridge.derive.sequenced import batch_block_of, received_plan, sequenced_plan
from bridge.limits import TIMESTAMP_LEAD_SECONDS_MAX
from state.batch_codec import BatchBlock
from state.types import BlockNumber, Timestamp
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, CONFIG, FAR, Rig, transfer


def _plan(rig: Rig, now: int = GENESIS_TIME + 5, l1_number: int = FAR) -> BlockPlan:
    return sequenced_plan(rig.store, rig.log, CONFIG, now=Timestamp(now), l1_number=l1_number)


def test_plan_takes_the_newest_origin_and_the_clocks_time(rig: Rig, inbox: Inbox) -> None:
    inbox.tick()
    inbox.deposit()
    rig.feed(inbox)
    plan = _plan(rig)
    assert plan.origin.item == 2
    assert plan.attributes.timestamp == GENESIS_TIME + 5
    assert len(plan.carried) == 1


def test_plan_keeps_to_confirmed_items(rig: Rig, inbox: Inbox) -> None:
    inbox.mine(5)
    inbox.deposit()
    rig.feed(inbox)
    assert _plan(rig, l1_number=inbox.l1_number - 1).origin.item == 0
    assert _plan(rig, l1_number=inbox.l1_number).origin.item == 1


def test_plan_never_moves_the_origin_back(rig: Rig, inbox: Inbox) -> None:
    inbox.mine(5)
    inbox.deposit()
    rig.feed(inbox)
    rig.sequence()
    plan = _plan(rig, now=GENESIS_TIME + 100, l1_number=0)
    assert (plan.origin.item, plan.origin.sequence_number) == (1, 1)
    assert plan.carried == ()


def test_plan_is_not_before_its_origins_l1_time(rig: Rig, inbox: Inbox) -> None:
    inbox.wait(1_000)
    inbox.tick()
    rig.feed(inbox)
    assert _plan(rig).attributes.timestamp == GENESIS_TIME + 1_000


def test_plan_is_after_its_parent(rig: Rig, inbox: Inbox) -> None:
    rig.feed(inbox)
    rig.sequence(seconds=30)
    assert _plan(rig, now=GENESIS_TIME).attributes.timestamp == GENESIS_TIME + 31


def test_plan_waits_when_block_time_has_run_ahead(rig: Rig, inbox: Inbox) -> None:
    lead = min(TIMESTAMP_LEAD_SECONDS_MAX, CONFIG.derivation.drift_seconds // 2)
    rig.feed(inbox)
    rig.sequence(seconds=lead)
    with pytest.raises(AheadOfClock):
        _plan(rig, now=GENESIS_TIME)
    assert _plan(rig, now=GENESIS_TIME + 1).attributes.timestamp == GENESIS_TIME + lead + 1


def test_plan_before_item_0_is_here_waits(rig: Rig) -> None:
    with pytest.raises(DerivationReset):
        _plan(rig)


def test_blocks_faster_than_the_clock_are_still_derived(rig: Rig, inbox: Inbox) -> None:
    rig.feed(inbox)
    for _ in range(20):
        rig.sequence(seconds=0)
    inbox.l1_time = Timestamp(GENESIS_TIME + 1)
    inbox.batch(batch_block_of(rig.store, BlockNumber(n)) for n in range(1, 21))
    rig.follow(inbox)
    assert (rig.safe.number, rig.pipeline.counters().promoted) == (20, 20)


def test_record_of_a_block_from_another_plan_is_refused(rig: Rig, inbox: Inbox) -> None:
    rig.feed(inbox)
    plan, other = _plan(rig), _plan(rig, now=GENESIS_TIME + 9)
    changed = replace(plan, attributes_deposit=replace(other.attributes_deposit, raw=b"other"))
    result = rig.execute(plan)
    with pytest.raises(RecordDamaged):
        rig.write(changed, result)
    assert rig.unsafe.number == 0


def test_batch_block_of_an_unrecorded_block_stops(rig: Rig, inbox: Inbox) -> None:
    rig.feed(inbox)
    rig.sequence(transfer(ALICE))
    with rig.store.commit() as batch:
        delete_inputs(batch, BlockNumber(1))
    with pytest.raises(RecordDamaged):
        batch_block_of(rig.store, BlockNumber(1))
    with pytest.raises(RecordDamaged):
        batch_block_of(rig.store, BlockNumber(2))


@pytest.mark.parametrize(
    ("block", "error"),
    [
        (BatchBlock(Timestamp(GENESIS_TIME + 50), 9, ()), DerivationRetry),
        (BatchBlock(Timestamp(GENESIS_TIME + 50), 2**64 - 1, ()), DerivationRetry),
        (BatchBlock(Timestamp(GENESIS_TIME), 1, ()), InvalidSequencedBlock),
        (BatchBlock(Timestamp(GENESIS_TIME + 50), 0, ()), InvalidSequencedBlock),
    ],
    ids=["origin to come", "origin never", "time", "origin"],
)
def test_received_block_that_no_batch_could_hold_is_refused(
    rig: Rig, inbox: Inbox, block: BatchBlock, error: type[Exception]
) -> None:
    inbox.tick()
    rig.feed(inbox)
    rig.sequence()
    with pytest.raises(error):
        received_plan(rig.store, rig.log, CONFIG, block)
