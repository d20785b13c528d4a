"""How long a million gas takes at worst, over opcodes, precompiles and call depths.

Gas must bound time, or a block could take longer to verify than to make. Each case is a program
that spends its gas on one thing only, as cheaply as the EVM lets it. The table is sorted by seconds
of processor time for a million gas, so that other work on the machine doesn't count. The peer is
revm, compiled, running the same code (through pyrevm): what a compiled engine could gain.
"""

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import click
from pyrevm import EVM, AccountInfo, BlockEnv, Env

from execution.evm.code import jump_targets
from execution.evm.engine import BlockContext, Evm, Outcome
from execution.evm.threads import run_deep
from execution.transaction import Transaction, TransactionType
from genesis.config import ExecutionRules
from scripts.benchmarks.report import median, print_table, ratio, spread
from state.memory_state import MemoryState
from state.types import ZERO_ADDRESS, ZERO_HASH, Address, BlockNumber, Gas, Timestamp, Wei

RULES = ExecutionRules(transaction_gas_cap=None)

BUDGET = 1_000_000
"""Gas that a case spends, about."""

LOG_BUDGET = 400_000
"""Of logs, before those of one transaction reach 64 KB."""

SENDER = Address(b"\xaa" * 20)
CONTRACT = Address(b"\xcc" * 20)
BIG_CODE = Address(b"\xbb" * 20)
"""An account with 24,576 bytes of JUMPDEST."""

MANY = 400
"""How many contracts with big code of their own there are, for cold calls."""


@dataclass(frozen=True, slots=True)
class BenchAccount:
    """An account of the state that the programs run on."""

    code: bytes = b""
    balance: Wei = Wei(0)
    nonce: int = 1
    storage: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """A program: `setup`, then `body` as often as the budget lets it, which must succeed.

    With `gas`, `body` is the whole program and runs with so much gas, to whatever end. With
    `calls`, `body` leaves a call's success on the stack, and one failure breaks the case.
    """

    name: str
    body: bytes
    setup: bytes = b""
    budget: int = BUDGET
    gas: int | None = None
    calls: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """Code, and the gas it gets."""

    code: bytes
    gas: int = 100_000_000


class BrokenCase(Exception):
    """A case that ended early, and so measured something else."""


# Assembling


