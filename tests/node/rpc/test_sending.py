"""Sending for accounts that the node holds, and completing transactions for those it doesn't."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.address import to_checksum_address

from execution.evm.addresses import creation_address
from node import limits
from tests.devnet.conftest import wait_for
from tests.node.rpc.harness import (
    DEV,
    NOBODY,
    RunningNode,
    counter_creation,
    deploy_counter,
    move,
    sign,
)
from tests.node.rpc.marked import marked_methods

ALICE, BOB = ("0x" + account.address.hex() for account in DEV[:2])
STRANGER = "0x" + NOBODY.hex()


def test_accounts_are_listed_and_send_without_keys(node: RunningNode) -> None:
    assert node.call("eth_accounts") == ["0x" + account.address.hex() for account in DEV]
    sent = node.call("eth_sendTransaction", {"from": ALICE, "to": STRANGER, "value": "0x5"})
    receipt = node.call("eth_getTransactionReceipt", sent)
    assert (receipt["status"], receipt["from"], receipt["gasUsed"]) == ("0x1", ALICE, "0x5208")
    assert node.call("eth_getBalance", STRANGER) == "0x5"


def test_transactions_before_a_block_count_for_nonce_and_gas_of_the_next(
    node: RunningNode,
) -> None:
    """The second call's gas can only be known from what the first will have left."""
    node.miner.is_on = False
    creation = {"from": ALICE, "input": "0x" + counter_creation().hex()}
    hashes = [node.call("eth_sendTransaction", creation)]
    counter = "0x" + creation_address(DEV[0].address, 0).hex()
    hashes.append(
        node.call(
            "eth_sendTransaction", {"from": ALICE, "to": counter, "data": "0x" + move(1).hex()}
        )
    )
    node.mine()
    statuses = [node.call("eth_getTransactionReceipt", one)["status"] for one in hashes]
    assert statuses == ["0x1", "0x1"]


def test_sent_and_waited_for_is_answered_with_the_receipt(node: RunningNode) -> None:
    receipt = node.call("eth_sendRawTransactionSync", sign(node, 0))
    assert receipt == node.call("eth_getTransactionReceipt", receipt["transactionHash"])
    error = node.error("eth_sendRawTransactionSync", sign(node, 0), 1000)
    assert (error["code"], "nonce too low" in error["message"]) == (-32000, True)


def test_receipt_that_a_later_block_brings_is_waited_for(node: RunningNode) -> None:
    node.miner.is_on = False
    raw = sign(node, 0)
    with ThreadPoolExecutor(1) as pool:
        receipt = pool.submit(node.call, "eth_sendRawTransactionSync", raw, hex(60_000))
        wait_for(lambda: node.call("txpool_status")["pending"] == "0x1")
        node.mine()
        assert receipt.result(60)["blockNumber"] == "0x1"


def test_receipt_that_does_not_come_in_time_is_error_4_with_the_hash(node: RunningNode) -> None:
    node.miner.is_on = False
    error = node.error("eth_sendRawTransactionSync", sign(node, 0), 1)
    assert (error["code"], "wasn't processed in 0.001s" in error["message"]) == (4, True)
    node.mine()
    assert node.call("eth_getTransactionReceipt", error["data"])["status"] == "0x1"


def test_receipt_is_waited_for_as_long_as_the_limits_say() -> None:
    _, timeout = marked_methods()["eth_sendRawTransactionSync"]
    assert timeout.default == limits.RPC_SYNC_SECONDS
    assert timeout.parse(10**9) == limits.RPC_SYNC_SECONDS_MAX
    assert timeout.parse("0x3e8") == 1.0


