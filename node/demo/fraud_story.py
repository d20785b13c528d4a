"""What `tallystick demo fraud` tells: the values of its story."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.dispute.faults import FaultKind
from bridge.games import GameStatus
from node.demo.facts import Fact
from node.dispute.step_proof import L1Answer
from node.dispute.step_view import StepView
from state.types import Address, BlockNumber, Gas, Hash32, Wei


@dataclass(frozen=True, slots=True)
class Accusation:
    """Two roots of one block, and who stands for which."""

    kind: FaultKind | None
    """What is lied about; None for a lie that we can't name."""
    game: Address
    block: BlockNumber
    anchor_block: BlockNumber
    """The last block that L1 takes for settled: the dispute is about what came after it."""
    claimed_root: Hash32
    right_root: Hash32 | None
    """None where the inbox has no such block."""
    liar: Address
    challenger: Address
    bond: Wei
    """What the root claim stakes."""
    clock_seconds: int
    """What each side has for all its answers."""

    @property
    def is_root_right(self) -> bool:
        """Whether the lie is the dispute itself, of a root that is right."""
        return self.claimed_root == self.right_root


@dataclass(frozen=True, slots=True)
class Round:
    """One answer, and what is left to differ about."""

    depth: int
    depth_max: int
    claimant: Address
    bond: Wei
    first_step: int
    """Trace index of the first step in doubt."""
    last_step: int
    place: str
    """Where these steps are, in words."""

    @property
    def steps_in_doubt(self) -> int:
        return self.last_step - self.first_step + 1


@dataclass(frozen=True, slots=True)
class Ruling:
    """The one step that was left, and what L1 made of it."""

    view: StepView
    """The step as it is right."""
    place: str
    claimed: Hash32
    """The state that follows according to the liar."""
    claimed_stack: tuple[int, ...] | None
    """The liar's stack after an instruction, from the bottom up."""
    claimed_gas: Gas | None
    """What the liar's frame has left after an instruction."""
    facts: tuple[Fact, ...]
    """What both sides say differently of the state after any other step."""
    answer: L1Answer
    gas: Gas | None
    """Of the transaction that refuted the leaf; None where L1 refused the liar's step instead."""
    refusal: str | None
    """What L1 said to the liar's step; None where the liar had none to make."""


@dataclass(frozen=True, slots=True)
class Purse:
    """What one account staked in the game, and what the game gave it. In wei."""

    name: str
    account: Address
    claims: int
    staked: Wei
    paid: Wei

    @property
    def gain(self) -> int:
        return self.paid - self.staked


@dataclass(frozen=True, slots=True)
class FraudStory:
    """The whole of it."""

    accusation: Accusation
    rounds: tuple[Round, ...]
    ruling: Ruling
    status: GameStatus
    purses: tuple[Purse, ...]
    payout_to_challenger: Wei
    """What the game's payout brought the challenger on L1; 0 where it was sent before."""
    refused_withdrawal: str | None
    """What the Portal said to the withdrawal that nobody sent; None where none was tried."""
    anchor_block: BlockNumber
    """The newest block that L1 takes for settled in the end."""
    anchor_root: Hash32
    seconds: int


class Audience(Protocol):
    """Is told the story while it happens."""

    def waiting(self, what: str) -> None:
        """What is being done right now."""

    def told(self, done: str, detail: str) -> None:
        """Something was done, and what came of it."""

    def accused(self, accusation: Accusation) -> None:
        """Two roots contradict each other."""

    def narrowed(self, rounds: Sequence[Round]) -> None:
        """One more answer: the last of `rounds`."""

    def ruled(self, ruling: Ruling) -> None:
        """The last step is decided."""
