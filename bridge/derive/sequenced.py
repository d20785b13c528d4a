"""What the sequencer needs from derivation: the plan of the next unsafe block, and its record.

    plan = sequenced_plan(store, log, config, now=clock.now(), l1_number=confirmed)
    result = build(store, config, mempool, plan.attributes, plan.forced_candidates, ...)
    with store.commit() as batch:
        batch.append(result.sealed)
        record_block(batch, plan, result)

The rest of the plan (batch, offset) is known only once the block has been posted and derived.
"""

from bridge.derive.errors import (
    AheadOfClock,
    DerivationReset,
    DerivationRetry,
    InvalidSequencedBlock,
    RecordDamaged,
)
from bridge.derive.inbox_log import InboxLog, InboxReader
from bridge.derive.plan import BlockPlan, Parent, plan_block
from bridge.derive.records import (
    BlockInputs,
    RecordWriter,
    inputs_of,
    put_inputs,
    stands,
)
from bridge.derive.source import ItemSource
from bridge.items import InboxItem
from bridge.limits import TIMESTAMP_LEAD_SECONDS_MAX
from execution.transition import BlockResult
from genesis.config import ChainConfig
from state.batch_codec import BatchBlock
from state.blocks import Header
from state.reader import ChainReader
from state.store import ChainStore
from state.types import BlockNumber, Timestamp


def sequenced_plan(
    store: ChainStore | ChainReader,
    log: InboxReader,
    config: ChainConfig,
    *,
    now: Timestamp,
    l1_number: int,
) -> BlockPlan:
    """The plan of the block on top of the unsafe head.

    `l1_number` is the newest L1 block whose items may be an origin: the L1 head less the
    confirmations the operator wants. Raises `AheadOfClock` (wait), and `DerivationReset` while
    the head rests on items that L1 took back (let the pipeline settle first).
    """
    number = store.heads.unsafe.number
    parent = _header(store, number)
    inputs = inputs_of(store, number)
    return plan_on(parent, inputs, log, config, now=now, newest=log.newest_at(l1_number))


def plan_on(
    parent: Header,
    inputs: BlockInputs,
    log: ItemSource,
    config: ChainConfig,
    *,
    now: Timestamp,
    newest: InboxItem | None,
) -> BlockPlan:
    """The sequencer's plan on `parent`, with `newest` as origin unless the parent's is newer."""
    _check_anchor(inputs, log)
    origin = choose_origin(inputs, log, newest)
    timestamp = choose_timestamp(parent, origin, config, now)
    return plan_block(
        Parent(parent, inputs.origin, inputs.anchor),
        log,
        config,
        timestamp=timestamp,
        origin=origin.index,
        next_deposit=inputs.next_deposit,
        overdue_at=None,
    )


def received_plan(
    store: ChainStore, log: InboxLog, config: ChainConfig, block: BatchBlock
) -> BlockPlan:
    """The plan of a block that a replica has from the sequencer, on top of the unsafe head.

    Execute it, compare the hash with the sequencer's, and write it as the sequencer does. Raises
    `InvalidSequencedBlock` for what no batch could hold, and `DerivationRetry` while the log has
    not reached the block's origin.
    """
    number = store.heads.unsafe.number
    parent = _header(store, number)
    inputs = inputs_of(store, number)
    _check_anchor(inputs, log)
    if log.item(block.origin) is None:
        raise DerivationRetry(f"inbox item {block.origin} is not here yet")
    if block.timestamp <= parent.timestamp or block.origin < inputs.origin.item:
        raise InvalidSequencedBlock(
            f"block {number + 1} has time {block.timestamp} and origin {block.origin}; its parent"
            f" has {parent.timestamp} and {inputs.origin.item}: ask another peer"
        )
    return plan_block(
        Parent(parent, inputs.origin, inputs.anchor),
        log,
        config,
        timestamp=Timestamp(block.timestamp),
        origin=block.origin,
        next_deposit=inputs.next_deposit,
        overdue_at=None,
        transactions=block.transactions,
    )


def choose_origin(inputs: BlockInputs, log: ItemSource, newest: InboxItem | None) -> InboxItem:
    """The origin of the next block: the newest item allowed, and never one before the parent's.

    An origin as new as possible takes deposits long before they are overdue, so that derivation
    finds none due that the sequencer didn't.
    """
    if newest is not None and newest.index > inputs.origin.item:
        return newest
    current = log.item(inputs.origin.item)
    if current is None:
        raise DerivationReset(f"inbox item {inputs.origin.item}, an origin, is not in the log")
    return current


def choose_timestamp(
    parent: Header, origin: InboxItem, config: ChainConfig, now: Timestamp
) -> Timestamp:
    """The time of the next block, in seconds; raises `AheadOfClock`.

    After the parent, not before its origin, else the clock's. The batch that carries the block is
    posted later, so its L1 time is at least the origin's and about the clock's: as long as block
    time stays within the lead, and our clock within drift - lead of L1's, the block is valid.
    """
    earliest = max(now, origin.l1_time)
    timestamp = Timestamp(max(earliest, parent.timestamp + 1))
    lead = min(TIMESTAMP_LEAD_SECONDS_MAX, config.derivation.drift_seconds // 2)
    if timestamp > earliest + lead:
        raise AheadOfClock(timestamp, earliest)
    return timestamp


def record_block(batch: RecordWriter, plan: BlockPlan, result: BlockResult) -> BlockInputs:
    """Write where the block's inputs came from, in the same commit as the block itself."""
    sealed = result.sealed
    inputs = BlockInputs(
        block_hash=sealed.hash,
        origin=plan.origin,
        next_deposit=plan.next_deposit + result.carried_taken,
        leading=count_leading(plan, result),
        anchor=plan.anchor,
        digest=plan.digest(sealed.header.parent_hash),
    )
    put_inputs(batch, sealed.header.number, inputs)
    return inputs


def count_leading(plan: BlockPlan, result: BlockResult) -> int:
    """How many of a block's transactions come before the sequencer's own.

    The L1 attributes, and the deposits and forced transactions that were taken and not skipped.
    Raises `RecordDamaged` when the block doesn't start as planned.
    """
    taken = result.carried_taken
    skipped = sum(0 < candidate.position <= taken for candidate in result.skipped)
    transactions = result.sealed.transactions
    leading = 1 + taken - skipped
    if leading > len(transactions) or transactions[0] != plan.attributes_deposit.raw:
        raise RecordDamaged(
            result.sealed.header.number, "it doesn't start with its L1 attributes and deposits"
        )
    return leading


def batch_block_of(store: ChainStore, number: BlockNumber) -> BatchBlock:
    """Block `number` as a batch says it: time, origin, and the sequencer's transactions alone.

    Raises `RecordDamaged` for a block that isn't there or has no record.
    """
    reader = store.reader
    inputs = inputs_of(reader, number)
    block = reader.block(number)
    if block is None or block.hash != inputs.block_hash:
        raise RecordDamaged(number, "the block is gone")
    return BatchBlock(
        timestamp=block.header.timestamp,
        origin=inputs.origin.item,
        transactions=tuple(block.transactions[inputs.leading :]),
    )


def _check_anchor(inputs: BlockInputs, log: ItemSource) -> None:
    """The parent must rest on items that stand; genesis rests on none."""
    if not stands(inputs.anchor, log):
        raise DerivationReset(
            f"the unsafe head rests on inbox item {inputs.anchor.index}, which L1 took back"
        )


def _header(store: ChainStore | ChainReader, number: BlockNumber) -> Header:
    header = store.header(number)
    if header is None:
        raise RecordDamaged(number, "the header is gone")
    return header
