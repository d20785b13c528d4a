"""Witnesses and places in the trace that lie about a block: a step has one proof, its own."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.derive.accumulator import item_words
from bridge.derive.source import ItemList
from bridge.dispute.prover_set import PROVERS
from bridge.items import InboxItem
from bridge.machine.bare import boundary_machine_hash
from bridge.machine.block_machine import BlockMachine
from bridge.machine.limits import BLOCK_STEPS
from bridge.machine.prefix import Prefix
from execution.machine.status import Status
from state.batch_codec import BatchBlock
from state.types import BlockNumber, Timestamp
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, BOB, WINDOW, Rig
from tests.bridge.machine.chains import machine_of
from tests.bridge.prover.blocks import (
    Step,
    assert_every_flip_is_refused,
    prove_step,
    prover,
    until,
)

FIRST = BatchBlock(Timestamp(GENESIS_TIME + 2), 1, (ALICE.raw(nonce=0), b"junk"))
SECOND = BatchBlock(Timestamp(GENESIS_TIME + 4), 1, (BOB.raw(nonce=0),))
PHASES = [status for status in Status if status is Status.NEXT or status >= Status.BOUNDARY]
WORD = 32
MACHINE_BYTES, INPUTS_BYTES, BLOCK_BYTES = 11 * WORD, 19 * WORD, 21 * WORD


@pytest.fixture
def followed(rig: Rig, inbox: Inbox) -> Rig:
    """A deposit, a batch of two blocks, and a deposit that comes after it."""
    inbox.deposit(data=b"\x01\x02\x03")
    inbox.batch([FIRST, SECOND])
    inbox.wait(WINDOW)
    inbox.deposit()
    return rig.follow(inbox)


def at(rig: Rig, inbox: Inbox, status: Status, number: int = 1) -> BlockMachine:
    return until(machine_of(rig, inbox, number), status)


# Bytes

REACHED = [status for status in PHASES if status not in (Status.EXHAUSTED, Status.UNFIT)]


@pytest.mark.parametrize("status", REACHED)
def test_flip_of_any_witness_byte_is_refused(status: Status, followed: Rig, inbox: Inbox) -> None:
    assert_every_flip_is_refused(at(followed, inbox, status))


def test_flip_of_any_witness_byte_of_a_transaction_is_refused(followed: Rig, inbox: Inbox) -> None:
    machine = at(followed, inbox, Status.NEXT)
    while machine.inputs is not None and machine.inputs.taking:
        machine.step()
        until(machine, Status.NEXT)
    assert_every_flip_is_refused(machine)


def test_flip_of_any_witness_byte_where_the_log_ends_is_refused(
    followed: Rig, inbox: Inbox
) -> None:
    machine = machine_of(followed, inbox, 3)
    assert_every_flip_is_refused(machine)
    assert machine.status is Status.EXHAUSTED
    assert_every_flip_is_refused(machine)


def test_flip_of_any_witness_byte_of_what_does_not_fit_is_refused(rig: Rig, inbox: Inbox) -> None:
    for _ in range(2):
        inbox.deposit(gas=2**24, to=None, data=b"\xfe", value=0)
    inbox.tick()
    rig.follow(inbox)
    assert_every_flip_is_refused(at(rig, inbox, Status.UNFIT))


def test_witness_of_another_step_is_refused(followed: Rig, inbox: Inbox) -> None:
    """Of another status, another transaction, or another block."""
    steps = [Step(at(followed, inbox, status, number)) for status in REACHED for number in (1, 2)]
    for step in steps:
        for other in steps:
            if other.before != step.before:
                assert step.refuses(other.witness), f"{step.status.name} by {other.status.name}"


def test_witness_of_another_blocks_inputs_is_refused(followed: Rig, inbox: Inbox) -> None:
    """The parts of two witnesses, each well authenticated where it belongs."""
    one, two = (Step(at(followed, inbox, Status.SEAL, number)) for number in (1, 2))
    start = MACHINE_BYTES + BLOCK_BYTES
    end = start + INPUTS_BYTES
    assert one.refuses(one.witness[:start] + two.witness[start:end] + one.witness[end:])


# The inbox


def test_wrong_inbox_prefix_is_refused(followed: Rig, inbox: Inbox) -> None:
    """A witness made for more or fewer items than the game counts."""
    step = Step(machine_of(followed, inbox, 1))
    assert not step.refuses()
    for count in (0, 1, 2, 3):
        assert step.refuses(inbox_count=count)


def test_item_beyond_the_prefix_is_refused_and_without_it_the_log_is_exhausted(
    followed: Rig, inbox: Inbox
) -> None:
    """Item 2, the batch, is there on L1; for a game that counts two items it isn't."""
    short = Prefix(ItemList(inbox.items), 2)
    machine = machine_of(followed, inbox, 1, prefix=short)
    step = Step(machine)
    whole = Step(machine_of(followed, inbox, 1))
    assert step.before == whole.before
    assert step.refuses(whole.witness)
    machine.step()
    assert step.answer() == machine.machine_hash()
    assert machine.status is Status.EXHAUSTED


