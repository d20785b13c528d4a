"""Any log at all: header by header what the node derives, by documented steps and within bounds."""

from itertools import pairwise
from typing import Final

from hypothesis import event, given
from hypothesis import strategies as st

from bridge.derive.source import ItemList
from bridge.machine.prefix import Prefix
from execution.machine.status import Status
from state.types import BlockNumber
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import Rig
from tests.bridge.derive.test_random_logs import FEW, LOGS, Step
from tests.bridge.machine.chains import check_chain, machine_of, phases, steps_allowed, trail

S = Status
AFTER: Final = {
    S.BOUNDARY: {S.DECODE, S.ORIGIN, S.EXHAUSTED},
    S.DECODE: {S.SCAN, S.ORIGIN},
    S.SCAN: {S.SCAN, S.ORIGIN},
    S.ORIGIN: {S.NEXT},
    S.NEXT: {S.NEXT, S.UNFIT, S.HASH_TRANSACTION},
    S.UNFIT: {S.NEXT},
    S.HASH_TRANSACTION: {S.HASH_TRANSACTION, S.TRANSACTIONS_ROOT},
    S.TRANSACTIONS_ROOT: {S.HASH_RECEIPT},
    S.HASH_RECEIPT: {S.HASH_RECEIPT, S.RECEIPTS_ROOT},
    S.RECEIPTS_ROOT: {S.SEAL},
}
"""What may follow in a block, the statuses inside of transactions left out."""


def inbox_of(steps: list[Step]) -> Inbox:
    inbox = Inbox()
    for step in steps:
        step(inbox)
        inbox.mine()
    return inbox


@FEW
@given(LOGS)
def test_any_log_gives_the_nodes_headers_and_boundaries(steps: list[Step]) -> None:
    inbox, rig = inbox_of(steps), Rig()
    for machine in check_chain(rig, inbox):
        included = len(rig.transactions(machine.boundary.number))
        event(f"{min(included - 1, 3)} transactions and more")
        assert machine.steps <= steps_allowed(machine, included, offered=16)
    rig.close()


@FEW
@given(LOGS)
def test_any_log_takes_the_documented_steps(steps: list[Step]) -> None:
    inbox = inbox_of(steps)
    rig = Rig().follow(inbox)
    for number in range(1, rig.safe.number + 2):
        visited = phases(trail(machine_of(rig, inbox, number)))
        for before, after in pairwise(visited):
            assert after in AFTER[before], f"{after.name} after {before.name}"
        assert visited[-1] in (Status.SEAL, Status.BOUNDARY)
    rig.close()


@FEW
@given(LOGS, st.data())
def test_any_prefix_derives_the_same_blocks_and_is_then_exhausted(
    steps: list[Step], data: st.DataObject
) -> None:
    """A node that has seen more must make of a game's prefix what one that hasn't makes of it."""
    inbox = inbox_of(steps)
    rig, short = Rig().follow(inbox), Inbox()
    count = data.draw(st.integers(1, len(inbox.items)))
    short.items = inbox.items[:count]
    earlier = Rig().follow(short)
    prefix = Prefix(ItemList(inbox.items), count)
    for number in range(1, earlier.safe.number + 1):
        machine = machine_of(rig, inbox, number, prefix=prefix)
        machine.run()
        assert machine.boundary == earlier.pipeline.view.boundary(BlockNumber(number))
    beyond = machine_of(rig, inbox, earlier.safe.number + 1, prefix=prefix)
    beyond.run()
    assert beyond.status is Status.EXHAUSTED
    rig.close()
    earlier.close()


@FEW
@given(LOGS, st.integers(1, 5))
def test_any_block_hashes_alike_at_every_step_or_at_few(steps: list[Step], pick: int) -> None:
    inbox = inbox_of(steps)
    rig = Rig().follow(inbox)
    number = min(pick, rig.safe.number + 1)
    eager = machine_of(rig, inbox, number)
    hashes = [eager.machine_hash()]
    while not eager.is_done and len(hashes) < 300:
        eager.step()
        hashes.append(eager.machine_hash())
    lazy = machine_of(rig, inbox, number)
    for index in range(0, len(hashes), 61):
        lazy.advance(index - lazy.steps)
        assert lazy.machine_hash() == hashes[index], f"step {index}"
    rig.close()