def push(value: int, size: int | None = None) -> bytes:
    """PUSH of a number, as short as it goes unless `size` says otherwise."""
    width = max(1, (value.bit_length() + 7) // 8) if size is None else size
    return bytes([0x5F + width]) + value.to_bytes(width, "big")


def forever(body: bytes) -> bytes:
    """`body` in a loop without end."""
    return b"\x5b" + body + push(0) + b"\x56"


def store(data: bytes) -> bytes:
    """Put `data` in memory from 0."""
    words = (data[i : i + 32].ljust(32, b"\0") for i in range(0, len(data), 32))
    return b"".join(
        push(int.from_bytes(word, "big"), 32) + push(i * 32) + b"\x52"
        for i, word in enumerate(words)
        if any(word)
    )


def call(address: int | bytes, size: int, op: int = 0xFA) -> bytes:
    """STATICCALL or CALL with `size` bytes of memory from 0; leaves its success on the stack."""
    number = address if isinstance(address, int) else int.from_bytes(address, "big")
    values = push(0) if op in (0xF1, 0xF2) else b""
    return push(0) * 2 + push(size) + push(0) + values + push(number) + b"\x5a" + bytes([op])


# Cases


ARGUMENTS = {
    **dict.fromkeys((0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0A, 0x0B), 2),
    **dict.fromkeys((0x08, 0x09), 3),
    **dict.fromkeys((0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1A, 0x1B, 0x1C, 0x1D), 2),
    **dict.fromkeys((0x15, 0x19), 1),
}
"""Arithmetic and logic: operands of each opcode."""

PUSHERS = {
    0x30: "ADDRESS",
    0x32: "ORIGIN",
    0x33: "CALLER",
    0x34: "CALLVALUE",
    0x36: "CALLDATASIZE",
    0x38: "CODESIZE",
    0x3A: "GASPRICE",
    0x3D: "RETURNDATASIZE",
    0x41: "COINBASE",
    0x42: "TIMESTAMP",
    0x43: "NUMBER",
    0x44: "PREVRANDAO",
    0x45: "GASLIMIT",
    0x46: "CHAINID",
    0x47: "SELFBALANCE",
    0x48: "BASEFEE",
    0x4A: "BLOBBASEFEE",
    0x58: "PC",
    0x59: "MSIZE",
    0x5A: "GAS",
    0x5F: "PUSH0",
}


def opcode_cases() -> Iterator[Case]:
    """Every opcode that needs no contract of its own, with operands from DUP."""
    big = push(2**256 - 3, 32) + push(2**255 - 19, 32) + push(2**254 + 5, 32)
    for opcode, count in ARGUMENTS.items():
        body = bytes([0x82]) * count + bytes([opcode, 0x50])
        yield Case(f"arithmetic 0x{opcode:02x}, 256-bit operands", body, big)
    for opcode, name in PUSHERS.items():
        yield Case(name, bytes([opcode, 0x50]))
    yield Case("JUMPDEST", b"\x5b")
    yield Case("PUSH1, POP", push(1) + b"\x50")
    yield Case("PUSH32, POP", push(1, 32) + b"\x50")
    yield Case("DUP1, POP", b"\x80\x50", push(1))
    yield Case("SWAP16", b"\x9f", push(1) * 17)
    hops = b"\x5b" + b"".join(push(i, 2) + b"\x56\x5b" for i in range(5, 50_000, 5))
    yield Case("JUMP, each target once", hops + b"\x00", gas=10_000 * 12 + 30_000)
    yield Case("JUMPI, not taken", push(0) + push(0) + b"\x57")
    yield Case("MLOAD", push(0) + b"\x51\x50")
    yield Case("MSTORE", push(0) * 2 + b"\x52")
    yield Case("MSTORE8", push(0) * 2 + b"\x53")
    yield Case("MLOAD, growing", forever(b"\x59\x51\x50"), gas=BUDGET)
    yield Case("CALLDATALOAD", push(0) + b"\x35\x50")
    yield Case("SLOAD, warm", push(0) + b"\x54\x50")
    yield Case("SLOAD, cold", push(1) + b"\x01\x80\x54\x50", push(2**32))
    yield Case("SSTORE, warm, unchanged", push(0) * 2 + b"\x55")
    yield Case("SSTORE, cold", push(1) + b"\x01\x80\x80\x55", push(2**32))
    yield Case("TLOAD", push(0) + b"\x5c\x50")
    yield Case("TSTORE", push(0) * 2 + b"\x5d")
    yield Case("TSTORE, new slots", push(1) + b"\x01\x80\x80\x5d", push(0))
    yield Case("BLOCKHASH", push(744) + b"\x40\x50")
    yield Case("KECCAK256, no bytes", push(0) * 2 + b"\x20\x50")
    yield Case("KECCAK256, 64 KB", push(65_536) + push(0) + b"\x20\x50")
    yield Case("LOG0, no bytes", push(0) * 2 + b"\xa0", budget=LOG_BUDGET)
    yield Case("LOG4, no bytes", push(0) * 6 + b"\xa4", budget=LOG_BUDGET)
    yield Case("LOG0, 1 KB", push(1024) + push(0) + b"\xa0", budget=LOG_BUDGET)
    for name, opcode in (("BALANCE", 0x31), ("EXTCODESIZE", 0x3B), ("EXTCODEHASH", 0x3F)):
        body = bytes([opcode, 0x50])
        yield Case(f"{name}, warm", b"\x30" + body)
        yield Case(f"{name}, cold", push(1) + b"\x01\x80" + body, push(2**32))


def copy_cases() -> Iterator[Case]:
    """Copies of nothing, of one word, and of much; where memory is large the copy is of all."""
    for name, opcode in (
        ("CALLDATACOPY", 0x37),
        ("CODECOPY", 0x39),
        ("RETURNDATACOPY", 0x3E),
        ("MCOPY", 0x5E),
    ):
        copy = bytes([opcode])
        yield Case(f"{name}, no bytes", push(0) * 3 + copy)
        if opcode != 0x3E:
            yield Case(f"{name}, 32 bytes", push(32) + push(0) * 2 + copy)
            yield Case(f"{name}, 100 KB", push(100_000) + push(0) * 2 + copy)
    own = int.from_bytes(BIG_CODE, "big")
    for size in (0, 1, 24_576):
        body = push(size) + push(0) * 2 + push(own, 20) + b"\x3c"
        yield Case(f"EXTCODECOPY, {size} bytes of big code", body)


def call_cases() -> Iterator[Case]:
    """Calls: to nothing, to itself as deep as gas goes, with much input, into big code."""
    self_call = push(0) * 5 + b"\x30\x5a\xf1\x50"
    yield Case("CALL itself, 1M gas deep", forever(self_call), gas=BUDGET)
    yield Case("CALL itself, 16M gas deep", forever(self_call), gas=2**24)
    delegating, static = (push(0) * 4 + b"\x30\x5a" + op + b"\x50" for op in (b"\xf4", b"\xfa"))
    yield Case("DELEGATECALL itself", forever(delegating), gas=BUDGET)
    yield Case("STATICCALL itself", forever(static), gas=BUDGET)
    shallow = push(0) * 5 + b"\x30\x61\x02\xbc\xf1\x50"
    yield Case("CALL itself with 700 gas", forever(shallow), gas=BUDGET)
    for size in (0, 100_000, 300_000, 400_000, 450_000):
        yield Case(f"CALL to no code, {size} B input", call(0x123456, size, 0xF1), calls=True)
        yield Case(f"STATICCALL to STOP, {size} B input", call(BIG_STOP, size), calls=True)
        yield Case(f"CALL to CALLDATALOAD, {size} B input", call(CALLDATALOADER, size), calls=True)
    yield Case("CALL with value to no code", push(0) * 4 + push(1) + push(99) + b"\x5a\xf1\x50")
    first = int.from_bytes(_many_address(0), "big")
    jumping = push(0) * 5 + b"\x85\x5a\xf1\x50" + push(1) + b"\x01"
    yield Case("CALL into 24 KB of code each cold, jumping", jumping, push(first, 20))
    yield Case("REVERT of 300 slots' writes", call(REVERTER, 0, 0xF1) + b"\x50")
    yield Case("RETURN of much memory", call(RETURNER, 0), calls=True)


BIG_STOP = Address(b"\xb1" * 20)
CALLDATALOADER = Address(b"\xb2" * 20)
REVERTER = Address(b"\xb3" * 20)
RETURNER = Address(b"\xb4" * 20)


def create_cases() -> Iterator[Case]:
    """Creations: of nothing, and of the longest creation code that jumps at once."""
    yield Case("CREATE, no code", push(0) * 3 + b"\xf0\x50")
    size = 49_152
    for name, filler in (("JUMPDEST", b"\x5b"), ("PUSH1", b"\x60"), ("PUSH32", b"\x7f")):
        jump = push(4) + b"\x56\x00\x5b\x00"
        fill = push(int.from_bytes(filler * 32, "big"), 32)
        grow = fill + push(32) + b"\x52"
        doubling = b"".join(
            push(32 << i) + push(32) + push(32 + (32 << i)) + b"\x5e" for i in range(11)
        )
        head = push(int.from_bytes(jump, "big") << 8 * (32 - len(jump)), 32) + push(0) + b"\x52"
        body = push(size) + push(0) * 2 + b"\xf0\x50"
        yield Case(f"CREATE, 48 KB of {name}, jumping", body, grow + doubling + head)
    salted = push(1) + b"\x01\x80" + push(size) + push(0) * 2 + b"\xf5\x50"
    yield Case("CREATE2, 48 KB", salted, push(0))
    yield Case(
        "CREATE, SELFDESTRUCT at once",
        push(2) + push(30) + push(0) + b"\xf0\x50",
        push(0x30FF) + push(0) + b"\x52",
    )


def modexp_input(base: bytes, exponent: bytes, modulus: bytes) -> bytes:
    """The encoding of EIP-198."""
    sizes = b"".join(len(part).to_bytes(32, "big") for part in (base, exponent, modulus))
    return sizes + base + exponent + modulus


def precompile_cases() -> Iterator[Case]:
    """Each precompile at the input that is dearest for its gas."""
    signature = bytes.fromhex(
        "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c"
        "000000000000000000000000000000000000000000000000000000000000001c"
        "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f"
        "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549"
    )
    yield Case("ecrecover", call(1, 128), store(signature), calls=True)
    for name, number in (("sha256", 2), ("ripemd160", 3), ("identity", 4)):
        for size in (0, 65_536):
            yield Case(f"{name}, {size} B", call(number, size), calls=True)
    for base, exponent, modulus in (
        (1, 1, 1),
        (32, 4, 32),
        (32, 32, 32),
        (64, 32, 64),
        (128, 32, 128),
        (256, 32, 256),
        (512, 32, 512),
        (1024, 32, 1024),
        (24, 168, 24),
        (1, 1024, 1),
        (8, 128, 8),
        (8, 1024, 8),
        (1024, 1, 1024),
    ):
        for parity in (1, 0):
            data = modexp_input(
                b"\xd5" * base, b"\xff" * exponent, b"\xff" * (modulus - 1) + bytes([0xFE + parity])
            )
            yield Case(
                f"modexp {base}, {exponent}, {modulus} B, {'odd' if parity else 'even'}",
                call(5, len(data)),
                store(data),
                budget=2_000_000,
                calls=True,
            )
    g1 = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
    g2 = bytes.fromhex(
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
    )
    yield Case("ecadd", call(6, 128), store(g1 + g1), calls=True)
    yield Case("ecmul", call(7, 96), store(g1 + b"\xff" * 32), calls=True)
    for pairs in (0, 1, 2, 20):
        yield Case(
            f"ecpairing, {pairs} pairs", call(8, 192 * pairs), store((g1 + g2) * pairs), calls=True
        )
    for rounds in (0, 12, 100_000):
        data = rounds.to_bytes(4, "big") + b"\x11" * 208 + b"\x01"
        yield Case(f"blake2f, {rounds} rounds", call(9, 213), store(data), calls=True)
    yield Case("point evaluation", call(10, 192), store(point_evaluation_input()), calls=True)


def point_evaluation_input() -> bytes:
    """A true claim: the zero polynomial is 0 at 2, its commitment and proof at infinity."""
    infinity = b"\xc0" + bytes(47)
    versioned_hash = b"\x01" + hashlib.sha256(infinity).digest()[1:]
    return versioned_hash + (2).to_bytes(32, "big") + bytes(32) + infinity + infinity


# Measuring


def _many_address(index: int) -> Address:
    return Address(b"\xdd" * 16 + index.to_bytes(4, "big"))


def accounts() -> dict[Address, BenchAccount]:
    """The accounts that the programs call."""
    jump_far = push(24_575, 2) + b"\x56"
    many = {
        _many_address(i): BenchAccount(
            jump_far + push(i, 4) + b"\x60" * (24_576 - 4 - 5 - 1) + b"\x5b"
        )
        for i in range(MANY)
    }
    writes = b"".join(push(i) * 2 + b"\x5d" for i in range(300))
    return {
        SENDER: BenchAccount(balance=Wei(2**200), nonce=0),
        BIG_CODE: BenchAccount(b"\x5b" * 24_576),
        BIG_STOP: BenchAccount(b"\x00" + b"\x5b" * 24_575),
        CALLDATALOADER: BenchAccount(push(0) + b"\x35"),
        REVERTER: BenchAccount(writes + push(0) * 2 + b"\xfd"),
        RETURNER: BenchAccount(push(20_000) + push(0) + b"\xf3"),
        **many,
    }


def tuned(case: Case, state: MemoryState) -> Program:
    """The case's code, as long as its budget lets it be."""
    if case.gas is not None:
        return Program(case.body, case.gas)
    first, second = (run(Program(program(case, n)), state)[0].gas_used for n in (1, 2))
    return Program(program(case, max(1, (case.budget - first + 21_000) // (second - first))))


def seconds_per_million_gas(
    case: Case, tuned_program: Program, state: MemoryState
) -> tuple[float, int]:
    """Our processor seconds for a million of the gas that a case used, and that gas.

    Raises `BrokenCase` when it ended early.
    """
    outcome, seconds = run(tuned_program, state)
    ended_early = not outcome.succeeded or (case.calls and outcome.output[-1:] != b"\x01")
    if case.gas is None and ended_early:
        raise BrokenCase(f"{case.name}: {outcome.error or 'a call failed'}")
    used = outcome.gas_used - 21_000
    return seconds * 1e6 / used, used


def program(case: Case, count: int) -> bytes:
    """The code of a case: unrolled, so that nothing else is measured."""
    if not case.calls:
        return case.setup + case.body * count + b"\x00"
    all_succeeded = push(0) + b"\x52" + push(32) + push(0) + b"\xf3"
    return push(1) + case.setup + (case.body + b"\x16") * count + all_succeeded


def run(program: Program, state: MemoryState) -> tuple[Outcome, float]:
    """Run a program as CONTRACT's; what came of it, and processor seconds."""
    context = BlockContext(
        chain_id=1,
        number=BlockNumber(1_000),
        timestamp=Timestamp(1_700_000_000),
        coinbase=ZERO_ADDRESS,
        gas_limit=Gas(2**40),
        base_fee=Wei(0),
        prev_randao=ZERO_HASH,
        ancestor_hash=lambda number: ZERO_HASH,
    )
    evm = Evm(state, context, RULES)
    evm.set_override(CONTRACT, code=program.code, balance=Wei(10**18))
    tx = Transaction(
        type=TransactionType.LEGACY,
        hash=ZERO_HASH,
        sender=SENDER,
        nonce=0,
        gas=Gas(program.gas),
        to=CONTRACT,
        value=Wei(0),
        data=b"",
    )
    jump_targets.cache_clear()  # an attacker's code is new to everybody
    start = time.process_time()
    outcome = evm.apply(tx, context.gas_limit)
    return outcome, time.process_time() - start


def cases() -> Iterator[Case]:
    """Everything that is measured."""
    yield from opcode_cases()
    yield from copy_cases()
    yield from call_cases()
    yield from create_cases()
    yield from precompile_cases()


@dataclass(frozen=True, slots=True)
class Measured:
    """A case's processor seconds for a million gas, ours in rounds."""

    case: Case
    gas_used: int
    ours: tuple[float, ...]
    peers: float


def measure(words: Sequence[str], top: int, rounds: int) -> list[Measured]:
    """The `top` slowest of the cases whose names contain one of `words`, slowest first.

    All are run once, and those that come out slowest again, for a median.
    """
    alloc = accounts()
    state = MemoryState.from_alloc(alloc)
    programs = {
        one: tuned(one, state)
        for one in cases()
        if not words or any(word in one.name for word in words)
    }

    def once(case: Case) -> tuple[float, int]:
        return seconds_per_million_gas(case, programs[case], state)

    measured = []
    for case in sorted(programs, key=lambda one: -once(one)[0])[:top]:
        runs = [once(case) for _ in range(rounds)]
        peer = peer_seconds(programs[case], alloc, rounds)
        measured.append(Measured(case, runs[0][1], tuple(seconds for seconds, _ in runs), peer))
    return sorted(measured, key=lambda one: -median(one.ours))


def peer_seconds(program: Program, alloc: Mapping[Address, BenchAccount], rounds: int) -> float:
    """Processor seconds of revm for a million gas of the program, median of rounds."""
    everyone = {**alloc, CONTRACT: BenchAccount(program.code, Wei(10**18))}
    results = []
    for _ in range(rounds):
        evm = EVM(
            env=Env(block=BlockEnv(number=1_000, timestamp=1_700_000_000)),
            gas_limit=program.gas,
            spec_id="CANCUN",
        )
        for address, account in everyone.items():
            info = AccountInfo(balance=account.balance, nonce=account.nonce, code=account.code)
            evm.insert_account_info(f"0x{address.hex()}", info)
        start = time.process_time()
        # Some cases mean to end by spending all their gas.
        with contextlib.suppress(RuntimeError):
            evm.message_call(f"0x{SENDER.hex()}", f"0x{CONTRACT.hex()}", gas=program.gas)
        elapsed = time.process_time() - start
        results.append(elapsed * 1e6 / max(1, evm.result.gas_used - 21_000))
    return median(results)


@click.command(context_settings={"show_default": True})
@click.argument("words", nargs=-1)
@click.option("--top", default=20, type=click.IntRange(1), help="Cases shown, the slowest.")
@click.option("--rounds", default=3, type=click.IntRange(1, 20), help="Rounds of each of them.")
def main(words: tuple[str, ...], top: int, rounds: int) -> None:
    """Measure how long a million gas takes; with WORDS, only cases whose names contain one."""
    rows = [
        [
            one.case.name,
            f"{one.gas_used:,}",
            spread([1000 * seconds for seconds in one.ours]),
            f"{1000 * one.peers:,.1f}",
            ratio(one.peers, median(one.ours)),
        ]
        for one in run_deep(measure, words, top, rounds)
    ]
    print_table(
        f"A million gas, the slowest first: processor ms, medians of {rounds} (least-most)",
        ("case", "gas used", "tallystick ms", "revm ms", "ratio"),
        rows,
        command="./scripts/bench gas-time",
    )


if __name__ == "__main__":
    main()
