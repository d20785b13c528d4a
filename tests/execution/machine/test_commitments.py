"""The machine hash: one state, one hash; lazy or eager; and what a failure leaves."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from execution.machine.chain import Link
from execution.machine.journal import WARM
from execution.machine.memory import View
from execution.machine.operations import CopyOperation, SlotOperation
from execution.machine.records import Destructed, LogRecord
from execution.machine.status import Outcome, Status
from execution.machine.transaction import PendingTx
from state.blocks import Log
from state.types import Address, BlockNumber, Gas, Hash32, Wei
from tests.execution.machine.test_random_programs import random_program
from tests.execution.machine.world import CONTRACT, OTHER, Run, contract, deposit, transaction

SOMEBODY = Address(b"\x77" * 20)

CALLEE = "60015f5560025f5d60205fa0" + "60ff60205360405ff3"
"""Writes storage, transient storage, a log and memory; returns 64 bytes."""

CALLER = "60aa5f5260405f60205f5f73" + "dd" * 20 + "5af1" + "3d5f60803e" + "60c05f20"
"""Calls OTHER, copies what it returned, hashes its memory."""

NESTED = CALLER + "5060405f60405f5f60045af1" + "60205f60405e" + "60205f5ff05f5ffd"
"""The same, the identity precompile, MCOPY, a creation of nothing much, and a REVERT."""


def nested() -> Run:
    run = Run({CONTRACT: contract(NESTED), OTHER: contract(CALLEE)})
    run.offer(data=b"calldata")
    return run


def midway() -> Run:
    """In OTHER's frame, after its writes."""
    run = nested()
    run.until(Status.SSTORE_WRITE)
    run.until(Status.RUN)
    run.machine.advance(6)
    assert run.state.frame.depth == 1
    return run


def hashes(run: Run) -> list[Hash32]:
    found = [run.machine.machine_hash()]
    while not run.machine.idle:
        run.machine.step()
        found.append(run.machine.machine_hash())
    return found


def test_same_state_has_the_same_hash_and_every_step_another() -> None:
    first, second = hashes(nested()), hashes(nested())
    assert first == second
    assert len(set(first)) == len(first)


def test_hashing_at_every_step_or_at_one_gives_the_same() -> None:
    eager = hashes(nested())
    for index in range(0, len(eager), 7):
        lazy = nested()
        lazy.machine.advance(index)
        assert lazy.machine.machine_hash() == eager[index], f"step {index}"


def test_hashing_changes_nothing() -> None:
    run = midway()
    assert run.machine.machine_hash() == run.machine.machine_hash()


def test_idle_state_is_its_own_successor() -> None:
    run = nested()
    run.finish()
    before = run.machine.machine_hash()
    run.machine.step()
    assert run.machine.machine_hash() == before


# Any field changed, another hash


def set_field(owner: str, **fields: Any) -> Callable[[Any], None]:
    def change(state: Any) -> None:
        target = state if owner == "machine" else getattr(state, owner)
        for name, value in fields.items():
            assert getattr(target, name) != value, f"{name} is {value} already"
            setattr(target, name, value)

    return change


def set_context(**fields: Any) -> Callable[[Any], None]:
    def change(state: Any) -> None:
        state.block.context = replace(state.block.context, **fields)

    return change


def set_source(**fields: Any) -> Callable[[Any], None]:
    def change(state: Any) -> None:
        state.tx.source = replace(state.tx.source, **fields)

    return change


def set_parent(**fields: Any) -> Callable[[Any], None]:
    def change(state: Any) -> None:
        for name, value in fields.items():
            setattr(state.frame.parent, name, value)
        state.frame.parent._hash = None

    return change


def set_snapshot(**fields: Any) -> Callable[[Any], None]:
    def change(state: Any) -> None:
        state.frame.snapshot = replace(state.frame.snapshot, _roots=None, **fields)

    return change


A_LOG = Link(LogRecord(Log(SOMEBODY, (), b""), 24), None)
A_VIEW = View.over(b"something")
A_HASH = Hash32(b"\x99" * 32)

