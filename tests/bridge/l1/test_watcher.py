"""Following a real L1 that reorganises, lags, lies and goes away."""

import asyncio
import json

import httpx
import pytest

from bridge.items import ItemKind
from bridge.l1 import contracts, limits
from bridge.l1.client import L1Client
from bridge.l1.errors import (
    L1ContractMissing,
    L1EndpointBehind,
    L1FinalityBroken,
    L1Unavailable,
)
from bridge.l1.rpc import RpcClient
from bridge.l1.transactor import L1Transaction
from state.errors import Unavailable
from tests.bridge.l1_rig import no_wait, rollup
from tests.limits import WAIT_SECONDS_MAX


@pytest.fixture
def on_rollup(anvil, tmp_path):
    """Run a coroutine function with a rig over the test's anvil."""

    def run(scenario):
        async def whole():
            async with rollup(anvil.url, tmp_path) as rig:
                return await scenario(rig)

        return asyncio.run(asyncio.wait_for(whole(), timeout=WAIT_SECONDS_MAX))

    return run


class Tampering(httpx.AsyncBaseTransport):
    """An L1 endpoint between us and anvil that changes what it likes."""

    def __init__(self, change):
        self._change = change
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request):
        asked = json.loads(request.content)
        response = await self._inner.handle_async_request(request)
        body = json.loads(await response.aread())
        if "result" in body:
            body["result"] = self._change(asked["method"], asked["params"], body["result"])
        return httpx.Response(200, json=body)

    async def aclose(self):
        await self._inner.aclose()


def tampered(anvil, change):
    return L1Client(RpcClient(anvil.url, transport=Tampering(change)), chain_id=31337)


def items(log):
    return [log.item(index) for index in range(log.count)]


async def force(rig, data):
    """Append a forced transaction."""
    call = contracts.FORCE_TRANSACTION.call(data)
    keeper = rig.transactor(rig.operators.keeper.key)
    return await keeper.send(L1Transaction("forced", rig.deployment.inbox, call))


def test_poll_reads_all_kinds_of_items_and_their_blocks(anvil, on_rollup):
    async def scenario(rig):
        await rig.append_batch(b"\0one")
        await force(rig, b"\2raw")
        anvil.ask("evm_increaseTime", 601)
        tick = L1Transaction("tick", rig.deployment.inbox, contracts.TICK.call())
        receipt = await rig.transactor(rig.operators.keeper.key).send(tick)
        progress = await rig.watcher.poll()
        return progress, items(rig.log), await rig.client.header(receipt.block_number)

    progress, log, header = on_rollup(scenario)
    kinds = [item.kind for item in log]
    assert kinds == [ItemKind.TICK, ItemKind.BATCH, ItemKind.FORCED, ItemKind.TICK]
    assert [item.data for item in log] == [b"", b"\0one", b"\2raw", b""]
    assert [item.deposits for item in log] == [0, 0, 1, 1]
    assert (progress.appended, progress.count, progress.is_complete) == (4, 4, True)
    assert progress.truncated_to is None
    newest = log[3]
    assert (newest.l1_number, newest.l1_time) == (header.number, header.timestamp)
    assert (newest.l1_base_fee, newest.prev_randao) == (header.base_fee, header.prev_randao)
    assert newest.l1_hash == header.parent_hash


def test_poll_without_news_appends_nothing_and_finality_follows(anvil, on_rollup):
    async def scenario(rig):
        await rig.watcher.poll()
        again = await rig.watcher.poll()
        anvil.mine(8)
        later = await rig.watcher.poll()
        return again, later

    again, later = on_rollup(scenario)
    assert (again.appended, again.count) == (0, 1)
    assert (later.appended, later.final_count) == (0, 1)


def test_poll_after_the_log_was_cut_reads_it_again_at_the_same_head(on_rollup):
    async def scenario(rig):
        await rig.append_batch(b"\0one")
        await rig.watcher.poll()
        rig.log.truncate(1)
        return await rig.watcher.poll(), rig.log.count

    progress, count = on_rollup(scenario)
    assert (progress.appended, count) == (1, 2)


def test_poll_of_a_long_log_goes_in_bounded_looks(monkeypatch, on_rollup):
    monkeypatch.setattr(limits, "LOG_RANGE_ITEMS_MAX", 4)
    monkeypatch.setattr(limits, "LOG_RANGE_BLOCKS_MAX", 3)

    async def scenario(rig):
        for number in range(9):
            await rig.append_batch(bytes([0, number]))
        looks = []
        while not looks or not looks[-1].is_complete:
            looks.append(await rig.watcher.poll())
        return looks, items(rig.log)

    looks, log = on_rollup(scenario)
    assert [look.appended for look in looks] == [4, 4, 2]
    assert [item.data for item in log[1:]] == [bytes([0, n]) for n in range(9)]


