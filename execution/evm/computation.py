"""One call or creation: py-evm's Cancun computation with our loop, journal and chain rules.

What differs from py-evm's:
- logs, the refund counter, created and destroyed contracts live in the account database, whose
  checkpoints undo them; py-evm keeps every finished child to add them up at the end, and with it
  the memory of all calls of a transaction;
- the loop charges an opcode's fixed price itself, takes opcodes from a table of 256, and keeps
  the program counter;
- no debug logging, no context managers, and memory that grows without copying.
"""

from typing import Any

from eth.exceptions import (
    ContractCreationCollision,
    FullStack,
    Halt,
    OutOfGas,
    ReservedBytesInCode,
    VMError,
)
from eth.vm.forks.cancun.computation import CancunComputation

from execution.evm.code import JUMPDEST, PUSH0, PUSH32, Code
from execution.evm.gas import GasMeter
from execution.evm.lanes import lane_here
from execution.evm.limits import CODE_BYTES_MAX, STACK_ITEMS_MAX
from execution.evm.memory import Memory, expansion_gas
from execution.evm.opcodes import TABLE
from execution.evm.precompiles import PRECOMPILES
from execution.evm.stack import OperandStack

JUMP, JUMPI, PC = 0x56, 0x57, 0x58
DUP1, DUP16 = 0x80, 0x8F
SWAP1, SWAP16 = 0x90, 0x9F

CODE_DEPOSIT_GAS = 200
"""For each byte of deployed code (Yellow Paper, appendix G)."""


