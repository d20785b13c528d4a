"""Games in which everything is said that can be said, whether true, a liar's, or noise."""

from __future__ import annotations

import random

import pytest

from state.types import Hash32
from tests.bridge.dispute.adversaries import adversary_address, try_every_step
from tests.bridge.dispute.arena import HONEST, Arena, Honest, check_honest_outcome, root_of
from tests.bridge.dispute.toy import CountingMachine, CountingTrace

DEPTH = 4
LEAVES = 2**DEPTH
EVERYBODY = adversary_address(0)


def say_everything(arena: Arena, liar: CountingTrace, rng: random.Random) -> bool:
    """Answer every claim both ways with the true state, the liar's and noise, in random order."""
    answers = [
        (claim, is_attack, kind)
        for claim in arena.game.claims
        if claim.position.depth < DEPTH
        for is_attack in (True, False)
        for kind in range(3)
        if is_attack or not claim.position.is_root
    ]
    said = False
    for claim, is_attack, kind in rng.sample(answers, len(answers)):
        index = claim.position.move(is_attack).trace_index(DEPTH)
        states = (CountingTrace(arena.machine).claim_at(index), liar.claim_at(index), noise(index))
        said |= arena.answer(claim, states[kind], EVERYBODY, is_attack=is_attack)
    return said


def noise(index: int) -> Hash32:
    """No state of any trace."""
    return Hash32(b"\xff" * 24 + index.to_bytes(8, "big"))


@pytest.mark.parametrize("is_root_right", [True, False])
@pytest.mark.parametrize("lies_from", [0, 1, 6, LEAVES // 2, LEAVES - 2, LEAVES - 1])
def test_every_claim_that_can_be_made_is_made_and_the_honest_player_wins(
    lies_from: int, is_root_right: bool
):
    rng = random.Random(lies_from)
    machine = CountingMachine()
    liar = CountingTrace(machine, lies_from)
    root = root_of(machine, None if is_root_right else liar, DEPTH)
    arena = Arena(DEPTH, root, HONEST if is_root_right else EVERYBODY, machine)
    honest = Honest(CountingTrace(machine))
    honest.play(arena)
    while say_everything(arena, liar, rng):
        honest.play(arena)
    try_every_step(arena, EVERYBODY)
    honest.play(arena)
    arena.finish()
    check_honest_outcome(arena, is_root_right=is_root_right)
    # Both ways at each claim, and two states at least where the liar's is the true one.
    assert len(arena.game.claims) >= 1 + 2 + 2 * 4 + 2 * 4**2 + 2 * 4**3


@pytest.mark.parametrize("is_root_right", [True, False])
def test_every_step_taken_by_others_first_still_decides_rightly(is_root_right: bool):
    """The stepper wins the leaf's bond; what is honest stays honest, whoever proves it."""
    rng = random.Random(7)
    machine = CountingMachine()
    liar = CountingTrace(machine, 6)
    root = root_of(machine, None if is_root_right else liar, DEPTH)
    arena = Arena(DEPTH, root, HONEST if is_root_right else EVERYBODY, machine)
    honest = Honest(CountingTrace(machine))
    honest.play(arena)
    while say_everything(arena, liar, rng):
        try_every_step(arena, EVERYBODY)
        honest.play(arena)
    arena.finish()
    check_honest_outcome(arena, is_root_right=is_root_right)
