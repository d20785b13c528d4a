"""Codes and words of errors, which wallets and libraries match on: a row for each.

The words are go-ethereum's (core/error.go, core/txpool/errors.go, internal/ethapi), as far as they
go; what we add follows them.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from execution.transaction import AccessListEntry, TransactionType
from node import limits
from state.types import Address, Gas, Wei
from tests.node.rpc.harness import (
    DEV,
    GWEI,
    RunningNode,
    deploy_counter,
    move,
    open_chain,
    running_node,
    selector,
    sign,
    signed,
)

ALICE, BOB = ("0x" + account.address.hex() for account in DEV[:2])
CHECKSUMMED = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
NOWHERE = "0x" + "77" * 32
ENDLESS = {"0x" + "aa" * 20: {"code": "0x5b600056"}}
HALTING = {"0x" + "aa" * 20: {"code": "0xfe"}}


class Row(NamedTuple):
    method: str
    params: Callable[[RunningNode, str], list[Any]]
    code: int
    words: str
    """What the message begins with."""


def raw(**fields: Any) -> Callable[[RunningNode, str], list[Any]]:
    """A transaction of the first account, whose next nonce is 2."""
    return lambda node, _: [sign(node, fields.get("nonce", 2), **without(fields, "nonce"))]


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}


def given(*params: Any) -> Callable[[RunningNode, str], list[Any]]:
    return lambda node, counter: list(params)


def on_counter(*rest: Any, **call: Any) -> Callable[[RunningNode, str], list[Any]]:
    return lambda node, counter: [{"from": ALICE, "to": counter, **call}, *rest]


def waiting_twin(node: RunningNode, counter: str) -> list[Any]:
    """The very bytes of a transaction in the pool."""
    return [sign(node, 9, sender=1)]


def cheap_replacement(node: RunningNode, counter: str) -> list[Any]:
    return [sign(node, 9, sender=1, value=Wei(2))]


def wrong_chain(node: RunningNode, counter: str) -> list[Any]:
    return ["0x" + signed(1, 2).hex()]


def high_s(node: RunningNode, counter: str) -> list[Any]:
    """A signature whose s is in the upper half, which EIP-2 forbids."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    envelope = bytearray.fromhex(sign(node, 2)[2:])
    envelope[-32:] = (order - int.from_bytes(envelope[-32:])).to_bytes(32)
    return ["0x" + envelope.hex()]


MANY_SLOTS = (AccessListEntry(Address(b"\x01" * 20), tuple(range(3_000))),)
TARGET = "0x" + "aa" * 20
SEND = "eth_sendRawTransaction"