def test_item_that_exists_cannot_be_left_out(followed: Rig, inbox: Inbox) -> None:
    step = Step(machine_of(followed, inbox, 1))
    boundary_and_last = step.witness[: MACHINE_BYTES + 24 * WORD]
    assert step.refuses(boundary_and_last)
    taking = Step(at(followed, inbox, Status.NEXT))
    assert taking.refuses(taking.witness[: MACHINE_BYTES + BLOCK_BYTES + INPUTS_BYTES + 12 * WORD])


@pytest.mark.parametrize("index", [0, 1, 3])
def test_another_item_in_the_place_of_the_batch_is_refused(
    index: int, followed: Rig, inbox: Inbox
) -> None:
    """Item 0 is a tick with another ordinal; 1 and 3 are deposits."""
    step = Step(machine_of(followed, inbox, 1))
    place = MACHINE_BYTES + 24 * WORD
    wrong = item_bytes(inbox.items, index)
    assert step.witness[place:] == item_bytes(inbox.items, 2)
    assert step.refuses(step.witness[:place] + wrong)


def test_last_item_that_is_not_the_last_is_refused(followed: Rig, inbox: Inbox) -> None:
    """With an earlier one there would seem to be fewer batches."""
    step = Step(machine_of(followed, inbox, 2))
    place = MACHINE_BYTES + 12 * WORD
    for index in range(3):
        wrong = item_bytes(inbox.items, index)
        assert step.refuses(step.witness[:place] + wrong + step.witness[place + 12 * WORD :])
        assert step.refuses(step.witness[:place] + wrong)


def test_item_of_another_inbox_is_refused(followed: Rig, inbox: Inbox) -> None:
    """L1 took the batch back and has another in its place: what was proven no longer is."""
    step = Step(at(followed, inbox, Status.DECODE))
    assert not step.refuses()
    fork = inbox.fork(2, b"fork")
    fork.batch([FIRST])
    fork.tick()
    step.items = fork.items
    assert step.refuses()


def item_bytes(items: list[InboxItem], index: int) -> bytes:
    previous = items[index - 1].acc if index else bytes(32)
    return b"".join(item_words(previous, items[index]))


# Places in the trace


def test_block_boundary_idles_everywhere_but_where_a_block_begins(
    followed: Rig, inbox: Inbox
) -> None:
    machine = machine_of(followed, inbox, 1)
    machine.run()
    first = machine.steps
    for steps in (first, first + 1, BLOCK_STEPS - 1):
        machine.advance(steps - machine.steps)
        step = Step(machine)
        assert len(step.witness) == MACHINE_BYTES
        assert step.answer() == step.before
        assert step.refuses(trace_index=BLOCK_STEPS)
    machine.advance(1)
    beginning = Step(machine)
    assert beginning.trace_index == BLOCK_STEPS
    after = machine_of(followed, inbox, 2)
    after.step()
    assert beginning.answer() == after.machine_hash()
    assert beginning.refuses(trace_index=BLOCK_STEPS + 1)


