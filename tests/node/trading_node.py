"""A running exchange in step with a chain, for tests that build its blocks themselves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.l1.accounts import Operator
from execution.attributes import BlockAttributes
from execution.transition import Candidate
from node.roles.trading import TradingDesk
from sequencer.builder import Guard, build, unsafe_header
from sequencer.exchange.placement import Placement
from sequencer.matching.events import Event
from sequencer.matching.views import FillRecord
from state.blocks import SealedBlock
from state.clock import ManualClock
from state.headers import next_base_fee
from state.types import BlockNumber, Gas, Timestamp
from tests.execution.contracts.desk import usd
from tests.execution.contracts.house import OPERATORS, USD, Trader
from tests.limits import WAIT_SECONDS_MAX
from tests.node.rpc.harness import TestChain
from tests.node.rpc.margin_chain import RecordedDesk

LOT = 10**5
BTC = 0
DAY = 86_400


@dataclass
class Node:
    """A running exchange over a chain, and the blocks that somebody builds for it."""

    house: RecordedDesk
    chain: TestChain
    trading: TradingDesk
    told: list[Event]

    async def place(self, trader: Trader, is_buy: bool) -> Placement:
        expiry = Timestamp(self.chain.clock.now() + DAY)
        signed = self.house.order(trader, is_buy, LOT, usd(60_000), expiry=expiry)
        return await self.trading.exchange.place(signed)

    async def match(self, taker: Trader, maker: Trader) -> None:
        await self.place(maker, False)
        await self.place(taker, True)

    async def block(
        self,
        *,
        is_told: bool = True,
        forced: tuple[Candidate, ...] = (),
        guard: Guard | None = None,
    ) -> BlockNumber:
        """A block as the sequencer makes one; a crash leaves its outcome untold."""
        settlements = await self.trading.before_block()
        attributes = BlockAttributes(
            timestamp=Timestamp(unsafe_header(self.chain.store).timestamp + 1),
            gas_limit=Gas(self.chain.config.block_gas_limit),
        )

        def make() -> SealedBlock:
            sealed = build(
                self.chain.store, self.chain.config, self.chain.mempool, attributes, forced,
                settlements=settlements, guard=guard or self.trading.guard, clock=self.chain.clock,
            ).sealed  # fmt: skip
            with self.chain.store.commit() as batch:
                batch.append(sealed)
            next_fee = next_base_fee(sealed.header)
            self.chain.mempool.on_block(sealed, self.chain.store.state(), next_fee)
            return sealed

        sealed = await asyncio.get_running_loop().run_in_executor(self.chain.writer, make)
        self.trading.note(sealed)
        await self.chain.feed.announce()
        if is_told:
            await self.trading.follow()
        return sealed.header.number

    @property
    def fills(self) -> list[FillRecord]:
        return self.trading.exchange.engine.fills()

    def position(self, trader: Trader) -> int:
        return self.trading.view.position(trader.account, BTC)


def make_chain() -> tuple[RecordedDesk, TestChain, tuple[Trader, Trader]]:
    house = RecordedDesk()
    traders = house.trader(1, 100_000 * USD), house.trader(2, 100_000 * USD)
    house.report(BTC, usd(60_000))
    chain = replace(house.replay(), clock=ManualClock(house.now))
    chain.mempool.reset(chain.store.state(), next_base_fee(unsafe_header(chain.store)))
    return house, chain, traders


@asynccontextmanager
async def running(house: RecordedDesk, chain: TestChain, folder: Path) -> AsyncIterator[Node]:
    matcher = Operator.of_dev_account(OPERATORS.matcher)
    await chain.feed.announce()
    async with TradingDesk.opened(chain, folder, matcher) as trading:
        told: list[Event] = []
        trading.exchange.subscribe(lambda announcement: told.extend(announcement.events))
        loop = asyncio.create_task(trading.exchange.run())
        try:
            await trading.follow()
            yield Node(house, chain, trading, told)
        finally:
            loop.cancel()
            with suppress(asyncio.CancelledError):
                await loop


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            await scenario()

    asyncio.run(bounded())
