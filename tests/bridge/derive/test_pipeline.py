"""The pipeline over real stores and the real engine: derive, promote, replace, rewind."""

from dataclasses import replace

import pytest
from eth_abi import encode

from bridge.boundary import genesis_boundary, ring_root
from bridge.derive.deposits import alias
from bridge.derive.errors import ConfigNotDerivable, DerivationReset, FinalizedReorg
from bridge.derive.inbox_log import InboxLog
from bridge.derive.pipeline import Pipeline
from bridge.derive.sequenced import batch_block_of, received_plan, sequenced_plan
from bridge.items import Cursor, Origin
from execution.transactions import decode_any
from genesis.predeploys import L1_BLOCK, L2_TO_L1_MESSAGE_PASSER
from state.batch_codec import BatchBlock
from state.keccak import keccak
from state.types import Address, BlockNumber, Gas, Timestamp, Wei
from tests.bridge.derive.conftest import MakeRig
from tests.bridge.derive.inbox import DEPOSITOR, ETHER, GENESIS_TIME, RECIPIENT, Inbox
from tests.bridge.derive.rig import ALICE, BOB, BURNER, CONFIG, WINDOW, Rig, genesis, transfer

STRANGER = Address(b"\x77" * 20)


def test_genesis_has_the_boundary_the_rollup_contract_starts_from(rig: Rig) -> None:
    boundary = rig.pipeline.view.boundary(BlockNumber(0))
    assert boundary == genesis_boundary(CONFIG, genesis())
    assert (boundary.cursor, boundary.origin) == (Cursor(1, 0, 0), Origin(0, 0))


def test_empty_log_waits(rig: Rig) -> None:
    assert rig.derive() == 0
    assert rig.safe.number == 0


def test_batch_of_blocks_is_derived_and_executed(rig: Rig, inbox: Inbox) -> None:
    first, second = transfer(ALICE, to=STRANGER, value=Wei(5)), transfer(ALICE, to=STRANGER)
    inbox.mine()
    inbox.batch(
        [BatchBlock(GENESIS_TIME + 2, 0, (first,)), BatchBlock(GENESIS_TIME + 4, 1, (second,))]
    )
    rig.feed(inbox)
    assert rig.derive() == 2
    assert rig.transactions(1)[1:] == (first,)
    assert rig.transactions(2)[1:] == (second,)
    assert rig.account(STRANGER).balance == 6
    assert (rig.timestamp(1), rig.timestamp(2)) == (GENESIS_TIME + 2, GENESIS_TIME + 4)
    assert rig.unsafe == rig.safe
    assert rig.store.heads.finalized.number == 0


def test_l1_attributes_are_the_origin_items(rig: Rig, inbox: Inbox) -> None:
    inbox.mine()
    inbox.tick()
    rig.follow(inbox)
    item = inbox.tip
    state = rig.store.state()
    slots = [state.storage(L1_BLOCK, slot) for slot in range(4)]
    values = {value >> shift & mask for value in slots for shift in (0, 64, 128, 192)
              for mask in (2**64 - 1, 2**256 - 1)}  # fmt: skip
    assert {item.l1_number, item.l1_time, item.l1_base_fee} <= values
    assert int.from_bytes(item.l1_hash, "big") in values
    header = rig.store.header(BlockNumber(1))
    assert header is not None
    assert header.prev_randao == item.prev_randao
    assert header.coinbase == CONFIG.coinbase
    receipts = rig.store.receipts(BlockNumber(1))
    assert receipts is not None
    assert receipts[0].succeeded


