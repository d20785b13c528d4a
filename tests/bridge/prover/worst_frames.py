"""The steps of a frame that are no instruction, at their dearest: paths, codes, ranges, inputs."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from random import Random
from typing import Any, Final

from coincurve import PrivateKey
from py_ecc.optimized_bn128 import G1, G2, normalize

from execution.machine.journal import CREATED, address_key
from execution.machine.memory import FrozenMemory, View
from execution.machine.opcodes.creates import creation_address
from execution.machine.operations import CopyOperation
from execution.machine.status import Status
from state.types import Address, Gas, Wei
from tests.bridge.prover.court import Exhibit
from tests.bridge.prover.long_paths import DeepRun, deepen_journal
from tests.bridge.prover.worst_case import WorstCase, exhibit
from tests.bridge.prover.worst_instructions import (
    CODE_BYTES,
    GAS_LIMIT,
    ODD,
    SLOT,
    WORD_VALUE,
    before,
)
from tests.execution.evm.world import modexp_input
from tests.execution.machine.world import CONTRACT, OTHER, SENDER, Allocated, Run

INITCODE_BYTES = 49_152
COPIED_BYTES = 3 * 32_768
"""Of which one step copies a third."""

CREATED_ADDRESS = creation_address(CONTRACT, 1)


def frame_cases() -> Iterator[WorstCase]:
    """Each status from LOAD to SELFDESTRUCT_MARK."""
    yield from _codes()
    yield from _ranges()
    yield from _storage()
    yield from _calls()
    yield from _creations()
    yield from _destructions()
    yield from _precompiles()


def prepared(make: Callable[[], Run]) -> Callable[[], Exhibit]:
    return lambda: exhibit(make())


def stepped(run: Run, steps: int = 1) -> Run:
    run.machine.advance(steps)
    return run


def after(
    opcode: int, accounts: Mapping[Address, Allocated | None] | None = None
) -> Callable[[], Exhibit]:
    """The step that follows an instruction's own."""
    return lambda: exhibit(stepped(before(opcode, accounts)))


# Codes


