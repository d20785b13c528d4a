"""Instructions at their dearest: on a full stack, at the end of 24 KB of code, on 64 KB of memory.

Every instruction has a case, and every one of them succeeds but the undefined ones: failing stops a
step early.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from random import Random
from typing import Final

from execution.evm.limits import STACK_ITEMS_MAX
from execution.machine.journal import address_key, slot_key, transient_key
from execution.machine.memory import FrozenMemory, View
from execution.machine.opcodes.table import INSTRUCTIONS, TABLE
from execution.machine.status import Status
from state.types import Address, Gas
from tests.bridge.prover.court import Exhibit
from tests.bridge.prover.long_paths import DeepRun, deepen_journal
from tests.bridge.prover.worst_case import WorstCase, exhibit
from tests.execution.machine.world import CONTRACT, OTHER, Allocated, contract

CODE_BYTES = 24_576
PC = CODE_BYTES - 65
"""The last byte of a word, so that a PUSH takes another one."""

MEMORY_BYTES = 2**17
GAS_LIMIT = 2**24
LAST = 2**256 - 1
ODD = 31
"""An offset that makes a range begin and end within a word."""

SLOT = 5
WORD_VALUE = 2**254
"""Of a slot or an account: a leaf that no branch holds in place."""

CALLED = int.from_bytes(OTHER, "big")
HASHED_BYTES_MAX = 65_536
LOGGED_BYTES = 65_300
"""Data of a log of four topics, that fits the receipt's 64 KB."""

NEWEST_ANCESTOR = 999
OPERANDS: Final[Mapping[int, tuple[int, ...]]] = {
    0x20: (ODD, HASHED_BYTES_MAX),
    0x31: (CALLED,),
    0x35: (ODD,),
    0x37: (ODD, ODD, HASHED_BYTES_MAX),
    0x39: (ODD, ODD, HASHED_BYTES_MAX),
    0x3B: (CALLED,),
    0x3C: (CALLED, ODD, ODD, HASHED_BYTES_MAX),
    0x3E: (ODD, ODD, HASHED_BYTES_MAX),
    0x3F: (CALLED,),
    0x40: (NEWEST_ANCESTOR,),
    0x51: (MEMORY_BYTES - 33,),
    0x52: (MEMORY_BYTES - 33, LAST),
    0x53: (MEMORY_BYTES - 1, LAST),
    0x54: (SLOT,),
    0x55: (SLOT, LAST),
    0x56: (1,),
    0x57: (1, 1),
    0x5C: (SLOT,),
    0x5D: (SLOT, LAST),
    0x5E: (ODD, ODD + 1, HASHED_BYTES_MAX),
    **{0xA0 + topics: (ODD, LOGGED_BYTES, *[LAST] * topics) for topics in range(5)},
    0xF0: (1, ODD, 49_152),
    0xF1: (GAS_LIMIT, CALLED, 1, ODD, HASHED_BYTES_MAX, ODD, HASHED_BYTES_MAX),
    0xF2: (GAS_LIMIT, CALLED, 1, ODD, HASHED_BYTES_MAX, ODD, HASHED_BYTES_MAX),
    0xF3: (ODD, HASHED_BYTES_MAX),
    0xF4: (GAS_LIMIT, CALLED, ODD, HASHED_BYTES_MAX, ODD, HASHED_BYTES_MAX),
    0xF5: (1, ODD, 49_152, LAST),
    0xFA: (GAS_LIMIT, CALLED, ODD, HASHED_BYTES_MAX, ODD, HASHED_BYTES_MAX),
    0xFD: (ODD, HASHED_BYTES_MAX),
    0xFF: (CALLED,),
}
"""The topmost first. All others take words of ones."""

UNDEFINED_OPCODES: Final = (0x0C, 0xFE)


def instruction_cases() -> Iterator[WorstCase]:
    """One case of each instruction, and further ones of those that have more than one way."""
    for opcode in (*INSTRUCTIONS, *UNDEFINED_OPCODES):
        yield _case(opcode, _what(opcode), partial(_plain, opcode))
    yield _case(0x52, "memory for 2^24 gas", _store_in_the_largest_memory)
    yield _case(0x5D, "deletes, and merges nodes", _delete_transient)
    for opcode in (0x31, 0x3F, 0xF1):
        yield _case(opcode, "64 + 64 branches, nobody there", partial(_nobody, opcode))


