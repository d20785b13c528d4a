"""The pending block: what waits, as if the next block were made of it now."""

import asyncio

import pytest

from node import limits
from node.rpc.pending import PendingBlocks
from state.clock import ManualClock
from state.errors import Unavailable
from state.types import Address, Timestamp, Wei
from tests.node.rpc import schemas
from tests.node.rpc.harness import (
    DEV,
    NOBODY,
    RunningNode,
    counter_creation,
    deploy_counter,
    move,
    selector,
    sign,
)
from tests.node.rpc.test_eth import proven

STRANGER = "0x" + NOBODY.hex()
ALICE = "0x" + DEV[0].address.hex()
VALUE = "0x" + selector("value").hex()


@pytest.fixture
def waiting(node: RunningNode) -> RunningNode:
    """Two transactions wait for block 1."""
    node.miner.is_on = False
    for nonce in range(2):
        node.call("eth_sendRawTransaction", sign(node, nonce, value=Wei(3)))
    return node


def test_pending_block_holds_what_waits_and_lacks_what_sealing_gives(waiting: RunningNode) -> None:
    head = waiting.call("eth_getBlockByNumber", "latest", False)
    pending = waiting.call("eth_getBlockByNumber", "pending", False)
    assert int(pending["number"], 16) == int(head["number"], 16) + 1
    assert pending["parentHash"] == head["hash"]
    assert len(pending["transactions"]) == 2
    assert pending["gasUsed"] == hex(2 * 21_000)
    assert pending["hash"] is pending["nonce"] is pending["miner"] is None
    assert waiting.call("eth_getBlockTransactionCountByNumber", "pending") == "0x2"
    first = waiting.call("eth_getTransactionByBlockNumberAndIndex", "pending", "0x0")
    assert first["hash"] == pending["transactions"][0]
    full = waiting.call("eth_getBlockByNumber", "pending", True)["transactions"]
    assert [one["transactionIndex"] for one in full] == ["0x0", "0x1"]
    receipts = waiting.call("eth_getBlockReceipts", "pending")
    assert [receipt["status"] for receipt in receipts] == ["0x1", "0x1"]


def test_pending_state_is_what_the_block_then_has(waiting: RunningNode) -> None:
    root = waiting.call("eth_getBlockByNumber", "pending", False)["stateRoot"]
    balance = waiting.call("eth_getBalance", ALICE, "pending")
    assert waiting.call("eth_getBalance", STRANGER, "latest") == "0x0"
    assert waiting.call("eth_getBalance", STRANGER, "pending") == "0x6"
    assert waiting.call("eth_getTransactionCount", ALICE, "pending") == "0x2"
    waiting.mine()
    assert waiting.call("eth_getBlockByNumber", "latest", False)["stateRoot"] == root
    assert waiting.call("eth_getBalance", ALICE, "latest") == balance


def test_contract_that_waits_is_called_read_estimated_and_proven(node: RunningNode) -> None:
    node.miner.is_on = False
    creation = node.call(
        "eth_fillTransaction", {"from": ALICE, "input": "0x" + counter_creation().hex()}
    )["tx"]
    node.call("eth_sendTransaction", {"from": ALICE, "input": creation["input"]})
    counter = node.call("eth_getBlockReceipts", "pending")[0]["contractAddress"]
    assert node.call("eth_getCode", counter, "latest") == "0x"
    assert len(node.call("eth_getCode", counter, "pending")) > 2
    assert int(node.call("eth_getStorageAt", counter, "0x0", "pending"), 16) == 5
    assert int(node.call("eth_call", {"to": counter, "data": VALUE}, "pending"), 16) == 5
    moving = {"from": ALICE, "to": counter, "data": "0x" + move(1).hex()}
    assert int(node.call("eth_estimateGas", moving, "pending"), 16) > 21_000
    assert node.call("eth_createAccessList", moving, "pending")["accessList"]
    simulated = node.call("eth_simulateV1", {"blockStateCalls": [{"calls": [moving]}]}, "pending")
    assert simulated[0]["calls"][0]["status"] == "0x1"
    proof = node.call("eth_getProof", counter, ["0x0"], "pending")
    root = node.call("eth_getBlockByNumber", "pending", False)["stateRoot"]
    assert proven(bytes.fromhex(root[2:]), bytes.fromhex(counter[2:]), proof["accountProof"])
    assert proof["storageProof"][0]["value"] == "0x5"


@pytest.fixture
def moving(node: RunningNode) -> tuple[RunningNode, str]:
    """A Counter moved in block 2, and a second move that waits for block 3."""
    counter = deploy_counter(node)
    for nonce in (1, 2):
        node.miner.is_on = nonce == 1
        raw = sign(node, nonce, to=Address(bytes.fromhex(counter[2:])), value=Wei(0), data=move(1))
        node.call("eth_sendRawTransaction", raw)
    return node, counter


def test_pending_logs_are_those_of_the_pending_blocks_receipts(
    moving: tuple[RunningNode, str],
) -> None:
    node, counter = moving
    pending = {"fromBlock": "pending", "toBlock": "pending"}
    (receipt,) = node.call("eth_getBlockReceipts", "pending")
    found = node.call("eth_getLogs", {**pending, "address": counter})
    assert (len(found), found) == (1, receipt["logs"])
    schemas.check_result("eth_getLogs", found)
    assert node.call("eth_getLogs", {"fromBlock": "pending"}) == found
    assert node.call("eth_getLogs", {**pending, "address": STRANGER}) == []
    node.mine()
    assert node.call("eth_getLogs", {"address": counter}) == found
    assert node.call("eth_getLogs", pending) == []


