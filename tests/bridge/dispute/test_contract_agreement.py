"""The model plays as the contract does: the same games on both, move by move, error by error."""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from bridge.dispute.errors import InvalidPlay
from bridge.dispute.game import Claim, Move, Resolve, ResolveClaim, Step
from bridge.dispute.position import Position
from bridge.dispute.solver import Resolution, claimable
from bridge.games import GameStatus
from state.types import Address, Hash32, Timestamp, Wei
from tests.bridge.contracts import game as l1
from tests.bridge.dispute.adversaries import adversary_address
from tests.bridge.dispute.arena import (
    CLOCKS,
    HONEST,
    PAYOUT_DELAY,
    ROOT_BOND,
    START,
    Arena,
    Honest,
    check_honest_outcome,
    play_game,
    root_of,
)
from tests.bridge.dispute.test_random_games import RESPONSES, liar_trace, random_player
from tests.bridge.dispute.toy import CountingMachine, CountingTrace, NoPreimage

GAMES = 200 if os.environ.get("TALLYSTICK_ALL") else 24
PLAYERS = (HONEST, *map(adversary_address, range(4)))


class L1Machine(CountingMachine):
    """The machine of CountingProver.sol; a world's words are off by its number."""

    def __init__(self, truth: l1.Trace) -> None:
        super().__init__()
        self._truth = truth
        self._words: dict[Hash32, int] = {}

    def state(self, world: int, steps: int) -> Hash32:
        return self._commit(int.from_bytes(self._truth.count(steps), "big") + world)

    def successor(self, pre_state: Hash32, trace_index: int) -> Hash32:
        if pre_state not in self._words:
            raise NoPreimage
        return self._commit(self._words[pre_state] + self._truth.fixed + trace_index)

    def word(self, state: Hash32) -> bytes:
        """What hashes to the state; nothing does if nobody made it."""
        return self._words.get(state, 0).to_bytes(32, "big")

    def _commit(self, word: int) -> Hash32:
        word %= 2**256
        state = Hash32(l1.boundary_state(word.to_bytes(32, "big")))
        self._words[state] = word
        return state


class MirroredArena(Arena):
    """Every transaction goes to the contract as well, and must end there as in the model."""

    machine: L1Machine

    def __init__(self, max_depth: int, liar_seed: random.Random | None, proposer: Address) -> None:
        rig = l1.Rig(max_depth)
        for player in PLAYERS:
            rig.vm.fund(player, 10**30)
        rig.wait_until(START)
        machine = L1Machine(rig.truth)
        liar = None if liar_seed is None else liar_trace(machine, liar_seed, max_depth)
        root = root_of(machine, liar, max_depth)
        super().__init__(max_depth, root, proposer, machine)
        self.contract = rig.propose(machine.word(root), proposer)
        self.agree()

    def do(self, action: Move | Step, player: Address) -> None:
        if isinstance(action, Move):
            self.move(action, player, self.bond_of(action))
        else:
            self._both(
                lambda: super(MirroredArena, self).do(action, player),
                lambda: self._step(action, player),
            )

    def move(self, move: Move, player: Address, bond: Wei) -> None:
        """A move with any bond at all."""

        def on_model() -> None:
            self.model.move(move, player, bond, self.now)
            self.staked[player] += bond
            self._state = None

        self._both(
            on_model,
            lambda: self.contract.move(
                move.parent_index,
                move.claim,
                attack=move.is_attack,
                sender=player,
                value=bond,
                expected=move.parent_claim,
            ),
        )

    def resolve(self, action: Resolution) -> None:
        def on_contract() -> None:
            if isinstance(action, Resolve):
                self.contract.resolve()
            else:
                self.contract.resolve_claim(action.claim_index, action.answers_max)

        self._both(lambda: super(MirroredArena, self).resolve(action), on_contract)

    def claim_credit(self, player: Address) -> None:
        self._both(
            lambda: super(MirroredArena, self).claim_credit(player),
            lambda: self.contract.claim_credit(player),
        )

    def agree(self) -> None:
        """Claims, clocks, bonds, credits and status are the contract's."""
        game = self.game
        assert [_claim(i, c) for i, c in enumerate(self.contract.claims())] == list(game.claims)
        assert self.contract.status() == game.status
        for player in PLAYERS:
            assert self.contract.credit(player) == self.credit(player)
        for claim in game.claims:
            expiry = self.contract.expiry(claim.index)
            assert game.is_expired(claim, Timestamp(expiry))
            assert not game.is_expired(claim, Timestamp(expiry - 1))

    def _step(self, step: Step, player: Address) -> None:
        leaf = self.game.claims[step.claim_index]
        witness = bytes(32)
        if leaf.position.depth == self.rules.max_depth:
            case = self.game.step_case(leaf, is_attack=step.is_attack)
            assert case.trace_index == step.trace_index
            witness = self.machine.word(case.pre_state)
        self.contract.step(step.claim_index, attack=step.is_attack, sender=player, witness=witness)

    def _both(self, on_model: Callable[[], object], on_contract: Callable[[], object]) -> None:
        """Do it on the contract, which must refuse it for the model's reason if that does."""
        self.contract.rig.wait_until(self.now)
        refusal: InvalidPlay | None = None
        before = self.game
        try:
            on_model()
        except InvalidPlay as error:
            refusal = error
            assert self.model.state() == before
        if refusal is None:
            on_contract()
            return
        name = "WrongWitness" if isinstance(refusal, NoPreimage) else type(refusal).__name__
        with l1.refuses(name):
            on_contract()
        raise refusal


