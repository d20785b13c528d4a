"""The struct log: every instruction, with what it sees and costs (geth, `StructLogger`)."""

from typing import Any

import msgspec

from execution.evm.accounts import AccountDatabase
from execution.evm.context import BlockContext
from execution.evm.engine import REVERTED, Outcome
from execution.evm.tracer import Frame
from execution.machine.opcodes.mnemonics import name_in_traces
from execution.trace_budget import TraceBudget
from execution.transaction import Transaction
from node.rpc.codec import data, word
from node.rpc.debug.config import StepOptions
from node.rpc.debug.tracer import JsonTracer, TracePlace
from node.rpc.format import Json
from state.types import Address

SLOAD, SSTORE = 0x54, 0x55

_encode = msgspec.json.Encoder().encode


class StructLogTracer(JsonTracer):
    """Collects instructions, each encoded at once: as text they take a tenth of the memory.

    As in the specification, `limit` counts instructions; go-ethereum has lately counted bytes.
    """

    wants_steps = True

    def __init__(self, place: TracePlace, budget: TraceBudget, options: StepOptions) -> None:
        super().__init__(place, budget)
        self._options = options
        self._steps: list[msgspec.Raw] = []
        self._step: Json | None = None
        self._storage: dict[Address, dict[str, str]] = {}
        self._state: AccountDatabase | None = None
        self._outcome: Outcome | None = None

    def begin(self, tx: Transaction, state: AccountDatabase, context: BlockContext) -> None:
        self._state = state

    def step(self, frame: Frame, pc: int, opcode: int, gas: int) -> None:
        self.budget.take_step()
        options = self._options
        if options.limit and len(self._steps) >= options.limit:
            self._step = None
            return
        step: Json = {
            "pc": pc,
            "op": name_in_traces(opcode),
            "gas": gas,
            "gasCost": 0,
            "depth": frame.depth + 1,
        }
        if options.stack:
            step["stack"] = [hex(item) for item in frame.stack]
        if options.return_data and frame.return_data:
            step["returnData"] = data(bytes(frame.return_data))
        if options.memory:
            self._tell_memory(step, frame)
        if options.storage and opcode in (SLOAD, SSTORE):
            self._tell_storage(step, frame, opcode)
        if frame.refund:
            step["refund"] = frame.refund
        self._step = step

    def _tell_memory(self, step: Json, frame: Frame) -> None:
        memory = frame.memory_bytes
        if memory:
            self.budget.take_bytes(2 * len(memory))
            step["memory"] = [data(memory[at : at + 32]) for at in range(0, len(memory), 32)]

    def _tell_storage(self, step: Json, frame: Frame, opcode: int) -> None:
        """All slots that the account has touched so far, this one as it will be."""
        stack = frame.stack
        if self._state is None or len(stack) < (1 if opcode == SLOAD else 2):
            return
        seen = self._storage.setdefault(frame.address, {})
        value = self._state.storage(frame.address, stack[-1]) if opcode == SLOAD else stack[-2]
        seen[word(stack[-1])] = word(value)
        step["storage"] = dict(seen)

    def charged(self, cost: int, error: str | None) -> None:
        step = self._step
        if step is None:
            return
        step["gasCost"] = cost
        if error is not None:
            step["error"] = error
        encoded = _encode(step)
        self.budget.take_bytes(len(encoded))
        self._steps.append(msgspec.Raw(encoded))
        self._step = None

    def end(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def result(self) -> dict[str, Any]:
        outcome = self._outcome
        if outcome is None:
            raise ValueError("the transaction has not ended")
        told = outcome.succeeded or outcome.error == REVERTED
        return {
            "gas": outcome.gas_used,
            "failed": not outcome.succeeded,
            "returnValue": data(outcome.output if told else b""),
            "structLogs": self._steps,
        }
