"""Two chains with the same transactions, one of them anvil's, and the same questions to both."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from execution.transaction import AccessListEntry, TransactionType
from state.keccak import keccak
from state.types import Address, Gas, Wei
from tests.node.rpc.harness import DEV, GWEI, counter_creation, move, selector, signed

Ask = Callable[..., dict[str, Any]]
"""Asks a node by method and parameters; the whole answer."""

CHAIN_ID = 31337
ALICE, BOB, CAROL = ("0x" + account.address.hex() for account in DEV[:3])
COUNTER = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
"""What Alice's first transaction creates."""
UNKNOWN = "0x" + "77" * 32
EMPTY_ACCOUNT = "0x" + "99" * 20
ENDLESS, ECHO = "0x5b600056", "0x3660006000373660006000f3"


def _to_counter(data: bytes, **fields: Any) -> dict[str, Any]:
    return {"to": Address(bytes.fromhex(COUNTER[2:])), "value": Wei(0), "data": data, **fields}


def transactions() -> Iterator[bytes]:
    """Each type, a creation, logs, two kinds of revert, one out of gas, access lists."""
    access = (AccessListEntry(Address(bytes.fromhex(COUNTER[2:])), (0, 7)),)
    fields: list[dict[str, Any]] = [
        {"to": None, "value": Wei(0), "data": counter_creation()},
        {"type": TransactionType.LEGACY},
        {"type": TransactionType.ACCESS_LIST, **_to_counter(move(3)), "access_list": access},
        {"type": TransactionType.FEE_MARKET, **_to_counter(move(-5)), "access_list": access},
        _to_counter(move(0)),
        _to_counter(selector("refuse")),
        _to_counter(move(4), gas=Gas(25_000)),
        _to_counter(b"\xff" * 4),
        {"value": Wei(10**18), "max_priority_fee_per_gas": Wei(GWEI)},
        {"to": None, "value": Wei(0), "data": b"\xfe"},
    ]
    for nonce, one in enumerate(fields):
        yield signed(CHAIN_ID, nonce, **one)


class Question(NamedTuple):
    name: str
    method: str
    params: list[Any]


def questions(hashes: list[str]) -> Iterator[Question]:
    """What both are asked; `hashes` are of the transactions, which are the same on both."""
    for method in (
        "eth_chainId",
        "eth_blockNumber",
        "eth_accounts",
        "eth_syncing",
        "eth_gasPrice",
        "eth_maxPriorityFeePerGas",
        "eth_blobBaseFee",
        "net_version",
        "net_listening",
        "web3_clientVersion",
        "txpool_status",
    ):
        yield Question(method, method, [])
    for place, transaction in enumerate(hashes):
        for method in (
            "eth_getTransactionByHash",
            "eth_getTransactionReceipt",
            "eth_getRawTransactionByHash",
        ):
            yield Question(f"{method} {place}", method, [transaction])
    for block in ("earliest", "0x1", "0x4", "latest", "pending", "0xffff"):
        yield Question(f"block {block}", "eth_getBlockByNumber", [block, True])
        yield Question(f"hashes {block}", "eth_getBlockByNumber", [block, False])
        yield Question(f"count {block}", "eth_getBlockTransactionCountByNumber", [block])
        yield Question(f"receipts {block}", "eth_getBlockReceipts", [block])
        yield Question(f"uncles {block}", "eth_getUncleCountByBlockNumber", [block])
        first = "eth_getTransactionByBlockNumberAndIndex"
        yield Question(f"first {block}", first, [block, "0x0"])
        for account in (ALICE, BOB, COUNTER, EMPTY_ACCOUNT):
            for method in ("eth_getBalance", "eth_getTransactionCount", "eth_getCode"):
                yield Question(f"{method} {account} {block}", method, [account, block])
        yield Question(f"slot {block}", "eth_getStorageAt", [COUNTER, "0x0", block])
    yield from _unknown()
    yield from _calls()
    yield from _logs()
    yield from _fees()
    yield from _refused()


