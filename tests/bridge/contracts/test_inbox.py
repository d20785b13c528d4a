"""Inbox.sol: one log, one hash chain, and who may append what."""

from collections.abc import Mapping
from typing import Any

import pytest

from bridge.derive.accumulator import next_item
from bridge.items import InboxItem, ItemKind
from state.types import Address, Hash32, Timestamp, Wei
from tests.bridge.contracts.l1 import GAS_MAX, WINDOW_SECONDS, Stack, reverts
from tests.conftest import Show

BATCH_MAX = 81_920
TRANSACTION_MAX = 65_536


def test_constructor_appends_a_tick_as_item_zero(stack: Stack) -> None:
    (item,) = stack.items()
    assert item["args"]["index"] == 0
    assert item["args"]["kind"] == ItemKind.TICK
    assert item["args"]["sender"] == stack.l1.accounts[0]
    assert item["args"]["data"] == b""
    assert stack.inbox.functions.count().call() == 1
    assert stack.inbox.functions.deposits().call() == 0
    block = stack.l1.w3.eth.get_block(item["blockNumber"])
    assert stack.inbox.functions.lastBatchTime().call() == block["timestamp"]


def test_accumulator_of_every_kind_equals_the_derivation_rules(stack: Stack) -> None:
    inbox, l1 = stack.inbox.functions, stack.l1
    l1.send(inbox.appendBatch(b"\0" + b"batch"), sender=stack.sequencer)
    l1.send(inbox.forceTransaction(b"\x02raw"), sender=l1.accounts[3])
    deposit = stack.portal.functions.depositTransaction(l1.accounts[4], 5, 21_000, False, b"")
    l1.send(deposit, value=10**15, sender=l1.accounts[5])
    l1.pass_time(WINDOW_SECONDS)
    l1.send(inbox.tick(), sender=l1.accounts[6])
    l1.send(inbox.appendBatch(b"\0"), sender=stack.sequencer)

    events = stack.items()
    expected = _derive(stack, events)
    kinds = (3, 0, 2, 1, 3, 0)
    assert tuple(e["args"]["kind"] for e in events) == kinds
    assert [e["args"]["acc"] for e in events] == [i.acc for i in expected]
    assert [inbox.acc(i).call() for i in range(6)] == [i.acc for i in expected]
    assert inbox.deposits().call() == expected[-1].deposits == 2


def _derive(stack: Stack, events: list[Mapping[str, Any]]) -> list[InboxItem]:
    """The items as the node's own accumulator makes them from events and L1 headers."""
    items: list[InboxItem] = []
    for event in events:
        header = stack.l1.w3.eth.get_block(event["blockNumber"])
        items.append(
            next_item(
                items[-1] if items else None,
                kind=ItemKind(event["args"]["kind"]),
                sender=Address(bytes.fromhex(event["args"]["sender"][2:])),
                data=event["args"]["data"],
                l1_number=header["number"],
                l1_time=Timestamp(header["timestamp"]),
                l1_base_fee=Wei(header["baseFeePerGas"]),
                prev_randao=Hash32(bytes(header["mixHash"])),
                l1_hash=Hash32(bytes(header["parentHash"])),
            )
        )
    return items


def test_accumulators_stand_in_the_array_at_slot_zero(stack: Stack) -> None:
    slot = int.from_bytes(stack.l1.w3.keccak(bytes(32)), "big")
    stored = stack.l1.w3.eth.get_storage_at(stack.inbox.address, slot)
    assert bytes(stored) == stack.inbox.functions.acc(0).call()


def test_append_batch_by_another_account_reverts(stack: Stack) -> None:
    stranger = stack.l1.accounts[2]
    with reverts("OnlySequencer", stranger):
        stack.inbox.functions.appendBatch(b"x").call({"from": stranger})


