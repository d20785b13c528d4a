"""Lists committed by their last link."""

from execution.machine.chain import Link, items, list_hash
from execution.machine.records import ACCESS_TAG, DESTRUCTED_TAG, Access, Destructed
from execution.machine.words import commit
from state.types import ZERO_HASH, Address

FIRST, SECOND = (Address(bytes([number]) * 20) for number in (1, 2))


def test_hash_is_that_of_the_links_one_after_the_other() -> None:
    one = Link(Destructed(FIRST), None)
    two = Link(Destructed(SECOND), one)
    first = commit(DESTRUCTED_TAG, (ZERO_HASH, FIRST))
    assert list_hash(None) == ZERO_HASH
    assert list_hash(two) == commit(DESTRUCTED_TAG, (first, SECOND))
    assert list_hash(one) == first
    assert [item.address for item in items(two)] == [SECOND, FIRST]


def test_lists_from_one_stem_are_apart() -> None:
    stem = Link(Destructed(FIRST), None)
    assert list_hash(Link(Destructed(FIRST), stem)) != list_hash(Link(Destructed(SECOND), stem))
    assert list_hash(stem) == list_hash(Link(Destructed(FIRST), None))


def test_an_address_and_its_slot_zero_are_apart() -> None:
    address, slot = Link(Access(FIRST, None), None), Link(Access(FIRST, 0), None)
    assert address.hash() != slot.hash()
    assert slot.hash() == commit(ACCESS_TAG, (ZERO_HASH, FIRST, 1, 0))


def test_long_list_is_hashed_without_recursion() -> None:
    last = None
    for _ in range(50_000):
        last = Link(Destructed(FIRST), last)
    assert list_hash(last) != ZERO_HASH
