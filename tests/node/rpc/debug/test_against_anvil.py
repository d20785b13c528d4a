"""Traces of one transaction by us and by anvil (revm), which must agree but where it is said."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from node.rpc.codec import data, quantity, word
from node.rpc.format import access_list_json
from tests.bridge.conftest import Anvil
from tests.execution.evm.scenarios import SENDER, Scenario, random_scenario
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


# Random programs

SEEDS = range(3_000 if os.environ.get("TALLYSTICK_ALL") == "1" else 25)
RANDOM_GAS_MAX = 200_000
"""anvil keeps every instruction, and takes half a minute for some programs with more gas."""

BLOCK_INSTRUCTIONS = frozenset(
    ("BLOCKHASH", "COINBASE", "TIMESTAMP", "NUMBER", "PREVRANDAO", "GASLIMIT", "BASEFEE")
)
"""The two chains are at other blocks: from here on the programs see other values."""


@pytest.mark.parametrize("seed", SEEDS)
def test_random_programs_run_alike(node: RunningNode, anvil: Anvil, seed: int) -> None:
    call, overrides = as_call(random_scenario(seed))
    config = {"stateOverrides": overrides}
    ours = node.answer("debug_traceCall", call, "latest", config)
    if "error" in ours:  # what a limit of ours forbids, or what can't begin
        assert ours["error"]["code"] in (-32000, -32602)
        return
    steps = ours["result"]["structLogs"]
    others = anvil.ask("debug_traceCall", call, "latest", config)["structLogs"]
    for mine, other in zip(steps, others, strict=False):
        if mine["op"] in BLOCK_INSTRUCTIONS:
            return
        is_named = "not defined" not in mine["op"]
        # Where the gas doesn't suffice, the two stop adding it up at different points.
        is_told = mine["op"] not in CREATIONS and "error" not in mine
        names = [
            name
            for name in COMPARED
            if (name != "op" or is_named) and (name != "gasCost" or is_told)
        ]
        assert [mine[name] for name in names] == [other[name] for name in names]
    assert len(steps) == len(others)


def as_call(scenario: Scenario) -> tuple[dict[str, Any], dict[str, Any]]:
    """A random case as a call, and the state that it needs."""
    fields = scenario.fields
    call: dict[str, Any] = {
        "from": data(SENDER),
        "gas": quantity(min(fields.gas, RANDOM_GAS_MAX)),
        "value": quantity(fields.value),
        "input": data(fields.data),
        "accessList": access_list_json(fields.access_list),
    }
    if fields.to is not None:
        call["to"] = data(fields.to)
    overrides = {
        data(address): {
            "balance": quantity(account.balance),
            "nonce": quantity(account.nonce),
            "code": data(account.code),
            "state": {word(slot): word(value) for slot, value in account.storage.items()},
        }
        for address, account in scenario.pre.items()
    }
    return call, overrides
