"""Trees of words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.machine.tree import EMPTY_ROOT, ZERO_ROOTS, tree_root
from state.keccak import keccak
from state.types import ZERO_HASH


def naive_root(data: bytes, depth: int) -> bytes:
    """Every leaf and node, by the definition."""
    padded = data.ljust(32 << depth, b"\0")
    level = [padded[at : at + 32] for at in range(0, len(padded), 32)]
    while len(level) > 1:
        level = [keccak(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]


@given(data=st.binary(max_size=32 * 16))
def test_root_is_that_of_the_definition(data: bytes) -> None:
    assert tree_root(data, 4) == naive_root(data, 4)


@given(data=st.binary(max_size=200), zeros=st.integers(0, 200))
def test_zeros_behind_the_data_leave_the_root(data: bytes, zeros: int) -> None:
    assert tree_root(data) == tree_root(data + bytes(zeros))


def test_root_of_nothing_is_the_zero_root() -> None:
    assert tree_root(b"") == EMPTY_ROOT
    assert tree_root(bytes(64), 0 + 1) == ZERO_ROOTS[1] == keccak(ZERO_HASH + ZERO_HASH)


def test_data_beyond_the_depth_is_refused() -> None:
    with pytest.raises(ValueError, match="don't fit"):
        tree_root(bytes(65), 1)
