"""Clients that we did not write, with what they do now and then: filters, watching, batches."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from web3 import AsyncWeb3, HTTPProvider, Web3, WebSocketProvider
from web3.contract import Contract
from web3.exceptions import TransactionNotFound

from tests.clients.scenario import ARTIFACT
from tests.clients.test_unlocked import script
from tests.node.rpc.harness import L2_CONFIG, RunningNode, deploy_counter, open_chain, running_node

SECONDS_MAX = 60


@pytest.fixture(params=["l1", "l2"])
def counter(request: pytest.FixtureRequest) -> Iterator[tuple[RunningNode, str]]:
    chain = open_chain() if request.param == "l1" else open_chain(L2_CONFIG)
    with running_node(chain) as node:
        yield node, deploy_counter(node)


def test_ethers_filters_watches_batches_and_waits(counter: tuple[RunningNode, str]) -> None:
    assert script("seldom.ethers.mjs", *counter, socket=True) == {
        "logs": [1, 1, 1, 1, 1, 0],
        "inBlock": 1,
        "pendingLogs": 0,
        "fees": True,
        "confirmed": 1,
        "polled": [True] * 3,
        "pushed": [True] * 3,
        "batch": 1,
        "ens": ["UNSUPPORTED_OPERATION"] * 2,
        "missing": [None, None],
        "pendingHash": None,
    }


def test_viem_filters_watches_batches_waits_and_reconnects(
    counter: tuple[RunningNode, str],
) -> None:
    assert script("seldom.viem.mjs", *counter, socket=True) == {
        "filter": [1, 2, True],
        "pendingLogs": 0,
        "fees": ["maxFeePerGas", "maxPriorityFeePerGas"],
        "history": 2,
        "confirmed": "success",
        "multicall": ["success", "failure"],
        "simulated": ["success", "success"],
        "polled": [True] * 4,
        "pushed": [True] * 4,
        "reconnected": True,
        "sync": "success",
        "ens": "ChainDoesNotSupportContract",
        "missing": ["TransactionNotFoundError", "BlockNotFoundError"],
    }


def test_web3_py_filters_batches_and_subscribes(counter: tuple[RunningNode, str]) -> None:
    node, address = counter
    w3 = Web3(HTTPProvider(node.url))
    abi = json.loads(ARTIFACT.read_text())["abi"]
    contract = w3.eth.contract(address=Web3.to_checksum_address(address), abi=abi)
    sender = w3.eth.accounts[3]

    def move() -> Any:
        sent = contract.functions.move(2).transact({"from": sender})
        return w3.eth.wait_for_transaction_receipt(sent)

    filters = [
        w3.eth.filter("latest"),
        w3.eth.filter("pending"),
        w3.eth.filter({"address": contract.address, "fromBlock": 0}),
        contract.events.Moved.create_filter(from_block="latest", argument_filters={"who": sender}),
    ]
    receipt = move()
    assert [len(one.get_new_entries()) for one in filters] == [1, 1, 1, 1]
    assert len(filters[2].get_all_entries()) == 1
    assert all(w3.eth.uninstall_filter(one.filter_id) for one in filters)
    found = contract.events.Moved().get_logs(from_block=0, argument_filters={"who": sender})
    assert [log["transactionHash"] for log in found] == [receipt["transactionHash"]]
    assert len(w3.eth.fee_history(2, "latest", [10, 90])["reward"]) == 2
    with w3.batch_requests() as batch:
        batch.add(w3.eth.get_block("latest"))
        batch.add(contract.functions.value())
        latest, value = batch.execute()
    assert (latest["number"], value) == (receipt["blockNumber"], 7)
    with pytest.raises(TransactionNotFound):
        w3.eth.get_transaction("0x" + "00" * 32)
    assert asyncio.run(_pushed(node, contract, move)) == {"header", "hash", "log", "transaction"}


async def _pushed(node: RunningNode, contract: Contract, move: Any) -> set[str]:
    """What is pushed of one transaction, by its kind."""
    kinds: dict[str, str] = {}
    async with AsyncWeb3(WebSocketProvider(node.ws_url)) as w3:
        kinds[await w3.eth.subscribe("newHeads")] = "header"
        kinds[await w3.eth.subscribe("newPendingTransactions")] = "hash"
        kinds[await w3.eth.subscribe("newPendingTransactions", True)] = "transaction"
        kinds[await w3.eth.subscribe("logs", {"address": contract.address})] = "log"
        await asyncio.to_thread(move)
        seen: set[str] = set()
        async with asyncio.timeout(SECONDS_MAX):
            async for message in w3.socket.process_subscriptions():
                seen.add(kinds[message["subscription"]])
                if len(seen) == len(kinds):
                    return seen
    return seen