@pytest.mark.parametrize("depth", [1, 3, 64])
def test_poll_after_reorg_truncates_at_the_fork_and_goes_on(anvil, on_rollup, depth):
    async def scenario(rig):
        await rig.append_batch(b"\0stays")
        anvil.mine(8)
        for number in range(3):
            await rig.append_batch(bytes([0, number]))
        anvil.mine(max(0, depth - 3))
        await rig.watcher.poll()
        before = items(rig.log)
        anvil.ask("anvil_reorg", depth, [])
        await rig.append_batch(b"\0new")
        progress = await rig.watcher.poll()
        return before, progress, items(rig.log)

    anvil.stop()
    anvil._options = ("--slots-in-an-epoch", "64")
    anvil.start()
    before, progress, after = on_rollup(scenario)
    stands = 5 - min(depth, 3)
    assert progress.truncated_to == stands
    assert after[:stands] == before[:stands]
    assert after[stands].data == b"\0new"
    assert len(after) == stands + 1


def test_poll_after_reorg_while_not_running_truncates_all_the_same(anvil, on_rollup):
    async def scenario(rig):
        snapshot = anvil.ask("evm_snapshot")
        await rig.append_batch(b"\0old one")
        await rig.append_batch(b"\0old two")
        await rig.watcher.poll()
        anvil.ask("evm_revert", snapshot)
        anvil.mine(5)
        await rig.append_batch(b"\0new one")
        progress = await rig.new_watcher(rig.client).poll()
        return progress, items(rig.log)

    progress, log = on_rollup(scenario)
    assert progress.truncated_to == 1
    assert [item.data for item in log] == [b"", b"\0new one"]


def test_poll_reorg_that_drops_items_only_truncates(anvil, on_rollup):
    async def scenario(rig):
        await rig.append_batch(b"\0gone")
        await rig.watcher.poll()
        anvil.ask("anvil_reorg", 1, [])
        return await rig.watcher.poll()

    progress = on_rollup(scenario)
    assert (progress.truncated_to, progress.count, progress.appended) == (1, 1, 0)


def test_poll_endpoint_that_fell_behind_raises_and_changes_nothing(anvil, on_rollup):
    async def scenario(rig):
        snapshot = anvil.ask("evm_snapshot")
        await rig.append_batch(b"\0seen")
        anvil.mine(3)
        await rig.watcher.poll()
        before = items(rig.log)
        anvil.ask("evm_revert", snapshot)
        for watcher in (rig.watcher, rig.new_watcher(rig.client)):
            with pytest.raises(L1EndpointBehind):
                await watcher.poll()
        assert items(rig.log) == before

    on_rollup(scenario)


def test_poll_below_finality_raises_and_changes_nothing(anvil, on_rollup):
    async def scenario(rig):
        snapshot = anvil.ask("evm_snapshot")
        await rig.append_batch(b"\0final")
        anvil.mine(10)
        progress = await rig.watcher.poll()
        assert progress.final_count == 2
        before = items(rig.log)
        anvil.ask("evm_revert", snapshot)
        anvil.mine(30)
        with pytest.raises(L1FinalityBroken, match="2 items were final"):
            await rig.watcher.poll()
        assert items(rig.log) == before

    on_rollup(scenario)


def leave_out_logs(method, params, result):
    return result[:-1] if method == "eth_getLogs" else result


def leave_out_all_logs(method, params, result):
    return [] if method == "eth_getLogs" else result


def change_log_data(method, params, result):
    if method == "eth_getLogs":
        for log in result:
            log["data"] = log["data"].replace("616263", "616264")
    return result


def change_log_sender(method, params, result):
    if method == "eth_getLogs":
        result[-1]["topics"][3] = "0x" + "00" * 12 + "11" * 20
    return result


def repeat_log(method, params, result):
    return [*result, result[-1]] if method == "eth_getLogs" and len(result) > 1 else result


def swap_indexes(method, params, result):
    if method == "eth_getLogs" and len(result) > 2:
        result[1]["topics"][1], result[2]["topics"][1] = (
            result[2]["topics"][1],
            result[1]["topics"][1],
        )
    return result


def foreign_log(method, params, result):
    if method == "eth_getLogs":
        result[0]["address"] = "0x" + "22" * 20
    return result


