"""Simulations are bounded in number and in time, and a chain on disk serves like one in memory."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from node import limits
from node.rpc.errors import LimitExceeded
from node.rpc.evm_work import EvmWork
from tests.node.rpc.harness import deploy_counter, open_chain, running_node, selector

pytestmark = pytest.mark.anyio


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


async def test_work_returns_and_raises_what_the_function_does(executor: ThreadPoolExecutor) -> None:
    work = EvmWork(executor)
    assert await work.run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await work.run(divmod, 7, 0)


async def test_work_beyond_the_limit_is_refused_and_the_rest_goes_on(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_CALLS_WAITING_MAX", 2)
    work, gate = EvmWork(executor), threading.Event()
    results: list[bool] = []

    async def wait_for_gate() -> None:
        results.append(await work.run(gate.wait))

    async with anyio.create_task_group() as group:
        group.start_soon(wait_for_gate)
        group.start_soon(wait_for_gate)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(LimitExceeded, match="too many calls"):
            await work.run(gate.wait)
        gate.set()
    assert results == [True, True]
    assert await work.run(gate.wait)


async def test_work_that_takes_too_long_is_answered_anyway(
    executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_CALL_SECONDS_MAX", 0.01)
    gate = threading.Event()
    with pytest.raises(LimitExceeded, match="took longer"):
        await EvmWork(executor).run(gate.wait)
    gate.set()


async def test_chain_on_disk_is_served_again_after_a_restart(tmp_path: Path) -> None:
    with running_node(open_chain(path=tmp_path / "db")) as node:
        counter = deploy_counter(node)
        block = node.call("eth_getBlockByNumber", "latest", True)
    with running_node(open_chain(path=tmp_path / "db")) as node:
        assert node.call("eth_getBlockByNumber", "latest", True) == block
        value = {"to": counter, "data": "0x" + selector("value").hex()}
        assert node.call("eth_call", value) == f"0x{5:064x}"
