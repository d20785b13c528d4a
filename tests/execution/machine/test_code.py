"""Code and where it may jump."""

import pytest

from execution.machine.code import Code, jump_map, load
from execution.machine.tree import EMPTY_ROOT, tree_root


@pytest.mark.parametrize(
    ("code", "targets"),
    [
        ("", set()),
        ("5b", {0}),
        ("605b5b", {2}),
        ("7f" + "5b" * 32 + "5b", {33}),
        ("7f5b5b", set()),
        ("5f5b", {1}),
        ("5b605b", {0}),
    ],
    ids=[
        "empty",
        "first byte",
        "push data",
        "push32",
        "truncated push",
        "push0",
        "data at the end",
    ],
)
def test_jump_targets_leave_out_data_of_pushes(code: str, targets: set[int]) -> None:
    raw = bytes.fromhex(code)
    assert Code(raw).targets == targets
    bits = jump_map(raw)
    assert {at for at in range(len(raw)) if bits[at >> 3] & (0x80 >> (at & 7))} == targets


def test_code_commits_to_size_bytes_and_jump_map() -> None:
    raw = bytes.fromhex("605b5b00")
    assert Code(raw).words() == (4, tree_root(raw), tree_root(b"\x20"))
    assert Code(b"").words() == (0, EMPTY_ROOT, EMPTY_ROOT)


def test_trailing_stops_change_the_size_alone() -> None:
    size, *roots = Code(b"\x5b").words()
    longer, *same = Code(b"\x5b\0").words()
    assert (longer, roots) == (size + 1, same)


def test_loaded_code_is_shared() -> None:
    assert load(b"\x5b\x00") is load(b"\x5b\x00")
