"""Stack, jumps and the ends of a frame, step by step on the contracts."""

from random import Random

import pytest

from execution.machine.chain import Link
from execution.machine.opcodes.control import CONTROL
from execution.machine.opcodes.table import TABLE, UNDEFINED
from execution.machine.records import Destructed
from execution.machine.status import Status
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
)
from tests.bridge.prover.frames import (
    GAS,
    HUGE,
    again,
    prove_fails,
    prove_gas_edge,
    prove_stack_edges,
    remember,
    started,
)
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import OTHER, Run, push

STOP, JUMP, JUMPI, PC, GAS_LEFT, JUMPDEST = 0x00, 0x56, 0x57, 0x58, 0x5A, 0x5B
PUSH0, PUSH1, PUSH32, DUP1, SWAP1, RETURN, REVERT = 0x5F, 0x60, 0x7F, 0x80, 0x90, 0xF3, 0xFD


def top(run: Run) -> int:
    return int(run.state.running_frame.stack[-1])


@pytest.mark.parametrize("opcode", CONTROL)
def test_instruction_at_stack_edges_proves(opcode: int) -> None:
    prove_stack_edges(opcode)


@pytest.mark.parametrize("opcode", [op for op in CONTROL if op not in (STOP, RETURN, REVERT)])
def test_instruction_at_exact_gas_and_one_less_proves(opcode: int) -> None:
    takes, gas = CONTROL[opcode].takes, CONTROL[opcode].gas
    stack = [*range(takes - 1), 33] if takes else []
    prove_gas_edge(bytes([opcode]) + bytes([JUMPDEST]) * 33, stack, gas)


def test_undefined_opcode_proves_failure() -> None:
    undefined = [opcode for opcode in range(256) if TABLE[opcode] is UNDEFINED]
    assert 0xFE in undefined
    for opcode in undefined:
        prove_fails(started(bytes([opcode]), [1, 2, 3]))


@pytest.mark.parametrize("size", range(33))
def test_push_at_every_place_of_a_word_proves(size: int) -> None:
    data = Random(size).randbytes(size)
    for before in (0, 1, 30 - size % 31, 31, 40):
        run = started(bytes([JUMPDEST]) * before + bytes([PUSH0 + size]) + data)
        run.state.running_frame.pc = before
        prove_step(run)
        assert top(run) == int.from_bytes(data, "big")


@pytest.mark.parametrize("there", [0, 1, 2, 30, 31])
def test_truncated_push_proves_zeros_behind_the_code(there: int) -> None:
    data = b"\xff" * there
    for before in (0, 31 - there, 32):
        run = started(bytes([JUMPDEST]) * before + bytes([PUSH32]) + data)
        run.state.running_frame.pc = before
        prove_step(run)
        assert top(run) == int.from_bytes(data.ljust(32, b"\0"), "big")
        prove_step(run)
        assert run.machine.status is Status.LEAVE, "running past the end of the code stops"


@pytest.mark.parametrize("depth", range(1, 17))
def test_dup_and_swap_on_just_enough_and_more_items_prove(depth: int) -> None:
    for more in (0, 1, 5):
        stack = list(range(100, 100 + depth + more))
        run = started(bytes([DUP1 + depth - 1]), stack)
        prove_step(run)
        assert top(run) == stack[-depth]
        run = started(bytes([SWAP1 + depth - 1]), [7, *stack])
        prove_step(run)
        assert run.state.running_frame.stack[-1 - depth] == stack[-1]


def test_pc_and_gas_prove_what_is_before_and_after_the_instruction() -> None:
    run = started(bytes([JUMPDEST, PC, GAS_LEFT]), gas=50)
    for _ in range(3):
        prove_step(run)
    assert run.state.running_frame.stack == [1, 50 - 1 - 2 - 2]


LONG = bytes([JUMP]) + bytes([JUMPDEST]) * 300 + bytes([PUSH1, JUMPDEST, PUSH32]) + b"\x5b" * 32
"""Targets in both words of the jump map, a PUSH1 with one as its data, a PUSH32 full of them."""


@pytest.mark.parametrize("target", [1, 2, 254, 255, 256, 257, 300])
def test_jump_to_a_jumpdest_proves(target: int) -> None:
    run = started(LONG, [target])
    prove_step(run)
    assert run.state.running_frame.pc == target


@pytest.mark.parametrize("target", [0, 301, 302, 303, 304, 335])
def test_jump_into_push_data_or_no_jumpdest_proves_failure(target: int) -> None:
    prove_fails(started(LONG, [target]))


