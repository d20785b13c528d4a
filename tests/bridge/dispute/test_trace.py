"""The right trace of a game: states at any place, proofs, and what isn't known yet."""

from dataclasses import replace

import pytest

from bridge.dispute.limits import DEPTH_MAX
from bridge.dispute.trace import (
    BLOCK_STEPS,
    AnchorDiverged,
    ChainTrace,
    NotDerived,
    TraceBook,
)
from bridge.machine.bare import bare_words, boundary_machine_hash
from bridge.machine.errors import PrefixIncomplete
from execution.machine.state import MACHINE_TAG
from execution.machine.status import Status
from execution.machine.words import commit
from state.types import BlockNumber, Hash32
from tests.bridge.dispute.conftest import DisputedChain

LAST_INDEX = 2**DEPTH_MAX - 1


def boundary_hash(disputed: DisputedChain, number: int) -> Hash32:
    root = disputed.local.view.output_root(BlockNumber(number))
    assert root is not None
    return boundary_machine_hash(root)


def exhausted_hash(disputed: DisputedChain, number: int) -> Hash32:
    root = disputed.local.view.output_root(BlockNumber(number))
    assert root is not None
    return commit(MACHINE_TAG, bare_words(Status.EXHAUSTED, root))


def test_states_between_blocks_are_their_boundaries(disputed: DisputedChain) -> None:
    trace = ChainTrace(disputed.local, disputed.subject(3))

    for number in range(4):
        assert trace.state_after(number * BLOCK_STEPS) == boundary_hash(disputed, number)
    assert trace.claim_at(BLOCK_STEPS - 1) == boundary_hash(disputed, 1)


def test_right_root_claim_is_the_last_state_of_the_trace(disputed: DisputedChain) -> None:
    trace = ChainTrace(disputed.local, disputed.subject(2))

    assert trace.reaches_claim
    assert trace.claim_at(LAST_INDEX) == boundary_hash(disputed, 2)


def test_states_asked_in_any_order_are_the_same(disputed: DisputedChain) -> None:
    places = [40, 7, 1, BLOCK_STEPS + 90, 41, BLOCK_STEPS + 3]
    forth = ChainTrace(disputed.local, disputed.subject(3))
    back = ChainTrace(disputed.local, disputed.subject(3))

    assert [forth.state_after(n) for n in places] == [back.state_after(n) for n in places[::-1]][
        ::-1
    ]


def test_proof_begins_and_ends_with_the_states_around_the_step(disputed: DisputedChain) -> None:
    trace = ChainTrace(disputed.local, disputed.subject(3))

    for index in (0, 1, 50, BLOCK_STEPS - 1, BLOCK_STEPS, 2**30, LAST_INDEX):
        proof = trace.proof(index)
        assert proof.before == trace.state_after(index)
        assert proof.after == trace.state_after(index + 1)


def test_padded_leaf_witness_opens_the_boundary_only_where_a_block_would_begin(
    disputed: DisputedChain,
) -> None:
    trace = ChainTrace(disputed.local, disputed.subject(2))

    inside, begins = trace.proof(5 * BLOCK_STEPS + 1), trace.proof(5 * BLOCK_STEPS)

    assert inside.before == inside.after == begins.before == begins.after
    assert len(inside.witness) == 11 * 32
    assert len(begins.witness) == (11 + 12) * 32


def test_root_for_a_future_block_ends_exhausted(disputed: DisputedChain) -> None:
    trace = ChainTrace(disputed.local, disputed.subject(7))

    assert not trace.reaches_claim
    assert trace.state_after(3 * BLOCK_STEPS) == boundary_hash(disputed, 3)
    for steps in (3 * BLOCK_STEPS + 1, 4 * BLOCK_STEPS, 2**DEPTH_MAX):
        assert trace.state_after(steps) == exhausted_hash(disputed, 3)


def test_root_beyond_its_inbox_prefix_ends_exhausted(disputed: DisputedChain) -> None:
    trace = ChainTrace(disputed.local, disputed.subject(3, items=disputed.first_items))

    assert not trace.reaches_claim
    assert trace.claim_at(LAST_INDEX) == exhausted_hash(disputed, 2)


def test_prefix_longer_than_the_log_is_incomplete(disputed: DisputedChain) -> None:
    subject = disputed.subject(3, items=len(disputed.inbox.items) + 1)

    with pytest.raises(PrefixIncomplete):
        ChainTrace(disputed.local, subject)


def test_anchor_that_we_do_not_arrive_at_is_an_error(disputed: DisputedChain) -> None:
    subject = replace(disputed.subject(3), anchor_root=Hash32(b"\x77" * 32))

    with pytest.raises(AnchorDiverged, match="no dispute above it can be played"):
        ChainTrace(disputed.local, subject)


def test_anchor_that_is_not_derived_yet_is_waited_for(disputed: DisputedChain) -> None:
    subject = replace(disputed.subject(9), anchor_block=BlockNumber(8))

    with pytest.raises(NotDerived, match="block 8 is not derived yet"):
        ChainTrace(disputed.local, subject)


def test_state_beyond_the_trace_is_none_of_it(disputed: DisputedChain) -> None:
    trace = ChainTrace(disputed.local, disputed.subject(3))

    with pytest.raises(ValueError, match="no state after"):
        trace.state_after(2**DEPTH_MAX + 1)


def test_trace_book_keeps_a_games_trace(disputed: DisputedChain) -> None:
    book = TraceBook(disputed.local)
    subject = disputed.subject(3)

    assert book.trace_of(subject) is book.trace_of(replace(subject))
    assert book.trace_of(subject) is not book.trace_of(disputed.subject(2))
