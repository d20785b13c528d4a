"""The clock, mining and snapshots of a devnet, on both layers at once."""

import json
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from genesis.accounts import dev_accounts
from tests.devnet.conftest import (
    WAIT_SECONDS_MAX,
    Devnet,
    RpcFailed,
    rpc,
    tallystick,
    wait_for,
)
from tests.devnet.powers import (
    DAY,
    NOBODY,
    assert_true,
    balance,
    block,
    mined_by_hand,
    number,
    powerful_devnet,
    receipt,
    send,
    timestamp,
    wait_block,
)
from tests.devnet.sender import Sender

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    with powerful_devnet(tmp_path_factory.mktemp("powers")) as running:
        yield running


@pytest.mark.parametrize("layer", ["l1", "sequencer", "verifier"])
def test_increase_time_of_any_node_moves_both_layers(devnet: Devnet, layer: str) -> None:
    before = {url: timestamp(url) for url in (devnet.l1, devnet.sequencer)}
    offset = rpc(getattr(devnet, layer), "evm_increaseTime", DAY)
    again = rpc(getattr(devnet, layer), "evm_increaseTime", hex(DAY))

    assert again == offset + DAY
    for url, moment in before.items():
        wait_for(lambda url=url, moment=moment: timestamp(url) >= moment + 2 * DAY, what="the time")
    assert_true(devnet)


def test_orders_are_dated_by_the_chain_where_it_is_ahead_of_the_machine(devnet: Devnet) -> None:
    """Dated by the machine, an order of an hour would be old, and a request to cancel refused."""
    owner = ("--dev-account", "5")
    ahead = timestamp(devnet.sequencer) + DAY
    rpc(devnet.sequencer, "evm_increaseTime", DAY)
    wait_for(lambda: timestamp(devnet.sequencer) >= ahead, what="the time")
    said(devnet, "faucet", dev_address(5))
    account = str(said(devnet, "margin", "open", "1000", *owner)["account"])
    mine = ("--account", account, *owner)
    bring_price(devnet)

    placed = said(devnet, "trade", "place", "BTC", "buy", "0.01", "10000", *mine)["order"]
    assert placed["status"] == "live"
    assert placed["expiry"] > ahead
    better = ("0.02", "10100", "--post-only")
    other = said(devnet, "trade", "replace", placed["order"], *better, *mine)["order"]
    assert (other["sizeS8"], other["priceP8"]) == ("2000000", "1010000000000")
    assert other["postOnly"]
    (left,) = said(devnet, "trade", "orders", "--account", account)
    assert left["order"] == other["order"]
    assert said(devnet, "trade", "cancel-all", *mine) == [other["order"]]


def bring_price(devnet: Devnet) -> None:
    """A round of the oracle, after which markets are open."""
    command = tallystick("keeper", "oracle", "--dev", "--once", "--rpc-url", devnet.sequencer)
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr


