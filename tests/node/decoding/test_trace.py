"""Reading a node's answer: order of events and calls, depth, and answers of another shape."""

from typing import Any

import pytest

from bridge.l1.errors import L1Unavailable
from node.cli.trace_tree import trace_json, trace_lines
from node.decoding.book import AddressBook
from node.decoding.limits import TRACE_DEPTH_MAX
from node.decoding.trace import TracedCall, TracedLog, parse_trace
from tests.node.rpc.debug.programs import assemble
from tests.node.rpc.harness import L2_CONFIG, NOBODY, open_chain, running_node

A, B = "0x" + "aa" * 20, "0x" + "bb" * 20
CALL = {"type": "CALL", "from": A, "to": B, "gas": "0x5", "gasUsed": "0x3", "input": "0x"}


def log(position: int, data: str) -> dict[str, Any]:
    return {"address": B, "topics": [], "data": data, "position": hex(position)}


def test_events_stand_between_the_calls_they_came_between() -> None:
    calls = [{**CALL, "input": f"0x0{at}"} for at in range(3)]
    logs = [log(0, "0xa0"), log(0, "0xa1"), log(2, "0xa2"), log(3, "0xa3")]
    root = parse_trace({**CALL, "calls": calls, "logs": logs})
    order = [one.data if isinstance(one, TracedLog) else one.input for one in root.inner]
    assert [one.hex() for one in order] == ["a0", "a1", "00", "01", "a2", "02", "a3"]


def test_tree_is_drawn_with_its_branches() -> None:
    inner = {**CALL, "calls": [CALL], "logs": [log(1, "0x01")]}
    failed = {**CALL, "error": "execution reverted"}
    root = parse_trace({**CALL, "calls": [inner, failed]})
    name = "[3] 0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"
    assert [line.plain for line in trace_lines(root, AddressBook())] == [
        name,
        f"├── {name}",
        f"│   ├── {name}",
        "│   └── ◆ [] 0x01",
        f"└── {name}",
        "    └── ✗ execution reverted",
    ]


def test_failed_creation_has_no_address() -> None:
    made = {**CALL, "type": "CREATE", "error": "out of gas"}
    del made["to"]
    root = parse_trace(made)
    assert root.to is None
    assert root.is_creation


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {**CALL, "type": "JUMP"},
        {**CALL, "gas": "5"},
        {**CALL, "to": "0x12"},
        {**CALL, "calls": {}},
        {**CALL, "calls": [7]},
        {**CALL, "logs": [{}]},
        {**CALL, "logs": [{**log(0, "0x"), "topics": ["0x1"]}]},
    ],
)
def test_answer_of_another_shape_is_refused(value: object) -> None:
    with pytest.raises(L1Unavailable):
        parse_trace(value)


def test_calls_as_deep_as_gas_lasts_are_told_and_shown() -> None:
    code = assemble("PUSH0 PUSH0 PUSH0 PUSH0 PUSH0 ADDRESS GAS CALL")
    with running_node(open_chain(L2_CONFIG)) as node:
        to = "0x" + NOBODY.hex()
        overrides = {to: {"code": "0x" + code.hex()}}
        config = {"tracer": "callTracer", "stateOverrides": overrides}
        answer = node.call("debug_traceCall", {"to": to}, "latest", config)
        flat = node.call(
            "debug_traceCall", {"to": to}, "latest", {**config, "tracer": "flatCallTracer"}
        )
    root = parse_trace(answer)
    calls = list(root.walk())
    assert 400 < len(calls) == len(flat) < TRACE_DEPTH_MAX / 2
    assert all(isinstance(call, TracedCall) for call in calls)
    lines = [line.plain for line in trace_lines(root, AddressBook())]
    assert sum("] 0x4242" in line for line in lines) == len(calls)
    assert max(map(len, lines)) < 250
    assert any(f"({len(calls) - 1}) [" in line for line in lines)
    inner, depth = trace_json(root, AddressBook()), 1
    while inner["calls"]:
        inner, depth = inner["calls"][0], depth + 1
    assert depth == len(calls)
