"""Random programs: whatever they do, both engines do the same."""

from random import Random

import pytest

from state.types import Address, Gas
from tests.execution.machine.world import CONTRACT, OTHER, Run, contract

PROGRAMS = 150
OPCODES_MAX = 120

COMMON = [*range(0x01, 0x0C), *range(0x10, 0x1E), *range(0x30, 0x4B), *range(0x50, 0x60)]
STACK = [0x5F, 0x60, 0x61, *range(0x80, 0x90), *range(0x90, 0xA0)]
HEAVY = [0x20, *range(0xA0, 0xA5), 0xF0, 0xF1, 0xF2, 0xF4, 0xF5, 0xFA, 0x3C, 0x3E, 0x5E]
ENDS = [0x00, 0xF3, 0xFD, 0xFE, 0xFF, 0x0C, 0x56, 0x57]

PARTNERS = [bytes([0xCC]) * 20, bytes([0xDD]) * 20, bytes([0xEE]) * 20]
PARTNERS += [bytes(19) + bytes([number]) for number in range(1, 11)]


def random_program(random: Random) -> bytes:
    """Opcodes among operands that make them do something."""
    code = bytearray()
    for _ in range(random.randrange(5, OPCODES_MAX)):
        for _ in range(random.randrange(4)):
            code += random_operand(random)
        families = random.choices([COMMON, STACK, HEAVY, ENDS], weights=[60, 15, 23, 2])[0]
        opcode = random.choice(families)
        code.append(opcode)
        if opcode in (0x60, 0x61):
            code += random.randbytes(opcode - 0x5F)
    return bytes(code)


def random_operand(random: Random) -> bytes:
    kind = random.randrange(10)
    if kind < 6:
        return bytes([0x60, random.choice([0, 1, 2, 31, 32, 33, 64, 96, 255])])
    if kind < 8:
        return b"\x73" + random.choice(PARTNERS)
    if kind < 9:
        return b"\x61" + random.randbytes(2)
    return b"\x7f" + random.choice([b"\xff" * 32, b"\x80" + bytes(31), random.randbytes(32)])


@pytest.mark.parametrize("seed", range(PROGRAMS))
def test_random_program_does_the_same_on_both_engines(seed: int) -> None:
    random = Random(seed)
    addresses = [CONTRACT, OTHER, Address(PARTNERS[2])]
    accounts = {
        address: contract(random_program(random), balance=random.choice([0, 9]), storage={1: 7})
        for address in addresses
    }
    run = Run(accounts)
    for nonce in range(3):
        run.apply(
            nonce=nonce,
            to=random.choice([*addresses, None]),
            data=random_program(random),
            gas=Gas(random.choice([100_000, 200_000, 900_000])),
        )
