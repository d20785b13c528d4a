"""`ots_` as Otterscan uses it, against a real chain and, where it has them, against anvil's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node import limits
from node.history.history import AddressHistory
from state.types import BlockNumber, Gas, Wei
from tests.node.rpc.debug.programs import (
    ALLOC,
    COUNTER,
    CREATOR,
    EVERYTHING,
    REVERTER,
    WORKER,
    anvil_with_programs,
    mined_by_anvil,
)
from tests.node.rpc.harness import (
    DEV,
    L2_CONFIG,
    NOBODY,
    RunningNode,
    open_chain,
    running_node,
    sign,
    signed,
)

SENDER = "0x" + DEV[0].address.hex()
PAGE = 25


def hex_(address: bytes) -> str:
    return "0x" + address.hex()


def send(node: RunningNode, nonce: int, sender: int = 0, **fields: Any) -> str:
    fields = {"gas": Gas(5_000_000), "value": Wei(0)} | fields
    return str(node.call("eth_sendRawTransaction", sign(node, nonce, sender, **fields)))


@pytest.fixture(scope="module")
def hashes() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def node(hashes: dict[str, str]) -> Iterator[RunningNode]:
    """An L2 with one of everything, a refusal, a creation and a block of three."""
    with running_node(open_chain(L2_CONFIG, alloc=ALLOC)) as running:
        hashes["everything"] = send(running, 0, to=EVERYTHING, value=Wei(100))
        hashes["refusal"] = send(running, 1, to=REVERTER)
        code = bytes.fromhex("60005f5360015ff3")
        hashes["creation"] = send(running, 2, to=None, data=code)
        running.miner.is_on = False
        for nonce in (3, 4, 5):
            hashes[f"count {nonce}"] = send(running, nonce, to=COUNTER)
        running.mine()
        running.miner.is_on = True
        yield running


def number_of(node: RunningNode, hash_: str) -> int:
    return int(node.call("eth_getTransactionReceipt", hash_)["blockNumber"], 16)


# What Otterscan knows the node by


def test_api_level_and_polled_header(node: RunningNode) -> None:
    assert node.call("ots_getApiLevel") == 8
    latest = node.call("eth_getBlockByNumber", "latest", False)
    header = node.call("erigon_getHeaderByNumber", int(latest["number"], 16))
    assert header == node.call("erigon_getHeaderByNumber", "latest")
    assert header == {name: latest[name] for name in header}
    assert node.call("erigon_getHeaderByNumber", 10**6) is None


# Within a transaction


def test_traces_are_those_of_anvil(node: RunningNode, hashes: dict[str, str]) -> None:
    raw = signed(L2_CONFIG.chain_id, 0, to=EVERYTHING, value=Wei(100), gas=Gas(5_000_000))
    with anvil_with_programs() as anvil:
        hash_ = mined_by_anvil(anvil, "0x" + raw.hex())
        assert hash_ == hashes["everything"]
        theirs = anvil.ask("ots_traceTransaction", hash_)
        operations = anvil.ask("ots_getInternalOperations", hash_)
    ours = node.call("ots_traceTransaction", hash_)
    for one in theirs:
        if one["type"] in ("DELEGATECALL", "STATICCALL"):
            one["value"] = None  # as in Erigon, which Otterscan was made for
    # anvil tells calls alone, those of precompiles too; Erigon and we the creations instead.
    assert [one for one in ours if one["type"].endswith(("CALL", "CALLCODE"))] == [
        one for one in theirs if int(one["to"], 16) > 10
    ]
    assert {"CREATE", "CREATE2", "SELFDESTRUCT"} <= {one["type"] for one in ours}
    # anvil tells the transaction's own transfer and what was undone too, but not every creation.
    transfers = [
        one for one in node.call("ots_getInternalOperations", hash_) if one["type"] in (0, 1)
    ]
    assert [one for one in operations if one in transfers] == transfers
    undone = [one for one in operations if one["type"] in (0, 1) and one not in transfers]
    assert [one["value"] for one in undone] == ["0x64", "0xff"]


def test_operations_leave_out_what_was_undone(node: RunningNode, hashes: dict[str, str]) -> None:
    operations = node.call("ots_getInternalOperations", hashes["everything"])
    assert {one["type"] for one in operations} == {0, 1, 2, 3}
    assert not any(int(one["value"], 16) > 100 for one in operations)


def test_error_of_a_transaction_is_what_it_reverted_with(
    node: RunningNode, hashes: dict[str, str]
) -> None:
    assert node.call("ots_getTransactionError", hashes["refusal"]).startswith("0x08c379a0")
    assert node.call("ots_getTransactionError", hashes["everything"]) == "0x"
    assert node.error("ots_getTransactionError", "0x" + "00" * 32)["code"] == -32000


# Blocks


def test_block_details_have_fees_and_no_transactions(
    node: RunningNode, hashes: dict[str, str]
) -> None:
    number = number_of(node, hashes["count 3"])
    details = node.call("ots_getBlockDetails", number)
    block = details["block"]
    assert details == node.call("ots_getBlockDetailsByHash", block["hash"])
    assert block["transactionCount"] == 4
    assert block["logsBloom"] is None
    assert "transactions" not in block
    receipts = node.call("eth_getBlockReceipts", hex(number))
    paid = sum(int(r["gasUsed"], 16) * int(r["effectiveGasPrice"], 16) for r in receipts)
    assert int(details["totalFees"], 16) == paid > 0
    # Otterscan shows what is burnt and what the miner gets: neither can be below zero.
    assert details["gasUsedDepositTx"] == receipts[0]["gasUsed"]
    burnt = int(block["baseFeePerGas"], 16) * (
        int(block["gasUsed"], 16) - int(details["gasUsedDepositTx"], 16)
    )
    assert 0 < burnt < paid
    assert node.call("ots_getBlockDetails", 10**6) is None


def test_block_transactions_come_in_pages_from_the_end(
    node: RunningNode, hashes: dict[str, str]
) -> None:
    number = number_of(node, hashes["count 3"])
    whole = node.call("eth_getBlockByNumber", hex(number), False)["transactions"]
    pages = [node.call("ots_getBlockTransactions", number, page, 3) for page in (0, 1, 2)]
    shown = [[tx["hash"] for tx in page["fullblock"]["transactions"]] for page in pages]
    assert shown == [whole[1:], whole[:1], []]
    assert [receipt["transactionHash"] for receipt in pages[0]["receipts"]] == whole[1:]
    assert pages[0]["fullblock"]["transactionCount"] == 4
    assert pages[0]["receipts"][0]["logs"] is None
    attributes = pages[1]["fullblock"]["transactions"][0]
    assert attributes["input"] == "0x00000000"


# Accounts


def test_code_is_known_by_block(node: RunningNode, hashes: dict[str, str]) -> None:
    receipt = node.call("eth_getTransactionReceipt", hashes["creation"])
    created, number = receipt["contractAddress"], int(receipt["blockNumber"], 16)
    assert node.call("ots_hasCode", created, "latest") is True
    assert node.call("ots_hasCode", created, number) is True
    assert node.call("ots_hasCode", created, number - 1) is False
    assert node.call("ots_hasCode", SENDER) is False


def test_creator_is_found_for_creations_of_every_kind(
    node: RunningNode, hashes: dict[str, str]
) -> None:
    created = node.call("eth_getTransactionReceipt", hashes["creation"])["contractAddress"]
    assert node.call("ots_getContractCreator", created) == {
        "hash": hashes["creation"],
        "creator": SENDER,
    }
    inner = node.call("ots_traceTransaction", hashes["everything"])
    for kind in ("CREATE", "CREATE2"):
        address = next(one["to"] for one in inner if one["type"] == kind)
        creator = {"hash": hashes["everything"], "creator": hex_(CREATOR)}
        assert node.call("ots_getContractCreator", address) == creator
    for nobody in (SENDER, hex_(NOBODY), hex_(WORKER)):
        assert node.call("ots_getContractCreator", nobody) is None


def test_transaction_is_found_by_nonce(node: RunningNode, hashes: dict[str, str]) -> None:
    found = [node.call("ots_getTransactionBySenderAndNonce", SENDER, nonce) for nonce in range(7)]
    assert found == [*hashes.values(), None]
    assert node.call("ots_getTransactionBySenderAndNonce", hex_(CREATOR), 1) is None


# History


def test_pages_of_history_hold_whole_blocks(node: RunningNode, hashes: dict[str, str]) -> None:
    newest = node.call("ots_searchTransactionsBefore", SENDER, 0, 2)
    in_order = list(hashes.values())
    assert [tx["hash"] for tx in newest["txs"]] == in_order[:2:-1]
    assert [receipt["transactionHash"] for receipt in newest["receipts"]] == in_order[:2:-1]
    assert (newest["firstPage"], newest["lastPage"]) == (True, False)
    number = number_of(node, hashes["count 3"])
    rest = node.call("ots_searchTransactionsBefore", SENDER, number, PAGE)
    assert [tx["hash"] for tx in rest["txs"]] == in_order[2::-1]
    assert (rest["firstPage"], rest["lastPage"]) == (False, True)
    block = node.call("eth_getBlockByNumber", hex(number), False)
    assert newest["receipts"][0]["timestamp"] == int(block["timestamp"], 16)


def test_history_forward_is_told_newest_first(node: RunningNode, hashes: dict[str, str]) -> None:
    in_order = list(hashes.values())
    oldest = node.call("ots_searchTransactionsAfter", SENDER, 0, 2)
    assert [tx["hash"] for tx in oldest["txs"]] == in_order[1::-1]
    assert (oldest["firstPage"], oldest["lastPage"]) == (False, True)
    number = number_of(node, hashes["refusal"])
    rest = node.call("ots_searchTransactionsAfter", SENDER, number, PAGE)
    assert [tx["hash"] for tx in rest["txs"]] == in_order[:1:-1]
    assert (rest["firstPage"], rest["lastPage"]) == (True, False)


def test_history_knows_who_was_called_within(node: RunningNode, hashes: dict[str, str]) -> None:
    for address, names in (
        (WORKER, ["everything"]),
        (COUNTER, ["count 5", "count 4", "count 3", "everything"]),
    ):
        found = node.call("ots_searchTransactionsBefore", hex_(address), 0, PAGE)
        assert [tx["hash"] for tx in found["txs"]] == [hashes[name] for name in names]


def test_page_that_is_too_large_is_refused(node: RunningNode) -> None:
    size = limits.RPC_HISTORY_PAGE_MAX + 1
    error = node.error("ots_searchTransactionsBefore", SENDER, 0, size)
    assert error["code"] == -32005
    for size in (0, -1, "0x5", True):
        assert node.error("ots_searchTransactionsBefore", SENDER, 0, size)["code"] == -32602


def test_history_follows_a_reorg(tmp_path: Path) -> None:
    with running_node(open_chain(L2_CONFIG, alloc=ALLOC)) as node:
        first, second = (send(node, nonce, to=COUNTER) for nonce in (0, 1))
        found = node.call("ots_searchTransactionsBefore", SENDER, 0, PAGE)
        assert [tx["hash"] for tx in found["txs"]] == [second, first]
        node.run(lambda: node.miner.rewind(BlockNumber(1)))
        other = send(node, 1, to=WORKER)
        found = node.call("ots_searchTransactionsBefore", SENDER, 0, PAGE)
        assert [tx["hash"] for tx in found["txs"]] == [other, first]
        found = node.call("ots_searchTransactionsBefore", hex_(COUNTER), 0, PAGE)
        assert [tx["hash"] for tx in found["txs"]] == [first]


def test_history_says_how_far_it_is_and_goes_on_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_node(open_chain(L2_CONFIG, alloc=ALLOC)) as node:
        for nonce in range(3):
            send(node, nonce, to=COUNTER)
        store, config = node.backend.store, node.backend.config

        async def read(wait: float) -> list[Any]:
            monkeypatch.setattr(limits, "HISTORY_WAIT_SECONDS", wait)
            history = AddressHistory(store, config, tmp_path)
            try:
                return await history.before(DEV[0].address, BlockNumber(100), PAGE)
            finally:
                await history.close()

        with pytest.raises(Exception, match="0 of 3 blocks are read; ask again"):
            node.run(lambda: read(0.0))
        found = node.run(lambda: read(60.0))
        assert [place.number for place in found] == [3, 2, 1]
