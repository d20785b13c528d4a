"""What `tallystick demo trade` tells: the values of its story."""

from dataclasses import dataclass
from typing import Protocol

from bridge.games import Game
from genesis.accounts import DevAccount
from node.client import Refusal
from state.types import BlockNumber, Hash32


@dataclass(frozen=True, slots=True)
class Trader:
    """Somebody with an account in the clearing house."""

    name: str
    account: DevAccount
    id: int = 0


@dataclass(frozen=True, slots=True)
class Books:
    """How a trader stands; amounts in q6, size in s8."""

    trader: Trader
    size: int
    cost: int
    cash: int
    equity: int
    initial: int
    maintenance: int
    withdrawable: int
    token_l1: int
    token_l2: int


@dataclass(frozen=True, slots=True)
class Commitment:
    """What on L1 commits to the books above."""

    block: BlockNumber
    header_hash: Hash32
    state_root: Hash32
    output_root: Hash32
    game: Game


@dataclass(frozen=True, slots=True)
class TradeStory:
    """The end of the demo."""

    books: tuple[Books, ...]
    refusal: Refusal
    commitment: Commitment
    paid_on_l1: int
    """q6."""


class Audience(Protocol):
    """Is told the story while it happens."""

    def waiting(self, what: str) -> None:
        """What is being done right now."""

    def told(self, done: str, detail: str) -> None:
        """Something was done, and what came of it."""
