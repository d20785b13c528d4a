"""gossipsub, made to withstand its peers.

The library ends the whole host on one frame that it can't parse, starts a task for each message of
a frame, and keeps some things for ever. Its reading loop is replaced here by one that parses,
counts and limits before the library sees a message, and takes messages one after another, so that a
peer that sends faster than we validate is slowed down by its own connection.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import DecodeError
from libp2p.abc import IHost, INetStream
from libp2p.custom_types import TProtocol
from libp2p.exceptions import ParseError
from libp2p.io.exceptions import IncompleteReadError, IOException, MessageTooLarge
from libp2p.network.connection.exceptions import RawConnError
from libp2p.network.stream.exceptions import StreamError
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import (
    PROTOCOL_ID,
    PROTOCOL_ID_V11,
    PROTOCOL_ID_V12,
    GossipSub,
)
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.utils import maybe_consume_signed_record
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

from node.p2p.buckets import Buckets
from node.p2p.limits import (
    FRAME_BYTES_RATE,
    FRAME_RATE,
    GOSSIP_CONTROL_IDS_MAX,
    GOSSIP_FRAME_BYTES_MAX,
    GOSSIP_HEARTBEAT_SECONDS,
    GOSSIP_MESSAGES_PER_FRAME_MAX,
    GOSSIP_PENDING_MESSAGES_MAX,
    GOSSIP_QUEUE_MESSAGES_MAX,
    GOSSIP_SEEN_SECONDS,
    GOSSIP_SEQUENCE_BYTES_MAX,
    GOSSIP_SUBSCRIPTIONS_PER_FRAME_MAX,
)
from node.p2p.scores import Offence

log = logging.getLogger("tallystick.p2p")

PROTOCOLS: Final[tuple[TProtocol, ...]] = (PROTOCOL_ID_V12, PROTOCOL_ID_V11, PROTOCOL_ID)
"""Newest first; later versions of the library's own making are left out."""

_PEER_ID_BYTES_MAX: Final = 64

Blame = Callable[[str, Offence], None]


class BadFrame(Exception):
    """A frame that no peer that keeps the rules sends."""

    def __init__(self, offence: Offence) -> None:
        super().__init__(offence)
        self.offence = offence


class BoundedGossipSub(GossipSub):
    """The library's router, with the bookkeeping left out that grows without end."""

    def __init__(self) -> None:
        super().__init__(
            protocols=PROTOCOLS,
            degree=6,
            degree_low=4,
            degree_high=12,
            heartbeat_interval=GOSSIP_HEARTBEAT_SECONDS,
            adaptive_gossip_enabled=False,
            spam_protection_enabled=False,
            eclipse_protection_enabled=False,
            max_pending_messages_per_peer=GOSSIP_PENDING_MESSAGES_MAX,
        )

    def _check_equivocation(self, msg: rpc_pb2.Message) -> bool:
        """Blocks have a signature and a watch of their own; the library would keep messages."""
        return True

    async def publish(self, msg_forwarder: ID, pubsub_msg: rpc_pb2.Message) -> None:
        """Pass a message on; let go of the times kept for a feature that is off."""
        await super().publish(msg_forwarder, pubsub_msg)
        self.recent_message_deliveries.clear()


