"""A block's own phases, step by step on the contracts: from boundary to boundary on any log."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given

from bridge.derive.deposits import Deposit, encode_deposit
from bridge.items import ItemKind
from bridge.limits import DEPOSITS_PER_BLOCK_MAX
from execution.machine.status import Status
from state.batch_codec import BatchBlock, encode_block, encode_blocks
from state.types import Address, Gas, Timestamp, Wei
from tests.bridge.derive.inbox import DEPOSITOR, ETHER, GENESIS_TIME, RECIPIENT, Inbox
from tests.bridge.derive.rig import ALICE, BOB, BURNER, WINDOW, Rig, transfer
from tests.bridge.derive.test_random_logs import FEW, LOGS, Step
from tests.bridge.machine.chains import machine_of
from tests.bridge.machine.test_derivation import INVALID
from tests.bridge.prover.blocks import prove_block

BIG = Gas(2**24)


def block(seconds: int, *transactions: bytes, origin: int = 0) -> BatchBlock:
    return BatchBlock(Timestamp(GENESIS_TIME + seconds), origin, transactions)


def prove_chain(rig: Rig, inbox: Inbox) -> Counter[Status]:
    """Derive the log, and prove the phases of every block and the log's end."""
    rig.follow(inbox)
    proven: Counter[Status] = Counter()
    for number in range(1, rig.safe.number + 2):
        proven += prove_block(machine_of(rig, inbox, number))
    return proven


@FEW
@given(LOGS)
def test_any_log_proves_every_phase_of_every_block(steps: list[Step]) -> None:
    inbox, rig = Inbox(), Rig()
    for step in steps:
        step(inbox)
        inbox.mine()
    prove_chain(rig, inbox)
    rig.close()


# Transactions


@pytest.mark.parametrize("kind", INVALID)
def test_each_kind_of_invalid_transaction_proves(kind: str, rig: Rig, inbox: Inbox) -> None:
    inbox.forced(INVALID[kind])
    inbox.batch([block(2, INVALID[kind], transfer(ALICE), origin=1)])
    prove_chain(rig, inbox)
    assert len(rig.transactions(1)) == 2


def test_duplicate_nonce_within_and_across_batches_proves(rig: Rig, inbox: Inbox) -> None:
    twice = transfer(ALICE)
    inbox.batch([block(2, twice, twice), block(4, twice)])
    inbox.batch([block(6, twice)])
    inbox.forced(twice)
    inbox.tick()
    prove_chain(rig, inbox)
    assert [len(rig.transactions(number)) for number in (1, 2, 3, 4)] == [2, 1, 1, 1]


def test_block_gas_overflow_by_the_sequencers_transactions_proves(rig: Rig, inbox: Inbox) -> None:
    burning = transfer(ALICE, to=BURNER, gas=BIG), transfer(BOB, to=BURNER, gas=BIG)
    inbox.batch([block(2, *burning, transfer(ALICE))])
    assert prove_chain(rig, inbox)[Status.UNFIT] == 1


def test_block_gas_overflow_by_deposits_proves_that_they_carry_over(rig: Rig, inbox: Inbox) -> None:
    for _ in range(2):
        inbox.deposit(gas=BIG, to=BURNER, value=0)
    inbox.forced(transfer(ALICE, to=BURNER, gas=BIG))
    inbox.deposit()
    for _ in range(3):
        inbox.tick()
    assert prove_chain(rig, inbox)[Status.UNFIT] == 2


# Batches


def whole() -> bytes:
    return encode_blocks([block(2, transfer(ALICE)), block(4, transfer(ALICE), b"x")])


@pytest.mark.parametrize("cut", [1, 2, 5, 6, 7, 25, 26])
def test_truncated_batch_proves(cut: int, rig: Rig, inbox: Inbox) -> None:
    inbox.posted(b"\0" + whole()[:-cut])
    inbox.tick()
    prove_chain(rig, inbox)
    assert len(rig.transactions(2)) == 1


def test_truncated_head_of_every_size_proves(rig: Rig, inbox: Inbox) -> None:
    for size in range(20):
        inbox.posted(b"\0" + encode_block(block(2))[:size])
    assert Status.SCAN not in prove_chain(rig, inbox)


@pytest.mark.parametrize(
    "posted",
    [b"\0", b"\x02" + bytes(40), b"garbage", b"\x01\xff\xff", b"\0" + b"\xff" * 60],
    ids=["no payload", "codec", "garbage", "cut short", "impossible"],
)
def test_garbage_batch_proves_an_empty_block(posted: bytes, rig: Rig, inbox: Inbox) -> None:
    inbox.posted(posted)
    prove_chain(rig, inbox)
    assert len(rig.transactions(1)) == 1