@pytest.mark.parametrize("past", [0, 1, 200, 2**27, *HUGE, 2**64 + 1, 2**64 + 300])
def test_jump_past_the_end_or_above_2_64_proves_failure(past: int) -> None:
    target = past if past >= 2**27 else len(LONG) + past
    prove_fails(started(LONG, [target]))
    prove_fails(started(bytes([JUMPI]) + LONG, [1, target]))


@pytest.mark.parametrize("condition", [0, 1, 2**255])
def test_jumpi_looks_at_its_target_only_when_taken(condition: int) -> None:
    code = bytes([JUMPI, STOP, JUMPDEST])
    run = started(code, [condition, 2])
    prove_step(run)
    assert run.state.running_frame.pc == (2 if condition else 1)
    again(run, [condition, 1])
    prove_step(run)
    assert (run.machine.status is Status.LEAVE) == bool(condition)


@pytest.mark.parametrize("opcode", [STOP, RETURN])
def test_end_of_a_creation_proves_that_its_output_is_deployed(opcode: int) -> None:
    run = started(bytes([opcode]), [5, 3], is_create=True)
    prove_step(run)
    assert run.machine.status is Status.DEPLOY
    assert run.state.running_frame.returndata.length == (5 if opcode == RETURN else 0)


@pytest.mark.parametrize("opcode", [RETURN, REVERT])
@pytest.mark.parametrize("start", [0, 1, 32, 70, *HUGE])
@pytest.mark.parametrize("size", [0, 1, 32, 2**32, 2**256 - 1])
def test_output_of_any_range_proves(opcode: int, start: int, size: int) -> None:
    run = started(bytes([opcode]), [size, start])
    remember(run, Random(1).randbytes(100))
    prove_step(run)
    frame = run.state.running_frame
    if size and start + size > 2**20:
        assert frame.outcome.name == "FAILURE"
    else:
        assert frame.returndata.length == size
        assert frame.gas <= GAS


@pytest.mark.parametrize("opcode", [RETURN, REVERT])
def test_output_at_exact_memory_gas_and_one_less_proves(opcode: int) -> None:
    for end in (1, 32, 33, 4_096, 724 * 32, 65_537):
        words = (end + 31) // 32
        prove_gas_edge(bytes([opcode]), [1, end - 1], 3 * words + words * words // 512)


def changed(opcode: int, stack: list[int]) -> Run:
    """A frame that has changed everything which its end may undo."""
    run = started(bytes.fromhex(push(7) + push(1) + "55" + push(9) + push(2) + "5d5f5fa0"), [])
    while run.state.logs is None:
        run.machine.step()
    state = run.state
    state.refund = 4_800
    state.destructs = Link(Destructed(OTHER), None)
    frame = state.running_frame
    frame.code = started(bytes([opcode])).state.running_frame.code
    again(run, stack)
    return run


@pytest.mark.parametrize("opcode", [REVERT, 0xFE])
def test_revert_and_failure_restore_every_part_of_the_journal(opcode: int) -> None:
    run = changed(opcode, [0, 0])
    snapshot = run.state.running_frame.snapshot.words()
    assert all(a != b for a, b in zip(run.state.words()[5:10], snapshot))
    prove_step(run)
    assert run.state.words()[5:10] == snapshot


def test_return_keeps_every_part_of_the_journal() -> None:
    run = changed(RETURN, [0, 0])
    before = run.state.words()[5:10]
    prove_step(run)
    assert run.state.words()[5:10] == before


@pytest.mark.parametrize(
    ("code", "stack"),
    [
        (LONG, [300]),
        (LONG, [301]),
        (bytes([PUSH32]) + bytes(range(32)), []),
        (bytes([SWAP1 + 2]), [1, 2, 3, 4]),
        (bytes([RETURN]), [40, 3]),
        (bytes([REVERT]), [40, 3]),
        (b"\xfe", []),
        (b"", []),
    ],
    ids=["jump", "no target", "push", "swap", "return", "revert", "undefined", "stop"],
)
def test_every_flipped_byte_is_refused(code: bytes, stack: list[int]) -> None:
    assert_every_flip_is_refused(started(code or b"\0", stack))


def test_witness_of_another_step_is_refused() -> None:
    runs = [started(LONG, [target]) for target in (1, 2, 300, 2**64)]
    runs += [started(bytes([opcode]), [1, 2]) for opcode in (STOP, RETURN, REVERT, PC, 0xFE)]
    assert_no_witness_of_another_step(runs)