def said(devnet: Devnet, *command: str) -> Any:
    """What a command answers with --json."""
    done = devnet.run(*command, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def dev_address(index: int) -> str:
    return "0x" + dev_accounts()[index].address.hex()


def test_set_next_timestamp_next_block_has_exactly_it(devnet: Devnet) -> None:
    for url in (devnet.l1, devnet.sequencer):
        wanted = timestamp(url) + 1_000
        first = number(url) + 1
        assert rpc(url, "evm_setNextBlockTimestamp", wanted) is None
        wait_for(lambda url=url, wanted=wanted: timestamp(url) >= wanted, what="the time")

        times = [timestamp(url, at) for at in range(first, number(url) + 1)]
        assert wanted in times
        assert times == sorted(set(times))
    assert_true(devnet)


def test_set_next_timestamp_in_the_past_refused(devnet: Devnet) -> None:
    with pytest.raises(RpcFailed, match="Timestamp error: 100 is not after"):
        rpc(devnet.sequencer, "evm_setNextBlockTimestamp", 100)


def test_skipped_time_takes_no_block_of_l2_back(devnet: Devnet) -> None:
    """A deposit that the newest blocks had no time to take is not overdue in their batch."""
    depositor = Sender(devnet.l1, 1)
    portal = devnet.deployment()["contracts"]["Portal"]
    wait_block(devnet.sequencer, 3)
    transaction = send(devnet.sequencer)
    receipt(devnet.l1, depositor.send(depositor.deposit(portal, bytes(19) + b"\x99", 10**18)))
    mined = receipt(devnet.sequencer, transaction)["blockHash"]

    rpc(devnet.sequencer, "evm_increaseTime", 30 * DAY)

    wait_for(lambda: balance(devnet.sequencer, "0x" + "00" * 19 + "99"), what="the deposit")
    assert_true(devnet)
    assert receipt(devnet.sequencer, transaction)["blockHash"] == mined


def test_mine_days_apart_stays_true(devnet: Devnet) -> None:
    for url in (devnet.sequencer, devnet.l1):
        first = number(url) + 1
        rpc(url, "anvil_mine", 3, DAY)
        times = [timestamp(url, at) for at in range(first, number(url) + 1)]
        assert sum(later - sooner == DAY for sooner, later in pairwise(times)) >= 1
        assert_true(devnet)


@pytest.mark.parametrize("layer", ["l1", "sequencer"])
def test_mine_makes_blocks_at_once(devnet: Devnet, layer: str) -> None:
    url = getattr(devnet, layer)
    before = number(url)

    assert rpc(url, "evm_mine") == "0x0"
    assert rpc(url, "evm_mine", {"blocks": 2}) == "0x0"
    assert rpc(url, "anvil_mine", "0x3", 60) is None
    assert rpc(url, "hardhat_mine", 4) is True

    assert number(url) >= before + 10
    head = number(url)
    assert timestamp(url, head) - timestamp(url, before) >= 2 * 60
    assert_true(devnet)


def test_mine_with_timestamp_block_has_exactly_it(devnet: Devnet) -> None:
    wanted = timestamp(devnet.sequencer) + 5_000
    before = number(devnet.sequencer)
    rpc(devnet.sequencer, "evm_mine", wanted)

    after = range(before, number(devnet.sequencer) + 1)
    assert wanted in [timestamp(devnet.sequencer, at) for at in after]


def test_too_many_blocks_refused_with_remedy(devnet: Devnet) -> None:
    with pytest.raises(RpcFailed, match="use evm_increaseTime"):
        rpc(devnet.sequencer, "anvil_mine", "0x100000")


def test_automine_one_block_a_transaction(devnet: Devnet) -> None:
    url = devnet.sequencer
    assert rpc(url, "anvil_getAutomine") is False
    assert rpc(url, "anvil_getIntervalMining") == 1
    rpc(url, "evm_setAutomine", True)
    try:
        assert (rpc(url, "anvil_getAutomine"), rpc(url, "anvil_getIntervalMining")) == (True, None)
        blocks = [int(receipt(url, send(url))["blockNumber"], 16) for _ in range(3)]
        assert blocks == sorted(set(blocks))
    finally:
        rpc(url, "evm_setIntervalMining", 1)
    assert_true(devnet)


def test_manual_mining_nothing_comes_until_told(devnet: Devnet) -> None:
    url = devnet.sequencer
    with mined_by_hand(url):
        l1 = number(devnet.l1)
        transaction = send(url)
        before = number(url)
        wait_block(devnet.l1, l1 + 3)
        assert number(url) == before
        assert rpc(url, "eth_getTransactionReceipt", transaction) is None

        rpc(url, "evm_mine")
        assert int(receipt(url, transaction)["blockNumber"], 16) == before + 1
    wait_block(url, before + 2)


@pytest.mark.parametrize("layer", ["l1", "sequencer"])
def test_drop_transaction_never_comes(devnet: Devnet, layer: str) -> None:
    url = getattr(devnet, layer)
    with mined_by_hand(url):
        first, second = send(url), send(url, value=2)
        assert rpc(url, "anvil_dropTransaction", second) == second
        assert rpc(url, "anvil_dropTransaction", second) is None
        assert rpc(url, "hardhat_dropTransaction", first) is True
        rpc(url, "evm_mine")
        assert rpc(url, "eth_getTransactionByHash", first) is None


def test_revert_puts_both_layers_and_the_clock_back(devnet: Devnet) -> None:
    receipt(devnet.l1, send(devnet.l1))
    receipt(devnet.sequencer, send(devnet.sequencer))
    heads = {url: block(url) for url in (devnet.l1, devnet.sequencer)}
    balances = {url: balance(url, NOBODY) for url in heads}
    snapshot = rpc(devnet.sequencer, "evm_snapshot")
    later = rpc(devnet.l1, "evm_snapshot")
    for url in heads:
        receipt(url, send(url, value=10**18))
    rpc(devnet.sequencer, "evm_increaseTime", 30 * DAY)
    wait_for(lambda: timestamp(devnet.sequencer) > 30 * DAY, what="the time")

    assert rpc(devnet.verifier, "evm_revert", snapshot) is True

    for url, head in heads.items():
        at = int(head["number"], 16)
        wait_block(url, at)
        assert block(url, at)["hash"] == head["hash"]
        assert balance(url, NOBODY) == balances[url]
        assert timestamp(url) < int(head["timestamp"], 16) + DAY
    assert rpc(devnet.l1, "evm_revert", later) is False
    assert rpc(devnet.l1, "evm_revert", snapshot) is False
    receipt(devnet.sequencer, send(devnet.sequencer))
    assert_true(devnet)


def test_revert_again_and_again_stays_true(devnet: Devnet) -> None:
    url = devnet.sequencer
    before = balance(url, NOBODY)
    for value in (5, 6, 7):
        snapshot = rpc(url, "evm_snapshot")
        receipt(url, send(url, value=value))
        assert balance(url, NOBODY) == before + value
        assert rpc(url, "evm_revert", snapshot) is True
        assert balance(url, NOBODY) == before
    assert_true(devnet)


def test_revert_brings_waiting_transactions_back(devnet: Devnet) -> None:
    url = devnet.sequencer
    with mined_by_hand(url):
        transaction = send(url)
        snapshot = rpc(url, "evm_snapshot")
        rpc(url, "evm_mine")
        receipt(url, transaction)
        rpc(url, "evm_revert", snapshot)
        assert rpc(url, "eth_getTransactionReceipt", transaction) is None
        assert rpc(url, "eth_getTransactionByHash", transaction)["blockNumber"] is None
        rpc(url, "evm_mine")
        receipt(url, transaction)


def test_dump_loads_into_another_devnet(devnet: Devnet, tmp_path) -> None:
    receipt(devnet.sequencer, send(devnet.sequencer, value=123))
    held, at = balance(devnet.sequencer, NOBODY), number(devnet.sequencer)
    head = block(devnet.sequencer, at)["hash"]
    dumped = rpc(devnet.l1, "anvil_dumpState")
    path = Path(rpc(devnet.sequencer, "anvil_dumpState", "kept"))
    assert path == devnet.data_dir / "dumps" / "kept"

    with powerful_devnet(tmp_path, "--load-state", str(path)) as other:
        assert block(other.sequencer, at)["hash"] == head
        receipt(other.sequencer, send(other.sequencer))
        assert rpc(other.sequencer, "anvil_loadState", dumped) is True
        assert balance(other.sequencer, NOBODY) == held
        assert block(other.sequencer, at)["hash"] == head
        receipt(other.sequencer, send(other.sequencer))
        assert_true(other)

    receipt(devnet.sequencer, send(devnet.sequencer))
    assert rpc(devnet.sequencer, "anvil_loadState", "kept") is True
    assert balance(devnet.sequencer, NOBODY) == held
    assert_true(devnet)


def test_what_is_no_dump_refused(devnet: Devnet) -> None:
    before = balance(devnet.sequencer, NOBODY)
    for wrong in ("0x1234", "none", "../../etc/passwd"):
        with pytest.raises(RpcFailed, match="dump"):
            rpc(devnet.sequencer, "anvil_loadState", wrong)
    assert balance(devnet.sequencer, NOBODY) == before


def test_revert_ends_subscriptions_and_keeps_other_sockets(devnet: Devnet) -> None:
    snapshot = rpc(devnet.sequencer, "evm_snapshot")
    url = devnet.sequencer.replace("http", "ws")
    with connect(url, proxy=None) as subscriber, connect(url, proxy=None) as caller:
        ask(subscriber, "eth_subscribe", "newHeads")
        assert ask(caller, "evm_revert", snapshot) is True
        assert int(ask(caller, "eth_blockNumber"), 16) > 0

        with pytest.raises(ConnectionClosed) as closed:
            drain(subscriber)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


def drain(socket: ClientConnection) -> None:
    """Read until the other side closes. Raises `ConnectionClosed`."""
    while True:
        socket.recv(timeout=WAIT_SECONDS_MAX)


def ask(socket: ClientConnection, method: str, *params: object) -> Any:
    """One call over a websocket; its result."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    socket.send(json.dumps(request))
    return json.loads(socket.recv(timeout=WAIT_SECONDS_MAX))["result"]


def test_unknown_snapshot_is_no_error(devnet: Devnet) -> None:
    assert rpc(devnet.sequencer, "evm_revert", "0x7777") is False


def test_numbers_of_other_kinds_refused(devnet: Devnet) -> None:
    for wrong in (-1, 1.5, True, "0x", "ten", None, 2**64):
        with pytest.raises(RpcFailed):
            rpc(devnet.sequencer, "evm_increaseTime", wrong)
