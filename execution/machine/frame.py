"""A frame: one call or creation that runs, or waits for the one that it made."""

from typing import Final

from execution.machine.code import Code
from execution.machine.failure import Failure
from execution.machine.memory import EMPTY_VIEW, Memory, View
from execution.machine.snapshot import Snapshot
from execution.machine.status import Outcome
from execution.machine.words import Word, commit, tag
from state.errors import InternalError
from state.types import ZERO_HASH, Address, Hash32

FRAME_TAG: Final = tag("frame")
STACK_TAG: Final = tag("stack")

_NO_CODE: Final[tuple[Word, ...]] = (0, ZERO_HASH, ZERO_HASH)
"""Size, root and jump map of code that is not loaded yet."""


def stack_hash(stack: list[int]) -> Hash32:
    """A chain from the bottom item up, so that the top items open with one hash below them."""
    head = ZERO_HASH
    for item in stack:
        head = commit(STACK_TAG, (head, item))
    return head


class Frame:
    """Everything of a frame, as fields that its steps change."""

    __slots__ = (
        "_hash",
        "address",
        "caller",
        "code",
        "code_hash",
        "depth",
        "failure",
        "gas",
        "input",
        "is_create",
        "is_static",
        "memory",
        "outcome",
        "output_size",
        "output_start",
        "parent",
        "pc",
        "returndata",
        "snapshot",
        "stack",
        "value",
    )

    def __init__(
        self,
        *,
        parent: "Frame | None",
        address: Address,
        caller: Address,
        value: int,
        gas: int,
        code_hash: Hash32,
        snapshot: Snapshot,
        input: View = EMPTY_VIEW,
        is_static: bool = False,
        is_create: bool = False,
        output_start: int = 0,
        output_size: int = 0,
    ) -> None:
        self.parent = parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.address = address
        self.caller = caller
        self.value = value
        self.gas = gas
        self.code_hash = code_hash
        self.snapshot = snapshot
        """What a revert goes back to."""
        self.input = input
        self.is_static = is_static
        self.is_create = is_create
        self.output_start = output_start
        """Where in the parent's memory the output goes."""
        self.output_size = output_size
        self.code: Code | None = None
        self.pc = 0
        self.stack: list[int] = []
        self.memory = Memory()
        self.returndata = EMPTY_VIEW
        """What the last callee returned; once the frame has ended, what it returns itself."""
        self.outcome = Outcome.RUNNING
        self.failure: Failure | None = None
        """Why it failed, for people; no commitment holds it."""
        self._hash: Hash32 | None = None

    @property
    def program(self) -> Code:
        """The code, in every status after LOAD."""
        if self.code is None:
            raise InternalError("a frame runs before its code is loaded")
        return self.code

    def clear(self) -> None:
        """Forget what a failed frame computed: its failure has one form, whatever the cause."""
        self.pc = 0
        self.gas = 0
        self.stack = []
        self.memory = Memory()
        self.returndata = EMPTY_VIEW

    def words(self) -> tuple[Word, ...]:
        """All but the parent, in the order of docs/machine.md."""
        return (
            self.depth,
            self.is_static,
            self.is_create,
            self.address,
            self.caller,
            self.value,
            self.code_hash,
            *(_NO_CODE if self.code is None else self.code.words()),
            self.pc,
            self.gas,
            len(self.stack),
            stack_hash(self.stack),
            *self.memory.words(),
            *self.input.words(),
            *self.returndata.words(),
            self.output_start,
            self.output_size,
            self.outcome,
            *self.snapshot.words(),
        )

    def all_words(self) -> tuple[Word, ...]:
        """With the parent: what the hash is over."""
        return (*self.words(), ZERO_HASH if self.parent is None else self.parent.hash())

    def hash(self) -> Hash32:
        """The frame with all that wait below it; a waiting frame is hashed once."""
        line: list[Frame] = []
        frame: Frame | None = self
        while frame is not None and frame._hash is None:
            line.append(frame)
            frame = frame.parent
        head = ZERO_HASH if frame is None or frame._hash is None else frame._hash
        for pending in reversed(line):
            head = commit(FRAME_TAG, (*pending.words(), head))
            if pending is not self:
                pending._hash = head
        return head

    def resume(self) -> None:
        """The callee has ended; the frame changes again."""
        self._hash = None
