"""What each method answers on a chain with a bit of everything, against strict schemas."""

from collections.abc import Iterator
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from execution.attributes import InclusionRule
from execution.transaction import AccessListEntry, TransactionType
from execution.transactions import make_deposit
from execution.transition import Candidate
from genesis.artifacts import load_artifact
from state.types import Address, Gas, Hash32, Wei
from tests.clients.scenario import ARTIFACT
from tests.node.rpc import schemas
from tests.node.rpc.harness import (
    DEV,
    L1_CONFIG,
    L2_CONFIG,
    NOBODY,
    RunningNode,
    open_chain,
    running_node,
    selector,
    sign,
)

pytestmark = pytest.mark.skipif(not schemas.is_available(), reason="no execution-apis schemas")

HASHES: dict[str, str] = {}
"""What `populate` made, by what it is."""

TYPES = (TransactionType.LEGACY, TransactionType.ACCESS_LIST, TransactionType.FEE_MARKET)


def populate(node: RunningNode) -> dict[str, str]:
    """A transaction of each type, a creation, logs, a failure, and two that wait."""
    access = (AccessListEntry(NOBODY, (1, 2)),)
    hashes = {}
    for nonce, kind in enumerate(TYPES):
        listed = () if kind is TransactionType.LEGACY else access
        raw = sign(node, nonce, type=kind, access_list=listed)
        hashes[kind.name] = node.call("eth_sendRawTransaction", raw)
    creation = load_artifact(ARTIFACT).bytecode + (5).to_bytes(32)
    hashes["CREATION"] = node.call(
        "eth_sendRawTransaction", sign(node, 3, to=None, value=Wei(0), data=creation)
    )
    receipt = node.call("eth_getTransactionReceipt", hashes["CREATION"])
    hashes["counter"] = receipt["contractAddress"]
    counter = Address(bytes.fromhex(hashes["counter"][2:]))
    for nonce, data in ((4, selector("move") + (1).to_bytes(32)), (5, b"\xff" * 4)):
        raw = sign(node, nonce, to=counter, value=Wei(0), data=data)
        hashes["LOGS" if nonce == 4 else "FAILURE"] = node.call("eth_sendRawTransaction", raw)
    node.miner.is_on = False
    hashes["WAITING"] = node.call("eth_sendRawTransaction", sign(node, 0, sender=1))
    hashes["QUEUED"] = node.call("eth_sendRawTransaction", sign(node, 7, sender=1))
    return hashes


@pytest.fixture(scope="module")
def node() -> Iterator[RunningNode]:
    with running_node(open_chain(L1_CONFIG)) as running:
        HASHES.update(populate(running))
        yield running


DEV_ADDRESS = "0x" + DEV[0].address.hex()


WITHOUT_PARAMETERS = (
    "debug_getBadBlocks",
    "eth_accounts",
    "eth_baseFee",
    "eth_blobBaseFee",
    "eth_blockNumber",
    "eth_capabilities",
    "eth_chainId",
    "eth_coinbase",
    "eth_config",
    "eth_gasPrice",
    "eth_maxPriorityFeePerGas",
    "eth_newBlockFilter",
    "eth_newPendingTransactionFilter",
    "eth_syncing",
    "net_version",
    "txpool_content",
    "txpool_status",
)


