"""What `tallystick demo crash` tells: the values of its story."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from execution.contracts.abi import DecodedEvent
from node.demo.ledger import Ledger
from node.demo.shapes import Scene, Shape
from state.types import BlockNumber


@dataclass(frozen=True, slots=True)
class Stand:
    """How an account stands in a block; sizes s8 by market or series, amounts q6."""

    name: str
    role: str
    account: int
    held: Mapping[int, int]
    cash: int
    equity: int
    maintenance: int


@dataclass(frozen=True, slots=True)
class News:
    """Something that the clearing house announced."""

    block: BlockNumber
    event: DecodedEvent


@dataclass(frozen=True, slots=True)
class Gate:
    """Withdrawals closed, or opened again; amounts q6."""

    block: BlockNumber
    is_closed: bool
    debt: int
    insurance: int
    refusal: str
    """What the contract said to who tried to withdraw; empty where it would have paid."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often what happened; amounts q6."""

    backstopped: int
    """Fills of failing accounts that a vault took."""
    fees: int
    """What failing accounts paid to insurance."""
    paid: int
    """What insurance paid for what was missing."""
    deleveraged: int
    pauses: int
    """Volatility pauses."""
    gates: int
    """How often known debt closed withdrawals."""


def tally(news: Iterable[News], gates: Iterable[Gate]) -> Tally:
    """Count."""
    events = [one.event for one in news]
    fills = [e.arguments for e in events if e.name == "PositionLiquidated"]
    moves = [e.arguments["change"] for e in events if e.name == "InsuranceMoved"]
    return Tally(
        backstopped=sum(one["vault"] for one in fills),
        fees=sum(one["fee"] for one in fills),
        paid=-sum(change for change in moves if change < 0),
        deleveraged=sum(e.name == "Deleveraged" for e in events),
        pauses=sum(e.name == "VolatilityPaused" for e in events),
        gates=sum(one.is_closed for one in gates),
    )


@dataclass(frozen=True, slots=True)
class CrashStory:
    """The whole of it."""

    shape: Shape
    seed: int
    names: Mapping[int, str]
    """Of markets and series."""
    start: Mapping[int, int]
    """p8 by market."""
    before: tuple[Stand, ...]
    after: tuple[Stand, ...]
    insurance: Mapping[int, tuple[int, int]]
    """q6 by market, before and after."""
    news: tuple[News, ...]
    gates: tuple[Gate, ...]
    ledger: Ledger
    """After all of it; what the exit code judges."""
    seconds: int

    @property
    def tally(self) -> Tally:
        return tally(self.news, self.gates)


class Audience(Protocol):
    """Is told the story while it happens."""

    def waiting(self, what: str) -> None:
        """What is being done right now."""

    def told(self, done: str, detail: str) -> None:
        """Something was done, and what came of it."""

    def opened(self, shape: Shape, before: Sequence[Stand], names: Mapping[int, str]) -> None:
        """Everybody has what they have; the crash begins. `names` of markets and series."""

    def played(self, scene: Scene, index: Mapping[int, int], start: Mapping[int, int]) -> None:
        """One more report is in the books: p8 by market, now and at the start."""

    def announced(self, news: News) -> None:
        """The clearing house did something."""

    def gated(self, gate: Gate) -> None:
        """Withdrawals closed or opened."""
