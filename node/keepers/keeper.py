"""What a keeper is: a step that looks at the books and does what is due, taken again and again."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from node.keepers.errors import KeeperLate
from node.keepers.limits import STEP_SECONDS_MAX
from node.roles.follower import every
from state.types import BlockNumber, Gas, Hash32


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction that is in a block and did what it was sent for."""

    what: str
    transaction: Hash32
    block: BlockNumber
    gas_used: Gas


@dataclass(frozen=True, slots=True)
class Refused:
    """What the contract would not do; nothing was sent, or somebody else was faster."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one step; both empty when nothing was due."""

    sent: tuple[Sent, ...] = ()
    refused: tuple[Refused, ...] = ()

    @classmethod
    def of(cls, parts: Iterable["Done"]) -> "Done":
        """Several as one, in their order."""
        every_part = tuple(parts)
        return cls(
            tuple(one for part in every_part for one in part.sent),
            tuple(one for part in every_part for one in part.refused),
        )


class Keeper(Protocol):
    """One duty."""

    @property
    def name(self) -> str:
        """As the command line and the logs call it."""

    @property
    def seconds(self) -> float:
        """Between two steps."""

    async def step(self) -> Done:
        """Look, and do what is due. Raises what the node or a feed refuses."""


Tell = Callable[[Keeper, Done], None]
"""Told after each step what it did."""


async def take_step(keeper: Keeper) -> Done:
    """One step, within its time. Raises `KeeperLate`."""
    try:
        async with asyncio.timeout(STEP_SECONDS_MAX):
            return await keeper.step()
    except TimeoutError:
        raise KeeperLate(f"{keeper.name}: a step took over {STEP_SECONDS_MAX:.0f} s") from None


def keep(keeper: Keeper, tell: Tell) -> Coroutine[Any, Any, None]:
    """Take steps until cancelled; what is silent or refuses is tried again the next time."""

    async def step() -> None:
        tell(keeper, await take_step(keeper))

    return every(keeper.seconds, step, f"keeper.{keeper.name}")
