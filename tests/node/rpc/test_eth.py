"""What `eth_` answers about a chain that the test makes."""

import json
import zlib
from collections.abc import Iterator

import pytest
import rlp
from eth_utils import keccak
from trie import HexaryTrie

from execution.transaction import TransactionType
from node import limits
from state.types import Address, Gas, Wei
from tests.node.rpc.harness import (
    DEV,
    GWEI,
    NOBODY,
    RunningNode,
    deploy_counter,
    move,
    open_chain,
    running_node,
    selector,
    sign,
)

DEV_ADDRESS = "0x" + DEV[0].address.hex()
NOBODY_ADDRESS = "0x" + NOBODY.hex()
ETHER = 10**18


def hexed(value: bytes) -> str:
    return "0x" + value.hex()


def word(number: int) -> str:
    return f"0x{number:064x}"


@pytest.fixture(scope="module")
def counter_node() -> Iterator[tuple[RunningNode, str]]:
    """A chain with a Counter that started at 5, moved by 1 to 4 in blocks 2 to 5."""
    with running_node(open_chain()) as node:
        counter = deploy_counter(node)
        target = Address(bytes.fromhex(counter[2:]))
        for by in range(1, 5):
            raw = sign(node, by, to=target, value=Wei(0), data=move(by))
            node.call("eth_sendRawTransaction", raw)
        yield node, counter


# Accounts


def test_state_of_an_older_block_stays_readable(counter_node: tuple[RunningNode, str]) -> None:
    node, counter = counter_node
    values = [int(node.call("eth_getStorageAt", counter, "0x0", hex(n)), 16) for n in range(1, 6)]
    assert values == [5, 6, 8, 11, 15]
    assert node.call("eth_getCode", counter, "0x0") == "0x"
    assert node.call("eth_getBalance", DEV_ADDRESS, "earliest") == hex(10_000 * ETHER)
    assert node.call("eth_getTransactionCount", DEV_ADDRESS, "0x2") == "0x2"
    value = hexed(selector("value"))
    by_hash = node.call("eth_getBlockByNumber", "0x2", False)["hash"]
    for ref in ("0x2", {"blockNumber": "0x2"}, {"blockHash": by_hash}, by_hash):
        assert node.call("eth_call", {"to": counter, "data": value}, ref) == word(6)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_getBalance", [DEV_ADDRESS]),
        ("eth_getStorageAt", [DEV_ADDRESS, "0x0"]),
        ("eth_getProof", [DEV_ADDRESS, []]),
        ("eth_call", [{"to": DEV_ADDRESS}]),
        ("debug_getRawBlock", []),
    ],
)
def test_block_unknown_is_header_not_found(
    counter_node: tuple[RunningNode, str], method: str, params: list[object]
) -> None:
    node, _ = counter_node
    for ref in ("0x1000", "0x" + "77" * 32):
        error = node.error(method, *params, ref)
        assert (error["code"], error["message"]) == (-32000, "header not found")


def test_proof_verifies_in_an_independent_client(counter_node: tuple[RunningNode, str]) -> None:
    node, counter = counter_node
    root = bytes.fromhex(node.call("eth_getBlockByNumber", "0x3", False)["stateRoot"][2:])
    proof = node.call("eth_getProof", counter, ["0x0", "0x7"], "0x3")
    leaf = proven(root, bytes.fromhex(counter[2:]), proof["accountProof"])
    nonce, balance, storage_root, code_hash = rlp.decode(leaf)
    assert nonce == b"\x01"
    assert balance == b""
    assert hexed(storage_root) == proof["storageHash"]
    assert code_hash == keccak(bytes.fromhex(node.call("eth_getCode", counter)[2:]))
    held, empty = proof["storageProof"]
    assert rlp.decode(proven(storage_root, bytes(32), held["proof"])) == b"\x08"
    assert held["value"] == "0x8"
    assert proven(storage_root, (7).to_bytes(32), empty["proof"]) == b""
    assert empty["value"] == "0x0"


def proven(root: bytes, key: bytes, nodes: list[str]) -> bytes:
    decoded = [rlp.decode(bytes.fromhex(node[2:])) for node in nodes]
    return HexaryTrie.get_from_proof(root, keccak(key), decoded)


# Blocks


