"""Clients that ask for too much: each is told so, and nobody else notices.

Every attack names the limits that it runs into. Its node is a process of its own, some of whose
limits are set lower, so that an attack costs the machine of the tests little. What is held is that
the client gets an error, that the node's memory stays as it is, and that an honest client's calls
take no more than twice as long.
"""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
from websockets.exceptions import ConnectionClosed

from node import limits
from node.powers import limits as power_limits
from node.rpc.margin import limits as margin_limits
from node.rpc.trade import limits as trade_limits
from tests.node.rpc.attacked_node import (
    ACCOMPLICE,
    VILLAIN,
    HonestClient,
    Target,
    attacked_node,
    http_post,
    read_to_end,
    request,
    slowdown,
    whole,
)
from tests.node.rpc.limit_tests import INWARD, TESTED_ELSEWHERE

LOWER = {
    "RPC_HEADERS_SECONDS_MAX": 3.0,
    "RPC_BODY_SECONDS_MAX": 3.0,
    "RPC_KEEP_ALIVE_SECONDS": 1,
    "RPC_UNTAKEN_SECONDS_MAX": 3.0,
    "RPC_UNTAKEN_BYTES_MAX": 2 * 2**20,
    "RPC_RESPONSE_BYTES_MAX": 2**20,
    "RPC_PING_SECONDS": 3.0,
    "RPC_CONNECTIONS_MAX": 48,
    "RPC_CONNECTIONS_PER_ADDRESS_MAX": 32,
    "RPC_CALL_GAS_MAX": 2**17,
    "RPC_CALL_SECONDS_MAX": 0.05,
    "RPC_CALLS_WAITING_MAX": 4,
    "RPC_TRACE_STEPS_MAX": 1_000,
    "RPC_TRACE_BYTES_MAX": 20_000,
    "RPC_FILTERS_MAX": 16,
    "RPC_LOG_BLOCKS_MAX": 0,
}
SLOWDOWN_MAX = 2.0
ATTEMPTS_MAX = 6
"""A machine that does something else at the wrong moment is given another try."""
RESIDENT_GROWTH_BYTES_MAX = 96 * 2**20
"""What Python's and the system's allocators may keep of what was freed."""

NOBODY = "0x" + "42" * 20
LOOP = "0x5b5f56"
"""Code that jumps to its own beginning."""

Attack = Callable[[Target], None]
ATTACKS: dict[str, Attack] = {}
HELD: dict[str, str] = {}
"""Which attack runs into a limit."""


def against(*names: str) -> Callable[[Attack], Attack]:
    """An attack on these limits."""

    def register(attack: Attack) -> Attack:
        ATTACKS[attack.__name__] = attack
        HELD.update(dict.fromkeys(names, attack.__name__))
        return attack

    return register


# What is sent


@against("RPC_BODY_BYTES_MAX")
def large_bodies(target: Target) -> None:
    large = b" " * (limits.RPC_BODY_BYTES_MAX + 1)
    assert target.post(large).status_code == 413
    opened = target.websocket()
    with contextlib.suppress(ConnectionClosed):
        opened.send(large)
    with pytest.raises(ConnectionClosed):
        opened.recv()


@against("RPC_BATCH_ITEMS_MAX")
def long_batch(target: Target) -> None:
    answer = target.post([request("eth_chainId")] * (limits.RPC_BATCH_ITEMS_MAX + 1)).json()
    assert "batch too large" in answer["error"]["message"]


@against("RPC_JSON_DEPTH_MAX", "RPC_JSON_CONTAINERS_MAX")
def deep_and_wide_json(target: Target) -> None:
    deep = b"[" * (limits.RPC_JSON_DEPTH_MAX + 1)
    assert "nested deeper" in target.post(deep).json()["error"]["message"]
    wide = b"[" + b"[]," * limits.RPC_JSON_CONTAINERS_MAX + b"[]]"
    assert "arrays and objects" in target.post(wide).json()["error"]["message"]


@against("RPC_HEADERS_SECONDS_MAX")
def slow_headers(target: Target) -> None:
    held = [target.raw() for _ in range(16)]
    for opened in held[8:]:
        opened.sendall(b"POST / HTTP/1.1\r\nhost: localhost\r\nx-slow: ")
    for opened in held:
        assert b"408" in read_to_end(opened)


@against("RPC_HEADER_BYTES_MAX")
def endless_headers(target: Target) -> None:
    opened = target.raw()
    opened.sendall(b"POST / HTTP/1.1\r\nhost: localhost\r\n")
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        for number in range(limits.RPC_HEADER_BYTES_MAX):
            opened.sendall(b"x-%d: %s\r\n" % (number, b"y" * 1_000))
        raise AssertionError("64 MB of headers were taken")


