"""Which names and pages a loopback node answers."""

import pytest

from node.rpc.access import AccessPolicy, is_loopback

LOCAL = AccessPolicy()


@pytest.mark.parametrize(
    "host",
    [
        None,
        "localhost",
        "localhost:8545",
        "127.0.0.1:8545",
        "[::1]:8545",
        "10.1.2.3",
        "dev.localhost",
    ],
)
def test_host_local_or_address_is_allowed(host: str | None) -> None:
    assert LOCAL.allows_host(host)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8545", "localhost.evil.example", "", "[::1", "127.0.0.1.nip.io"],
)
def test_host_foreign_name_is_refused(host: str) -> None:
    assert not LOCAL.allows_host(host)
    assert AccessPolicy(checks_host=False).allows_host(host)


def test_host_named_in_the_policy_is_allowed() -> None:
    assert AccessPolicy(hosts=frozenset({"node.example"})).allows_host("node.example:8545")


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "http://localhost:3000",
        "https://127.0.0.1",
        "http://[::1]:5173",
        "chrome-extension://abc",
    ],
)
def test_origin_local_or_extension_is_allowed(origin: str | None) -> None:
    assert LOCAL.allows_origin(origin)


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "http://localhost.evil.example", "file://", "http://[bad"],
)
def test_origin_foreign_is_refused(origin: str) -> None:
    assert not LOCAL.allows_origin(origin)
    assert AccessPolicy(origins=frozenset({"*"})).allows_origin(origin)


def test_origin_of_the_nodes_own_page_is_allowed_by_address_alone() -> None:
    assert LOCAL.allows_origin("http://192.168.1.5:9545", "192.168.1.5:9545")
    assert not LOCAL.allows_origin("http://192.168.1.5:80", "192.168.1.5:9545")
    assert not LOCAL.allows_origin("http://192.168.1.6:9545", "192.168.1.5:9545")
    assert not LOCAL.allows_origin("http://rebound.example:9545", "rebound.example:9545")
    named = AccessPolicy(hosts=frozenset({"node.example"}))
    assert named.allows_origin("https://node.example", "node.example")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
    ]
    + [("192.168.0.1", False), ("example.org", False)],
)
def test_bind_address_is_loopback_or_not(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
