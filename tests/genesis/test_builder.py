"""Genesis against the trie package, and what an allocation may hold."""

import pytest
import rlp
from trie import HexaryTrie

from execution.contracts.system import system_alloc
from genesis.builder import (
    GenesisAccount,
    InvalidGenesisAccount,
    build_genesis,
    total_balance,
)
from genesis.config import ChainConfig
from genesis.networks import (
    ETHER,
    devnet_l2,
    devnet_l2_alloc,
    embedded_l1,
    embedded_l1_alloc,
)
from state.headers import header_hash
from state.keccak import keccak
from state.types import UINT256_MAX, Address, Timestamp, Wei

CONFIG = devnet_l2(Timestamp(1_700_000_000), Address(b"\x01" * 20), Address(b"\x02" * 20))
ALLOC = {**devnet_l2_alloc(), **system_alloc(CONFIG.portal)}


def _reference_root(alloc: dict[Address, GenesisAccount]) -> bytes:
    """The state root as the `trie` and `rlp` packages make it."""
    world = HexaryTrie({})
    for address, account in alloc.items():
        storage = HexaryTrie({})
        for slot, value in account.storage.items():
            storage[keccak(slot.to_bytes(32, "big"))] = rlp.encode(value)
        fields = [account.nonce, account.balance, storage.root_hash, keccak(account.code)]
        world[keccak(address)] = rlp.encode(fields)
    return bytes(world.root_hash)


def test_state_root_equals_the_trie_packages() -> None:
    assert build_genesis(CONFIG, ALLOC).header.state_root == _reference_root(ALLOC)


def test_header_follows_the_configuration() -> None:
    block = build_genesis(CONFIG, ALLOC)
    header = block.header
    assert block.hash == header_hash(header)
    assert (header.number, header.timestamp) == (0, CONFIG.genesis_time)
    assert (header.gas_limit, header.coinbase) == (CONFIG.block_gas_limit, CONFIG.coinbase)
    assert header.base_fee_per_gas == CONFIG.initial_base_fee
    assert header.parent_hash == bytes(32)
    assert (block.transactions, block.receipts) == ((), ())


def test_order_of_the_allocation_does_not_matter() -> None:
    backwards = dict(reversed(ALLOC.items()))
    assert build_genesis(CONFIG, backwards).hash == build_genesis(CONFIG, ALLOC).hash


def test_empty_account_leaves_no_trace() -> None:
    """EIP-161; storage alone doesn't make an account."""
    nothing = {Address(b"\x09" * 20): GenesisAccount(storage={1: 2})}
    assert build_genesis(CONFIG, ALLOC | nothing).hash == build_genesis(CONFIG, ALLOC).hash


def test_codes_come_with_the_update() -> None:
    codes = build_genesis(CONFIG, ALLOC).update.diff.codes
    assert set(codes.values()) == {a.code for a in ALLOC.values() if a.code}
    assert all(keccak(code) == code_hash for code_hash, code in codes.items())


@pytest.mark.parametrize("config", [embedded_l1(Timestamp(5)), CONFIG])
def test_another_time_is_another_genesis(config: ChainConfig) -> None:
    alloc = embedded_l1_alloc()
    assert build_genesis(config, alloc).hash == build_genesis(config, dict(alloc)).hash
    later = embedded_l1(Timestamp(6))
    assert build_genesis(later, alloc).hash != build_genesis(config, alloc).hash


def test_l2_genesis_ether_is_what_the_deployer_can_escrow() -> None:
    total = total_balance(ALLOC)
    assert total == (10 * 500 + 8 * 10) * ETHER
    assert all(account.balance > 0 for account in embedded_l1_alloc().values())
    assert total < max(account.balance for account in embedded_l1_alloc().values())


@pytest.mark.parametrize(
    "fields",
    [
        {"balance": Wei(-1)},
        {"balance": Wei(UINT256_MAX + 1)},
        {"nonce": -1},
        {"nonce": 2**64 - 1},
        {"storage": {-1: 1}},
        {"storage": {UINT256_MAX + 1: 1}},
        {"storage": {1: UINT256_MAX + 1}},
        {"storage": {1: -1}},
    ],
)
def test_account_that_no_state_can_hold_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidGenesisAccount):
        GenesisAccount(**fields)  # type: ignore[arg-type]
