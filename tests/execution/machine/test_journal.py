"""The journal, the world, and going back in both."""

import pytest

from execution.machine.journal import CREATED, WARM, Journal, address_key, slot_key, transient_key
from execution.machine.undo import UndoLog
from execution.machine.world import NOTHING, Values, World
from state.accounts import EMPTY_CODE_HASH, EMPTY_TRIE_ROOT
from state.errors import InternalError
from state.memory_state import MemoryState
from state.trie import no_nodes, update_trie
from state.types import Address
from tests.execution.machine.world import Allocated

HERE, THERE, EMPTY = (Address(bytes([number]) * 20) for number in (1, 2, 3))


def test_root_is_that_of_a_trie_of_the_documented_entries() -> None:
    journal = Journal(UndoLog())
    assert journal.root() == EMPTY_TRIE_ROOT
    journal.mark(HERE, WARM)
    journal.mark(HERE, CREATED)
    journal.warm_slot(HERE, 0)
    journal.set_transient(HERE, 0, 256)
    journal.set_transient(THERE, 0, 1)
    journal.set_transient(THERE, 0, 0)
    entries = {
        address_key(HERE): b"\x03",
        slot_key(HERE, 0): b"\x01",
        transient_key(HERE, 0): b"\x82\x01\x00",
    }
    assert journal.root() == update_trie(EMPTY_TRIE_ROOT, entries, no_nodes).root


def test_revert_restores_every_part_of_the_journal() -> None:
    undo = UndoLog()
    journal = Journal(undo)
    journal.mark(HERE, WARM)
    journal.set_transient(HERE, 7, 1)
    snapshot, root = undo.snapshot(), journal.root()
    journal.mark(HERE, CREATED)
    journal.mark(THERE, WARM)
    journal.warm_slot(HERE, 1)
    journal.set_transient(HERE, 7, 2)
    changed = journal.root()
    assert changed != root
    with undo.rewound(snapshot):
        assert journal.root() == root
    assert journal.root() == changed
    undo.revert(snapshot)
    assert journal.root() == root
    assert not journal.is_warm(THERE)
    assert not journal.is_slot_warm(HERE, 1)
    assert journal.transient(HERE, 7) == 1


def test_snapshot_beyond_the_log_is_an_error() -> None:
    with pytest.raises(InternalError, match="undo log"):
        UndoLog().revert(1)


# The world


def world(**accounts: Allocated) -> tuple[World, UndoLog, MemoryState]:
    names = {"here": HERE, "there": THERE, "empty": EMPTY}
    state = MemoryState.from_alloc({names[name]: item for name, item in accounts.items()})
    undo = UndoLog()
    return World(state, undo), undo, state


def test_root_follows_writes_and_reverts() -> None:
    here, undo, state = world(here=Allocated(balance=5, nonce=1, code=b"\0", storage={1: 2}))
    assert here.root() == state.root
    snapshot = undo.snapshot()
    here.add_balance(THERE, 3)
    here.set_storage(HERE, 1, 0)
    here.set_storage(HERE, 9, 9)
    wanted = MemoryState.from_alloc(
        {
            HERE: Allocated(balance=5, nonce=1, code=b"\0", storage={9: 9}),
            THERE: Allocated(balance=3),
        }
    )
    assert here.root() == wanted.root
    with undo.rewound(snapshot):
        assert here.root() == state.root
    undo.revert(snapshot)
    assert here.root() == state.root
    assert here.original_storage(HERE, 1) == 2


def test_touch_deletes_an_empty_account_and_only_that() -> None:
    there, _, state = world(there=Allocated(balance=1), empty=Allocated())
    there.touch(THERE)
    there.touch(HERE)
    assert there.root() == state.root
    there.touch(EMPTY)
    assert there.root() == MemoryState.from_alloc({THERE: Allocated(balance=1)}).root


def test_deleted_account_loses_its_storage_for_good() -> None:
    here, undo, _ = world(here=Allocated(nonce=1, code=b"\0", storage={1: 2}))
    snapshot = undo.snapshot()
    here.delete(HERE)
    assert here.values(HERE) == NOTHING
    assert here.storage(HERE, 1) == 0
    here.set_values(HERE, Values(1, 0, EMPTY_CODE_HASH))
    assert here.root() == MemoryState.from_alloc({HERE: Allocated(nonce=1)}).root
    undo.revert(snapshot)
    assert here.storage(HERE, 1) == 2


def test_balance_below_zero_is_an_error_of_ours() -> None:
    here, _, _ = world()
    with pytest.raises(InternalError, match="would be -1"):
        here.add_balance(HERE, -1)
