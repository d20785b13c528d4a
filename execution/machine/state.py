"""The machine's state: what a step reads and changes, and the hash that commits to it."""

from typing import Final, TypeVar

from execution.evm.context import BlockContext
from execution.evm.size_rules import LIMITS, SizeRule
from execution.machine.block import Block
from execution.machine.chain import Link, list_hash
from execution.machine.failure import Failure, OutOfGas
from execution.machine.frame import Frame
from execution.machine.gas import memory_gas
from execution.machine.journal import WARM, Journal
from execution.machine.memory import View, range_end
from execution.machine.moments import Moments
from execution.machine.operations import Operation, operation_hash
from execution.machine.records import Destructed, LogRecord
from execution.machine.snapshot import Snapshot
from execution.machine.status import Outcome, Status
from execution.machine.transaction import PendingTx, Tx, transaction_hash
from execution.machine.undo import UndoLog
from execution.machine.words import Word, commit, tag
from execution.machine.world import World
from genesis.config import ExecutionRules
from state.accounts import State
from state.errors import InternalError
from state.types import ZERO_HASH, Address, Hash32

MACHINE_TAG: Final = tag("state")

PRECOMPILES: Final = frozenset(Address(n.to_bytes(20, "big")) for n in range(1, 11))
"""0x01 to 0x0a (Cancun)."""

Op = TypeVar("Op", bound=Operation)

RIPEMD160: Final = Address(bytes(19) + b"\x03")


class MachineState:
    """All words of the machine, in the form that executes fast. Not thread-safe."""

    def __init__(self, state: State, context: BlockContext, rules: ExecutionRules) -> None:
        self.rules = rules
        self.undo = UndoLog()
        self.world = World(state, self.undo)
        self.journal = Journal(self.undo)
        self.moments = Moments(self.undo, self.world, self.journal)
        self.block = Block(context)
        self.boundary_hash = ZERO_HASH
        """The output root that the block builds on."""
        self.status = Status.NEXT
        self.tx: PendingTx | Tx | None = None
        self.frame: Frame | None = None
        self.refund = 0
        self.logs: Link[LogRecord] | None = None
        self.destructs: Link[Destructed] | None = None
        self.operation: Operation | None = None
        self.warm_by_rule: frozenset[Address] = PRECOMPILES
        """Not in the journal: precompiles, coinbase, the transaction's sender and recipient."""
        self.rules_hit: set[SizeRule] = set()
        """Size rules that made something fail, for reports."""

    # Commitments

    def hash(self) -> Hash32:
        """The machine hash: what a claim in a dispute is about."""
        return commit(MACHINE_TAG, self.words())

    def words(self) -> tuple[Word, ...]:
        """In the order of docs/machine.md."""
        return (
            self.status,
            self.boundary_hash,
            self.block.hash(),
            transaction_hash(self.tx),
            ZERO_HASH if self.frame is None else self.frame.hash(),
            self.world.root(),
            self.journal.root(),
            self.refund,
            list_hash(self.logs),
            list_hash(self.destructs),
            operation_hash(self.operation),
        )

    # What the status vouches for

    @property
    def running_tx(self) -> Tx:
        """The transaction, in every status after VALIDATE."""
        if not isinstance(self.tx, Tx):
            raise InternalError(f"no transaction runs in status {self.status.name}")
        return self.tx

    @property
    def running_frame(self) -> Frame:
        """The frame, in every status that has one."""
        if self.frame is None:
            raise InternalError(f"no frame runs in status {self.status.name}")
        return self.frame

    def take(self, kind: type[Op]) -> Op:
        """The pending operation, which is no longer pending; the status says its kind."""
        operation, self.operation = self.operation, None
        if not isinstance(operation, kind):
            raise InternalError(f"{operation!r} is pending in status {self.status.name}")
        return operation

    def pend(self, status: Status, operation: Operation) -> None:
        """Go on in another status."""
        self.status = status
        self.operation = operation

    # Gas

    def exceeds(self, rule: SizeRule, amount: int) -> bool:
        """Whether a size rule of this chain forbids `amount`."""
        if amount <= LIMITS[rule] or not self.rules.bounded_inputs:
            return False
        self.rules_hit.add(rule)
        return True

    @staticmethod
    def charge(frame: Frame, amount: int) -> None:
        """Take gas. Raises `OutOfGas`."""
        if frame.gas < amount:
            raise OutOfGas(f"{amount} gas of {frame.gas}")
        frame.gas -= amount

    def reach(self, frame: Frame, start: int, size: int) -> None:
        """Pay for memory that holds the range, and grow it. Raises `OutOfGas`."""
        end = range_end(start, size)
        if end is None:
            raise OutOfGas(f"memory of {start + size} bytes")
        have = len(frame.memory)
        if end > have:
            self.charge(frame, memory_gas(end) - memory_gas(have))
            frame.memory.grow(end)

    # Accesses

    def is_cold(self, address: Address) -> bool:
        """Whether the transaction has not accessed the address yet (EIP-2929)."""
        return address not in self.warm_by_rule and not self.journal.is_warm(address)

    def warm(self, address: Address) -> None:
        if address not in self.warm_by_rule:
            self.journal.mark(address, WARM)

    def touch(self, address: Address) -> None:
        """Delete the account if it is there and empty; for 0x03, also after a revert."""
        if address == RIPEMD160:
            self.running_tx.ripemd_touched = True
        self.world.touch(address)

    # Frames

    def snapshot(self) -> Snapshot:
        return Snapshot(self.moments, self.moments.now(), self.refund, self.logs, self.destructs)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot's five words."""
        self.moments.revert(snapshot.at)
        self.refund = snapshot.refund
        self.logs = snapshot.logs
        self.destructs = snapshot.destructs

    def halt(self, output: View) -> None:
        """End the frame well; a creation's output is deployed next."""
        frame = self.running_frame
        frame.outcome = Outcome.SUCCESS
        frame.returndata = output
        self.status = Status.DEPLOY if frame.is_create else Status.LEAVE

    def revert(self, output: View) -> None:
        """End the frame with its changes undone and its gas left."""
        frame = self.running_frame
        frame.outcome = Outcome.REVERT
        frame.returndata = output
        self.restore(frame.snapshot)
        self.status = Status.LEAVE

    def fail(self, reason: Failure) -> None:
        """End the frame with its changes undone and its gas gone."""
        frame = self.running_frame
        frame.outcome = Outcome.FAILURE
        # Its traceback would keep the frames of all callers alive.
        frame.failure = reason.with_traceback(None)
        frame.clear()
        self.restore(frame.snapshot)
        self.operation = None
        self.status = Status.LEAVE

    # Transactions

    def fail_transaction(self) -> None:
        """End the transaction before it has a frame, with all its gas used."""
        tx = self.running_tx
        tx.gas = 0
        tx.outcome = Outcome.FAILURE
        self.status = Status.SETTLE

    def forget_transaction(self) -> None:
        """What the transaction did to the state stays; all else of it goes."""
        self.tx = None
        self.frame = None
        self.refund = 0
        self.logs = None
        self.destructs = None
        self.operation = None
        self.warm_by_rule = PRECOMPILES
        self.journal.clear()
        self.moments.clear()
        self.world.finish()
        self.status = Status.NEXT
