"""The builder on a real store: forced candidates first, then the pool's best, within limits."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from execution.attributes import BlockAttributes
from execution.evm.engine import ChangesOf, Outcome
from execution.transaction import Transaction
from execution.transition import BlockResult, Candidate, InvalidBlockAttributes, execute_block
from genesis.builder import GenesisAccount, build_genesis
from genesis.config import L1_RULES, ChainConfig
from genesis.hashing import config_hash
from sequencer.builder import Guard, ancestors_in, build, unsafe_header
from sequencer.mempool import Mempool
from state.batch_codec import BatchBlock, decode_batch, encode_batch, encode_blocks, read_block
from state.clock import ManualClock
from state.headers import next_base_fee
from state.store import ChainIdentity, ChainStore
from state.types import Address, Timestamp
from tests.execution.chain import COINBASE, carry, contract, funded, skip
from tests.execution.wallet import ETHER, GWEI, Wallet, config

WALLETS = [Wallet(number) for number in range(1, 6)]
ALICE, BOB, CAROL = WALLETS[:3]
HALTER = Address(b"\xa3" * 20)
DESTROYER_OF_GAS = {"to": HALTER, "value": 0}


def gwei(amount: float) -> dict[str, int]:
    return {"max_fee_per_gas": int(amount * GWEI), "max_priority_fee_per_gas": int(amount * GWEI)}


@dataclass
class Sequencer:
    """A store, in memory unless it has a path, a pool and a builder, as the node wires them."""

    config: ChainConfig
    path: Path | None = None
    clock: ManualClock = field(default_factory=lambda: ManualClock(1_700_000_000))

    def __post_init__(self) -> None:
        alloc: dict[Address, GenesisAccount] = funded(*WALLETS)
        genesis = build_genesis(self.config, alloc | {HALTER: contract(b"\xfe")})
        identity = ChainIdentity(self.config.chain_id, genesis.hash, config_hash(self.config))
        self.store = ChainStore.open(self.path, identity, genesis)
        fee = next_base_fee(genesis.header)
        self.pool = Mempool(self.config, self.clock, self.store.state(), fee)

    def attributes(self) -> BlockAttributes:
        return BlockAttributes(
            timestamp=Timestamp(unsafe_header(self.store).timestamp + 1),
            coinbase=COINBASE,
            gas_limit=self.config.block_gas_limit,
        )

    def build(
        self,
        forced: list[Candidate] | None = None,
        deadline: float | None = None,
        guard: Guard | None = None,
    ) -> BlockResult:
        return build(
            self.store,
            self.config,
            self.pool,
            self.attributes(),
            forced or [],
            clock=self.clock,
            deadline=deadline,
            guard=guard,
        )

    def append(self, result: BlockResult) -> None:
        with self.store.commit() as batch:
            batch.append(result.sealed)
        header = result.sealed.header
        self.pool.on_block(result.sealed, self.store.state(), next_base_fee(header))


def l2(**changes: object) -> Sequencer:
    return Sequencer(config(**changes))


def test_build_takes_the_best_paying_first_and_the_pool_forgets_them() -> None:
    here = l2()
    cheap, best = here.pool.add(ALICE.raw(**gwei(2))), here.pool.add(BOB.raw(**gwei(5)))
    behind = here.pool.add(ALICE.raw(nonce=1, **gwei(9)))
    result = here.build()
    assert result.sealed.transactions == (best.raw, cheap.raw, behind.raw)
    here.append(result)
    assert here.pool.statistics().senders == 0
    assert here.store.heads.unsafe.number == 1
    assert here.build().sealed.transactions == ()


class Refusing:
    """A guard that admits nothing but what comes after so many."""

    def __init__(self, refusals: int) -> None:
        self.left = refusals

    def start(self) -> None: ...

    def note_forced(self, changes_of: ChangesOf) -> None: ...

    def note_settlement(self, settlement: Transaction, outcome: Outcome) -> None: ...

    def admits(self, changes_of: ChangesOf) -> bool:
        self.left -= 1
        return self.left < 0


def test_build_leaves_what_the_guard_does_not_admit_to_a_later_block() -> None:
    here = l2()
    first, second = here.pool.add(ALICE.raw(**gwei(5))), here.pool.add(ALICE.raw(nonce=1))
    other = here.pool.add(BOB.raw(**gwei(2)))
    result = here.build(guard=Refusing(1))
    assert result.sealed.transactions == (other.raw,)
    here.append(result)
    assert here.build().sealed.transactions == (first.raw, second.raw)


def test_build_puts_forced_candidates_first() -> None:
    here = l2()
    own = here.pool.add(ALICE.raw(**gwei(9)))
    forced = BOB.raw(**gwei(2))
    result = here.build([*skip(CAROL.raw()), *carry(forced, b"junk")])
    assert result.sealed.transactions == (CAROL.raw(), forced, own.raw)
    assert result.carried_taken == 2


def test_build_equals_what_a_verifier_executes() -> None:
    here = l2()
    for wallet in WALLETS:
        here.pool.add(wallet.raw(gas=50_000, **DESTROYER_OF_GAS))
    parent, state, attributes = unsafe_header(here.store), here.store.state(), here.attributes()
    built = here.build(carry(b"junk"))
    candidates = [*carry(b"junk"), *skip(*built.sealed.transactions)]
    again = execute_block(
        parent, state, attributes, candidates, here.config, ancestors_in(here.store)
    )
    assert again.sealed == built.sealed


def test_build_passes_over_what_does_not_fit_and_keeps_it_in_the_pool() -> None:
    here = l2(block_gas_limit=2**24)
    first = here.pool.add(ALICE.raw(gas=10_000_000, **DESTROYER_OF_GAS, **gwei(9)))
    big = here.pool.add(BOB.raw(gas=10_000_000, **DESTROYER_OF_GAS, **gwei(8)))
    behind = here.pool.add(BOB.raw(nonce=1, **gwei(8)))
    small = here.pool.add(CAROL.raw(**gwei(2)))
    result = here.build()
    assert result.sealed.transactions == (first.raw, small.raw)
    here.append(result)
    assert here.build().sealed.transactions == (big.raw, behind.raw)


def test_build_stops_at_the_deadline_but_takes_forced_candidates() -> None:
    here = l2()
    here.pool.add(ALICE.raw())
    result = here.build(carry(BOB.raw()), deadline=here.clock.monotonic())
    assert result.sealed.transactions == (BOB.raw(),)
    assert here.pool.statistics().pending == 1
    assert len(here.build(deadline=here.clock.monotonic() + 1).sealed.transactions) == 1


def test_build_drops_from_the_pool_what_a_forced_transaction_made_invalid() -> None:
    here = l2()
    here.pool.add(ALICE.raw())
    result = here.build(carry(ALICE.raw(value=99 * ETHER, **gwei(3))))
    assert len(result.sealed.transactions) == 1
    assert here.pool.statistics().senders == 0


def test_build_keeps_what_the_base_fee_shuts_out() -> None:
    here = l2()
    here.pool.add(ALICE.raw(**gwei(0.5)))
    assert here.build().sealed.transactions == ()
    assert here.pool.statistics().pending == 1


@pytest.mark.parametrize(("is_noise", "included"), [(True, 3), (False, 5)])
def test_block_of_l2_always_fits_a_batch(is_noise: bool, included: int) -> None:
    here = l2()
    for wallet in WALLETS:
        noise = hashlib.shake_128(wallet.address).digest(25_600)
        here.pool.add(wallet.raw(data=noise if is_noise else b"\1" * 25_600, gas=1_500_000))
    result = here.build()
    transactions = result.sealed.transactions
    assert len(transactions) == included
    block = BatchBlock(result.sealed.header.timestamp, 0, transactions)
    payload = decode_batch(encode_batch(encode_blocks([block])))
    assert read_block(payload, 0) == (block, len(payload))


def test_block_of_l1_is_bounded_by_gas_alone() -> None:
    here = Sequencer(config(L1_RULES))
    for wallet in WALLETS:
        here.pool.add(wallet.raw(data=b"\1" * 40_000, gas=2_000_000))
    assert len(here.build().sealed.transactions) == 5


def test_build_on_a_timestamp_of_the_past_raises() -> None:
    here = l2()
    attributes = BlockAttributes(timestamp=unsafe_header(here.store).timestamp)
    with pytest.raises(InvalidBlockAttributes):
        build(here.store, here.config, here.pool, attributes, clock=here.clock)


def test_many_blocks_on_disk_include_everything_once(tmp_path: Path) -> None:
    here = Sequencer(config(block_gas_limit=2**24), tmp_path / "db")
    sent = set()
    for nonce in range(6):
        for wallet in WALLETS:
            raw = wallet.raw(nonce=nonce, gas=2_000_000, **DESTROYER_OF_GAS, **gwei(3 + nonce))
            sent.add(here.pool.add(raw).raw)
    included: list[bytes] = []
    while here.pool.statistics().pending:
        result = here.build()
        assert result.sealed.header.gas_used <= 2**24
        included += result.sealed.transactions
        here.append(result)
    assert set(included) == sent
    assert len(included) == len(sent)
    assert here.store.heads.unsafe.number == 4
    assert here.store.state().account(ALICE.address).nonce == 6
    here.store.close()


def test_ancestors_are_the_stored_blocks() -> None:
    here = l2()
    here.append(here.build())
    hash_of = ancestors_in(here.store)
    assert hash_of(1) == here.store.heads.unsafe.hash
    assert hash_of(2) is None
