"""Where games are played: one honest player, who answers within a bound, against any others."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import Protocol

from bridge.dispute.clock import ClockRules
from bridge.dispute.errors import InvalidPlay
from bridge.dispute.game import Claim, GameRules, GameState, Move, Resolve, Step
from bridge.dispute.model import GameModel
from bridge.dispute.solver import Resolution, Trace, next_moves, resolutions
from bridge.games import GameStatus
from state.types import Address, Hash32, Timestamp, Wei
from tests.bridge.dispute.toy import TRUE_WORLD, CountingMachine, CountingTrace

HONEST = Address(b"\x01" * 20)
START = Timestamp(1_000_000)
CLOCKS = ClockRules(duration=1_000, extension=50)
ROOT_BOND = Wei(10**17)
PAYOUT_DELAY = 100


def rules_of(max_depth: int) -> GameRules:
    return GameRules(max_depth, CLOCKS, ROOT_BOND, PAYOUT_DELAY)


def right_root(machine: CountingMachine, max_depth: int) -> Hash32:
    return machine.state(TRUE_WORLD, 1 << max_depth)


class Arena:
    """A game, the time, and what each player has staked."""

    def __init__(
        self, max_depth: int, root: Hash32, proposer: Address, machine: CountingMachine
    ) -> None:
        self.machine = machine
        self.rules = rules_of(max_depth)
        self.anchor = machine.state(TRUE_WORLD, 0)
        self.now = START
        self.staked: defaultdict[Address, int] = defaultdict(int)
        self.staked[proposer] += self.rules.bond_at(0)
        self.model = GameModel(self.rules, self.anchor, root, proposer, START, machine.successor)
        self.paid: defaultdict[Address, int] = defaultdict(int)
        self._state: GameState | None = None

    @property
    def game(self) -> GameState:
        """The game as it stands."""
        if self._state is None:
            self._state = self.model.state()
        return self._state

    def wait(self, seconds: int) -> None:
        self.now = Timestamp(self.now + seconds)

    def do(self, action: Move | Step, player: Address) -> None:
        """Play with the bond that the depth asks for. Raises `InvalidPlay`."""
        if isinstance(action, Step):
            self.model.step(action, player)
        else:
            bond = self.bond_of(action)
            self.model.move(action, player, bond, self.now)
            self.staked[player] += bond
        self._state = None

    def bond_of(self, move: Move) -> Wei:
        return self.rules.bond_at(self.game.claims[move.parent_index].position.depth + 1)

    def attempt(self, action: Move | Step, player: Address) -> bool:
        """Play it if the rules allow."""
        try:
            self.do(action, player)
        except InvalidPlay:
            return False
        return True

    def answer(self, parent: Claim, claim: Hash32, player: Address, *, is_attack: bool) -> bool:
        """Make a claim against `parent` if the rules allow."""
        return self.attempt(Move(parent.index, parent.claim, claim, is_attack), player)

    def expiry(self, claim: Claim) -> int:
        """When the time to answer a claim is over."""
        left = self.rules.clocks.duration - self.game.elapsed(claim, self.now)
        return self.now + left

    def open_claims(self) -> list[Claim]:
        """The claims that may still be answered."""
        return [c for c in self.game.claims if not self.game.is_expired(c, self.now)]

    def finish(self) -> None:
        """Let all time pass that a game can take; resolve everything, nothing out of order."""
        limit = START + self.rules.clocks.longest_game(self.rules.max_depth)
        self.now = Timestamp(max(self.now, limit))
        assert self.open_claims() == []
        while plan := resolutions(self.game, self.now):
            for action in plan:
                self.resolve(action)

    def resolve(self, action: Resolution) -> None:
        """Resolve a claim or the game. Raises `InvalidPlay`."""
        if isinstance(action, Resolve):
            self.model.resolve(self.now)
        else:
            self.model.resolve_claim(action, self.now)
        self._state = None

    def claim_credit(self, player: Address) -> None:
        """Pay a player what the game owes it. Raises `InvalidPlay`."""
        self.paid[player] += self.model.claim_credit(player, self.now)
        self._state = None

    def awarded(self, player: Address) -> int:
        """What a player got out of the game or can get."""
        return self.credit(player) + self.paid[player]

    def credit(self, player: Address) -> int:
        return sum(c.amount for c in self.game.credits if c.account == player)


class Player(Protocol):
    """Somebody who may do as they like, whenever they like, within the rules of the contract."""

    address: Address

    def play(self, arena: Arena) -> None: ...


@dataclass
class Honest:
    """Plays what the solver says, all of it, at once. No action of it is ever refused, and each of
    its steps starts from a true state, for which alone it can make a witness."""

    trace: Trace
    address: Address = HONEST

    def play(self, arena: Arena) -> None:
        while moves := next_moves(arena.game, self.trace, self.address, arena.now):
            assert len(set(moves)) == len(moves)
            for move in moves:
                if isinstance(move, Step):
                    self._check_provable(arena.game, move)
                arena.do(move, self.address)

    def _check_provable(self, game: GameState, step: Step) -> None:
        case = game.step_case(game.claims[step.claim_index], is_attack=step.is_attack)
        assert case.trace_index == step.trace_index
        if step.trace_index == 0:
            assert case.pre_state == game.anchor
        else:
            assert case.pre_state == self.trace.claim_at(step.trace_index - 1)


def play_game(
    arena: Arena,
    honest: Honest,
    others: list[Player],
    rng: random.Random,
    *,
    rounds: int,
    response: int,
) -> None:
    """Let the others play in any order; the honest player comes `response` seconds after each."""
    for _ in range(rounds):
        for player in rng.sample(others, len(others)):
            player.play(arena)
            arena.wait(response)
            honest.play(arena)
            arena.wait(rng.choice((0, 0, 1, 50)))
    arena.finish()


def check_honest_outcome(arena: Arena, *, is_root_right: bool) -> None:
    """The root is judged rightly; no honest bond is lost; each honest answer earned its
    parent's."""
    game = arena.game
    stands = GameStatus.DEFENDER_WINS if is_root_right else GameStatus.CHALLENGER_WINS
    assert game.status is stands
    owed = sum(credit.amount for credit in game.credits)
    assert owed + sum(arena.paid.values()) == sum(c.bond for c in game.claims)
    made = [c for c in game.claims if c.claimant == HONEST and c.parent_index is not None]
    assert all(c.countered_by is None for c in made)
    answered = [game.claims[c.parent_index or 0] for c in made]
    assert all(c.claimant != HONEST for c in answered)
    stepped = [
        c
        for c in game.claims
        if c.countered_by == HONEST and c.position.depth == arena.rules.max_depth
    ]
    earned = sum(c.bond for c in answered) + sum(c.bond for c in stepped)
    assert arena.awarded(HONEST) == arena.staked[HONEST] + earned


def check_stakes_bounded(arena: Arena) -> None:
    """The honest player never stakes more than twice what the others staked before."""
    at_risk = 0
    others = 0
    for claim in arena.game.claims:
        if claim.claimant != HONEST:
            others += claim.bond
        elif claim.parent_index is not None:
            at_risk += claim.bond
        assert at_risk <= 2 * others


def root_of(machine: CountingMachine, liar: CountingTrace | None, max_depth: int) -> Hash32:
    """The root that a liar proposes, or the right one."""
    trace = liar or CountingTrace(machine)
    return trace.claim_at((1 << max_depth) - 1)
