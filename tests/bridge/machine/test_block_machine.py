"""A block's way from boundary to boundary: its hashes, its idling, its ends."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.derive.source import ItemList
from bridge.items import Origin
from bridge.machine.bare import boundary_machine_hash
from bridge.machine.block_machine import BlockMachine
from bridge.machine.errors import GroundMismatch
from bridge.machine.inputs import Inputs
from bridge.machine.limits import BLOCK_STEPS, BLOCK_STEPS_BITS
from bridge.machine.prefix import Prefix
from execution.machine.status import Status
from execution.machine.tree import tree_root
from execution.machine.words import encode_word, tag
from state.accounts import EMPTY_TRIE_ROOT
from state.batch_codec import BatchBlock, encode_block
from state.errors import InternalError
from state.keccak import keccak
from state.memory_state import MemoryState
from state.types import ZERO_HASH, BlockNumber, Gas, Hash32, Timestamp, Wei
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, BOB, BURNER, CONFIG, Rig
from tests.bridge.machine.chains import check_chain, machine_of, steps_allowed

A_HASH = Hash32(b"\x99" * 32)


FIRST = BatchBlock(
    Timestamp(GENESIS_TIME + 2),
    1,
    (ALICE.raw(nonce=0), BOB.raw(nonce=0, to=BURNER, gas=Gas(30_000)), b"junk"),
)
SECOND = BatchBlock(Timestamp(GENESIS_TIME + 4), 2, (ALICE.raw(nonce=1),))


@pytest.fixture
def followed(rig: Rig, inbox: Inbox) -> Rig:
    """A deposit, a forced transaction, and a batch of two blocks: the second takes the forced."""
    inbox.deposit()
    inbox.forced(BOB.raw(nonce=1))
    inbox.batch([FIRST, SECOND])
    return rig.follow(inbox)


def until(machine: BlockMachine, status: Status) -> BlockMachine:
    while machine.status is not status:
        assert not machine.is_done, f"ended without reaching {status.name}"
        machine.step()
    return machine


def words(machine: BlockMachine) -> list[bytes]:
    return [encode_word(word) for word in machine.words()]


# Hashes


def test_first_and_last_hash_are_those_of_the_boundaries(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 1)
    before, after = (followed.pipeline.view.output_root(BlockNumber(n)) for n in (0, 1))
    assert before is not None
    assert after is not None
    assert machine.machine_hash() == boundary_machine_hash(before)
    machine.run()
    assert machine.machine_hash() == boundary_machine_hash(after)


def test_boundary_hash_is_a_tag_a_status_a_root_and_nine_zeros() -> None:
    encoded = (48).to_bytes(32, "big") + A_HASH + bytes(9 * 32)
    assert boundary_machine_hash(A_HASH) == keccak(tag("state") + encoded)


def test_hashing_at_every_step_or_only_at_one_gives_the_same(followed: Rig, inbox: Inbox) -> None:
    eager = machine_of(followed, inbox, 2)
    hashes = [eager.machine_hash()]
    while not eager.is_done:
        eager.step()
        hashes.append(eager.machine_hash())
    assert len(set(hashes)) == len(hashes), "two states of one block alike"
    for index in [*range(0, len(hashes), 17), len(hashes) - 1]:
        lazy = machine_of(followed, inbox, 2)
        lazy.advance(index)
        assert lazy.machine_hash() == hashes[index], f"step {index}"


def test_words_before_the_environment_are_status_root_and_inputs(
    followed: Rig, inbox: Inbox
) -> None:
    machine = machine_of(followed, inbox, 2)
    root = machine.boundary.output_root
    for status in (Status.DECODE, Status.SCAN, Status.ORIGIN):
        until(machine, status)
        assert machine.inputs is not None
        block = machine.inputs.hash()
        assert words(machine) == [encode_word(status), root, block, *[ZERO_HASH] * 8]


def test_words_between_and_after_transactions_have_none(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 2)
    root = machine.boundary.output_root
    for status in (Status.NEXT, Status.HASH_TRANSACTION, Status.RECEIPTS_ROOT, Status.SEAL):
        until(machine, status)
        assert machine.machine is not None
        block, state = machine.machine.state.block, machine.machine.state.world.root()
        expected = [root, block.hash(), ZERO_HASH, ZERO_HASH, state, EMPTY_TRIE_ROOT]
        assert words(machine) == [encode_word(status), *expected, *[ZERO_HASH] * 4]
        assert encode_word(block.words()[-1]) == block.inputs.hash()  # type: ignore[union-attr]


# What the steps change, by the table of docs/machine.md


def fields(machine: BlockMachine) -> dict[str, Any]:
    """The inputs that are known."""
    assert machine.inputs is not None
    inputs, nothing = machine.inputs, Inputs(item=0, time=0)
    both = {name: (getattr(inputs, name), getattr(nothing, name)) for name in Inputs.__slots__}
    return {name: known for name, (known, unknown) in both.items() if known != unknown}


def test_scan_finds_the_end_and_goes_back_to_the_start(followed: Rig, inbox: Inbox) -> None:
    first, second = (len(encode_block(block)) for block in (FIRST, SECOND))
    machine = until(machine_of(followed, inbox, 1), Status.SCAN)
    known = fields(machine)
    payload = known.pop("payload")
    batch = {"item": 3, "time": inbox.tip.l1_time, "next_batch": 1, "count": 3, "start": 20}
    batch |= {"timestamp": GENESIS_TIME + 2, "origin": 1}
    assert known == batch | {"at": 20, "left": 3}
    assert len(payload.data) == first + second
    assert payload.root == tree_root(payload.data)
    until(machine, Status.ORIGIN)
    assert fields(machine) == batch | {
        "payload": payload, "at": 20, "left": 3, "next_offset": first,
    }  # fmt: skip


def test_origin_makes_the_environment_and_offers_the_attributes(
    followed: Rig, inbox: Inbox
) -> None:
    machine = until(machine_of(followed, inbox, 2), Status.ORIGIN)
    assert machine.machine is None
    machine.step()
    assert machine.status is Status.VALIDATE
    assert machine.machine is not None
    assert machine.machine.state.block.count == 0
    known = fields(machine)
    assert known["taking"] is True
    assert known["next_batch"] == 2
    assert "next_offset" not in known
    pending = machine.machine.state.tx
    assert pending is not None
    assert pending.raw == followed.transactions(2)[0]


def test_unfit_item_is_given_back_and_ends_the_taking(rig: Rig, inbox: Inbox) -> None:
    for _ in range(3):
        inbox.deposit(gas=2**24, to=BURNER, value=0)
    inbox.tick()
    machine = until(machine_of(rig.follow(inbox), inbox, 1), Status.UNFIT)
    before = fields(machine)
    assert (before["next_deposit"], before["taken"], before["taking"]) == (2, 2, True)
    machine.step()
    assert machine.status is Status.NEXT
    assert fields(machine) == {k: v for k, v in before.items() if k != "taking"} | {
        "next_deposit": 1, "taken": 1,
    }  # fmt: skip


def test_unusable_batch_leaves_the_empty_form(rig: Rig, inbox: Inbox) -> None:
    """Whether it is found out by decoding, by the head or by a length."""
    bad = encode_block(BatchBlock(Timestamp(GENESIS_TIME + 2), 0, (b"cut off", b"")))
    for posted in (b"\xff", b"\0" + bytes(20), b"\0" + bad[:-1]):
        log = Inbox()
        log.posted(posted)
        rig.feed(log)
        machine = until(machine_of(rig, log, 1), Status.ORIGIN)
        assert fields(machine) == {"item": 1, "time": log.tip.l1_time, "next_batch": 2}


def test_leaves_are_pushed_last_first_and_opened_first_first(followed: Rig, inbox: Inbox) -> None:
    machine = until(machine_of(followed, inbox, 1), Status.HASH_TRANSACTION)
    assert machine.machine is not None
    block = machine.machine.state.block
    assert fields(machine)["left"] == block.count == len(followed.transactions(1)) == 4
    until(machine, Status.TRANSACTIONS_ROOT)
    assert block.transactions is None
    assert "left" not in fields(machine)
    machine.step()
    known = fields(machine)
    header = followed.pipeline.view.header(BlockNumber(1))
    assert known["transactions_root"] == header.transactions_root
    assert known["left"] == 4
    assert "leaves" not in known


# Idling


def test_sealed_block_idles_to_the_next_multiple_at_once(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 1)
    machine.advance(BLOCK_STEPS)
    assert machine.steps == BLOCK_STEPS == 1 << BLOCK_STEPS_BITS
    assert machine.status is Status.BOUNDARY
    assert machine.machine_hash() == machine_of(followed, inbox, 2).machine_hash()


@pytest.mark.parametrize("move", [BlockMachine.step, lambda machine: machine.advance(1)])
def test_step_beyond_the_blocks_own_is_an_error(
    move: Callable[[BlockMachine], None], followed: Rig, inbox: Inbox
) -> None:
    machine = machine_of(followed, inbox, 1)
    machine.advance(BLOCK_STEPS)
    with pytest.raises(InternalError, match="steps"):
        move(machine)


def test_sealed_block_is_its_own_successor(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 1)
    steps, before = machine.run(), machine.machine_hash()
    machine.step()
    assert (machine.steps, machine.machine_hash()) == (steps + 1, before)


def test_exhausted_prefix_never_comes_to_a_boundary(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 3)
    at_boundary = machine.machine_hash()
    machine.step()
    assert machine.status is Status.EXHAUSTED
    exhausted = machine.machine_hash()
    assert exhausted != at_boundary
    assert words(machine)[1:] == [machine.boundary.output_root, *[ZERO_HASH] * 9]
    machine.advance(2**50)
    assert machine.is_done
    assert machine.machine_hash() == exhausted
    assert machine.header is None


def test_past_the_claimed_block_the_boundary_stays_for_ever(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 2, last_block=BlockNumber(1))
    before = machine.machine_hash()
    assert machine.is_done
    assert machine.run() == 0
    machine.step()
    machine.advance(2**50)
    assert machine.status is Status.BOUNDARY
    assert machine.machine_hash() == before


def test_claimed_block_itself_is_made_and_then_stays_for_ever(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 2, last_block=BlockNumber(2))
    machine.advance(2**46)
    assert machine.boundary == followed.pipeline.view.boundary(BlockNumber(2))
    assert machine.machine_hash() == boundary_machine_hash(machine.boundary.output_root)


def test_block_of_the_cheapest_instructions_keeps_the_bound_on_steps(
    rig: Rig, inbox: Inbox
) -> None:
    """One gas a step, by a creation of nothing but JUMPDEST; and one that clears slots."""
    slots = "".join(f"60015f5f60{i:02x}5560{i:02x}55" for i in range(64))
    own = [
        ALICE.raw(nonce=0, to=None, value=Wei(0), gas=Gas(2_000_000), data=b"\x5b" * 49_000),
        ALICE.raw(nonce=1, to=None, value=Wei(0), gas=Gas(2_000_000), data=bytes.fromhex(slots)),
    ]
    inbox.batch([BatchBlock(Timestamp(GENESIS_TIME + 2), 0, tuple(own))])
    (machine,) = check_chain(rig, inbox)
    assert 49_000 < machine.steps <= steps_allowed(machine, 3, offered=2)


# The prefix


def test_batch_beyond_the_prefix_does_not_exist(followed: Rig, inbox: Inbox) -> None:
    short = Prefix(ItemList(inbox.items), 3)
    machine = machine_of(followed, inbox, 1, prefix=short)
    machine.run()
    assert machine.status is Status.EXHAUSTED


def test_items_after_the_prefix_change_nothing_before(followed: Rig, inbox: Inbox) -> None:
    before = machine_of(followed, inbox, 2)
    before.run()
    inbox.deposit()
    inbox.tick()
    after = machine_of(followed, inbox, 2)
    after.run()
    assert (before.header, before.steps) == (after.header, after.steps)


# What it stands on


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("configuration", lambda p, h: {"config": replace(CONFIG, chain_id=7)}),
        ("number", lambda p, h: {"parent": replace(p, number=7)}),
        ("header", lambda p, h: {"parent_header": replace(h, gas_used=Gas(7))}),
        ("header", lambda p, h: {"parent_header": replace(h, base_fee_per_gas=Wei(7))}),
        ("state root", lambda p, h: {"state": MemoryState()}),
    ],
)
def test_parent_that_contradicts_itself_is_an_error(
    name: str, change: Callable[[Any, Any], dict[str, Any]], followed: Rig, inbox: Inbox
) -> None:
    view = followed.pipeline.view
    parent, header = view.boundary(BlockNumber(1)), view.header(BlockNumber(1))
    with pytest.raises(GroundMismatch, match=name):
        machine_of(followed, inbox, 2, **change(parent, header))


@pytest.mark.parametrize("ancestor", [A_HASH, None])
def test_ancestors_that_are_not_the_rings_are_an_error(
    ancestor: Hash32 | None, followed: Rig, inbox: Inbox
) -> None:
    machine = machine_of(followed, inbox, 2, ancestor_hash=lambda number: ancestor)
    with pytest.raises(GroundMismatch, match="ancestor"):
        machine.run()


def test_diff_before_the_environment_is_nothing(followed: Rig, inbox: Inbox) -> None:
    machine = machine_of(followed, inbox, 1)
    assert not machine.diff().accounts
    machine.run()
    state = followed.store.state(BlockNumber(0))
    assert state.update(machine.diff()).root == machine.boundary.state_root
    assert machine.boundary.origin == Origin(1, 0)
