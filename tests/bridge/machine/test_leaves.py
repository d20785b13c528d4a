"""Leaf nodes hashed one by one, and the trie above them: the root of a list whatever its length."""

from random import Random

import pytest

from bridge.machine.leaves import leaf_hash, root_above
from bridge.machine.limits import BLOCK_TRANSACTIONS_MAX
from state.accounts import EMPTY_TRIE_ROOT
from state.errors import InternalError
from state.trie import list_root


def listed(count: int) -> list[bytes]:
    """Items of lengths from a signature's to a few words."""
    random = Random(count)
    return [random.randbytes(random.randint(70, 300)) for _ in range(count)]


def root_by_leaves(items: list[bytes]) -> bytes:
    return root_above([leaf_hash(i, len(items), item) for i, item in enumerate(items)])


def test_root_above_leaves_is_the_list_root_of_any_short_list() -> None:
    for count in range(1, 301):
        items = listed(count)
        assert root_by_leaves(items) == list_root(items), f"{count} items"


@pytest.mark.parametrize("count", [511, 512, 513, 1_024, 1_597, 1_662, BLOCK_TRANSACTIONS_MAX])
def test_root_above_leaves_is_the_list_root_of_the_longest_lists(count: int) -> None:
    items = listed(count)
    assert root_by_leaves(items) == list_root(items)


def test_root_above_no_leaves_is_the_empty_tries() -> None:
    assert root_above([]) == EMPTY_TRIE_ROOT == list_root([])


def test_leaf_depends_on_how_many_there_are() -> None:
    """The path below the last branch gets shorter as neighbours come."""
    item = bytes(100)
    assert len({leaf_hash(0, count, item) for count in (1, 2, 129)}) == 3
    assert leaf_hash(1, 2, item) != leaf_hash(1, 3, item)
    assert leaf_hash(1, 3, item) == leaf_hash(1, 1_000, item)


@pytest.mark.parametrize(("index", "count"), [(-1, 1), (1, 1), (0, 0)])
def test_leaf_that_is_not_in_the_list_is_an_error(index: int, count: int) -> None:
    with pytest.raises(InternalError, match="no leaf"):
        leaf_hash(index, count, bytes(100))


def test_item_too_short_for_a_node_of_its_own_is_an_error() -> None:
    with pytest.raises(InternalError, match="in its parent"):
        leaf_hash(0, 2, b"short")
