"""Instructions have the names that everybody knows them by."""

from eth.vm import opcode_values

from execution.machine.opcodes.mnemonics import MNEMONICS, mnemonic
from execution.machine.opcodes.table import INSTRUCTIONS

RENAMED = {"SHA3": "KECCAK256", "DIFFICULTY": "PREVRANDAO"}
"""Older names, which py-evm keeps: of the hash, and of what EIP-4399 made of 0x44."""


def test_mnemonics_name_every_instruction_and_invalid() -> None:
    assert set(MNEMONICS) == set(INSTRUCTIONS) | {0xFE}


def test_mnemonics_are_those_of_another_client() -> None:
    theirs = {
        opcode: RENAMED.get(name, name)
        for name, opcode in vars(opcode_values).items()
        if name.isupper() and opcode in MNEMONICS
    }

    assert len(theirs) > 140
    assert theirs == {opcode: MNEMONICS[opcode] for opcode in theirs}


def test_mnemonic_of_undefined_opcode_is_its_number() -> None:
    assert mnemonic(0x0C) == "0x0c"
