"""JSON-RPC 2.0 framing: errors, batches, notifications and hostile bodies."""

import asyncio
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from execution.errors import NonceTooLow
from node import limits
from node.rpc.codec import parse_quantity, parse_string
from node.rpc.dispatch import Dispatcher, Param, Session, check_depth, method, registry
from node.rpc.errors import InvalidParams, ParseError, Reverted
from node.rpc.subscriptions import Notify, Subscription
from state.errors import InternalError, Unavailable


class Nothing:
    """A source that has nothing to tell."""

    notification = "calc_subscription"

    def subscription(self, kind: str, options: object, notify: Notify) -> Subscription:
        raise InvalidParams("there is nothing")


class Calculator:
    """A namespace small enough to see through."""

    @method("calc_add", Param(parse_quantity), Param(parse_quantity, 1))
    async def add(self, left: int, right: int) -> str:
        return hex(left + right)

    @method("calc_echo", Param(parse_string))
    async def echo(self, value: str) -> str:
        return value

    @method("calc_nonce")
    async def nonce(self) -> None:
        raise NonceTooLow(1, 2)

    @method("calc_revert")
    async def revert(self) -> None:
        raise Reverted(bytes.fromhex("4e487b71") + (0x11).to_bytes(32))

    @method("calc_silent")
    async def silent(self) -> None:
        raise Unavailable("the L1 endpoint does not answer")

    @method("calc_broken")
    async def broken(self) -> None:
        raise InternalError("a root is wrong")

    @method("calc_bug")
    async def bug(self) -> None:
        raise KeyError("oops")

    @method("calc_unwritable")
    async def unwritable(self) -> object:
        return object()

    @method("calc_large")
    async def large(self) -> str:
        return "x" * (limits.RPC_RESPONSE_BYTES_MAX // 2)

    @method("calc_listen", on_session=True)
    async def listen(self, session: Session) -> str:
        return session.subscribe(Nothing(), "x", None)


@pytest.fixture
def faults() -> list[BaseException]:
    return []


@pytest.fixture
def dispatcher(faults: list[BaseException]) -> Dispatcher:
    return Dispatcher(registry(Calculator()), faults.append)


def answer(dispatcher: Dispatcher, body: object) -> object:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = asyncio.run(dispatcher.answer(raw))
    return None if response is None else json.loads(response)


def request(name: str, *params: object, **more: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": name, "params": list(params), **more}


def error_of(dispatcher: Dispatcher, name: str, *params: object) -> tuple[int, str]:
    response = answer(dispatcher, request(name, *params))
    return response["error"]["code"], response["error"]["message"]


def test_call_is_answered_under_its_id(dispatcher: Dispatcher) -> None:
    for identity in (1, "one", None, 1.5):
        expected = {"jsonrpc": "2.0", "id": identity, "result": "0x5"}
        assert answer(dispatcher, request("calc_add", "0x2", "0x3", id=identity)) == expected


@pytest.mark.parametrize("params", [["0x2"], ["0x2", None]])
def test_optional_parameter_missing_or_null_takes_its_default(
    dispatcher: Dispatcher, params: list[object]
) -> None:
    assert answer(dispatcher, request("calc_add", *params))["result"] == "0x3"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([], "missing value for required argument 0"),
        ([None], "missing value for required argument 0"),
        (["0x1", "0x2", "0x3"], "too many arguments, want at most 2"),
        (["0x1", "two"], "invalid argument 1: not a quantity"),
    ],
)
def test_parameters_wrong_are_explained(
    dispatcher: Dispatcher, params: list[object], message: str
) -> None:
    code, text = error_of(dispatcher, "calc_add", *params)
    assert code == -32602
    assert text.startswith(message)


def test_method_unknown_is_not_found(dispatcher: Dispatcher) -> None:
    code, text = error_of(dispatcher, "eth_fly")
    assert (code, text) == (-32601, "the method eth_fly does not exist/is not available")


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("calc_nonce", -32000, "nonce too low: next nonce 2, tx nonce 1"),
        ("calc_revert", 3, "execution reverted: arithmetic underflow or overflow"),
        ("calc_silent", -32002, "the L1 endpoint does not answer"),
        ("calc_listen", -32601, "notifications not supported: subscribe over a websocket"),
    ],
)
def test_error_family_decides_the_code(
    dispatcher: Dispatcher, faults: list[BaseException], name: str, code: int, message: str
) -> None:
    assert error_of(dispatcher, name) == (code, message)
    assert faults == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [("calc_broken", InternalError), ("calc_bug", KeyError), ("calc_unwritable", TypeError)],
)
def test_fault_of_our_own_is_reported_and_not_told(
    dispatcher: Dispatcher, faults: list[BaseException], name: str, kind: type
) -> None:
    assert error_of(dispatcher, name) == (-32603, "internal error")
    assert isinstance(faults[0], kind)


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"nonsense", b"\xff\xfe", b'"\\ud800"', b"1e999", b"[" * 64, b"9" * 10_000],
)
def test_body_malformed_is_a_parse_error(dispatcher: Dispatcher, body: bytes) -> None:
    assert answer(dispatcher, body)["error"]["code"] == -32700