def _claim(index: int, claim: l1.Claim) -> Claim:
    return Claim(
        index=index,
        parent_index=None if claim.parent_index == l1.NO_PARENT else claim.parent_index,
        position=Position(claim.position),
        claim=Hash32(claim.claim),
        claimant=claim.claimant,
        bond=Wei(claim.bond),
        clock_used=claim.clock_used,
        made_at=Timestamp(claim.made_at),
        countered_by=None if claim.countered_by == l1.NOBODY else claim.countered_by,
        is_resolved=claim.resolved,
    )


class RuleBreaker:
    """Sends whatever the rules refuse, and now and then something that they don't."""

    def __init__(self, rng: random.Random) -> None:
        self.address = adversary_address(3)
        self.rng = rng

    def play(self, arena: Arena) -> None:
        assert isinstance(arena, MirroredArena)
        for _ in range(4):
            try:
                self._break_a_rule(arena)
            except InvalidPlay:
                continue

    def _break_a_rule(self, arena: MirroredArena) -> None:
        rng, claims = self.rng, arena.game.claims
        claim = rng.choice(claims)
        known = rng.choice(claims).claim
        move = Move(claim.index, rng.choice((claim.claim, known)), known, rng.random() < 0.5)
        choice = rng.randrange(5)
        if choice == 0:
            arena.move(move, self.address, Wei(arena.bond_of(move) + rng.randint(-1, 1)))
        elif choice == 1:
            index = claim.position.trace_index(arena.rules.max_depth)
            is_attack = rng.random() < 0.5
            arena.do(Step(claim.index, is_attack, index + (not is_attack)), self.address)
        elif choice == 2:
            arena.resolve(ResolveClaim(claim.index, rng.randrange(4)))
        elif choice == 3:
            arena.resolve(Resolve())
        else:
            arena.claim_credit(rng.choice(PLAYERS))


def test_rules_of_the_rig_are_those_of_the_arena():
    assert (CLOCKS.duration, CLOCKS.extension) == (l1.CLOCK, l1.EXTENSION)
    assert (ROOT_BOND, PAYOUT_DELAY) == (l1.BOND, l1.PAYOUT)


@pytest.mark.parametrize("seed", range(GAMES))
def test_random_game_on_the_contract_and_on_the_model_is_the_same(seed: int):
    rng = random.Random(seed)
    max_depth = 2 + seed % 5
    is_right = rng.random() < 0.4
    arena = MirroredArena(max_depth, None if is_right else rng, adversary_address(0))
    others = [random_player(i, arena.machine, rng, max_depth) for i in range(rng.randint(1, 3))]
    honest = Honest(CountingTrace(arena.machine))
    honest.play(arena)
    breaker = RuleBreaker(rng)
    play_game(arena, honest, [*others, breaker], rng, rounds=5, response=rng.choice(RESPONSES))
    arena.agree()
    check_honest_outcome(arena, is_root_right=is_right)
    breaker.play(arena)
    arena.agree()
    _check_payout(arena)


def _check_payout(arena: MirroredArena) -> None:
    """After the delay the honest player is paid all it is owed, once."""
    arena.wait(PAYOUT_DELAY)
    owed = claimable(arena.game, HONEST, arena.now)
    before = arena.contract.rig.vm.balance(HONEST)
    if owed:
        arena.claim_credit(HONEST)
    assert arena.contract.rig.vm.balance(HONEST) == before + owed
    with pytest.raises(InvalidPlay):
        arena.claim_credit(HONEST)
    arena.agree()


@pytest.mark.parametrize("seed", range(GAMES // 4))
def test_out_of_order_and_paged_resolution_on_the_contract_and_on_the_model_is_the_same(seed: int):
    """Claims resolved in any order, in pages of any size, refused alike where it's too early."""
    rng = random.Random(1_000 + seed)
    arena = MirroredArena(3, rng, adversary_address(0))
    others = [random_player(i, arena.machine, rng, 3) for i in range(3)]
    for _ in range(6):
        for player in others:
            player.play(arena)
    arena.wait(CLOCKS.longest_game(3))
    tries = 0
    while arena.game.status is GameStatus.IN_PROGRESS:
        tries += 1
        indexes = range(len(arena.game.claims))
        actions = [ResolveClaim(i, rng.randint(1, 3)) for i in indexes if rng.random() < 0.5]
        for action in rng.sample(actions, len(actions)):
            try:
                arena.resolve(action)
            except InvalidPlay:
                continue
        arena.agree()
        if all(claim.is_resolved for claim in arena.game.claims):
            arena.resolve(Resolve())
        assert tries < 100
    total = sum(claim.bond for claim in arena.game.claims)
    assert sum(credit.amount for credit in arena.game.credits) == total
    arena.agree()
