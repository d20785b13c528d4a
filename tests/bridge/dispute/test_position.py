"""Positions: the arithmetic of the tree over the trace."""

import random

import pytest

from bridge.dispute import limits
from bridge.dispute.position import ROOT_POSITION, Position


def walk(rng: random.Random, depth: int) -> list[Position]:
    """The positions of a path of moves from the root to `depth`."""
    path = [ROOT_POSITION, ROOT_POSITION.attack]
    while path[-1].depth < depth:
        path.append(path[-1].move(rng.random() < 0.5))
    return path


def test_trace_index_of_the_root_is_the_last_step():
    assert ROOT_POSITION.trace_index(4) == 15
    assert ROOT_POSITION.trace_index(limits.DEPTH_MAX) == 2**limits.DEPTH_MAX - 1


def test_trace_index_of_first_and_last_leaf():
    assert Position(1 << 4).trace_index(4) == 0
    assert Position((1 << 5) - 1).trace_index(4) == 15


def test_attack_bisects_the_interval_that_ends_at_the_claim():
    assert Position(2).trace_index(4) == 7
    assert Position(2).attack == Position(4)
    assert Position(2).attack.trace_index(4) == 3


def test_defend_bisects_the_interval_that_begins_at_the_claim():
    assert Position(2).defend == Position(6)
    assert Position(2).defend.trace_index(4) == 11


def test_defend_of_the_root_is_refused():
    with pytest.raises(ValueError):
        _ = ROOT_POSITION.defend


@pytest.mark.parametrize("gindex", [0, -1, 2 << limits.DEPTH_MAX])
def test_position_outside_of_every_tree_is_refused(gindex: int):
    with pytest.raises(ValueError):
        Position(gindex)


def test_moves_lead_to_even_positions_only():
    for position in walk(random.Random(1), limits.DEPTH_MAX)[1:]:
        assert position.gindex % 2 == 0


def test_leaf_before_the_first_step_is_the_anchor():
    assert Position(1 << 5).before is None


@pytest.mark.parametrize("depth", [2, 3, 8, limits.DEPTH_MAX])
def test_both_ends_of_a_leaf_stand_on_its_path(depth: int):
    rng = random.Random(depth)
    for _ in range(50):
        path = walk(rng, depth)
        leaf = path[-1]
        index = leaf.trace_index(depth)
        assert leaf.after in path
        assert leaf.after.trace_index(depth) == index + 1
        if leaf.before is not None:
            assert leaf.before in path
            assert leaf.before.trace_index(depth) == index - 1


def test_siblings_order_as_the_trace_does():
    parent = Position(6)
    assert parent.attack < parent.defend
    assert parent.attack.trace_index(8) < parent.trace_index(8) < parent.defend.trace_index(8)
