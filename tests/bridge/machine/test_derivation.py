"""Derivation as steps: whatever stands in the log, the machine makes the node's block of it."""

import pytest

from bridge.boundary import genesis_boundary
from bridge.derive.batches import Payloads
from bridge.derive.plan import Parent, next_block
from bridge.derive.records import GENESIS_ANCHOR
from bridge.derive.source import ItemList
from bridge.items import Cursor, ItemKind, Origin
from bridge.limits import DEPOSITS_PER_BLOCK_MAX
from bridge.machine.block_machine import BlockMachine
from bridge.machine.prefix import Prefix
from execution.machine.opcodes.creates import creation_address
from execution.machine.status import Status
from execution.transition import execute_block
from genesis.builder import GenesisAccount, build_genesis
from state.batch_codec import BatchBlock, encode_blocks
from state.limits import BATCH_DECODED_BYTES_MAX
from state.memory_state import MemoryState
from state.types import Address, BlockNumber, Gas, Timestamp, Wei
from tests.bridge.derive.inbox import DEPOSITOR, ETHER, GENESIS_TIME, SEQUENCER, Inbox
from tests.bridge.derive.rig import ALICE, BOB, BURNER, CONFIG, DRIFT, WINDOW, Rig, transfer
from tests.bridge.machine.chains import FAR_BLOCK, check_chain, hash_of, machine_of, phases, trail

STRANGER = Address(b"\x77" * 20)
BIG = Gas(2**24)


def block(seconds: int, *transactions: bytes, origin: int = 0) -> BatchBlock:
    return BatchBlock(Timestamp(GENESIS_TIME + seconds), origin, transactions)


# Transactions

INVALID = {
    "no bytes": b"",
    "garbage": b"\xf8\xff",
    "blob": b"\x03" + bytes(40),
    "deposit": b"\x7e" + bytes(40),
    "wrong chain": ALICE.raw(nonce=0, chain_id=1),
    "high s": ALICE.raw(nonce=0)[:-32] + b"\xff" * 32,
    "nonce too high": ALICE.raw(nonce=1),
    "nonce overflow": ALICE.raw(nonce=2**64 - 1),
    "no funds": ALICE.raw(nonce=0, value=Wei(2_000 * ETHER)),
    "intrinsic gas": ALICE.raw(nonce=0, gas=Gas(20_999)),
    "transaction gas cap": ALICE.raw(nonce=0, gas=Gas(2**24 + 1)),
    "fee below base fee": ALICE.raw(
        nonce=0, max_fee_per_gas=Wei(1), max_priority_fee_per_gas=Wei(0)
    ),
    "tip above fee": ALICE.raw(nonce=0, max_priority_fee_per_gas=Wei(10**12)),
    "initcode": ALICE.raw(nonce=0, to=None, data=bytes(49_153), gas=BIG),
}


@pytest.mark.parametrize("kind", INVALID)
def test_each_kind_of_invalid_transaction_is_skipped(kind: str, rig: Rig, inbox: Inbox) -> None:
    inbox.batch([block(2, INVALID[kind], transfer(ALICE))])
    check_chain(rig, inbox)
    assert len(rig.transactions(1)) == 2


@pytest.mark.parametrize("kind", INVALID)
def test_each_kind_of_invalid_forced_transaction_is_taken_and_skipped(
    kind: str, rig: Rig, inbox: Inbox
) -> None:
    inbox.forced(INVALID[kind])
    inbox.forced(transfer(ALICE))
    inbox.tick()
    (machine,) = check_chain(rig, inbox)
    assert machine.boundary.cursor.next_deposit == 2
    assert len(rig.transactions(1)) == 2


def test_invalid_transaction_of_a_sender_with_code_is_skipped(inbox: Inbox) -> None:
    """EIP-3607, on a genesis of its own: the first block by plan, execution and machine."""
    inbox.batch([block(2, ALICE.raw(nonce=0), BOB.raw(nonce=0))])
    rich = Wei(10 * ETHER)
    alloc = {
        ALICE.address: GenesisAccount(balance=rich, code=b"\0"),
        BOB.address: GenesisAccount(balance=rich),
    }
    genesis = build_genesis(CONFIG, alloc)
    state = MemoryState().apply(genesis.update)
    log = ItemList(inbox.items)
    parent = Parent(genesis.header, Origin(), GENESIS_ANCHOR)
    plan = next_block(parent, Cursor(), log, CONFIG, Payloads())
    assert plan is not None
    ancestors = {0: genesis.hash}.get
    result = execute_block(
        genesis.header, state, plan.block.attributes, plan.block.candidates, CONFIG, ancestors
    )
    assert [skipped.position for skipped in result.skipped] == [1]
    machine = BlockMachine(
        genesis_boundary(CONFIG, genesis), genesis.header, state, ancestors,
        Prefix(log, len(inbox.items)), CONFIG, FAR_BLOCK,
    )  # fmt: skip
    machine.run()
    assert machine.header == result.sealed.header


