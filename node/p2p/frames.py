"""What node and host say to each other: length-prefixed msgpack over the host's standard streams.

    frame = length (4, big-endian) ++ msgpack of one of the structures below

Both ends are ours and of one version; a frame that can't be read means that the other end is
broken, so that the connection ends.
"""

from typing import Final

import msgspec

from node.p2p.errors import MessageTooLarge
from node.p2p.limits import FRAME_BYTES_MAX
from node.p2p.scores import Offence
from node.p2p.topics import Exchange, Topic

LENGTH_BYTES: Final = 4


class Frame(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One message between node and host."""


# From the node to the host


class Configure(Frame, frozen=True):
    """The first frame: all that the host needs to know."""

    chain_id: int
    genesis: bytes
    sequencer: bytes
    """The address that signs blocks."""
    seed: bytes
    """The ed25519 private key of this peer, 32 bytes."""
    listen_host: str
    listen_port: int
    bootnodes: tuple[str, ...]
    known: tuple[str, ...]
    """Peers of an earlier run."""

    def __repr__(self) -> str:
        return f"<Configure chain {self.chain_id}>"


class Publish(Frame, frozen=True):
    """Gossip this."""

    topic: Topic
    data: bytes


class Ask(Frame, frozen=True):
    """Ask a peer; the answer is a `Replied` of the same id."""

    id: int
    peer: str
    exchange: Exchange
    data: bytes


class Answer(Frame, frozen=True):
    """The answer to an `Asked`; None resets the stream."""

    id: int
    data: bytes | None


class Penalize(Frame, frozen=True):
    """A peer's answer was wrong in a way that the host can't see."""

    peer: str
    offence: Offence


class Meet(Frame, frozen=True):
    """Addresses that a peer told of."""

    addresses: tuple[str, ...]


class OpenChannel(Frame, frozen=True):
    """Open a channel to a peer: a stream of bytes both ways. A `ChannelClosed` says if it can't."""

    channel: int
    """Counted up from 1; those that peers opened are counted down from -1."""
    peer: str


class Send(Frame, frozen=True):
    """Bytes for the other end of a channel; let go when that is gone."""

    channel: int
    data: bytes


class CloseChannel(Frame, frozen=True):
    """Nothing more is wanted of a channel."""

    channel: int


class HeadMoved(Frame, frozen=True):
    """The newest block's number: gossip far behind it is stale."""

    number: int


# From the host to the node


class Ready(Frame, frozen=True):
    """The host listens."""

    peer: str
    addresses: tuple[str, ...]


class Gossiped(Frame, frozen=True):
    """A valid message of a topic."""

    topic: Topic
    peer: str
    """Who passed it on, not who made it."""
    data: bytes


class Asked(Frame, frozen=True):
    """A peer asks; the node owes an `Answer` of that id."""

    id: int
    peer: str
    exchange: Exchange
    data: bytes


class Replied(Frame, frozen=True):
    """What came of an `Ask`: an answer, or why there is none."""

    id: int
    data: bytes | None
    failure: str = ""


class ChannelOpened(Frame, frozen=True):
    """A peer opened a channel."""

    channel: int
    peer: str


class Received(Frame, frozen=True):
    """Bytes from the other end of a channel."""

    channel: int
    data: bytes


class ChannelClosed(Frame, frozen=True):
    """A channel is gone, whoever opened it."""

    channel: int
    reason: str


class PeerJoined(Frame, frozen=True):
    """A connection to a peer is there."""

    peer: str


class PeerLeft(Frame, frozen=True):
    """The last connection to a peer is gone."""

    peer: str


class HostStatistics(Frame, frozen=True):
    """Counts since the host started."""

    accepted: dict[str, int]
    """Gossip taken, by topic."""
    ignored: int
    """Gossip that was stale or known."""
    offences: dict[str, int]
    dropped: dict[str, int]
    """What a full queue lost, by queue."""
    refused: int
    """Connections refused: too many of an address, too fast, or too many new names."""
    banned: int
    resident_bytes: int


class Report(Frame, frozen=True):
    """Sent every few seconds."""

    statistics: HostStatistics
    known: tuple[str, ...]
    """Addresses worth keeping for the next start."""


ToHost = (
    Configure
    | Publish
    | Ask
    | Answer
    | Penalize
    | Meet
    | OpenChannel
    | Send
    | CloseChannel
    | HeadMoved
)
FromHost = (
    Ready
    | Gossiped
    | Asked
    | Replied
    | ChannelOpened
    | Received
    | ChannelClosed
    | PeerJoined
    | PeerLeft
    | Report
)

_encoder = msgspec.msgpack.Encoder()
_to_host = msgspec.msgpack.Decoder(ToHost)
_from_host = msgspec.msgpack.Decoder(FromHost)


def encode_frame(frame: Frame) -> bytes:
    """The frame with its length. Raises `MessageTooLarge`."""
    body = _encoder.encode(frame)
    if len(body) > FRAME_BYTES_MAX:
        raise MessageTooLarge(len(body), FRAME_BYTES_MAX)
    return len(body).to_bytes(LENGTH_BYTES) + body


def frame_length(prefix: bytes) -> int:
    """The length of the body that follows. Raises `MessageTooLarge`."""
    length = int.from_bytes(prefix)
    if length > FRAME_BYTES_MAX:
        raise MessageTooLarge(length, FRAME_BYTES_MAX)
    return length


def decode_to_host(body: bytes) -> ToHost:
    """Raises `msgspec.MsgspecError`."""
    frame: ToHost = _to_host.decode(body)
    return frame


def decode_from_host(body: bytes) -> FromHost:
    """Raises `msgspec.MsgspecError`."""
    frame: FromHost = _from_host.decode(body)
    return frame