def test_bomb_batch_that_decodes_to_too_much_proves(rig: Rig, inbox: Inbox) -> None:
    inbox.posted(b"\x01\x1f\0\x01\0" + b"\xff" * 1_029 + b"\0")
    assert Status.SCAN not in prove_chain(rig, inbox)


def test_bomb_batch_that_counts_too_many_proves(rig: Rig, inbox: Inbox) -> None:
    inbox.posted(b"\0" + encode_block(block(2))[:16] + b"\xff" * 4 + bytes(4 * 50))
    assert prove_chain(rig, inbox)[Status.SCAN] == 51


def test_transaction_of_the_greatest_length_and_one_longer_prove(rig: Rig, inbox: Inbox) -> None:
    inbox.batch([block(2, bytes(65_536), transfer(ALICE))])
    inbox.batch([block(4, bytes(65_537), transfer(ALICE))])
    prove_chain(rig, inbox)
    assert [len(rig.transactions(number)) for number in (1, 2)] == [2, 1]


def test_transactions_at_every_place_of_a_word_prove(rig: Rig, inbox: Inbox) -> None:
    """Lengths and transactions that begin and end anywhere within the payload's words."""
    inbox.batch([block(2, *(b"\x01" * size for size in range(70)), transfer(ALICE))])
    assert prove_chain(rig, inbox)[Status.SCAN] == 72


def test_empty_batch_proves(rig: Rig, inbox: Inbox) -> None:
    inbox.batch([block(2), block(3)])
    prove_chain(rig, inbox)
    assert rig.safe.number == 2


@pytest.mark.parametrize(
    "head",
    [
        block(0),
        block(100),
        block(101),
        block(2, origin=1),
        block(2, origin=2),
        BatchBlock(Timestamp(2**64 - 1), 2**64 - 1, ()),
    ],
    ids=["at the parent", "in time", "ahead", "own origin", "later origin", "all bits"],
)
def test_head_at_the_edge_of_each_rule_proves(head: BatchBlock, rig: Rig, inbox: Inbox) -> None:
    inbox.batch([head, block(200)])
    prove_chain(rig, inbox)


def test_origin_before_the_parents_proves(rig: Rig, inbox: Inbox) -> None:
    inbox.batch([block(2, origin=1), block(3, origin=1), block(4, origin=0)])
    prove_chain(rig, inbox)


# Deposits and forced transactions


def test_deposit_only_block_proves(rig: Rig, inbox: Inbox) -> None:
    inbox.deposit()
    inbox.deposit(mint=ETHER, value=2 * ETHER)
    inbox.tick()
    assert Status.DECODE not in prove_chain(rig, inbox)
    assert len(rig.transactions(1)) == 3


@pytest.mark.parametrize("wait", [WINDOW - 1, WINDOW])
def test_censored_deposit_proves_to_be_due_at_the_window(wait: int, rig: Rig, inbox: Inbox) -> None:
    inbox.deposit()
    inbox.wait(wait)
    inbox.batch([block(wait)])
    prove_chain(rig, inbox)
    assert len(rig.transactions(1)) == (2 if wait == WINDOW else 1)


def test_deposit_of_a_later_time_than_the_batch_is_not_due(rig: Rig, inbox: Inbox) -> None:
    inbox.batch([block(2)])
    inbox.wait(3 * WINDOW)
    inbox.deposit()
    prove_chain(rig, inbox)
    assert len(rig.transactions(1)) == 1


@pytest.mark.parametrize("extra", [0, 1])
def test_more_than_64_deposits_prove(extra: int, rig: Rig, inbox: Inbox) -> None:
    for _ in range(DEPOSITS_PER_BLOCK_MAX + extra):
        inbox.deposit(gas=0)
    for _ in range(2):
        inbox.tick()
    prove_chain(rig, inbox)
    assert len(rig.transactions(1)) == 65
    assert len(rig.transactions(2)) == 1 + extra


def words(*values: int) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


def deposit_data(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "mint": Wei(1), "value": Wei(2), "gas": Gas(21_000), "to": RECIPIENT, "data": b"",
    }  # fmt: skip
    return encode_deposit(Deposit(**fields | changes))  # type: ignore[arg-type]


