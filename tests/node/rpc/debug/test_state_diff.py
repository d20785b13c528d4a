"""`trace_replayTransaction`, whose differences are those between the states before and after."""

from collections.abc import Iterator
from typing import Any

import pytest

from execution.evm.addresses import creation_address
from state.types import Gas, Wei
from tests.node.rpc.debug.programs import ALLOC, COUNTER, CREATOR, EVERYTHING, REVERTER
from tests.node.rpc.harness import DEV, L2_CONFIG, RunningNode, open_chain, running_node, sign

SENDER = "0x" + DEV[0].address.hex()
DOOMED = creation_address(DEV[0].address, 6)
"""Made by the transaction with nonce 6, which destroys it; it had ether before."""

DESTROY_ITSELF = bytes.fromhex("33ff")
TRANSACTIONS: list[dict[str, Any]] = [
    {"to": EVERYTHING, "value": Wei(100)},
    {"to": REVERTER},
    {"to": None, "data": bytes.fromhex("60005f5360015ff3")},
    {"to": CREATOR, "value": Wei(5)},
    {"to": COUNTER},
    {"to": DOOMED, "value": Wei(7)},
    {"to": None, "data": DESTROY_ITSELF},
]


def send(node: RunningNode, nonce: int, **fields: Any) -> str:
    settings = {"gas": Gas(5_000_000), "value": Wei(0)} | fields
    return str(node.call("eth_sendRawTransaction", sign(node, nonce, **settings)))


@pytest.fixture(scope="module")
def replayed() -> Iterator[tuple[RunningNode, list[str]]]:
    with running_node(open_chain(L2_CONFIG, alloc=ALLOC)) as node:
        yield node, [send(node, nonce, **fields) for nonce, fields in enumerate(TRANSACTIONS)]


def difference(node: RunningNode, hash_: str) -> dict[str, Any]:
    return node.call("trace_replayTransaction", hash_, ["stateDiff"])["stateDiff"]


def sides(change: Any, unchanged: str) -> tuple[str | None, str | None]:
    """A member before and after; None where the account wasn't or isn't there."""
    if change == "=":
        return unchanged, unchanged
    if "*" in change:
        return change["*"]["from"], change["*"]["to"]
    return change.get("-"), change.get("+")


@pytest.mark.parametrize("place", range(len(TRANSACTIONS)))
def test_difference_is_that_of_the_states(
    replayed: tuple[RunningNode, list[str]], place: int
) -> None:
    """Each block here has a deposit first, which touches none of these accounts."""
    node, hashes = replayed
    number = int(node.call("eth_getTransactionReceipt", hashes[place])["blockNumber"], 16)
    blocks = hex(number - 1), hex(number)
    changed = difference(node, hashes[place])
    prestate = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    geth = node.call("debug_traceTransaction", hashes[place], prestate)
    assert set(changed) == geth["pre"].keys() | geth["post"].keys()
    for address, members in changed.items():
        for name, method in (
            ("balance", "eth_getBalance"),
            ("nonce", "eth_getTransactionCount"),
            ("code", "eth_getCode"),
        ):
            states = [node.call(method, address, block) for block in blocks]
            told = sides(members[name], states[0])
            assert told in ((states[0], states[1]), (None, states[1]), (states[0], None)), name
        for slot, change in members["storage"].items():
            words = [node.call("eth_getStorageAt", address, slot, block) for block in blocks]
            assert sides(change, "") in (tuple(words), (None, words[1]))


def test_new_and_destroyed_accounts_change_whole(
    replayed: tuple[RunningNode, list[str]],
) -> None:
    node, hashes = replayed
    made = node.call("eth_getTransactionReceipt", hashes[2])["contractAddress"]
    new = difference(node, hashes[2])[made]
    assert new == {
        "balance": {"+": "0x0"}, "code": {"+": "0x00"}, "nonce": {"+": "0x1"}, "storage": {},
    }  # fmt: skip
    gone = difference(node, hashes[6])["0x" + DOOMED.hex()]
    assert gone == {
        "balance": {"-": "0x7"}, "code": {"-": "0x"}, "nonce": {"-": "0x0"}, "storage": {},
    }  # fmt: skip


def test_output_is_what_the_transaction_returned(replayed: tuple[RunningNode, list[str]]) -> None:
    node, hashes = replayed
    answer = node.call("trace_replayTransaction", hashes[1], [])
    assert answer["output"] == node.call("ots_getTransactionError", hashes[1])
    assert (answer["stateDiff"], answer["trace"], answer["vmTrace"]) == (None, [], None)


@pytest.mark.parametrize(
    ("hash_", "kinds", "code", "words"),
    [
        (None, ["vmTrace"], -32602, "use debug_traceTransaction"),
        (None, "stateDiff", -32602, "not a list"),
        ("0x" + "00" * 32, ["stateDiff"], -32000, "transaction not found"),
    ],
)
def test_replay_that_cannot_be_is_refused(
    replayed: tuple[RunningNode, list[str]], hash_: str | None, kinds: Any, code: int, words: str
) -> None:
    node, hashes = replayed
    error = node.error("trace_replayTransaction", hash_ or hashes[0], kinds)
    assert (error["code"], words in error["message"]) == (code, True)
