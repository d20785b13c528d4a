"""Passing calls on to the sequencer, and answering those of others.

A replica serves reads from its own chain; what changes the chain, and the order book, is the
sequencer's to answer, so that its errors reach the client as if it had called the sequencer. Each
write that is passed on is signed by its user: one that arrives twice is done once.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from node.p2p.errors import InvalidMessage, NoWayToSequencer, PeerUnavailable
from node.p2p.exchanges import FORWARDED_METHODS, HOPS_MAX, TOPIC_METHODS, Call
from node.p2p.limits import FORWARD_TRIES_MAX
from node.p2p.network import Network, Peer
from node.rpc.codec import data
from node.rpc.dispatch import check_depth
from node.rpc.errors import MethodNotFound, ParseError, RpcError
from state.errors import Unavailable
from state.keccak import keccak
from state.types import Hash32

T = TypeVar("T")


class ForwardUnanswered(Unavailable):
    """The call was gossiped, since no peer leads to the sequencer; nobody says what came of it."""

    def __init__(self, method: str) -> None:
        super().__init__(
            f"{method} was passed on by gossip, and what came of it isn't known: ask for the"
            " receipt or the order, and send it again if there is none"
        )


class ForwardedError(RpcError):
    """An error of the sequencer's, passed on as it came."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message, data)
        self.forwarded_code = code

    def body(self) -> dict[str, object]:
        """The JSON-RPC error object, with the sequencer's code."""
        return {**super().body(), "code": self.forwarded_code}


class _Error(msgspec.Struct):
    code: int
    message: str
    data: Any = None


class _Response(msgspec.Struct):
    result: Any = None
    error: _Error | None = None


@dataclass(frozen=True, slots=True)
class Forwarder:
    """A replica's way to the sequencer."""

    network: Network

    async def call(self, method: str, params: Sequence[object]) -> object:
        """Call a method on the sequencer; its result.

        Raises `ForwardedError` with the sequencer's own code, message and data,
        `NoWayToSequencer`, `ForwardUnanswered`, or `MethodNotFound` for one that isn't passed on.
        """
        if method not in FORWARDED_METHODS:
            raise MethodNotFound(method)
        response = await self.relay(Call(method, msgspec.json.encode(params)))
        return result_of(response)

    async def submit(self, raw: bytes) -> Hash32:
        """Send a signed transaction; its hash. Raises as `call` does."""
        result = await self.call("eth_sendRawTransaction", [data(raw)])
        name = keccak(raw)
        if result != data(name):
            # A replica on the way may say what it likes; the hash at least must be right.
            raise PeerUnavailable("the answer isn't the transaction's hash: send it again")
        return name

    async def relay(self, call: Call) -> bytes:
        """The sequencer's JSON-RPC response, by the peers that lead to it. Raises as `call`."""
        for peer in self._ways(call)[:FORWARD_TRIES_MAX]:
            try:
                return await self.network.call(peer, call)
            except Unavailable:
                continue
        for topic, methods in TOPIC_METHODS.items():
            # What was passed on before may be going round in circles.
            is_ours = call.method in methods and call.hops == 0
            if is_ours and self.network.peers and self.network.gossip_call(topic, call):
                raise ForwardUnanswered(call.method)
        raise NoWayToSequencer

    async def answer(self, call: Call) -> bytes:
        """Pass on what another replica asks for. Raises as `call` does."""
        if call.hops >= HOPS_MAX:
            raise InvalidMessage("it was passed on too often")
        return await self.relay(msgspec.structs.replace(call, hops=call.hops + 1))

    def _ways(self, call: Call) -> list[Peer]:
        """The sequencer, or peers that may be nearer to it."""
        peers = self.network.peers.values()
        ways = [peer for peer in peers if peer.is_sequencer]
        if not ways and call.hops < HOPS_MAX:
            ways = [peer for peer in peers if peer.head > 0]
        return sorted(ways, key=lambda peer: peer.failures)


@dataclass(frozen=True, slots=True)
class CallDesk:
    """The sequencer's end: calls of peers go to the same dispatcher as those of clients."""

    dispatch: Callable[[bytes], Awaitable[bytes | None]]

    async def answer(self, call: Call) -> bytes:
        """The JSON-RPC response to a call. Raises `InvalidMessage` for parameters that are none."""
        params = parse_json(call.params, list[Any])
        return await self.dispatch(json_call(call.method, params)) or b""


def parse_json(text: bytes, kind: type[T]) -> T:
    """JSON that a peer sent, of that kind. Raises `InvalidMessage`."""
    try:
        check_depth(text)
        return msgspec.json.decode(text, type=kind)
    except (ParseError, msgspec.MsgspecError, RecursionError) as error:
        raise InvalidMessage(f"it isn't the JSON that belongs there: {error}") from error


def json_call(method: str, params: Sequence[object]) -> bytes:
    """A JSON-RPC request, put together from parsed parts: none can bring in another method."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 0, "method": method, "params": params})


def result_of(response: bytes) -> object:
    """The result in a JSON-RPC response. Raises `ForwardedError`, or `PeerUnavailable`."""
    try:
        parsed = parse_json(response, _Response)
    except InvalidMessage as error:
        raise PeerUnavailable("the sequencer's answer can't be read") from error
    if parsed.error is not None:
        raise ForwardedError(parsed.error.code, parsed.error.message, parsed.error.data)
    return parsed.result
