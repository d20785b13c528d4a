"""Block plans: which deposits are due, what the digest commits to, what a configuration must be."""

from dataclasses import replace

import pytest

from bridge.derive.batches import Payloads
from bridge.derive.deposits import VOID
from bridge.derive.errors import ConfigNotDerivable, LogDamaged
from bridge.derive.plan import (
    BlockPlan,
    DerivedPlan,
    Parent,
    check_derivable,
    next_block,
    plan_block,
)
from bridge.derive.records import GENESIS_ANCHOR
from bridge.derive.source import ItemList
from bridge.items import Cursor, Origin
from bridge.limits import DEPOSITS_PER_BLOCK_MAX
from execution.attributes import InclusionRule
from execution.transaction import Transaction
from genesis.config import L1_RULES, ChainConfig, DerivationConfig, ExecutionRules, Layer
from state.batch_codec import BatchBlock
from state.blocks import Header
from state.types import ZERO_HASH, BlockNumber, Gas, Timestamp, Wei
from tests.bridge.derive.inbox import GENESIS_TIME, Inbox

CONFIG = ChainConfig(
    name="test",
    layer=Layer.L2,
    chain_id=424242,
    genesis_time=GENESIS_TIME,
    derivation=DerivationConfig(drift_seconds=100, window_seconds=500),
)
GENESIS = Header(
    parent_hash=ZERO_HASH,
    state_root=ZERO_HASH,
    number=BlockNumber(0),
    gas_limit=CONFIG.block_gas_limit,
    timestamp=GENESIS_TIME,
    base_fee_per_gas=Wei(10**9),
)
AFTER_GENESIS = Cursor()
PARENT = Parent(GENESIS, Origin(), GENESIS_ANCHOR)


def _next(inbox: Inbox, cursor: Cursor = AFTER_GENESIS) -> DerivedPlan | None:
    return next_block(PARENT, cursor, ItemList(inbox.items), CONFIG, Payloads())


def _plan(inbox: Inbox, cursor: Cursor = AFTER_GENESIS) -> BlockPlan:
    derived = _next(inbox, cursor)
    assert derived is not None
    return derived.block


def test_next_block_without_batch_waits() -> None:
    inbox = Inbox()
    inbox.deposit()
    assert _next(inbox) is None


def test_next_block_takes_deposits_up_to_the_origin_and_no_later() -> None:
    inbox = Inbox()
    first, second = inbox.deposit(), inbox.deposit()
    inbox.deposit()
    inbox.batch([BatchBlock(GENESIS_TIME + 1, second.index, ())])
    plan = _plan(inbox)
    assert len(plan.carried) == 2
    assert plan.anchor.acc == second.acc
    assert first.ordinal == plan.next_deposit == 0


def test_next_block_takes_what_waited_out_the_window_beyond_the_origin() -> None:
    inbox = Inbox()
    overdue = inbox.deposit()
    inbox.wait(CONFIG.derivation.window_seconds)
    inbox.deposit()
    inbox.batch([BatchBlock(GENESIS_TIME + 1, 0, ())])
    plan = _plan(inbox)
    assert len(plan.carried) == 1
    assert (plan.anchor.index, plan.anchor.acc) == (overdue.index, overdue.acc)


def test_next_block_one_second_before_the_window_takes_nothing() -> None:
    inbox = Inbox()
    inbox.deposit()
    inbox.wait(CONFIG.derivation.window_seconds - 1)
    inbox.batch([BatchBlock(GENESIS_TIME + 1, 0, ())])
    assert _plan(inbox).carried == ()


def test_next_block_void_batch_still_takes_the_overdue() -> None:
    inbox = Inbox()
    inbox.deposit()
    inbox.wait(CONFIG.derivation.window_seconds)
    inbox.posted(b"garbage")
    assert len(_plan(inbox).carried) == 1


def test_next_block_of_tick_takes_all_before_it() -> None:
    inbox = Inbox()
    inbox.deposit()
    inbox.forced(b"raw")
    tick = inbox.tick()
    plan = _plan(inbox)
    assert plan.origin == Origin(tick.index, 0)
    assert len(plan.carried) == 2
    assert plan.carried[1] == b"raw"


