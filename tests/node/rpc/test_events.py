"""The feed, the filters polled from it, and the subscriptions pushed from it, through reorgs."""

import json
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import ClientConnection, connect

from node import limits
from node.rpc.backend import SyncProgress
from node.rpc.eth.subscriptions import FeedSubscriptions
from node.rpc.feed import ChainFeed
from node.rpc.filters import FilterKind, FilterNotFound, Filters
from state.types import Address, BlockNumber, Wei
from tests.node.rpc import schemas
from tests.node.rpc.harness import (
    DEV,
    L1_CONFIG,
    Automine,
    RunningNode,
    deploy_counter,
    move,
    open_chain,
    sign,
    signed,
)


@pytest.fixture
def miner() -> Iterator[Automine]:
    """A chain without a server."""
    chain = open_chain()
    yield Automine(chain)
    chain.writer.shutdown()
    chain.store.close()


class Recorder:
    """Notes block events as (sign, number)."""

    def __init__(self, feed: ChainFeed) -> None:
        self.events: list[tuple[str, int]] = []
        self.stop = feed.on_block(
            lambda event: self.events.append(("-" if event.removed else "+", event.id.number))
        )


def fill_pool(miner: Automine) -> None:
    """Make the next block another one than an empty one would be."""
    miner.chain.mempool.add(signed(L1_CONFIG.chain_id, 0))


# The feed


@pytest.mark.anyio
async def test_feed_tells_of_a_reorg_newest_block_first(miner: Automine) -> None:
    feed = miner.chain.feed
    for _ in range(3):
        await miner.mine()
    recorder = Recorder(feed)
    await miner.rewind(BlockNumber(1))
    fill_pool(miner)
    await miner.mine()
    assert recorder.events == [("-", 3), ("-", 2), ("+", 2)]
    await feed.announce()
    assert len(recorder.events) == 3
    recorder.stop()
    await miner.mine()
    assert len(recorder.events) == 3


@pytest.mark.anyio
async def test_feed_made_after_a_restart_still_tells_of_a_reorg(miner: Automine) -> None:
    for _ in range(3):
        await miner.mine()
    feed = ChainFeed(miner.chain.store)
    recorder = Recorder(feed)
    await miner.rewind(BlockNumber(0))
    await feed.announce()
    assert recorder.events == [("-", 3), ("-", 2), ("-", 1)]


