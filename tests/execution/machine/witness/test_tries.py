"""Paths of running machines: opened to what the machine holds, closed to what it commits to."""

from collections.abc import Callable
from typing import Any

import pytest

from execution.machine.journal import CREATED, WARM
from execution.machine.machine import Machine
from execution.machine.status import Status
from execution.machine.witness.tries import JournalTrie, StateTries, trie_edit
from execution.machine.witness.writer import WitnessWriter
from execution.machine.world import NOTHING, Values
from genesis.config import ExecutionRules
from state.accounts import EMPTY_CODE_HASH, EMPTY_TRIE_ROOT, StateUpdate
from state.errors import InternalError
from state.keccak import keccak
from state.rlp import encode, encode_uint
from state.trie import no_nodes
from state.types import Address
from tests.contracts.vm import Reverted
from tests.execution.machine.witness.trie_edit import Entries, Harness, witness
from tests.execution.machine.world import CONTRACT, OTHER, SENDER, Run, contract

ABSENT = Address(b"\x99" * 20)
SLOTS = range(24)

STORE_AND_CALL = (
    "".join(f"60{slot + 1:02x}60{slot:02x}55" for slot in SLOTS)
    + "".join(f"60{slot + 5:02x}60{slot:02x}5d" for slot in range(6))
    + f"5f5f5f5f600273{OTHER.hex()}5af1"
    + "5f600355"
    + "00"
)
"""Fills slots and transient slots, calls with two wei, and clears slot 3."""


@pytest.fixture
def run() -> Run:
    accounts = {
        CONTRACT: contract(STORE_AND_CALL, balance=10, storage={3: 7, 100: 1}),
        OTHER: contract("60015f5500", balance=1),
    }
    run = Run(accounts)
    run.offer(gas=5_000_000)
    return run


def stepped(run: Run) -> Any:
    """The machine's state before every step."""
    while not run.machine.idle:
        yield run.state
        run.machine.step()


def until_inner_call(run: Run) -> None:
    """Step until CONTRACT is about to enter OTHER."""
    run.until(Status.ENTER)
    run.until(Status.RUN)
    run.until(Status.ENTER)


def written(write: Callable[[WitnessWriter], object]) -> bytes:
    out = WitnessWriter()
    write(out)
    return out.getvalue()


def test_tries_of_a_running_machine_have_its_roots(run: Run) -> None:
    for state in stepped(run):
        assert StateTries(state.world).root == state.world.root()
        assert JournalTrie(state.journal).root == state.journal.root()


def test_tries_at_the_transactions_start_have_its_root_and_values(run: Run) -> None:
    run.until(Status.RUN)
    for _ in range(60):
        run.machine.step()
    start = run.state.tx.start
    tries = StateTries.at(start)
    assert tries.root == start.words()[0] != run.state.world.root()
    assert tries.open_slot(CONTRACT, 3, WitnessWriter()) == 7
    assert tries.open_slot(CONTRACT, 5, WitnessWriter()) == 0
    assert StateTries(run.state.world).open_slot(CONTRACT, 5, WitnessWriter()) == 6


def test_slot_is_closed_with_the_root_that_the_machine_gets(run: Run, harness: Harness) -> None:
    """The witness is that of SSTORE: account, slot, and a sibling where the slot is cleared."""
    closed = 0
    while True:
        run.until(Status.SSTORE_WRITE)
        state = run.state
        if state.frame.address != CONTRACT:
            run.machine.step()
            continue
        operation = state.operation
        tries = StateTries(state.world)
        before, root = state.world.storage(CONTRACT, operation.slot), tries.root
        data = written(
            lambda out, tries=tries, operation=operation: tries.edit_slot(
                CONTRACT, operation.slot, operation.value, out
            )
        )
        answer = harness.set_number(
            "setSlot", root, CONTRACT, operation.slot, operation.value, data
        )
        run.machine.step()
        assert answer == (before, tries.root) == (before, run.state.world.root())
        closed += 1
        if operation.value == 0:
            break
    assert closed == len(SLOTS) + 1