@against("RPC_BODY_SECONDS_MAX")
def slow_bodies(target: Target) -> None:
    held = [target.raw() for _ in range(16)]
    for opened in held:
        opened.sendall(b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
    for opened in held:
        assert b"408" in opened.recv(65_536)


# What is held


@against("RPC_CONNECTIONS_MAX", "RPC_CONNECTIONS_PER_ADDRESS_MAX")
def hoarded_connections(target: Target) -> None:
    mine = [target.raw(VILLAIN) for _ in range(int(LOWER["RPC_CONNECTIONS_PER_ADDRESS_MAX"]) + 1)]
    assert b"connections of one address" in read_to_end(mine[-1])
    theirs = [target.raw(ACCOMPLICE) for _ in range(int(LOWER["RPC_CONNECTIONS_MAX"]))]
    assert b"503 Service Unavailable" in read_to_end(theirs[-1])


@against("RPC_KEEP_ALIVE_SECONDS")
def idle_connection(target: Target) -> None:
    opened = target.raw()
    opened.sendall(http_post(json.dumps(request("eth_chainId")).encode()))
    assert b"0x" in read_to_end(opened)


@against("RPC_UNTAKEN_SECONDS_MAX", "RPC_UNTAKEN_BYTES_MAX", "RPC_UNSENT_MILLISECONDS_MAX")
def answers_that_nobody_takes(target: Target) -> None:
    body = json.dumps([request("eth_getBlockByNumber", "0x0", True)] * 900).encode()
    call = http_post(body)
    held = [target.raw(receive_bytes=4_096) for _ in range(6)]
    for opened in held:
        opened.sendall(call)
    for opened in held:
        _wait_hung_up(opened)


def _wait_hung_up(opened: socket.socket) -> None:
    """Wait until the node has cut a connection, whose answer nobody takes meanwhile."""
    with pytest.raises((ConnectionResetError, BrokenPipeError)):  # noqa: PT012
        for _ in range(600):
            opened.send(b"\r")
            threading.Event().wait(0.1)


@against("RPC_SOCKET_CALLS_MAX")
def calls_without_end_on_one_socket(target: Target) -> None:
    opened = target.websocket()
    count = 20 * limits.RPC_SOCKET_CALLS_MAX
    for _ in range(count):
        opened.send(json.dumps(request("eth_chainId")))
    for _ in range(count):
        assert "result" in json.loads(opened.recv())


@against("RPC_SOCKET_SUBSCRIPTIONS_MAX")
def many_subscriptions(target: Target) -> None:
    opened = target.websocket()
    told = ""
    for _ in range(limits.RPC_SOCKET_SUBSCRIPTIONS_MAX + 1):
        opened.send(json.dumps(request("eth_subscribe", "logs", {"address": NOBODY})))
        told = str(opened.recv())
    assert "subscriptions on one websocket" in told


@against("RPC_PING_SECONDS")
def dead_websocket(target: Target) -> None:
    opened = target.raw()
    opened.sendall(
        b"GET / HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b"keepalive ping timeout" in read_to_end(opened)


@against("RPC_FILTERS_MAX")
def many_filters(target: Target) -> None:
    count = int(LOWER["RPC_FILTERS_MAX"]) + 1
    made = whole(target.post([request("eth_newBlockFilter")] * count).json())
    assert "filter not found" in target.error("eth_getFilterChanges", made[0]["result"])


# What is asked


@against("RPC_RESPONSE_BYTES_MAX")
def large_response(target: Target) -> None:
    answers = whole(target.post([request("eth_getBlockByNumber", "0x0", True)] * 1_000).json())
    assert "response too large" in answers[-1]["error"]["message"]


@against("RPC_LOG_BLOCKS_MAX", "RPC_LOG_ADDRESSES_MAX", "RPC_LOG_TOPICS_MAX")
def wide_log_filters(target: Target) -> None:
    assert "block" in target.error("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x1"})
    addresses = [NOBODY] * (limits.RPC_LOG_ADDRESSES_MAX + 1)
    assert "values where at most" in target.error("eth_getLogs", {"address": addresses})
    topics = ["0x" + "00" * 32] * (limits.RPC_LOG_TOPICS_MAX + 1)
    assert "values where at most" in target.error("eth_getLogs", {"topics": [topics]})


@against("RPC_PROOF_SLOTS_MAX")
def proof_of_many_slots(target: Target) -> None:
    slots = ["0x0"] * (limits.RPC_PROOF_SLOTS_MAX + 1)
    assert str(limits.RPC_PROOF_SLOTS_MAX) in target.error("eth_getProof", NOBODY, slots, "latest")


@against("RPC_FEE_HISTORY_BLOCKS_MAX", "RPC_FEE_HISTORY_PERCENTILES_MAX")
def long_fee_history(target: Target) -> None:
    percentiles = list(range(limits.RPC_FEE_HISTORY_PERCENTILES_MAX + 1))
    assert "percentiles" in target.error("eth_feeHistory", "0x1", "latest", percentiles)
    history = target.post(request("eth_feeHistory", "0xffffff", "latest", [])).json()["result"]
    assert len(history["gasUsedRatio"]) <= limits.RPC_FEE_HISTORY_BLOCKS_MAX


@against("RPC_CALL_GAS_MAX", "RPC_CALL_SECONDS_MAX", "RPC_CALLS_WAITING_MAX")
def calls_that_loop(target: Target) -> None:
    call = ({"to": NOBODY, "gas": "0xffffffff"}, "latest", {NOBODY: {"code": LOOP}})
    post = http_post(json.dumps(request("eth_call", *call)).encode(), b"connection: close\r\n")
    told = b""
    for _ in range(10):
        # Not by clients of Python's, which would take the processor from the honest one.
        held = [target.raw() for _ in range(16)]
        for opened in held:
            opened.sendall(post)
        told += b"".join(map(read_to_end, held))
        target.close()
    assert b"out of gas" in told or b"took longer" in told
    assert b"too many calls" in told


@against("RPC_TRACE_STEPS_MAX", "RPC_TRACE_BYTES_MAX")
def traces_without_end(target: Target) -> None:
    call = {"to": NOBODY, "gas": "0x20000"}
    with_code = {"stateOverrides": {NOBODY: {"code": LOOP}}}
    assert target.error("debug_traceCall", call, "latest", with_code)


@against("RPC_SIMULATED_BLOCKS_MAX", "RPC_SIMULATED_CALLS_MAX")
def simulations_without_end(target: Target) -> None:
    blocks = [{}] * (limits.RPC_SIMULATED_BLOCKS_MAX + 1)
    assert "block" in target.error("eth_simulateV1", {"blockStateCalls": blocks}, "latest")
    calls = [{"calls": [{"to": NOBODY}] * (limits.RPC_SIMULATED_CALLS_MAX + 1)}]
    assert "too many calls" in target.error("eth_simulateV1", {"blockStateCalls": calls}, "latest")


@against("RPC_OVERRIDE_ACCOUNTS_MAX", "RPC_OVERRIDE_SLOTS_MAX")
def large_overrides(target: Target) -> None:
    accounts = {f"0x{n:040x}": {} for n in range(limits.RPC_OVERRIDE_ACCOUNTS_MAX + 1)}
    assert "accounts" in target.error("eth_call", {"to": NOBODY}, "latest", accounts)
    word = "0x" + "00" * 32
    slots = {f"0x{n:064x}": word for n in range(limits.RPC_OVERRIDE_SLOTS_MAX + 1)}
    diff = {NOBODY: {"stateDiff": slots}}
    assert "slots" in target.error("eth_call", {"to": NOBODY}, "latest", diff)


@against("RPC_HISTORY_PAGE_MAX")
def large_page_of_history(target: Target) -> None:
    size = limits.RPC_HISTORY_PAGE_MAX + 1
    assert "a page has" in target.error("ots_searchTransactionsBefore", NOBODY, 0, size)


def foreign_pages(target: Target) -> None:
    """Not a number, but a limit all the same: which pages may call."""
    assert target.post(request("eth_chainId"), host="evil.example").status_code == 403
    assert target.post(request("eth_chainId"), origin="https://evil.example").status_code == 403


ATTACKS["foreign_pages"] = foreign_pages


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with attacked_node(LOWER) as running:
        yield running


@pytest.mark.parametrize("name", list(ATTACKS))
def test_attack_gets_an_error_and_costs_others_nothing(target: Target, name: str) -> None:
    ratios: list[float] = []
    for _ in range(ATTEMPTS_MAX):
        resident = target.resident()
        with contextlib.closing(HonestClient(target.port)) as client, contextlib.closing(target):
            attack = partial(ATTACKS[name], target)
            ratios.append(slowdown(client, attack))
        grown = target.resident() - resident
        if ratios[-1] <= SLOWDOWN_MAX and grown <= RESIDENT_GROWTH_BYTES_MAX:
            return
    raise AssertionError(f"honest calls took {ratios} times as long; {grown} bytes were kept")


# The list of limits


def rpc_limits() -> set[str]:
    """Every limit that a client of JSON-RPC may run into, by its name."""
    own = {name for name in vars(limits) if name.startswith(("RPC_", "CONSOLE_"))}
    modules = {"margin": margin_limits, "powers": power_limits, "trade": trade_limits}
    return own.union(f"{of}.{name}" for of, one in modules.items() for name in _constants(one))


def _constants(module: ModuleType) -> list[str]:
    source = Path(str(module.__file__)).read_text()
    return re.findall(r"^([A-Z][A-Z_]+)\b[^\n]* = ", source, re.MULTILINE)


def test_every_limit_has_an_attack_or_a_test_of_its_own() -> None:
    listed = [*HELD, *TESTED_ELSEWHERE, *INWARD]
    assert len(listed) == len(set(listed)), "a limit is listed twice"
    assert set(listed) == rpc_limits()


@pytest.mark.parametrize("place", sorted(set(TESTED_ELSEWHERE.values())))
def test_test_of_a_limit_is_where_the_list_says(place: str) -> None:
    path, name = place.split("::")
    assert re.search(rf"^(async )?def {name}\(", Path(path).read_text(), re.MULTILINE)


def test_lowered_limits_are_limits() -> None:
    assert LOWER.keys() <= set(vars(limits))
