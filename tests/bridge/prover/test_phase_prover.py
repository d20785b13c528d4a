"""WARM, BEGIN and DESTRUCT on the contracts."""

import pytest

from execution.machine.chain import Link
from execution.machine.records import Destructed
from execution.machine.state import RIPEMD160
from execution.machine.status import Status
from execution.transaction import AccessListEntry, Transaction
from state.types import Address, Gas, Wei
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.rig import prove_step, prove_until
from tests.execution.machine.world import (
    COINBASE,
    CONTRACT,
    OTHER,
    SENDER,
    Allocated,
    Run,
    contract,
    deposit,
    transaction,
)

BY_RULE = (Address(bytes(19) + b"\x01"), Address(bytes(19) + b"\x0a"), COINBASE, SENDER, CONTRACT)
"""Warm without an entry in the journal."""

NEARLY = (Address(bytes(20)), Address(bytes(19) + b"\x0b"), Address(b"\x01" + bytes(19)))
"""No precompiles."""


def before(status: Status, tx: Transaction | None = None) -> Run:
    """A machine before a phase, in a state of some leaves."""
    run = Run({CONTRACT: contract("00", storage={1: 1, 2: 2}), OTHER: Allocated(balance=Wei(1))})
    run.offer(tx or transaction())
    run.until(status)
    return run


# WARM


@pytest.mark.parametrize("kind", [1, 2])
def test_access_list_is_warmed_entry_by_entry(kind: int) -> None:
    entries = [
        AccessListEntry(OTHER, (0, 1, 2**256 - 1, 1)),
        AccessListEntry(OTHER, (0,)),
        *(AccessListEntry(address, (5,)) for address in (*BY_RULE, *NEARLY)),
    ]
    run = before(Status.WARM, transaction(access_list=tuple(entries)))
    assert prove_until(run, Status.BEGIN) == {"WARM": 2 + 5 + 2 * 8 + 1}
    journal = run.state.journal
    assert all(journal.is_warm(address) for address in (OTHER, *NEARLY))
    assert not any(journal.is_warm(address) for address in BY_RULE)
    assert journal.is_slot_warm(OTHER, 2**256 - 1)


def test_created_address_is_warm_by_rule() -> None:
    run = before(Status.WARM, transaction(to=None))
    created = run.state.running_tx.recipient
    run = before(Status.WARM, transaction(to=None, access_list=(AccessListEntry(created, ()),)))
    prove_until(run, Status.BEGIN)
    assert not run.state.journal.is_warm(created)


# BEGIN


@pytest.mark.parametrize("to", [CONTRACT, OTHER, Address(b"\x99" * 20), Address(bytes(20)), None])
def test_call_or_creation_begins(to: Address | None) -> None:
    for make in (transaction, deposit):
        run = before(Status.BEGIN, make(to=to, value=Wei(3), data=b"\x00\x01" * 40))
        prove_step(run)
        assert run.machine.status is (Status.CREATE_WARM if to is None else Status.ENTER)
        assert run.state.running_tx.gas == 0


# DESTRUCT


def destructing(*addresses: Address) -> Run:
    """A machine whose transaction ends with these to be deleted, the last one first."""
    run = before(Status.DESTRUCT)
    for address in addresses:
        run.state.destructs = Link(Destructed(address), run.state.destructs)
    return run


def test_contracts_are_deleted_one_by_one_with_their_storage() -> None:
    absent = Address(b"\x99" * 20)
    run = destructing(CONTRACT, absent, OTHER, CONTRACT)
    assert prove_until(run, Status.RECEIPT) == {"DESTRUCT": 5}
    assert run.machine.account(CONTRACT) is None
    assert run.machine.account(OTHER) is None
    assert run.machine.account(SENDER) is not None


@pytest.mark.parametrize("balance", [None, 0, 1])
def test_touch_of_0x03_outlives_the_transactions_frames(balance: int | None) -> None:
    allocated = {} if balance is None else {RIPEMD160: Allocated(balance=Wei(balance))}
    run = Run({CONTRACT: contract("00"), OTHER: Allocated(balance=Wei(1)), **allocated})
    run.offer(transaction())
    run.until(Status.DESTRUCT)
    run.state.running_tx.ripemd_touched = True
    prove_step(run)
    assert (run.machine.account(RIPEMD160) is not None) == bool(balance)


# Forgery


@pytest.mark.parametrize("steps", range(4))
def test_warming_with_any_byte_flipped_is_refused(steps: int) -> None:
    entries = (AccessListEntry(OTHER, (1,)), AccessListEntry(COINBASE, ()))
    run = before(Status.WARM, transaction(access_list=entries))
    run.machine.advance(steps)
    assert_every_flip_is_refused(run)


@pytest.mark.parametrize("to", [CONTRACT, None])
def test_beginning_with_any_byte_flipped_is_refused(to: Address | None) -> None:
    assert_every_flip_is_refused(before(Status.BEGIN, transaction(to=to)))


def test_deletion_with_any_byte_flipped_is_refused() -> None:
    run = destructing(CONTRACT)
    run.state.running_tx.ripemd_touched = True
    assert_every_flip_is_refused(run)
    assert run.machine.status is Status.DESTRUCT
    assert_every_flip_is_refused(run)
    assert run.machine.status is Status.RECEIPT


def test_witness_of_another_phase_is_refused() -> None:
    gas = (Gas(500_000), Gas(500_001))
    runs = [before(Status.WARM, transaction(gas=limit)) for limit in gas]
    runs += [before(Status.BEGIN, transaction(gas=limit)) for limit in gas]
    assert_no_witness_of_another_step([*runs, destructing(), destructing(OTHER)])
