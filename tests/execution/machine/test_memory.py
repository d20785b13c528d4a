"""Memory that freezes, and views of it."""

from hypothesis import given
from hypothesis import strategies as st

from execution.machine.limits import RANGE_END_MAX
from execution.machine.memory import EMPTY_VIEW, Memory, View, range_end
from execution.machine.tree import EMPTY_ROOT, tree_root


def memory(data: bytes) -> Memory:
    filled = Memory()
    filled.grow(len(data))
    filled.write(0, data)
    return filled


def test_memory_grows_in_words() -> None:
    grown = Memory()
    grown.grow(33)
    assert grown.words() == (2, EMPTY_ROOT)


def test_view_keeps_what_was_there_when_it_was_taken() -> None:
    written = memory(b"before".ljust(32, b"\0"))
    view = written.view(0, 6)
    root = view.words()
    written.write(0, b"after!")
    assert view.whole() == b"before"
    assert view.words() == root
    assert written.read(0, 6) == b"after!"
    assert written.words()[1] != root[0]


def test_growth_leaves_a_view_as_it_was() -> None:
    grown = memory(b"x" * 32)
    view = grown.view(0, 32)
    before = tree_root(b"x" * 32)
    grown.grow(96)
    grown.write(64, b"y")
    assert view.words() == (before, 0, 32)


def test_thawed_memory_is_written_in_place_unless_its_view_is_seen() -> None:
    thawed = memory(b"x" * 32)
    kept = thawed.view(0, 32)
    thawed.thaw(kept)
    thawed.write(0, b"y")
    assert kept.read(0, 1) == b"x"
    dropped = thawed.view(0, 32)
    thawed.thaw(EMPTY_VIEW)
    thawed.write(0, b"z")
    assert dropped.read(0, 1) == b"z"


def test_view_reads_zeros_beyond_its_end_though_the_memory_goes_on() -> None:
    view = memory(b"abcdefgh".ljust(32, b"!")).view(2, 3)
    assert view.read(1, 4) == b"de\0\0"
    assert view.read(2**255, 2) == b"\0\0"


def test_view_of_nothing_has_one_form() -> None:
    assert memory(b"x" * 32).view(17, 0) is EMPTY_VIEW
    assert View.over(b"") is EMPTY_VIEW
    assert EMPTY_VIEW.words() == (EMPTY_ROOT, 0, 0)


def test_ranges_end_at_2_to_the_32() -> None:
    assert range_end(2**256 - 1, 0) == 0
    assert range_end(RANGE_END_MAX - 1, 1) == RANGE_END_MAX
    assert range_end(RANGE_END_MAX, 1) is None
    assert range_end(2**256 - 1, 2**256 - 1) is None


@given(
    operations=st.lists(
        st.tuples(
            st.sampled_from(["write", "view", "grow"]), st.integers(0, 120), st.binary(max_size=8)
        ),
        max_size=20,
    )
)
def test_views_and_memory_agree_with_plain_copies(
    operations: list[tuple[str, int, bytes]],
) -> None:
    real, model = Memory(), bytearray()
    views: list[tuple[View, bytes]] = []
    for kind, at, data in operations:
        end = at + len(data)
        real.grow(end)
        model.extend(bytes(max((end + 31) // 32 * 32 - len(model), 0)))
        if kind == "write":
            real.write(at, data)
            model[at:end] = data
        elif kind == "view":
            views.append((real.view(at, len(data)), bytes(model[at:end])))
    assert real.read(0, len(model)) == bytes(model)
    assert real.words() == (len(model) // 32, tree_root(model))
    for view, expected in views:
        assert view.whole() == expected
