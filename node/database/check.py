"""All that a stopped node's database holds, checked: blocks, state, and on L2 derivation."""

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.derive.accumulator import follows
from bridge.items import InboxItem
from node.database.opening import NodeDatabase
from state.audit import AuditStep, audit
from state.stored import damaged
from state.types import BlockNumber


@dataclass(frozen=True, slots=True)
class CheckStep:
    """What is being checked, how much of it is done, and of how much (None: unknown)."""

    what: str
    done: int
    total: int | None


def check(database: NodeDatabase) -> Iterator[CheckStep]:
    """Check everything, telling how far it has come. Raises `DatabaseDamaged` and its like."""
    for step in audit(database.store.reader):
        yield _step_of(step)
    if database.chain.is_l2:
        yield from _check_inbox(database)
        yield from _check_derivation(database)


def _step_of(step: AuditStep) -> CheckStep:
    if step.blocks < step.total or not step.accounts:
        return CheckStep("blocks", step.blocks, step.total)
    return CheckStep("accounts and slots of the state", step.accounts + step.slots, None)


def _check_inbox(database: NodeDatabase) -> Iterator[CheckStep]:
    """The inbox is one hash chain, whose newest link L1 has."""
    log = database.log
    count, previous = log.count, None
    for index in range(count):
        item: InboxItem | None = log.item(index)
        if item is None or not follows(previous, item):
            raise damaged(f"inbox item {index} doesn't follow the one before it")
        previous = item
        yield CheckStep("inbox items", index + 1, count)


def _check_derivation(database: NodeDatabase) -> Iterator[CheckStep]:
    """Every safe block has a boundary that is its own."""
    store = database.store
    view = database.pipeline().view
    newest = store.heads.safe.number
    for number in range(newest + 1):
        at = BlockNumber(number)
        derived, header = view.safe(at), view.header(at)
        if derived.boundary.state_root != header.state_root:
            raise damaged(f"the output root of block {number} commits to another state")
        yield CheckStep("derived blocks", number + 1, newest + 1)