TO = int.from_bytes(RECIPIENT, "big")
ITEMS = {
    "plain": deposit_data(),
    "creation": deposit_data(to=None),
    "to nobody": deposit_data(to=Address(bytes(20))),
    "no amounts": deposit_data(mint=Wei(0), value=Wei(0), gas=Gas(0)),
    "greatest amounts": deposit_data(mint=Wei(2**128 - 1), value=Wei(2**256 - 1), gas=BIG),
    "one byte below 0x80": deposit_data(data=b"\x7f"),
    "one byte": deposit_data(data=b"\x80"),
    "31 bytes": deposit_data(data=bytes(range(1, 32))),
    "32 bytes": deposit_data(data=bytes(range(32))),
    "33 bytes": deposit_data(data=bytes(range(33))),
    "greatest data": deposit_data(data=Random(1).randbytes(65_536)),
    "void: no data": b"",
    "void: not a head": deposit_data()[:-1],
    "void: data too long": deposit_data(data=bytes(65_537)),
    "void: mint too large": deposit_data(mint=Wei(2**128)),
    "void: gas above the cap": deposit_data(gas=Gas(BIG + 1)),
    "void: isCreation is 2": words(1, 2, 3, 2, 0, 192, 0),
    "void: creation with a recipient": words(1, 2, 3, 1, TO, 192, 0),
    "void: recipient too large": words(1, 2, 3, 0, 2**160, 192, 0),
    "void: data elsewhere": words(1, 2, 3, 0, TO, 224, 0),
    "void: length too large": words(1, 2, 3, 0, TO, 192, 33, 0),
    "void: length of all bits": words(1, 2, 3, 0, TO, 192, 2**256 - 1, 0),
    "void: a word too many": words(1, 2, 3, 0, TO, 192, 0, 0),
    "void: half a word": words(1, 2, 3, 0, TO, 192, 5) + bytes(16),
    "void: dirty padding": words(1, 2, 3, 0, TO, 192, 5) + b"12345" + bytes(26) + b"\x01",
}


@pytest.mark.parametrize("kind", ITEMS)
def test_deposit_of_each_form_proves_what_it_is(kind: str, rig: Rig, inbox: Inbox) -> None:
    inbox.append(ItemKind.DEPOSIT, DEPOSITOR, ITEMS[kind])
    inbox.tick()
    prove_chain(rig, inbox)
    assert len(rig.transactions(1)) == (1 if kind.startswith("void") else 2)


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537])
def test_forced_item_of_each_size_proves(size: int, rig: Rig, inbox: Inbox) -> None:
    inbox.forced(b"\x01" * size)
    inbox.tick()
    prove_chain(rig, inbox)


# The environment


@pytest.mark.parametrize("used", [Gas(0), BIG])
def test_base_fee_that_falls_or_rises_proves(used: int, rig: Rig, inbox: Inbox) -> None:
    burn = [transfer(ALICE, to=BURNER, gas=BIG)] if used else []
    inbox.batch([block(2, *burn), block(3), block(4)])
    prove_chain(rig, inbox)


def test_tick_whose_time_the_chain_has_passed_proves(rig: Rig, inbox: Inbox) -> None:
    inbox.batch([block(90)])
    inbox.tick()
    inbox.tick()
    prove_chain(rig, inbox)
    assert rig.timestamp(3) == GENESIS_TIME + 92


def test_ring_of_block_hashes_that_has_gone_round_proves(rig: Rig, inbox: Inbox) -> None:
    """A block whose place in the ring is that of one 256 blocks before."""
    inbox.wait(300)
    inbox.batch([block(n) for n in range(1, 259)])
    rig.follow(inbox)
    for number in (255, 256, 257):
        prove_block(machine_of(rig, inbox, number))


def test_every_step_of_whole_blocks_proves(rig: Rig, inbox: Inbox) -> None:
    """Not the phases alone: the transactions' steps too, of each kind of transaction."""
    inbox.deposit()
    inbox.deposit(to=None, value=0, mint=0, data=bytes.fromhex("600160005560015ff3"), gas=200_000)
    inbox.forced(BOB.raw(nonce=0, to=BURNER, gas=Gas(30_000)))
    inbox.batch([block(2, transfer(ALICE), b"junk", transfer(ALICE), origin=3), block(3)])
    rig.follow(inbox)
    for number in (1, 2):
        proven = prove_block(machine_of(rig, inbox, number), chosen=lambda machine: True)
        assert proven[Status.RUN] > 20
        assert proven[Status.RECEIPT] == len(rig.transactions(number))
