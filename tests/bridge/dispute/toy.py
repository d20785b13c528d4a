"""A machine small enough for thousands of games: it counts, in one of several worlds.

A state is (world, steps so far), and its one successor has one step more. A liar's trace leaves
world 0, the true one, at some step; from there on it is consistent with itself."""

from dataclasses import dataclass

from bridge.dispute.errors import InvalidPlay
from state.errors import Unavailable
from state.keccak import keccak
from state.types import Hash32

TRUE_WORLD = 0


class NoPreimage(InvalidPlay):
    """Nobody can open a hash that no state has: the prover reverts, whatever the witness."""


class CountingMachine:
    """Makes states and steps; remembers the states that were made, as whoever made them could."""

    def __init__(self) -> None:
        self._states: dict[Hash32, tuple[int, int]] = {}
        self._hashes: dict[tuple[int, int], Hash32] = {}

    def state(self, world: int, steps: int) -> Hash32:
        """Hash of the state after that many steps."""
        key = (world, steps)
        if key not in self._hashes:
            found = keccak(world.to_bytes(32, "big") + steps.to_bytes(32, "big"))
            self._hashes[key] = found
            self._states[found] = key
        return self._hashes[key]

    def successor(self, pre_state: Hash32, trace_index: int) -> Hash32:
        """What the prover answers: the successor of the state, wherever it is claimed to stand."""
        if pre_state not in self._states:
            raise NoPreimage(f"no state before step {trace_index} has this hash")
        world, steps = self._states[pre_state]
        return self.state(world, steps + 1)


@dataclass(frozen=True)
class CountingTrace:
    """A trace of the machine, true up to `lies_from` steps. No index past `known_to` is
    available."""

    machine: CountingMachine
    lies_from: int | None = None
    world: int = 1
    known: range | None = None

    def claim_at(self, trace_index: int) -> Hash32:
        if self.known is not None and trace_index not in self.known:
            raise Unavailable(f"step {trace_index} isn't derived yet")
        is_true = self.lies_from is None or trace_index < self.lies_from
        return self.machine.state(TRUE_WORLD if is_true else self.world, trace_index + 1)
