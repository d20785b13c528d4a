"""The inputs' commitment: nineteen words in the documented order, every one of them in the hash."""

from dataclasses import fields, replace

import pytest

from bridge.machine.inputs import INPUTS_TAG, Inputs, Leaf
from execution.machine.chain import Link
from execution.machine.memory import FrozenMemory
from execution.machine.tree import tree_root
from execution.machine.words import Word, encode_word
from state.keccak import keccak
from state.types import ZERO_HASH, Hash32

EVERYTHING = Inputs(
    item=1,
    time=2,
    payload=FrozenMemory(b"payload"),
    at=3,
    left=4,
    start=5,
    count=6,
    timestamp=7,
    origin=8,
    sequence_number=9,
    next_batch=10,
    next_offset=11,
    next_deposit=12,
    taken=13,
    taking=True,
    leaves=Link(Leaf(Hash32(b"\x0e" * 32)), None),
    transactions_root=Hash32(b"\x0f" * 32),
    receipts_root=Hash32(b"\x10" * 32),
)


def test_words_are_those_of_the_documentation_in_order() -> None:
    leaf_tag = keccak(b"tallystick.machine.leaf.v1")
    leaves = keccak(leaf_tag + ZERO_HASH + b"\x0e" * 32)
    words: list[Word] = [1, 2, tree_root(b"payload"), 7, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 1]
    words += [leaves, b"\x0f" * 32, b"\x10" * 32]
    assert [encode_word(word) for word in EVERYTHING.words()] == [encode_word(w) for w in words]
    assert len(words) == 19


def test_hash_is_over_a_tag_of_its_own() -> None:
    encoded = b"".join(encode_word(word) for word in EVERYTHING.words())
    assert keccak(b"tallystick.machine.inputs.v1") == INPUTS_TAG
    assert EVERYTHING.hash() == keccak(INPUTS_TAG + encoded)


@pytest.mark.parametrize("field", [field.name for field in fields(Inputs)])
def test_any_field_changed_gives_another_hash(field: str) -> None:
    empty = Inputs(item=0, time=0)
    changed = replace(EVERYTHING, **{field: getattr(empty, field)})
    assert changed.hash() != EVERYTHING.hash()


def test_what_is_not_known_is_zero() -> None:
    assert [encode_word(word) for word in Inputs(item=0, time=0).words()] == [ZERO_HASH] * 19