def test_duplicate_nonce_within_a_batch_is_included_once(rig: Rig, inbox: Inbox) -> None:
    twice = transfer(ALICE)
    inbox.batch([block(2, twice, twice), block(4, twice)])
    check_chain(rig, inbox)
    assert [len(rig.transactions(number)) for number in (1, 2)] == [2, 1]


def test_duplicate_nonce_across_batches_is_included_once(rig: Rig, inbox: Inbox) -> None:
    twice = transfer(ALICE)
    inbox.batch([block(2, twice)])
    inbox.batch([block(4, twice)])
    inbox.forced(twice)
    inbox.tick()
    check_chain(rig, inbox)
    assert [len(rig.transactions(number)) for number in (1, 2, 3)] == [2, 1, 1]


def test_block_gas_overflow_skips_the_sequencers_and_goes_on(rig: Rig, inbox: Inbox) -> None:
    burning = transfer(ALICE, to=BURNER, gas=BIG), transfer(BOB, to=BURNER, gas=BIG)
    inbox.batch([block(2, *burning, transfer(ALICE))])
    check_chain(rig, inbox)
    assert len(rig.transactions(1)) == 3
    assert trail(machine_of(rig, inbox, 1)).count(Status.UNFIT) == 1


def test_block_gas_overflow_carries_deposits_over_in_order(rig: Rig, inbox: Inbox) -> None:
    for n in range(3):
        inbox.deposit(mint=ETHER, value=0, gas=BIG, to=BURNER, sender=Address(bytes([n + 1]) * 20))
    inbox.forced(transfer(ALICE, to=BURNER, gas=BIG))
    inbox.deposit(to=STRANGER)
    for _ in range(4):
        inbox.tick()
    machines = check_chain(rig, inbox)
    assert [machine.boundary.cursor.next_deposit for machine in machines] == [1, 2, 3, 5]


def test_block_gas_overflow_by_a_deposit_leaves_the_sequencers_their_place(
    rig: Rig, inbox: Inbox
) -> None:
    for _ in range(2):
        inbox.deposit(gas=BIG, to=BURNER, value=0)
    inbox.batch([block(2, transfer(ALICE), origin=2)])
    check_chain(rig, inbox)
    assert len(rig.transactions(1)) == 3


# Batches


def whole() -> bytes:
    return encode_blocks([block(2, transfer(ALICE)), block(4, transfer(ALICE), b"x")])


@pytest.mark.parametrize("cut", [1, 2, 5, 6, 7, 25, 26])
def test_truncated_batch_keeps_the_blocks_before_and_drops_the_rest(
    cut: int, rig: Rig, inbox: Inbox
) -> None:
    inbox.posted(b"\0" + whole()[:-cut])
    inbox.tick()
    machines = check_chain(rig, inbox)
    assert len(rig.transactions(1)) == 2
    assert len(rig.transactions(2)) == 1
    assert machines[1].boundary.cursor == Cursor(2, 0, 0)


def test_truncated_head_makes_one_empty_block(rig: Rig, inbox: Inbox) -> None:
    for size in range(20):
        inbox.posted(b"\0" + encode_blocks([block(2 + size)])[:size])
    check_chain(rig, inbox)
    assert rig.safe.number == 20


@pytest.mark.parametrize(
    "posted",
    [
        b"",
        b"\0",
        b"\x02" + bytes(40),
        b"garbage",
        b"\x01\xff\xff",
        b"\0" + bytes(81_920),
        b"\0" + b"\xff" * 60,
    ],
    ids=["nothing", "no payload", "codec", "garbage", "cut short", "too long", "impossible"],
)
def test_garbage_batch_makes_one_empty_block(posted: bytes, rig: Rig, inbox: Inbox) -> None:
    inbox.posted(posted)
    (machine,) = check_chain(rig, inbox)
    assert len(rig.transactions(1)) == 1
    assert machine.boundary.cursor == Cursor(2, 0, 0)


