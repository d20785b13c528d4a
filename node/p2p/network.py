"""A node among its peers: who they are, what is asked of them, what they are told.

It knows nothing of how blocks are executed: a replica or a sequencer hands in what to do with a
block, and how to answer a call.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from execution.errors import InvalidSignature
from execution.transactions import recover
from node.p2p import frames
from node.p2p.blocks import SIGNATURE_BYTES, BlockDomain, SignedBlock, decode_signed_block
from node.p2p.blocks import encode_signed_block as encode_block
from node.p2p.channels import Channel, Channels
from node.p2p.errors import InvalidMessage, PeerUnavailable
from node.p2p.exchanges import (
    Call,
    RangeRequest,
    Status,
    decode_call,
    decode_range,
    decode_range_request,
    decode_status,
    encode,
    encode_call,
    encode_range,
)
from node.p2p.identity import Identity
from node.p2p.limits import (
    KNOWN_PEERS_MAX,
    NODE_TASKS_MAX,
    STATUS_ADDRESSES_MAX,
    STATUS_SECONDS,
)
from node.p2p.link import HostLink
from node.p2p.loops import run_all
from node.p2p.scores import Offence
from node.p2p.settings import ADDRESS_FILE, P2PSettings
from node.p2p.signatures import BlockSigner, peer_digest, stored_block
from node.p2p.topics import Exchange, Topic
from node.p2p.validation import offence_of
from state.errors import Invalid, Unavailable
from state.files import write_atomically
from state.store import ChainStore
from state.types import BlockNumber

log = logging.getLogger("tallystick.p2p")

PEERS_FILE: Final = "p2p-peers.json"
"""Peers worth dialling at the next start."""
_PEERS_FILE_BYTES_MAX: Final = 2 * KNOWN_PEERS_MAX * 256


@dataclass(slots=True)
class Peer:
    """A connected peer, as far as it said what it is."""

    id: str
    head: BlockNumber = BlockNumber(0)
    is_sequencer: bool = False
    failures: int = 0
    """Requests in a row that it didn't answer."""


@dataclass(frozen=True, slots=True)
class NetworkStatistics:
    """For the metrics."""

    peers: int
    sequencers: int
    restarts: int
    dropped: dict[str, int]
    host: frames.HostStatistics | None


