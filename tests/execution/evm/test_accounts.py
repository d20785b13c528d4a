"""The account database: every revert restores exactly what a copy of the state remembers."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.evm.accounts import AccountDatabase, BrokenJournal, Values
from state.accounts import EMPTY_CODE_HASH, AccountChange, StateDiff
from state.blocks import Log
from state.keccak import keccak
from state.memory_state import MemoryState
from state.types import Address, Wei
from tests.execution.evm.world import Allocated

ADDRESSES = [Address(bytes([0xA0 + n]) * 20) for n in range(3)] + [Address(bytes(19) + b"\x03")]
SLOTS = [0, 1, 2**256 - 1]

ALLOC = {
    ADDRESSES[0]: Allocated(balance=Wei(10), nonce=1, storage={0: 7, 1: 8}),
    ADDRESSES[1]: Allocated(balance=Wei(5)),
}

addresses = st.sampled_from(ADDRESSES)
slots = st.sampled_from(SLOTS)
small = st.integers(0, 3)

operations = st.one_of(
    st.tuples(st.just("set_balance"), addresses, small),
    st.tuples(st.just("set_nonce"), addresses, small),
    st.tuples(st.just("set_code"), addresses, st.sampled_from([b"", b"\x00", b"\x01"])),
    st.tuples(st.just("set_storage"), addresses, slots, small),
    st.tuples(st.just("clear_storage"), addresses),
    st.tuples(st.just("set_transient"), addresses, slots, small),
    st.tuples(st.just("warm_address"), addresses),
    st.tuples(st.just("warm_slot"), addresses, slots),
    st.tuples(st.just("mark_created"), addresses),
    st.tuples(st.just("mark_destroyed"), addresses),
    st.tuples(st.just("add_refund"), st.integers(-5, 5)),
    st.tuples(st.just("touch"), addresses),
    st.tuples(st.just("log")),
    st.tuples(st.just("checkpoint")),
    st.tuples(st.just("revert")),
)


def observe(db: AccountDatabase) -> dict[str, Any]:
    """Everything that a program could see of the database."""
    return {
        "values": [db.values(address) for address in ADDRESSES],
        "codes": [db.code(address) for address in ADDRESSES],
        "storage": [[db.storage(address, slot) for slot in SLOTS] for address in ADDRESSES],
        "transient": [[db.transient(address, slot) for slot in SLOTS] for address in ADDRESSES],
        "warm": (set(db.warm_addresses), set(db.warm_slots)),
        "marked": (set(db.created), set(db.destroyed)),
        "counters": (db.refund, db.log_bytes, list(db.logs.values())),
    }


@settings(max_examples=150, deadline=None)
@given(st.lists(operations, max_size=40))
def test_revert_restores_everything(program: list[tuple[Any, ...]]) -> None:
    db = AccountDatabase(MemoryState.from_alloc(ALLOC))
    checkpoints: list[tuple[int, dict[str, Any]]] = []
    for name, *arguments in program:
        if name == "checkpoint":
            checkpoints.append((db.checkpoint(), deepcopy(observe(db))))
        elif name == "revert":
            if checkpoints:
                checkpoint, expected = checkpoints.pop()
                db.revert(checkpoint)
                assert observe(db) == expected
        elif name == "log":
            db.add_log(Log(ADDRESSES[0], (), b""), 24)
        else:
            getattr(db, name)(*arguments)
    db.revert(0)
    db.forget()
    assert db.diff() == StateDiff()


@settings(max_examples=100, deadline=None)
@given(st.lists(operations, max_size=40))
def test_diff_leads_to_the_state_the_database_shows(program: list[tuple[Any, ...]]) -> None:
    state = MemoryState.from_alloc(ALLOC)
    db = AccountDatabase(state)
    for name, *arguments in program:
        if name not in ("checkpoint", "revert", "log"):
            getattr(db, name)(*arguments)
    db.finish()
    after = state.apply(state.update(db.diff()))
    for address in ADDRESSES:
        account = after.account(address)
        values = db.values(address)
        if account is None:
            assert values == Values(0, 0, EMPTY_CODE_HASH)
        else:
            assert values == Values(account.nonce, account.balance, account.code_hash)
            assert [after.storage(address, s) for s in SLOTS] == [
                db.storage(address, s) for s in SLOTS
            ]


def test_diff_leaves_out_what_was_written_back() -> None:
    db = AccountDatabase(MemoryState.from_alloc(ALLOC))
    db.set_storage(ADDRESSES[0], 0, 9)
    db.set_storage(ADDRESSES[0], 0, 7)
    db.add_balance(ADDRESSES[0], 0)
    db.finish()
    assert db.diff() == StateDiff()


def test_diff_holds_new_code_once() -> None:
    db = AccountDatabase(MemoryState.from_alloc(ALLOC))
    db.set_code(ADDRESSES[1], b"\x01")
    db.finish()
    code_hash = keccak(b"\x01")
    assert db.diff().codes == {code_hash: b"\x01"}
    assert db.diff().accounts == {ADDRESSES[1]: AccountChange(0, Wei(5), code_hash)}


def test_original_storage_is_that_before_the_transaction() -> None:
    db = AccountDatabase(MemoryState.from_alloc(ALLOC))
    db.set_storage(ADDRESSES[0], 0, 1)
    db.set_storage(ADDRESSES[0], 0, 2)
    assert db.original_storage(ADDRESSES[0], 0) == 7
    db.finish()
    assert db.original_storage(ADDRESSES[0], 0) == 2


def test_ripemd160_stays_touched_through_a_revert() -> None:
    ripemd160 = ADDRESSES[3]
    db = AccountDatabase(MemoryState.from_alloc({ripemd160: Allocated()}))
    checkpoint = db.checkpoint()
    db.touch(ripemd160)
    db.revert(checkpoint)
    db.finish()
    assert db.diff().accounts == {ripemd160: None}


def test_negative_balance_is_our_own_fault() -> None:
    db = AccountDatabase(MemoryState.from_alloc(ALLOC))
    with pytest.raises(BrokenJournal):
        db.add_balance(ADDRESSES[1], -6)


def test_revert_ahead_of_the_log_is_our_own_fault() -> None:
    with pytest.raises(BrokenJournal):
        AccountDatabase(MemoryState.from_alloc(ALLOC)).revert(1)
