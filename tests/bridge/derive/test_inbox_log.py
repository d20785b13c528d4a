"""The stored inbox log: what it takes, what it refuses, and what it says when it is damaged."""

from dataclasses import replace

import pytest

from bridge.derive.accumulator import with_acc
from bridge.derive.errors import FinalizedReorg, LogDamaged, LogDiverged
from bridge.derive.inbox_log import ITEM_TABLE, InboxLog
from state.types import Wei
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import Rig


def _mixed(inbox: Inbox) -> Inbox:
    for step in (inbox.deposit, inbox.tick, inbox.tick, inbox.deposit, inbox.tick):
        inbox.mine()
        step()
    return inbox


def test_append_then_read_gives_the_same_items(rig: Rig, inbox: Inbox) -> None:
    items = _mixed(inbox).items
    assert rig.log.append(items) == len(items)
    assert [rig.log.item(item.index) for item in items] == items
    assert rig.log.tip == items[-1]
    for item in items:
        walk = rig.log.deposit if item.is_deposit else rig.log.batch
        assert walk(item.ordinal) == item
    assert rig.log.item(-1) is rig.log.item(len(items)) is None
    assert rig.log.batch(4) is rig.log.deposit(2) is None


def test_append_again_adds_nothing(rig: Rig, inbox: Inbox) -> None:
    items = _mixed(inbox).items
    rig.log.append(items[:3])
    assert rig.log.append(items) == len(items) - 3
    assert rig.log.append(items) == 0
    assert rig.log.append([]) == 0


def test_append_with_a_gap_is_refused_whole(rig: Rig, inbox: Inbox) -> None:
    items = _mixed(inbox).items
    rig.log.append(items[:2])
    with pytest.raises(LogDiverged) as caught:
        rig.log.append([items[2], items[4]])
    assert caught.value.index == 4
    assert rig.log.count == 2


def test_append_of_another_fork_is_refused(rig: Rig, inbox: Inbox) -> None:
    items = _mixed(inbox).items
    rig.log.append(items)
    fork = inbox.fork(3, b"fork")
    fork.tick()
    with pytest.raises(LogDiverged):
        rig.log.append(fork.items)
    rig.log.truncate(3)
    rig.log.append(fork.items)
    assert rig.log.tip == fork.tip


def test_append_of_an_item_that_lies_is_refused(rig: Rig, inbox: Inbox) -> None:
    items = _mixed(inbox).items
    rig.log.append(items[:2])
    with pytest.raises(LogDiverged):
        rig.log.append([replace(items[2], l1_base_fee=Wei(0))])
    with pytest.raises(LogDiverged):
        rig.log.append([with_acc(items[1].acc, replace(items[2], deposits=5))])


def test_truncate_takes_items_out_of_both_walks(rig: Rig, inbox: Inbox) -> None:
    items = _mixed(inbox).items
    rig.log.append(items)
    assert rig.log.truncate(1) == len(items) - 1
    assert rig.log.truncate(1) == 0
    assert rig.log.count == 1
    assert rig.log.deposit(0) is rig.log.batch(1) is None
    assert rig.log.batch(0) == items[0]


def test_finality_never_goes_back_and_holds_against_truncation(rig: Rig, inbox: Inbox) -> None:
    items = _mixed(inbox).items
    rig.log.append(items)
    rig.log.set_final(3)
    rig.log.set_final(2)
    assert rig.log.final_count == 3
    with pytest.raises(FinalizedReorg):
        rig.log.truncate(2)
    assert rig.log.truncate(3) == 3
    rig.log.set_final(100)
    assert rig.log.final_count == 3


@pytest.mark.parametrize(("l1_number", "index"), [(99, None), (100, 0), (102, 2), (2**63, 5)])
def test_newest_at_is_the_last_item_of_that_l1_block(
    rig: Rig, inbox: Inbox, l1_number: int, index: int | None
) -> None:
    rig.log.append(_mixed(inbox).items)
    found = rig.log.newest_at(l1_number)
    assert (found.index if found else None) == index


def test_newest_at_of_an_empty_log_is_none(rig: Rig) -> None:
    assert rig.log.newest_at(10) is None
    assert rig.log.tip is None


def test_log_survives_a_restart(rig: Rig, inbox: Inbox) -> None:
    rig.log.append(_mixed(inbox).items)
    assert InboxLog(rig.store).tip == inbox.tip


@pytest.mark.parametrize("value", [b"", b"\x09" * 200, b"\x03" * 20])
def test_unreadable_item_stops(rig: Rig, inbox: Inbox, value: bytes) -> None:
    rig.log.append(inbox.items)
    with rig.store.commit() as batch:
        batch.put_record(ITEM_TABLE, bytes(8), value)
    with pytest.raises(LogDamaged):
        rig.log.item(0)


def test_item_of_another_place_stops(rig: Rig, inbox: Inbox) -> None:
    rig.log.append(_mixed(inbox).items)
    deposit = rig.store.record(ITEM_TABLE, (1).to_bytes(8, "big"))
    assert deposit is not None
    with rig.store.commit() as batch:
        batch.put_record(ITEM_TABLE, (2).to_bytes(8, "big"), deposit)
    with pytest.raises(LogDamaged):
        rig.log.batch(1)