BlockTaker = Callable[[SignedBlock], None]
CallAnswerer = Callable[[Call], Awaitable[bytes]]
ChannelServer = Callable[[Channel], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class Network:
    """The node's peers. `run` it; set `take_block` and `answer_call` before."""

    settings: P2PSettings
    data_dir: Path
    domain: BlockDomain
    store: ChainStore
    identity: Identity
    signer: BlockSigner | None = None
    """Only a sequencer has one."""
    take_block: BlockTaker = lambda block: None
    answer_call: CallAnswerer | None = None
    peers: dict[str, Peer] = field(default_factory=dict)
    peer: str = ""
    """Our own id, once the host is up."""
    addresses: tuple[str, ...] = ()
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a peer came, or said something new of itself."""
    serve_channel: ChannelServer | None = None
    _link: HostLink | None = None
    _channels: Channels | None = None
    _host: frames.HostStatistics | None = None
    _known: tuple[str, ...] = ()
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def link(self) -> HostLink:
        if self._link is None:
            self._link = HostLink(self._configure, self._take, self._lose_channels)
        return self._link

    @property
    def channels(self) -> Channels:
        if self._channels is None:
            self._channels = Channels(self.link, self._serve)
        return self._channels

    async def run(self) -> None:
        """Take part until cancelled; the host's troubles don't end it."""
        self._known = read_known(self.data_dir / PEERS_FILE)
        (self.data_dir / ADDRESS_FILE).unlink(missing_ok=True)
        try:
            await run_all(self.link.run(), self._ask_statuses())
        finally:
            await self.channels.stop()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def statistics(self) -> NetworkStatistics:
        """Counts at this moment."""
        return NetworkStatistics(
            peers=len(self.peers),
            sequencers=sum(peer.is_sequencer for peer in self.peers.values()),
            restarts=self.link.restarts,
            dropped=dict(self.link.dropped),
            host=self._host,
        )

    # Telling

    def announce(self, number: BlockNumber) -> None:
        """The head moved: tell the host, and gossip the block if we signed it."""
        self.link.tell(frames.HeadMoved(number))
        if self.signer is not None:
            self._spawn(self._gossip(number))

    async def _gossip(self, number: BlockNumber) -> None:
        block = await asyncio.to_thread(stored_block, self.store, number)
        if block is not None:
            self.link.publish(Topic.BLOCKS, encode_block(block))

    # Asking

    async def range(self, peer: Peer, request: RangeRequest) -> list[SignedBlock]:
        """Signed blocks of a peer. Raises `PeerUnavailable`, also for an answer that is wrong."""
        try:
            answer = await self._ask(peer, Exchange.RANGE, encode(request))
            blocks = decode_range(answer, request, self.domain)
        except InvalidMessage as error:
            self.penalize(peer.id, error)
            raise PeerUnavailable(f"{peer.id} sent a wrong range: {error}") from error
        if not blocks:
            # It has less than it said, until it says so again.
            peer.head = min(peer.head, BlockNumber(request.first - 1))
        return blocks

    async def call(self, peer: Peer, call: Call) -> bytes:
        """Pass a call on; a JSON-RPC response. Raises `PeerUnavailable`."""
        return await self._ask(peer, Exchange.CALL, encode_call(call))

    def gossip_call(self, topic: Topic, call: Call) -> bool:
        """Pass a call on to whom it may concern; False if it had to be dropped."""
        return self.link.publish(topic, encode_call(call))

    def holders(self, number: BlockNumber) -> list[Peer]:
        """Peers that say they have a block, those that answer first."""
        found = [peer for peer in self.peers.values() if peer.head >= number]
        return sorted(found, key=lambda peer: (peer.failures, not peer.is_sequencer))

    async def _ask(self, peer: Peer, exchange: Exchange, data: bytes) -> bytes:
        try:
            answer = await self.link.ask(peer.id, exchange, data)
        except Unavailable:
            peer.failures += 1
            raise
        peer.failures = 0
        return answer

    async def _ask_statuses(self) -> None:
        while True:
            await asyncio.sleep(STATUS_SECONDS)
            for peer in tuple(self.peers.values()):
                self._spawn(self._ask_status(peer))

    async def _ask_status(self, peer: Peer) -> None:
        try:
            answer = await self._ask(peer, Exchange.STATUS, encode(self._status()))
            self._meet(peer, answer)
        except InvalidMessage as error:
            self.penalize(peer.id, error)
        except Unavailable as error:
            log.debug("no status of %s: %s", peer.id, error)

    # What the host says

    async def _take(self, frame: frames.FromHost) -> None:
        match frame:
            case frames.Ready(peer=own, addresses=addresses):
                self._started(own, addresses)
            case frames.Gossiped():
                self._take_gossip(frame)
            case frames.Asked():
                if not self._spawn(self._answer(frame)):
                    self.link.tell(frames.Answer(frame.id, None))
            case frames.ChannelOpened() | frames.Received() | frames.ChannelClosed():
                self.channels.take(frame)
            case frames.PeerJoined(peer=name):
                peer = self.peers[name] = Peer(name)
                self._spawn(self._ask_status(peer))
            case frames.PeerLeft(peer=name):
                self.peers.pop(name, None)
            case frames.Report(statistics=statistics, known=known):
                self._host = statistics
                self._keep(known)

    def _started(self, peer: str, addresses: tuple[str, ...]) -> None:
        self.peer, self.addresses = peer, addresses
        self.peers.clear()
        for address in addresses:
            log.info("peers reach this node at %s", address)
        text = "".join(f"{address}\n" for address in addresses)
        write_atomically(self.data_dir / ADDRESS_FILE, text.encode())

    def _take_gossip(self, frame: frames.Gossiped) -> None:
        """A message that the host found valid; it is read again, since the host is no authority."""
        try:
            if frame.topic is Topic.BLOCKS:
                block = decode_signed_block(frame.data, self.domain)
                peer = self.peers.get(frame.peer)
                if peer is not None:
                    peer.head = max(peer.head, block.number)
                self.take_block(block)
            elif self.signer is not None:
                self._spawn(self._take_call(decode_call(frame.data)))
        except InvalidMessage as error:
            self.penalize(frame.peer, error)

    async def _take_call(self, call: Call) -> None:
        """A gossiped call: done for its effect, since there is nobody to answer to."""
        if self.answer_call is not None:
            try:
                await self.answer_call(call)
            except (Invalid, Unavailable) as error:
                log.debug("a gossiped %s came to nothing: %s", call.method, error)

    async def _answer(self, asked: frames.Asked) -> None:
        """Answer a peer, or let it know by silence that there is no answer."""
        answer = None
        try:
            answer = await self._answered(asked)
        except InvalidMessage as error:
            self.penalize(asked.peer, error)
        except (Invalid, Unavailable) as error:
            log.debug("no answer to %s of %s: %s", asked.exchange, asked.peer, error)
        self.link.tell(frames.Answer(asked.id, answer))

    async def _answered(self, asked: frames.Asked) -> bytes | None:
        if asked.exchange is Exchange.STATUS:
            peer = self.peers.get(asked.peer)
            if peer is not None:
                self._meet(peer, asked.data)
            return encode(self._status())
        if asked.exchange is Exchange.RANGE:
            request = decode_range_request(asked.data)
            return await asyncio.to_thread(stored_range, self.store, request)
        if self.answer_call is None:
            return None
        return await self.answer_call(decode_call(asked.data))

    def _serve(self, channel: Channel) -> None:
        """A peer opened a channel."""
        if self.serve_channel is None or not self._spawn(self.serve_channel(channel)):
            channel.close()

    def _lose_channels(self) -> None:
        self.channels.lose_all("the p2p host stopped")

    def _meet(self, peer: Peer, data: bytes) -> None:
        """Learn from a peer's status. Raises `InvalidMessage`."""
        status = decode_status(data)
        peer.head = BlockNumber(status.head)
        if status.proof and not peer.is_sequencer:
            peer.is_sequencer = _is_proof(self.domain, peer.id, status.proof)
            if not peer.is_sequencer:
                raise InvalidMessage("it says that it is the sequencer, and isn't")
        if status.addresses:
            self.link.tell(frames.Meet(status.addresses))
        self.changed.set()

    # State

    def _status(self) -> Status:
        proof = self.signer.prove(self.peer) if self.signer is not None else b""
        addresses = (*self.addresses, *self._known)[:STATUS_ADDRESSES_MAX]
        return Status(self.store.heads.unsafe.number, proof, addresses)

    def _configure(self) -> frames.Configure:
        return frames.Configure(
            chain_id=self.domain.chain_id,
            genesis=self.domain.genesis,
            sequencer=self.domain.sequencer,
            seed=self.identity.seed,
            listen_host=self.settings.host,
            listen_port=self.settings.port,
            bootnodes=self.settings.bootnodes,
            known=self._known,
        )

    def _keep(self, known: tuple[str, ...]) -> None:
        if set(known) != set(self._known):
            self._known = known
            path = self.data_dir / PEERS_FILE
            write_atomically(path, json.dumps(known, indent=2).encode() + b"\n")

    def penalize(self, peer: str, error: InvalidMessage) -> None:
        """A peer broke the rules in a way that the host can't see."""
        log.debug("%s broke the rules: %s", peer, error)
        self.link.tell(frames.Penalize(peer, offence_of(error)))

    def penalize_rate(self, peer: str) -> None:
        """A peer sends more than it may."""
        self.link.tell(frames.Penalize(peer, Offence.RATE))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> bool:
        """Do something beside the rest; False, and nothing done, while there is too much to do."""
        if len(self._tasks) >= NODE_TASKS_MAX:
            work.close()
            return False
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return True

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("among peers: %r", error, exc_info=error)


def stored_range(store: ChainStore, request: RangeRequest) -> bytes:
    """The answer to a range request: signed blocks from the first on, up to one that is missing."""
    found = []
    for number in range(request.first, request.first + request.count):
        block = stored_block(store, BlockNumber(number))
        if block is None:
            break
        found.append(encode_block(block))
    return encode_range(found)


def read_known(path: Path) -> tuple[str, ...]:
    """Peers of an earlier run. A file that can't be read is no reason not to start."""
    try:
        if path.stat().st_size > _PEERS_FILE_BYTES_MAX:
            return ()
        known = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return ()
    if not isinstance(known, list):
        return ()
    return tuple(one for one in known if isinstance(one, str))[:KNOWN_PEERS_MAX]


def _is_proof(domain: BlockDomain, peer: str, proof: bytes) -> bool:
    if len(proof) != SIGNATURE_BYTES:
        return False
    r, s = (int.from_bytes(proof[at : at + 32]) for at in (0, 32))
    try:
        return recover(peer_digest(domain, peer), proof[64], r, s) == domain.sequencer
    except InvalidSignature:
        return False