def test_raw_block_and_header_hash_to_what_the_block_says(
    counter_node: tuple[RunningNode, str],
) -> None:
    node, _ = counter_node
    block = node.call("eth_getBlockByNumber", "0x4", True)
    header = bytes.fromhex(node.call("debug_getRawHeader", "0x4")[2:])
    assert hexed(keccak(header)) == block["hash"]
    raw = bytes.fromhex(node.call("debug_getRawBlock", "0x4")[2:])
    assert len(raw) == int(block["size"], 16)
    fields, transactions, ommers, withdrawals = rlp.decode(raw)
    assert rlp.encode(fields) == header
    assert [hexed(keccak(tx)) for tx in transactions] == [t["hash"] for t in block["transactions"]]
    assert ommers == withdrawals == []
    (transaction,) = block["transactions"]
    envelope = node.call("debug_getRawTransaction", transaction["hash"])
    assert bytes.fromhex(envelope[2:]) == transactions[0]


def test_transaction_is_found_by_hash_and_by_place(counter_node: tuple[RunningNode, str]) -> None:
    node, _ = counter_node
    block = node.call("eth_getBlockByNumber", "0x2", True)
    (transaction,) = block["transactions"]
    assert node.call("eth_getTransactionByHash", transaction["hash"]) == transaction
    by_number = node.call("eth_getTransactionByBlockNumberAndIndex", "0x2", "0x0")
    by_hash = node.call("eth_getTransactionByBlockHashAndIndex", block["hash"], "0x0")
    assert by_number == by_hash == transaction
    assert node.call("eth_getTransactionByBlockNumberAndIndex", "0x2", "0x1") is None
    assert node.call("eth_getBlockTransactionCountByHash", block["hash"]) == "0x1"
    assert node.call("eth_getUncleCountByBlockHash", block["hash"]) == "0x0"
    receipt = node.call("eth_getTransactionReceipt", transaction["hash"])
    assert node.call("eth_getBlockReceipts", block["hash"]) == [receipt]
    assert receipt["gasUsed"] == receipt["cumulativeGasUsed"] == block["gasUsed"]


def test_gas_used_is_each_transactions_own_in_a_shared_block(node: RunningNode) -> None:
    node.miner.is_on = False
    hashes = [node.call("eth_sendRawTransaction", sign(node, nonce)) for nonce in range(3)]
    node.mine()
    receipts = [node.call("eth_getTransactionReceipt", sent) for sent in hashes]
    assert [receipt["gasUsed"] for receipt in receipts] == ["0x5208"] * 3
    assert [int(receipt["cumulativeGasUsed"], 16) for receipt in receipts] == [21000, 42000, 63000]
    assert [receipt["transactionIndex"] for receipt in receipts] == ["0x0", "0x1", "0x2"]


# Sending


def test_sent_transaction_is_pending_until_mined(node: RunningNode) -> None:
    node.miner.is_on = False
    sent = node.call("eth_sendRawTransaction", sign(node, 0))
    assert node.call("eth_getTransactionReceipt", sent) is None
    assert node.call("eth_getTransactionCount", DEV_ADDRESS, "latest") == "0x0"
    assert node.call("eth_getTransactionCount", DEV_ADDRESS, "pending") == "0x1"
    node.mine()
    assert node.call("eth_getTransactionReceipt", sent)["blockNumber"] == "0x1"
    assert node.call("eth_getBalance", NOBODY_ADDRESS) == "0x1"


def test_transaction_refused_has_geths_words(node: RunningNode) -> None:
    node.miner.is_on = False
    first = sign(node, 0)
    node.call("eth_sendRawTransaction", first)
    legacy = sign(node, 0, type=TransactionType.LEGACY)
    cases = {
        first: "already known",
        sign(node, 0, value=Wei(2)): "replacement transaction underpriced",
        sign(node, 1, value=Wei(10**24)): "insufficient funds for gas * price + value",
        sign(node, 1, gas=Gas(20_000)): "intrinsic gas too low",
        sign(node, 1, gas=Gas(2**24 + 1)): "transaction gas limit too high",
        sign(node, 1, max_fee_per_gas=Wei(GWEI)): "max priority fee per gas higher than max fee",
        legacy[:-1]: "rlp: ",
        "0x": "rlp: ",
        "0x03c0": "transaction type not supported",
        "0x7ec0": "transaction type not supported",
    }
    for raw, words in cases.items():
        error = node.error("eth_sendRawTransaction", raw)
        assert error["message"].startswith(words) or len(raw) % 2, (raw, error)
        assert error["code"] in (-32000, -32602)
    node.mine()
    stale = node.error("eth_sendRawTransaction", sign(node, 0, value=Wei(3)))
    assert stale["message"].startswith("nonce too low")


# Calls


