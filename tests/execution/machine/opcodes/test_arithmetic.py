"""Arithmetic, comparison and bits on all pairs of awkward words, against py-evm."""

from itertools import product

import pytest

from execution.machine.opcodes.arithmetic import ARITHMETIC, signed
from tests.execution.machine.world import CONTRACT, Run, both, contract, push, word

AWKWARD = (0, 1, 2, 30, 31, 32, 255, 256, 2**255, 2**255 - 1, 2**256 - 1, 2**256 - 7, 0x1234 << 97)


def program(opcode: int) -> str:
    """Every combination, folded into one hash: h = keccak(h, result)."""
    takes = ARITHMETIC[opcode].takes
    operands = AWKWARD if takes < 3 else (0, 1, 7, 2**255, 2**256 - 1)
    fold = "602052" + "60405f20" + "5f52"
    steps = [
        "".join(push(operand) for operand in chosen) + f"{opcode:02x}" + fold
        for chosen in product(operands, repeat=takes)
    ]
    return "".join(steps) + "60405ff3"


@pytest.mark.parametrize("opcode", sorted(ARITHMETIC), ids=lambda opcode: f"{opcode:#04x}")
def test_opcode_agrees_on_awkward_words(opcode: int) -> None:
    run = Run({CONTRACT: contract(program(opcode))})
    assert run.apply(gas=3_000_000)
    assert len(run.output) == 64


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (push(2**256 - 1) + push(2**255) + "05", 2**255),
        (push(3) + push(2**256 - 7) + "05", 2**256 - 2),
        (push(3) + push(2**256 - 7) + "07", 2**256 - 1),
        (push(0) + push(7) + "07", 0),
        (push(0xFF) + "5f0b", 2**256 - 1),
        (push(0x1FF) + "601f0b", 0x1FF),
        (push(2**255) + "60ff1d", 2**256 - 1),
        (push(2**255) + push(2**256 - 1) + "1d", 2**256 - 1),
        (push(0xAB << 248) + "5f1a", 0xAB),
        (push(5) + push(2**256 - 1) + push(2**256 - 1) + "09", 0),
        (push(2**256 - 1) + push(3) + "0a", pow(3, 2**256 - 1, 2**256)),
    ],
)
def test_result_is_that_of_the_yellow_paper(code: str, result: int) -> None:
    assert word(both(code + "5f5260205ff3")) == result


def test_words_are_twos_complement() -> None:
    assert [signed(value) for value in (0, 2**255 - 1, 2**255, 2**256 - 1)] == [
        0,
        2**255 - 1,
        -(2**255),
        -1,
    ]
