"""What executes a derived block: one interface, and the engine that runs the chain.

Whoever executes says what the block is and how far in the inbox it went. The machine's side of the
interface is `bridge.machine.execution`; a node may use either for any block, and compares them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from bridge.boundary import Boundary
from bridge.derive.batches import Payloads
from bridge.derive.plan import DerivedPlan, Parent, next_block
from bridge.derive.records import BlockInputs
from bridge.derive.sequenced import count_leading
from bridge.derive.source import ItemSource
from bridge.items import Cursor, Origin
from execution.evm.threads import run_deep
from execution.replay import ReplayedBlock
from execution.transition import Ancestors, execute_block
from genesis.config import ChainConfig
from state.accounts import State
from state.blocks import Header, SealedBlock


@dataclass(frozen=True, slots=True)
class BlockTask:
    """One block that L1 orders, and all that its execution stands on."""

    header: Header
    """The parent's."""
    boundary: Boundary
    """The parent's."""
    state: State
    """After the parent."""
    plan: DerivedPlan
    """What derivation in whole blocks makes of the inbox; the machine finds that out by itself."""
    log: ItemSource
    ancestors: Ancestors
    config: ChainConfig


@dataclass(frozen=True, slots=True)
class ExecutedBlock:
    """A block as somebody executed it, and where the next one goes on."""

    sealed: SealedBlock
    cursor: Cursor
    origin: Origin
    leading: int
    """Transactions before the sequencer's own: L1 attributes, deposits, forced ones."""


Execute = Callable[[BlockTask], ExecutedBlock]
"""Executes a block: an engine, or the machine."""


class Engine(Protocol):
    """What executes the chain, and can be held against the machine transaction by transaction."""

    def execute(self, task: BlockTask) -> ExecutedBlock:
        """The block, whole."""

    def replay(self, task: BlockTask) -> ReplayedBlock:
        """The same block once more, for a look at each of its transactions."""


class PyEvm:
    """The engine of `execution/evm`."""

    def execute(self, task: BlockTask) -> ExecutedBlock:
        """The block, whole."""
        plan = task.plan
        result = run_deep(
            execute_block,
            task.header,
            task.state,
            plan.block.attributes,
            plan.block.candidates,
            task.config,
            task.ancestors,
        )
        return ExecutedBlock(
            sealed=result.sealed,
            cursor=plan.cursor_after(plan.block.next_deposit + result.carried_taken),
            origin=plan.block.origin,
            leading=count_leading(plan.block, result),
        )

    def replay(self, task: BlockTask) -> ReplayedBlock:
        """The same block once more, for a look at each of its transactions."""
        block = task.plan.block
        return ReplayedBlock(
            task.header,
            task.state,
            block.attributes,
            block.candidates,
            task.config,
            task.ancestors,
        )


PY_EVM: Final = PyEvm()


def task_after(
    parent: Header,
    boundary: Boundary,
    inputs: BlockInputs,
    state: State,
    log: ItemSource,
    ancestors: Ancestors,
    config: ChainConfig,
    payloads: Payloads,
) -> BlockTask | None:
    """The block that L1 orders after a safe one, or None while the inbox goes no further."""
    plan = next_block(
        Parent(parent, boundary.origin, inputs.anchor), boundary.cursor, log, config, payloads
    )
    if plan is None:
        return None
    return BlockTask(parent, boundary, state, plan, log, ancestors, config)