def calls(node: RunningNode) -> Iterator[tuple[str, list[object]]]:
    """Every specified method that this node has, with arguments that find something."""
    hashes, latest = HASHES, node.call("eth_getBlockByNumber", "latest", False)
    counter, head = hashes["counter"], latest["hash"]
    move = "0x" + (selector("move") + (1).to_bytes(32)).hex()
    call = {"from": DEV_ADDRESS, "to": counter, "input": move}
    everything = {"fromBlock": "0x0", "toBlock": "latest"}
    yield from ((name, []) for name in WITHOUT_PARAMETERS)
    for ref in ("earliest", "finalized", "safe", "latest", "pending", "0x3", "0xffff", head):
        yield "eth_getBlockReceipts", [ref]
        yield "eth_getBlockTransactionCountByNumber", [ref]
        for full in (False, True):
            yield "eth_getBlockByNumber", [ref, full]
    yield "eth_getBlockByHash", [head, True]
    yield "eth_getBlockByHash", ["0x" + "00" * 32, True]
    yield "eth_getBlockTransactionCountByHash", [head]
    for name in (*(kind.name for kind in TYPES), "CREATION", "LOGS", "FAILURE"):
        yield "eth_getTransactionReceipt", [hashes[name]]
        yield "eth_getTransactionByHash", [hashes[name]]
        yield "debug_getRawTransaction", [hashes[name]]
    yield "eth_getTransactionByHash", ["0x" + "00" * 32]
    yield "eth_getTransactionReceipt", ["0x" + "00" * 32]
    yield "eth_getTransactionByBlockHashAndIndex", [head, "0x0"]
    yield "eth_getTransactionByBlockNumberAndIndex", ["latest", "0x0"]
    for method in ("debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts"):
        yield method, ["latest"]
    yield "debug_traceTransaction", [hashes["LOGS"]]
    yield "debug_traceBlockByNumber", ["latest", {"enableMemory": True}]
    yield "debug_traceBlockByHash", [head]
    for method in ("eth_getBalance", "eth_getTransactionCount", "eth_getCode"):
        yield method, [counter, "latest"]
    yield "eth_getStorageAt", [counter, "0x0", "latest"]
    yield "eth_getStorageValues", [{counter: ["0x" + "00" * 32]}, "latest"]
    yield "eth_getProof", [counter, ["0x0", "0x" + "ff" * 32], "latest"]
    yield "eth_getProof", ["0x" + "99" * 20, ["0x1"], "latest"]
    yield "eth_call", [call, "latest"]
    yield "eth_estimateGas", [call]
    yield "eth_createAccessList", [call]
    send = {"from": "0x" + DEV[3].address.hex(), "to": counter, "input": move}
    fees = {"maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1"}
    legacy = {"gasPrice": "0x77359400"}
    signable = {**send, "gas": "0x186a0", "nonce": "0x0"}
    for price in (fees, legacy, {**legacy, "accessList": []}):
        yield "eth_fillTransaction", [{**send, **price}]
        yield "eth_signTransaction", [{**signable, **price}]
    yield "eth_fillTransaction", [{"from": send["from"], "input": "0x00"}]
    yield "eth_sendTransaction", [send]
    yield "eth_sign", [send["from"], "0x1234"]
    yield "eth_simulateV1", [{"blockStateCalls": [{"calls": [call]}], "traceTransfers": True}]
    yield "eth_feeHistory", ["0x5", "latest", [10, 50.5, 90]]
    yield "eth_feeHistory", ["0x0", "latest", []]
    yield "eth_getLogs", [everything]
    logged = node.call("eth_getTransactionReceipt", hashes["LOGS"])["blockHash"]
    yield "eth_getLogs", [{"blockHash": logged, "address": counter}]
    yield "eth_newFilter", [everything]
    yield "eth_getFilterLogs", [node.call("eth_newFilter", everything)]
    waiting = node.call("eth_newPendingTransactionFilter")
    yield "eth_sendRawTransaction", [sign(node, 0, sender=4)]
    yield "eth_getFilterChanges", [waiting]
    yield "eth_uninstallFilter", [node.call("eth_newBlockFilter")]
    yield "txpool_contentFrom", ["0x" + DEV[1].address.hex()]


def as_if_sealed(pending: dict[str, Any]) -> dict[str, Any]:
    """A pending block with what it lacks: geth's has nulls there, which no schema allows."""
    for name, size in (("hash", 32), ("nonce", 8), ("miner", 20)):
        assert pending[name] is None
        pending[name] = "0x" + "00" * size
    return pending


def test_result_of_every_method_fits_its_schema(node: RunningNode) -> None:
    served = set()
    for method, params in calls(node):
        result = node.call(method, *params)
        if method == "eth_getBlockByNumber" and params[0] == "pending":
            result = as_if_sealed(result)
        schemas.check_result(method, result)
        schema = schemas.methods()[method]["result"]["schema"]
        assert schemas.unknown_fields(schema, result) == set(), method
        served.add(method)
    assert served == node.methods & schemas.methods().keys()


def test_waiting_transaction_has_no_place_and_its_fee_cap_as_price(node: RunningNode) -> None:
    waiting = node.call("eth_getTransactionByHash", HASHES["WAITING"])
    assert waiting["blockHash"] is waiting["blockNumber"] is waiting["transactionIndex"] is None
    assert waiting["gasPrice"] == waiting["maxFeePerGas"]
    status = node.call("txpool_status")
    assert status == {"pending": "0x3", "queued": "0x1"}
    line = node.call("txpool_inspect")["pending"][to_checksum_address(DEV[1].address)]["0"]
    fee_cap = int(waiting["gasPrice"], 16)
    assert line.endswith(f" gas × {fee_cap} wei")
    content = node.call("txpool_contentFrom", "0x" + DEV[1].address.hex())
    assert content["pending"]["0"]["hash"] == HASHES["WAITING"]
    assert content["queued"]["7"]["hash"] == HASHES["QUEUED"]


def test_deposit_has_the_fields_of_op_geth() -> None:
    deposit = make_deposit(
        source_hash=Hash32(b"\x01" * 32),
        sender=NOBODY,
        to=DEV[0].address,
        mint=Wei(7),
        value=Wei(7),
        gas=Gas(100_000),
        data=b"",
    )
    with running_node(open_chain(L2_CONFIG)) as node:
        number = hex(node.mine(Candidate(deposit, InclusionRule.CARRY)))
        block = node.call("eth_getBlockByNumber", number, True)
        _, transaction = block["transactions"]
        assert transaction["type"] == "0x7e"
        assert transaction["sourceHash"] == "0x" + "01" * 32
        assert transaction["mint"] == "0x7"
        assert transaction["from"] == "0x" + NOBODY.hex()
        assert transaction["gasPrice"] == "0x0"
        receipt = node.call("eth_getTransactionReceipt", transaction["hash"])
        assert receipt["status"] == "0x1"
        assert receipt["effectiveGasPrice"] == "0x0"
        schemas.check_result("eth_getTransactionReceipt", receipt)
        assert node.call("eth_feeHistory", "0x1", number, [50])["reward"] == [["0x0"]]
