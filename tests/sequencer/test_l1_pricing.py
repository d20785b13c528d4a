"""A transaction pays for its bytes on L1, and a tip as suggested is always enough."""

from random import Random

import pytest

from execution.transaction import AccessListEntry, Transaction
from genesis.builder import GenesisAccount
from genesis.predeploys import L1_BLOCK
from sequencer.errors import TipTooLow
from sequencer.l1_pricing import l1_base_fee, least_tip, posted_bytes, suggested_tip
from sequencer.mempool import Mempool
from state.clock import ManualClock
from state.types import Address, Gas, Timestamp, Wei
from tests.execution.chain import MemoryChain, funded
from tests.execution.wallet import GWEI, Wallet, config

ALICE, BOB = Wallet(1), Wallet(2)
NOW = Timestamp(1_700_000_000)
L1_FEE = Wei(30 * GWEI)
BASE_FEE = Wei(GWEI)
BASE_FEE_SLOT = 1
ENOUGH = L1_FEE * 40 * 116 // 21_000
"""A transfer has some 114 bytes, and an L1 gas price of 40 each."""


def chain_of(l1_fee: Wei) -> MemoryChain:
    l1_block = GenesisAccount(nonce=1, code=b"\0", storage={BASE_FEE_SLOT: l1_fee})
    return MemoryChain(funded(ALICE, BOB) | {L1_BLOCK: l1_block}, config())


def pool(l1_fee: Wei = L1_FEE) -> Mempool:
    chain = chain_of(l1_fee)
    return Mempool(chain.config, ManualClock(NOW), chain.state, BASE_FEE)


def tipped(wallet: Wallet, tip: int, **changes: object) -> bytes:
    fees = {"max_fee_per_gas": Wei(tip + BASE_FEE), "max_priority_fee_per_gas": Wei(tip)}
    return wallet.raw(**fees | changes)


def test_l1_base_fee_is_what_the_predeploy_holds() -> None:
    assert l1_base_fee(chain_of(L1_FEE).state) == L1_FEE


def test_add_tip_below_the_price_of_its_bytes_is_refused_and_says_what_is_needed() -> None:
    here = pool()
    with pytest.raises(TipTooLow, match=r"transaction underpriced: .* needed [1-9]\d{9} "):
        here.add(tipped(ALICE, ENOUGH * 4 // 5))
    assert here.add(tipped(ALICE, ENOUGH)).sender == ALICE.address


def test_least_tip_ignores_gas_that_may_not_be_used() -> None:
    """A high gas limit costs nothing, so that it can't pay for bytes."""
    lean, fat = (ALICE.tx(data=b"\x01" * 5_000, gas=Gas(g)) for g in (200_000, 16_000_000))
    assert least_tip(fat, L1_FEE) >= least_tip(lean, L1_FEE)


def test_without_l1_every_tip_will_do() -> None:
    assert pool(Wei(0)).add(tipped(ALICE, 0)).sender == ALICE.address


@pytest.mark.parametrize("seed", range(5))
def test_suggested_tip_is_enough_for_any_transaction(seed: int) -> None:
    random = Random(seed)
    for _ in range(40):
        zeros = random.random()
        data = bytes(
            0 if random.random() < zeros else random.randint(1, 255)
            for _ in range(random.choice((0, 4, 100, 2_000)))
        )
        access = tuple(
            AccessListEntry(Address(random.randbytes(20)), tuple(range(random.randint(0, 3))))
            for _ in range(random.randint(0, 3))
        )
        tx = _transaction(data, access)
        assert least_tip(tx, L1_FEE) <= suggested_tip(L1_FEE)


def test_posted_bytes_of_zeros_count_a_quarter() -> None:
    assert posted_bytes(b"\1" * 8) == 8
    assert posted_bytes(bytes(8)) == 2


def test_transaction_that_only_covers_the_base_fee_waits_until_its_tip_pays() -> None:
    """A fee cap at the base fee leaves no tip, whatever the priority fee says."""
    here = pool()
    tx = here.add(tipped(ALICE, ENOUGH))
    assert list(here.pending(Wei(BASE_FEE + ENOUGH))) == []
    assert [one.hash for one in here.pending(Wei(0))] == [tx.hash]


def test_taken_back_transaction_needs_no_more_than_it_did() -> None:
    """The price of L1 may have risen since the dropped block."""
    here = pool()
    raw = tipped(ALICE, 0)
    here.reset(chain_of(L1_FEE).state, BASE_FEE, dropped=[raw])
    assert here.statistics().pending == 1


def test_kept_out_transaction_does_not_come_back() -> None:
    here = pool()
    settlement, plain = tipped(ALICE, 0), tipped(BOB, 0)
    here.keep_out(lambda raw: raw == settlement)
    here.reset(chain_of(L1_FEE).state, BASE_FEE, dropped=[settlement, plain])
    assert [tx.raw for txs in here.content().pending.values() for tx in txs] == [plain]


def _transaction(data: bytes, access: tuple[AccessListEntry, ...]) -> Transaction:
    return ALICE.tx(data=data, access_list=access, gas=Gas(16_000_000))
