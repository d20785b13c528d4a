"""The exchange of a node in step with its chain: settlements, reorgs, restarts, numbers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from bridge.l1.accounts import Operator
from execution.attributes import BlockAttributes
from node.metrics import NodeMetrics
from node.roles.trading import TradingDesk
from node.rpc.backend import Backend, EvmWork
from sequencer.builder import build, unsafe_header
from sequencer.matching.events import Event, FillState, Settled, WaitsAgain
from sequencer.matching.views import FillRecord
from state.clock import ManualClock
from state.types import BlockNumber, Gas, Timestamp
from tests.execution.contracts.desk import usd
from tests.execution.contracts.house import OPERATORS, USD, Trader
from tests.node.rpc.harness import TestChain
from tests.node.rpc.margin_chain import RecordedDesk

LOT = 10**5
BTC = 0
DAY = 86_400
SECONDS_MAX = 60


@dataclass
class Node:
    """A running exchange over a chain, and the blocks that somebody builds for it."""

    house: RecordedDesk
    chain: TestChain
    trading: TradingDesk
    told: list[Event]

    async def place(self, trader: Trader, is_buy: bool) -> None:
        expiry = Timestamp(self.chain.clock.now() + DAY)
        signed = self.house.order(trader, is_buy, LOT, usd(60_000), expiry=expiry)
        await self.trading.exchange.place(signed)

    async def match(self, taker: Trader, maker: Trader) -> None:
        await self.place(maker, False)
        await self.place(taker, True)

    async def block(self, *, is_told: bool = True) -> BlockNumber:
        """A block as the sequencer makes one; a crash leaves its outcome untold."""
        settlements = await self.trading.before_block()
        attributes = BlockAttributes(
            timestamp=Timestamp(unsafe_header(self.chain.store).timestamp + 1),
            gas_limit=Gas(self.chain.config.block_gas_limit),
        )
        sealed = build(
            self.chain.store, self.chain.config, self.chain.mempool, attributes,
            settlements=settlements, clock=self.chain.clock,
        ).sealed  # fmt: skip
        with self.chain.store.commit() as batch:
            batch.append(sealed)
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
        async with asyncio.timeout(SECONDS_MAX):
            await scenario()

    asyncio.run(bounded())


def test_match_settles_in_the_next_block_and_the_view_follows_it(tmp_path: Path) -> None:
    house, chain, (taker, maker) = make_chain()

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            await node.match(taker, maker)
            number = await node.block()
            assert [(one.state, one.block) for one in node.fills] == [(FillState.UNSAFE, number)]
            assert node.position(taker) == LOT
            assert node.trading.view.touched == {taker.account, maker.account}
            assert len([event for event in node.told if isinstance(event, Settled)]) == 1
            await node.block()
            assert node.trading.view.touched == frozenset()

    play(scenario)


def test_restart_after_a_block_nobody_was_told_of_settles_its_fills_once(tmp_path: Path) -> None:
    house, chain, (taker, maker) = make_chain()

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            await node.match(taker, maker)
            number = await node.block(is_told=False)
            assert [one.state for one in node.fills] == [FillState.MATCHED]
        async with running(house, chain, tmp_path) as node:
            assert [(one.state, one.block) for one in node.fills] == [(FillState.UNSAFE, number)]
            assert await node.trading.before_block() == ()
            assert node.position(taker) == LOT

    play(scenario)


def test_restart_before_the_block_settles_what_was_matched(tmp_path: Path) -> None:
    house, chain, (taker, maker) = make_chain()

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            await node.match(taker, maker)
        async with running(house, chain, tmp_path) as node:
            await node.block()
            assert [one.state for one in node.fills] == [FillState.UNSAFE]
            assert node.position(taker) == LOT

    play(scenario)


def test_reorg_takes_a_settlement_back_and_the_next_block_settles_it_again(
    tmp_path: Path,
) -> None:
    house, chain, (taker, maker) = make_chain()

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            before = chain.store.heads.unsafe.number
            await node.match(taker, maker)
            await node.block()
            with chain.store.commit() as batch:
                batch.rewind(before)
            await chain.feed.announce()
            await node.trading.follow()
            assert [one.state for one in node.fills] == [FillState.MATCHED]
            assert node.position(taker) == 0
            assert [event for event in node.told if isinstance(event, WaitsAgain)]
            await node.block()
            assert [one.state for one in node.fills] == [FillState.UNSAFE]
            assert node.position(taker) == LOT

    play(scenario)


def test_dropped_settlement_does_not_come_back_through_the_pool(tmp_path: Path) -> None:
    house, chain, (taker, maker) = make_chain()

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            await node.match(taker, maker)
            (settlement,) = await node.trading.before_block()
            state, fee = chain.store.state(), unsafe_header(chain.store).base_fee_per_gas
            chain.mempool.reset(state, fee, dropped=[settlement.raw])
            assert chain.mempool.statistics().pending == 0

    play(scenario)


def test_metrics_of_a_sequencer_tell_what_waits_and_what_was_settled(tmp_path: Path) -> None:
    house, chain, (taker, maker) = make_chain()

    def numbers(node: Node) -> dict[str, float]:
        backend = Backend(
            store=chain.store, config=chain.config, feed=chain.feed, evm=EvmWork(chain.writer),
            submit=_refuse,
        )  # fmt: skip
        text = NodeMetrics(backend, trading=node.trading).text().decode()
        families = text_string_to_metric_families(text)
        return {sample.name: sample.value for one in families for sample in one.samples}

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            await node.match(taker, maker)
            assert numbers(node)["tallystick_exchange_pending_fills"] == 1
            await node.block()
            after = numbers(node)
            assert after["tallystick_exchange_pending_fills"] == 0
            assert after["tallystick_settlement_fills_total"] == 1

    play(scenario)


async def _refuse(raw: bytes) -> bytes:
    raise AssertionError(raw)
