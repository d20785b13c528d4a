"""Every method of every namespace, asked for what nobody should: never is the node at fault.

A wrong argument is error -32602 or the method's own; -32603 would say that the node broke.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from node.rpc.codec import parse_hash
from state.types import Address, Wei
from tests.execution.contracts.desk import usd
from tests.execution.contracts.house import USD
from tests.node.rpc.harness import counter_creation, move, sign
from tests.node.rpc.hostile_arguments import BROKEN, COUNTER, MAKER, honest, hostile, refusal, taken
from tests.node.rpc.margin_chain import RecordedDesk
from tests.node.rpc.marked import marked_methods
from tests.node.rpc.trade.venue import Venue, open_venue

METHODS = marked_methods()


@pytest.mark.parametrize("name", sorted(name for name in METHODS if METHODS[name]))
def test_parser_of_every_parameter_refuses_what_it_does_not_take(name: str) -> None:
    for position, param in enumerate(METHODS[name]):
        for value in hostile(param):
            assert refusal(param, value) != BROKEN["code"], (position, value)


class Client:
    """Asks over a websocket, where subscriptions can be had as well."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def error(self, name: str, params: list[Any]) -> dict[str, Any]:
        """The error of a call that fails."""
        return self.answer(name, params)["error"]

    def answer(self, name: str, params: list[Any]) -> dict[str, Any]:
        """The whole response to a call; what is pushed is passed over."""
        request = {"jsonrpc": "2.0", "id": 1, "method": name, "params": params}
        self._connection.send(json.dumps(request))
        while True:
            answer = json.loads(self._connection.recv(60))
            if "id" in answer:
                return answer


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    """An L2 with a clearing house, an exchange, and a contract that was moved."""
    desk = RecordedDesk()
    desk.trader(1, 100_000 * USD)
    desk.report(0, usd(60_000))
    with open_venue(chain=desk.replay()) as opened:
        maker = {"sender": MAKER, "value": Wei(0)}
        creation = sign(opened.node, 0, to=None, data=counter_creation(), **maker)
        moving = sign(opened.node, 1, to=Address(bytes.fromhex(COUNTER[2:])), data=move(1), **maker)
        for raw in (creation, moving):
            opened.node.call("eth_sendRawTransaction", raw)
        yield opened


@pytest.fixture
def client(venue: Venue) -> Iterator[Client]:
    with connect(venue.node.ws_url, max_size=None) as connection:
        yield Client(connection)


Known = dict[tuple[str, int], Any]
"""Arguments that only this chain makes good ones, by method and position."""


def usual(name: str, known: Known) -> list[Any]:
    return [known.get((name, at), honest(param)) for at, param in enumerate(METHODS[name])]


@pytest.fixture
def known(venue: Venue) -> Known:
    node = venue.node
    head = node.call("eth_getBlockByNumber", "latest", False)
    found: Known = {
        ("eth_sendRawTransaction", 0): sign(node, 2, sender=MAKER),
        ("eth_sendRawTransactionSync", 0): sign(node, 3, sender=MAKER),
        ("eth_subscribe", 0): "logs",
        ("trade_subscribe", 0): "book",
        ("trade_subscribe", 1): {"market": 0, "depth": 5},
    }
    for name in ("eth_getFilterChanges", "eth_getFilterLogs", "eth_uninstallFilter"):
        found[name, 0] = node.call("eth_newFilter", {})
    for name in node.methods:
        if METHODS[name] and METHODS[name][0].parse is parse_hash:
            of_block = "Block" in name or "Header" in name or "Uncle" in name
            found[name, 0] = head["hash"] if of_block else head["transactions"][-1]
    return found


def test_every_method_counts_its_arguments(venue: Venue, client: Client) -> None:
    for name in sorted(venue.node.methods):
        params = METHODS[name]
        most = [honest(param) for param in params]
        least = [honest(param) for param in params if param.is_required]
        error = client.error(name, [*most, None])
        assert (error["code"], "too many arguments" in error["message"]) == (-32602, True), name
        if least:
            error = client.error(name, least[:-1])
            assert (error["code"], "missing value" in error["message"]) == (-32602, True), name


def test_no_method_breaks_on_what_its_parser_takes(
    venue: Venue, client: Client, known: Known
) -> None:
    broken = []
    for name in sorted(venue.node.methods):
        for params in taken(METHODS[name], usual(name, known)):
            answer = client.answer(name, params)
            if answer.get("error") == BROKEN:
                broken.append(f"{name} {params!r:.300}")
            if name.endswith("_subscribe") and "result" in answer:
                client.answer(name.replace("_sub", "_unsub"), [answer["result"]])
    assert broken == []
