"""Memory, copies and KECCAK256 at their edges."""

import pytest

from execution.evm.limits import HASH_INPUT_BYTES_MAX
from execution.machine.status import Status
from state.keccak import keccak
from tests.execution.machine.world import (
    CONTRACT,
    OTHER,
    RETURN_WORD,
    Run,
    both,
    contract,
    push,
    word,
)

EDGES = (0, 1, 31, 2**32 - 1, 2**32, 2**64, 2**256 - 1)
COPIES = ("37", "39", "3e", "5e")


@pytest.mark.parametrize("opcode", ["51", "52", "53"])
@pytest.mark.parametrize("start", EDGES)
def test_word_access_at_any_offset(opcode: str, start: int) -> None:
    both("60ff" + push(start) + opcode + "59" + RETURN_WORD)


@pytest.mark.parametrize("opcode", COPIES)
@pytest.mark.parametrize("size", [0, 1, 33, 2**32, 2**256 - 1])
@pytest.mark.parametrize("destination", [0, 7, 2**32, 2**256 - 1])
@pytest.mark.parametrize("start", [0, 2, 2**64])
def test_copy_at_any_offset(opcode: str, size: int, destination: int, start: int) -> None:
    fill = push(0x1122334455) + "600152"
    code = fill + push(size) + push(start) + push(destination) + opcode + "60805ff3"
    both(code, data=b"calldata" * 9)


@pytest.mark.parametrize(
    ("start", "size"), [(0, 64), (1, 63), (1, 64), (64, 0), (65, 0), (2**256 - 1, 2)]
)
def test_returndatacopy_must_stay_within(start: int, size: int) -> None:
    callee = push(2**256 - 9) + "5f52" + "60405ff3"
    call = "5f5f5f5f5f73" + "dd" * 20 + "5af150"
    code = call + push(size) + push(start) + "5f3e" + "60605ff3"
    both(code, {OTHER: contract(callee)})


@pytest.mark.parametrize(
    ("start", "to", "size"), [(0, 1, 40), (1, 0, 40), (0, 0, 64), (5, 70, 3), (40, 8, 200)]
)
def test_mcopy_of_overlapping_ranges(start: int, to: int, size: int) -> None:
    fill = push(int.from_bytes(bytes(range(1, 33)), "big")) + "5f52" + push(2**256 - 3) + "602052"
    both(fill + push(size) + push(start) + push(to) + "5e" + "60805ff3")


@pytest.mark.parametrize("size", [1, 64, 40_000])
def test_mcopy_leaves_return_data_that_views_the_same_memory_as_it_was(size: int) -> None:
    fill = push(2**256 - 9) + "5f52" + "5f5f60405f60045afa50"
    code = fill + push(size) + "600260005e" + "60ff601f53" + "60405f60803e" + "60c05ff3"
    both(code)


def test_mcopy_of_a_byte_copies_no_more_of_the_memory() -> None:
    """Else a transaction that fills memory with 1.5 MB could ask for a terabyte of copies."""
    run = Run({CONTRACT: contract("60ff61ffff53" + "60015f60205e" * 2)})
    run.offer()
    for _ in range(2):
        run.until(Status.COPY)
        memory = run.state.frame.memory
        before = memory.freeze().data
        run.machine.step()
        assert memory.freeze().data is before


@pytest.mark.parametrize("size", [0, 1, 32, 135, 136, HASH_INPUT_BYTES_MAX])
def test_keccak256_hashes_a_range(size: int) -> None:
    run = both(push(size) + "5f20" + RETURN_WORD)
    assert run.output == keccak(bytes(size))


@pytest.mark.parametrize("size", [HASH_INPUT_BYTES_MAX + 1, 2**32, 2**256 - 1])
def test_keccak256_beyond_the_chain_rule_fails(size: int) -> None:
    run = both(push(size) + "5f20")
    assert run.output == b""
    assert run.machine.rules_hit == run.world.evm.rules_hit != frozenset()


def test_memory_price_is_quadratic() -> None:
    for size in (32 * 723, 32 * 724, 32 * 10_000):
        assert word(both("5a" + push(size - 1) + "5150" + "5a90035f5260205ff3")) > size // 32 * 3