def test_block_boundary_of_any_later_block_begins_it(followed: Rig, inbox: Inbox) -> None:
    """Indexes count from the game's anchor: only where they stand in a block matters."""
    machine = machine_of(followed, inbox, 2)
    step = prove_step(machine)
    for blocks in (0, 1, 2**20 - 1):
        assert step.answer(trace_index=blocks * BLOCK_STEPS) == machine.machine_hash()


def test_boundary_past_the_claimed_block_idles_for_ever(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 3, last_block=BlockNumber(2))
    step = prove_step(machine)
    assert step.answer() == step.before == machine.machine_hash()
    assert step.answer(l2_block=1, trace_index=2**46 - BLOCK_STEPS) == step.before
    assert step.refuses(l2_block=3)


def test_exhausted_prefix_is_no_boundary_and_has_no_way_out(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 3)
    machine.step()
    step = Step(machine)
    for index in (1, BLOCK_STEPS, 2**46 - 1):
        assert step.answer(trace_index=index) == step.before
        assert step.answer(trace_index=index, inbox_count=4, l2_block=1) == step.before
    assert step.before != boundary_machine_hash(machine.boundary.output_root)


# Roots


CURSORS: dict[str, Callable[[BlockMachine], dict[str, int]]] = {
    "batch": lambda m: {"next_batch": m.boundary.cursor.next_batch + 1},
    "offset": lambda m: {"offset": m.boundary.cursor.offset + 1},
    "deposit": lambda m: {"next_deposit": m.boundary.cursor.next_deposit + 1},
}


@pytest.mark.parametrize("field", CURSORS)
def test_right_root_with_a_wrong_cursor_is_another_state(
    field: str, followed: Rig, inbox: Inbox
) -> None:
    """The block is right and so is its proof, but the claimed cursor isn't what that proves."""
    machine = at(followed, inbox, Status.SEAL)
    step = prove_step(machine)
    cursor = replace(machine.boundary.cursor, **CURSORS[field](machine))
    claimed = replace(machine.boundary, cursor=cursor)
    assert step.answer() == boundary_machine_hash(machine.boundary.output_root)
    assert step.answer() != boundary_machine_hash(claimed.output_root)


def test_leaves_in_another_order_or_of_another_number_are_refused(
    followed: Rig, inbox: Inbox
) -> None:
    step = Step(at(followed, inbox, Status.TRANSACTIONS_ROOT))
    place = MACHINE_BYTES + BLOCK_BYTES + INPUTS_BYTES
    head, leaves = step.witness[:place], step.witness[place:]
    assert len(leaves) == 3 * WORD
    assert step.refuses(head + leaves[WORD:] + leaves[:WORD])
    assert step.refuses(head + leaves[WORD:])
    assert step.refuses(head + bytes(WORD) + leaves)


def test_item_of_a_list_in_the_place_of_another_is_refused(followed: Rig, inbox: Inbox) -> None:
    """The last transaction's witness where the last receipt's belongs, and the other way round."""
    transaction = Step(at(followed, inbox, Status.HASH_TRANSACTION))
    receipt = Step(at(followed, inbox, Status.HASH_RECEIPT))
    place = MACHINE_BYTES + BLOCK_BYTES + INPUTS_BYTES
    assert transaction.refuses(transaction.witness[:place] + receipt.witness[place:])
    assert receipt.refuses(receipt.witness[:place] + transaction.witness[place:])


def test_every_phase_has_exactly_one_verifier(followed: Rig, inbox: Inbox) -> None:
    """OneStepProver selects; asked directly, each contract refuses what isn't its own."""
    for status in REACHED:
        step = Step(at(followed, inbox, status))
        accepting = []
        for name in PROVERS:
            with prover().alone(name):
                accepting += [] if step.refuses() else [name]
        assert len(accepting) == 1, status.name