class Computation(OperandStack, CancunComputation):
    """A frame of the call stack."""

    _precompiles = PRECOMPILES

    state: Any
    msg: Any
    code: Code

    def __init__(self, state: Any, message: Any, transaction_context: Any) -> None:
        self.state = state
        self.msg = message
        self.transaction_context = transaction_context
        self.code = Code(message.code)
        self.return_data = b""
        self._memory = Memory()
        self._gas_meter = GasMeter(message.gas)
        self.stack: list[int] = []

    # Running

    @classmethod
    def apply_message(
        cls,
        state: Any,
        message: Any,
        transaction_context: Any,
        parent_computation: Any = None,
    ) -> "Computation":
        """Transfer the value, run the code, and undo everything when it failed."""
        checkpoint = state.db.checkpoint()
        if message.should_transfer_value and message.value:
            state.db.add_balance(message.sender, -message.value)
            state.db.add_balance(message.storage_address, message.value)
            if state.notes_transfers:
                state.note_call(message)
        state.db.touch(message.storage_address)
        computation = cls(state, message, transaction_context)
        computation.run()
        if computation._error is not None:
            state.db.revert(checkpoint)
        return computation

    @classmethod
    def apply_create_message(
        cls,
        state: Any,
        message: Any,
        transaction_context: Any,
        parent_computation: Any = None,
    ) -> "Computation":
        """Run initialisation code and deploy what it returns (EIP-161, 170, 3541, 6780)."""
        checkpoint = state.db.checkpoint()
        state.db.mark_created(message.storage_address)
        state.db.set_nonce(message.storage_address, 1)
        computation = cls.apply_message(state, message, transaction_context)
        if computation._error is None:
            try:
                computation.deploy()
            except VMError as error:
                computation.fail(error)
        if computation._error is not None:
            state.db.revert(checkpoint)
        return computation

    def deploy(self) -> None:
        """Pay for the returned code and make it the account's. Raises `VMError`."""
        code = self._output
        if len(code) > CODE_BYTES_MAX:
            raise OutOfGas(f"code of {len(code)} bytes (EIP-170)")
        if code[:1] == b"\xef":
            raise ReservedBytesInCode("code begins with 0xEF (EIP-3541)")
        self.consume_gas(len(code) * CODE_DEPOSIT_GAS, "code deposit")
        if code:
            self.state.db.set_code(self.msg.storage_address, code)

    def run(self) -> None:
        """Run to the end; a failure is kept in `_error`."""
        try:
            precompile = self.state.precompiles.get(self.msg.code_address)
            if precompile is not None:
                precompile(self)
            else:
                self._run_code()
        except Halt:
            return
        except VMError as error:
            self.fail(error)

    def _run_code(self) -> None:
        """Run opcodes until one raises: `Halt` at the end, a `VMError` in failure.

        What only moves words or the program counter is done here; the rest is in `TABLE`.
        """
        code, meter, stack, table = self.code, self._gas_meter, self.stack, TABLE
        lane = lane_here()
        opcodes = code.padded
        gas = meter.gas_remaining
        position = 0
        while True:
            opcode = opcodes[position]
            cost, logic = table[opcode]
            gas -= cost
            if gas < 0:
                raise OutOfGas(f"opcode 0x{opcode:02x}")
            position += 1
            if PUSH0 <= opcode <= PUSH32:
                if len(stack) >= STACK_ITEMS_MAX:
                    raise FullStack("stack limit reached")
                start, position = position, position + opcode - PUSH0
                stack.append(int.from_bytes(opcodes[start:position], "big"))
            elif DUP1 <= opcode <= DUP16:
                self.stack_dup(opcode - DUP1 + 1)
            elif SWAP1 <= opcode <= SWAP16:
                self.stack_swap(opcode - SWAP1 + 1)
            elif opcode == JUMP:
                position = code.jump(self.stack_pop1_int())
            elif opcode == JUMPI:
                target, condition = self.stack_pop_ints(2)
                if condition:
                    position = code.jump(target)
            elif opcode == PC:
                self.stack_push_int(position - 1)
            elif opcode == JUMPDEST:
                if lane.is_busy:
                    lane.give_way()
            else:
                meter.gas_remaining = gas
                logic(self)
                gas = meter.gas_remaining

    def fail(self, error: VMError) -> None:
        """End in failure; all but a REVERT consumes the gas and drops the return data."""
        # Its traceback would hold every frame of the call, and with it their memory.
        self._error = error.with_traceback(None)
        if error.burns_gas:
            self._gas_meter.gas_remaining = 0
        if error.erases_return_data:
            self.return_data = b""

    @classmethod
    def collide(cls, state: Any, message: Any, transaction_context: Any) -> "Computation":
        """The frame of a creation whose address is taken, which runs nothing (EIP-684)."""
        computation = cls(state, message, transaction_context)
        computation.fail(ContractCreationCollision("address is taken (EIP-684)"))
        return computation

    # What tracers want to hear (`execution.evm.tracing`) and nobody else

    def refused(self, message: Any, reason: str, *, gas_used: int = 0) -> None:
        """A call or creation of this frame did not begin."""

    def selfdestructed(self, beneficiary: Any, balance: int) -> None:
        """The frame's account has sent all its ether away."""

    # Gas and memory

    def consume_gas(self, amount: int, reason: str) -> None:
        """Take gas. Raises `OutOfGas`."""
        meter = self._gas_meter
        remaining = meter.gas_remaining - amount
        if remaining < 0:
            raise OutOfGas(f"{reason} needs {amount} gas of {meter.gas_remaining}")
        meter.gas_remaining = remaining

    def return_gas(self, amount: int) -> None:
        """Take back what a callee left."""
        self._gas_meter.gas_remaining += amount

    def get_gas_remaining(self) -> int:
        """Gas left; none after a failure that consumes it."""
        return self._gas_meter.gas_remaining

    @property
    def is_error(self) -> bool:
        """Whether the frame has failed or reverted."""
        return self._error is not None

    def extend_memory(self, start_position: int, size: int) -> None:
        """Pay for memory up to `start_position + size` and zero it; nothing for no bytes."""
        if not size:
            return
        have = len(self._memory)
        end = start_position + size
        if end > have:
            self.consume_gas(expansion_gas(have, end), "memory")
            self._memory.extend(start_position, size)

    # What the account database keeps for all frames

    def refund_gas(self, amount: int) -> None:
        """Add to the transaction's refund counter."""
        self.state.db.add_refund(amount)
