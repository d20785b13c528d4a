"""Traces of one transaction by us and by anvil (revm), which must agree but where it is said."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.bridge.conftest import Anvil
from tests.node.rpc.debug.programs import CODES, anvil_with_programs, mined_by_anvil
from tests.node.rpc.harness import RunningNode

COMPARED = ("pc", "op", "gas", "gasCost", "depth", "stack")
"""The refund is left out: revm counts it for each frame, go-ethereum and we for the transaction."""

CREATIONS = {"CREATE": 32_002, "CREATE2": 32_008}
"""Their cost for one word of code (EIP-1014, 3860), as go-ethereum has it; revm adds the gas that a
creation hands on."""

WORDS = {
    "StateChangeDuringStaticCall": "write protection",
    "StackUnderflow": "stack underflow",
    "CreateCollision": "contract address collision",
    "out of gas: not enough gas for reentrancy sentry": "out of gas",
}
"""What go-ethereum and we say where revm has words of its own."""


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with anvil_with_programs() as instance:
        yield instance


@pytest.fixture(scope="module")
def theirs(anvil: Anvil, raw: str, everything: str) -> str:
    assert mined_by_anvil(anvil, raw) == everything
    return everything


def both(node: RunningNode, anvil: Anvil, hash_: str, config: dict[str, Any]) -> tuple[Any, Any]:
    ours = node.call("debug_traceTransaction", hash_, config)
    return ours, anvil.ask("debug_traceTransaction", hash_, config)


def test_struct_logs_agree_instruction_by_instruction(
    node: RunningNode, anvil: Anvil, theirs: str
) -> None:
    ours, others = both(node, anvil, theirs, {"enableMemory": True})
    assert (ours["gas"], ours["failed"]) == (others["gas"], others["failed"])
    assert len(ours["structLogs"]) == len(others["structLogs"]) > 1000
    for mine, other in zip(ours["structLogs"], others["structLogs"], strict=True):
        names = [name for name in COMPARED if name != "gasCost" or mine["op"] not in CREATIONS]
        assert [mine[name] for name in names] == [other[name] for name in names]
        assert mine["gasCost"] == CREATIONS.get(mine["op"], mine["gasCost"])
        memory = [word.removeprefix("0x") for word in other.get("memory", [])]
        assert [word.removeprefix("0x") for word in mine.get("memory", [])] == memory


def test_call_trees_agree_in_all_but_words(node: RunningNode, anvil: Anvil, theirs: str) -> None:
    config = {"tracer": "callTracer", "tracerConfig": {"withLog": True}}
    ours, others = both(node, anvil, theirs, config)
    # The outermost call has the gas limit in go-ethereum, and what is left after buying in revm.
    assert int(ours.pop("gas"), 16) - int(others.pop("gas"), 16) == 21_000
    assert ours == _in_our_words(others)
    assert len(ours["calls"]) == 20


def _in_our_words(call: dict[str, Any]) -> dict[str, Any]:
    said = {"error": WORDS.get(call["error"], call["error"])} if "error" in call else {}
    inner = {"calls": [_in_our_words(one) for one in call["calls"]]} if "calls" in call else {}
    return call | said | inner


def test_changed_state_agrees(node: RunningNode, anvil: Anvil, theirs: str) -> None:
    config = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    ours, others = both(node, anvil, theirs, config)
    sender = ours["pre"].keys() - CODES_HEX
    assert len(sender) == 1
    for change in (ours, others):
        # The two chains have other base fees, so that the sender pays another price.
        for address in sender:
            change["post"][address].pop("balance")
        for account in change["pre"].values():
            account.pop("codeHash", None)  # which revm leaves out
    assert ours["post"] == {
        address: {**account, **_hash_of(ours, address)}
        for address, account in others["post"].items()
    }
    existing = {a: seen for a, seen in others["pre"].items() if seen != {"balance": "0x0"}}
    assert ours["pre"] == existing


CODES_HEX = {"0x" + address.hex() for address in CODES}


def _hash_of(change: dict[str, Any], address: str) -> dict[str, str]:
    code_hash = change["post"].get(address, {}).get("codeHash")
    return {} if code_hash is None else {"codeHash": code_hash}


def test_selectors_agree_but_for_precompiles(node: RunningNode, anvil: Anvil, theirs: str) -> None:
    ours, others = both(node, anvil, theirs, {"tracer": "4byteTracer"})
    assert others["0x11223344-0"] - ours["0x11223344-0"] == 3
    assert ours.keys() == others.keys()
