"""State roots against the `trie` package over whole states, and diffs that can't be."""

import random

import pytest
import rlp as reference
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie

from state.accounts import EMPTY_TRIE_ROOT, Account, AccountChange, State, StateDiff
from state.errors import InternalError
from state.keccak import keccak
from state.memory_state import MemoryState
from state.types import Address
from state.world import decode_account, encode_account
from tests.state.chains import account_address, default_allocation, random_diff

Model = dict[Address, tuple[int, int, bytes, dict[int, int]]]


def model_root(model: Model) -> bytes:
    """The state root of whole accounts, from nothing, by the `trie` package."""
    accounts = HexaryTrie({})
    for address, (nonce, balance, code_hash, slots) in model.items():
        storage = HexaryTrie({})
        for slot, value in slots.items():
            storage[keccak(slot.to_bytes(32, "big"))] = reference.encode(value)
        leaf = [nonce, balance, storage.root_hash, code_hash]
        accounts[keccak(address)] = reference.encode(leaf)
    return accounts.root_hash


def apply_to_model(model: Model, diff: StateDiff) -> None:
    """What a diff means, written as plainly as can be."""
    for address, change in diff.accounts.items():
        if change is None:
            model.pop(address, None)
            continue
        slots = model[address][3] if address in model else {}
        model[address] = (change.nonce, change.balance, change.code_hash, slots)
    for address in diff.cleared:
        if address in model:
            model[address][3].clear()
    for address, slots in diff.storage.items():
        for slot, value in slots.items():
            model[address][3].pop(slot, None)
            if value:
                model[address][3][slot] = value


def default_model() -> Model:
    return {
        address: (a.nonce, a.balance, keccak(a.code), {**a.storage})
        for address, a in default_allocation().items()
    }


def test_from_alloc_matches_the_trie_package():
    state = MemoryState.from_alloc(default_allocation())
    assert state.root == model_root(default_model())
    assert MemoryState.from_alloc({}).root == EMPTY_TRIE_ROOT


@pytest.mark.parametrize("seed", range(4))
def test_update_random_diffs_match_the_trie_package(seed: int):
    rng, model = random.Random(seed), default_model()
    state = MemoryState.from_alloc(default_allocation())
    for _ in range(25):
        diff = random_diff(rng, state)
        state = state.apply(state.update(diff))
        apply_to_model(model, diff)
        assert state.root == model_root(model)
    _check_reads(state, model)


def _check_reads(state: State, model: Model) -> None:
    for index in range(14):
        address = account_address(index)
        account = state.account(address)
        if address not in model:
            assert account is None
            assert state.storage(address, 1) == 0
            continue
        nonce, balance, code_hash, slots = model[address]
        assert account is not None
        assert (account.nonce, account.balance, account.code_hash) == (nonce, balance, code_hash)
        assert all(state.storage(address, slot) == slots.get(slot, 0) for slot in range(60))


def test_update_leaves_the_state_it_was_computed_on():
    state = MemoryState.from_alloc(default_allocation())
    address = account_address(1)
    update = state.update(StateDiff(storage={address: {1: 99}}))
    later = state.apply(update)
    assert (state.storage(address, 1), later.storage(address, 1)) == (2, 99)
    assert state.root != later.root == update.root


def test_update_storing_in_an_account_that_is_gone_is_refused():
    state = MemoryState.from_alloc(default_allocation())
    for diff in (
        StateDiff(accounts={account_address(1): None}, storage={account_address(1): {1: 1}}),
        StateDiff(storage={account_address(99): {1: 1}}),
    ):
        with pytest.raises(InternalError, match="gone"):
            state.update(diff)


@pytest.mark.parametrize(("nonce", "balance"), [(-1, 0), (2**64, 0), (0, -1), (0, 2**256)])
def test_update_with_a_number_out_of_range_is_refused(nonce: int, balance: int):
    change = AccountChange(nonce, balance, keccak(b""))
    with pytest.raises(InternalError, match="range"):
        MemoryState().update(StateDiff(accounts={account_address(1): change}))


def test_code_never_given_is_an_internal_error():
    state = MemoryState()
    assert state.code(keccak(b"")) == b""
    with pytest.raises(InternalError):
        state.code(keccak(b"code"))
    with pytest.raises(InternalError):
        MemoryState(root=keccak(b"root")).account(account_address(1))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**256 - 1), st.binary(min_size=32, max_size=32))
def test_decode_account_gives_the_account_back(nonce: int, balance: int, root: bytes):
    account = Account(nonce, balance, root, keccak(root))
    assert decode_account(encode_account(account)) == account
    assert encode_account(account) == reference.encode([nonce, balance, root, keccak(root)])
