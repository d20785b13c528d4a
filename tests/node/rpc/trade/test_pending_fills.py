"""What is matched and not settled, as somebody sees it who looks at the pending block."""

from pathlib import Path

import pytest

from bridge.l1.accounts import Operator
from execution.attributes import BlockAttributes
from execution.evm.threads import DeepExecutor
from node.rpc.evm_work import EvmWork
from node.rpc.pending import NextBlock, PendingBlocks
from sequencer.builder import unsafe_header
from sequencer.house_view import HouseView
from sequencer.matching.events import FillState
from state.reader import ChainReader
from state.types import Gas, Timestamp
from tests.node.trading_node import BTC, LOT, make_chain, play, running


def test_look_at_what_is_pending_shows_and_signs_no_settlement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, chain, (taker, maker) = make_chain()
    signatures: list[object] = []
    sign = Operator.sign

    def counting(operator: Operator, fields: object, chain_id: int) -> bytes:
        signatures.append(fields)
        return sign(operator, fields, chain_id)

    def plan(reader: ChainReader) -> NextBlock:
        time = Timestamp(unsafe_header(reader).timestamp + 1)
        return NextBlock(BlockAttributes(timestamp=time, gas_limit=Gas(30_000_000)))

    monkeypatch.setattr(Operator, "sign", counting)
    executor = DeepExecutor(1)
    evm = EvmWork(executor)
    pending = PendingBlocks(chain.store, chain.config, chain.mempool, chain.clock, evm, plan)

    async def scenario() -> None:
        async with running(house, chain, tmp_path) as node:
            await node.match(taker, maker)
            seen = await pending.current()
            assert seen is not None
            assert (seen.block.transactions, signatures) == ((), [])
            assert HouseView(seen.state, seen.block.header).position(taker.account, BTC) == 0
            await node.block()
            assert [one.state for one in node.fills] == [FillState.UNSAFE]
            assert (node.position(taker), len(signatures)) == (LOT, 1)
            seen = await pending.current()
            assert seen is not None
            assert HouseView(seen.state, seen.block.header).position(taker.account, BTC) == LOT

    play(scenario)
    executor.shutdown()
