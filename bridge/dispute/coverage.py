"""The kinds of steps there are and the ways in which each can end: what proofs are counted by.

A kind is what selects a verifier: a status, in RUN an opcode, and in PRECOMPILE a contract. The
table of all of them, with what has never been proven left open, is how far tests have come.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from bridge.machine.block_machine import BlockMachine
from bridge.machine.inputs import Inputs
from execution.machine import failure
from execution.machine.frame import Frame
from execution.machine.machine import Machine
from execution.machine.opcodes.instruction import Instruction
from execution.machine.opcodes.mnemonics import MNEMONICS
from execution.machine.opcodes.table import INSTRUCTIONS
from execution.machine.operations import PrecompileOperation
from execution.machine.state import MachineState
from execution.machine.status import Status


class Ending(StrEnum):
    """How a step ended, by the words that reports use."""

    SUCCESS = "success"

    # The frame fails
    OUT_OF_GAS = "out of gas"
    STACK_UNDERFLOW = "stack underflow"
    STACK_OVERFLOW = "stack overflow"
    UNDEFINED_OPCODE = "undefined opcode"
    INVALID_JUMP = "invalid jump"
    STATIC_VIOLATION = "static violation"
    RETURN_DATA = "return data out of bounds"
    CODE_TOO_LONG = "code too long"
    INVALID_CODE = "code begins with 0xEF"
    SIZE_RULE = "above a size rule"
    INPUT_REFUSED = "input refused"

    # A call or creation doesn't begin, and its caller goes on
    NOT_BEGUN = "not begun"
    ADDRESS_TAKEN = "address taken"

    # A transaction
    SKIPPED = "skipped"
    DOES_NOT_FIT = "doesn't fit the block"
    CANNOT_START = "deposit can't start"

    # A block's inputs
    VOID = "void"
    EXHAUSTED = "exhausted"


class Cell(NamedTuple):
    """One way for one kind of step to end."""

    kind: str
    ending: Ending


Coverage: TypeAlias = Counter[Cell]
"""How often each cell was proven."""


# What there is


UNDEFINED: Final = "undefined"
"""All opcodes that Cancun doesn't have, but INVALID, which it names."""

INVALID: Final = 0xFE

_PRECOMPILES: Final[Mapping[int, tuple[str, tuple[Ending, ...]]]] = {
    1: ("ecrecover", ()),
    2: ("sha256", (Ending.SIZE_RULE,)),
    3: ("ripemd160", (Ending.SIZE_RULE,)),
    4: ("identity", ()),
    5: ("modexp", (Ending.SIZE_RULE,)),
    6: ("ecadd", (Ending.INPUT_REFUSED,)),
    7: ("ecmul", (Ending.INPUT_REFUSED,)),
    8: ("ecpairing", (Ending.SIZE_RULE, Ending.INPUT_REFUSED)),
    9: ("blake2f", (Ending.SIZE_RULE, Ending.INPUT_REFUSED)),
    10: ("point evaluation", (Ending.INPUT_REFUSED,)),
}
"""By the last byte of the address: the contract's name, and how it fails with enough gas."""

_FREE: Final = frozenset({0x00})
"""Instructions that no gas is too little for: STOP."""

_OWN_FAILURES: Final[Mapping[Ending, frozenset[int]]] = {
    Ending.INVALID_JUMP: frozenset({0x56, 0x57}),
    Ending.STATIC_VIOLATION: frozenset({0x55, 0x5D, *range(0xA0, 0xA5), 0xF0, 0xF1, 0xF5, 0xFF}),
    Ending.RETURN_DATA: frozenset({0x3E}),
    Ending.SIZE_RULE: frozenset({0x20, *range(0xA0, 0xA5)}),
    Ending.CODE_TOO_LONG: frozenset({0xF0, 0xF5}),
}
"""How instructions fail besides by stack and gas."""

_STATUS_ENDINGS: Final[Mapping[Status, tuple[Ending, ...]]] = {
    Status.VALIDATE: (Ending.SKIPPED,),
    Status.BUY: (Ending.SKIPPED, Ending.DOES_NOT_FIT, Ending.CANNOT_START),
    Status.DEPLOY: (Ending.OUT_OF_GAS, Ending.CODE_TOO_LONG, Ending.INVALID_CODE),
    Status.SSTORE_WRITE: (Ending.OUT_OF_GAS,),
    Status.ENTER: (Ending.NOT_BEGUN,),
    Status.CREATE_HASH: (Ending.NOT_BEGUN,),
    Status.CREATE_WARM: (Ending.ADDRESS_TAKEN,),
    Status.SELFDESTRUCT_SEND: (Ending.OUT_OF_GAS,),
    Status.BOUNDARY: (Ending.EXHAUSTED,),
    Status.DECODE: (Ending.VOID,),
    Status.SCAN: (Ending.VOID,),
    Status.NEXT: (Ending.VOID,),
}
"""How steps of these statuses end besides well."""


def _instruction_endings(opcode: int, instruction: Instruction) -> Iterator[Ending]:
    yield Ending.SUCCESS
    if opcode not in _FREE:
        yield Ending.OUT_OF_GAS
    if instruction.takes:
        yield Ending.STACK_UNDERFLOW
    if instruction.gives > instruction.takes:
        yield Ending.STACK_OVERFLOW
    yield from (ending for ending, opcodes in _OWN_FAILURES.items() if opcode in opcodes)


