"""Blocks for tests of the store: real headers, roots and receipts over random state changes."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from state.accounts import Account, AccountChange, State, StateDiff
from state.blocks import EMPTY_BLOOM, Header, Log, Receipt, SealedBlock
from state.headers import header_hash
from state.keccak import keccak
from state.memory_state import MemoryState, allocation_update
from state.receipts import bloom_of, encode_receipt, merge_blooms
from state.store import ChainIdentity, ChainStore
from state.trie import list_root
from state.types import Address, BlockNumber, Gas, Hash32, Timestamp, Wei

CONTRACT_CODE = bytes.fromhex("600160005500")


@dataclass(frozen=True, slots=True)
class Allocation:
    """An account of a test's genesis."""

    nonce: int = 0
    balance: Wei = Wei(10**18)
    code: bytes = b""
    storage: Mapping[int, int] = field(default_factory=dict)


def account_address(index: int) -> Address:
    """The address of the test account `index`."""
    return Address(keccak(b"account %d" % index)[12:])


def default_allocation() -> dict[Address, Allocation]:
    """Ten accounts, the odd ones contracts with storage."""
    return {
        account_address(index): Allocation(
            code=CONTRACT_CODE if index % 2 else b"",
            storage={slot: slot + index for slot in range(1, 40)} if index % 2 else {},
        )
        for index in range(10)
    }


def make_genesis(allocation: Mapping[Address, Allocation] | None = None) -> SealedBlock:
    """A genesis block of these accounts."""
    update = allocation_update(default_allocation() if allocation is None else allocation)
    header = Header(
        parent_hash=Hash32(bytes(32)),
        state_root=update.root,
        number=BlockNumber(0),
        gas_limit=Gas(30_000_000),
        timestamp=Timestamp(1_000),
        base_fee_per_gas=Wei(10**9),
    )
    return SealedBlock(header_hash(header), header, (), (), (), (), update)


def identity_of(genesis: SealedBlock) -> ChainIdentity:
    """The identity of a chain that starts with `genesis`."""
    return ChainIdentity(424242, genesis.hash, keccak(b"configuration"))


def open_memory(genesis: SealedBlock | None = None) -> ChainStore:
    """A chain in memory, at its genesis block."""
    genesis = genesis or make_genesis()
    return ChainStore.open(None, identity_of(genesis), genesis)


def random_diff(rng: random.Random, state: State, accounts: int = 14) -> StateDiff:
    """Changes of every kind to some accounts: set, write, wipe, destroy, create, create again."""
    changes: dict[Address, AccountChange | None] = {}
    storage: dict[Address, dict[int, int]] = {}
    cleared: set[Address] = set()
    code = rng.randbytes(rng.randrange(1, 50))
    for index in rng.sample(range(accounts), rng.randrange(1, 6)):
        address = account_address(index)
        before = state.account(address)
        if before is not None and rng.random() < 0.15:
            changes[address] = None
            continue
        if before is not None and rng.random() < 0.15:
            cleared.add(address)
        changes[address] = _changed(rng, before, keccak(code))
        slots = {rng.randrange(1, 60): rng.choice((0, 1, 2**255)) for _ in range(rng.randrange(12))}
        if slots:
            storage[address] = slots
    return StateDiff(changes, storage, frozenset(cleared), {keccak(code): code})


def _changed(rng: random.Random, before: Account | None, code_hash: Hash32) -> AccountChange:
    nonce = 1 if before is None else before.nonce + 1
    return AccountChange(nonce, Wei(rng.randrange(2**80)), code_hash)


def make_block(parent: SealedBlock | Header, state: State, diff: StateDiff) -> SealedBlock:
    """The child of `parent` that leaves `diff`, with two transactions that log."""
    above = parent.header if isinstance(parent, SealedBlock) else parent
    update = state.update(diff)
    number = BlockNumber(above.number + 1)
    raw = tuple(b"\x02" + keccak(update.root + bytes([number % 256, index])) for index in range(2))
    receipts = tuple(_receipt(index, raw[index]) for index in range(2))
    header = Header(
        parent_hash=header_hash(above),
        state_root=update.root,
        number=number,
        gas_limit=Gas(30_000_000),
        timestamp=Timestamp(above.timestamp + 1),
        base_fee_per_gas=Wei(10**9),
        transactions_root=list_root(raw),
        receipts_root=list_root([encode_receipt(receipt) for receipt in receipts]),
        logs_bloom=merge_blooms(receipt.logs_bloom for receipt in receipts),
        gas_used=Gas(42_000),
    )
    senders = (account_address(0), account_address(2))
    contracts = (None, account_address(11))
    return SealedBlock(header_hash(header), header, raw, senders, contracts, receipts, update)


def _receipt(index: int, raw: bytes) -> Receipt:
    logs = (Log(account_address(1), (keccak(raw),), raw),) if index else ()
    bloom = bloom_of(logs) if logs else EMPTY_BLOOM
    return Receipt(2, index == 1, Gas(21_000 * (index + 1)), logs, bloom)


def grow(store: ChainStore, blocks: int, rng: random.Random) -> list[SealedBlock]:
    """Append random blocks, one commit each."""
    grown = []
    for _ in range(blocks):
        state = store.state()
        header = store.header(store.heads.unsafe.number)
        assert header is not None
        block = make_block(header, state, random_diff(rng, state))
        with store.commit() as batch:
            batch.append(block)
        grown.append(block)
    return grown


def replay(genesis: SealedBlock, blocks: list[SealedBlock]) -> MemoryState:
    """The state after `blocks`, by a state that shares nothing with the store."""
    state = MemoryState().apply(genesis.update)
    for block in blocks:
        state = state.apply(state.update(block.update.diff))
        assert state.root == block.header.state_root
    return state
