"""Replicas of a devnet: they have the sequencer's blocks before L1 does, and pass writes on."""

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.devnet.conftest import (
    Devnet,
    RpcFailed,
    answers,
    children_of,
    command_line,
    devnet_in,
    get,
    rpc,
    wait_for,
)
from tests.devnet.sender import Sender
from tests.ports import free_ports

pytestmark = pytest.mark.slow

NEWS_SECONDS_MAX = 180.0
"""How long a subscriber waits, also for a sequencer that is started again."""


@pytest.fixture(scope="module")
def ports() -> list[int]:
    return free_ports(2)


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory, ports: list[int]) -> Iterator[Devnet]:
    """A devnet with a replica."""
    p2p_port, replica_port = ports
    options = ("--replicas", "1", "--p2p-port", str(p2p_port), "--replica-port", str(replica_port))
    with devnet_in(tmp_path_factory.mktemp("p2p"), *options) as running:
        yield running.start()


@pytest.fixture
def replica(devnet: Devnet, ports: list[int]) -> str:
    """The replica's URL, once the sequencer is its peer."""
    url = f"http://127.0.0.1:{ports[1]}"
    wait_for(
        lambda: "tallystick_p2p_sequencer_peers 1.0" in metrics(url), what="the sequencer as a peer"
    )
    return url


def test_replica_mines_through_the_sequencer_and_shows_it_before_l1(
    devnet: Devnet, replica: str
) -> None:
    sender = Sender(replica, 3)
    sent = sender.send(sender.sign(b"\x11" * 20))

    receipt = wait_for(lambda: rpc(replica, "eth_getTransactionReceipt", sent), what="the receipt")
    safe = devnet.safe_number(replica)

    assert int(receipt["blockNumber"], 16) > safe
    block = rpc(devnet.sequencer, "eth_getBlockByNumber", receipt["blockNumber"], False)
    assert block["hash"] == receipt["blockHash"]


def test_pool_errors_reach_a_client_of_the_replica_as_the_sequencer_gave_them(
    devnet: Devnet, replica: str
) -> None:
    sender = Sender(replica, 4)
    sent = sender.send(sender.sign(b"\x11" * 20, 0))
    wait_for(lambda: rpc(replica, "eth_getTransactionReceipt", sent), what="the receipt")
    stale = sender.sign(b"\x22" * 20, 0)

    with pytest.raises(RpcFailed) as at_replica:
        rpc(replica, "eth_sendRawTransaction", stale)
    with pytest.raises(RpcFailed) as at_sequencer:
        rpc(devnet.sequencer, "eth_sendRawTransaction", stale)

    assert "nonce too low" in str(at_replica.value)
    assert at_replica.value.args == at_sequencer.value.args


def test_replica_asks_the_sequencer_for_the_order_book(devnet: Devnet, replica: str) -> None:
    book = rpc(replica, "trade_getBook", 0, 5)
    assert (book["market"], book["bids"], book["asks"]) == (0, [], [])
    assert rpc(replica, "trade_getOrders", 1) == []
    with pytest.raises(RpcFailed, match="no market or option series 63"):
        rpc(replica, "trade_getBook", 63)


def test_replica_tells_subscribers_of_the_book_and_of_what_blocks_change(replica: str) -> None:
    with connect(replica.replace("http", "ws")) as socket:
        book = subscribe(socket, "book", {"market": 0, "depth": 5})
        snapshot = heard(socket, book)
        assert (snapshot["type"], snapshot["bids"], snapshot["asks"]) == ("snapshot", [], [])
        mark = heard(socket, subscribe(socket, "mark", {"market": 0}))
        assert mark["market"] == 0
        assert mark["block"] <= head(replica)
        with pytest.raises(RpcFailed, match="no market or option series 63"):
            subscribe(socket, "book", {"market": 63})
        with pytest.raises(RpcFailed, match="no account"):
            subscribe(socket, "margin", {"account": 10**9})


def subscribe(socket: ClientConnection, kind: str, options: dict[str, int]) -> str:
    """Subscribe over a websocket; news of other subscriptions that come before are let go."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "trade_subscribe", "params": [kind, options]}
    socket.send(json.dumps(call))
    while True:
        answer = json.loads(socket.recv(NEWS_SECONDS_MAX))
        if "error" in answer:
            raise RpcFailed(answer["error"])
        if "id" in answer:
            return answer["result"]


def subscribed(socket: ClientConnection, kind: str, options: dict[str, int]) -> str | None:
    """`subscribe`, or None while the replica says that it has no way to the sequencer."""
    try:
        return subscribe(socket, kind, options)
    except RpcFailed as refused:
        if "no peer of this replica leads to the sequencer" not in str(refused):
            raise
        return None


def heard(socket: ClientConnection, subscription: str) -> Any:
    """The next news of a subscription."""
    while True:
        news = json.loads(socket.recv(NEWS_SECONDS_MAX))["params"]
        if news["subscription"] == subscription:
            return news["result"]


def test_replica_tells_of_its_peers(devnet: Devnet, replica: str) -> None:
    assert rpc(replica, "net_listening") is True
    assert int(rpc(replica, "net_peerCount"), 16) >= 1
    assert "tallystick_p2p_sequencer_distrusted 0.0" in metrics(replica)


@pytest.mark.parametrize("whose", ["sequencer", "replica"])
def test_killed_p2p_host_is_started_again_and_the_replica_goes_on(
    devnet: Devnet, replica: str, whose: str
) -> None:
    host = host_of(devnet.node_pid(whose))
    os.kill(host, signal.SIGKILL)

    before = head(devnet.sequencer)
    wait_for(lambda: host_of(devnet.node_pid(whose)) not in (None, host), what="another host")
    wait_for(lambda: head(replica) > max(before, devnet.safe_number(replica)), what="unsafe blocks")


def test_killed_sequencer_comes_back_and_the_replica_follows_it(
    devnet: Devnet, replica: str
) -> None:
    before = head(replica)
    with connect(replica.replace("http", "ws")) as socket:
        book = wait_for(lambda: subscribed(socket, "book", {"market": 0}), what="a way there")
        assert heard(socket, book)["type"] == "snapshot"
        os.kill(devnet.node_pid("sequencer"), signal.SIGKILL)
        assert heard(socket, book)["type"] == "lost"
        assert heard(socket, book)["type"] == "snapshot"

    wait_for(lambda: answers(devnet.sequencer), what="the sequencer")
    wait_for(lambda: head(replica) > max(before, devnet.safe_number(replica)), what="unsafe blocks")
    same = hex(min(head(replica), head(devnet.sequencer)))
    theirs, ours = (
        rpc(url, "eth_getBlockByNumber", same, False)["hash"] for url in (devnet.sequencer, replica)
    )
    assert theirs == ours


def metrics(url: str) -> str:
    return get(f"{url}/metrics").text


def head(url: str) -> int:
    return int(rpc(url, "eth_blockNumber"), 16)


def host_of(pid: int) -> int | None:
    """The process that speaks libp2p for a node."""
    return next(
        (child for child in children_of(pid) if b"node.p2p.host" in command_line(child)), None
    )