def test_revert_is_error_3_with_reason_and_data(counter_node: tuple[RunningNode, str]) -> None:
    node, counter = counter_node
    for method in ("eth_call", "eth_estimateGas"):
        error = node.error(method, {"to": counter, "input": hexed(selector("refuse"))})
        assert (error["code"], error["message"]) == (3, "execution reverted: counter refuses")
        assert error["data"].startswith("0x08c379a0")
        custom = node.error(method, {"from": DEV_ADDRESS, "to": counter, "input": hexed(move(0))})
        assert (custom["code"], custom["message"]) == (3, "execution reverted")
        assert custom["data"] == hexed(selector("NoStep")) + word(int(DEV_ADDRESS, 16))[2:]
        panic = node.error(method, {"to": counter, "input": hexed(move(2**255 - 1))})
        assert panic["message"] == "execution reverted: arithmetic underflow or overflow"


def test_halt_and_gas_too_low_are_told_in_geths_words(
    counter_node: tuple[RunningNode, str],
) -> None:
    node, counter = counter_node
    call = {"to": counter, "input": hexed(move(1)), "gas": hex(21_800)}
    assert node.error("eth_call", call)["message"] == "out of gas"
    error = node.error("eth_estimateGas", call)
    assert error["message"].startswith("gas required exceeds allowance (21800)")
    broke = {"from": NOBODY_ADDRESS, "to": counter, "value": hex(10**30)}
    assert "insufficient funds" in node.error("eth_estimateGas", broke)["message"]


def test_estimate_is_enough_and_close(counter_node: tuple[RunningNode, str]) -> None:
    node, counter = counter_node
    call = {"from": DEV_ADDRESS, "to": counter, "input": hexed(move(1))}
    estimate = int(node.call("eth_estimateGas", call), 16)
    assert node.call("eth_call", {**call, "gas": hex(estimate)}) == word(16)
    assert node.error("eth_call", {**call, "gas": hex(estimate * 95 // 100)})
    assert node.call("eth_estimateGas", {"from": DEV_ADDRESS, "to": NOBODY_ADDRESS}) == "0x5208"


def test_overrides_pretend_code_balance_and_storage(
    counter_node: tuple[RunningNode, str],
) -> None:
    node, counter = counter_node
    value = {"to": counter, "data": hexed(selector("value"))}
    diff = {counter: {"stateDiff": {"0x0": word(99)}}}
    assert node.call("eth_call", value, "latest", diff) == word(99)
    assert node.call("eth_call", value, "latest", {counter: {"state": {}}}) == word(0)
    code = node.call("eth_getCode", counter)
    there = {NOBODY_ADDRESS: {"code": code, "balance": "0x1", "nonce": "0x2"}}
    assert node.call("eth_call", {**value, "to": NOBODY_ADDRESS}, "latest", there) == word(0)
    assert node.call("eth_call", value) == word(15)
    both = {counter: {"state": {}, "stateDiff": {}}}
    assert node.error("eth_call", value, "latest", both)["code"] == -32602


def test_access_list_names_what_a_call_reads(counter_node: tuple[RunningNode, str]) -> None:
    node, counter = counter_node
    call = {"from": DEV_ADDRESS, "to": counter, "input": hexed(move(1))}
    result = node.call("eth_createAccessList", call)
    assert result["accessList"] == [{"address": counter, "storageKeys": [word(0)]}]
    refused = node.call("eth_createAccessList", {"to": counter, "input": hexed(selector("refuse"))})
    assert refused["error"] == "execution reverted"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"data": "0x01", "input": "0x02"}, 'both "data" and "input" are set and not equal'),
        ({"gasPrice": "0x1", "maxFeePerGas": "0x1"}, "both gasPrice and (maxFeePerGas"),
        ({"blobVersionedHashes": ["0x" + "01" * 32]}, "transaction type not supported"),
        ({"to": "0x12"}, "an address has 20 bytes"),
        ({"value": "1"}, "not a quantity"),
        ({"accessList": [{"storageKeys": []}]}, "not 0x-prefixed data"),
        ({"accessList": {}}, "not a list"),
        ("0x", "not an object"),
    ],
)
def test_call_malformed_is_refused(
    counter_node: tuple[RunningNode, str], call: object, words: str
) -> None:
    node, _ = counter_node
    error = node.error("eth_call", call)
    assert error["code"] == -32602
    assert words in error["message"]


def test_call_runs_in_the_block_it_names(node: RunningNode) -> None:
    for _ in range(3):
        node.mine()
    # NUMBER, BLOCKHASH(NUMBER - 1) and TIMESTAMP, returned as three words.
    code = "0x43600052" + "600143034060205242604052" + "60606000f3"
    block = node.call("eth_getBlockByNumber", "0x2", False)
    output = node.call("eth_call", {"input": code}, "0x2")
    assert (
        output
        == "0x" + word(2)[2:] + block["parentHash"][2:] + word(int(block["timestamp"], 16))[2:]
    )


