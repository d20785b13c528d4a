"""Clients that we did not write, against a chain in this process.

Against a running chain: TALLYSTICK_RPC_URL=http://127.0.0.1:9545 python -m pytest tests/clients
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest

from tests.clients.scenario import CLIENTS, WITHOUT_WEBSOCKET, expected, run
from tests.node.rpc.harness import L2_CONFIG, open_chain, running_node


class Endpoint(NamedTuple):
    url: str
    ws_url: str


@pytest.fixture(scope="module", params=["l1", "l2"])
def endpoint(request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    given = os.environ.get("TALLYSTICK_RPC_URL")
    if given:
        if request.param == "l2":
            pytest.skip("one given URL is one chain")
        yield Endpoint(given, given.replace("http", "ws", 1))
        return
    chain = open_chain() if request.param == "l1" else open_chain(L2_CONFIG)
    with running_node(chain) as node:
        yield Endpoint(node.url, node.ws_url)


@pytest.mark.parametrize("client", CLIENTS)
def test_client_connects_sends_deploys_calls_and_reads_logs(
    client: str, endpoint: Endpoint
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    chain_id = int(httpx.post(endpoint.url, json=body).json()["result"], 16)
    seen = run(client, endpoint.url, endpoint.ws_url)
    assert seen == expected(chain_id, pushed=client not in WITHOUT_WEBSOCKET)
