"""`debug_trace*` on a real chain behind a real server: shapes, options, limits and errors."""

from typing import Any

import pytest

from execution.attributes import InclusionRule
from execution.transactions import make_deposit
from execution.transition import Candidate
from genesis.predeploys import DEPOSITOR
from node import limits
from state.types import Gas, Hash32, Wei
from tests.node.rpc import schemas
from tests.node.rpc.debug.programs import BURNER, COUNTER, EVERYTHING, PANICKER, REVERTER, WORKER
from tests.node.rpc.harness import DEV, NOBODY, RunningNode, sign

CALL_TRACER = {"tracer": "callTracer"}
DEV_ADDRESS = "0x" + DEV[0].address.hex()


def traced(node: RunningNode, hash_: str, **config: Any) -> Any:
    return node.call("debug_traceTransaction", hash_, config)


def calls(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return [tree, *(one for inner in tree.get("calls", []) for one in calls(inner))]


def call_of(tree: dict[str, Any], to: bytes) -> dict[str, Any]:
    return next(one for one in calls(tree) if one.get("to") == "0x" + to.hex())


# The struct log


@pytest.mark.skipif(not schemas.is_available(), reason="no execution-apis schemas")
@pytest.mark.parametrize("enable", [False, True])
def test_struct_log_fits_its_schema(node: RunningNode, everything: str, enable: bool) -> None:
    options = {"enableMemory": enable, "enableReturnData": enable, "disableStack": enable}
    result = traced(node, everything, **options)
    # The schema knows any JSON as the answer of another tracer; what counts is the first branch.
    schema = schemas.methods()["debug_traceTransaction"]["result"]["schema"]["anyOf"][0]
    schemas.check_against(schema, result)
    assert schemas.unknown_fields(schema, result) == set()
    assert any("memory" in step for step in result["structLogs"]) == enable
    assert any("returnData" in step for step in result["structLogs"]) == enable
    assert all(("stack" in step) != enable for step in result["structLogs"])


def test_struct_log_limit_counts_instructions_and_run_goes_on(
    node: RunningNode, everything: str
) -> None:
    whole, cut = traced(node, everything), traced(node, everything, limit=7)
    assert cut["structLogs"] == whole["structLogs"][:7]
    assert cut["gas"] == whole["gas"]


def test_struct_log_storage_is_cumulative_and_can_be_left_out(
    node: RunningNode, everything: str
) -> None:
    steps = traced(node, everything)["structLogs"]
    assert [step["storage"] for step in steps if "storage" in step][2] == {
        "0x" + "00" * 31 + "01": "0x" + "00" * 32
    }
    bare = traced(node, everything, disableStorage=True)["structLogs"]
    assert not any("storage" in step for step in bare)


def test_transfer_has_no_instructions(node: RunningNode, everything: str) -> None:
    transfer = node.call("eth_sendRawTransaction", sign(node, 0, sender=1))
    result = traced(node, transfer)
    assert result == {"gas": 21_000, "failed": False, "returnValue": "0x", "structLogs": []}


# Calls


def test_call_tree_has_reasons_and_no_logs_of_what_failed(
    node: RunningNode, everything: str
) -> None:
    tree = traced(node, everything, **CALL_TRACER, tracerConfig={"withLog": True})
    refusal = call_of(tree, REVERTER)
    assert refusal["error"] == "execution reverted"
    assert refusal["revertReason"] == "no go"
    assert "logs" not in refusal
    assert call_of(tree, PANICKER)["revertReason"] == "arithmetic underflow or overflow"
    logged = [log for one in calls(tree) for log in one.get("logs", [])]
    receipt = node.call("eth_getTransactionReceipt", everything)
    assert [log["index"] for log in logged] == [log["logIndex"] for log in receipt["logs"]]
    assert [log["position"] for log in logged] == ["0x0", "0x0", "0x0"]
    assert tree["gasUsed"] == receipt["gasUsed"]


def test_only_top_call_has_none_within(node: RunningNode, everything: str) -> None:
    config = {"onlyTopCall": True, "withLog": True}
    tree = traced(node, everything, **CALL_TRACER, tracerConfig=config)
    assert "calls" not in tree
    assert "logs" not in tree


def test_flat_calls_have_addresses_and_places(node: RunningNode, everything: str) -> None:
    tree = traced(node, everything, **CALL_TRACER)
    flat = traced(
        node, everything, tracer="flatCallTracer", tracerConfig={"includePrecompiles": True}
    )
    assert len(flat) == len(calls(tree))
    assert flat[0]["traceAddress"] == []
    assert flat[0]["subtraces"] == len(tree["calls"])
    assert {one["type"] for one in flat} == {"call", "create", "suicide"}
    assert {one["transactionHash"] for one in flat} == {everything}
    config = {"convertParityErrors": True}
    parity = traced(node, everything, tracer="flatCallTracer", tracerConfig=config)
    assert len(flat) - len(parity) == 3
    assert {"Reverted", "Out of gas", "Bad jump destination"} <= {
        one.get("error") for one in parity
    }
    assert all("result" not in one for one in parity if one.get("error") == "Out of gas")


def test_mux_answers_as_each_of_its_tracers(node: RunningNode, everything: str) -> None:
    alone = (
        {"tracer": "callTracer", "tracerConfig": {"withLog": True}},
        {"tracer": "prestateTracer"},
    )
    config = {"callTracer": {"withLog": True}, "prestateTracer": None, "noopTracer": {}}
    both = traced(node, everything, tracer="muxTracer", tracerConfig=config)
    assert both == {
        "callTracer": traced(node, everything, **alone[0]),
        "prestateTracer": traced(node, everything, **alone[1]),
        "noopTracer": {},
    }


def test_prestate_has_what_was_there_before(node: RunningNode, everything: str) -> None:
    state = traced(node, everything, tracer="prestateTracer")
    receipt = node.call("eth_getTransactionReceipt", everything)
    before = hex(int(receipt["blockNumber"], 16) - 1)
    for address, account in state.items():
        assert account["balance"] == node.call("eth_getBalance", address, before)
        assert account.get("code", "0x") == node.call("eth_getCode", address, before)
    config = {"disableCode": True, "disableStorage": True}
    bare = traced(node, everything, tracer="prestateTracer", tracerConfig=config)
    assert bare.keys() == state.keys()
    assert not any({"code", "storage"} & account.keys() for account in bare.values())


# Blocks and deposits


def test_block_trace_has_one_entry_a_transaction(node: RunningNode, everything: str) -> None:
    receipt = node.call("eth_getTransactionReceipt", everything)
    by_number = node.call("debug_traceBlockByNumber", receipt["blockNumber"], CALL_TRACER)
    assert by_number == node.call("debug_traceBlockByHash", receipt["blockHash"], CALL_TRACER)
    first, second = by_number
    assert first["result"]["from"] == "0x" + DEPOSITOR.hex()
    assert second == {"txHash": everything, "result": traced(node, everything, **CALL_TRACER)}


def test_later_transactions_see_the_earlier_and_number_logs_over_the_block(
    node: RunningNode, everything: str
) -> None:
    node.miner.is_on = False
    hashes = [
        node.call("eth_sendRawTransaction", sign(node, nonce, sender=2, to=to, value=Wei(0)))
        for nonce, to in enumerate((COUNTER, WORKER, COUNTER, WORKER))
    ]
    node.mine()
    node.miner.is_on = True
    storage = [
        traced(node, hash_, tracer="prestateTracer")["0x" + COUNTER.hex()]["storage"]
        for hash_ in hashes[::2]
    ]
    first, second = (int(values["0x" + "00" * 32], 16) for values in storage)
    assert second == first + 1
    config = {"withLog": True}
    logs = [
        traced(node, hash_, **CALL_TRACER, tracerConfig=config)["logs"][0] for hash_ in hashes[1::2]
    ]
    assert [log["index"] for log in logs] == ["0x0", "0x1"]
    # The same as a call: after the first of them, the counter has moved by one.
    call = {"from": DEV_ADDRESS, "to": "0x" + COUNTER.hex()}
    number = node.call("eth_getTransactionReceipt", hashes[0])["blockNumber"]
    for index, value in ((1, first), (2, first + 1), (3, first + 1), (4, first + 2)):
        settings = {"tracer": "prestateTracer", "txIndex": hex(index)}
        state = node.call("debug_traceCall", call, number, settings)
        assert int(state["0x" + COUNTER.hex()]["storage"]["0x" + "00" * 32], 16) == value


@pytest.mark.parametrize("value", [0, 10**30])
def test_deposit_is_traceable_even_when_it_never_began(node: RunningNode, value: int) -> None:
    deposit = make_deposit(
        source_hash=Hash32(value.to_bytes(32, "big")),
        sender=NOBODY,
        to=WORKER,
        mint=Wei(7),
        value=Wei(value),
        gas=Gas(200_000),
        data=b"",
    )
    node.mine(Candidate(deposit, InclusionRule.CARRY))
    tree = traced(node, "0x" + deposit.hash.hex(), **CALL_TRACER)
    assert tree["from"] == "0x" + NOBODY.hex()
    assert tree["gas"] == hex(200_000)
    assert tree.get("error") == ("insufficient balance for transfer" if value else None)
    assert bool(traced(node, "0x" + deposit.hash.hex())["structLogs"]) == (value == 0)


# Calls that are only tried


def test_traced_call_takes_state_overrides(node: RunningNode, everything: str) -> None:
    call = {"from": DEV_ADDRESS, "to": "0x" + NOBODY.hex(), "input": "0x01"}
    code = {"0x" + NOBODY.hex(): {"code": "0x6001600255"}}
    result = node.call("debug_traceCall", call, "latest", {"stateOverrides": code})
    assert [step["op"] for step in result["structLogs"]] == ["PUSH1", "PUSH1", "SSTORE", "STOP"]
    assert node.call("debug_traceCall", call, "latest")["structLogs"] == []


def test_traced_call_that_can_not_begin_says_why(node: RunningNode, everything: str) -> None:
    call = {"from": "0x" + "99" * 20, "to": DEV_ADDRESS, "value": "0x1"}
    error = node.error("debug_traceCall", call, "latest")
    assert error["code"] == -32000
    assert error["message"].startswith("tracing failed: insufficient funds")


# Refusals and limits


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("debug_traceTransaction", ["0x" + "00" * 32], "transaction not found"),
        ("debug_traceBlockByNumber", ["0x0"], "genesis is not traceable"),
        ("debug_traceBlockByNumber", ["0xffffff"], "block #16777215 not found"),
        ("debug_traceBlockByHash", ["0x" + "01" * 32], f"block 0x{'01' * 32} not found"),
        ("debug_traceBlockByNumber", ["pending"], "tracing on top of pending is not supported"),
        ("debug_traceCall", [{}, "pending"], "tracing on top of pending is not supported"),
    ],
)
def test_what_is_not_there_is_refused_in_geths_words(
    node: RunningNode, everything: str, method: str, params: list[Any], message: str
) -> None:
    assert node.error(method, *params) == {"code": -32000, "message": message}