def test_two_accounts_are_closed_one_in_the_root_of_the_other(run: Run, harness: Harness) -> None:
    """As ENTER does: the second path is read in the trie that the first left behind."""
    until_inner_call(run)
    tries = StateTries(run.state.world)
    for address, change in ((CONTRACT, -2), (OTHER, 2)):
        root, account = tries.root, tries.account(address)
        values = Values(account.nonce, account.balance + change, account.code_hash)
        data = written(
            lambda out, address=address, values=values: tries.edit_account(address, values, out)
        )
        old = (account.nonce, account.balance, account.storage_root, account.code_hash)
        new = (account.nonce, account.balance + change, account.storage_root, account.code_hash)
        assert harness.set_account(root, address, new, data) == (old, True, tries.root)
    run.machine.step()
    assert tries.root == run.state.world.root()


def test_account_that_becomes_empty_is_deleted(run: Run, harness: Harness) -> None:
    """EIP-161: without nonce, balance and code there is no leaf, whatever its storage was."""
    tries = StateTries(run.state.world)
    root = tries.root
    account = tries.account(CONTRACT)
    data = written(lambda out: tries.edit_account(CONTRACT, NOTHING, out))
    empty = (0, 0, account.storage_root, EMPTY_CODE_HASH)
    assert harness.set_account(root, CONTRACT, empty, data)[2] == tries.root != root
    assert tries.account(CONTRACT) is None
    run.state.world.delete(CONTRACT)
    assert run.state.world.root() == tries.root


def test_account_that_is_not_there_opens_empty_and_is_made(run: Run, harness: Harness) -> None:
    tries = StateTries(run.state.world)
    root = tries.root
    data = written(lambda out: tries.edit_account(ABSENT, Values(0, 5, EMPTY_CODE_HASH), out))
    none = (0, 0, EMPTY_TRIE_ROOT, EMPTY_CODE_HASH)
    leaf = (0, 5, EMPTY_TRIE_ROOT, EMPTY_CODE_HASH)
    assert harness.set_account(root, ABSENT, leaf, data) == (none, False, tries.root)
    run.state.world.add_balance(ABSENT, 5)
    assert run.state.world.root() == tries.root


def test_slot_of_an_account_that_is_not_there_needs_the_accounts_path_alone(run: Run) -> None:
    tries = StateTries(run.state.world)
    assert written(lambda out: tries.open_slot(ABSENT, 1, out)) == written(
        lambda out: tries.open_account(ABSENT, out)
    )
    with pytest.raises(InternalError):
        tries.close_slot(ABSENT, 1, 1, WitnessWriter())


def test_journal_entries_are_closed_with_the_root_that_the_machine_gets(
    run: Run, harness: Harness
) -> None:
    until_inner_call(run)
    journal = run.state.journal
    trie = JournalTrie(journal)
    root = trie.root
    data = written(lambda out: (trie.open_flags(ABSENT, out), trie.close_flags(ABSENT, 3, out)))
    assert harness.set_flags(root, ABSENT, WARM | CREATED, data) == (0, trie.root)
    journal.mark(ABSENT, WARM)
    journal.mark(ABSENT, CREATED)
    assert journal.root() == trie.root

    root = trie.root
    data = written(lambda out: (trie.open_slot(ABSENT, 9, out), trie.close_slot(ABSENT, 9, out)))
    assert harness.set_number("setWarmSlot", root, ABSENT, 9, 1, data) == (0, trie.root)
    journal.warm_slot(ABSENT, 9)
    assert journal.root() == trie.root


@pytest.mark.parametrize("value", [0, 1, 0x7F, 0x80, 2**256 - 1])
def test_transient_slot_is_closed_with_the_root_that_the_machine_gets(
    run: Run, harness: Harness, value: int
) -> None:
    """Zero removes the entry, and may pull up a sibling."""
    until_inner_call(run)
    journal = run.state.journal
    for slot in range(6):
        trie = JournalTrie(journal)
        root = trie.root
        out = WitnessWriter()
        assert trie.open_transient(CONTRACT, slot, out) == slot + 5
        trie.close_transient(CONTRACT, slot, value, out)
        answer = harness.set_number("setTransient", root, CONTRACT, slot, value, out.getvalue())
        journal.set_transient(CONTRACT, slot, value)
        assert answer == (slot + 5, trie.root) == (slot + 5, journal.root())