def test_bomb_batch_that_decodes_to_too_much_is_void(rig: Rig, inbox: Inbox) -> None:
    """One literal, and a match that repeats it more often than a payload may be long."""
    more = b"\xff" * (BATCH_DECODED_BYTES_MAX // 255 + 1)
    inbox.posted(b"\x01" + b"\x1f\0" + b"\x01\0" + more + b"\0")
    check_chain(rig, inbox)
    assert Status.SCAN not in trail(machine_of(rig, inbox, 1))


def test_bomb_batch_of_empty_transactions_is_gone_through(rig: Rig, inbox: Inbox) -> None:
    """Each costs four bytes of length, and the block four steps and a scan."""
    inbox.batch([block(2, *[b""] * 2_000, transfer(ALICE))])
    (machine,) = check_chain(rig, inbox)
    assert len(rig.transactions(1)) == 2
    assert machine.steps > 3 * 2_000


def test_bomb_batch_that_counts_too_many_is_scanned_to_its_end(rig: Rig, inbox: Inbox) -> None:
    payload = encode_blocks([block(2)])[:16] + b"\xff" * 4 + bytes(4 * 100)
    inbox.posted(b"\0" + payload)
    check_chain(rig, inbox)
    assert trail(machine_of(rig, inbox, 1)).count(Status.SCAN) == 101


def test_transaction_of_the_greatest_length_is_taken_and_a_longer_one_drops_the_batch(
    rig: Rig, inbox: Inbox
) -> None:
    inbox.batch([block(2, bytes(65_536), transfer(ALICE))])
    inbox.batch([block(4, bytes(65_537), transfer(ALICE))])
    check_chain(rig, inbox)
    assert [len(rig.transactions(number)) for number in (1, 2)] == [2, 1]


def test_empty_batch_block_has_only_the_attributes(rig: Rig, inbox: Inbox) -> None:
    inbox.batch([block(2), block(3)])
    machines = check_chain(rig, inbox)
    assert [machine.boundary.cursor for machine in machines] == [Cursor(1, 20, 0), Cursor(2, 0, 0)]


@pytest.mark.parametrize(
    "head",
    [
        block(0, b"dropped"),
        block(DRIFT + 1, b"dropped"),
        block(2, b"dropped", origin=2),
        BatchBlock(Timestamp(2**64 - 1), 2**64 - 1, ()),
    ],
    ids=["not after the parent", "ahead of L1", "origin beyond the batch", "all bits"],
)
def test_bad_head_makes_an_empty_block(head: BatchBlock, rig: Rig, inbox: Inbox) -> None:
    inbox.batch([head, block(5, transfer(ALICE))])
    check_chain(rig, inbox)
    assert rig.safe.number == 1
    assert len(rig.transactions(1)) == 1


def test_head_at_the_very_edges_is_good(rig: Rig, inbox: Inbox) -> None:
    """One second after the parent, as far ahead of L1 as drift allows, its own item as origin."""
    inbox.batch([block(1, transfer(ALICE)), block(DRIFT, transfer(ALICE), origin=1)])
    check_chain(rig, inbox)
    assert [len(rig.transactions(number)) for number in (1, 2)] == [2, 2]


def test_head_with_an_origin_before_the_parents_makes_an_empty_block(
    rig: Rig, inbox: Inbox
) -> None:
    inbox.batch([block(2, origin=1), block(3, origin=1), block(4, origin=0)])
    machines = check_chain(rig, inbox)
    origins = [machine.boundary.origin for machine in machines]
    assert origins == [Origin(1, 0), Origin(1, 1), Origin(1, 2)]


# Ticks, deposits and forced transactions


def test_deposit_only_block_takes_what_the_tick_passes(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit(to=STRANGER)
    inbox.deposit(mint=ETHER, value=2 * ETHER, to=STRANGER)
    inbox.tick()
    (machine,) = check_chain(rig, inbox)
    assert len(rig.transactions(1)) == 3
    assert Status.DECODE not in trail(machine_of(rig, inbox, 1))
    assert machine.boundary.origin == Origin(3, 0)


def test_censored_deposit_is_taken_once_the_window_has_passed(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit(to=STRANGER)
    inbox.batch([block(2)])
    inbox.wait(WINDOW - 1)
    inbox.batch([block(3)])
    inbox.wait(1)
    inbox.batch([block(4)])
    machines = check_chain(rig, inbox)
    assert [machine.boundary.cursor.next_deposit for machine in machines] == [0, 0, 1]
    assert machines[-1].boundary.origin.item == 0


def test_void_items_are_taken_and_leave_nothing(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit(mint=2**128)
    inbox.append(ItemKind.DEPOSIT, DEPOSITOR, b"not canonical")
    inbox.forced(bytes(65_537))
    inbox.forced(b"")
    inbox.deposit(to=STRANGER)
    inbox.tick()
    (machine,) = check_chain(rig, inbox)
    assert machine.boundary.cursor.next_deposit == 5
    assert len(rig.transactions(1)) == 2


@pytest.mark.parametrize("extra", [0, 1, 70])
def test_more_than_64_deposits_are_spread_over_blocks(extra: int, rig: Rig, inbox: Inbox) -> None:
    for n in range(DEPOSITS_PER_BLOCK_MAX + extra):
        inbox.deposit(gas=(0, 21_000)[n % 2], to=STRANGER)
    for _ in range(3):
        inbox.tick()
    machines = check_chain(rig, inbox)
    taken = [machine.boundary.cursor.next_deposit for machine in machines]
    total = DEPOSITS_PER_BLOCK_MAX + extra
    assert taken == [64, min(128, total), total]


def test_deposits_of_every_shape_end_as_in_the_engine(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit(mint=0, value=5, gas=21_000)
    inbox.deposit(mint=5, value=5, gas=20_999)
    inbox.deposit(to=None, value=1, mint=9, data=bytes.fromhex("60015ff3"))
    inbox.deposit(to=None, value=0, data=bytes(60_000), gas=2**24)
    inbox.deposit(to=BURNER, gas=30_000)
    inbox.forced(transfer(ALICE, to=BURNER, gas=Gas(30_000)))
    inbox.tick()
    check_chain(rig, inbox)
    assert len(rig.transactions(1)) == 7


def test_tick_of_anybody_and_batch_of_the_sequencer_are_told_by_kind(
    rig: Rig, inbox: Inbox
) -> None:
    """A tick's data is no batch, whatever it is."""
    inbox.append(ItemKind.TICK, SEQUENCER, b"\0" + whole())
    check_chain(rig, inbox)
    assert len(rig.transactions(1)) == 1


# BLOCKHASH


def test_blockhash_of_n_and_of_1_256_and_257_blocks_before(rig: Rig, inbox: Inbox) -> None:
    """A creation that keeps what it sees in its first slots."""
    inbox.wait(300)
    depths = (0, 1, 256, 257)
    initcode = "".join(f"61{k:04x}43034060{i:02x}55" for i, k in enumerate(depths))
    create = transfer(ALICE, to=None, data=bytes.fromhex(initcode), gas=Gas(300_000), value=Wei(0))
    last = 260
    inbox.batch([*[block(n) for n in range(1, last)], block(last, create)])
    rig.follow(inbox)
    machine = machine_of(rig, inbox, last)
    machine.run()
    assert machine.header == rig.pipeline.view.header(BlockNumber(last))
    assert machine.boundary == rig.pipeline.view.boundary(BlockNumber(last))
    slots = machine.diff().storage[creation_address(ALICE.address, 0)]
    known = {i: hash_of(rig, last - k) for i, k in enumerate(depths) if k in (1, 256)}
    assert slots == {i: int.from_bytes(known[i] or b"", "big") for i in known}


def test_phases_of_a_block_follow_the_documented_order(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit()
    inbox.batch([block(2, transfer(ALICE), transfer(ALICE), origin=1)])
    rig.follow(inbox)
    assert phases(trail(machine_of(rig, inbox, 1))) == [
        Status.BOUNDARY,
        Status.DECODE,
        *[Status.SCAN] * 3,
        Status.ORIGIN,
        *[Status.NEXT] * 5,
        *[Status.HASH_TRANSACTION] * 5,
        Status.TRANSACTIONS_ROOT,
        *[Status.HASH_RECEIPT] * 5,
        Status.RECEIPTS_ROOT,
        Status.SEAL,
    ]
