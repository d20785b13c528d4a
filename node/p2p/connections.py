"""The library's host with bounded connections: how many, from where, and what each may hold."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, cast

import trio
from libp2p import new_host
from libp2p.abc import IHost, INetConn, INetStream
from libp2p.crypto.ed25519 import Ed25519PrivateKey
from libp2p.crypto.keys import KeyPair
from libp2p.custom_types import TProtocol
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.network.swarm import Swarm
from libp2p.stream_muxer.yamux import yamux
from multiaddr import Multiaddr

from node.p2p.gate import AddressGate, address_group
from node.p2p.limits import (
    NEGOTIATION_SECONDS_MAX,
    PEERS_MAX,
    PEERS_WANTED,
    STREAM_BACKLOG_MAX,
    STREAM_WINDOW_BYTES_MAX,
    UPGRADE_SECONDS_MAX,
)

StreamHandler = Callable[[INetStream], Awaitable[None]]


class BoundedYamux(yamux.Yamux):
    """The multiplexer with fewer open streams, so that a peer can't fill our memory."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.stream_backlog_limit = STREAM_BACKLOG_MAX
        self.stream_backlog_semaphore = trio.Semaphore(STREAM_BACKLOG_MAX)


class _ClosingConnection:
    """A raw connection that says when it is closed."""

    def __init__(self, inner: Any, closed: Callable[[], None]) -> None:
        self._inner = inner
        self._closed = closed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def close(self) -> None:
        try:
            await self._inner.close()
        finally:
            self._closed()


def bounded_host(seed: bytes, now: Callable[[], float]) -> tuple[IHost, AddressGate]:
    """A host of this key that takes no more than the limits say, and its gate."""
    yamux.MAX_WINDOW_SIZE = STREAM_WINDOW_BYTES_MAX
    private = Ed25519PrivateKey.from_bytes(seed)
    host = new_host(
        key_pair=KeyPair(private, private.get_public_key()),
        muxer_opt={TProtocol(yamux.PROTOCOL_ID): BoundedYamux},
        negotiate_timeout=NEGOTIATION_SECONDS_MAX,
        connection_config=ConnectionConfig(
            max_connections=PEERS_MAX,
            min_connections=0,
            low_watermark=0,
            high_watermark=PEERS_MAX,
            max_connections_per_peer=2,
            inbound_upgrade_timeout=UPGRADE_SECONDS_MAX,
            outbound_upgrade_timeout=UPGRADE_SECONDS_MAX,
            inbound_stream_protocol_negotiation_timeout=NEGOTIATION_SECONDS_MAX,
            outbound_stream_protocol_negotiation_timeout=NEGOTIATION_SECONDS_MAX,
        ),
        disable_identify_address_discovery=True,
    )
    swarm = cast(Swarm, host.get_network())
    gate = AddressGate(lambda: connected_addresses(swarm), now)
    _bound(swarm, gate)
    return host, gate


def _bound(swarm: Swarm, gate: AddressGate) -> None:
    """Put our own limits in the place of the library's."""
    # It counts what it never gives back; the limits here are ours.
    swarm.set_resource_manager(None)
    # Redialling is ours too.
    swarm.retry_config = RetryConfig(max_retries=0)
    swarm.connection_gate = gate
    # Room is left for connections that we make, however many come in.
    swarm._inbound_limiter = trio.CapacityLimiter(PEERS_MAX - PEERS_WANTED)
    take = swarm._handle_inbound_connection

    async def take_until_closed(connection: Any, address: Multiaddr) -> None:
        """Without this a closed connection would keep its task and its place for ever."""
        with trio.CancelScope() as scope:
            await take(cast(Any, _ClosingConnection(connection, scope.cancel)), address)

    swarm._handle_inbound_connection = take_until_closed  # type: ignore[method-assign,assignment]


def connected_addresses(swarm: Swarm) -> Counter[str]:
    """How many connections there are from each IP address."""
    return Counter(
        address
        for connection in swarm.get_connections()
        if (address := remote_address(connection)) is not None
    )


def remote_address(connection: INetConn) -> str | None:
    """Where a connection comes from, or leads to; None when it is gone already."""
    remote = getattr(connection.muxed_conn, "get_remote_address", lambda: None)()
    return None if remote is None else address_group(remote[0])
