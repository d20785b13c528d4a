"""Jump targets, against the definition."""

import pytest
from eth.exceptions import InvalidJumpDestination
from hypothesis import example, given, settings
from hypothesis import strategies as st

from execution.evm.code import JUMPDEST, PUSH1, PUSH32, SEGMENT_BYTES, Code, JumpTargets

telling_bytes = st.sampled_from([0x00, 0x01, JUMPDEST, PUSH1, 0x61, 0x6F, PUSH32])
codes = st.one_of(st.lists(telling_bytes, max_size=300).map(bytes), st.binary(max_size=300))


def targets_by_definition(code: bytes) -> set[int]:
    """Yellow Paper, section 9.4.3: walk the code, stepping over the data of pushes."""
    targets, position = set(), 0
    while position < len(code):
        opcode = code[position]
        if opcode == JUMPDEST:
            targets.add(position)
        position += opcode - PUSH1 + 2 if PUSH1 <= opcode <= PUSH32 else 1
    return targets


@settings(max_examples=300)
@given(codes, st.randoms(use_true_random=False))
@example(bytes([PUSH32]) * 200, None)
@example(bytes([PUSH1]) * (SEGMENT_BYTES - 1) + bytes([PUSH32] + [JUMPDEST] * 40), None)
def test_jump_targets_are_those_of_the_definition(code: bytes, order: object) -> None:
    positions = list(range(len(code) + 40))
    if order is not None:
        order.shuffle(positions)  # type: ignore[attr-defined]
    found = JumpTargets(code)
    expected = targets_by_definition(code)
    assert {position for position in positions if position in found} == expected
    assert {position for position in positions if position in found} == expected


def test_jump_beyond_any_code_is_no_target() -> None:
    for code in (b"\x5b", b""):
        with pytest.raises(InvalidJumpDestination):
            Code(code).jump(2**256 - 1)


def test_long_code_of_pushes_is_answered_without_recursion() -> None:
    assert Code(bytes([PUSH1]) * 24_574 + bytes([JUMPDEST])).jump(24_574) == 24_574
    with pytest.raises(InvalidJumpDestination):
        Code(bytes([PUSH1]) * 24_575 + bytes([JUMPDEST])).jump(24_575)
