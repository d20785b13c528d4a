"""Watching the engine instruction by instruction, in the very loop that runs the chain.

The loop looks an opcode up by its position once for each instruction; a code that notices that sees
every instruction before it runs, and nothing is executed in another way than always.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eth.vm.forks.cancun.transaction_context import CancunTransactionContext

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
from execution.evm.engine import Evm
from execution.evm.message import Message
from execution.evm.opcodes import TABLE
from genesis.config import ExecutionRules
from state.accounts import StateReader
from state.types import Address

_IN_THE_LOOP = frozenset(
    {JUMP, JUMPI, PC, JUMPDEST}
    | {*range(PUSH0, PUSH32 + 1), *range(DUP1, DUP16 + 1), *range(SWAP1, SWAP16 + 1)}
)
"""Instructions whose gas the loop keeps to itself until the next that it doesn't do alone."""


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


class WatchedCode(bytes):
    """A padded code that tells which instruction the loop looks up."""

    fetched: Callable[[int, int], None]

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        if isinstance(place, int):
            self.fetched(place, found)
        return found


class WatchedComputation(Computation):
    """A frame that tells each of its instructions to the state's `watch`."""

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        super().__init__(state, message, transaction_context)
        self._unpaid = 0
        """Gas that the loop has taken and the meter doesn't know of yet."""
        # A frame without code runs nothing but the padding's STOP, which is no instruction of it.
        if len(self.code) and state.watch is not None:
            watched = WatchedCode(self.code.padded)
            watched.fetched = self._fetched
            self.code.padded = watched

    def _fetched(self, position: int, opcode: int) -> None:
        gas = self.get_gas_remaining() - self._unpaid
        self._unpaid = self._unpaid + TABLE[opcode][0] if opcode in _IN_THE_LOOP else 0
        message = self.msg
        self.state.watch(
            Instant(
                depth=message.depth,
                address=message.storage_address,
                pc=position,
                opcode=opcode,
                gas=gas,
                stack=tuple(self.stack),
            )
        )


class WatchedEvm(Evm):
    """The engine, with somebody to tell about each instruction while `watch` is set."""

    def __init__(self, state: StateReader, context: BlockContext, rules: ExecutionRules) -> None:
        super().__init__(state, context, rules)
        self.watch(None)

    def watch(self, watch: Watch | None) -> None:
        """Whom to tell from now on, or nobody."""
        self._vm.watch = watch  # type: ignore[attr-defined]

    def _compute(self, message: Message, context: CancunTransactionContext) -> Computation:
        if not message.is_create:
            return WatchedComputation.apply_message(self._vm, message, context)
        if self._vm.has_code_or_nonce(message.storage_address):
            return super()._compute(message, context)  # collides, and runs nothing
        return WatchedComputation.apply_create_message(self._vm, message, context)
