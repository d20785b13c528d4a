"""What a frame is told of its call, transaction and block, step by step on the contracts."""

from dataclasses import replace
from random import Random

import pytest

from execution.machine.memory import View
from execution.machine.opcodes.environment import ENVIRONMENT
from execution.machine.witness.step import step_witness
from state.types import ZERO_HASH, Address, BlockNumber, Hash32
from tests.bridge.prover.forgery import (
    assert_every_flip_is_refused,
    assert_no_witness_of_another_step,
    assert_refused,
)
from tests.bridge.prover.frames import HUGE, prove_gas_edge, prove_stack_edges, remember, started
from tests.bridge.prover.rig import prove_step
from tests.execution.machine.world import COINBASE, CONTRACT, SENDER, Run

CALLDATALOAD, BLOCKHASH = 0x35, 0x40

ACCOUNTS = (0x31, 0x3B, 0x3C, 0x3F, 0x47)
"""What asks about accounts has a verifier of its own."""

OPCODES = [opcode for opcode in ENVIRONMENT if opcode not in ACCOUNTS]

NUMBER = 1_000
"""The block of the tests' world."""


def top(run: Run) -> int:
    return int(run.state.running_frame.stack[-1])


def at_block(number: int, asked: int) -> Run:
    """A machine before BLOCKHASH of `asked`, in block `number` of a chain that begins at 0."""
    run = started(bytes([BLOCKHASH]), [asked])
    block = run.state.block
    block.context = replace(block.context, number=BlockNumber(number))
    return run


@pytest.mark.parametrize("opcode", OPCODES)
def test_instruction_at_stack_edges_proves(opcode: int) -> None:
    prove_stack_edges(opcode)


@pytest.mark.parametrize("opcode", OPCODES)
def test_instruction_at_exact_gas_and_one_less_proves(opcode: int) -> None:
    stack = [0] * ENVIRONMENT[opcode].takes
    prove_gas_edge(bytes([opcode]), stack, ENVIRONMENT[opcode].gas)


@pytest.mark.parametrize(
    ("opcode", "expected"),
    [
        (0x30, int.from_bytes(CONTRACT, "big")),
        (0x32, int.from_bytes(SENDER, "big")),
        (0x33, 0xCA),
        (0x34, 2**256 - 1),
        (0x36, 77),
        (0x38, 1),
        (0x3A, 8),
        (0x3D, 55),
        (0x41, int.from_bytes(COINBASE, "big")),
        (0x42, 1_700_000_000),
        (0x43, NUMBER),
        (0x44, int.from_bytes(b"\x5a" * 32, "big")),
        (0x45, 30_000_000),
        (0x46, 424_242),
        (0x48, 7),
        (0x4A, 1),
    ],
)
def test_value_at_hand_proves(opcode: int, expected: int) -> None:
    run = started(
        bytes([opcode]),
        caller=Address(bytes(19) + b"\xca"),
        value=2**256 - 1,
        input=View.over(b"\x01" * 77),
        returndata=View.over(b"\x02" * 55),
    )
    prove_step(run)
    assert top(run) == expected


def test_blobhash_of_anything_proves_zero() -> None:
    for index in (0, 1, 2**256 - 1):
        run = started(b"\x49", [index])
        prove_step(run)
        assert top(run) == 0


@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 100])
@pytest.mark.parametrize("start", [0, 1, 31, 32, 68, 69, 99, 100, 101, *HUGE])
def test_calldataload_at_any_offset_proves(length: int, start: int) -> None:
    data = Random(length).randbytes(length)
    run = started(bytes([CALLDATALOAD]), [start], input=View.over(data))
    prove_step(run)
    assert top(run) == int.from_bytes(data[start : start + 32].ljust(32, b"\0"), "big")


@pytest.mark.parametrize("start", [0, 1, 5, 30, 60])
def test_calldataload_of_a_view_proves_nothing_of_what_is_around_it(start: int) -> None:
    """The input of a call is a piece of the caller's memory, which goes on behind it."""
    run = started(bytes([CALLDATALOAD]), [start])
    remember(run, b"\xaa" * 20 + b"\xbb" * 40 + b"\xcc" * 100)
    frame = run.state.running_frame
    frame.input = frame.memory.view(20, 40)
    prove_step(run)
    assert top(run) == int.from_bytes((b"\xbb" * 40)[start : start + 32].ljust(32, b"\0"), "big")


@pytest.mark.parametrize("back", [-1, 0, 1, 2, 255, 256, 257])
def test_blockhash_n_to_n_minus_257_proves(back: int) -> None:
    for number in (NUMBER, 1_024, 2**40):
        run = at_block(number, number - back)
        prove_step(run)
        expected = number - back if 1 <= back <= 256 else 0
        assert top(run) == expected  # the world's blocks have their numbers as hashes


@pytest.mark.parametrize("asked", [0, 1, 9, 10, 11, *HUGE, 2**64 + 9])
def test_blockhash_near_genesis_and_of_huge_numbers_proves(asked: int) -> None:
    run = at_block(10, asked)
    prove_step(run)
    assert top(run) == (asked if asked < 10 else 0)


def test_blockhash_of_a_block_without_hash_proves_zero() -> None:
    run = at_block(NUMBER, NUMBER - 3)
    block = run.state.block
    block.context = replace(block.context, ancestor_hash=lambda number: None)
    prove_step(run)
    assert top(run) == int.from_bytes(ZERO_HASH, "big")


@pytest.mark.parametrize("opcode", [0x30, 0x32, 0x3A, CALLDATALOAD, BLOCKHASH, 0x44, 0x49])
def test_every_flipped_byte_is_refused(opcode: int) -> None:
    stack = {CALLDATALOAD: [7], BLOCKHASH: [NUMBER - 9], 0x49: [3]}.get(opcode, [])
    run = started(bytes([opcode]), stack, input=View.over(bytes(range(1, 100))))
    assert_every_flip_is_refused(run)


def test_witness_of_another_step_is_refused() -> None:
    runs = [started(bytes([opcode])) for opcode in (0x30, 0x32, 0x3A, 0x41, 0x42, 0x46)]
    runs += [at_block(NUMBER, NUMBER - back) for back in (1, 2, 255)]
    assert_no_witness_of_another_step(runs)


def test_witness_from_another_block_is_refused() -> None:
    run, other = (started(b"\x44") for _ in range(2))
    block = other.state.block
    block.context = replace(block.context, prev_randao=Hash32(b"\x5b" * 32))
    before, witness = run.machine.machine_hash(), step_witness(other.state)
    prove_step(run)
    assert_refused(before, witness, run.machine.machine_hash(), "another block's words")


def test_witness_from_another_transaction_is_refused() -> None:
    run, other = started(b"\x3a"), started(b"\x3a")
    other.state.tx.price += 1
    honest, lie = step_witness(run.state), step_witness(other.state)
    # Its own state words, with the transaction's from another one.
    before, witness = run.machine.machine_hash(), honest[:-736] + lie[-736:]
    prove_step(run)
    assert_refused(before, witness, run.machine.machine_hash(), "another transaction's words")
