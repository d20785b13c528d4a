"""The plan of a block: everything its execution needs, and nothing that execution decides.

Derived and sequenced blocks come from the same functions, so that a sequencer that keeps the rules
builds exactly the block that every verifier derives later.
"""

from dataclasses import dataclass

from bridge.derive.anchor import Anchor
from bridge.derive.attributes import ATTRIBUTES_GAS, attributes_deposit
from bridge.derive.batches import Fetched, Payloads, fetch
from bridge.derive.deposits import transaction_of
from bridge.derive.errors import ConfigNotDerivable, LogDamaged
from bridge.derive.source import ItemSource
from bridge.items import Cursor, InboxItem, Origin
from bridge.limits import DEPOSITS_PER_BLOCK_MAX
from bridge.machine.limits import BLOCK_GAS_MAX
from execution.attributes import BlockAttributes, InclusionRule
from execution.transaction import Transaction
from execution.transition import Candidate
from genesis.config import L2_RULES, TRANSACTION_GAS_CAP, ChainConfig
from state.blocks import Header
from state.keccak import keccak
from state.types import BlockNumber, Hash32, Timestamp


@dataclass(frozen=True, slots=True)
class Parent:
    """The block that a plan is for the child of, and what its inputs rest on."""

    header: Header
    origin: Origin
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """One block before execution.

    `attributes_deposit` is its first transaction. `carried` are the deposits and forced
    transactions on offer: execution takes them in order until one doesn't fit the block's gas.
    `transactions` are the sequencer's; a plan for the sequencer has none, its mempool has them.
    """

    attributes: BlockAttributes
    origin: Origin
    attributes_deposit: Transaction
    carried: tuple[Transaction | bytes, ...]
    next_deposit: int
    """Ordinal of the first of `carried`."""
    anchor: Anchor
    transactions: tuple[bytes, ...] = ()

    @property
    def forced_candidates(self) -> tuple[Candidate, ...]:
        """The candidates that are not the sequencer's choice, in order."""
        first = Candidate(self.attributes_deposit, InclusionRule.SKIP)
        return (first, *(Candidate(tx, InclusionRule.CARRY) for tx in self.carried))

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All candidates in block order."""
        own = (Candidate(raw, InclusionRule.SKIP) for raw in self.transactions)
        return (*self.forced_candidates, *own)

    def digest(self, parent_hash: Hash32) -> Hash32:
        """Commits to all that decides the block besides the sequencer's transactions."""
        attributes = self.attributes
        numbers = (
            attributes.timestamp,
            attributes.gas_limit,
            self.origin.item,
            self.origin.sequence_number,
            self.next_deposit,
            len(self.carried),
        )
        parts = [parent_hash, attributes.prev_randao, attributes.coinbase.rjust(32, b"\0")]
        parts += [number.to_bytes(32, "big") for number in numbers]
        parts += [keccak(envelope(tx)) for tx in (self.attributes_deposit, *self.carried)]
        return keccak(b"".join(parts))


@dataclass(frozen=True, slots=True)
class DerivedPlan:
    """The plan of a block whose place in the inbox is known."""

    block: BlockPlan
    item: InboxItem
    """The batch or tick that the block comes from."""
    fetched: Fetched

    def cursor_after(self, next_deposit: int) -> Cursor:
        """Where reading goes on, once execution has said how many deposits fitted."""
        return Cursor(self.fetched.next_batch, self.fetched.offset, next_deposit)


def next_block(
    parent: Parent,
    cursor: Cursor,
    log: ItemSource,
    config: ChainConfig,
    payloads: Payloads,
) -> DerivedPlan | None:
    """The plan of the block that follows `parent`, or None while the inbox goes no further."""
    item = log.batch(cursor.next_batch)
    if item is None:
        return None
    fetched = fetch(
        item,
        cursor.offset,
        parent_time=parent.header.timestamp,
        parent_origin=parent.origin.item,
        payloads=payloads,
        rules=config.derivation,
    )
    plan = plan_block(
        parent,
        log,
        config,
        timestamp=fetched.timestamp,
        origin=fetched.origin,
        next_deposit=cursor.next_deposit,
        overdue_at=item.l1_time,
        transactions=fetched.transactions,
    )
    return DerivedPlan(plan, item, fetched)


