"""Where an engine by another rule and the machine part ways: transaction, instruction, step."""

from random import Random

import pytest

from bridge.derive.batches import Payloads
from bridge.derive.engine import PY_EVM, BlockTask, Engine, task_after
from bridge.derive.inbox_log import InboxReader
from bridge.derive.records import inputs_of
from bridge.machine.difference import (
    Difference,
    find_difference,
    find_stored_difference,
    run_beside,
)
from bridge.machine.execution import machine_for, offers
from execution.evm.threads import run_deep
from execution.machine.opcodes.mnemonics import mnemonic
from execution.machine.status import Status
from state.batch_codec import BatchBlock
from state.keccak import keccak
from state.types import BlockNumber, Gas, Timestamp, Wei
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox
from tests.bridge.derive.rig import ALICE, BOB, BURNER, CONFIG, Rig
from tests.bridge.machine.engines import (
    other_ancestors,
    other_rules,
    other_time,
    other_transactions,
)
from tests.execution.evm.random_programs import random_program

HASHES_64_KB = bytes.fromhex("620100015f2000")
"""KECCAK256 of one byte more than the chain's rules allow."""

KEEPS_BLOCKHASH = bytes.fromhex("6001430340" + "5f55" + "00")
"""Stores the parent's hash in slot 0, which no receipt shows."""

FIRST = ALICE.raw(nonce=0)


def creation(code: bytes, nonce: int = 1, gas: int = 500_000) -> bytes:
    """A transaction that runs a program as initialisation code."""
    return ALICE.raw(nonce=nonce, to=None, value=Wei(0), gas=Gas(gas), data=code)


def task_of(rig: Rig, *transactions: bytes) -> BlockTask:
    """The task of a block with these transactions, on a chain of one block."""
    inbox = Inbox()
    blocks = [BatchBlock(Timestamp(GENESIS_TIME + 2), 0, ())]
    blocks.append(BatchBlock(Timestamp(GENESIS_TIME + 4), 0, transactions))
    inbox.batch(blocks)
    rig.follow(inbox)
    parent = BlockNumber(1)
    boundary = rig.pipeline.view.boundary(parent)
    assert boundary is not None
    task = task_after(
        rig.pipeline.view.header(parent),
        boundary,
        inputs_of(rig.store, parent),
        rig.store.state(parent),
        InboxReader(rig.store.reader),
        rig.pipeline.view.hash_of,
        CONFIG,
        Payloads(),
    )
    assert task is not None
    return task


def found(task: BlockTask, engine: Engine) -> Difference:
    difference = run_deep(find_difference, task, engine)
    assert difference is not None
    return difference


def status_at(task: BlockTask, step: int) -> Status:
    machine = machine_for(task)
    machine.advance(step)
    return machine.status


def test_engine_by_the_same_rules_has_no_difference(rig: Rig) -> None:
    task = task_of(rig, FIRST, b"junk", creation(KEEPS_BLOCKHASH), BOB.raw(nonce=3))
    assert run_deep(find_difference, task, PY_EVM) is None


def test_instruction_that_only_the_machine_fails_is_the_first_step(rig: Rig) -> None:
    """One of the two fails at KECCAK256, and the other goes on to STOP."""
    bad = creation(HASHES_64_KB)
    task = task_of(rig, FIRST, bad, BOB.raw(nonce=0))
    difference = found(task, other_rules(bounded_inputs=False))
    assert difference.transaction is not None
    assert (difference.transaction.index, difference.transaction.hash) == (2, keccak(bad))
    step = difference.step
    assert step.title == "RUN KECCAK256"
    assert status_at(task, step.first) is Status.RUN
    assert step.before is not None
    assert step.before.pc == 5
    assert step.before.stack == (0x010001, 0)
    assert step.engine is not None
    assert (mnemonic(step.engine.opcode), step.engine.pc) == ("STOP", 6)
    assert step.engine.stack == (int.from_bytes(keccak(bytes(0x010001)), "big"),)
    assert step.machine is None, "its frame has failed"


