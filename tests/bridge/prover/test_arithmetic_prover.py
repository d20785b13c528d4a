"""Arithmetic, comparison and bits, step by step on the contracts."""

from random import Random

import pytest

from execution.machine.opcodes.arithmetic import ARITHMETIC
from execution.machine.status import Status
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import CONTRACT, Run, contract

EDGES = (0, 1, 2, 31, 32, 255, 256, 2**255 - 1, 2**255, 2**256 - 1, 0x80, 0xFF7F)


def started(code: bytes, gas: int = 10**6) -> Run:
    """A machine before the first instruction of `code`."""
    run = Run({CONTRACT: contract(code)})
    run.offer(gas=gas)
    run.until(Status.RUN)
    return run


@pytest.mark.parametrize("opcode", ARITHMETIC)
def test_instruction_on_edges_and_random_words_proves(opcode: int) -> None:
    random = Random(opcode)
    run = started(bytes([opcode]))
    takes = ARITHMETIC[opcode].takes
    for _ in range(40):
        frame = run.state.running_frame
        frame.pc, frame.gas = 0, 10**6
        below = [random.getrandbits(256) for _ in range(random.randrange(3))]
        operands = [random.choice([*EDGES, random.getrandbits(256)]) for _ in range(takes)]
        frame.stack[:] = below + operands
        prove_step(run)


@pytest.mark.parametrize("opcode", ARITHMETIC)
def test_instruction_without_operands_or_gas_proves_failure(opcode: int) -> None:
    takes, gas = ARITHMETIC[opcode].takes, ARITHMETIC[opcode].gas
    for stack, left in (([1] * (takes - 1), 10**6), ([1] * takes, gas - 1)):
        run = started(bytes([opcode]))
        frame = run.state.running_frame
        frame.stack[:], frame.gas = stack, left
        prove_step(run)
        assert run.machine.status is Status.LEAVE


@pytest.mark.parametrize("size", range(33))
def test_exp_at_exact_gas_and_one_less_proves(size: int) -> None:
    exponent = 1 << (8 * size - 1) if size else 0
    for short in (0, 1):
        run = started(b"\x0a")
        frame = run.state.running_frame
        frame.stack[:], frame.gas = [exponent, 3], 10 + 50 * size - short
        prove_step(run)
        assert run.machine.status is (Status.LEAVE if short else Status.RUN)