def plan_block(
    parent: Parent,
    log: ItemSource,
    config: ChainConfig,
    *,
    timestamp: Timestamp,
    origin: int,
    next_deposit: int,
    overdue_at: Timestamp | None,
    transactions: tuple[bytes, ...] = (),
) -> BlockPlan:
    """The plan of a block with that time and origin (an item index) on top of `parent`.

    `overdue_at` is the L1 time of the block's batch or tick, at which deposits beyond the origin
    may be overdue; None while the sequencer doesn't know it. Raises `LogDamaged`.
    """
    origin_item = log.item(origin)
    if origin_item is None:
        raise LogDamaged(f"item {origin} is gone, which is an origin")
    is_same = origin == parent.origin.item
    position = Origin(origin, parent.origin.sequence_number + 1 if is_same else 0)
    due = due_deposits(log, next_deposit, origin, overdue_at, config)
    return BlockPlan(
        attributes=BlockAttributes(
            timestamp=timestamp,
            prev_randao=origin_item.prev_randao,
            coinbase=config.coinbase,
            gas_limit=config.block_gas_limit,
        ),
        origin=position,
        attributes_deposit=attributes_deposit(
            origin_item, position, BlockNumber(parent.header.number + 1)
        ),
        carried=tuple(transaction_of(item) for item in due),
        next_deposit=next_deposit,
        anchor=newest_anchor(parent.anchor, origin_item, *due),
        transactions=transactions,
    )


def newest_anchor(inherited: Anchor, *items: InboxItem) -> Anchor:
    """The newest of what a block rests on and what its parent does.

    Never older than the parent's: a block that takes no deposit still rests on those before it.
    """
    newest = max(items, key=lambda item: item.index)
    return inherited if newest.index < inherited.index else Anchor(newest.index, newest.acc)


def due_deposits(
    log: ItemSource,
    next_deposit: int,
    origin: int,
    overdue_at: Timestamp | None,
    config: ChainConfig,
) -> list[InboxItem]:
    """The deposits and forced transactions that a block must take, in order, 64 at the most.

    Due is one that the origin has passed, or that waited out the window at `overdue_at`.
    """
    due: list[InboxItem] = []
    while len(due) < DEPOSITS_PER_BLOCK_MAX:
        item = log.deposit(next_deposit + len(due))
        if item is None or not is_due(item, origin, overdue_at, config):
            break
        due.append(item)
    return due


def is_due(item: InboxItem, origin: int, overdue_at: Timestamp | None, config: ChainConfig) -> bool:
    """Whether the next block has to take the deposit `item`."""
    if item.index <= origin:
        return True
    window = config.derivation.window_seconds
    return overdue_at is not None and item.l1_time + window <= overdue_at


def envelope(tx: Transaction | bytes) -> bytes:
    """The bytes of a candidate, as they stand in a block that includes it."""
    return tx.raw if isinstance(tx, Transaction) else tx


def check_derivable(config: ChainConfig) -> None:
    """Make sure that every deposit fits a block, and every block a trace (docs/machine.md).

    Otherwise a deposit could carry over for ever and hold up all that come after it, or a root
    could be wrong in a step that no dispute reaches. Raises `ConfigNotDerivable`.
    """
    if config.rules != L2_RULES:
        raise ConfigNotDerivable(
            "the provers on L1 know one set of rules, L2_RULES of genesis/config.py; by others no"
            " block of this chain could be defended"
        )
    if config.derivation.window_seconds < 1:
        raise ConfigNotDerivable(
            "without a window a block would depend on deposits behind its own batch, and so on"
            " where the inbox prefix of a dispute ends: set window_seconds to 1 or more"
        )
    needed = TRANSACTION_GAS_CAP + ATTRIBUTES_GAS
    if config.block_gas_limit < needed:
        raise ConfigNotDerivable(
            f"a block gas limit of {config.block_gas_limit} leaves no room for the largest deposit"
            f" after the L1 attributes: set block_gas_limit to {needed} or more"
        )
    if config.block_gas_limit > BLOCK_GAS_MAX:
        raise ConfigNotDerivable(
            f"a block of {config.block_gas_limit} gas could take more steps than a dispute has"
            f" room for: set block_gas_limit to {BLOCK_GAS_MAX} or less"
        )
