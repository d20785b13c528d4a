"""Request-response streams of the host: asked by the node, or by peers and answered by the node."""

import logging
import time
from collections.abc import Callable

import trio
from libp2p.abc import IHost, INetStream
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.request_response import (
    BytesCodec,
    RequestContext,
    RequestResponse,
    RequestResponseConfig,
    RequestResponseError,
)
from libp2p.request_response.exceptions import (
    MessageTooLargeError,
    RequestTimeoutError,
)

from node.p2p import frames
from node.p2p.buckets import Buckets
from node.p2p.exchanges import REQUEST_BYTES_MAX, RESPONSE_BYTES_MAX
from node.p2p.limits import (
    CALL_RATE,
    FORWARD_SECONDS_MAX,
    RANGE_RATE,
    REQUEST_SECONDS_MAX,
    REQUESTS_SERVED_MAX,
    STATUS_RATE,
)
from node.p2p.outbox import Outbox
from node.p2p.scores import Offence
from node.p2p.topics import ChainNames, Exchange

log = logging.getLogger("tallystick.p2p")

_CODEC = BytesCodec()

_RATES = {
    Exchange.STATUS: STATUS_RATE,
    Exchange.RANGE: RANGE_RATE,
    Exchange.CALL: CALL_RATE,
}


class NotAnswered(RequestResponseError):
    """The node has no answer, or the peer asks too often: the stream is reset."""


class _Library(RequestResponse):
    """The library's streams; a message above its limit is blamed on whoever sent it."""

    def __init__(self, host: IHost, blame: Callable[[str, Offence], None]) -> None:
        super().__init__(host)
        self._blame = blame

    async def _read_message(self, stream: INetStream, max_msg_size: int) -> bytes:
        try:
            return await super()._read_message(stream, max_msg_size)
        except MessageTooLargeError:
            self._blame(str(stream.muxed_conn.peer_id), Offence.OVERSIZE)
            raise


class Requests:
    """Passes requests between peers and the node, under limits of size, rate and number."""

    def __init__(
        self,
        host: IHost,
        names: ChainNames,
        outbox: Outbox,
        blame: Callable[[str, Offence], None],
    ) -> None:
        self._names = names
        self._outbox = outbox
        self._blame = blame
        self._library = _Library(host, blame)
        self._next = 0
        self._waiting: dict[int, trio.MemorySendChannel[bytes | None]] = {}
        for exchange in Exchange:
            self._serve(exchange, Buckets(_RATES[exchange]))

    async def ask(self, frame: frames.Ask, peer: ID | None) -> None:
        """Ask a peer for the node; the node gets a `Replied` in any case."""
        if peer is None:
            await self._outbox.put(frames.Replied(frame.id, None, "not connected"))
            return
        try:
            data = await self._library.send_request(
                peer,
                [TProtocol(self._names.protocol(frame.exchange))],
                frame.data,
                _CODEC,
                _config(frame.exchange),
            )
        except RequestResponseError as error:
            if isinstance(error, RequestTimeoutError):
                self._blame(frame.peer, Offence.SILENT)
            await self._outbox.put(frames.Replied(frame.id, None, str(error)))
        else:
            await self._outbox.put(frames.Replied(frame.id, data))

    def answer(self, request: int, data: bytes | None) -> None:
        """The node's answer; one that comes too late is let go."""
        waiting = self._waiting.pop(request, None)
        if waiting is not None:
            waiting.send_nowait(data)

    def _serve(self, exchange: Exchange, rates: Buckets) -> None:
        async def handle(data: bytes, context: RequestContext) -> bytes:
            peer = str(context.peer_id)
            if not rates.take(peer, time.monotonic()):
                self._blame(peer, Offence.RATE)
                raise NotAnswered("too many requests")
            return await self._through_node(exchange, peer, data)

        protocol = TProtocol(self._names.protocol(exchange))
        self._library.set_handler(protocol, handle, _CODEC, _config(exchange))

    async def _through_node(self, exchange: Exchange, peer: str, data: bytes) -> bytes:
        """Ask our own node. The time for it is the stream's."""
        request, self._next = self._next, self._next + 1
        send, receive = trio.open_memory_channel[bytes | None](1)
        self._waiting[request] = send
        try:
            await self._outbox.put(frames.Asked(request, peer, exchange, data))
            answer = await receive.receive()
        finally:
            self._waiting.pop(request, None)
        if answer is None:
            raise NotAnswered("no answer")
        return answer


def _config(exchange: Exchange) -> RequestResponseConfig:
    is_call = exchange is Exchange.CALL
    return RequestResponseConfig(
        timeout=FORWARD_SECONDS_MAX if is_call else REQUEST_SECONDS_MAX,
        max_request_size=REQUEST_BYTES_MAX[exchange],
        max_response_size=RESPONSE_BYTES_MAX[exchange],
        max_concurrent_inbound=REQUESTS_SERVED_MAX,
    )
