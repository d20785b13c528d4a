"""Engines that go by another rule than the chain's: the real one, given an altered task."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bridge.derive.engine import PY_EVM, BlockTask, ExecutedBlock
from execution.replay import ReplayedBlock
from state.keccak import keccak

Alter = Callable[[BlockTask], BlockTask]


@dataclass(frozen=True)
class AlteredEngine:
    """Executes what the alteration makes of each task."""

    alter: Alter

    def execute(self, task: BlockTask) -> ExecutedBlock:
        return PY_EVM.execute(self.alter(task))

    def replay(self, task: BlockTask) -> ReplayedBlock:
        return PY_EVM.replay(self.alter(task))


def other_rules(**changes: Any) -> AlteredEngine:
    """An engine with other execution rules."""

    def alter(task: BlockTask) -> BlockTask:
        rules = replace(task.config.rules, **changes)
        return replace(task, config=replace(task.config, rules=rules))

    return AlteredEngine(alter)


def other_ancestors() -> AlteredEngine:
    """An engine whose BLOCKHASH pushes the hash of the hash."""

    def alter(task: BlockTask) -> BlockTask:
        right = task.ancestors
        return replace(task, ancestors=lambda number: keccak(right(number) or b""))

    return AlteredEngine(alter)


def other_time() -> AlteredEngine:
    """An engine that dates blocks a second late."""

    def alter(task: BlockTask) -> BlockTask:
        block = task.plan.block
        late = replace(block.attributes, timestamp=block.attributes.timestamp + 1)
        return replace(task, plan=replace(task.plan, block=replace(block, attributes=late)))

    return AlteredEngine(alter)


def other_transactions() -> AlteredEngine:
    """An engine that sees one of the sequencer's transactions less in the inbox."""

    def alter(task: BlockTask) -> BlockTask:
        block = task.plan.block
        fewer = replace(block, transactions=block.transactions[:-1])
        return replace(task, plan=replace(task.plan, block=fewer))

    return AlteredEngine(alter)