def _case(opcode: int, what: str, make: Callable[[], Exhibit]) -> WorstCase:
    return WorstCase(Status.RUN, what, make, opcode)


def _what(opcode: int) -> str:
    if opcode in (0x20, *range(0xA0, 0xA5)):
        return "64 KB of memory"
    if opcode in _KEYS:
        paths = 1 if opcode in _ONE_PATH else 2
        return "64 branches" if paths == 1 else "64 + 64 branches"
    if opcode == 0x47:
        return "64 branches"
    return "full stack, 24 KB of code"


_KEYS: Final[Mapping[int, bytes]] = {
    **dict.fromkeys((0x31, 0x3B, 0x3C, 0x3F, 0xF1, 0xF2, 0xF4, 0xFA, 0xFF), address_key(OTHER)),
    **dict.fromkeys((0x54, 0x55), slot_key(CONTRACT, SLOT)),
    **dict.fromkeys((0x5C, 0x5D), transient_key(CONTRACT, SLOT)),
}
"""Where in the journal an instruction looks."""

_ONE_PATH: Final = frozenset((0x54, 0x55, 0x5C, 0x5D, 0xFF))


def before(
    opcode: int,
    accounts: Mapping[Address, Allocated | None] | None = None,
    slot: int = WORD_VALUE,
    alone: Collection[Address | int] = (),
) -> DeepRun:
    """A machine before an instruction: stack full, memory and input filled, tries deep.

    There are two contracts, one of which runs the instruction and has one slot; `accounts` are
    others, or the other one as it shall be.
    """
    code = bytearray(b"\x5b" * CODE_BYTES)
    code[PC] = opcode
    code[PC + 1 : PC + 33] = b"\xff" * 32
    running = contract(bytes(code), balance=WORD_VALUE, storage={SLOT: slot})
    called = contract(Random(1).randbytes(CODE_BYTES), balance=WORD_VALUE)
    run = DeepRun({CONTRACT: running, OTHER: called, **(accounts or {})}, alone)
    run.offer(gas=Gas(GAS_LIMIT))
    run.until(Status.RUN)
    random, frame = Random(opcode), run.state.running_frame
    data = random.randbytes(MEMORY_BYTES)
    frame.pc, frame.gas = PC, GAS_LIMIT
    frame.memory.grow(MEMORY_BYTES)
    frame.memory.write(0, data)
    frame.input = frame.returndata = View(FrozenMemory(data), ODD, MEMORY_BYTES - ODD)
    frame.stack[:] = _stack(opcode, random)
    if opcode in _KEYS:
        deepen_journal(run, _KEYS[opcode])
    return run


def _stack(opcode: int, random: Random) -> list[int]:
    """As many items as leave room for the results; the operands last."""
    _, takes, gives, _ = TABLE[opcode]
    operands = OPERANDS.get(opcode, (LAST,) * takes)
    size = STACK_ITEMS_MAX - max(0, gives - takes)
    below = [random.getrandbits(256) for _ in range(size - len(operands))]
    return [*below, *reversed(operands)]


def _plain(opcode: int) -> Exhibit:
    return exhibit(before(opcode), fails=opcode in UNDEFINED_OPCODES)


def _nobody(opcode: int) -> Exhibit:
    return exhibit(before(opcode, {OTHER: None}))


def _store_in_the_largest_memory() -> Exhibit:
    """What 2^24 gas buy: 3 for a word, and the square of the words by 512."""
    run = before(0x52)
    frame, words = run.state.running_frame, 91_000
    frame.memory.grow(32 * words)
    frame.memory.write(0, Random(2).randbytes(32 * words))
    frame.stack[-1] = 32 * words - ODD
    return exhibit(run)


def _delete_transient() -> Exhibit:
    run = before(0x5D)
    run.state.journal.set_transient(CONTRACT, SLOT, WORD_VALUE)
    run.state.running_frame.stack[-2] = 0
    deepen_journal(run, transient_key(CONTRACT, SLOT), alone=True)
    return exhibit(run)
