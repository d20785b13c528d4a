"""`rollup_getMonitor`: checks, breakers, insurance and debts of a clearing house in use."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from node.monitor.monitor import MonitorStatistics
from node.rpc.backend import Backend
from node.rpc.monitor import MonitorMethods
from state.types import BlockNumber
from tests.node.rpc.harness import RunningNode, running_node
from tests.node.rpc.margin_chain import Busy, busy_desk, mine_empty


@asynccontextmanager
async def monitored(backend: Backend) -> AsyncIterator[tuple[object, ...]]:
    seen = MonitorStatistics(checked=3, last=BlockNumber(2), accounts=4)
    yield (MonitorMethods(backend, lambda: seen),)


@pytest.fixture(scope="module")
def busy() -> Busy:
    return busy_desk()


@pytest.fixture
def node(busy: Busy) -> Iterator[RunningNode]:
    with running_node(busy.desk.replay(), monitored) as running:
        yield running


def test_monitor_tells_the_books_of_the_newest_block(node: RunningNode) -> None:
    found = node.call("rollup_getMonitor")
    assert found["block"]["number"] == int(node.call("eth_blockNumber"), 16)
    assert found["checks"]["lastBlock"] == 2
    assert found["checks"]["violations"] == 0
    assert found["checks"]["cashQ6"] is None
    assert found["isPaused"] is False
    assert found["withdrawalsOpen"] is True
    assert int(found["custodyQ6"]) > 0
    assert found["reportedDebtQ6"] == "0"
    assert found["strikes"] == 1


def test_market_is_stale_once_its_index_is_old(node: RunningNode) -> None:
    markets = node.call("rollup_getMonitor")["markets"]
    assert [one["status"] for one in markets] == ["active"] * len(markets)
    (ether,) = (one for one in markets if one["market"] == 1)
    assert ether["isStale"] is False
    assert ether["isPaused"] is False
    mine_empty(node.miner.chain, ether["indexTime"] + ether["staleSeconds"] + 1)
    later = node.call("rollup_getMonitor")
    assert [one["isStale"] for one in later["markets"]] == [False, True]
    assert later["block"]["timestamp"] == ether["indexTime"] + ether["staleSeconds"] + 1


def test_state_is_read_once_a_block_however_many_ask(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = node.call("rollup_getMonitor")
    store = node.backend.store

    def refuse(number: BlockNumber) -> object:
        raise AssertionError(f"the state after block {number} is known")

    monkeypatch.setattr(store, "state", refuse)
    assert node.call("rollup_getMonitor") == first
