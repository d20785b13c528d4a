"""`Machine`: one step at a time, or whole transactions, on an explicit state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from execution.errors import GasAboveBlockLimit, InvalidTransaction
from execution.evm.context import BlockContext
from execution.evm.limits import STACK_ITEMS_MAX
from execution.evm.size_rules import SizeRule
from execution.machine import frames, phases
from execution.machine.failure import Failure, OutOfGas, StackOverflow, StackUnderflow
from execution.machine.opcodes import creates, storage
from execution.machine.opcodes.calls import enter
from execution.machine.opcodes.table import TABLE
from execution.machine.state import MachineState
from execution.machine.status import Status
from execution.machine.transaction import PendingTx
from execution.transaction import Transaction
from execution.transactions import encode
from genesis.config import ExecutionRules
from state.accounts import Account, State, StateDiff
from state.blocks import Log, Receipt
from state.errors import InternalError
from state.types import Address, Gas, Hash32


@dataclass(frozen=True, slots=True)
class MachineOutcome:
    """What a transaction did."""

    succeeded: bool
    gas_used: Gas
    logs: tuple[Log, ...]


class Machine:
    """A machine on a block's starting state. Not thread-safe."""

    def __init__(self, state: State, context: BlockContext, rules: ExecutionRules) -> None:
        if rules.calldata_floor:
            raise InternalError("the machine proves the L2, which has no calldata floor price")
        self.state = MachineState(state, context, rules)
        self.steps = 0
        """Steps taken since construction."""
        self._refusal: InvalidTransaction | None = None
        self._receipt: Receipt | None = None

    # Steps

    def offer(self, given: Transaction | bytes) -> None:
        """Put a transaction before the machine; the next step validates it.

        Bytes come from strangers, and VALIDATE decodes them; a deposit is always given decoded.
        """
        if self.state.status is not Status.NEXT:
            raise InternalError(f"a transaction is on its way: {self.state.status.name}")
        if isinstance(given, bytes):
            self.state.tx = PendingTx(None, given)
        else:
            self.state.tx = PendingTx(given, given.raw or encode(given))
        self.state.status = Status.VALIDATE
        self._refusal = self._receipt = None

    def step(self) -> None:
        """Do exactly one step. Between transactions the state is its own successor."""
        state = self.state
        status = state.status
        try:
            if status is _RUN:
                self._instruction(state)
            elif status is Status.VALIDATE or status is Status.BUY:
                self._admit()
            elif status is Status.RECEIPT:
                self._receipt = phases.finish(state)
            elif status is Status.UNFIT:
                state.forget_transaction()
            elif status is not Status.NEXT:
                _STEPS[status](state)
        except Failure as failure:
            state.fail(failure)
        self.steps += 1

    def advance(self, steps: int) -> None:
        """Do so many steps."""
        for _ in range(steps):
            self.step()

    @staticmethod
    def _instruction(state: MachineState) -> None:
        """RUN: the instruction at the program counter; which one, the code says."""
        frame = state.frame
        if frame is None or frame.code is None:
            raise InternalError("no loaded code runs in status RUN")
        opcode = frame.code.padded[frame.pc]
        gas, takes, gives, logic = TABLE[opcode]
        size = len(frame.stack)
        if size < takes:
            raise StackUnderflow(opcode, size)
        if size - takes + gives > STACK_ITEMS_MAX:
            raise StackOverflow(opcode, size)
        if frame.gas < gas:
            raise OutOfGas(f"opcode 0x{opcode:02x}")
        frame.gas -= gas
        frame.pc += 1
        logic(state, frame)

    def _admit(self) -> None:
        """VALIDATE and BUY: go on, or skip a transaction that can't be in the block."""
        try:
            if self.state.status is Status.VALIDATE:
                phases.validate(self.state)
            else:
                phases.buy(self.state)
        except GasAboveBlockLimit as refusal:
            # It may fit the next block, which is for the block to say.
            self._refusal = refusal
            self.state.status = Status.UNFIT
        except InvalidTransaction as refusal:
            self._refusal = refusal
            self.state.forget_transaction()

    # Commitments

    def machine_hash(self) -> Hash32:
        """The commitment to the state as it is now; nothing is hashed unless this is asked."""
        return self.state.hash()

    @property
    def status(self) -> Status:
        """Which verifier the next step has."""
        return self.state.status

    @property
    def idle(self) -> bool:
        """Whether no transaction is on its way."""
        return self.state.status is Status.NEXT

    # Whole transactions

    def apply(self, tx: Transaction, gas_left: Gas) -> MachineOutcome:
        """Run a transaction and keep what it did; `gas_left` is what is left of the block's gas.

        Raises `InvalidTransaction` with the state untouched.
        """
        block = self.state.block
        if gas_left != block.context.gas_limit - block.gas_used:
            raise InternalError(f"the block has used {block.gas_used} gas, so not {gas_left} left")
        before = block.gas_used
        self.offer(tx)
        while not self.idle:
            self.step()
        if self._refusal is not None:
            raise self._refusal
        if self._receipt is None:
            raise InternalError("a transaction ended without a receipt")
        receipt = self._receipt
        return MachineOutcome(receipt.succeeded, Gas(block.gas_used - before), receipt.logs)

    # Reading

    def account(self, address: Address) -> Account | None:
        """The account as it is now, or None."""
        return self.state.world.account(address)

    def diff(self) -> StateDiff:
        """Everything that changed since construction."""
        return self.state.world.diff()

    @property
    def rules_hit(self) -> frozenset[SizeRule]:
        """Size rules that have made something fail since construction."""
        return frozenset(self.state.rules_hit)


_RUN: Final = Status.RUN
"""At hand: most steps ask for it, and an enumeration answers slowly."""

_STEPS: Final[dict[Status, Callable[[MachineState], None]]] = {
    Status.WARM: phases.warm,
    Status.BEGIN: phases.begin,
    Status.SETTLE: phases.settle,
    Status.DESTRUCT: phases.destruct,
    Status.LOAD: frames.load,
    Status.PRECOMPILE: frames.run_precompile,
    Status.DEPLOY: frames.deploy,
    Status.LEAVE: frames.leave,
    Status.COPY: frames.copy,
    Status.SLOAD: storage.finish_sload,
    Status.SSTORE_READ: storage.read_original,
    Status.SSTORE_WRITE: storage.finish_sstore,
    Status.EXTCODESIZE: frames.finish_extcodesize,
    Status.EXTCODECOPY: frames.open_extcode,
    Status.ENTER: enter,
    Status.CREATE_HASH: creates.hash_initcode,
    Status.CREATE_WARM: creates.warm_created,
    Status.CREATE_ENTER: creates.enter_created,
    Status.CREATE_FUND: creates.fund_created,
    Status.SELFDESTRUCT_SEND: creates.send_balance,
    Status.SELFDESTRUCT_MARK: creates.mark_destructed,
}
"""The one verifier of every status that `Machine.step` doesn't name, the block's phases aside."""