def test_difference_that_no_receipt_shows_is_found_by_state(rig: Rig) -> None:
    keeps = creation(KEEPS_BLOCKHASH)
    task = task_of(rig, FIRST, keeps, BOB.raw(nonce=0))
    difference = found(task, other_ancestors())
    assert difference.transaction is not None
    assert (difference.transaction.index, difference.transaction.hash) == (2, keccak(keeps))
    step = difference.step
    assert step.title == "RUN BLOCKHASH"
    assert step.end == step.first + 1
    assert step.engine is not None
    assert step.machine is not None
    right = rig.pipeline.view.hash_of(1)
    assert step.machine.stack == (int.from_bytes(right, "big"),)
    assert step.engine.stack == (int.from_bytes(keccak(right), "big"),)
    assert step.engine.gas == step.machine.gas


def test_difference_after_the_last_instruction_is_in_settle(rig: Rig) -> None:
    """The floor price of calldata, which is L1's rule: no instruction sees it."""
    pays = BOB.raw(nonce=0, gas=Gas(200_000), data=b"\xff" * 1_000)
    task = task_of(rig, FIRST, pays)
    difference = found(task, other_rules(calldata_floor=True))
    assert difference.transaction is not None
    assert difference.transaction.index == 2
    assert difference.step.status is Status.SETTLE
    assert status_at(task, difference.step.first) is Status.SETTLE


def test_transaction_that_only_the_engine_takes_is_refused_in_validate(rig: Rig) -> None:
    great = BOB.raw(nonce=0, gas=Gas(2**24 + 1), to=BURNER)
    task = task_of(rig, FIRST, great, creation(b""))
    difference = found(task, other_rules(transaction_gas_cap=None))
    assert difference.transaction is not None
    assert (difference.transaction.index, difference.transaction.hash) == (2, keccak(great))
    assert difference.step.status is Status.VALIDATE
    assert "the machine refuses" in difference.what


def test_transaction_that_only_the_machine_takes_is_let_in_by_validate_or_buy(rig: Rig) -> None:
    great = BOB.raw(nonce=0, gas=Gas(2_000_001), to=BURNER)
    task = task_of(rig, FIRST, great)
    difference = found(task, other_rules(transaction_gas_cap=Gas(2_000_000)))
    assert difference.transaction is not None
    assert (difference.transaction.index, difference.transaction.hash) == (2, keccak(great))
    assert difference.step.status is Status.VALIDATE
    assert difference.step.end == difference.step.first + 2
    assert "the engine refuses" in difference.what


def test_transaction_that_the_engine_does_not_find_is_offered_by_next(rig: Rig) -> None:
    last = BOB.raw(nonce=0)
    task = task_of(rig, FIRST, last)
    difference = found(task, other_transactions())
    assert difference.transaction is not None
    assert (difference.transaction.index, difference.transaction.hash) == (2, keccak(last))
    assert difference.step.status is Status.NEXT


def test_difference_of_the_environment_is_in_origin(rig: Rig) -> None:
    difference = found(task_of(rig, FIRST), other_time())
    assert difference.transaction is None
    assert difference.step.status is Status.ORIGIN
    assert "timestamp" in difference.what


def test_stored_block_that_nobody_makes_again_names_its_transaction(rig: Rig) -> None:
    task = task_of(rig, FIRST, BOB.raw(nonce=0))
    block = rig.store.block(BlockNumber(2))
    assert block is not None
    receipts = [*block.receipts[:2], block.receipts[0]]
    difference = find_stored_difference(task, block.transactions, receipts)
    assert difference.transaction is not None
    assert difference.transaction.index == 2
    whole = find_stored_difference(task, block.transactions, block.receipts)
    assert whole.transaction is None
    assert whole.step.status is Status.SEAL


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_never_part_instruction_by_instruction(seed: int, rig: Rig) -> None:
    """Calls, creations, failures: both sides see the same before every instruction."""
    random = Random(seed)
    programs = [random_program(random, [ALICE.address, BURNER], [HASHES_64_KB]) for _ in range(3)]
    raws = [creation(code, nonce, 2_000_000) for nonce, code in enumerate(programs)]
    task = task_of(rig, *raws)
    done = [offer for offer in offers(machine_for(task)) if offer.included is not None]
    assert len(done) == 4
    for index, offer in enumerate(done):
        _, beside = run_deep(run_beside, task, PY_EVM, index, offer)
        assert beside.parted is None