@pytest.mark.parametrize("size", [0, BATCH_MAX + 1])
def test_append_batch_of_wrong_size_reverts(stack: Stack, size: int) -> None:
    with reverts("DataTooLarge" if size else "DataEmpty"):
        stack.inbox.functions.appendBatch(b"x" * size).call({"from": stack.sequencer})


def test_append_batch_at_the_expected_index_succeeds_once(stack: Stack) -> None:
    append = stack.inbox.functions.appendBatchAt(b"x", 1)
    stack.l1.send(append, sender=stack.sequencer)
    with reverts("IndexMoved", 1, 2):
        append.call({"from": stack.sequencer})


def test_append_deposit_by_another_account_reverts(stack: Stack) -> None:
    with reverts("OnlyPortal", stack.sequencer):
        stack.inbox.functions.appendDeposit(stack.sequencer, b"x").call({"from": stack.sequencer})


@pytest.mark.parametrize("size", [0, TRANSACTION_MAX + 1])
def test_force_transaction_of_wrong_size_reverts(stack: Stack, size: int) -> None:
    with reverts("DataTooLarge" if size else "DataEmpty"):
        stack.inbox.functions.forceTransaction(b"x" * size).call()


def test_tick_before_the_window_reverts_and_at_its_end_succeeds(stack: Stack) -> None:
    l1, tick = stack.l1, stack.inbox.functions.tick()
    allowed_at = stack.inbox.functions.lastBatchTime().call() + WINDOW_SECONDS
    l1.ask("evm_setNextBlockTimestamp", allowed_at - 1)
    l1.ask("evm_mine")
    # anvil executes calls on top of the latest block, at its time.
    with reverts("TickTooEarly", allowed_at):
        tick.call()
    l1.ask("evm_setNextBlockTimestamp", allowed_at)
    receipt = l1.w3.eth.wait_for_transaction_receipt(
        tick.transact({"from": l1.accounts[7], "gas": 200_000})
    )
    assert receipt["status"] == 1


def test_tick_after_a_batch_waits_for_the_window_again(stack: Stack) -> None:
    l1 = stack.l1
    l1.pass_time(WINDOW_SECONDS)
    l1.send(stack.inbox.functions.tick())
    l1.send(stack.inbox.functions.tick())
    l1.send(stack.inbox.functions.appendBatch(b"x"), sender=stack.sequencer)
    with reverts("TickTooEarly"):
        stack.inbox.functions.tick().call()


def test_acc_beyond_the_end_reverts(stack: Stack) -> None:
    with reverts("NoSuchItem", 1):
        stack.inbox.functions.acc(1).call()


def test_every_operation_fits_an_l1_transaction(stack: Stack, show: Show) -> None:
    """Prints the gas of each operation at its largest; EIP-7623's floor is in it."""
    l1, inbox = stack.l1, stack.inbox.functions
    worst = b"\xff"
    operations = {
        "appendBatch 1 B": (inbox.appendBatch(worst), stack.sequencer),
        "appendBatch 80 KB": (inbox.appendBatch(worst * BATCH_MAX), stack.sequencer),
        "forceTransaction 200 B": (inbox.forceTransaction(worst * 200), None),
        "forceTransaction 64 KB": (inbox.forceTransaction(worst * TRANSACTION_MAX), None),
    }
    gas = {name: l1.send(f, sender=s)["gasUsed"] for name, (f, s) in operations.items()}
    deposit = stack.portal.functions.depositTransaction
    for name, size in (("0 B", 0), ("64 KB", TRANSACTION_MAX)):
        limit = 21_000 + 16 * size
        call = deposit(l1.accounts[2], 0, limit, False, worst * size)
        gas[f"depositTransaction {name}"] = l1.send(call, value=10**17)["gasUsed"]
    l1.pass_time(WINDOW_SECONDS)
    gas["tick"] = l1.send(inbox.tick())["gasUsed"]
    show("L1 gas of the inbox (anvil)")
    show("\n".join(f"  {name:26} {used:>10,}" for name, used in gas.items()))
    assert max(gas.values()) < GAS_MAX // 2
