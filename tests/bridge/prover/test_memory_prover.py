"""Memory, copies and KECCAK256, step by step on the contracts."""

from random import Random

import pytest

from execution.evm.limits import HASH_INPUT_BYTES_MAX
from execution.machine.gas import copy_gas, memory_gas
from execution.machine.memory import View
from execution.machine.opcodes.memory import MEMORY
from execution.machine.status import Status
from execution.machine.witness.step import step_witness
from state.keccak import keccak
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
    assert_refused,
)
from tests.bridge.prover.frames import (
    GAS,
    HUGE,
    prove_fails,
    prove_gas_edge,
    prove_stack_edges,
    remember,
    started,
)
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import CONTRACT, OTHER, Run, contract, push

KECCAK256, MLOAD, MSTORE, MSTORE8, MSIZE = 0x20, 0x51, 0x52, 0x53, 0x59
CALLDATACOPY, CODECOPY, RETURNDATACOPY, MCOPY = COPIES = 0x37, 0x39, 0x3E, 0x5E

WITNESS_BYTES_MAX = 98_304

DATA = Random(5).randbytes(100)


def memory(run: Run) -> bytes:
    held = run.state.running_frame.memory
    return held.read(0, len(held))


def top(run: Run) -> int:
    return int(run.state.running_frame.stack[-1])


def finish_copy(run: Run) -> int:
    """Prove all steps of the copy that is pending; how many there were."""
    steps = 0
    while run.machine.status is Status.COPY:
        assert len(step_witness(run.state)) <= WITNESS_BYTES_MAX
        prove_step(run)
        steps += 1
    return steps


@pytest.mark.parametrize("opcode", MEMORY)
def test_instruction_at_stack_edges_proves(opcode: int) -> None:
    prove_stack_edges(opcode)


# Words and bytes


@pytest.mark.parametrize("start", [0, 1, 31, 32, 33, 68, 69, 96, 99, 100, 200, 5_000])
def test_word_at_any_offset_proves(start: int) -> None:
    for opcode, size in ((MLOAD, 32), (MSTORE, 32), (MSTORE8, 1)):
        value = 2**256 - 0x1234567
        run = started(bytes([opcode]), [start] if opcode == MLOAD else [value, start])
        remember(run, DATA)
        prove_step(run)
        there = memory(run)[start : start + size]
        if opcode == MLOAD:
            assert top(run) == int.from_bytes(there, "big")
        else:
            assert there == value.to_bytes(32, "big")[-size:]


@pytest.mark.parametrize("start", [2**32 - 32, 2**32 - 31, *HUGE])
@pytest.mark.parametrize("opcode", [MLOAD, MSTORE, MSTORE8, KECCAK256])
def test_offset_beyond_what_gas_buys_proves_failure(opcode: int, start: int) -> None:
    prove_fails(started(bytes([opcode]), [1, start]))


@pytest.mark.parametrize("end", [1, 32, 33, 64, 700, 32 * 724, 32 * 1_000])
def test_growing_at_exact_gas_and_one_less_proves(end: int) -> None:
    prove_gas_edge(bytes([MSTORE8]), [9, end - 1], 3 + memory_gas(end))
    if end >= 32:
        prove_gas_edge(bytes([MLOAD]), [end - 32], 3 + memory_gas(end))
        prove_gas_edge(bytes([MSTORE]), [9, end - 32], 3 + memory_gas(end))


def test_memory_that_is_there_costs_nothing_more_and_msize_proves_it() -> None:
    run = started(bytes([MLOAD, MSIZE]), [64], 3 + 2)
    remember(run, DATA)
    prove_step(run)
    prove_step(run)
    assert top(run) == 128


# KECCAK256


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 64, 100, 1_000])
def test_keccak256_of_any_range_proves(size: int) -> None:
    for start in (0, 1, 31, 32, 90):
        run = started(bytes([KECCAK256]), [size, start])
        remember(run, DATA)
        prove_step(run)
        assert top(run) == int.from_bytes(keccak(memory(run)[start : start + size]), "big")


