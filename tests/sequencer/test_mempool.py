"""The pool: go-ethereum's rules one by one, then random and hostile use against its invariants."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution import errors
from execution.transaction import Transaction, TransactionType
from execution.transactions import make_deposit
from genesis.config import L1_RULES
from sequencer.errors import (
    AccountLimitExceeded,
    AlreadyKnown,
    PoolFull,
    ReplacementUnderpriced,
    TransactionRejected,
    TransactionUnderpriced,
)
from sequencer.limits import EXPIRY_INTERVAL_SECONDS, QUEUED_SECONDS_MAX
from sequencer.mempool import Mempool, PoolLimits
from sequencer.ordering import Ordering
from state.clock import ManualClock
from state.types import Address, Gas, Hash32, Timestamp, Wei
from tests.execution.chain import MemoryChain, contract, funded, skip
from tests.execution.wallet import ETHER, GWEI, Wallet, config

ALICE, BOB, CAROL, POOR = Wallet(1), Wallet(2), Wallet(3), Wallet(4)
NOW = Timestamp(1_700_000_000)
BASE_FEE = Wei(GWEI)
DEFAULTS = PoolLimits()


class Setting:
    """A pool on a chain in memory."""

    def __init__(
        self,
        limits: PoolLimits = DEFAULTS,
        ordering: Ordering = Ordering.PRIORITY_FEE,
        **changes: object,
    ) -> None:
        self.chain = MemoryChain(funded(ALICE, BOB, CAROL), config(**changes))
        self.clock = ManualClock(NOW)
        self.pool = Mempool(
            self.chain.config, self.clock, self.chain.state, BASE_FEE, limits, ordering
        )

    def include(self, *raws: bytes) -> None:
        """Make a block of `raws` and tell the pool."""
        result = self.chain.extend(skip(*raws))
        assert result.skipped == ()
        self.pool.on_block(result.sealed, self.chain.state, BASE_FEE)

    def order(self, base_fee: int = BASE_FEE) -> list[bytes]:
        return [tx.raw for tx in self.pool.pending(Wei(base_fee))]

    def counts(self) -> tuple[int, int]:
        statistics = self.pool.statistics()
        return statistics.pending, statistics.queued


def fees(gwei: float) -> dict[str, int]:
    """Both fees the same, so that the tip grows with them whatever the base fee."""
    fee = int(gwei * GWEI)
    return {"max_fee_per_gas": fee, "max_priority_fee_per_gas": fee}


# Ordering


def test_first_come_orders_by_arrival_whatever_is_paid_and_keeps_nonces_in_sequence() -> None:
    here = Setting(ordering=Ordering.FIRST_COME)
    ahead = ALICE.raw(nonce=1, **fees(9))
    here.pool.add(ahead)
    cheap, dear, first = BOB.raw(**fees(2)), CAROL.raw(**fees(9)), ALICE.raw(**fees(3))
    for raw in (cheap, dear, first):
        here.pool.add(raw)
    assert here.order() == [cheap, dear, first, ahead]


def test_priority_fee_orders_by_tip_and_then_by_arrival() -> None:
    here = Setting()
    raws = [BOB.raw(**fees(2)), CAROL.raw(**fees(9)), ALICE.raw(**fees(9))]
    for raw in raws:
        here.pool.add(raw)
    assert here.order() == [raws[1], raws[2], raws[0]]


# Admission


def test_add_valid_transaction_makes_it_pending() -> None:
    here = Setting()
    tx = here.pool.add(ALICE.raw())
    assert here.counts() == (1, 0)
    assert here.pool.get(tx.hash) == tx
    assert here.pool.next_nonce(ALICE.address) == 1
    assert here.order() == [tx.raw]


def test_add_again_raises_already_known() -> None:
    here = Setting()
    here.pool.add(ALICE.raw())
    with pytest.raises(AlreadyKnown, match="^already known$"):
        here.pool.add(ALICE.raw())


def test_add_of_every_type_succeeds() -> None:
    here = Setting()
    for nonce, type_ in enumerate(
        (TransactionType.LEGACY, TransactionType.ACCESS_LIST, TransactionType.FEE_MARKET)
    ):
        here.pool.add(ALICE.raw(nonce=nonce, type=type_))
    here.pool.add(BOB.raw(chain_id=None, type=TransactionType.LEGACY))
    assert here.counts() == (4, 0)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", errors.MalformedTransaction),
        (b"\x02" + b"\xc0" * 500, errors.MalformedTransaction),
        (ALICE.raw(chain_id=5), errors.WrongChainId),
        (ALICE.raw(gas=20_999), errors.IntrinsicGasTooLow),
        (ALICE.raw(gas=2**24 + 1), errors.GasAboveTransactionCap),
        (ALICE.raw(value=101 * ETHER), errors.InsufficientFunds),
        (POOR.raw(), errors.InsufficientFunds),
        (ALICE.raw(nonce=2**64 - 1), errors.NonceOverflow),
        (ALICE.raw(nonce=2**40), errors.NonceTooHigh),
        (ALICE.raw(max_priority_fee_per_gas=3 * GWEI), errors.TipAboveFeeCap),
        (ALICE.raw(data=bytes(66_000), gas=2_000_000), errors.TransactionTooLarge),
        (ALICE.raw(to=None, data=bytes(49_153), gas=2_000_000), errors.InitcodeTooLarge),
    ],
)
def test_add_invalid_transaction_raises_and_keeps_nothing(raw: bytes, error: type) -> None:
    here = Setting()
    with pytest.raises(error):
        here.pool.add(raw)
    assert here.pool.statistics().senders == 0


def test_add_deposit_raises_not_supported() -> None:
    deposit = make_deposit(
        source_hash=Hash32(bytes(32)),
        sender=ALICE.address,
        to=None,
        mint=Wei(10**30),
        value=Wei(0),
        gas=Gas(10**6),
        data=b"",
    )
    with pytest.raises(errors.TransactionTypeNotSupported):
        Setting().pool.add(deposit.raw)


def test_add_used_nonce_raises_too_low() -> None:
    here = Setting()
    here.include(ALICE.raw())
    with pytest.raises(errors.NonceTooLow, match="next nonce 1, tx nonce 0"):
        here.pool.add(ALICE.raw(value=2))


def test_add_from_a_contract_raises() -> None:
    here = Setting()
    chain = MemoryChain({ALICE.address: contract(b"\0", balance=ETHER)})
    pool = Mempool(chain.config, here.clock, chain.state, BASE_FEE)
    with pytest.raises(errors.SenderHasCode):
        pool.add(ALICE.raw(nonce=1))


def test_add_above_block_gas_limit_raises() -> None:
    rules = replace(L1_RULES, transaction_gas_cap=None)
    here = Setting(rules=rules, block_gas_limit=1_000_000)
    with pytest.raises(errors.GasAboveBlockLimit):
        here.pool.add(ALICE.raw(gas=1_000_001))


def test_add_fee_cap_below_base_fee_waits_but_is_not_offered() -> None:
    here = Setting()
    low = here.pool.add(ALICE.raw(max_fee_per_gas=5, max_priority_fee_per_gas=5))
    assert here.order() == []
    assert here.order(base_fee=5) == [low.raw]


# Replacement


def test_replacement_needs_a_tenth_more_of_both_fees() -> None:
    here = Setting()
    here.pool.add(ALICE.raw(**fees(10)))
    for change in (
        fees(10.99),
        {"max_fee_per_gas": 11 * GWEI, "max_priority_fee_per_gas": 10 * GWEI},
        {"max_fee_per_gas": 20 * GWEI, "max_priority_fee_per_gas": int(10.9 * GWEI)},
    ):
        with pytest.raises(ReplacementUnderpriced, match="^replacement transaction underpriced"):
            here.pool.add(ALICE.raw(value=2, **change))
    replacement = here.pool.add(ALICE.raw(value=2, **fees(11)))
    assert here.order() == [replacement.raw]
    assert here.counts() == (1, 0)
    assert here.pool.statistics().bytes == len(replacement.raw)


def test_replacement_of_a_free_transaction_is_not_free() -> None:
    here = Setting()
    here.pool.add(ALICE.raw(**fees(0)))
    with pytest.raises(ReplacementUnderpriced):
        here.pool.add(ALICE.raw(value=2, **fees(0)))


def test_replacement_that_overdraws_the_account_raises_and_keeps_the_old() -> None:
    here = Setting()
    old = here.pool.add(ALICE.raw(value=60 * ETHER))
    here.pool.add(ALICE.raw(nonce=1, value=30 * ETHER))
    with pytest.raises(errors.InsufficientFunds):
        here.pool.add(ALICE.raw(value=75 * ETHER, **fees(10)))
    assert old.raw in here.order()


# Gaps


def test_gapped_nonce_waits_until_the_gap_is_filled() -> None:
    here = Setting()
    raws = [ALICE.raw(nonce=nonce) for nonce in range(3)]
    here.pool.add(raws[2])
    here.pool.add(raws[1])
    assert here.counts() == (0, 2)
    assert here.order() == []
    assert here.pool.next_nonce(ALICE.address) == 0
    here.pool.add(raws[0])
    assert here.counts() == (3, 0)
    assert here.order() == raws
    assert here.pool.next_nonce(ALICE.address) == 3


def test_queued_transaction_expires_and_pending_does_not() -> None:
    here = Setting()
    here.pool.add(ALICE.raw(nonce=0))
    here.pool.add(ALICE.raw(nonce=5))
    here.pool.add(BOB.raw(nonce=1))
    here.clock.advance(QUEUED_SECONDS_MAX - 1)
    here.pool.add(CAROL.raw(nonce=1))
    here.include()
    assert here.counts() == (1, 3)
    here.clock.advance(EXPIRY_INTERVAL_SECONDS)
    here.include()
    assert here.counts() == (1, 1)
    assert here.pool.content().queued.keys() == {CAROL.address}


def test_queued_share_of_one_account_is_limited() -> None:
    here = Setting(PoolLimits(account_queued=3))
    for nonce in (1, 2, 3):
        here.pool.add(ALICE.raw(nonce=nonce))
    with pytest.raises(AccountLimitExceeded, match="^account limit exceeded"):
        here.pool.add(ALICE.raw(nonce=4))
    here.pool.add(ALICE.raw(nonce=0))
    here.pool.add(ALICE.raw(nonce=4))
    assert here.counts() == (5, 0)


def test_queued_share_of_the_pool_is_limited_and_pending_still_enters() -> None:
    here = Setting(PoolLimits(queued=2))
    here.pool.add(ALICE.raw(nonce=1))
    here.pool.add(BOB.raw(nonce=1))
    with pytest.raises(PoolFull, match="^txpool is full"):
        here.pool.add(CAROL.raw(nonce=1))
    here.pool.add(CAROL.raw(nonce=0))
    assert here.counts() == (1, 2)


def test_account_share_is_limited() -> None:
    here = Setting(PoolLimits(account_transactions=3))
    for nonce in range(3):
        here.pool.add(ALICE.raw(nonce=nonce))
    with pytest.raises(errors.NonceTooHigh):
        here.pool.add(ALICE.raw(nonce=3))


def test_all_transactions_of_a_sender_together_must_be_covered() -> None:
    here = Setting()
    here.pool.add(ALICE.raw(value=60 * ETHER))
    with pytest.raises(errors.InsufficientFunds):
        here.pool.add(ALICE.raw(nonce=1, value=60 * ETHER))


# A full pool


def test_full_pool_drops_the_cheapest_for_a_better_one() -> None:
    here = Setting(PoolLimits(transactions=2))
    cheap = here.pool.add(ALICE.raw(**fees(2)))
    good = here.pool.add(BOB.raw(**fees(3)))
    better = here.pool.add(CAROL.raw(**fees(4)))
    assert here.order() == [better.raw, good.raw]
    assert here.pool.get(cheap.hash) is None


def test_full_pool_refuses_one_that_pays_no_more() -> None:
    here = Setting(PoolLimits(transactions=2))
    here.pool.add(ALICE.raw(**fees(2)))
    here.pool.add(BOB.raw(**fees(3)))
    for price in (1, 2):
        with pytest.raises(TransactionUnderpriced, match="^transaction underpriced"):
            here.pool.add(CAROL.raw(**fees(price)))
    assert here.counts() == (2, 0)


def test_full_pool_drops_with_a_transaction_what_waits_behind_it() -> None:
    here = Setting(PoolLimits(transactions=3))
    here.pool.add(ALICE.raw(nonce=0, **fees(2)))
    here.pool.add(ALICE.raw(nonce=1, **fees(50)))
    kept = here.pool.add(BOB.raw(**fees(3)))
    new = here.pool.add(CAROL.raw(**fees(4)))
    assert here.order() == [new.raw, kept.raw]
    assert here.counts() == (2, 0)


def test_full_pool_never_drops_what_the_newcomer_builds_on() -> None:
    here = Setting(PoolLimits(transactions=2))
    here.pool.add(ALICE.raw(nonce=0, **fees(2)))
    here.pool.add(BOB.raw(**fees(3)))
    with pytest.raises(TransactionUnderpriced):
        here.pool.add(ALICE.raw(nonce=1, **fees(9)))
    assert here.counts() == (2, 0)


def test_full_pool_still_takes_replacements() -> None:
    here = Setting(PoolLimits(transactions=2))
    here.pool.add(ALICE.raw(**fees(2)))
    here.pool.add(BOB.raw(**fees(3)))
    replacement = here.pool.add(ALICE.raw(value=2, **fees(2.5)))
    assert replacement.raw in here.order()
    assert here.counts() == (2, 0)


def test_bytes_are_limited_and_evictions_for_one_newcomer_too() -> None:
    size = len(ALICE.raw(nonce=1))
    here = Setting(PoolLimits(bytes=10 * size, evictions=3))
    for nonce in range(9):
        here.pool.add(ALICE.raw(nonce=nonce, **fees(2)))
    small = BOB.raw(data=bytes(2 * size), gas=100_000, **fees(9))
    here.pool.add(small)
    assert here.pool.statistics().bytes <= 10 * size
    before = here.pool.content()
    with pytest.raises(PoolFull):
        here.pool.add(CAROL.raw(data=bytes(8 * size), gas=100_000, **fees(9)))
    assert here.pool.content() == before


def test_larger_replacement_pushes_out_others_and_not_what_is_behind_it() -> None:
    size = len(ALICE.raw(nonce=1))
    here = Setting(PoolLimits(bytes=3 * size + 8))
    here.pool.add(ALICE.raw(nonce=0, **fees(2)))
    behind = here.pool.add(ALICE.raw(nonce=1, **fees(50)))
    here.pool.add(BOB.raw(**fees(3)))
    larger = here.pool.add(ALICE.raw(nonce=0, data=bytes(size // 2), gas=30_000, **fees(4)))
    assert here.order() == [larger.raw, behind.raw]
    assert here.pool.statistics().bytes == len(larger.raw) + len(behind.raw)


def test_base_fee_decides_who_is_cheapest() -> None:
    here = Setting(PoolLimits(transactions=2))
    # At one gwei the first earns 5 - 1 = 4 gwei a gas; at 4.5 gwei only half a gwei.
    here.pool.add(ALICE.raw(**fees(5)))
    steady = {"max_fee_per_gas": 100 * GWEI, "max_priority_fee_per_gas": 1 * GWEI}
    second = here.pool.add(BOB.raw(**steady))
    with pytest.raises(TransactionUnderpriced):
        here.pool.add(CAROL.raw(**fees(1)))
    here.pool.reset(here.chain.state, Wei(int(4.5 * GWEI)))
    third = here.pool.add(
        CAROL.raw(max_fee_per_gas=90 * GWEI, max_priority_fee_per_gas=int(0.9 * GWEI))
    )
    assert set(here.order()) == {second.raw, third.raw}


# Order


def test_pending_is_by_tip_then_arrival_with_nonces_in_sequence() -> None:
    here = Setting()
    first = here.pool.add(ALICE.raw(nonce=0, **fees(2)))
    second = here.pool.add(ALICE.raw(nonce=1, **fees(50)))
    third = here.pool.add(BOB.raw(**fees(5)))
    fourth = here.pool.add(CAROL.raw(**fees(5)))
    assert here.order() == [third.raw, fourth.raw, first.raw, second.raw]


def test_pending_ends_a_senders_run_below_the_base_fee() -> None:
    here = Setting()
    first = here.pool.add(ALICE.raw(nonce=0, **fees(5)))
    here.pool.add(ALICE.raw(nonce=1, **fees(2)))
    here.pool.add(ALICE.raw(nonce=2, **fees(9)))
    assert here.order(base_fee=4 * GWEI) == [first.raw]


# Following the chain


def test_block_removes_what_it_includes_and_keeps_the_rest_pending() -> None:
    here = Setting()
    raws = [ALICE.raw(nonce=nonce) for nonce in range(3)]
    for raw in raws:
        here.pool.add(raw)
    here.include(raws[0])
    assert here.order() == raws[1:]
    assert here.pool.next_nonce(ALICE.address) == 3


def test_block_with_a_rival_transaction_removes_the_one_it_beat() -> None:
    here = Setting()
    here.pool.add(ALICE.raw(value=1))
    here.include(ALICE.raw(value=2))
    assert here.counts() == (0, 0)
    assert here.pool.statistics().bytes == 0


def test_block_that_fills_a_gap_makes_the_queued_pending() -> None:
    here = Setting()
    queued = here.pool.add(ALICE.raw(nonce=1))
    here.include(ALICE.raw(nonce=0))
    assert here.order() == [queued.raw]


def test_block_that_spends_the_balance_removes_what_is_not_covered() -> None:
    here = Setting()
    here.pool.add(ALICE.raw(nonce=1, value=50 * ETHER))
    here.pool.add(ALICE.raw(nonce=2, value=20 * ETHER))
    here.include(ALICE.raw(nonce=0, value=40 * ETHER))
    assert [tx.nonce for tx in here.pool.pending(BASE_FEE)] == [1]


def test_reset_takes_back_what_a_dropped_block_held() -> None:
    here = Setting()
    before = here.chain.state
    raw = ALICE.raw()
    here.pool.add(raw)
    behind = here.pool.add(ALICE.raw(nonce=1))
    here.include(raw)
    here.pool.reset(before, BASE_FEE, dropped=[b"\x7e\xc0", raw, BOB.raw(nonce=2**63)])
    assert here.order() == [raw, behind.raw]


def test_discard_removes_the_transaction_and_what_is_behind() -> None:
    here = Setting()
    kept = here.pool.add(BOB.raw())
    bad = here.pool.add(ALICE.raw(nonce=0))
    here.pool.add(ALICE.raw(nonce=1))
    here.pool.discard([bad.hash, bad.hash, Hash32(bytes(32))])
    assert here.order() == [kept.raw]


# Reading


def test_content_separates_pending_from_queued() -> None:
    here = Setting()
    one, two = here.pool.add(ALICE.raw(nonce=0)), here.pool.add(ALICE.raw(nonce=2))
    here.pool.add(BOB.raw(nonce=1))
    content = here.pool.content_from(ALICE.address)
    assert content.pending == {ALICE.address: (one,)}
    assert content.queued == {ALICE.address: (two,)}
    assert here.pool.content().queued.keys() == {ALICE.address, BOB.address}
    nobody = here.pool.content_from(CAROL.address)
    assert (nobody.pending, nobody.queued) == ({}, {})


def test_subscriber_hears_of_transactions_as_they_become_executable() -> None:
    here = Setting()
    heard: list[Transaction] = []
    unsubscribe = here.pool.subscribe(heard.append)
    here.pool.add(ALICE.raw(nonce=1))
    assert heard == []
    here.pool.add(ALICE.raw(nonce=0))
    assert [tx.nonce for tx in heard] == [0, 1]
    here.pool.add(ALICE.raw(nonce=0, value=2, **fees(9)))
    assert [tx.nonce for tx in heard] == [0, 1, 0]
    unsubscribe()
    here.pool.add(BOB.raw())
    assert len(heard) == 3


# Properties

LIMITS = PoolLimits(
    transactions=6, bytes=900, queued=4, account_transactions=5, account_queued=3, evictions=2
)


def check_invariants(here: Setting) -> None:
    statistics, content = here.pool.statistics(), here.pool.content()
    pending = [tx for run in content.pending.values() for tx in run]
    queued = [tx for rest in content.queued.values() for tx in rest]
    assert len(pending) == statistics.pending
    assert len(queued) == statistics.queued
    assert len(pending) + len(queued) <= LIMITS.transactions
    assert sum(len(tx.raw) for tx in pending + queued) == statistics.bytes <= LIMITS.bytes
    assert statistics.senders == len(content.pending.keys() | content.queued.keys())
    for address, run in content.pending.items():
        nonce = here.chain.account(address).nonce
        assert [tx.nonce for tx in run] == list(range(nonce, nonce + len(run)))
    for tx in pending + queued:
        assert here.pool.get(tx.hash) == tx
    order = list(here.pool.pending(Wei(0)))
    assert sorted(tx.hash for tx in order) == sorted(tx.hash for tx in pending)
    check_covered(here, pending + queued)


def check_covered(here: Setting, transactions: list[Transaction]) -> None:
    costs: dict[Address, int] = {}
    for tx in transactions:
        costs[tx.sender] = costs.get(tx.sender, 0) + tx.gas * tx.max_fee_per_gas + tx.value
    for address, cost in costs.items():
        assert cost <= here.chain.balance(address)


steps = st.one_of(
    st.tuples(
        st.just("add"),
        st.sampled_from([ALICE, BOB, CAROL]),
        st.integers(0, 6),
        st.sampled_from([2, 3, 3.3, 5]),
        st.sampled_from([0, 200, 700]),
    ),
    st.tuples(st.just("build"), st.integers(0, 3)),
    st.tuples(st.just("pass"), st.sampled_from([1, EXPIRY_INTERVAL_SECONDS, QUEUED_SECONDS_MAX])),
    st.tuples(st.just("discard"), st.integers(0, 5)),
)


@given(st.lists(steps, max_size=25))
@settings(max_examples=60, deadline=None)
def test_pool_keeps_its_invariants_whatever_happens(script: list[tuple]) -> None:
    here = Setting(LIMITS)
    for kind, *arguments in script:
        if kind == "add":
            wallet, nonce, price, size = arguments
            raw = wallet.raw(nonce=nonce, data=bytes(size), gas=60_000, **fees(price))
            with suppress(TransactionRejected, errors.InvalidTransaction):
                here.pool.add(raw)
        elif kind == "build":
            here.include(*here.order()[: arguments[0]])
        elif kind == "pass":
            here.clock.advance(arguments[0])
        else:
            here.pool.discard([tx.hash for tx in here.pool.pending(Wei(0))][arguments[0] :][:1])
        check_invariants(here)


@given(st.lists(st.binary(max_size=150), max_size=20))
@settings(max_examples=50, deadline=None)
def test_noise_is_refused_with_typed_errors(noise: list[bytes]) -> None:
    here = Setting()
    for raw in noise:
        with pytest.raises(errors.InvalidTransaction):
            here.pool.add(raw)
    assert here.counts() == (0, 0)


def test_many_threads_at_once_leave_the_books_in_order() -> None:
    wallets = [Wallet(number) for number in range(10, 18)]
    here = Setting()
    here.chain = MemoryChain(funded(*wallets))
    here.pool.reset(here.chain.state, BASE_FEE)
    raws = [[wallet.raw(nonce=nonce) for nonce in range(12)] for wallet in wallets]
    with ThreadPoolExecutor(len(wallets)) as threads:
        adding = [
            threads.submit(lambda mine: [here.pool.add(raw) for raw in mine], one) for one in raws
        ]
        while not all(future.done() for future in adding):
            here.pool.reset(here.chain.state, BASE_FEE)
            list(here.pool.pending(BASE_FEE))
            here.pool.content()
        for future in adding:
            future.result()
    assert here.counts() == (8 * 12, 0)
    assert sorted(here.order()) == sorted(raw for one in raws for raw in one)
