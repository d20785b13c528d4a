"""LOG0 to LOG4, step by step on the contracts."""

from random import Random

import pytest

from execution.evm.limits import LOGS_BYTES_MAX
from execution.machine.gas import memory_gas
from execution.machine.opcodes.logs import LOGS
from execution.machine.records import encode_log
from execution.machine.witness.step import step_witness
from state.blocks import Log
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.frames import (
    HUGE,
    again,
    prove_fails,
    prove_gas_edge,
    prove_stack_edges,
    remember,
    started,
)
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import CONTRACT, Run

WITNESS_BYTES_MAX = 98_304

TOPICS = [2**256 - 1, 0, 0x7F, 2**255]

EMPTY_LOG_BYTES = len(encode_log(Log(CONTRACT, (), b"")))

DATA_BYTES_MAX = LOGS_BYTES_MAX - 3 - 21 - 1 - 3
"""Behind the headers of the list, an address, no topics, and the header of so much data."""


def logging(opcode: int, start: int, size: int, data: bytes = b"") -> Run:
    """A frame before a log, with `data` at the beginning of its memory."""
    run = started(bytes([opcode]), operands(opcode, start, size))
    remember(run, data)
    return run


def operands(opcode: int, start: int, size: int) -> list[int]:
    return [*TOPICS[: opcode - 0xA0], size, start]


@pytest.mark.parametrize("opcode", LOGS)
def test_instruction_at_stack_edges_proves(opcode: int) -> None:
    prove_stack_edges(opcode)


@pytest.mark.parametrize("opcode", LOGS)
@pytest.mark.parametrize("size", [0, 1, 2, 31, 32, 33, 55, 56, 255, 256, 3_000])
def test_log_of_any_size_proves(opcode: int, size: int) -> None:
    for start, first in ((0, b"\x7f"), (1, b"\x80"), (31, b"\0")):
        data = bytes(start) + first + Random(size).randbytes(size)
        run = logging(opcode, start, size, data)
        prove_step(run)
        assert run.state.logs.item.log.data == data[start : start + size]
        assert len(run.state.logs.item.log.topics) == opcode - 0xA0


def test_log_after_log_proves_the_bytes_of_all() -> None:
    run = logging(0xA1, 0, 70, b"\x01" * 70)
    for count in range(1, 5):
        again(run, operands(0xA1, 0, 70))
        prove_step(run)
        assert run.state.logs.item.bytes_so_far == count * len(encode_log(run.state.logs.item.log))


@pytest.mark.parametrize("opcode", LOGS)
def test_log_at_exact_gas_and_one_less_proves(opcode: int) -> None:
    for size in (0, 1, 32, 33, 100):
        gas = 375 + 375 * (opcode - 0xA0) + 8 * size + memory_gas(size)
        prove_gas_edge(bytes([opcode]), operands(opcode, 0, size), gas)


@pytest.mark.parametrize("opcode", LOGS)
def test_log_in_a_static_frame_proves_failure(opcode: int) -> None:
    prove_fails(started(bytes([opcode]), operands(opcode, 0, 0), is_static=True))


@pytest.mark.parametrize("huge", HUGE)
def test_log_of_huge_operands_proves(huge: int) -> None:
    prove_fails(logging(0xA0, huge, 1))
    prove_fails(logging(0xA2, 0, huge))
    run = logging(0xA0, huge, 0)
    prove_step(run)
    assert run.state.logs is not None


def test_logs_at_the_limit_prove_and_of_one_byte_more_fail() -> None:
    data = Random(2).randbytes(DATA_BYTES_MAX + 100)
    run = logging(0xA0, 31, DATA_BYTES_MAX, data)
    assert len(step_witness(run.state)) <= WITNESS_BYTES_MAX
    prove_step(run)
    assert run.state.logs.item.bytes_so_far == LOGS_BYTES_MAX
    again(run, operands(0xA0, 0, 0))
    prove_fails(run)
    for size in (DATA_BYTES_MAX + 1, DATA_BYTES_MAX + 2, LOGS_BYTES_MAX, LOGS_BYTES_MAX + 1):
        prove_fails(logging(0xA0, 0, size, data))


def test_log_that_just_fits_behind_others_proves() -> None:
    for short in (0, 1):
        size = DATA_BYTES_MAX - EMPTY_LOG_BYTES + short
        run = logging(0xA0, 0, size, b"\x01" * size)
        prove_step(run)
        again(run, operands(0xA0, 0, 0))
        if short:
            prove_fails(run)
        else:
            prove_step(run)
            assert run.state.logs.item.bytes_so_far == LOGS_BYTES_MAX


@pytest.mark.parametrize("opcode", [0xA0, 0xA4])
def test_every_flipped_byte_is_refused(opcode: int) -> None:
    run = logging(opcode, 3, 50, b"\x05" * 60)
    run.machine.step()
    again(run, operands(opcode, 3, 50))
    assert_every_flip_is_refused(run, stride=2)


def test_witness_of_another_step_is_refused() -> None:
    runs = [logging(opcode, 3, 50, b"\x05" * 60) for opcode in LOGS]
    runs += [logging(0xA1, 4, 50, b"\x06" * 60), logging(0xA1, 3, 0)]
    assert_no_witness_of_another_step(runs)
