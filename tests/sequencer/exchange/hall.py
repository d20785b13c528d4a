"""A running exchange over books in memory, for tests."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from execution.margin import CancelRequest, SignedCancel
from sequencer.exchange.exchange import Exchange
from sequencer.exchange.placement import Announcement
from sequencer.journal import OrderJournal
from sequencer.matching.events import Event
from state.clock import ManualClock
from state.types import BlockNumber, Hash32
from tests.sequencer.exchange.house import DOMAIN, START, TRADERS, MemoryHouse, Trader, key

T = TypeVar("T")

NOW = START * 1_000
DEADLINE_SECONDS = 120


class WallClock(ManualClock):
    """One that somebody sets, forwards or back."""

    def set(self, seconds: int) -> None:
        self._seconds = float(seconds)


@dataclass
class Hall:
    """An exchange with its books, its clock, its traders and all it announced."""

    exchange: Exchange
    house: MemoryHouse
    clock: WallClock
    journal: OrderJournal
    running: "asyncio.Task[None]"
    announced: list[Announcement] = field(default_factory=list)
    traders: tuple[Trader, ...] = field(
        default_factory=lambda: tuple(Trader(index) for index in range(TRADERS))
    )

    @property
    def events(self) -> list[Event]:
        return [event for one in self.announced for event in one.events]

    def named(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def block(self, *given: Any) -> None:
        """The next block, and what it made of fills."""

        def move() -> MemoryHouse:
            self.house.number = BlockNumber(self.house.number + 1)
            return self.house

        await self.exchange.on_block(move, given)

    def bids(self, market: int = 0) -> list[tuple[int, int]]:
        return list(self.exchange.engine.levels(market, 10).bids)

    def asks(self, market: int = 0) -> list[tuple[int, int]]:
        return list(self.exchange.engine.levels(market, 10).asks)

    def cancel(
        self,
        trader: Trader,
        *,
        market: int | None = None,
        order: bytes | None = None,
        time: int | None = None,
        signer: bytes | None = None,
    ) -> SignedCancel:
        moment = self.clock.milliseconds() if time is None else time
        named = None if order is None else Hash32(order)
        request = CancelRequest(trader.account, market, named, moment)
        return request.sign(signer or key(trader.index), DOMAIN)


@asynccontextmanager
async def opened(
    path: Path | None = None, house: MemoryHouse | None = None, *, with_block: bool = True
) -> AsyncIterator[Hall]:
    """Start an exchange, tell it of a block, and stop it in the end."""
    house = house or MemoryHouse()
    clock = WallClock(START)
    journal = OrderJournal.open(path)
    exchange = Exchange(journal, clock, DOMAIN, house)
    running = asyncio.create_task(exchange.run())
    hall = Hall(exchange, house, clock, journal, running)
    exchange.subscribe(hall.announced.append)
    try:
        if with_block:
            await hall.block()
        yield hall
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        journal.close()


def run(whole: Coroutine[Any, Any, T]) -> T:
    """Run a test's coroutine, with a deadline."""

    async def bounded() -> T:
        return await asyncio.wait_for(whole, DEADLINE_SECONDS)

    return asyncio.run(bounded())


def in_hall(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test of a fresh exchange, its first argument, that has seen one block."""

    async def whole(**rest: Any) -> None:
        async with opened() as hall:
            await test(hall, **rest)

    def run_test(**rest: Any) -> None:
        run(whole(**rest))

    signature = inspect.signature(test)
    parameters = list(signature.parameters.values())[1:]
    run_test.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run_test.__name__, run_test.__doc__ = test.__name__, test.__doc__
    return run_test
