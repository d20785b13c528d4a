"""What orders are dated by: the clock that was given, the machine's, or the chain's."""

import asyncio
import json

import httpx
import pytest

from bridge.l1.rpc import RpcClient
from node.client import AsyncTradeClient, NotConnected
from state.clock import Clock, ManualClock, SystemClock

HERE = "http://127.0.0.1:9545"
ELSEWHERE = "http://node.example:9545"
DAY = 86_400
TOMORROW = SystemClock().now() + DAY


def dated(url: str, timestamp: object, clock: Clock | None = None) -> int:
    """What a client at `url` takes for the time, if the newest block there has `timestamp`."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        assert asked["method"] == "eth_getBlockByNumber"
        result = {"number": "0x1", "timestamp": timestamp}
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": asked["id"], "result": result})

    async def ask() -> int:
        async with RpcClient(url, transport=httpx.MockTransport(answer)) as node:
            return await AsyncTradeClient(node, clock=clock).time()

    return asyncio.run(ask())


def test_time_of_a_node_on_this_machine_is_its_newest_blocks_where_that_is_later() -> None:
    assert TOMORROW <= dated(HERE, hex(TOMORROW)) < TOMORROW + DAY
    assert dated(HERE, hex(TOMORROW - 2 * DAY)) < TOMORROW


def test_node_elsewhere_is_not_believed() -> None:
    assert dated(ELSEWHERE, hex(TOMORROW)) < TOMORROW


def test_clock_that_was_given_goes_before_any_block() -> None:
    assert dated(HERE, hex(TOMORROW), ManualClock(7)) == 7


@pytest.mark.parametrize("timestamp", [None, 5, "0x", "-0x1", "0x1" + "0" * 64])
def test_block_without_a_time_is_no_answer(timestamp: object) -> None:
    with pytest.raises(NotConnected, match="can't be read"):
        dated(HERE, timestamp)