def _unknown() -> Iterator[Question]:
    for method in (
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_getBlockTransactionCountByHash",
        "eth_getUncleCountByBlockHash",
    ):
        yield Question(f"{method} unknown", method, [UNKNOWN])
    yield Question("block by unknown hash", "eth_getBlockByHash", [UNKNOWN, False])
    index = "eth_getTransactionByBlockNumberAndIndex"
    yield Question("index past the end", index, ["0x1", "0x5"])
    uncle = "eth_getUncleByBlockNumberAndIndex"
    yield Question("uncle", uncle, ["0x1", "0x0"])


def _calls() -> Iterator[Question]:
    value = {"to": COUNTER, "data": "0x" + selector("value").hex()}
    moving = {"from": ALICE, "to": COUNTER, "input": "0x" + move(2).hex()}
    refusing = {"from": ALICE, "to": COUNTER, "input": "0x" + selector("refuse").hex()}
    no_step = {"from": ALICE, "to": COUNTER, "input": "0x" + move(0).hex()}
    overflow = {**moving, "input": "0x" + move(2**255 - 1).hex()}
    transfer = {"from": ALICE, "to": EMPTY_ACCOUNT, "value": "0x1"}
    creation = {"from": ALICE, "data": "0x" + counter_creation().hex()}
    poor = {"from": EMPTY_ACCOUNT, "to": BOB, "value": "0x1"}
    for name, call in {
        "value": value,
        "move": moving,
        "refuse": refusing,
        "no step": no_step,
        "overflow": overflow,
        "transfer": transfer,
        "creation": creation,
        "no funds": poor,
        "little gas": {**moving, "gas": "0x5300"},
        "low fee": {**moving, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x1"},
        "tip above cap": {**moving, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"},
        "two prices": {**moving, "gasPrice": "0x1", "maxFeePerGas": "0x1"},
        "nobody": {"to": EMPTY_ACCOUNT},
    }.items():
        yield Question(f"call {name}", "eth_call", [call, "latest"])
        yield Question(f"estimate {name}", "eth_estimateGas", [call])
    for name, call in {"value": value, "move": moving, "transfer": transfer}.items():
        yield Question(f"access list of {name}", "eth_createAccessList", [call])
    yield Question("call in the past", "eth_call", [value, "0x1"])
    overrides = {EMPTY_ACCOUNT: {"code": ECHO, "balance": "0x5"}}
    echo = {"to": EMPTY_ACCOUNT, "input": "0x1234"}
    yield Question("override of code", "eth_call", [echo, "latest", overrides])
    slot = {COUNTER: {"stateDiff": {"0x" + "00" * 32: "0x" + "00" * 31 + "2a"}}}
    yield Question("override of a slot", "eth_call", [value, "latest", slot])
    cleared = {COUNTER: {"state": {}}}
    yield Question("override of the storage", "eth_call", [value, "latest", cleared])
    endless = {EMPTY_ACCOUNT: {"code": ENDLESS}}
    bounded = {"to": EMPTY_ACCOUNT, "gas": "0x100000"}
    yield Question("endless", "eth_call", [bounded, "latest", endless])
    simulated = {"blockStateCalls": [{"calls": [moving, value]}, {"calls": [refusing]}]}
    yield Question("simulation", "eth_simulateV1", [simulated, "latest"])
    traced = {"blockStateCalls": [{"calls": [transfer]}], "traceTransfers": True}
    yield Question("simulated transfer", "eth_simulateV1", [traced, "latest"])
    words = ["0x" + f"{slot:064x}" for slot in (0, 1)]
    yield Question("proof", "eth_getProof", [COUNTER, words, "latest"])
    yield Question("proof of absence", "eth_getProof", [EMPTY_ACCOUNT, [], "latest"])


def _logs() -> Iterator[Question]:
    whole = {"fromBlock": "0x0", "toBlock": "latest"}
    topic = "0x" + keccak(b"Moved(address,int256,int256)").hex()
    for name, query in {
        "all": whole,
        "of the counter": {**whole, "address": COUNTER},
        "of nobody": {**whole, "address": EMPTY_ACCOUNT},
        "by topic": {**whole, "topics": [topic]},
        "by second topic": {**whole, "topics": [None, "0x" + ALICE[2:].rjust(64, "0")]},
        "by either topic": {**whole, "topics": [[topic, UNKNOWN]]},
        "by other topic": {**whole, "topics": [UNKNOWN]},
        "backwards": {"fromBlock": "0x4", "toBlock": "0x2"},
        "of an unknown block": {"blockHash": UNKNOWN},
    }.items():
        yield Question(f"logs {name}", "eth_getLogs", [query])


def _fees() -> Iterator[Question]:
    yield Question("fee history", "eth_feeHistory", ["0x4", "latest", [25, 75]])
    yield Question("fee history of none", "eth_feeHistory", ["0x0", "latest", []])
    yield Question("fee history of wrong order", "eth_feeHistory", ["0x1", "latest", [50, 20]])


def _refused() -> Iterator[Question]:
    def raw(nonce: int, **fields: Any) -> list[Any]:
        return ["0x" + signed(CHAIN_ID, nonce, **fields).hex()]

    for name, params in {
        "nonce too low": raw(0),
        "no funds": raw(10, value=Wei(10**30)),
        "intrinsic gas": raw(10, gas=Gas(20_000)),
        "tip above cap": raw(10, max_priority_fee_per_gas=Wei(20 * GWEI)),
        "wrong chain": ["0x" + signed(1, 10).hex()],
        "no transaction": ["0x02c0"],
        "nothing": ["0x"],
        "initcode": raw(10, to=None, data=bytes(49_153), gas=Gas(2**24)),
        "fee below base fee": raw(10, max_fee_per_gas=Wei(1), max_priority_fee_per_gas=Wei(1)),
    }.items():
        yield Question(f"send {name}", "eth_sendRawTransaction", params)
    yield Question("no such method", "eth_nonsense", [])
    yield Question("missing argument", "eth_getBalance", [])
    yield Question("malformed argument", "eth_getBalance", ["0x12", "latest"])
    yield Question("no such filter", "eth_getFilterChanges", ["0xabc"])
    yield Question("unknown account", "eth_sendTransaction", [{"from": EMPTY_ACCOUNT, "to": BOB}])
    yield Question("subscription", "eth_subscribe", ["newHeads"])


@dataclass(frozen=True, slots=True)
class Difference:
    """A leaf that the two answer differently; None where one has nothing there."""

    question: str
    method: str
    path: str
    ours: object
    theirs: object

    def __str__(self) -> str:
        return f"{self.question}: {self.method}{self.path}: {self.ours!r:.90} | {self.theirs!r:.90}"


@dataclass(slots=True)
class Table:
    """Differences that are allowed: by question (or method) and path, with the reason."""

    rows: tuple[tuple[str, str, str], ...]
    used: set[int] = field(default_factory=set)

    def allows(self, found: Difference) -> bool:
        for place, (where, path, _) in enumerate(self.rows):
            names = (found.question, found.method)
            if any(re.fullmatch(where, name) for name in names) and re.fullmatch(path, found.path):
                self.used.add(place)
                return True
        return False

    def stale(self) -> list[tuple[str, str, str]]:
        return [row for place, row in enumerate(self.rows) if place not in self.used]


def differences(
    question: Question, ours: dict[str, Any], theirs: dict[str, Any]
) -> Iterator[Difference]:
    """Every leaf in which two answers differ."""
    left, right = dict(_leaves(_told(ours))), dict(_leaves(_told(theirs)))
    for path in sorted(left.keys() | right.keys()):
        if left.get(path) != right.get(path):
            yield Difference(question.name, question.method, path, left.get(path), right.get(path))


def _told(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name in ("result", "error")}


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}")
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}[{place}]")
    else:
        yield path, value.lower() if isinstance(value, str) and path != ".error.message" else value