@pytest.mark.parametrize("start", [0, 31])
def test_keccak256_of_64_kb_proves_and_of_one_byte_more_fails(start: int) -> None:
    run = started(bytes([KECCAK256]), [HASH_INPUT_BYTES_MAX, start])
    remember(run, Random(1).randbytes(HASH_INPUT_BYTES_MAX + 64))
    assert len(step_witness(run.state)) <= WITNESS_BYTES_MAX
    prove_step(run)
    prove_fails(started(bytes([KECCAK256]), [HASH_INPUT_BYTES_MAX + 1, start]))


@pytest.mark.parametrize("size", [2**32, 2**64, 2**256 - 1])
def test_keccak256_of_a_huge_size_proves_failure(size: int) -> None:
    prove_fails(started(bytes([KECCAK256]), [size, 0]))


@pytest.mark.parametrize("start", HUGE)
def test_range_of_no_bytes_at_a_huge_offset_proves(start: int) -> None:
    run = started(bytes([KECCAK256]), [0, start])
    prove_step(run)
    assert top(run) == int.from_bytes(keccak(b""), "big")
    for opcode in COPIES:
        run = started(bytes([opcode]), [0, start, start])
        prove_step(run)
        # Only RETURNDATACOPY looks at the offset of what it doesn't read (EIP-211).
        expected = Status.LEAVE if opcode == RETURNDATACOPY else Status.RUN
        assert run.machine.status is expected


def test_keccak256_at_exact_gas_and_one_less_proves() -> None:
    for size in (0, 1, 32, 33, 100):
        gas = 30 + 6 * ((size + 31) // 32) + memory_gas(size)
        prove_gas_edge(bytes([KECCAK256]), [size, 0], gas)


# Copies


def copying(opcode: int, destination: int, start: int, size: int) -> Run:
    """A frame with DATA in every place that can be copied from; in its code, behind the opcode."""
    run = started(bytes([opcode]) + DATA, [size, start, destination])
    remember(run, DATA)
    frame = run.state.running_frame
    frame.input = View.over(DATA)
    frame.returndata = View.over(DATA)
    return run


@pytest.mark.parametrize("opcode", COPIES)
@pytest.mark.parametrize("destination", [0, 1, 32, 90, 300])
@pytest.mark.parametrize("start", [0, 31, 68, 100])
@pytest.mark.parametrize("size", [0, 1, 32, 45, 200])
def test_copy_of_any_range_proves(opcode: int, destination: int, start: int, size: int) -> None:
    run = copying(opcode, destination, start, size)
    before = memory(run)
    source = {CODECOPY: bytes([opcode]) + DATA, MCOPY: before.ljust(1_000, b"\0")}.get(opcode, DATA)
    prove_step(run)
    if opcode == RETURNDATACOPY and start + size > len(DATA):
        assert run.machine.status is Status.LEAVE
        return
    assert finish_copy(run) == (1 if size else 0)
    expected = bytearray(memory(run))
    expected[: len(before)] = before
    expected[destination : destination + size] = source[start : start + size].ljust(size, b"\0")
    assert memory(run) == expected
    assert run.machine.status is Status.RUN


@pytest.mark.parametrize("opcode", COPIES)
@pytest.mark.parametrize("huge", HUGE)
def test_copy_of_huge_operands_proves_what_gas_and_source_allow(opcode: int, huge: int) -> None:
    prove_fails(copying(opcode, huge, 0, 1))
    prove_fails(copying(opcode, 0, 0, huge))
    run = copying(opcode, 0, huge, 40)
    prove_step(run)
    if opcode in (CALLDATACOPY, CODECOPY):
        finish_copy(run)
        assert memory(run) == bytes(40) + DATA[40:] + bytes(28)
    else:
        assert run.machine.status is Status.LEAVE


@pytest.mark.parametrize("opcode", COPIES)
def test_copy_at_exact_gas_and_one_less_proves(opcode: int) -> None:
    for size in (1, 32, 33, 77):
        stack, data = [size, 0, 10], View.over(DATA)
        gas = 3 + copy_gas(size) + memory_gas(10 + size)
        prove_gas_edge(bytes([opcode]), stack, gas, input=data, returndata=data)


@pytest.mark.parametrize(("start", "size"), [(0, 101), (100, 1), (101, 0), (1, 2**256 - 1)])
def test_returndatacopy_overrun_proves_failure(start: int, size: int) -> None:
    prove_fails(copying(RETURNDATACOPY, 0, start, size))


@pytest.mark.parametrize("length", [32_768, 32_769, 70_000])
def test_long_copy_proves_in_steps_of_32_kb(length: int) -> None:
    data = Random(length).randbytes(length)
    run = started(bytes([CALLDATACOPY]), [length + 7, 3, 5], input=View.over(data))
    remember(run, b"\xee" * 40_000)
    prove_step(run)
    assert finish_copy(run) == (length + 7 + 32_767) // 32_768
    held = memory(run).ljust(length + 13, b"\0")
    assert held[: length + 12] == b"\xee" * 5 + data[3:] + bytes(10)


@pytest.mark.parametrize(("destination", "start"), [(0, 1), (1, 0), (40, 7), (7, 40), (9, 9)])
def test_mcopy_of_overlapping_ranges_proves_what_was_there(destination: int, start: int) -> None:
    data = Random(3).randbytes(40_100)
    run = started(bytes([MCOPY]), [40_000, start, destination])
    remember(run, data)
    prove_step(run)
    assert finish_copy(run) == 2
    expected = bytearray(memory(run))
    expected[destination : destination + 40_000] = data[start : start + 40_000]
    assert memory(run) == expected


def test_copy_from_a_view_proves_nothing_of_what_is_around_it() -> None:
    run = started(bytes([CALLDATACOPY]), [60, 10, 2])
    remember(run, b"\xaa" * 20 + b"\xbb" * 40 + b"\xcc" * 100)
    frame = run.state.running_frame
    frame.input = frame.memory.view(20, 40)
    prove_step(run)
    finish_copy(run)
    assert memory(run)[:70] == b"\xaa" * 2 + b"\xbb" * 30 + bytes(30) + b"\xcc" * 8


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("602060026003 73" + OTHER.hex() + "3c", id="extcodecopy"),
        pytest.param("60406001 6000 6000 6000 73" + OTHER.hex() + "5af1", id="a call's output"),
        pytest.param("60206001 60405f5f 60045af1", id="identity's output"),
    ],
)
def test_copy_that_another_instruction_asked_for_proves(code: str) -> None:
    callee = contract(push(2**255 + 77) + "60035260506000f3")
    run = Run({CONTRACT: contract(code.replace(" ", "")), OTHER: callee})
    run.offer(gas=GAS)
    run.until(Status.COPY)
    assert finish_copy(run) == 1