@pytest.mark.parametrize("name", ["nonsense", "{step: function() {}}", "muxTracer"])
def test_unknown_tracer_is_refused_with_those_there_are(
    node: RunningNode, everything: str, name: str
) -> None:
    config = {"tracer": name, "tracerConfig": {"{result: 1}": {}}}
    error = node.error("debug_traceTransaction", everything, config)
    assert error["code"] == -32000
    assert error["message"].startswith("tracer not found: ")
    assert "callTracer" in error["message"]


@pytest.mark.parametrize(
    "config",
    [
        {"timeout": "soon"},
        {"timeout": ""},
        {"limit": -1},
        {"disableStack": "yes"},
        {"tracer": 7},
        {"tracer": "callTracer", "tracerConfig": {"withLog": 1}},
        {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True, "includeEmpty": True}},
    ],
)
def test_setting_that_makes_no_sense_is_an_invalid_argument(
    node: RunningNode, everything: str, config: dict[str, Any]
) -> None:
    assert node.error("debug_traceTransaction", everything, config)["code"] == -32602


def test_timeout_stops_a_trace(node: RunningNode, everything: str) -> None:
    config = {"timeout": "1ns", "reexec": 128}
    error = node.error("debug_traceTransaction", everything, config)
    assert error == {"code": -32000, "message": "execution timeout"}
    assert traced(node, everything, timeout="1m30s", reexec=128)["failed"] is False