# Fees


def test_fee_history_has_base_fees_fullness_and_rewards(node: RunningNode) -> None:
    node.miner.is_on = False
    for nonce, tip in enumerate((1, 3, 2)):
        fees = {"max_fee_per_gas": Wei(10 * GWEI), "max_priority_fee_per_gas": Wei(tip * GWEI)}
        raw = sign(node, 0, sender=nonce, gas=Gas(21_000), **fees)
        node.call("eth_sendRawTransaction", raw)
    node.mine()
    node.mine()
    history = node.call("eth_feeHistory", "0x10", "latest", [0, 34, 100])
    assert history["oldestBlock"] == "0x0"
    assert history["gasUsedRatio"] == [0, 63_000 / 30_000_000, 0]
    assert history["reward"] == [["0x0"] * 3, [hex(n * GWEI) for n in (1, 2, 3)], ["0x0"] * 3]
    fees = [int(fee, 16) for fee in history["baseFeePerGas"]]
    assert len(fees) == 4
    assert fees[0] == GWEI
    assert fees[1] == GWEI * 7 // 8
    assert node.call("eth_feeHistory", 2, "0x1", [])["oldestBlock"] == "0x0"
    assert int(node.call("eth_maxPriorityFeePerGas"), 16) == 2 * GWEI
    price = int(node.call("eth_gasPrice"), 16)
    assert price >= fees[-1] + 2 * GWEI


@pytest.mark.parametrize("percentiles", [[50, 10], [-1], [101], ["50"], [True], [1] * 101, "50"])
def test_fee_history_percentiles_must_rise_within_bounds(
    counter_node: tuple[RunningNode, str], percentiles: object
) -> None:
    node, _ = counter_node
    assert node.error("eth_feeHistory", "0x1", "latest", percentiles)["code"] == -32602


# Logs

MOVED = "0x" + keccak(b"Moved(address,int256,int256)").hex()
SENDER_TOPIC = word(int(DEV_ADDRESS, 16))


@pytest.mark.parametrize(
    ("query", "blocks"),
    [
        ({}, [2, 3, 4, 5]),
        ({"fromBlock": "0x3", "toBlock": "0x4"}, [3, 4]),
        ({"fromBlock": "0x4", "toBlock": "0xffff"}, [4, 5]),
        ({"fromBlock": "0xfff0", "toBlock": "0xffff"}, []),
        ({"topics": [MOVED]}, [2, 3, 4, 5]),
        ({"topics": [None, SENDER_TOPIC]}, [2, 3, 4, 5]),
        ({"topics": [[word(1), MOVED], [SENDER_TOPIC]]}, [2, 3, 4, 5]),
        ({"topics": [[], None]}, [2, 3, 4, 5]),
        ({"topics": [MOVED, SENDER_TOPIC, None]}, []),
        ({"topics": [word(1)]}, []),
        ({"address": NOBODY_ADDRESS}, []),
    ],
)
def test_logs_match_by_range_address_and_topics(
    counter_node: tuple[RunningNode, str], query: dict[str, object], blocks: list[int]
) -> None:
    node, counter = counter_node
    whole = {"fromBlock": "earliest", "toBlock": "latest", "address": [counter]} | query
    logs = node.call("eth_getLogs", whole)
    assert [int(log["blockNumber"], 16) for log in logs] == blocks
    assert all(log["address"] in (counter, NOBODY_ADDRESS) for log in logs)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"fromBlock": "0x2", "toBlock": "0x1"}, -32602),
        ({"blockHash": "0x" + "00" * 32}, -32000),
        ({"blockHash": "0x" + "00" * 32, "fromBlock": "0x1"}, -32602),
        ({"topics": [None] * 5}, -32602),
        ({"topics": "0x"}, -32602),
        ({"address": [NOBODY_ADDRESS] * 1001}, -32602),
        ({"topics": [[word(1)] * 1001]}, -32602),
        ([], -32602),
    ],
)
def test_log_query_malformed_is_refused(
    counter_node: tuple[RunningNode, str], query: object, code: int
) -> None:
    node, _ = counter_node
    assert node.error("eth_getLogs", query)["code"] == code