# Forgery


@pytest.mark.parametrize("opcode", [KECCAK256, MLOAD, MSTORE, MSTORE8, MSIZE, *COPIES])
def test_every_flipped_byte_is_refused(opcode: int) -> None:
    assert_every_flip_is_refused(copying(opcode, 9, 33, 50), stride=2)


def test_every_flipped_byte_of_a_copy_is_refused() -> None:
    for size, stride in ((40, 3), (33_000, 997)):
        run = copying(CALLDATACOPY, 30, 1, size)
        run.machine.step()
        assert_every_flip_is_refused(run, stride)


def test_witness_of_another_step_is_refused() -> None:
    runs = [copying(opcode, 9, 33, 50) for opcode in (KECCAK256, MLOAD, MSTORE, *COPIES)]
    for done in range(3):
        run = copying(CALLDATACOPY, 0, 0, 90_000)
        run.machine.advance(1 + done)
        runs.append(run)
    assert_no_witness_of_another_step(runs)


def test_other_memory_of_the_same_length_is_refused() -> None:
    run, other = (started(bytes([MLOAD]), [0]) for _ in range(2))
    remember(run, b"\x01" * 32)
    remember(other, b"\x02" * 32)
    honest, lie = step_witness(run.state), step_witness(other.state)
    # Its own state words, with what is read taken from another memory.
    before, witness = run.machine.machine_hash(), honest[:-896] + lie[-896:]
    prove_step(run)
    assert_refused(before, witness, run.machine.machine_hash(), "the word")


def test_inner_node_in_the_place_of_a_leaf_is_refused() -> None:
    run = started(bytes([MLOAD]), [0])
    remember(run, DATA)
    before, honest = run.machine.machine_hash(), step_witness(run.state)
    head, word, path = honest[:-896], honest[-896:-864], honest[-864:]
    prove_step(run)
    for padding in (b"", bytes(32), path[-32:]):
        witness = head + keccak(word + path[:32]) + path[32:] + padding
        assert_refused(before, witness, run.machine.machine_hash(), "an inner node for a leaf")
