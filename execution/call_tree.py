"""The calls of a transaction as a tree, the way go-ethereum's callTracer collects them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from execution.evm.accounts import AccountDatabase
from execution.evm.context import BlockContext
from execution.evm.engine import Outcome
from execution.evm.message import FrameKind
from execution.evm.tracer import Entry, Exit, Tracer
from execution.limits import TRACE_FRAME_BYTES, TRACE_LOG_BYTES
from execution.trace_budget import TraceBudget
from execution.transaction import Transaction
from state.blocks import Log
from state.types import ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class CallLog:
    """A log of a call: its number in the block, and how many subcalls came before it."""

    log: Log
    index: int
    position: int


@dataclass(slots=True)
class Call:
    """A call, creation or SELFDESTRUCT, and what happened in it."""

    entry: Entry
    exit: Exit
    calls: list["Call"] = field(default_factory=list)
    logs: list[CallLog] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether it was undone."""
        return self.exit.error is not None

    def walk(self) -> Iterator["Call"]:
        """This call and all within, in the order in which they began."""
        waiting = [self]
        while waiting:
            call = waiting.pop()
            yield call
            waiting += reversed(call.calls)

    def stood(self) -> Iterator["Call"]:
        """As `walk`, leaving out what was undone."""
        waiting = [self]
        while waiting:
            call = waiting.pop()
            if not call.failed:
                yield call
                waiting += reversed(call.calls)


class CallTracer(Tracer):
    """Collects the calls of one transaction.

    The outermost has the transaction's own gas: its limit, and what the receipt says it used.
    `first_log` is the number that the transaction's first log has in its block.
    """

    def __init__(
        self,
        budget: TraceBudget,
        *,
        only_top: bool = False,
        with_logs: bool = False,
        first_log: int = 0,
    ) -> None:
        self._budget = budget
        self._only_top = only_top
        self._with_logs = with_logs
        self._first_log = first_log
        self._open: list[Call] = []
        self._tx: Transaction | None = None
        self._root: Call | None = None
        self._depth = 0

    @property
    def root(self) -> Call:
        """The transaction's own call. Raises `ValueError` before its end."""
        if self._root is None:
            raise ValueError("the transaction has not ended")
        return self._root

    def begin(self, tx: Transaction, state: AccountDatabase, context: BlockContext) -> None:
        self._tx = tx

    def enter(self, entry: Entry) -> None:
        self._budget.check_time()
        self._depth = entry.depth
        if self._only_top and entry.depth > 0:
            return
        self._budget.take_bytes(TRACE_FRAME_BYTES + 2 * len(entry.input))
        self._open.append(Call(entry, Exit(entry.depth, b"", 0)))

    def leave(self, exit: Exit) -> None:
        self._depth = exit.depth - 1
        if self._only_top and exit.depth > 0:
            return
        self._budget.take_bytes(2 * len(exit.output))
        call = self._open.pop()
        call.exit = exit
        if self._open:
            self._open[-1].calls.append(call)
        else:
            self._root = call

    def log(self, log: Log, position: int) -> None:
        if not self._with_logs or (self._only_top and self._depth > 0):
            return
        self._budget.take_bytes(TRACE_LOG_BYTES + 2 * len(log.data))
        call = self._open[-1]
        call.logs.append(CallLog(log, self._first_log + position, len(call.calls)))

    def end(self, outcome: Outcome) -> None:
        tx = self._tx
        if tx is None:
            raise ValueError("the transaction has not begun")
        if self._root is None:
            self._root = _never_begun(tx, outcome)
        entry, exit = self._root.entry, self._root.exit
        self._root.entry = Entry(
            entry.kind, 0, entry.sender, entry.to, entry.input, tx.gas, entry.value
        )
        self._root.exit = Exit(0, exit.output, outcome.gas_used, exit.error)
        if self._with_logs:
            _forget_undone_logs(self._root)


def _forget_undone_logs(root: Call) -> None:
    """A failure undoes the logs of everything within."""
    waiting = [(root, False)]
    while waiting:
        call, undone = waiting.pop()
        undone = undone or call.failed
        if undone:
            call.logs.clear()
        waiting += ((inner, undone) for inner in call.calls)


def _never_begun(tx: Transaction, outcome: Outcome) -> Call:
    """What a deposit looks like that could not even begin."""
    kind = FrameKind.CREATE if tx.to is None else FrameKind.CALL
    entry = Entry(kind, 0, tx.sender, tx.to or ZERO_ADDRESS, tx.data, tx.gas, tx.value)
    return Call(entry, Exit(0, b"", outcome.gas_used, outcome.error))