def test_log_query_beyond_the_limits_says_what_to_ask_instead(
    counter_node: tuple[RunningNode, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    node, _ = counter_node
    whole = {"fromBlock": "0x0", "toBlock": "latest"}
    monkeypatch.setattr(limits, "RPC_LOGS_MAX", 2)
    error = node.error("eth_getLogs", whole)
    assert error["code"] == -32005
    assert "ask for blocks 0x0 to 0x3" in error["message"]
    assert len(node.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x3"})) == 2
    monkeypatch.setattr(limits, "RPC_LOG_BLOCKS_MAX", 3)
    assert "spans 6 blocks" in node.error("eth_getLogs", whole)["message"]


# Odds and ends


def test_facts_about_the_chain(node: RunningNode) -> None:
    assert node.call("eth_chainId") == "0x7a69"
    assert node.call("net_version") == "31337"
    assert node.call("eth_syncing") is False
    assert node.call("web3_clientVersion").startswith("tallystick/")
    assert node.call("web3_sha3", "0x") == hexed(keccak(b""))
    assert node.error("rollup_syncStatus")["code"] == -32601
    assert node.error("engine_newPayloadV1", {})["code"] == -32601
    assert node.error("anvil_nodeInfo")["code"] == -32601
    assert node.error("eth_subscribe", "newHeads")["code"] == -32601


def test_any_arguments_get_an_answer_that_is_not_an_internal_error(
    counter_node: tuple[RunningNode, str],
) -> None:
    node, counter = counter_node
    values = [
        None,
        True,
        0,
        -1,
        1.5,
        "",
        "0x",
        "0x0",
        "latest",
        "0x" + "ff" * 32,
        counter,
        [],
        {},
    ] + [[None], [["0x"]], {"a": 1}, {"to": counter}, "0x" + "f" * 64, 10**30, "\u0000", "é"]
    batch = [
        {"jsonrpc": "2.0", "id": i, "method": method, "params": params}
        for i, (method, params) in enumerate(
            (method, params)
            for method in sorted(node.methods)
            for params in [[], *([a, b, c] for a in values for b, c in zip(values, values[3:]))]
        )
    ]
    for start in range(0, len(batch), 1000):
        answers = node.client.post("/", content=json.dumps(batch[start : start + 1000])).json()
        for request, answer in zip(batch[start : start + 1000], answers):
            assert answer.get("error", {}).get("code") != -32603, request


# The same, in other forms


def test_header_is_the_block_without_its_body(counter_node: tuple[RunningNode, str]) -> None:
    node, _ = counter_node
    block = node.call("eth_getBlockByNumber", "0x3", False)
    header = node.call("eth_getHeaderByNumber", "0x3")
    assert node.call("eth_getHeaderByHash", block["hash"]) == header
    assert block.keys() - header.keys() == {"transactions", "uncles", "withdrawals", "size"}
    assert all(block[name] == header[name] for name in header)
    assert node.call("eth_getHeaderByNumber", "0xffff") is None


def test_raw_transaction_is_what_was_sent(counter_node: tuple[RunningNode, str]) -> None:
    node, _ = counter_node
    block = node.call("eth_getBlockByNumber", "0x3", False)
    (sent,) = block["transactions"]
    raw = node.call("eth_getRawTransactionByHash", sent)
    assert hexed(keccak(bytes.fromhex(raw[2:]))) == sent
    by_number, by_hash = (
        f"eth_getRawTransactionByBlock{name}AndIndex" for name in ("Number", "Hash")
    )
    assert node.call(by_number, "0x3", "0x0") == node.call(by_hash, block["hash"], "0x0") == raw
    assert node.call(by_number, "0x3", "0x1") == "0x"
    assert node.call("eth_getRawTransactionByHash", "0x" + "77" * 32) == "0x"


def test_no_block_has_uncles(counter_node: tuple[RunningNode, str]) -> None:
    node, _ = counter_node
    block = node.call("eth_getBlockByNumber", "0x3", False)
    assert node.call("eth_getUncleByBlockNumberAndIndex", "0x3", "0x0") is None
    assert node.call("eth_getUncleByBlockHashAndIndex", block["hash"], "0x0") is None


def test_config_names_the_fork_by_its_genesis(node: RunningNode, l2_node: RunningNode) -> None:
    for one, contracts in ((node, 0), (l2_node, 6)):
        config = one.call("eth_config")
        genesis = one.call("eth_getBlockByNumber", "0x0", False)["hash"]
        fork = zlib.crc32(bytes.fromhex(genesis[2:]))
        assert config["current"]["forkId"] == f"0x{fork:08x}"
        assert config["current"]["chainId"] == one.call("eth_chainId")
        assert len(config["current"]["precompiles"]) == 10
        assert config["current"]["precompiles"]["KZG_POINT_EVALUATION"][-2:] == "0a"
        assert len(config["current"]["systemContracts"]) == contracts
        assert config["next"] is config["last"] is None