def test_too_many_who_wait_are_refused_before_anything_is_sent(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_SYNC_WAITING_MAX", 0)
    assert node.error("eth_sendRawTransactionSync", sign(node, 0))["code"] == -32005
    assert node.call("eth_blockNumber") == "0x0"


@pytest.mark.parametrize("timeout", [0, -1, "0x0", True, 1.5, "1s"])
def test_timeout_that_is_none_is_refused(node: RunningNode, timeout: object) -> None:
    assert node.error("eth_sendRawTransactionSync", sign(node, 0), timeout)["code"] == -32602


@pytest.mark.parametrize(
    ("price", "kind"),
    [
        ({}, "0x2"),
        ({"gasPrice": "0x77359400"}, "0x0"),
        ({"gasPrice": "0x77359400", "accessList": []}, "0x1"),
        ({"maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1"}, "0x2"),
    ],
)
def test_fees_decide_the_type(node: RunningNode, price: dict[str, Any], kind: str) -> None:
    sent = node.call("eth_sendTransaction", {"from": ALICE, "to": BOB, **price})
    transaction = node.call("eth_getTransactionByHash", sent)
    assert transaction["type"] == kind
    assert transaction["blockNumber"] is not None
    for name, value in price.items():
        if name != "gasPrice" or kind != "0x2":
            assert transaction[name] == value


def test_signed_transaction_can_be_sent_as_it_is(node: RunningNode) -> None:
    fields = {"from": ALICE, "to": BOB, "gas": "0x5208", "nonce": "0x0", "gasPrice": "0x77359400"}
    signed = node.call("eth_signTransaction", fields)
    assert Account.recover_transaction(signed["raw"]).lower() == ALICE
    assert signed["tx"]["nonce"] == "0x0"
    sent = node.call("eth_sendRawTransaction", signed["raw"])
    assert node.call("eth_getTransactionReceipt", sent)["status"] == "0x1"


def test_signature_over_a_message_is_the_accounts(node: RunningNode) -> None:
    for signature in (
        node.call("eth_sign", ALICE, "0x6869"),
        node.call("personal_sign", "0x6869", ALICE),
        node.call("personal_sign", "0x6869", ALICE, "a password"),
    ):
        signer = Account.recover_message(encode_defunct(b"hi"), signature=signature)
        assert signer.lower() == ALICE


def test_filled_transaction_succeeds_when_signed(node: RunningNode) -> None:
    counter = deploy_counter(node)
    call = {"from": ALICE, "to": counter, "input": "0x" + move(7).hex()}
    filled = node.call("eth_fillTransaction", call)["tx"]
    assert filled["nonce"] == "0x1"
    fields = {**filled, "to": to_checksum_address(counter), "data": filled["input"]}
    unknown = {"input", "gasPrice"}
    signed = Account.sign_transaction(
        {name: value for name, value in fields.items() if name not in unknown}, DEV[0].key
    )
    sent = node.call("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())
    assert node.call("eth_getTransactionReceipt", sent)["status"] == "0x1"


NONCE = {"nonce": "0x0"}
GAS = {"gas": "0x5208"}


@pytest.mark.parametrize(
    ("method", "params", "code", "words"),
    [
        ("eth_sendTransaction", [{"from": STRANGER, "to": BOB}], -32000, "unknown account"),
        (
            "eth_sendTransaction",
            [{"from": STRANGER, "to": BOB, "value": "0x1"}],
            -32000,
            "unknown account",
        ),
        ("eth_sign", [STRANGER, "0x00"], -32000, "unknown account"),
        ("personal_sign", ["0x00", STRANGER], -32000, "unknown account"),
        ("eth_signTransaction", [{"from": ALICE, "to": BOB, **NONCE}], -32000, "gas not specified"),
        (
            "eth_signTransaction",
            [{"from": ALICE, "to": BOB, **NONCE, **GAS}],
            -32000,
            "missing gasPrice or maxFeePerGas/maxPriorityFeePerGas",
        ),
        (
            "eth_signTransaction",
            [{"from": ALICE, "to": BOB, **GAS, "gasPrice": "0x1"}],
            -32000,
            "nonce not specified",
        ),
        (
            "eth_sendTransaction",
            [{"from": ALICE}],
            -32602,
            "invalid argument 0: contract creation without any data provided",
        ),
        (
            "eth_sendTransaction",
            [{"from": ALICE, "to": BOB, "chainId": "0x1"}],
            -32000,
            "chainId does not match node's (have=1, want=31337)",
        ),
        (
            "eth_sendTransaction",
            [{"from": ALICE, "to": BOB, "gasPrice": "0x0"}],
            -32000,
            "gasPrice must be non-zero after london fork",
        ),
        (
            "eth_fillTransaction",
            [{"from": ALICE, "to": BOB, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}],
            -32000,
            "maxFeePerGas (0x1) < maxPriorityFeePerGas (0x2)",
        ),
        (
            "eth_sendTransaction",
            [{"from": ALICE, "to": BOB, "gasPrice": "0x1", "maxFeePerGas": "0x1"}],
            -32602,
            "invalid argument 0: both gasPrice and (maxFeePerGas or maxPriorityFeePerGas)"
            " specified",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_in_geths_words(
    node: RunningNode, method: str, params: list[Any], code: int, words: str
) -> None:
    error = node.error(method, *params)
    assert (error["code"], error["message"]) == (code, words)