@pytest.mark.parametrize(
    "body",
    [
        1,
        "eth_chainId",
        None,
        {},
        [],
        {"jsonrpc": "1.0", "id": 1, "method": "calc_add"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "method": 7},
        {"jsonrpc": "2.0", "id": {}, "method": "calc_add"},
        {"jsonrpc": "2.0", "id": True, "method": "calc_add"},
        {"jsonrpc": "2.0", "id": 10**30, "method": "calc_add"},
    ],
)
def test_json_that_is_no_request_is_refused(dispatcher: Dispatcher, body: object) -> None:
    assert answer(dispatcher, body)["error"]["code"] == -32600


def test_parameters_by_name_are_refused(dispatcher: Dispatcher) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "calc_add", "params": {"left": "0x1"}}
    assert answer(dispatcher, body)["error"]["code"] == -32602


def test_notification_gets_no_answer(dispatcher: Dispatcher) -> None:
    for params in (["0x1"], ["wrong"]):
        body = {"jsonrpc": "2.0", "method": "calc_add", "params": params}
        assert answer(dispatcher, body) is None
        assert answer(dispatcher, [body]) is None


def test_batch_is_answered_in_order(dispatcher: Dispatcher) -> None:
    batch = [request("calc_add", hex(i), id=i) for i in range(100)]
    batch[50] = 7
    responses = answer(dispatcher, batch)
    assert [response["id"] for response in responses] == [*range(50), None, *range(51, 100)]
    assert responses[50]["error"]["code"] == -32600


def test_batch_too_long_is_refused_whole(dispatcher: Dispatcher) -> None:
    batch = [request("calc_add", "0x1")] * (limits.RPC_BATCH_ITEMS_MAX + 1)
    assert answer(dispatcher, batch)["error"]["code"] == -32600


def test_batch_response_too_large_ends_in_errors(dispatcher: Dispatcher) -> None:
    responses = answer(dispatcher, [request("calc_large", id=i) for i in range(5)])
    assert [("result" in response) for response in responses] == [True, True, False, False, False]
    assert responses[4]["error"]["code"] == -32005


def test_depth_above_the_limit_is_refused_before_decoding() -> None:
    deepest = limits.RPC_JSON_DEPTH_MAX
    check_depth(b"[" * deepest + b"]" * deepest)
    check_depth(b"[" + b"[]," * 1000 + b"[]]")
    check_depth(json.dumps(["[" * 1000, '"[\\']).encode())
    for opening in (b"[", b'{"a":', b'["\\"",'):
        with pytest.raises(ParseError):
            check_depth(opening * (deepest + 1))
    with pytest.raises(ParseError):
        check_depth(b"[],"[:2] * (limits.RPC_JSON_CONTAINERS_MAX + 1))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=200,
)


def depth_of(value: object) -> int:
    inner = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    )
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(json_values, st.integers(0, 80))
def test_depth_check_agrees_with_the_decoded_value(value: object, wraps: int) -> None:
    for _ in range(wraps):
        value = [value]
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    refused = False
    try:
        check_depth(body)
    except ParseError:
        refused = True
    assert refused == (depth_of(value) > limits.RPC_JSON_DEPTH_MAX)


@given(st.binary(max_size=200) | json_values.map(msgspec.json.encode))
def test_any_body_gets_a_well_formed_answer_or_none(body: bytes) -> None:
    response = asyncio.run(Dispatcher(registry(Calculator())).answer(body))
    if response is not None:
        for one in [json.loads(response)] if response[:1] == b"{" else json.loads(response):
            assert one["jsonrpc"] == "2.0"
            assert one["error"]["code"] in (-32600, -32601, -32602, -32700)


def test_method_defined_twice_is_an_internal_error() -> None:
    with pytest.raises(InternalError, match="calc_add"):
        registry(Calculator(), Calculator())
