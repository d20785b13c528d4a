"""How a game narrows, in words and numbers."""

import pytest

from bridge.dispute.clock import ClockRules
from bridge.dispute.game import Claim, GameRules, GameState
from bridge.dispute.limits import DEPTH_MAX
from bridge.dispute.position import ROOT_POSITION, Position
from bridge.dispute.reader import Dispute
from bridge.dispute.trace import BLOCK_STEPS, Subject
from node.dispute import happenings
from node.dispute.happenings import place, span
from state.types import Address, BlockNumber, Hash32, Timestamp, Wei

ROOT = Hash32(b"\x01" * 32)
GAME = Address(b"\x99" * 20)
PROPOSER = Address(b"\x88" * 20)


def dispute(anchor_block: int = 4) -> Dispute:
    rules = GameRules(DEPTH_MAX, ClockRules(60, 15), Wei(10**17), 5)
    claim = Claim(0, None, ROOT_POSITION, ROOT, PROPOSER, Wei(10**17), 0, Timestamp(1_000))
    subject = Subject(ROOT, BlockNumber(anchor_block), BlockNumber(9), 12)
    game = GameState(rules, ROOT, (claim,))
    return Dispute(
        address=GAME,
        proposer=PROPOSER,
        output_root=ROOT,
        subject=subject,
        created_at=Timestamp(1_000),
        game=game,
        read_at=Timestamp(1_007),
    )


def test_span_of_first_attack_is_the_whole_trace() -> None:
    assert span(ROOT_POSITION.attack, DEPTH_MAX) == (0, 2**DEPTH_MAX - 1)


def test_span_halves_with_every_answer_and_holds_the_claims_own_step() -> None:
    position = ROOT_POSITION.attack
    first, last = span(position, DEPTH_MAX)
    for is_attack in (True, False, False, True, False) * 9:
        position = position.move(is_attack)
        narrower = span(position, DEPTH_MAX)
        assert first <= narrower[0] <= position.trace_index(DEPTH_MAX) < narrower[1] <= last
        assert narrower[1] - narrower[0] + 1 == (last - first + 1) // 2
        first, last = narrower
    assert position.depth == DEPTH_MAX
    assert last - first == 1


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (0, 2**46 - 1, "blocks 5 to 1,048,580"),
        (BLOCK_STEPS, 3 * BLOCK_STEPS - 1, "blocks 6 to 7"),
        (2 * BLOCK_STEPS, 3 * BLOCK_STEPS - 1, "steps 0 to 67,108,863 of block 7"),
        (2 * BLOCK_STEPS + 8, 2 * BLOCK_STEPS + 9, "steps 8 to 9 of block 7"),
        (2 * BLOCK_STEPS + 8, 2 * BLOCK_STEPS + 8, "step 8 of block 7"),
    ],
)
def test_place_counts_blocks_from_the_anchor_on(first: int, last: int, words: str) -> None:
    assert place(dispute(), first, last) == words


def test_wrong_root_names_block_both_roots_and_game() -> None:
    told = happenings.wrong_root(dispute(), Hash32(b"\x02" * 32))

    assert "block 9" in told.sentence
    assert "0x0101" in told.sentence
    assert "right is 0x0202" in told.sentence
    assert told.json() == {
        "event": "wrongRoot",
        "game": "0x" + "99" * 20,
        "l2Block": 9,
        "proposer": "0x" + "88" * 20,
        "claimedRoot": "0x" + "01" * 32,
        "rightRoot": "0x" + "02" * 32,
    }


def test_wrong_root_of_a_block_that_l1_does_not_determine_says_so() -> None:
    told = happenings.wrong_root(dispute(), None)

    assert "the inbox ends before that block" in told.sentence
    assert told.details["rightRoot"] is None


def test_position_two_levels_below_an_attack_is_in_its_span() -> None:
    first, last = span(Position(0b100), DEPTH_MAX)

    assert (first, last) == (0, 2 ** (DEPTH_MAX - 1) - 1)
