"""Random EVM programs, biased to where engines differ: edges of words, memory, stack and gas.

Everything comes from one `random.Random`, so that a seed names a case. Programs are mostly valid,
so that they get somewhere, and show what they compute by storing, logging and returning it.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from eth.vm import opcode_values as op

from tests.execution.evm.precompile_inputs import precompile_input

WORDS: Final = (
    *(0, 0, 0, 1, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 65, 95, 96, 127, 128, 255, 256, 257),
    *(1023, 1024, 1025, 2**16 - 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63),
    *(2**64 - 32, 2**64 - 1, 2**64, 2**64 + 1, 2**128, 2**160 - 1, 2**160, 2**255 - 1, 2**255),
    *(2**255 + 1, 2**256 - 2**31, 2**256 - 32, 2**256 - 2, 2**256 - 1),
)
"""Operands that have broken engines before."""

OFFSETS: Final = (0, 0, 0, 1, 2, 31, 32, 33, 63, 64, 95, 96, 100, 160, 255, 256, 512, 1023, 4096)
SIZES: Final = (0, 0, 1, 2, 31, 32, 32, 32, 33, 64, 64, 96, 128, 192, 255, 384, 1024)
SLOTS: Final = (0, 0, 1, 1, 2, 3, 2**255, 2**256 - 1)
CALL_GAS: Final = (0, 1, 2299, 2300, 2301, 9000, 21000, 50_000, 200_000, 2**63, 2**64, 2**256 - 1)
VALUES: Final = (0, 0, 0, 0, 1, 1, 2, 1000, 2**64, 2**128, 2**256 - 1)

BINARY: Final = (
    *(op.ADD, op.MUL, op.SUB, op.DIV, op.SDIV, op.MOD, op.SMOD, op.EXP, op.SIGNEXTEND, op.LT),
    *(op.GT, op.SLT, op.SGT, op.EQ, op.AND, op.OR, op.XOR, op.BYTE, op.SHL, op.SHR, op.SAR),
)
UNARY: Final = (op.ISZERO, op.NOT, op.CALLDATALOAD, op.BLOCKHASH, op.BLOBHASH)
NULLARY: Final = (
    *(op.ADDRESS, op.ORIGIN, op.CALLER, op.CALLVALUE, op.CALLDATASIZE, op.CODESIZE, op.GASPRICE),
    *(op.RETURNDATASIZE, op.COINBASE, op.TIMESTAMP, op.NUMBER, op.PREVRANDAO, op.GASLIMIT),
    *(op.CHAINID, op.SELFBALANCE, op.BASEFEE, op.BLOBBASEFEE, op.PC, op.MSIZE, op.GAS),
)
CALLS: Final = (op.CALL, op.CALL, op.CALLCODE, op.DELEGATECALL, op.STATICCALL)

INVALID: Final = 0xFE

PRECOMPILES: Final = tuple(number.to_bytes(20, "big") for number in range(1, 11))

PROGRAM_STEPS_MAX = 22
"""Fragments of a program: a few thousand gas each, so that a case runs in milliseconds."""


def push(value: int, size: int | None = None) -> bytes:
    """The shortest PUSH of a value, or one of `size` bytes."""
    if size is None:
        size = (value.bit_length() + 7) // 8
    return bytes([op.PUSH0 + size]) + value.to_bytes(size, "big")


@dataclass
class Assembler:
    """Grows one program."""

    rng: random.Random
    addresses: Sequence[bytes]
    libraries: Sequence[bytes]
    """Accounts whose code is some creation code, to be copied from."""
    code: bytearray = field(default_factory=bytearray)

    # Operands

    def word(self) -> int:
        """A word that is often an edge."""
        roll = self.rng.random()
        if roll < 0.8:
            return self.rng.choice(WORDS)
        if roll < 0.9:
            return int.from_bytes(self.rng.choice(self.addresses), "big")
        return self.rng.getrandbits(self.rng.choice((8, 64, 160, 256)))

    def address(self) -> int:
        """An address as a word, now and then with dirt above its 20 bytes."""
        dirt = self.rng.getrandbits(96) << 160 if self.rng.random() < 0.1 else 0
        return int.from_bytes(self.rng.choice(self.addresses), "big") | dirt

    def offset(self) -> int:
        """A place in memory; rarely one that nobody can pay for."""
        return self.word() if self.rng.random() < 0.006 else self.rng.choice(OFFSETS)

    def size(self) -> int:
        return self.word() if self.rng.random() < 0.006 else self.rng.choice(SIZES)

    def value(self) -> int:
        return self.rng.choice(VALUES)

    def push(self, *values: int) -> None:
        """Push words so that the first is topmost, at times with a longer PUSH than needed."""
        for value in reversed(values):
            size = self.rng.choice((None, None, None, 32))
            self.code += push(value, size)

    def emit(self, *opcodes: int) -> None:
        self.code += bytes(opcodes)

    # What is done with a result on top of the stack

    def keep(self) -> None:
        """Make the topmost word visible: store it, write it to memory, or leave it."""
        roll = self.rng.random()
        if roll < 0.4:
            self.push(self.rng.choice(SLOTS))
            self.emit(op.SSTORE)
        elif roll < 0.75:
            self.push(self.rng.choice(OFFSETS))
            self.emit(op.MSTORE)
        elif roll < 0.8:
            self.push(self.rng.choice(SLOTS))
            self.emit(op.TSTORE)

    # Fragments

    def arithmetic(self) -> None:
        roll = self.rng.random()
        if roll < 0.6:
            self.push(self.word(), self.word())
            self.emit(self.rng.choice(BINARY))
        elif roll < 0.75:
            self.push(self.word(), self.word(), self.word())
            self.emit(self.rng.choice((op.ADDMOD, op.MULMOD)))
        elif roll < 0.87:
            self.push(self.word())
            self.emit(self.rng.choice(UNARY))
        else:
            self.emit(self.rng.choice(NULLARY))
        self.keep()

    def recent_block(self) -> None:
        distance = self.rng.choice((0, 1, 2, 255, 256, 257, 2**64))
        self.push(distance)
        self.emit(op.NUMBER, op.SUB, op.BLOCKHASH)
        self.keep()

    def memory(self) -> None:
        kind = self.rng.randrange(5)
        if kind == 0:
            self.push(self.offset(), self.word())
            self.emit(self.rng.choice((op.MSTORE, op.MSTORE8)))
        elif kind == 1:
            self.push(self.offset())
            self.emit(op.MLOAD)
            self.keep()
        elif kind == 2:
            self.push(self.offset(), self.offset(), self.size())
            self.emit(op.MCOPY)
        elif kind == 3:
            self.push(self.offset(), self.size())
            self.emit(op.SHA3)
            self.keep()
        else:
            self.copy()

    def copy(self) -> None:
        source = self.rng.choice((op.CALLDATACOPY, op.CODECOPY, op.EXTCODECOPY, op.RETURNDATACOPY))
        start = self.word() if self.rng.random() < 0.3 else self.rng.choice((0, 0, 1, 5, 32))
        if source == op.RETURNDATACOPY and self.rng.random() < 0.8:
            self.emit(op.RETURNDATASIZE)
            self.push(self.offset(), 0)
        else:
            self.push(self.offset(), start, self.size())
        if source == op.EXTCODECOPY:
            self.push(self.address())
        self.emit(source)

    def storage(self) -> None:
        slot = self.rng.choice(SLOTS)
        kind = self.rng.randrange(4)
        if kind == 0:
            self.push(slot, self.rng.choice((0, 0, 1, 2, 2**256 - 1)))
            self.emit(self.rng.choice((op.SSTORE, op.SSTORE, op.TSTORE)))
        elif kind == 1:
            self.push(slot)
            self.emit(self.rng.choice((op.SLOAD, op.TLOAD)))
            self.keep()
        else:
            for _ in range(self.rng.randrange(2, 5)):
                self.push(slot, self.rng.choice((0, 1, 2)))
                self.emit(op.SSTORE)

    def account(self) -> None:
        self.push(self.address())
        self.emit(self.rng.choice((op.BALANCE, op.EXTCODESIZE, op.EXTCODEHASH)))
        self.keep()

    def log(self) -> None:
        topics = self.rng.randrange(5)
        self.push(self.offset(), self.size(), *(self.word() for _ in range(topics)))
        self.emit(op.LOG0 + topics)

    def stack(self) -> None:
        depth = self.rng.choice((1, 2, 3, 16, 17))
        self.push(*(self.word() for _ in range(depth)))
        self.emit(self.rng.choice((op.DUP1, op.SWAP1)) + self.rng.randrange(min(depth + 1, 16)))
        if self.rng.random() < 0.5:
            self.keep()

    def full_stack(self) -> None:
        """Fill the stack to its brim, by a word more or less."""
        self.code += bytes([op.PUSH0]) * self.rng.choice((990, 1000, 1010, 1020, 1023, 1024, 1025))
        self.emit(*self.rng.choice(((), (op.POP,), (op.POP, op.DUP1), (op.SWAP16,), (op.DUP16,))))
        self.code += bytes([op.POP]) * self.rng.choice((0, 10, 980, 990))

    def jump(self) -> None:
        """Jump ahead over a few bytes; at times not to a JUMPDEST, or into the data of a PUSH."""
        condition = self.word()
        skipped = self.rng.randbytes(self.rng.randrange(4)) if self.rng.random() < 0.5 else b""
        skipped = bytes(byte for byte in skipped if not op.PUSH1 <= byte <= op.PUSH32)
        roll = self.rng.random()
        if roll < 0.03:
            skipped += bytes([op.PUSH1])
        conditional = self.rng.random() < 0.6
        if conditional:
            self.push(condition)
        target = len(self.code) + 4 + len(skipped)
        if roll > 0.97:
            target = self.word()
        self.code += push(target, 2 if target < 2**16 else None)
        self.emit(op.JUMPI if conditional else op.JUMP)
        self.code += skipped
        self.emit(op.JUMPDEST)

    def call(self) -> None:
        opcode = self.rng.choice(CALLS)
        target = self.address()
        input_offset, input_size = self.offset(), self.size()
        number = target & (2**160 - 1)
        if number <= 10 and self.rng.random() < 0.8:
            data = precompile_input(self.rng, number)
            input_offset, input_size = self.write(data), len(data)
        output = (self.offset(), self.size())
        value = (self.value(),) if opcode in (op.CALL, op.CALLCODE) else ()
        gas = self.rng.choice(CALL_GAS)
        self.push(target, *value, input_offset, input_size, *output)
        if self.rng.random() < 0.5:
            self.emit(op.GAS)
        else:
            self.push(gas)
        self.emit(opcode)
        self.keep()
        self.emit(op.RETURNDATASIZE)
        self.keep()
        if self.rng.random() < 0.5:
            self.emit(op.RETURNDATASIZE)
            self.push(0)
            self.push(self.rng.choice(OFFSETS))
            self.emit(op.RETURNDATACOPY)

    def write(self, data: bytes) -> int:
        """Write bytes to memory, word by word; where."""
        start = self.rng.choice((0, 0, 32, 5))
        for position in range(0, len(data), 32):
            word = data[position : position + 32].ljust(32, b"\0")
            self.push(start + position, int.from_bytes(word, "big"))
            self.emit(op.MSTORE)
        return start

    def create(self) -> None:
        """Copy creation code from a library and run it, or run whatever memory holds."""
        start, size = self.rng.choice((0, 0, 32)), self.size()
        roll = self.rng.random()
        if roll < 0.9:
            self.push(int.from_bytes(self.rng.choice(self.libraries), "big"))
            self.emit(op.DUP1, op.EXTCODESIZE)
            self.push(start, 0)
            # Under the address: size, then the two offsets on top, in EXTCODECOPY's order.
            self.emit(op.DUP1 + 3, op.EXTCODECOPY)
            self.emit(op.EXTCODESIZE)
            salted = self.rng.random() < 0.5
            if salted:
                self.push(self.rng.choice((0, 1)))
                self.emit(op.SWAP1)
            self.push(self.value() if self.rng.random() < 0.4 else 0, start)
            self.emit(op.CREATE2 if salted else op.CREATE)
        else:
            size = self.rng.choice((size, 49_151, 49_152, 49_153, 2**32, 2**64))
            self.push(self.value(), start, size, self.rng.choice((0, 1)))
            self.emit(self.rng.choice((op.CREATE, op.CREATE2)))
        if self.rng.random() < 0.4:
            self.emit(op.DUP1)
            self.keep()
        if self.rng.random() < 0.5:
            self.call_created()
        else:
            self.keep()

    def call_created(self) -> None:
        """Call the address on top of the stack, twice at times: destroyed contracts still run."""
        for _ in range(self.rng.choice((1, 1, 2))):
            self.push(self.rng.choice((0, 0, 1)), 0, 0, 0, 0)
            self.emit(op.DUP1 + 5, op.GAS, op.CALL)
            self.keep()
            self.emit(op.JUMPDEST)

    def destroy(self) -> None:
        """SELFDESTRUCT, mostly behind a condition."""
        beneficiary = self.address()
        own = self.rng.random() < 0.3
        if self.rng.random() < 0.8:
            self.emit(self.rng.choice((op.CALLDATASIZE, op.CALLVALUE, op.GAS, op.RETURNDATASIZE)))
            body = push(beneficiary, 32) if not own else bytes([op.ADDRESS])
            self.code += push(len(self.code) + 4 + len(body) + 1, 2)
            self.emit(op.JUMPI)
            self.code += body
            self.emit(op.SELFDESTRUCT, op.JUMPDEST)
        else:
            if own:
                self.emit(op.ADDRESS)
            else:
                self.push(beneficiary)
            self.emit(op.SELFDESTRUCT)

    def garbage(self) -> None:
        self.code += self.rng.randbytes(self.rng.randrange(1, 5))

    def end(self) -> None:
        roll = self.rng.random()
        if roll < 0.45:
            self.push(self.offset(), self.size())
            self.emit(op.RETURN)
        elif roll < 0.65:
            self.push(self.offset(), self.size())
            self.emit(op.REVERT)
        elif roll < 0.72:
            self.push(self.address())
            self.emit(op.SELFDESTRUCT)
        elif roll < 0.78:
            self.emit(self.rng.choice((INVALID, 0x0C, 0x1E, 0x21, 0xEF)))
        elif roll < 0.85:
            size = self.rng.randrange(1, 33)
            self.emit(op.PUSH0 + size)
            self.code += self.rng.randbytes(self.rng.randrange(size))
        else:
            self.emit(op.STOP)

    def steps(self) -> list[tuple[int, Callable[[], None]]]:
        """Fragments by weight."""
        return [
            (8, self.arithmetic),
            (1, self.recent_block),
            (6, self.memory),
            (7, self.storage),
            (4, self.account),
            (3, self.log),
            (2, self.stack),
            (1, self.full_stack),
            (3, self.jump),
            (9, self.call),
            (4, self.create),
            (2, self.destroy),
            (1, self.garbage),
        ]


def random_program(
    rng: random.Random, addresses: Sequence[bytes], libraries: Sequence[bytes]
) -> bytes:
    """A program that calls `addresses`, creates from `libraries` and shows what it finds."""
    assembler = Assembler(rng, addresses, libraries)
    weights, steps = zip(*assembler.steps(), strict=True)
    for _ in range(rng.randrange(1, PROGRAM_STEPS_MAX)):
        rng.choices(steps, weights)[0]()
    assembler.end()
    return bytes(assembler.code)


def random_initcode(
    rng: random.Random, addresses: Sequence[bytes], libraries: Sequence[bytes]
) -> bytes:
    """Creation code: deploys a small program, or ends in one of the ways that creations fail."""
    roll = rng.random()
    if roll < 0.2:
        return random_program(rng, addresses, libraries)
    if roll < 0.35:
        size = rng.choice((0, 1, 24_575, 24_576, 24_577, 2**32))
        return push(size) + push(0) + bytes([op.RETURN])
    if roll < 0.42:
        return bytes.fromhex("60ef5f5360015ff3")
    prefix = Assembler(rng, addresses, libraries)
    for _ in range(rng.randrange(3)):
        rng.choice((prefix.storage, prefix.account, prefix.log, prefix.call, prefix.destroy))()
    runtime = Assembler(rng, addresses, libraries)
    for _ in range(rng.randrange(1, 4)):
        rng.choice((runtime.storage, runtime.call, runtime.destroy, runtime.arithmetic))()
    runtime.end()
    # PUSH2 size, PUSH2 start, PUSH0, CODECOPY, PUSH2 size, PUSH0, RETURN: 13 bytes.
    start, size = len(prefix.code) + 13, len(runtime.code)
    deploy = push(size, 2) + push(start, 2) + bytes([op.PUSH0, op.CODECOPY])
    deploy += push(size, 2) + bytes([op.PUSH0, op.RETURN])
    return bytes(prefix.code + deploy + runtime.code)