def _cells() -> Iterator[Cell]:
    for opcode, instruction in sorted(INSTRUCTIONS.items()):
        for ending in _instruction_endings(opcode, instruction):
            yield Cell(MNEMONICS[opcode], ending)
    yield Cell(MNEMONICS[INVALID], Ending.UNDEFINED_OPCODE)
    yield Cell(UNDEFINED, Ending.UNDEFINED_OPCODE)
    for name, failures in _PRECOMPILES.values():
        for ending in (Ending.SUCCESS, Ending.OUT_OF_GAS, *failures):
            yield Cell(name, ending)
    for status in Status:
        if status not in (Status.RUN, Status.PRECOMPILE):
            for ending in (Ending.SUCCESS, *_STATUS_ENDINGS.get(status, ())):
                yield Cell(status_kind(status), ending)


def status_kind(status: Status) -> str:
    """The kind of a status's steps: its name, set apart from the instruction of that name."""
    return f"status {status.name}"


CELLS: Final[tuple[Cell, ...]] = tuple(_cells())
"""All cells, in the order of reports."""


def open_cells(coverage: Coverage) -> list[Cell]:
    """What has not been proven."""
    return [cell for cell in CELLS if not coverage[cell]]


# What a step is


_MNEMONICS: Final = tuple(MNEMONICS.get(opcode, UNDEFINED) for opcode in range(256))
_STATUS_KINDS: Final = {status: status_kind(status) for status in Status}

_FAILURES: Final[Mapping[type[failure.Failure], Ending]] = {
    failure.OutOfGas: Ending.OUT_OF_GAS,
    failure.CodeTooLong: Ending.CODE_TOO_LONG,
    failure.AboveSizeRule: Ending.SIZE_RULE,
    failure.StackUnderflow: Ending.STACK_UNDERFLOW,
    failure.StackOverflow: Ending.STACK_OVERFLOW,
    failure.UndefinedOpcode: Ending.UNDEFINED_OPCODE,
    failure.InvalidJump: Ending.INVALID_JUMP,
    failure.ReturnDataOutOfBounds: Ending.RETURN_DATA,
    failure.WriteProtection: Ending.STATIC_VIOLATION,
    failure.InvalidCode: Ending.INVALID_CODE,
    failure.PrecompileRefused: Ending.INPUT_REFUSED,
}

_WAYS: Final[Mapping[tuple[Status, Status], Ending]] = {
    (Status.VALIDATE, Status.NEXT): Ending.SKIPPED,
    (Status.BUY, Status.NEXT): Ending.SKIPPED,
    (Status.BUY, Status.UNFIT): Ending.DOES_NOT_FIT,
    (Status.BUY, Status.SETTLE): Ending.CANNOT_START,
    (Status.ENTER, Status.RUN): Ending.NOT_BEGUN,
    (Status.CREATE_HASH, Status.RUN): Ending.NOT_BEGUN,
    (Status.CREATE_WARM, Status.RUN): Ending.ADDRESS_TAKEN,
    (Status.CREATE_WARM, Status.SETTLE): Ending.ADDRESS_TAKEN,
    (Status.BOUNDARY, Status.EXHAUSTED): Ending.EXHAUSTED,
    (Status.DECODE, Status.ORIGIN): Ending.VOID,
}
"""Endings that the next status gives away."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What of the state before a step tells, with the state after it, which cell the step is of."""

    status: Status
    kind: str
    frame: Frame | None
    inputs: Inputs | None

    def cell(self, machine: Machine | BlockMachine) -> Cell:
        """The cell of the step that the machine has taken from here."""
        return Cell(self.kind, self._ending(machine))

    def _ending(self, machine: Machine | BlockMachine) -> Ending:
        frame = self.frame
        if frame is not None and frame.failure is not None and self.status is not Status.LEAVE:
            return _FAILURES[type(frame.failure)]
        if self.status is Status.RUN:
            return Ending.SUCCESS
        if isinstance(machine, BlockMachine) and self._finds_void(machine):
            return Ending.VOID
        return _WAYS.get((self.status, machine.status), Ending.SUCCESS)

    def _finds_void(self, machine: BlockMachine) -> bool:
        """Whether a length of the payload, or a deposit or forced transaction, is unusable."""
        before, after = self.inputs, machine.inputs
        if before is None or after is None:
            return False
        if self.status is Status.SCAN:
            return before.left > 0 and machine.status is Status.ORIGIN
        passes = self.status is Status.NEXT and machine.status is Status.NEXT
        return passes and after.next_deposit > before.next_deposit


def standing(machine: Machine | BlockMachine) -> Standing:
    """Where a machine stands before its next step."""
    if isinstance(machine, Machine):
        return _standing(machine.status, machine.state, None)
    inner = machine.machine
    return _standing(machine.status, None if inner is None else inner.state, machine.inputs)


def _standing(status: Status, state: MachineState | None, inputs: Inputs | None) -> Standing:
    kind, frame = _STATUS_KINDS[status], None
    if state is not None:
        frame = state.frame
        if status is Status.RUN and frame is not None:
            kind = _MNEMONICS[frame.program.padded[frame.pc]]
        elif status is Status.PRECOMPILE and isinstance(state.operation, PrecompileOperation):
            kind, _ = _PRECOMPILES[state.operation.address[-1]]
    return Standing(status, kind, frame, inputs)
