"""Random games: against whatever players and however they collude, the honest one wins and is
paid."""

from __future__ import annotations

import os
import random

import pytest

from bridge.dispute import limits
from state.types import Address
from tests.bridge.dispute.adversaries import (
    ConsistentLiar,
    Freeloader,
    LastSecond,
    Overtaker,
    Poisoner,
    RandomMover,
    Spammer,
    adversary_address,
)
from tests.bridge.dispute.arena import (
    CLOCKS,
    HONEST,
    Arena,
    Honest,
    Player,
    check_honest_outcome,
    check_stakes_bounded,
    play_game,
    root_of,
)
from tests.bridge.dispute.toy import CountingMachine, CountingTrace

SEEDS = 30_000 if os.environ.get("TALLYSTICK_ALL") else 2_000
SEEDS_PER_TEST = 100
RESPONSES = (0, 1, CLOCKS.extension // 2, CLOCKS.extension - 1)
"""Seconds in which the honest player answers: at most one less than the extension."""


def liar_trace(machine: CountingMachine, rng: random.Random, max_depth: int) -> CountingTrace:
    """True up to a random step, the first and the last included."""
    last = (1 << max_depth) - 1
    lies_from = rng.choice((0, last, rng.randint(0, last), rng.randint(0, last)))
    return CountingTrace(machine, lies_from, world=rng.randint(1, 3))


def random_player(
    number: int, machine: CountingMachine, rng: random.Random, max_depth: int
) -> Player:
    address = adversary_address(number)
    trace = liar_trace(machine, rng, max_depth)
    players: tuple[Player, ...] = (
        ConsistentLiar(address, trace),
        RandomMover(address, rng),
        Spammer(address, rng),
        Freeloader(address, rng),
        Overtaker(address, rng),
        Poisoner(address, rng, trace),
    )
    player = rng.choice(players)
    return LastSecond(player, rng) if rng.random() < 0.4 else player


def random_game(seed: int, max_depth: int, *, rounds: int) -> tuple[Arena, bool]:
    """A game with a right or wrong root, by a liar or the honest player; and which root it was."""
    rng = random.Random(seed)
    machine = CountingMachine()
    others = [random_player(i, machine, rng, max_depth) for i in range(rng.randint(1, 4))]
    liar = liar_trace(machine, rng, max_depth) if rng.random() < 0.6 else None
    proposer: Address = HONEST if liar is None and rng.random() < 0.5 else adversary_address(0)
    arena = Arena(max_depth, root_of(machine, liar, max_depth), proposer, machine)
    honest = Honest(CountingTrace(machine))
    arena.wait(rng.choice((0, 1, CLOCKS.duration // 2, CLOCKS.duration - 1)))
    honest.play(arena)
    play_game(arena, honest, others, rng, rounds=rounds, response=rng.choice(RESPONSES))
    return arena, liar is None


def check_game(seed: int, max_depth: int, *, rounds: int) -> None:
    arena, is_root_right = random_game(seed, max_depth, rounds=rounds)
    check_honest_outcome(arena, is_root_right=is_root_right)
    check_stakes_bounded(arena)


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_random_games_honest_player_always_wins_and_loses_no_bond(first: int):
    for seed in range(first, first + SEEDS_PER_TEST):
        check_game(seed, max_depth=3 + seed % 6, rounds=10)


@pytest.mark.parametrize("seed", range(40 if os.environ.get("TALLYSTICK_ALL") else 12))
def test_random_games_of_full_depth_honest_player_always_wins(seed: int):
    check_game(10_000_000 + seed, limits.DEPTH_MAX, rounds=40)