def test_trace_of_too_many_instructions_is_stopped(
    node: RunningNode, everything: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_TRACE_STEPS_MAX", 100)
    message = node.error("debug_traceTransaction", everything, {})["message"]
    assert message.startswith("trace of more than 100 instructions")


def test_trace_of_too_many_bytes_is_stopped(
    node: RunningNode, everything: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_TRACE_BYTES_MAX", 5_000)
    for config in ({}, CALL_TRACER, {"tracer": "prestateTracer"}):
        message = node.error("debug_traceTransaction", everything, config)["message"]
        assert message.startswith("trace larger than 5000 bytes")


def test_call_that_burns_all_gas_is_told_with_little_memory(
    node: RunningNode, everything: str
) -> None:
    call = {"from": DEV_ADDRESS, "to": "0x" + BURNER.hex(), "gas": "0x30d40"}
    steps = node.call("debug_traceCall", call, "latest", {"limit": 3})["structLogs"]
    assert [step["op"] for step in steps] == ["JUMPDEST", "PUSH1", "PUSH1"]
    last = node.call("debug_traceCall", call, "latest", {})["structLogs"][-1]
    assert last["error"] == "out of gas"


def test_everything_runs_the_same_traced_and_not(node: RunningNode, everything: str) -> None:
    call = {"from": DEV_ADDRESS, "to": "0x" + EVERYTHING.hex(), "value": "0x64"}
    traced_ = node.call("debug_traceCall", call, "latest", {})
    assert traced_["returnValue"] == node.call("eth_call", call, "latest")
