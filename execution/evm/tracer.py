"""What can be heard of an execution: the hooks of a tracer, and what each of them is told.

The events are go-ethereum's (`core/tracing/hooks.go`), in its order: a transaction begins; frames
are entered and left; within a frame instructions are told before they run, and what each cost
before the next event; the transaction ends. `execution.evm.tracing` tells them.
"""

from dataclasses import dataclass
from typing import Protocol

from execution.evm.accounts import AccountDatabase
from execution.evm.context import BlockContext
from execution.evm.engine import Outcome
from execution.evm.message import FrameKind
from execution.transaction import Transaction
from state.blocks import Log
from state.types import Address


@dataclass(frozen=True, slots=True)
class Entry:
    """A frame that begins: a call, a creation, or the last transfer of a SELFDESTRUCT.

    `depth` is 0 for the transaction's own. `gas` is what the frame may use, `value` in wei; a
    STATICCALL has none.
    """

    kind: FrameKind
    depth: int
    sender: Address
    to: Address
    """Whose code runs; of a creation, the account that it makes."""
    input: bytes
    gas: int
    value: int | None


@dataclass(frozen=True, slots=True)
class Exit:
    """The end of the frame entered last that is still open. `error` is in geth's words."""

    depth: int
    output: bytes
    gas_used: int
    error: str | None = None


class Frame(Protocol):
    """A running frame, right before one of its instructions."""

    stack: list[int]
    """The topmost word last."""
    return_data: bytes
    """Of the latest call that the frame made."""

    @property
    def depth(self) -> int:
        """0 for the transaction's own frame."""

    @property
    def address(self) -> Address:
        """Of the account whose storage the frame uses."""

    @property
    def memory_bytes(self) -> bytes:
        """A copy of its memory."""

    @property
    def refund(self) -> int:
        """The transaction's refund counter, in gas."""


class Tracer:
    """Hears one transaction. Every hook does nothing by default; one that raises ends the run."""

    wants_steps: bool = False
    """Whether instructions are told too, which makes execution several times slower."""

    def begin(self, tx: Transaction, state: AccountDatabase, context: BlockContext) -> None:
        """A transaction is about to buy its gas. `state` may be read until the end."""

    def enter(self, entry: Entry) -> None:
        """A frame begins."""

    def step(self, frame: Frame, pc: int, opcode: int, gas: int) -> None:
        """An instruction is about to run with so much gas left. Only with `wants_steps`."""

    def charged(self, cost: int, error: str | None) -> None:
        """What the latest instruction costs, with the gas that a call hands on.

        `error` says why it could not even begin: too little gas, or a wrong number of words.
        """

    def log(self, log: Log, position: int) -> None:
        """The running frame has logged; `position` counts the transaction's logs that stand."""

    def leave(self, exit: Exit) -> None:
        """The frame ends; if in failure, everything in it is undone, logs included."""

    def end(self, outcome: Outcome) -> None:
        """The transaction is done; the state has what it left, deletions aside."""