@pytest.mark.anyio
async def test_feed_goes_on_after_a_fork_deeper_than_its_memory(
    miner: Automine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_FEED_REORG_BLOCKS_MAX", 2)
    feed = ChainFeed(miner.chain.store)
    for _ in range(4):
        await miner.mine()
        await feed.announce()
    await miner.rewind(BlockNumber(0))
    fill_pool(miner)
    recorder = Recorder(feed)
    await miner.mine()
    await feed.announce()
    assert recorder.events == [("-", 4), ("-", 3), ("+", 1)]


# Filters


class Ticker:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.anyio
async def test_filter_nobody_polls_is_forgotten(miner: Automine) -> None:
    ticker = Ticker()
    filters = Filters(miner.chain.feed, now=ticker)
    idle, polled = filters.install(FilterKind.BLOCKS), filters.install(FilterKind.BLOCKS)
    ticker.seconds = limits.RPC_FILTER_IDLE_SECONDS_MAX
    filters.changes(polled)
    ticker.seconds += 1
    assert filters.changes(polled) == []
    with pytest.raises(FilterNotFound):
        filters.changes(idle)
    assert len(filters) == 1


@pytest.mark.anyio
async def test_filters_beyond_the_limit_push_out_the_least_recently_used(
    miner: Automine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_FILTERS_MAX", 2)
    filters = Filters(miner.chain.feed)
    first, second = filters.install(FilterKind.BLOCKS), filters.install(FilterKind.BLOCKS)
    filters.changes(first)
    third = filters.install(FilterKind.BLOCKS)
    assert filters.changes(first) == filters.changes(third) == []
    with pytest.raises(FilterNotFound):
        filters.changes(second)


@pytest.mark.anyio
async def test_filter_that_missed_events_is_gone_rather_than_incomplete(
    miner: Automine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_FEED_EVENTS_MAX", 2)
    filters = Filters(miner.chain.feed)
    late, current = filters.install(FilterKind.BLOCKS), filters.install(FilterKind.BLOCKS)
    await miner.mine()
    assert len(filters.changes(current)) == 1
    for _ in range(2):
        await miner.mine()
    assert len(filters.changes(current)) == 2
    with pytest.raises(FilterNotFound):
        filters.changes(late)


def test_filters_report_blocks_logs_and_transactions_once(node: RunningNode) -> None:
    counter = deploy_counter(node)
    blocks = node.call("eth_newBlockFilter")
    logs = node.call("eth_newFilter", {"address": counter})
    elsewhere = node.call("eth_newFilter", {"address": "0x" + "99" * 20})
    pending = node.call("eth_newPendingTransactionFilter")
    sent = send_move(node, counter, 1)
    head = node.call("eth_getBlockByNumber", "latest", False)["hash"]
    (log,) = found = node.call("eth_getFilterChanges", logs)
    schemas.check_result("eth_getFilterChanges", found)
    assert (log["transactionHash"], log["removed"]) == (sent, False)
    assert node.call("eth_getFilterLogs", logs) == found
    assert node.call("eth_getFilterChanges", blocks) == [head]
    assert node.call("eth_getFilterChanges", pending) == [sent]
    for identity in (blocks, logs, elsewhere, pending):
        assert node.call("eth_getFilterChanges", identity) == []
        assert node.call("eth_uninstallFilter", identity) is True
        assert node.call("eth_uninstallFilter", identity) is False
        error = node.error("eth_getFilterChanges", identity)
        assert (error["code"], error["message"]) == (-32000, "filter not found")


def send_move(node: RunningNode, counter: str, nonce: int) -> str:
    target = Address(bytes.fromhex(counter[2:]))
    raw = sign(node, nonce, to=target, value=Wei(0), data=move(nonce))
    return node.call("eth_sendRawTransaction", raw)


def test_log_filter_reports_logs_that_a_reorg_removed(node: RunningNode) -> None:
    counter = deploy_counter(node)
    logs = node.call("eth_newFilter", {"address": counter})
    send_move(node, counter, 1)
    (added,) = node.call("eth_getFilterChanges", logs)
    node.run(lambda: node.miner.rewind(BlockNumber(1)))
    node.run(node.backend.feed.announce)
    (removed,) = node.call("eth_getFilterChanges", logs)
    assert removed == {**added, "removed": True}


def test_log_filter_of_a_range_is_silent_outside_it(node: RunningNode) -> None:
    counter = deploy_counter(node)
    until_two = node.call("eth_newFilter", {"fromBlock": "0x0", "toBlock": "0x2"})
    from_three = node.call("eth_newFilter", {"fromBlock": "0x3", "toBlock": "latest"})
    for nonce in (1, 2):
        send_move(node, counter, nonce)
    found = [node.call("eth_getFilterChanges", identity) for identity in (until_two, from_three)]
    assert [[log["blockNumber"] for log in logs] for logs in found] == [["0x2"], ["0x3"]]


@pytest.mark.parametrize("bound", ["fromBlock", "toBlock"])
def test_filter_for_pending_logs_is_refused(node: RunningNode, bound: str) -> None:
    error = node.error("eth_newFilter", {bound: "pending"})
    assert error["code"] == -32602
    assert "pending logs are not supported" in error["message"]


# Subscriptions


async def subscribe(client: ClientConnection, *params: object) -> str:
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": params}
    await client.send(json.dumps(request))
    return json.loads(await client.recv())["result"]


async def notified(client: ClientConnection, subscription: str) -> object:
    message = json.loads(await client.recv())
    assert message["method"] == "eth_subscription"
    assert message["params"]["subscription"] == subscription
    return message["params"]["result"]


@pytest.mark.anyio
async def test_new_heads_are_pushed(node: RunningNode) -> None:
    async with connect(node.ws_url) as client:
        heads = await subscribe(client, "newHeads")
        node.mine()
        head = await notified(client, heads)
        block = node.call("eth_getBlockByNumber", "latest", False)
        bodies = {"transactions", "uncles", "withdrawals", "size"}
        assert head == {name: value for name, value in block.items() if name not in bodies}


@pytest.mark.anyio
async def test_logs_are_pushed_and_taken_back(node: RunningNode) -> None:
    counter = deploy_counter(node)
    async with connect(node.ws_url) as client:
        logs = await subscribe(client, "logs", {"address": counter})
        send_move(node, counter, 1)
        pushed = await notified(client, logs)
        assert node.call("eth_getLogs", {"fromBlock": "0x2"}) == [pushed]
        node.run(lambda: node.miner.rewind(BlockNumber(1)))
        node.run(node.backend.feed.announce)
        assert await notified(client, logs) == {**pushed, "removed": True}


@pytest.mark.anyio
async def test_pool_transactions_are_pushed_as_hashes_or_whole(node: RunningNode) -> None:
    node.miner.is_on = False
    async with connect(node.ws_url) as hashes, connect(node.ws_url) as whole:
        by_hash = await subscribe(hashes, "newPendingTransactions")
        in_full = await subscribe(whole, "newPendingTransactions", True)
        sent = node.call("eth_sendRawTransaction", sign(node, 0))
        assert await notified(hashes, by_hash) == sent
        transaction = await notified(whole, in_full)
        assert transaction["hash"] == sent
        assert transaction["from"] == "0x" + DEV[0].address.hex()


@pytest.mark.anyio
async def test_syncing_is_told_at_once_and_when_it_changes(miner: Automine) -> None:
    progress: list[SyncProgress | None] = [None]
    told: list[object] = []
    feed = miner.chain.feed
    source = FeedSubscriptions(feed, lambda: progress[0])
    subscription = source.subscription("syncing", None, lambda _, result: told.append(result))
    subscription.start()
    await miner.mine()
    assert told == [False]
    progress[0] = SyncProgress(BlockNumber(0), BlockNumber(1), BlockNumber(9))
    await miner.mine()
    await miner.mine()
    status = {"startingBlock": "0x0", "currentBlock": "0x1", "highestBlock": "0x9"}
    assert told == [False, {"syncing": True, "status": status}]
    subscription.stop()
    progress[0] = None
    await miner.mine()
    assert len(told) == 2


@pytest.mark.anyio
async def test_syncing_of_a_node_that_is_not_behind_is_pushed_as_false(node: RunningNode) -> None:
    async with connect(node.ws_url) as client:
        assert await notified(client, await subscribe(client, "syncing")) is False


@pytest.mark.anyio
async def test_batch_over_a_websocket_is_answered_in_order(node: RunningNode) -> None:
    calls = [("eth_chainId", []), ("eth_subscribe", ["newHeads"]), ("eth_nothing", [])]
    async with connect(node.ws_url) as client:
        requests = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
            for place, (method, params) in enumerate(calls)
        ]
        await client.send(json.dumps(requests))
        chain_id, subscribed, failed = json.loads(await client.recv())
        assert [answer["id"] for answer in (chain_id, subscribed, failed)] == [0, 1, 2]
        assert failed["error"]["code"] == -32601
        node.mine()
        assert (await notified(client, subscribed["result"]))["number"] == "0x1"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "params",
    [
        ["newMoons"],
        [],
        ["logs", {"topics": 1}],
        ["logs", 7],
        ["logs", {"toBlock": "pending"}],
        ["logs", {"blockHash": "0x" + "00" * 32}],
    ],
)
async def test_subscription_malformed_is_refused(node: RunningNode, params: list[object]) -> None:
    async with connect(node.ws_url) as client:
        request = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": params}
        await client.send(json.dumps(request))
        assert json.loads(await client.recv())["error"]["code"] == -32602
