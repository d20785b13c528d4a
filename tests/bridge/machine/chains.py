"""Chains that a node derived, and their blocks once more as steps."""

from typing import Any

from bridge.derive.source import ItemList
from bridge.items import InboxItem
from bridge.machine.block_machine import BlockMachine
from bridge.machine.prefix import Prefix
from execution.machine.status import Status
from state.types import BlockNumber, Hash32
from tests.bridge.derive.inbox import Inbox
from tests.bridge.derive.rig import Rig

FAR_BLOCK = BlockNumber(2**40)
"""A claimed block that no test reaches."""


def machine_of(rig: Rig, inbox: Inbox, number: int, **changes: Any) -> BlockMachine:
    """The machine of block `number`, on what the node has derived before it."""
    parent = BlockNumber(number - 1)
    boundary = rig.pipeline.view.boundary(parent)
    assert boundary is not None
    items: list[InboxItem] = inbox.items
    arguments: dict[str, Any] = {
        "parent": boundary,
        "parent_header": rig.pipeline.view.header(parent),
        "state": rig.store.state(parent),
        "ancestor_hash": lambda n: hash_of(rig, n),
        "prefix": Prefix(ItemList(items), len(items)),
        "config": rig.config,
        "last_block": FAR_BLOCK,
    }
    return BlockMachine(**arguments | changes)


def hash_of(rig: Rig, number: int) -> Hash32 | None:
    block = rig.store.block_id(BlockNumber(number))
    return None if block is None else block.hash


def check_block(rig: Rig, inbox: Inbox, number: int) -> BlockMachine:
    """Run a block on the machine: the same header, boundary and state as the node's own."""
    machine = machine_of(rig, inbox, number)
    machine.run()
    assert machine.header == rig.pipeline.view.header(BlockNumber(number))
    assert machine.boundary == rig.pipeline.view.boundary(BlockNumber(number))
    assert machine.status is Status.BOUNDARY
    return machine


def check_chain(rig: Rig, inbox: Inbox) -> list[BlockMachine]:
    """Follow the inbox, run every block on the machine, and see that the log then is exhausted."""
    rig.follow(inbox)
    machines = [check_block(rig, inbox, number) for number in range(1, rig.safe.number + 1)]
    beyond = machine_of(rig, inbox, rig.safe.number + 1)
    assert beyond.run() == 1
    assert beyond.status is Status.EXHAUSTED
    return machines


def trail(machine: BlockMachine) -> list[Status]:
    """Run to the end; the status of every step."""
    statuses = []
    while not machine.is_done:
        statuses.append(machine.status)
        machine.step()
    return statuses


def phases(statuses: list[Status]) -> list[Status]:
    """Those of the block itself, without what happens inside of a transaction."""
    return [status for status in statuses if status is Status.NEXT or status >= Status.BOUNDARY]


def steps_allowed(machine: BlockMachine, transactions: int, offered: int) -> int:
    """The bound of docs/machine.md, of what this block has instead of what a block may have."""
    assert machine.header is not None
    spent = machine.header.gas_used * 5 // 4
    return spent + 22 * transactions + 5 * offered + 80
