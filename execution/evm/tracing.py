"""Telling a tracer what the engine does, in the very loop that runs the chain.

The loop looks an opcode up by its position once for each instruction; a code that notices that sees
every instruction before it runs, and nothing is executed in another way than always. What an
instruction cost is known when the next thing happens. An engine that isn't traced runs none of
this.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from eth.exceptions import FullStack, InsufficientStack, OutOfGas, VMError

from execution.evm.code import JUMPDEST, PUSH0, PUSH32
from execution.evm.computation import (
    DUP1,
    DUP16,
    JUMP,
    JUMPI,
    PC,
    SWAP1,
    SWAP16,
    Computation,
)
from execution.evm.context import BlockContext
from execution.evm.engine import Evm, Outcome, describe_failure
from execution.evm.limits import CODE_BYTES_MAX
from execution.evm.message import FrameKind, Message
from execution.evm.opcodes import TABLE
from execution.evm.tracer import Entry, Exit, Frame, Tracer
from execution.transaction import Transaction
from genesis.config import ExecutionRules
from state.accounts import StateReader
from state.types import Address

_IN_THE_LOOP: Final = frozenset(
    {JUMP, JUMPI, PC, JUMPDEST}
    | {*range(PUSH0, PUSH32 + 1), *range(DUP1, DUP16 + 1), *range(SWAP1, SWAP16 + 1)}
)
"""Instructions whose gas the loop keeps to itself until the next that it doesn't do alone."""

_BEFORE_RUNNING: Final = (OutOfGas, FullStack, InsufficientStack)
"""Failures that go-ethereum finds before it runs an instruction, and so tells with it."""


class WatchedCode(bytes):
    """A padded code that tells which instruction the loop looks up."""

    fetched: Callable[[int, int], None]

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        if isinstance(place, int):
            self.fetched(place, found)
        return found


class Telling:
    """What the frames of one traced transaction share: the tracer, and the frames that run."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self._frames: list[TracedComputation] = []
        self._logs_told = 0

    @property
    def running(self) -> "TracedComputation | None":
        """The innermost frame."""
        return self._frames[-1] if self._frames else None

    def enter(self, message: Message) -> None:
        """A frame of that message begins."""
        caller = self.running
        if caller is not None:
            caller.settle(given=message.gas if message.is_create else 0)
            self.tell_logs(caller)
        self.tracer.enter(_entry(message))

    def runs(self, frame: "TracedComputation") -> None:
        """The frame entered last has been made."""
        self._frames.append(frame)

    def leave(self) -> None:
        """The innermost frame has ended, and what it failed to do is undone."""
        frame = self._frames.pop()
        frame.settle()
        self.tell_logs(frame)
        message = frame.msg
        self.tracer.leave(
            Exit(
                depth=message.depth,
                output=bytes(frame.output),
                gas_used=message.gas - frame.get_gas_remaining(),
                error=frame.failure,
            )
        )

    def tell_logs(self, frame: "TracedComputation") -> None:
        """Tell what was logged since the last event; logs that were undone are forgotten."""
        logs = frame.state.db.logs
        for position in range(self._logs_told, len(logs)):
            self.tracer.log(logs[position], position)
        self._logs_told = len(logs)


class TracedComputation(Computation):
    """A frame that tells the state's `telling` what it does."""

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        super().__init__(state, message, transaction_context)
        self._unpaid = 0
        """Gas that the loop has taken and the meter doesn't know of yet."""
        self._pending: tuple[int, int] | None = None
        """Opcode and gas of an instruction whose cost has not been told."""
        self._wanted = 0
        """Gas that was asked for and wasn't there."""
        self._deploying = False
        state.telling.runs(self)
        # A frame without code runs nothing but the padding's STOP, which is no instruction of it.
        if len(self.code) and state.telling.tracer.wants_steps:
            watched = WatchedCode(self.code.padded)
            watched.fetched = self._fetched
            self.code.padded = watched

    # What a tracer may look at (`tracer.Frame`)

    @property
    def depth(self) -> int:
        return int(self.msg.depth)

    @property
    def address(self) -> Address:
        return Address(self.msg.storage_address)

    @property
    def memory_bytes(self) -> bytes:
        return bytes(self._memory.read_bytes(0, len(self._memory)))

    @property
    def refund(self) -> int:
        return int(self.state.db.refund)

    # Frames

    @classmethod
    def apply_message(
        cls,
        state: Any,
        message: Any,
        transaction_context: Any,
        parent_computation: Any = None,
    ) -> Computation:
        """Run a call and tell of it; the inner part of a creation is told by the creation."""
        if message.is_create:
            return super().apply_message(state, message, transaction_context)
        state.telling.enter(message)
        computation = super().apply_message(state, message, transaction_context)
        state.telling.leave()
        return computation

    @classmethod
    def apply_create_message(
        cls,
        state: Any,
        message: Any,
        transaction_context: Any,
        parent_computation: Any = None,
    ) -> Computation:
        """Run a creation and tell of it."""
        state.telling.enter(message)
        computation = super().apply_create_message(state, message, transaction_context)
        state.telling.leave()
        return computation

    @classmethod
    def collide(cls, state: Any, message: Any, transaction_context: Any) -> Computation:
        """Tell of a creation that runs nothing."""
        state.telling.enter(message)
        computation = super().collide(state, message, transaction_context)
        state.telling.leave()
        return computation

    def refused(self, message: Any, reason: str, *, gas_used: int = 0) -> None:
        """Tell of a call or creation that did not begin."""
        telling = self.state.telling
        self.settle(given=gas_used if message.is_create else 0)
        telling.tell_logs(self)
        telling.tracer.enter(_entry(message))
        telling.tracer.leave(Exit(message.depth, b"", gas_used, reason))

    def selfdestructed(self, beneficiary: Any, balance: int) -> None:
        """Tell of the account's last transfer as go-ethereum does: like a call without gas."""
        telling = self.state.telling
        self.settle()
        telling.tell_logs(self)
        depth = self.depth + 1
        last = Entry(FrameKind.SELFDESTRUCT, depth, self.address, beneficiary, b"", 0, balance)
        telling.tracer.enter(last)
        telling.tracer.leave(Exit(depth, b"", 0))

    def deploy(self) -> None:
        """As always; a failure here has words of its own."""
        self.settle()
        self._deploying = True
        super().deploy()

    # Instructions

    def _fetched(self, position: int, opcode: int) -> None:
        self.settle()
        gas = self.get_gas_remaining() - self._unpaid
        self._unpaid = self._unpaid + TABLE[opcode][0] if opcode in _IN_THE_LOOP else 0
        self._pending = opcode, gas
        telling = self.state.telling
        telling.tell_logs(self)
        telling.tracer.step(self, position, opcode, gas)

    def settle(self, *, given: int = 0, error: str | None = None) -> None:
        """Tell what the pending instruction cost, less what it has `given` a creation."""
        if self._pending is None:
            return
        opcode, before = self._pending
        self._pending = None
        fixed = TABLE[opcode][0]
        if opcode in _IN_THE_LOOP or before < fixed:
            cost = fixed
        else:
            cost = before - self.get_gas_remaining() - given + self._wanted
        self.state.telling.tracer.charged(cost, error)

    def consume_gas(self, amount: int, reason: str) -> None:
        """As always; notes what could not be paid."""
        try:
            super().consume_gas(amount, reason)
        except OutOfGas:
            self._wanted = amount
            raise

    def fail(self, error: VMError) -> None:
        """Tell the instruction that failed before its gas is gone."""
        early = isinstance(error, _BEFORE_RUNNING) and not self._deploying
        self.settle(error=describe_failure(error) if early else None)
        super().fail(error)

    @property
    def failure(self) -> str | None:
        """Why the frame failed, in geth's words; None where it didn't."""
        error = self._error
        if error is None:
            return None
        if self._deploying and isinstance(error, OutOfGas):
            oversized = len(self._output) > CODE_BYTES_MAX
            return "max code size exceeded" if oversized else DEPOSIT_UNPAID
        return describe_failure(error)