CHANGES: dict[str, Callable[[Any], None]] = {
    "status": set_field("machine", status=Status.LEAVE),
    "boundary": set_field("machine", boundary_hash=A_HASH),
    "refund": set_field("machine", refund=1),
    "logs": set_field("machine", logs=None),
    "destructs": set_field("machine", destructs=Link(Destructed(SOMEBODY), None)),
    "operation": set_field("machine", operation=SlotOperation(0)),
    "other operation": set_field("machine", operation=CopyOperation(A_VIEW, 0, 0, 9)),
    "state root: balance": lambda state: state.world.add_balance(SOMEBODY, 1),
    "state root: nonce": lambda state: state.world.set_nonce(SOMEBODY, 1),
    "state root: code": lambda state: state.world.set_code(SOMEBODY, b"\0"),
    "state root: storage": lambda state: state.world.set_storage(CONTRACT, 5, 5),
    "journal: address": lambda state: state.journal.mark(SOMEBODY, WARM),
    "journal: slot": lambda state: state.journal.warm_slot(SOMEBODY, 0),
    "journal: transient": lambda state: state.journal.set_transient(SOMEBODY, 0, 1),
    "frame: depth": set_field("frame", depth=2),
    "frame: static": set_field("frame", is_static=True),
    "frame: create": set_field("frame", is_create=True),
    "frame: address": set_field("frame", address=SOMEBODY),
    "frame: caller": set_field("frame", caller=SOMEBODY),
    "frame: value": set_field("frame", value=1),
    "frame: gas": set_field("frame", gas=1),
    "frame: pc": set_field("frame", pc=0),
    "frame: code hash": set_field("frame", code_hash=A_HASH),
    "frame: code": set_field("frame", code=None),
    "frame: input": set_field("frame", input=A_VIEW),
    "frame: returndata": set_field("frame", returndata=A_VIEW),
    "frame: output start": set_field("frame", output_start=1),
    "frame: output size": set_field("frame", output_size=1),
    "frame: outcome": set_field("frame", outcome=Outcome.REVERT),
    "frame: parent": lambda state: setattr(state.frame, "parent", None),
    "stack: item": lambda state: state.frame.stack.append(0),
    "memory: words": lambda state: state.frame.memory.grow(4096),
    "memory: byte": lambda state: state.frame.memory.write(0, b"\x01"),
    "snapshot: moment": set_snapshot(at=0),
    "snapshot: refund": set_snapshot(refund=1),
    "snapshot: logs": set_snapshot(logs=A_LOG),
    "snapshot: destructs": set_snapshot(destructs=Link(Destructed(SOMEBODY), None)),
    "parent: gas": set_parent(gas=1),
    "parent: stack": set_parent(stack=[1]),
    "tx: raw": set_field("tx", raw=b"\x02"),
    "tx: price": set_field("tx", price=1),
    "tx: tip": set_field("tx", tip=9),
    "tx: calldata": set_field("tx", calldata=A_VIEW),
    "tx: initcode": set_field("tx", initcode_hash=A_HASH),
    "tx: recipient": set_field("tx", recipient=SOMEBODY),
    "tx: intrinsic": set_field("tx", intrinsic=1),
    "tx: gas": set_field("tx", gas=1),
    "tx: outcome": set_field("tx", outcome=Outcome.SUCCESS),
    "tx: ripemd": set_field("tx", ripemd_touched=True),
    "tx: sender": set_source(sender=SOMEBODY),
    "tx: nonce": set_source(nonce=9),
    "tx: value": set_source(value=Wei(9)),
    "tx: mint": set_source(mint=Wei(9)),
    "tx: gas limit": set_source(gas=9),
    "tx: fee cap": set_source(max_fee_per_gas=Wei(9)),
    "tx: creation": set_source(to=None),
    "block: gas used": set_field("block", gas_used=1),
    "block: count": set_field("block", count=1),
    "block: inputs": set_field("block", inputs=A_LOG),
    "block: bloom": set_field("block", bloom=b"\x01" * 256),
    "block: number": set_context(number=BlockNumber(7)),
    "block: timestamp": set_context(timestamp=7),
    "block: chain": set_context(chain_id=7),
    "block: coinbase": set_context(coinbase=SOMEBODY),
    "block: gas limit": set_context(gas_limit=7),
    "block: base fee": set_context(base_fee=Wei(8)),
    "block: randao": set_context(prev_randao=A_HASH),
    "block: ancestors": set_context(ancestor_hash=lambda number: A_HASH),
}


