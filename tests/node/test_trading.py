"""The exchange of a node in step with its chain: settlements, reorgs, restarts, numbers."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from node.metrics import NodeMetrics
from node.rpc.backend import Backend, EvmWork
from sequencer.builder import unsafe_header
from sequencer.matching.events import FillState, Settled, WaitsAgain
from tests.node.trading_node import LOT, Node, make_chain, play, running


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