STORAGE_ROOT, CODE_HASH = keccak(b"storage"), keccak(b"code")
ACCOUNTS = {
    "of three items": [b"", b"\5", STORAGE_ROOT],
    "of five items": [b"", b"\5", STORAGE_ROOT, CODE_HASH, b""],
    "whose nonce has a leading zero": [b"\0\1", b"\5", STORAGE_ROOT, CODE_HASH],
    "whose nonce has nine bytes": [b"\1" * 9, b"\5", STORAGE_ROOT, CODE_HASH],
    "whose balance has 33 bytes": [b"", b"\1" * 33, STORAGE_ROOT, CODE_HASH],
    "whose balance is a list": [b"", [b"\5"], STORAGE_ROOT, CODE_HASH],
    "whose storage root has 31 bytes": [b"", b"\5", STORAGE_ROOT[1:], CODE_HASH],
    "whose code hash is absent": [b"", b"\5", STORAGE_ROOT, b""],
}


@pytest.mark.parametrize("items", ACCOUNTS.values(), ids=ACCOUNTS)
def test_account_leaf_that_is_malformed_reverts(harness: Harness, items: Any) -> None:
    leaf = (1, 5, STORAGE_ROOT, CODE_HASH)
    for encoded in (encode(items), encode([b"\1", b"\5", STORAGE_ROOT, CODE_HASH]) + b"\0"):
        trie = Entries([(keccak(SENDER), encoded)])
        with pytest.raises(Reverted):
            harness.set_account(trie.root, SENDER, leaf, witness(*trie.path(keccak(SENDER))))


@pytest.mark.parametrize(
    "leaf",
    [b"\0", b"\x80", b"\x81\x05", b"\x82\0\5", b"\xc1\x05", b"\5\5", b"\xa1" + b"\1" * 33],
    ids=bytes.hex,
)
def test_number_leaf_that_is_malformed_reverts(harness: Harness, leaf: bytes) -> None:
    """Zero among them: it is no entry, and an entry of it would be a second encoding."""
    key = keccak((1).to_bytes(32, "big"))
    storage = Entries([(key, leaf)])
    account = encode([b"\1", b"", storage.root, EMPTY_CODE_HASH])
    state = Entries([(keccak(SENDER), account)])
    data = witness(*state.path(keccak(SENDER)), *storage.path(key))
    with pytest.raises(Reverted):
        harness.set_number("setSlot", state.root, SENDER, 1, 9, data)


@pytest.mark.parametrize("nonce", [0, 1, 2**64 - 1])
@pytest.mark.parametrize("balance", [0, 1, 0x7F, 0x80, 2**256 - 1])
def test_account_leaf_of_any_numbers_is_read_and_written(
    harness: Harness, nonce: int, balance: int
) -> None:
    key = keccak(SENDER)
    leaf = (nonce, balance, STORAGE_ROOT, CODE_HASH)
    encoded = encode([encode_uint(nonce), encode_uint(balance), STORAGE_ROOT, CODE_HASH])
    empty, full = Entries(), Entries([(key, encoded)])
    assert harness.set_account(empty.root, SENDER, leaf, b"")[2] == full.root
    data = witness(*full.path(key))
    assert harness.set_account(full.root, SENDER, leaf, data) == (leaf, True, full.root)


class NodelessState:
    """A state that can be updated, but not proven."""

    root = EMPTY_TRIE_ROOT

    def account(self, address: Address) -> None:
        return None

    def update(self, diff: Any) -> StateUpdate:
        return StateUpdate(EMPTY_TRIE_ROOT, diff, {}, {})


def test_state_that_gives_no_nodes_can_not_be_proven(run: Run) -> None:
    machine = Machine(NodelessState(), run.world.context, ExecutionRules())
    with pytest.raises(InternalError, match="without its trie nodes"):
        machine.state.world.node(EMPTY_TRIE_ROOT)


def test_edit_that_changes_nothing_has_no_new_nodes() -> None:
    edit = trie_edit(EMPTY_TRIE_ROOT, keccak(b"key"), b"", no_nodes)
    assert edit == ((), (), EMPTY_TRIE_ROOT, {})