def test_deposit_mints_and_counts(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit(mint=3 * ETHER, value=2 * ETHER)
    inbox.tick()
    rig.follow(inbox)
    assert rig.account(RECIPIENT).balance == 2 * ETHER
    assert rig.account(DEPOSITOR).balance == ETHER
    assert rig.account(DEPOSITOR).nonce == 1
    boundary = rig.pipeline.view.boundary(BlockNumber(1))
    assert boundary is not None
    assert boundary.cursor == Cursor(2, 0, 1)
    assert boundary.origin == Origin(2, 0)


def test_failed_deposit_still_mints(rig: Rig, inbox: Inbox) -> None:
    contract = alias(Address(b"\x01" * 20))
    inbox.deposit(mint=ETHER, value=0, to=BURNER, sender=contract)
    inbox.tick()
    rig.follow(inbox)
    assert rig.account(contract).balance == ETHER
    receipts = rig.store.receipts(BlockNumber(1))
    assert receipts is not None
    assert not receipts[1].succeeded
    assert receipts[1].cumulative_gas_used - receipts[0].cumulative_gas_used == 100_000


def test_forced_transaction_is_executed(rig: Rig, inbox: Inbox) -> None:
    inbox.forced(transfer(ALICE, to=STRANGER, value=Wei(9)))
    inbox.tick()
    rig.follow(inbox)
    assert rig.account(STRANGER).balance == 9


def test_forced_garbage_is_skipped_and_counted(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit()
    deposit = rig.follow(inbox).log.tip
    assert deposit is not None
    for raw in (b"\xff", b"\x7e" + deposit.data, transfer(ALICE, nonce=7), bytes(65_537)):
        inbox.forced(raw)
    inbox.deposit(to=STRANGER)
    inbox.tick()
    rig.follow(inbox)
    boundary = rig.pipeline.view.boundary(BlockNumber(1))
    assert boundary is not None
    assert boundary.cursor.next_deposit == 6
    assert len(rig.transactions(1)) == 3
    assert rig.account(STRANGER).balance == ETHER


def test_deposit_type_inside_a_batch_is_skipped(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit()
    inbox.tick()
    rig.follow(inbox)
    minted = rig.transactions(1)[1]
    assert decode_any(minted, chain_id=CONFIG.chain_id).is_deposit
    before = rig.account(RECIPIENT).balance
    inbox.batch([BatchBlock(Timestamp(GENESIS_TIME + 9), 2, (minted, b"\x7e", b""))])
    rig.follow(inbox)
    assert rig.account(RECIPIENT).balance == before
    assert len(rig.transactions(2)) == 1


def test_deposits_beyond_block_gas_carry_over_in_order(rig: Rig, inbox: Inbox) -> None:
    big = 2**24
    for n in range(3):
        inbox.deposit(mint=ETHER, value=0, gas=big, to=BURNER, sender=Address(bytes([n + 1]) * 20))
    inbox.deposit(to=STRANGER)
    inbox.tick()
    inbox.tick()
    inbox.tick()
    rig.follow(inbox)
    taken = []
    for number in range(1, 4):
        boundary = rig.pipeline.view.boundary(BlockNumber(number))
        assert boundary is not None
        taken.append(boundary.cursor.next_deposit)
    assert taken == [1, 2, 4]
    assert rig.account(STRANGER).balance == ETHER


def test_65_deposits_take_two_blocks(rig: Rig, inbox: Inbox) -> None:
    for _ in range(65):
        inbox.deposit()
    inbox.tick()
    inbox.posted(b"void")
    rig.follow(inbox)
    assert [len(rig.transactions(number)) for number in (1, 2)] == [65, 2]


def test_withdrawals_root_follows_the_message_passer(rig: Rig, inbox: Inbox) -> None:
    selector = keccak(b"initiateWithdrawal(address,uint256,bytes)")[:4]
    call = selector + encode(["address", "uint256", "bytes"], [STRANGER, 21_000, b""])
    raw = transfer(ALICE, to=L2_TO_L1_MESSAGE_PASSER, value=Wei(1), data=call, gas=Gas(200_000))
    inbox.batch([BatchBlock(GENESIS_TIME + 1, 0, (raw,)), BatchBlock(GENESIS_TIME + 2, 0, ())])
    rig.follow(inbox)
    roots = [rig.pipeline.view.withdrawals_root(BlockNumber(n)) for n in range(3)]
    assert roots[0] != roots[1] == roots[2]
    passer = rig.account(L2_TO_L1_MESSAGE_PASSER)
    assert roots[2] == passer.storage_root


def test_boundary_fields_are_the_chains(rig: Rig, inbox: Inbox) -> None:
    inbox.batch([BatchBlock(GENESIS_TIME + 1, 0, ()), BatchBlock(GENESIS_TIME + 2, 0, ())])
    rig.follow(inbox)
    boundary = rig.pipeline.view.boundary(BlockNumber(2))
    header = rig.store.header(BlockNumber(2))
    assert boundary is not None
    assert header is not None
    assert boundary.header_hash == rig.safe.hash
    assert boundary.state_root == header.state_root
    assert boundary.ring_root == ring_root(BlockNumber(2), rig.pipeline.view.hash_of)
    assert boundary.origin == Origin(0, 2)
    assert rig.pipeline.view.output_root(BlockNumber(2)) == boundary.output_root
    assert rig.pipeline.view.output_root(BlockNumber(3)) is None


# Sequenced blocks


def test_sequenced_blocks_are_promoted_without_execution(rig: Rig, inbox: Inbox) -> None:
    rig.feed(inbox)
    rig.sequence(transfer(ALICE), transfer(BOB))
    inbox.mine()
    inbox.deposit()
    inbox.forced(transfer(ALICE))
    rig.feed(inbox)
    rig.sequence(transfer(BOB))
    head = rig.sequence()
    rig.post(inbox)
    rig.follow(inbox)
    assert rig.safe == rig.unsafe == head
    counters = rig.pipeline.counters()
    assert (counters.promoted, counters.executed, counters.replaced) == (3, 0, 0)


def test_another_node_derives_what_was_sequenced(rig: Rig, inbox: Inbox, make_rig: MakeRig) -> None:
    rig.feed(inbox)
    for _ in range(3):
        inbox.mine()
        inbox.deposit(gas=2**24, to=BURNER)
        inbox.forced(transfer(ALICE))
        rig.feed(inbox)
        rig.sequence(transfer(BOB), transfer(BOB))
    rig.sequence()
    rig.sequence()
    rig.post(inbox)
    rig.follow(inbox)
    verifier = make_rig().follow(inbox)
    assert verifier.chain() == rig.chain()
    assert verifier.pipeline.counters().executed == 5
    assert rig.pipeline.counters().promoted == 5


def test_batch_block_of_leaves_out_what_was_not_the_sequencers(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit()
    inbox.forced(b"garbage")
    inbox.forced(transfer(ALICE))
    rig.feed(inbox)
    raw = transfer(BOB)
    number = rig.sequence(raw).number
    assert len(rig.transactions(number)) == 4
    block = batch_block_of(rig.store, number)
    assert block == BatchBlock(rig.timestamp(number), 3, (raw,))


def test_batch_padded_with_invalid_transactions_keeps_the_unsafe_chain(
    rig: Rig, inbox: Inbox
) -> None:
    rig.feed(inbox)
    number = rig.sequence(transfer(ALICE)).number
    head = rig.sequence()
    block = batch_block_of(rig.store, number)
    inbox.mine()
    inbox.batch([replace(block, transactions=(*block.transactions, b"junk"))])
    rig.follow(inbox)
    assert rig.safe.number == 1
    assert rig.unsafe == head
    counters = rig.pipeline.counters()
    assert (counters.promoted, counters.executed, counters.replaced) == (0, 1, 0)


def test_unsafe_block_that_l1_contradicts_gives_way(rig: Rig, inbox: Inbox) -> None:
    rig.feed(inbox)
    raw = transfer(ALICE, to=STRANGER)
    rig.sequence(raw)
    rig.sequence(transfer(ALICE))
    inbox.mine()
    inbox.batch([BatchBlock(GENESIS_TIME + 7, 0, (raw,))])
    rig.follow(inbox)
    assert rig.safe == rig.unsafe
    assert (rig.unsafe.number, rig.timestamp(1)) == (1, GENESIS_TIME + 7)
    assert rig.account(ALICE.address).nonce == 1
    assert rig.pipeline.counters().replaced == 2
    assert rig.pipeline.view.inputs(BlockNumber(2)) is None
    rig.sequence()


def test_overdue_deposit_overrules_the_sequencer(rig: Rig, inbox: Inbox) -> None:
    rig.feed(inbox)
    rig.sequence()
    inbox.deposit()
    inbox.wait(WINDOW)
    rig.post(inbox)
    rig.follow(inbox)
    assert rig.account(RECIPIENT).balance == ETHER
    assert rig.pipeline.counters().replaced == 1


def test_forced_transaction_the_sequencer_censors_is_in_l2_within_its_window(
    rig: Rig, inbox: Inbox
) -> None:
    """Its batches go on without it; the first one after the window can't."""
    rig.feed(inbox)
    inbox.forced(transfer(ALICE, to=STRANGER, value=Wei(9)))
    rig.sequence(l1_number=0)
    rig.post(inbox)
    rig.follow(inbox)
    assert rig.account(STRANGER).balance == 0
    rig.sequence(transfer(BOB, value=Wei(1)), l1_number=0)
    inbox.wait(WINDOW)
    rig.post(inbox)
    rig.follow(inbox)
    assert rig.account(STRANGER).balance == 9
    assert rig.account(ALICE.address).nonce == 1


def test_forced_transaction_is_in_l2_by_anybodys_tick_with_the_sequencer_dead(
    rig: Rig, inbox: Inbox
) -> None:
    """Nothing is posted any more but the tick that the Inbox takes from anybody after a window."""
    rig.feed(inbox)
    rig.sequence()
    rig.post(inbox)
    rig.follow(inbox)
    inbox.forced(transfer(ALICE, to=STRANGER, value=Wei(9)))
    rig.follow(inbox)
    assert rig.account(STRANGER).balance == 0
    inbox.wait(WINDOW)
    inbox.tick()
    rig.follow(inbox)
    assert rig.account(STRANGER).balance == 9
    assert rig.safe == rig.unsafe


def test_replica_with_the_sequencers_blocks_promotes_them(
    rig: Rig, inbox: Inbox, make_rig: MakeRig
) -> None:
    inbox.deposit()
    rig.feed(inbox)
    replica = make_rig()
    replica.feed(inbox)
    for _ in range(2):
        head = rig.sequence(transfer(ALICE))
        block = batch_block_of(rig.store, head.number)
        plan = received_plan(replica.store, replica.log, CONFIG, block)
        replica.write(plan, replica.execute(plan))
        assert replica.unsafe == head
    rig.post(inbox)
    replica.follow(inbox)
    assert replica.pipeline.counters().promoted == 2
    assert replica.chain() == rig.follow(inbox).chain()


# Heads


def test_finalized_head_follows_final_items(rig: Rig, inbox: Inbox) -> None:
    inbox.tick()
    inbox.mine()
    inbox.deposit()
    inbox.tick()
    rig.follow(inbox)
    for count, finalized in ((1, 0), (2, 1), (3, 1), (4, 2)):
        rig.log.set_final(count)
        rig.derive()
        assert rig.store.heads.finalized.number == finalized
    assert rig.unsafe.number == 2


def test_advance_derives_no_more_than_asked(rig: Rig, inbox: Inbox) -> None:
    for _ in range(5):
        inbox.tick()
    rig.feed(inbox)
    progress = rig.pipeline.advance(2)
    assert (progress.derived, progress.waiting) == (2, False)
    progress = rig.pipeline.advance(4)
    assert (progress.derived, progress.waiting) == (3, True)


def test_status_says_where_everything_is(rig: Rig, inbox: Inbox) -> None:
    inbox.tick()
    rig.follow(inbox)
    rig.sequence()
    rig.log.set_final(2)
    rig.derive()
    status = rig.pipeline.status()
    assert (status.unsafe.block, status.safe.block) == (rig.unsafe, rig.safe)
    assert status.finalized.block == rig.safe
    assert (status.items, status.final_items, status.tip) == (2, 2, inbox.tip)
    assert status.unsafe.l1 == status.safe.l1 == inbox.tip
    assert status.cursor == Cursor(2, 0, 0)
    assert status.counters.verdicts == {"tick": 1}
    assert rig.pipeline.view.batch_of(BlockNumber(1)) == inbox.tip
    assert rig.pipeline.view.batch_of(BlockNumber(0)) is None


# L1 reorgs


def test_reset_rewinds_blocks_on_items_taken_back(rig: Rig, inbox: Inbox) -> None:
    inbox.tick()
    inbox.mine()
    inbox.deposit()
    inbox.tick()
    before = rig.follow(inbox).chain()
    assert rig.pipeline.reset(2) == 1
    assert rig.safe == rig.unsafe
    assert rig.chain() == before[:2]
    assert rig.account(RECIPIENT).balance == 0
    assert rig.follow(inbox).chain() == before


def test_reset_keeps_blocks_whose_batch_alone_is_gone(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit()
    rig.feed(inbox)
    rig.sequence(transfer(ALICE))
    head = rig.sequence(transfer(ALICE))
    batch = rig.post(inbox)
    rig.follow(inbox)
    assert rig.pipeline.reset(batch.index) == 0
    assert (rig.safe.number, rig.unsafe) == (0, head)
    assert rig.pipeline.view.boundary(BlockNumber(1)) is None
    later = inbox.fork(batch.index, b"fork")
    later.l1_time = batch.l1_time
    rig.post(later)
    rig.follow(later)
    assert rig.safe == head
    assert rig.pipeline.counters().executed == 0


def test_reorg_of_an_origin_rewinds_the_unsafe_blocks_on_it(rig: Rig, inbox: Inbox) -> None:
    rig.feed(inbox)
    kept = rig.sequence(transfer(ALICE))
    inbox.mine()
    inbox.deposit()
    rig.feed(inbox)
    rig.sequence(transfer(ALICE))
    rig.sequence()
    assert rig.pipeline.reset(1) == 2
    assert rig.unsafe == kept
    rig.sequence()


def test_reorg_of_an_overdue_deposit_rewinds_what_came_after_it_too(rig: Rig, inbox: Inbox) -> None:
    overdue = inbox.deposit()
    inbox.wait(WINDOW)
    batch = inbox.batch([BatchBlock(Timestamp(GENESIS_TIME + n), 0, ()) for n in range(1, 4)])
    rig.follow(inbox)
    rig.pipeline.reset(batch.index)
    assert (rig.safe.number, rig.unsafe.number) == (0, 3)
    rig.pipeline.reset(overdue.index)
    assert rig.unsafe.number == 0


def test_transactions_of_dropped_blocks_are_told_once(rig: Rig, inbox: Inbox) -> None:
    rig.feed(inbox)
    rig.sequence(kept := transfer(ALICE))
    inbox.deposit()
    rig.feed(inbox)
    rig.sequence(first := transfer(BOB))
    rig.sequence(second := transfer(BOB))
    assert rig.pipeline.reset(1) == 2
    assert rig.pipeline.advance().dropped == (first, second)
    assert rig.pipeline.advance().dropped == ()
    fork = inbox.fork(1, b"fork")
    fork.mine()
    fork.batch([])
    rig.feed(fork)
    assert rig.pipeline.advance().dropped == (kept,)


@pytest.mark.parametrize("depth", [1, 5, 64])
def test_reorg_converges_with_a_node_that_never_saw_the_other_fork(
    depth: int, make_rig: MakeRig
) -> None:
    inbox = Inbox()
    for n in range(70):
        inbox.mine()
        if n % 7 == 3:
            inbox.deposit(mint=n)
        else:
            inbox.batch([BatchBlock(inbox.l1_time, inbox.tip.index, ())])
    rig = make_rig().follow(inbox)
    fork = inbox.fork(len(inbox.items) - depth, b"fork")
    for n in range(depth // 2 + 1):
        fork.mine()
        fork.deposit(mint=1_000 + n)
        fork.tick()
    rig.follow(fork)
    assert rig.chain() == make_rig().follow(fork).chain()


def test_reorg_while_the_node_was_down_is_noticed_at_the_start(rig: Rig, inbox: Inbox) -> None:
    inbox.tick()
    inbox.mine()
    inbox.tick()
    rig.follow(inbox)
    rig.log.truncate(2)
    with pytest.raises(DerivationReset):
        sequenced_plan(rig.store, rig.log, CONFIG, now=Timestamp(GENESIS_TIME + 9), l1_number=2**63)
    again = Pipeline(rig.store, CONFIG, InboxLog(rig.store))
    assert again.counters().resets == 1
    assert rig.safe.number == 1


def test_reset_of_a_final_item_stops_and_changes_nothing(rig: Rig, inbox: Inbox) -> None:
    inbox.tick()
    inbox.tick()
    rig.follow(inbox)
    rig.log.set_final(2)
    rig.derive()
    before = rig.store.heads
    with pytest.raises(FinalizedReorg):
        rig.pipeline.reset(1)
    assert (rig.store.heads, rig.log.count) == (before, 3)
    rig.pipeline.reset(2)
    assert rig.safe.number == 1


def test_configuration_without_room_for_deposits_is_refused(rig: Rig) -> None:
    with pytest.raises(ConfigNotDerivable):
        Pipeline(rig.store, replace(CONFIG, block_gas_limit=Gas(2**24)), rig.log)
