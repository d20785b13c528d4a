"""Programs on both engines: the machine must do what py-evm does, and say so in the same words."""

from collections.abc import Mapping
from typing import Any

from execution.machine.machine import Machine
from execution.machine.memory import EMPTY_VIEW
from execution.machine.status import Status
from execution.transaction import Transaction
from genesis.config import ExecutionRules
from state.memory_state import MemoryState
from state.types import Address, Gas, Hash32
from tests.execution.evm.world import (
    COINBASE,
    CONTRACT,
    OTHER,
    SENDER,
    Allocated,
    World,
    contract,
    deposit,
    transaction,
)

__all__ = [
    "COINBASE",
    "CONTRACT",
    "OTHER",
    "SENDER",
    "Allocated",
    "contract",
    "deposit",
    "transaction",
]

RETURN_WORD = "5f5260205ff3"
"""MSTORE the topmost word at 0 and return it."""


class Run:
    """A machine on a small world, and py-evm on the same."""

    def __init__(
        self,
        accounts: Mapping[Address, Allocated] | None = None,
        rules: ExecutionRules | None = None,
    ) -> None:
        self.world = World(accounts, rules)
        self.machine = Machine(self.world.state, self.world.context, rules or ExecutionRules())
        self.output = b""
        self.transactions = 0

    @property
    def state(self) -> Any:
        return self.machine.state

    def offer(self, tx: Transaction | None = None, **changes: Any) -> None:
        self.machine.offer(tx or transaction(**changes))

    def until(self, status: Status) -> int:
        """Step until the status; how many steps it took."""
        before = self.machine.steps
        while self.machine.status is not status:
            assert not self.machine.idle, f"ended without reaching {status.name}"
            self.machine.step()
        return self.machine.steps - before

    def until_frame_ends(self) -> None:
        """Step until the outermost frame is gone, and keep what it returned."""
        self.until(Status.SETTLE)
        self.output = (self.state.tx.output or EMPTY_VIEW).whole()

    def finish(self) -> None:
        while not self.machine.idle:
            self.machine.step()

    def apply(self, tx: Transaction | None = None, **changes: Any) -> bool:
        """Run a transaction on both engines, compare all that it did, and tell if it succeeded."""
        tx = tx or transaction(**changes)
        block = self.state.block
        before, logs = block.gas_used, ()
        expected = self.world.evm.apply(tx, Gas(block.context.gas_limit - before))
        steps = self.machine.steps
        self.offer(tx)
        self.until_frame_ends()
        if self.state.logs is not None:
            logs = tuple(reversed([record.log for record in _records(self.state.logs)]))
        succeeded = self.state.tx.outcome.name == "SUCCESS"
        self.finish()
        assert succeeded == expected.succeeded
        assert block.gas_used - before == expected.gas_used
        assert logs == expected.logs
        if tx.to is not None:
            assert self.output == expected.output
        assert self.root() == self.world.state.update(self.world.evm.diff()).root
        assert self.root() == self.state.world.root()
        assert self.machine.steps - steps <= tx.gas + 16
        return succeeded

    def root(self) -> Hash32:
        return self.world.state.update(self.machine.diff()).root

    def after(self) -> MemoryState:
        return self.world.state.apply(self.world.state.update(self.machine.diff()))


def _records(link: Any) -> Any:
    while link is not None:
        yield link.item
        link = link.previous


def both(code: str, accounts: Mapping[Address, Allocated] | None = None, **changes: Any) -> Run:
    """Run code as CONTRACT's, in a transaction, on both engines."""
    balance = changes.pop("balance", 0)
    run = Run({CONTRACT: contract(code, balance=balance), **(accounts or {})})
    run.apply(**changes)
    return run


def word(run: Run) -> int:
    """What the outermost frame returned."""
    return int.from_bytes(run.output, "big")


def push(value: int) -> str:
    """PUSH32 of a number."""
    return f"7f{value:064x}"