def test_logs_up_to_pending_end_with_those_of_the_pending_block(
    moving: tuple[RunningNode, str],
) -> None:
    node, _ = moving
    for first, numbers in (("0x0", [2, 3]), ("latest", [2, 3]), ("0x3", [3]), ("0x4", None)):
        query = {"fromBlock": first, "toBlock": "pending"}
        if numbers is None:
            assert node.error("eth_getLogs", query)["code"] == -32602
        else:
            found = node.call("eth_getLogs", query)
            assert [int(log["blockNumber"], 16) for log in found] == numbers
    assert len(node.call("eth_getLogs", {"fromBlock": "0x0"})) == 1


def test_logs_from_pending_to_latest_are_no_range(moving: tuple[RunningNode, str]) -> None:
    node, _ = moving
    error = node.error("eth_getLogs", {"fromBlock": "pending", "toBlock": "latest"})
    assert (error["code"], "invalid block range" in error["message"]) == (-32602, True)


def test_pending_logs_count_towards_the_limit_of_an_answer(
    moving: tuple[RunningNode, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    node, _ = moving
    monkeypatch.setattr(limits, "RPC_LOGS_MAX", 1)
    error = node.error("eth_getLogs", {"fromBlock": "0x0", "toBlock": "pending"})
    assert (error["code"], "blocks 0x0 to 0x2" in error["message"]) == (-32005, True)


def test_pending_logs_without_a_next_block_are_none(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the latest block would pass for pending ones."""
    counter = deploy_counter(node)
    target = Address(bytes.fromhex(counter[2:]))
    node.call("eth_sendRawTransaction", sign(node, 1, to=target, value=Wei(0), data=move(1)))

    def no_block(reader: object) -> None:
        raise Unavailable("not now")

    monkeypatch.setattr(node.backend.pending, "_plan", no_block)
    assert node.call("eth_getLogs", {"fromBlock": "pending"}) == []
    assert len(node.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "pending"})) == 1


def test_pending_block_follows_head_and_pool(waiting: RunningNode) -> None:
    first = waiting.call("eth_getBlockByNumber", "pending", False)
    assert waiting.call("eth_getBlockByNumber", "pending", False) == first
    waiting.call("eth_sendRawTransaction", sign(waiting, 2))
    assert waiting.call("eth_getBlockTransactionCountByNumber", "pending") == "0x3"
    waiting.mine()
    empty = waiting.call("eth_getBlockByNumber", "pending", False)
    assert (empty["number"], empty["transactions"]) == ("0x2", [])


def test_look_at_what_is_pending_leaves_pool_and_chain_alone(waiting: RunningNode) -> None:
    """A transaction that the state no longer pays for stays for the builder to drop."""
    waiting.call("eth_getBlockByNumber", "pending", True)
    assert waiting.call("txpool_status") == {"pending": "0x2", "queued": "0x0"}
    assert waiting.call("eth_blockNumber") == "0x0"


def test_pending_without_a_next_block_is_the_latest(node: RunningNode) -> None:
    deploy_counter(node)
    backend = node.backend

    def no_block(reader: object) -> None:
        raise Unavailable("not now")

    pending = PendingBlocks(
        backend.store, backend.config, backend.mempool, backend.clock, backend.evm, no_block
    )
    assert node.run(pending.current) is None


def test_many_who_ask_at_once_share_one_block(waiting: RunningNode) -> None:
    backend = waiting.backend
    made = []

    def plan(reader: object) -> object:
        made.append(reader)
        return waiting.miner.plan(reader)

    pending = PendingBlocks(
        backend.store, backend.config, backend.mempool, backend.clock, backend.evm, plan
    )

    async def ask() -> set[bytes]:
        blocks = await asyncio.gather(*(pending.current() for _ in range(8)))
        return {one.block.hash for one in blocks if one is not None}

    assert len(waiting.run(ask)) == 1
    assert len(made) == 1


def test_who_asks_while_the_pool_never_rests_waits_for_his_share(waiting: RunningNode) -> None:
    """A block that took two seconds is followed by another eight seconds later at the earliest."""
    backend = waiting.backend
    clock, slept = ManualClock(Timestamp(0)), []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    def slow_plan(reader: object) -> object:
        clock.advance(2)
        return waiting.miner.plan(reader)

    pending = PendingBlocks(
        backend.store, backend.config, backend.mempool, clock, backend.evm, slow_plan, sleep
    )
    waiting.run(pending.current)
    waiting.run(pending.current)
    assert slept == []
    clock.advance(3)
    waiting.call("eth_sendRawTransaction", sign(waiting, 2))
    waiting.run(pending.current)
    assert slept == [2 * limits.RPC_PENDING_REST - 3]


def test_slow_transactions_are_not_begun_after_the_limit(
    waiting: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_PENDING_SECONDS_MAX", 0)
    assert waiting.call("eth_getBlockTransactionCountByNumber", "pending") == "0x0"


def test_pending_block_of_an_l2_starts_with_its_deposit(l2_node: RunningNode) -> None:
    l2_node.miner.is_on = False
    l2_node.call("eth_sendRawTransaction", sign(l2_node, 0))
    block = l2_node.call("eth_getBlockByNumber", "pending", True)
    assert [one["type"] for one in block["transactions"]] == ["0x7e", "0x2"]
    assert l2_node.call("eth_getBalance", STRANGER, "pending") == "0x1"