DEPOSIT_UNPAID: Final = "contract creation code storage out of gas"
"""A creation can't pay for the code that it returned."""


class TracedEvm(Evm):
    """The engine, with a tracer to tell while there is one."""

    def __init__(
        self,
        state: StateReader,
        context: BlockContext,
        rules: ExecutionRules,
        tracer: Tracer | None = None,
    ) -> None:
        super().__init__(state, context, rules)
        self._tracer = tracer

    def trace(self, tracer: Tracer | None) -> None:
        """Whom to tell from the next transaction on, or nobody."""
        self._tracer = tracer

    def _perform(self, work: Callable[..., Outcome], tx: Transaction, *how: object) -> Outcome:
        tracer = self._tracer
        if tracer is None:
            self._frame = Computation
            return super()._perform(work, tx, *how)
        self._frame = TracedComputation
        self._vm.telling = Telling(tracer)  # type: ignore[attr-defined]
        tracer.begin(tx, self._db, self._context)
        outcome = super()._perform(work, tx, *how)
        tracer.end(outcome)
        return outcome


def _entry(message: Message) -> Entry:
    kind = message.kind
    delegated = kind is FrameKind.DELEGATECALL
    return Entry(
        kind=kind,
        depth=message.depth,
        sender=message.storage_address if delegated else message.sender,
        to=message.storage_address if message.is_create else message.code_address,
        input=message.code if message.is_create else bytes(message.data),
        gas=message.gas,
        value=None if kind is FrameKind.STATICCALL else message.value,
    )


# Watching instructions alone


@dataclass(frozen=True, slots=True)
class Instant:
    """What can be seen of an execution right before an instruction."""

    depth: int
    address: Address
    """Of the account whose storage the frame uses."""
    pc: int
    opcode: int
    gas: int
    stack: tuple[int, ...]


Watch = Callable[[Instant], None]
"""Told each instruction of a transaction before it runs."""


class _Watcher(Tracer):
    """Makes an `Instant` of every instruction."""

    wants_steps = True

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def step(self, frame: Frame, pc: int, opcode: int, gas: int) -> None:
        self._watch(Instant(frame.depth, frame.address, pc, opcode, gas, tuple(frame.stack)))


class WatchedEvm(TracedEvm):
    """The engine, with somebody to tell about each instruction while `watch` is set."""

    def watch(self, watch: Watch | None) -> None:
        """Whom to tell from now on, or nobody."""
        self.trace(None if watch is None else _Watcher(watch))