ROWS = {
    # Transactions that the pool refuses
    "nonce too low": Row(SEND, raw(nonce=0), -32000, "nonce too low: next nonce 2, tx nonce 0"),
    "nonce too high": Row(SEND, raw(nonce=10**6), -32000, "nonce too high: next nonce 2"),
    "nonce max": Row(SEND, raw(nonce=2**64 - 1), -32000, "nonce has max value"),
    "already known": Row(SEND, waiting_twin, -32000, "already known"),
    "underpriced": Row(SEND, cheap_replacement, -32000, "replacement transaction underpriced"),
    "funds": Row(
        SEND,
        raw(value=Wei(10**30)),
        -32000,
        f"insufficient funds for gas * price + value: address {CHECKSUMMED} have ",
    ),
    "intrinsic gas": Row(SEND, raw(gas=Gas(20_999)), -32000, "intrinsic gas too low: gas 20999"),
    "calldata floor": Row(
        SEND,
        raw(gas=Gas(30_000), data=b"\x01" * 500),
        -32000,
        "insufficient gas for floor data gas cost: gas 30000, minimum needed 41000",
    ),
    "block gas": Row(
        SEND, raw(gas=Gas(2**24 + 1)), -32000, "transaction gas limit too high: cap 16777216"
    ),
    "tip above cap": Row(
        SEND,
        raw(max_priority_fee_per_gas=Wei(11 * GWEI)),
        -32000,
        "max priority fee per gas higher than max fee per gas",
    ),
    "initcode": Row(
        SEND,
        raw(to=None, data=b"\x00" * 49_153, gas=Gas(2**24)),
        -32000,
        "max initcode size exceeded: code size 49153 limit 49152",
    ),
    "oversized": Row(
        SEND,
        given("0x" + "02" * 131_073),
        -32602,
        "invalid argument 0: oversized data: transaction size 131073, limit 131072",
    ),
    "blob type": Row(SEND, given("0x03c0"), -32000, "transaction type not supported"),
    "deposit type": Row(SEND, given("0x7ec0"), -32000, "transaction type not supported"),
    "no rlp": Row(SEND, given("0x02ff"), -32000, "rlp: "),
    "empty": Row(SEND, given("0x"), -32000, "rlp: empty transaction"),
    "wrong chain": Row(SEND, wrong_chain, -32000, "invalid sender: invalid chain id for signer"),
    "high s": Row(SEND, high_s, -32000, "invalid sender: invalid transaction v, r, s values"),
    # Calls
    "revert with reason": Row(
        "eth_call",
        on_counter(data="0x" + selector("refuse").hex()),
        3,
        "execution reverted: counter refuses",
    ),
    "revert without reason": Row(
        "eth_call", on_counter(data="0xffffffff"), 3, "execution reverted"
    ),
    "revert in an estimate": Row(
        "eth_estimateGas",
        on_counter(data="0x" + selector("refuse").hex()),
        3,
        "execution reverted: counter refuses",
    ),
    "out of gas": Row("eth_call", given({"to": TARGET}, "latest", ENDLESS), -32000, "out of gas"),
    "invalid opcode": Row("eth_call", given({"to": TARGET}, "latest", HALTING), -32000, "invalid"),
    "allowance": Row(
        "eth_estimateGas",
        given({"to": TARGET}, "latest", ENDLESS),
        -32000,
        "gas required exceeds allowance (16777216)",
    ),
    "call without funds": Row(
        "eth_call",
        given({"from": "0x" + "cc" * 20, "to": BOB, "value": "0x1"}),
        -32000,
        "insufficient funds for gas * price + value: address 0xCcCC",
    ),
    "call below intrinsic gas": Row(
        "eth_call", given({"to": BOB, "gas": "0x1"}), -32000, "intrinsic gas too low"
    ),
    "call below base fee": Row(
        "eth_call",
        given({"from": ALICE, "to": BOB, "maxFeePerGas": "0x1"}),
        -32000,
        f"max fee per gas less than block base fee: address {CHECKSUMMED}, maxFeePerGas: 1,",
    ),
    "both prices": Row(
        "eth_call",
        given({"to": BOB, "gasPrice": "0x1", "maxFeePerGas": "0x1"}),
        -32602,
        "invalid argument 0: both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
    ),
    "two inputs": Row(
        "eth_call",
        given({"to": BOB, "data": "0x01", "input": "0x02"}),
        -32602,
        'invalid argument 0: both "data" and "input" are set and not equal.',
    ),
    "blob call": Row(
        "eth_call",
        given({"to": BOB, "blobVersionedHashes": [NOWHERE]}),
        -32602,
        "invalid argument 0: transaction type not supported",
    ),
    # Blocks, logs and filters
    "header not found": Row("eth_getBalance", given(ALICE, "0xffff"), -32000, "header not found"),
    "hash not found": Row("eth_call", given({"to": BOB}, NOWHERE), -32000, "header not found"),
    "unknown block": Row("eth_getLogs", given({"blockHash": NOWHERE}), -32000, "unknown block"),
    "backwards": Row(
        "eth_getLogs",
        given({"fromBlock": "0x2", "toBlock": "0x1"}),
        -32602,
        "invalid block range params",
    ),
    "hash and range": Row(
        "eth_getLogs",
        given({"fromBlock": "0x2", "blockHash": NOWHERE}),
        -32602,
        "invalid argument 0: cannot specify both BlockHash and FromBlock/ToBlock, choose one",
    ),
    "topics": Row(
        "eth_getLogs",
        given({"topics": [None] * 5}),
        -32602,
        "invalid argument 0: exceed max topics",
    ),
    "filter": Row("eth_getFilterChanges", given("0x1"), -32000, "filter not found"),
    "block trace": Row("debug_traceTransaction", given(NOWHERE), -32000, "transaction not found"),
    # Requests
    "method": Row(
        "eth_mine", given(), -32601, "the method eth_mine does not exist/is not available"
    ),
    "subscribe": Row("eth_subscribe", given("newHeads"), -32601, "notifications not supported"),
    "missing": Row("eth_getBalance", given(), -32602, "missing value for required argument 0"),
    "too many": Row("eth_chainId", given("0x1"), -32602, "too many arguments, want at most 0"),
    "malformed": Row("eth_getBalance", given("0x12"), -32602, "invalid argument 0: "),
    "unknown account": Row(
        "eth_sendTransaction",
        given({"from": "0x" + "cc" * 20, "to": BOB}),
        -32000,
        "unknown account",
    ),
}


@pytest.fixture(scope="module")
def counter_node() -> Iterator[tuple[RunningNode, str]]:
    """A Counter that was moved once, and a transaction that waits for those before it."""
    with running_node(open_chain()) as node:
        counter = deploy_counter(node)
        target = Address(bytes.fromhex(counter[2:]))
        node.call(SEND, sign(node, 1, to=target, value=Wei(0), data=move(1)))
        node.call(SEND, sign(node, 9, sender=1))
        yield node, counter


@pytest.mark.parametrize("name", ROWS)
def test_error_has_geths_code_and_words(counter_node: tuple[RunningNode, str], name: str) -> None:
    node, counter = counter_node
    row = ROWS[name]
    error = node.error(row.method, *row.params(node, counter))
    assert (error["code"], error["message"][: len(row.words)]) == (row.code, row.words)
    assert ("data" in error) == (row.code == 3)


def test_logs_of_too_many_blocks_are_refused(
    counter_node: tuple[RunningNode, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    node, _ = counter_node
    monkeypatch.setattr(limits, "RPC_LOG_BLOCKS_MAX", 1)
    error = node.error("eth_getLogs", {"fromBlock": "0x0"})
    assert error["code"] == -32005
    assert "ask for fewer at a time" in error["message"]


def test_revert_carries_its_data(counter_node: tuple[RunningNode, str]) -> None:
    node, counter = counter_node
    call = {"from": ALICE, "to": counter, "data": "0x" + move(0).hex()}
    for method in ("eth_call", "eth_estimateGas"):
        error = node.error(method, call)
        assert error["data"][:10] == "0x" + selector("NoStep").hex()


def test_intrinsic_gas_counts_the_access_list(counter_node: tuple[RunningNode, str]) -> None:
    node, _ = counter_node
    raw = sign(node, 2, gas=Gas(100_000), access_list=MANY_SLOTS, type=TransactionType.ACCESS_LIST)
    assert node.error(SEND, raw)["message"].startswith("intrinsic gas too low: gas 100000")