class GuardedPubsub(Pubsub):
    """The library's pubsub with a reading loop of our own."""

    def __init__(
        self, host: IHost, router: GossipSub, topics: frozenset[str], blame: Blame
    ) -> None:
        """`blame` is told of each offence, by the peer's id in text."""
        super().__init__(
            host,
            router,
            seen_ttl=GOSSIP_SEEN_SECONDS,
            max_inbound_rpc_size=GOSSIP_FRAME_BYTES_MAX,
            max_subscriptions_per_rpc=GOSSIP_SUBSCRIPTIONS_PER_FRAME_MAX,
            allowed_topics=topics,
        )
        # Sequence numbers of an earlier run must not come again: peers remember them.
        self.counter = time.time_ns()
        self._topics = topics
        self._blame = blame
        self._frames = Buckets(FRAME_RATE)
        self._frame_bytes = Buckets(FRAME_BYTES_RATE)
        for protocol in PROTOCOLS:
            host.set_stream_handler(protocol, self.stream_handler)

    async def _handle_new_peer(self, peer_id: ID) -> None:
        """Register a peer, with a queue that holds a burst of messages for it."""
        await super()._handle_new_peer(peer_id)
        queue = self.peer_queues.get(peer_id)
        if queue is not None:
            queue._queue.max_size = GOSSIP_QUEUE_MESSAGES_MAX

    async def stream_handler(self, stream: INetStream) -> None:
        """Read a peer's frames until it or we have enough; nothing it sends gets out of here."""
        peer = stream.muxed_conn.peer_id
        try:
            await self.continuously_read_stream(stream)
        except (StreamError, ParseError, IOException, RawConnError) as error:
            log.debug("gossip of %s ended: %r", peer, error)
        except BadFrame as error:
            self._blame(str(peer), error.offence)
        except Exception as error:
            # The supervisor of one peer's stream: the others' must go on.
            log.warning("gossip of %s ended by %r", peer, error)
            self._blame(str(peer), Offence.MALFORMED)
        await self._end(stream, peer)

    async def _end(self, stream: INetStream, peer: ID) -> None:
        try:
            await stream.reset()
            self._handle_dead_peer(peer)
        except Exception as error:
            # As above: whatever state the stream is in, only this peer is concerned.
            log.debug("gossip of %s didn't end well: %r", peer, error)

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """Take frame after frame. Raises `BadFrame`, and what reading a stream does."""
        peer = stream.muxed_conn.peer_id
        while self.manager.is_running:
            try:
                frame = await read_varint_prefixed_bytes_limited(stream, GOSSIP_FRAME_BYTES_MAX)
            except MessageTooLarge:
                raise BadFrame(Offence.OVERSIZE) from None
            except (IncompleteReadError, IOException):
                return
            if not self._may_send(str(peer), len(frame)):
                self._blame(str(peer), Offence.RATE)
                continue
            await self._take(self._parsed(frame), peer)

    def _may_send(self, peer: str, size: int) -> bool:
        now = time.monotonic()
        return self._frames.take(peer, now) and self._frame_bytes.take(peer, now, size)

    def _parsed(self, frame: bytes) -> rpc_pb2.RPC:
        rpc = rpc_pb2.RPC()
        try:
            rpc.ParseFromString(frame)
        except DecodeError:
            raise BadFrame(Offence.MALFORMED) from None
        if len(rpc.publish) > GOSSIP_MESSAGES_PER_FRAME_MAX:
            raise BadFrame(Offence.OVERSIZE)
        if len(rpc.subscriptions) > GOSSIP_SUBSCRIPTIONS_PER_FRAME_MAX:
            raise BadFrame(Offence.OVERSIZE)
        if _control_ids(rpc.control) > GOSSIP_CONTROL_IDS_MAX:
            raise BadFrame(Offence.OVERSIZE)
        return rpc

    async def _take(self, rpc: rpc_pb2.RPC, peer: ID) -> None:
        if not maybe_consume_signed_record(rpc, self.host, peer):
            raise BadFrame(Offence.FORGED)
        for subscription in rpc.subscriptions:
            self.handle_subscription(peer, subscription)
        for message in rpc.publish:
            self._check(message, peer)
            await self.push_msg(peer, message)
        if rpc.HasField("control"):
            await self.router.handle_rpc(rpc, peer)

    def _check(self, message: rpc_pb2.Message, peer: ID) -> None:
        """What must hold of a message before the library keeps its id anywhere."""
        if len(message.from_id) > _PEER_ID_BYTES_MAX:
            raise BadFrame(Offence.MALFORMED)
        if len(message.seqno) > GOSSIP_SEQUENCE_BYTES_MAX:
            raise BadFrame(Offence.MALFORMED)
        if len(message.topicIDs) != 1:
            raise BadFrame(Offence.MALFORMED)
        if message.topicIDs[0] not in self._topics:
            raise BadFrame(Offence.TOPIC)


def _control_ids(control: Any) -> int:
    """How much a control message asks to be looked at."""
    lists = (*control.ihave, *control.iwant, *control.idontwant)
    return len(control.graft) + len(control.prune) + sum(1 + len(one.messageIDs) for one in lists)