@pytest.mark.parametrize("field", CHANGES)
def test_any_field_changed_gives_another_hash(field: str) -> None:
    run = midway()
    before = run.machine.machine_hash()
    CHANGES[field](run.state)
    assert run.machine.machine_hash() != before


def test_start_of_the_transaction_is_in_the_hash() -> None:
    run = midway()
    before = run.machine.machine_hash()
    run.state.tx.start = run.state.snapshot()
    assert run.machine.machine_hash() != before


# Failing


def words_of(run: Run) -> tuple[Any, ...]:
    return run.state.snapshot().words()


def failing(end: str) -> Run:
    """OTHER changes all that can be changed, and then ends badly."""
    code = "60015f5560025f5d5f5fa0" + "5f5f5ff050" + "73" + "99" * 20 + "3150" + end
    run = Run({CONTRACT: contract(CALLER), OTHER: contract(code)})
    run.offer()
    run.until(Status.ENTER)
    run.until(Status.LOAD)
    run.until(Status.RUN)
    run.until(Status.ENTER)
    return run


@pytest.mark.parametrize("end", ["5f5ffd", "fe", "50", "5f56"])
def test_bad_end_restores_the_five_words(end: str) -> None:
    run = failing(end)
    before = words_of(run)
    run.until(Status.CREATE_HASH)
    assert all(old != new for old, new in zip(before[:2], words_of(run)[:2]))
    assert words_of(run)[3] != before[3]
    while run.state.frame.outcome in (Outcome.RUNNING, Outcome.SUCCESS):
        run.machine.step()
    assert run.state.frame.depth == 1
    assert words_of(run) == before
    run.machine.step()
    assert run.state.frame.depth == 0
    assert words_of(run) == before


def test_failed_frame_has_one_form_whatever_failed() -> None:
    forms = set()
    for end in ("fe", "5f56", "50", "5f1920"):
        run = failing(end)
        while run.state.frame.outcome is not Outcome.FAILURE:
            run.machine.step()
        frame = run.state.frame
        assert run.machine.status is Status.LEAVE
        assert (frame.pc, frame.gas, frame.stack, len(frame.memory)) == (0, 0, [], 0)
        assert run.state.operation is None
        words = frame.words()
        before_code, after_code = words[:6], words[10:-5]
        forms.add((*before_code, *after_code))
    assert len(forms) == 1


def test_waiting_frames_are_hashed_again_once_they_run() -> None:
    run = nested()
    run.until(Status.SSTORE_WRITE)
    run.machine.machine_hash()
    parent = run.state.frame.parent
    waiting = parent.hash()
    run.until(Status.LEAVE)
    run.machine.step()
    assert run.state.frame is parent
    assert parent.hash() != waiting


def test_pending_transaction_says_if_l1_vouches_for_it() -> None:
    signed, vouched = transaction(), deposit()
    as_signed, as_deposit = PendingTx(signed, b"\x7e"), PendingTx(vouched, b"\x7e")
    assert as_signed.hash() != as_deposit.hash()


@pytest.mark.parametrize("seed", range(4))
def test_random_programs_hash_alike_at_every_step_or_at_few(seed: int) -> None:
    """Calls, creations and reverts in any order, and memory that is shared and written."""
    eager = hashes(random_run(seed))
    for index in range(0, len(eager), max(len(eager) // 20, 1)):
        lazy = random_run(seed)
        lazy.machine.advance(index)
        assert lazy.machine.machine_hash() == eager[index], f"step {index}"


def random_run(seed: int) -> Run:
    random = Random(1_000 + seed)
    programs = {
        address: contract(random_program(random), balance=9) for address in (CONTRACT, OTHER)
    }
    run = Run(programs)
    run.offer(data=b"calldata", gas=Gas(120_000))
    return run
