"""The JSON-RPC client against servers that misbehave in every way that we know of."""

import asyncio
import json

import httpx
import pytest

from bridge.l1 import limits
from bridge.l1.client import L1Client
from bridge.l1.errors import (
    L1CallReverted,
    L1EndpointBehind,
    L1EndpointInconsistent,
    L1RequestRefused,
    L1Unavailable,
    WrongL1Chain,
)
from bridge.l1.rpc import RpcClient, endpoint_name


def ask(answer, method="eth_chainId", *params):
    """The client's result for a raw HTTP answer: (status, body bytes) or an exception."""

    def respond(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        status, body = answer
        return httpx.Response(status, content=body)

    async def scenario():
        transport = httpx.MockTransport(respond)
        async with RpcClient("http://l1.example/secret-key", transport=transport) as rpc:
            return await rpc.request(method, *params)

    return asyncio.run(scenario())


def result(value):
    return 200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": value}).encode()


def error(code, message, data=None):
    body = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return 200, json.dumps({"jsonrpc": "2.0", "id": 1, "error": body}).encode()


def test_request_answered_returns_result():
    assert ask(result("0x7a69")) == "0x7a69"
    assert ask(result(None)) is None


@pytest.mark.parametrize(
    "answer",
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"jsonrpc":"2.0","id":1}'),
        (200, b'{"jsonrpc":"2.0","id":77,"result":"0x1"}'),
        (200, b'{"jsonrpc":"2.0","id":1,"error":"no"}'),
        (200, b'{"jsonrpc":"2.0","id":1,"error":{"code":"x"}}'),
        (200, b"[" * 100_000),
        (200, b'["]]]]",' * 100_000),
        (200, b'{"a":' * 100_000),
        (503, b"try later"),
        (429, b"too many"),
        error(-32005, "limit exceeded"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_request_unusable_answer_raises_unavailable(answer):
    with pytest.raises(L1Unavailable) as caught:
        ask(answer)
    assert "secret-key" not in str(caught.value)


def test_request_oversized_answer_raises_unavailable(monkeypatch):
    monkeypatch.setattr(limits, "RESPONSE_BYTES_MAX", 1_000)
    with pytest.raises(L1Unavailable, match="over 1000 bytes"):
        ask(result("0x" + "00" * 1_000))


def test_request_error_object_keeps_code_and_bounded_message():
    with pytest.raises(L1RequestRefused) as caught:
        ask(error(-32601, "m" * 10_000))
    assert caught.value.code == -32601
    assert len(caught.value.message) == limits.ERROR_TEXT_CHARACTERS_MAX


def test_request_revert_decodes_reason():
    data = bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + (2).to_bytes(32, "big")
    data += b"no".ljust(32, b"\0")
    with pytest.raises(L1CallReverted) as caught:
        ask(error(3, "execution reverted: no", "0x" + data.hex()))
    assert caught.value.reason == "no"
    assert caught.value.revert_data == data


def test_endpoint_name_hides_path_and_credentials():
    assert endpoint_name("https://user:pw@l1.example:8545/v3/key") == "l1.example:8545"


def client_over(respond):
    def handle(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        value = respond(body["method"], body["params"])
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": body["id"], "result": value})

    rpc = RpcClient("http://l1.example", transport=httpx.MockTransport(handle))
    return L1Client(rpc, chain_id=1)


def test_check_chain_other_chain_raises_wrong_chain():
    client = client_over(lambda method, params: "0x2")
    with pytest.raises(WrongL1Chain, match="serves chain id 2, but chain id 1"):
        asyncio.run(client.check_chain())


def test_header_unknown_block_raises_behind():
    client = client_over(lambda method, params: None)
    with pytest.raises(L1EndpointBehind):
        asyncio.run(client.header(5))
    with pytest.raises(L1EndpointBehind):
        asyncio.run(client.header_by_hash(bytes(32)))


def test_header_changed_field_raises_inconsistent(anvil):
    block = anvil.ask("eth_getBlockByNumber", "latest", False)
    forged = block | {"timestamp": hex(int(block["timestamp"], 16) + 1)}
    client = client_over(lambda method, params: forged)
    with pytest.raises(L1EndpointInconsistent, match="hashes to"):
        asyncio.run(client.header())


def test_header_of_another_height_raises_inconsistent(anvil):
    block = anvil.ask("eth_getBlockByNumber", "latest", False)
    client = client_over(lambda method, params: block)
    with pytest.raises(L1EndpointInconsistent, match="asked for L1 block 9"):
        asyncio.run(client.header(9))


def test_receipt_of_another_transaction_raises_inconsistent(anvil, alice):
    hash = anvil.ask(
        "eth_sendTransaction",
        {"from": "0x" + alice.address.hex(), "to": "0x" + alice.address.hex()},
    )
    # anvil may answer with the hash before the block is there; asking for a new one waits for it.
    anvil.ask("evm_mine")
    receipt = anvil.ask("eth_getTransactionReceipt", hash)
    client = client_over(lambda method, params: receipt)
    with pytest.raises(L1EndpointInconsistent):
        asyncio.run(client.receipt(bytes(32)))
    assert asyncio.run(client.receipt(bytes.fromhex(hash[2:]))).succeeded
