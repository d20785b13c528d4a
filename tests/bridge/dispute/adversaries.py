"""Players who want the wrong outcome, or honest bonds, or just to be in the way."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bridge.dispute.game import Claim, Step
from bridge.dispute.solver import Trace, next_moves
from state.types import Address, Hash32, Timestamp
from tests.bridge.dispute.arena import HONEST, Arena, Player
from tests.bridge.dispute.toy import CountingTrace


def any_claim(arena: Arena, rng: random.Random) -> Claim:
    """Any claim, half the time a recent one: that is where a game goes on."""
    claims = arena.game.claims
    return rng.choice(claims[-8:] if rng.random() < 0.5 else claims)


def adversary_address(number: int) -> Address:
    return Address(bytes([0xBB, number]) + bytes(18))


@dataclass
class ConsistentLiar:
    """Plays the honest strategy for a trace of its own: the strongest lie there is."""

    address: Address
    trace: Trace

    def play(self, arena: Arena) -> None:
        for action in next_moves(arena.game, self.trace, self.address, arena.now):
            arena.attempt(action, self.address)


@dataclass
class RandomMover:
    """Answers any claim with any state: right ones, right ones elsewhere, a liar's, or noise."""

    address: Address
    rng: random.Random
    answers_max: int = 6

    def play(self, arena: Arena) -> None:
        for _ in range(self.rng.randint(0, self.answers_max)):
            parent = any_claim(arena, self.rng)
            is_attack = self.rng.random() < 0.5
            arena.answer(parent, self._claim(arena, parent), self.address, is_attack=is_attack)

    def _claim(self, arena: Arena, parent: Claim) -> Hash32:
        kind = self.rng.randrange(5)
        if kind == 0:
            return Hash32(self.rng.randbytes(32))
        if kind == 1:
            return self.rng.choice(arena.game.claims).claim
        if kind == 2:
            return arena.machine.state(self.rng.randint(0, 2), self.rng.randrange(20))
        trace = CountingTrace(arena.machine, lies_from=None if kind == 3 else 0)
        return trace.claim_at(self._index(arena, parent))

    def _index(self, arena: Arena, parent: Claim) -> int:
        """Where an answer to `parent` would stand, were it allowed; else anywhere."""
        depth = arena.rules.max_depth
        if parent.position.is_root or parent.position.depth == depth:
            return self.rng.randrange(1 << depth)
        return parent.position.move(self.rng.random() < 0.5).trace_index(depth)


@dataclass
class Spammer:
    """Gives one claim many answers."""

    address: Address
    rng: random.Random

    def play(self, arena: Arena) -> None:
        parent = any_claim(arena, self.rng)
        for _ in range(self.rng.randint(2, 6)):
            noise = Hash32(self.rng.randbytes(32))
            arena.answer(parent, noise, self.address, is_attack=self.rng.random() < 0.5)


@dataclass
class Freeloader:
    """Says what honest claims say: beside them on the other side, and under wrong parents."""

    address: Address
    rng: random.Random

    def play(self, arena: Arena) -> None:
        honest = [c for c in arena.game.claims if c.claimant == HONEST]
        for claim in self.rng.sample(honest, min(3, len(honest))):
            parents = [any_claim(arena, self.rng)]
            if claim.parent_index is not None:
                parents.append(arena.game.claims[claim.parent_index])
            for parent in parents:
                for is_attack in (True, False):
                    arena.answer(parent, claim.claim, self.address, is_attack=is_attack)


@dataclass
class Overtaker:
    """Makes some of the honest player's moves and steps itself, a moment earlier."""

    address: Address
    rng: random.Random

    def play(self, arena: Arena) -> None:
        honest = CountingTrace(arena.machine)
        for action in next_moves(arena.game, honest, self.address, arena.now):
            if self.rng.random() < 0.5:
                arena.attempt(action, self.address)


@dataclass
class Poisoner:
    """Brings wrong states to both ends of a leaf's step, then tries every step at every leaf."""

    address: Address
    rng: random.Random
    trace: Trace

    def play(self, arena: Arena) -> None:
        depth = arena.rules.max_depth
        path = any_claim(arena, self.rng)
        while path.position.depth < depth:
            is_attack = path.position.is_root or self.rng.random() < 0.5
            index = path.position.move(is_attack).trace_index(depth)
            claim = self.rng.choice((self.trace, CountingTrace(arena.machine))).claim_at(index)
            if not arena.answer(path, claim, self.address, is_attack=is_attack):
                break
            path = arena.game.claims[-1]
        try_every_step(arena, self.address)


@dataclass
class LastSecond:
    """Sometimes waits until one second before a claim's time is over, then lets another play."""

    player: Player
    rng: random.Random

    @property
    def address(self) -> Address:
        return self.player.address

    def play(self, arena: Arena) -> None:
        waits = sorted({arena.expiry(claim) - 1 for claim in arena.open_claims()})
        if waits and self.rng.random() < 0.2:
            arena.now = Timestamp(self.rng.choice(waits))
        self.player.play(arena)


def try_every_step(arena: Arena, player: Address) -> None:
    """Step on every leaf both ways; those of honest claims are refused."""
    for claim in arena.game.claims:
        if claim.position.depth == arena.rules.max_depth:
            index = claim.position.trace_index(arena.rules.max_depth)
            arena.attempt(Step(claim.index, True, index), player)
            arena.attempt(Step(claim.index, False, index + 1), player)