def test_next_block_takes_64_deposits_at_the_most() -> None:
    inbox = Inbox()
    for _ in range(DEPOSITS_PER_BLOCK_MAX + 1):
        inbox.deposit()
    inbox.tick()
    assert len(_plan(inbox).carried) == DEPOSITS_PER_BLOCK_MAX
    later = Cursor(1, 0, next_deposit=DEPOSITS_PER_BLOCK_MAX)
    assert len(_plan(inbox, later).carried) == 1


def test_next_block_void_item_keeps_its_place() -> None:
    inbox = Inbox()
    inbox.deposit(mint=2**200)
    inbox.deposit()
    inbox.tick()
    void, deposit = _plan(inbox).carried
    assert void == VOID
    assert isinstance(deposit, Transaction)


def test_candidates_stand_in_block_order() -> None:
    inbox = Inbox()
    deposit = inbox.deposit()
    inbox.batch([BatchBlock(GENESIS_TIME + 1, deposit.index, (b"a", b"b"))])
    plan = _plan(inbox)
    rules = [candidate.rule for candidate in plan.candidates]
    assert rules == [InclusionRule.SKIP, InclusionRule.CARRY, *[InclusionRule.SKIP] * 2]
    assert plan.candidates[0].transaction is plan.attributes_deposit
    assert [candidate.transaction for candidate in plan.candidates[2:]] == [b"a", b"b"]


def test_sequence_number_counts_blocks_of_one_origin() -> None:
    inbox = Inbox()
    log = ItemList(inbox.items)
    inbox.tick()
    same = plan_block(
        replace(PARENT, origin=Origin(0, 6)), log, CONFIG,
        timestamp=Timestamp(GENESIS_TIME + 1), origin=0, next_deposit=0, overdue_at=None,
    )  # fmt: skip
    other = plan_block(
        replace(PARENT, origin=Origin(0, 6)), log, CONFIG,
        timestamp=Timestamp(GENESIS_TIME + 1), origin=1, next_deposit=0, overdue_at=None,
    )  # fmt: skip
    assert (same.origin, other.origin) == (Origin(0, 7), Origin(1, 0))


def test_plan_without_its_origin_stops() -> None:
    with pytest.raises(LogDamaged):
        plan_block(
            PARENT, ItemList([]), CONFIG,
            timestamp=Timestamp(GENESIS_TIME + 1), origin=0, next_deposit=0, overdue_at=None,
        )  # fmt: skip


def test_digest_names_everything_but_the_sequencers_transactions() -> None:
    inbox = Inbox()
    deposit = inbox.deposit()
    inbox.batch([BatchBlock(GENESIS_TIME + 1, deposit.index, ())])
    plan = _plan(inbox)
    digest = plan.digest(ZERO_HASH)
    assert replace(plan, transactions=(b"mine",)).digest(ZERO_HASH) == digest
    changed = [
        replace(plan, attributes=replace(plan.attributes, timestamp=Timestamp(7))),
        replace(plan, attributes=replace(plan.attributes, gas_limit=Gas(7))),
        replace(plan, attributes=replace(plan.attributes, prev_randao=ZERO_HASH)),
        replace(plan, origin=Origin(7, 7)),
        replace(plan, attributes_deposit=plan.carried[0]),  # type: ignore[arg-type]
        replace(plan, carried=()),
        replace(plan, carried=(b"other",)),
        replace(plan, next_deposit=7),
    ]
    digests = {other.digest(ZERO_HASH) for other in changed}
    assert len(digests | {digest, plan.digest(plan.anchor.acc)}) == len(changed) + 2


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, block_gas_limit=Gas(2**24)),
        replace(CONFIG, block_gas_limit=Gas(2**25 + 1)),
        replace(CONFIG, rules=ExecutionRules(transaction_gas_cap=None)),
        replace(CONFIG, rules=ExecutionRules(transaction_gas_cap=Gas(2**24 + 1))),
        replace(CONFIG, rules=ExecutionRules(bounded_inputs=False)),
        replace(CONFIG, derivation=DerivationConfig(window_seconds=0)),
        replace(CONFIG, rules=L1_RULES),
    ],
    ids=[
        "no room beside the attributes",
        "more steps than a trace has",
        "no cap",
        "another cap than the provers'",
        "inputs that no step can carry",
        "no window",
        "no deposits",
    ],
)
def test_configuration_that_could_get_stuck_is_refused(config: ChainConfig) -> None:
    check_derivable(CONFIG)
    check_derivable(replace(CONFIG, block_gas_limit=Gas(2**25)))
    with pytest.raises(ConfigNotDerivable):
        check_derivable(config)
