"""The dearest states of every kind of step: each status, and in RUN each class of instructions."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.bridge.prover.worst_blocks import block_cases
from tests.bridge.prover.worst_case import WorstCase
from tests.bridge.prover.worst_frames import frame_cases
from tests.bridge.prover.worst_instructions import instruction_cases
from tests.bridge.prover.worst_transactions import transaction_cases

CALLDATA_BYTES_MAX = 96 * 1024
"""Of the transaction, witness and what stands around it."""

CLASSES: Final[Mapping[str, tuple[int, ...]]] = {
    "stack": (0x50, *range(0x5F, 0xA0)),
    "arithmetic": (*range(0x01, 0x0C), *range(0x10, 0x1E)),
    "jumps": (0x56, 0x57, 0x58, 0x5A, 0x5B),
    "ends": (0x00, 0xF3, 0xFD),
    "environment": (
        0x30,
        *range(0x32, 0x37),
        0x38,
        0x3A,
        0x3D,
        *range(0x41, 0x47),
        0x48,
        0x49,
        0x4A,
    ),
    "BLOCKHASH": (0x40,),
    "accounts": (0x31, 0x3B, 0x3C, 0x3F),
    "SELFBALANCE": (0x47,),
    "memory": (0x51, 0x52, 0x53, 0x59),
    "copies": (0x37, 0x39, 0x3E, 0x5E),
    "KECCAK256": (0x20,),
    "logs": tuple(range(0xA0, 0xA5)),
    "storage": (0x54, 0x55),
    "transient storage": (0x5C, 0x5D),
    "calls": (0xF1, 0xF2, 0xF4, 0xFA),
    "creations": (0xF0, 0xF5),
    "SELFDESTRUCT": (0xFF,),
}
"""The classes of instructions; every other opcode is undefined."""

UNDEFINED: Final = "undefined"

_CLASS_OF: Final = {opcode: name for name, opcodes in CLASSES.items() for opcode in opcodes}


def worst_cases() -> Iterator[WorstCase]:
    """All cases, in the order of the statuses as a block goes through them."""
    yield from block_cases()
    yield from transaction_cases()
    yield from instruction_cases()
    yield from frame_cases()


def kind_of(case: WorstCase) -> str:
    """The status, and in RUN the class of the instruction."""
    if case.opcode is None:
        return case.status.name
    return f"{case.status.name}, {_CLASS_OF.get(case.opcode, UNDEFINED)}"