CODES: Final = {
    "random": Random(1).randbytes(INITCODE_BYTES),
    "PUSH1": b"\x60" * INITCODE_BYTES,
    "PUSH1 JUMPDEST": b"\x60\x5b" * (INITCODE_BYTES // 2),
    "PUSH2": b"\x61" * INITCODE_BYTES,
    "PUSH32": b"\x7f" * INITCODE_BYTES,
    "JUMPDEST": b"\x5b" * INITCODE_BYTES,
}


def _codes() -> Iterator[WorstCase]:
    for name, code in CODES.items():
        yield WorstCase(Status.LOAD, f"48 KB of {name}", partial(_load, code))
    for opcode, status in ((0x3B, Status.EXTCODESIZE), (0x3C, Status.EXTCODECOPY)):
        make = after(opcode)
        yield WorstCase(status, "24 KB of code", make)


def _load(code: bytes) -> Exhibit:
    run = Run()
    run.offer(to=None, data=code, gas=Gas(GAS_LIMIT))
    run.until(Status.LOAD)
    return exhibit(run)


# Ranges


def _ranges() -> Iterator[WorstCase]:
    yield WorstCase(Status.COPY, "32 KB within words, both ways", _copy)
    yield WorstCase(Status.COPY, "32 KB of zeros", partial(_copy, there=0))
    yield WorstCase(Status.LEAVE, "two frames, output to copy", _leave)
    yield WorstCase(Status.DEPLOY, "64 branches, 24 KB of code", _deploy)


def _copy(there: int = 2 * COPIED_BYTES) -> Exhibit:
    run = before(0x5B)
    source = View(FrozenMemory(Random(3).randbytes(2 * COPIED_BYTES + ODD)), ODD, there)
    operation = CopyOperation(source, ODD, 2 * ODD, COPIED_BYTES, COPIED_BYTES // 3)
    run.state.pend(Status.COPY, operation)
    return exhibit(run)


def _leave() -> Exhibit:
    run = before(0xF1)
    run.until(Status.LOAD)
    run.state.halt(run.state.running_frame.input)
    return exhibit(run)


def _deploy() -> Exhibit:
    created = creation_address(SENDER, 0)
    run = DeepRun({created: None})
    run.offer(to=None, data=b"\0", gas=Gas(GAS_LIMIT))
    run.until(Status.DEPLOY)
    memory = FrozenMemory(b"\1" + Random(4).randbytes(CODE_BYTES + 100))
    run.state.running_frame.returndata = View(memory, ODD, CODE_BYTES)
    return exhibit(run)


# Storage


def _storage() -> Iterator[WorstCase]:
    what = "64 + 64 branches"
    for status, opcode in ((Status.SLOAD, 0x54), (Status.SSTORE_READ, 0x55)):
        make = after(opcode)
        yield WorstCase(status, what, make)
    for change, old, new, alone in (
        ("changes", WORD_VALUE, WORD_VALUE + 1, ()),
        ("sets a new slot", 0, WORD_VALUE, ()),
        ("deletes, and merges nodes", WORD_VALUE, 0, (SLOT,)),
    ):
        yield WorstCase(Status.SSTORE_WRITE, f"{what}, {change}", partial(_write, old, new, alone))


def _write(old: int, new: int, alone: tuple[int, ...]) -> Exhibit:
    run = before(0x55, slot=old, alone=alone)
    run.state.running_frame.stack[-2] = new
    return exhibit(stepped(run, 2))


# Calls and creations


def _calls() -> Iterator[WorstCase]:
    what = "64 + 64 branches, two frames"
    for name, accounts in (("", {}), (", new account", {OTHER: None})):
        make = after(0xF1, accounts)
        yield WorstCase(Status.ENTER, what + name, make)


def _creations() -> Iterator[WorstCase]:
    for name, opcode in (("CREATE", 0xF0), ("CREATE2", 0xF5)):
        make = after(opcode)
        yield WorstCase(Status.CREATE_HASH, f"64 branches, 48 KB of memory, {name}", make)
    collision = Allocated(nonce=1)
    for name, account in (("nobody there", None), ("collision", collision)):
        make = prepared(partial(_creating, 2, account))
        yield WorstCase(Status.CREATE_WARM, f"64 + 64 branches, {name}", make)
    yield WorstCase(Status.CREATE_ENTER, "64 branches", prepared(partial(_creating, 3)))
    for name, account in (
        ("new account", None),
        ("account with ether", Allocated(balance=Wei(WORD_VALUE))),
    ):
        make = prepared(partial(_creating, 4, account))
        yield WorstCase(Status.CREATE_FUND, f"64 + 64 branches, {name}", make)


def _creating(steps: int, account: Allocated | None = None) -> Run:
    run = before(0xF0, {CREATED_ADDRESS: account})
    deepen_journal(run, address_key(CREATED_ADDRESS))
    return stepped(run, steps)


def _destructions() -> Iterator[WorstCase]:
    what = "64 + 64 branches"
    for name, accounts in (("", {}), (", new account", {OTHER: None})):
        make = after(0xFF, accounts)
        yield WorstCase(Status.SELFDESTRUCT_SEND, what + name, make)
    yield WorstCase(Status.SELFDESTRUCT_MARK, what, prepared(_marking))


def _marking() -> Run:
    run = before(0xFF)
    run.state.journal.mark(CONTRACT, CREATED)
    deepen_journal(run, address_key(CONTRACT), address_key(OTHER))
    run.machine.advance(2)
    # As if it had got some of it back: the step takes what is there.
    run.state.world.add_balance(CONTRACT, 1)
    return run


# Precompiles


def _precompiles() -> Iterator[WorstCase]:
    for name, (number, data) in _inputs().items():
        yield WorstCase(Status.PRECOMPILE, name, partial(_precompile, number, data))
    for name, (number, data) in _refused().items():
        make = partial(_precompile, number, data, fails=True)
        yield WorstCase(Status.PRECOMPILE, f"{name}, refused", make)


def _inputs() -> dict[str, tuple[int, bytes]]:
    """Of each contract what costs the most under its cap."""
    signature = PrivateKey(b"\1" * 32).sign_recoverable(bytes(32), hasher=None)
    recovered = bytes(32) + bytes([27 + signature[64]]).rjust(32, b"\0") + signature[:64]
    infinity = b"\xc0" + bytes(47)
    claim = b"\x01" + sha256(infinity).digest()[1:] + bytes(64) + infinity * 2
    largest = Random(5).randbytes(65_536)
    return {
        "ECRECOVER": (1, recovered),
        "SHA-256 of 64 KB": (2, largest),
        "RIPEMD-160 of 64 KB": (3, largest),
        "identity of 64 KB": (4, largest),
        "MODEXP of 1,024, 35 and 1,024 bytes": (5, _modexp(1_024, 35)),
        "MODEXP of 576, 120 and 576 bytes": (5, _modexp(576, 71)),
        "MODEXP of 40, 1,024 and 40 bytes": (5, _modexp(128, 1_024)),
        "ecAdd": (6, _point(G1) * 2),
        "ecMul": (7, _point(G1) + b"\xff" * 32),
        "256 pairs": (8, (_point(G1) + _twisted_point()) * 256),
        "BLAKE2F of 8,000,000 rounds": (
            9,
            (8_000_000).to_bytes(4, "big") + b"\x42" * 208 + b"\x01",
        ),
        "point evaluation": (10, claim),
    }


def _refused() -> dict[str, tuple[int, bytes]]:
    """What L1's own contract refuses, which costs all the gas that it is given."""
    off_curve = b"\x01" * 64
    pairs = (_point(G1) + _twisted_point()) * 255 + off_curve + _twisted_point()
    return {
        "ecAdd": (6, off_curve * 2),
        "ecMul": (7, off_curve + b"\xff" * 32),
        "256 pairs": (8, pairs),
        "point evaluation": (10, b"\x01" * 192),
    }


def _modexp(operand: int, exponent: int) -> bytes:
    return modexp_input(b"\xff" * operand, b"\xff" * exponent, b"\xfd" * operand)


def _point(point: Any) -> bytes:
    """A point of bn254's first group, as EIP-196 encodes it."""
    return b"".join(int(c).to_bytes(32, "big") for c in normalize(point))


def _twisted_point() -> bytes:
    """The generator of bn254's second group, as EIP-197 encodes it: imaginary parts first."""
    parts = (part for c in normalize(G2) for part in reversed(c.coeffs))
    return b"".join(int(part).to_bytes(32, "big") for part in parts)


def _precompile(number: int, data: bytes, fails: bool = False) -> Exhibit:
    run = Run()
    run.offer(to=Address(number.to_bytes(20, "big")), gas=Gas(GAS_LIMIT))
    run.until(Status.PRECOMPILE)
    memory = FrozenMemory(bytes(ODD) + data + Random(6).randbytes(2 * ODD))
    run.state.running_frame.input = View(memory, ODD, len(data))
    return exhibit(run, fails)