def removed_log(method, params, result):
    if method == "eth_getLogs":
        result[-1]["removed"] = True
    return result


def change_header_time(method, params, result):
    if method == "eth_getBlockByHash":
        result["timestamp"] = hex(int(result["timestamp"], 16) + 1)
    return result


def other_header(method, params, result):
    if method == "eth_getBlockByHash":
        result["hash"] = "0x" + "33" * 32
    return result


def higher_count(method, params, result):
    is_count = method == "eth_call" and params[0]["data"] == "0x06661abd"
    return "0x" + (int(result, 16) + 1).to_bytes(32, "big").hex() if is_count else result


def no_data(method, params, result):
    return "0x" if method == "eth_call" else result


def null_everything(method, params, result):
    return result if method == "eth_chainId" else None


@pytest.mark.parametrize(
    "lie",
    [
        leave_out_logs,
        leave_out_all_logs,
        change_log_data,
        change_log_sender,
        swap_indexes,
        foreign_log,
        removed_log,
        change_header_time,
        other_header,
        higher_count,
        no_data,
        null_everything,
    ],
)
def test_poll_lying_endpoint_raises_unavailable_and_changes_nothing(anvil, on_rollup, lie):
    async def scenario(rig):
        await rig.append_batch(b"\0abc")
        await rig.append_batch(b"\0abcd")
        liar = tampered(anvil, lie)
        with pytest.raises(L1Unavailable):
            await rig.new_watcher(liar).poll()
        await liar.rpc.aclose()
        assert rig.log.count == 0
        await rig.watcher.poll()
        assert rig.log.count == 3

    on_rollup(scenario)


def test_poll_repeated_log_changes_nothing_of_the_result(anvil, on_rollup):
    async def scenario(rig):
        await rig.append_batch(b"\0abc")
        echo = tampered(anvil, repeat_log)
        await rig.new_watcher(echo).poll()
        await echo.rpc.aclose()
        return items(rig.log)

    assert [item.data for item in on_rollup(scenario)] == [b"", b"\0abc"]


def test_poll_finalized_block_of_another_chain_raises(anvil, on_rollup):
    def other_finalized(method, params, result):
        if method == "eth_getBlockByNumber" and params[0] == "finalized":
            return anvil.ask("eth_getBlockByNumber", "0x1", False)
        return result

    async def scenario(rig):
        anvil.mine(10)
        liar = tampered(anvil, other_finalized)
        progress = await rig.new_watcher(liar).poll()
        await liar.rpc.aclose()
        assert progress.final_count == 0  # an older block is no lie, only late

    on_rollup(scenario)


def test_poll_inbox_missing_raises_contract_missing(anvil, on_rollup):
    async def scenario(rig):
        await rig.watcher.poll()
        anvil.ask("anvil_reset")
        anvil.mine(50)
        with pytest.raises(L1ContractMissing):
            await rig.watcher.poll()
        assert rig.log.count == 1

    on_rollup(scenario)


def test_follow_through_an_outage_reports_it_and_catches_up(anvil, on_rollup):
    async def scenario(rig):
        seen, troubles = [], []
        done = asyncio.Event()

        async def on_progress(progress):
            seen.append(progress.count)
            if progress.count == 1 and not troubles:
                await rig.append_batch(b"\0before")
                anvil.stop()
            if progress.count == 3:
                done.set()

        async def on_sleep(_):
            if len(troubles) == 2 and anvil._process is None:
                anvil.start()
                await rig.append_batch(b"\0after")
            await no_wait(_)

        def on_trouble(error):
            assert isinstance(error, Unavailable)
            troubles.append(error)

        task = asyncio.create_task(
            rig.watcher.follow(on_progress, on_trouble, poll_seconds=0, sleep=on_sleep)
        )
        await done.wait()
        task.cancel()
        return troubles, items(rig.log)

    troubles, log = on_rollup(scenario)
    assert len(troubles) == 2
    assert [item.data for item in log] == [b"", b"\0before", b"\0after"]


def test_parallel_heads_of_one_height_are_told_apart(anvil, on_rollup):
    """A reorg to a block of the same height, with the same number of items."""

    async def scenario(rig):
        snapshot = anvil.ask("evm_snapshot")
        await rig.append_batch(b"\0left")
        await rig.watcher.poll()
        anvil.ask("evm_revert", snapshot)
        await rig.append_batch(b"\0right")
        progress = await rig.watcher.poll()
        return progress, items(rig.log)

    progress, log = on_rollup(scenario)
    assert progress.truncated_to == 1
    assert log[1].data == b"\0right"
