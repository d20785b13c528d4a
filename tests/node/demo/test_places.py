"""A place in a trace has the name that a newcomer would give it."""

import pytest

from bridge.dispute.trace import BLOCK_STEPS, Subject
from node.demo.block_map import BlockMap, Passage
from node.demo.places import Places
from state.types import ZERO_HASH, BlockNumber

MAP = BlockMap(
    (
        Passage(0, "reading its batch"),
        Passage(5, "transaction 1"),
        Passage(10_000, "its roots and header"),
        Passage(10_009, "its end"),
    )
)
SUBJECT = Subject(ZERO_HASH, BlockNumber(7), BlockNumber(9), inbox_count=3)
CLAIMED = BLOCK_STEPS
"""Trace index of the claimed block's first step: one block lies between it and the anchor."""


@pytest.mark.parametrize(
    ("first", "last", "place"),
    [
        (0, 2**46 - 1, "blocks 8 to 9"),
        (0, BLOCK_STEPS - 1, "block 8"),
        (CLAIMED, CLAIMED + BLOCK_STEPS - 1, "block 9"),
        (3 * BLOCK_STEPS, 4 * BLOCK_STEPS - 1, "block 9"),
        (CLAIMED, CLAIMED + 2**20, "block 9, all of its 10,009 steps"),
        (CLAIMED, CLAIMED + 8_191, "block 9, reading its batch to transaction 1"),
        (CLAIMED, CLAIMED + 127, "block 9, steps 0 to 127"),
        (CLAIMED + 8, CLAIMED + 9_000, "block 9, transaction 1"),
        (CLAIMED + 8, CLAIMED + 9, "block 9, transaction 1, steps 8 to 9"),
        (CLAIMED + 10_008, CLAIMED + 10_008, "block 9, its roots and header, step 10,008"),
    ],
)
def test_place_is_named_by_block_then_passage_then_step(first: int, last: int, place: str) -> None:
    assert Places(SUBJECT, MAP).describe(first, last) == place


def test_block_map_counts_steps_up_to_the_end() -> None:
    assert MAP.steps == 10_009
    assert MAP.names(2**20, 2**21) == ("its end",)
