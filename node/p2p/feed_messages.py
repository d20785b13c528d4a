"""What is said on a channel: a replica subscribes, and is sent the answer and then the news.

Each message is a msgpack array that begins with its kind. `number` is the subscriber's own name for
a subscription, used once on a channel.
"""

from typing import Final

import msgspec

from node.p2p.errors import InvalidMessage
from node.p2p.limits import FEED_KIND_BYTES_MAX, FEED_OPTIONS_BYTES_MAX
from state.types import UINT64_MAX

FEED_KINDS: Final = frozenset({"book", "trades", "orders"})
"""Subscriptions to what the sequencer alone has; the rest a replica tells from its own chain."""


class FeedMessage(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One message of a channel."""


class Subscribe(FeedMessage, frozen=True, tag="subscribe"):
    """Begin to tell; `options` is a JSON object."""

    number: int
    kind: str
    options: bytes


class Unsubscribe(FeedMessage, frozen=True, tag="unsubscribe"):
    """Tell no more."""

    number: int


class Answered(FeedMessage, frozen=True, tag="answered"):
    """The JSON-RPC response of `trade_subscribe`; news follow unless it is an error."""

    number: int
    response: bytes


class News(FeedMessage, frozen=True, tag="news"):
    """The result of one `trade_subscription` notification, as JSON."""

    number: int
    result: bytes


class Beat(FeedMessage, frozen=True, tag="beat"):
    """Nothing is new, and the way is open."""


_encode = msgspec.msgpack.Encoder().encode
_requests = msgspec.msgpack.Decoder(Subscribe | Unsubscribe)
_news = msgspec.msgpack.Decoder(Answered | News | Beat)


def encode_feed(message: FeedMessage) -> bytes:
    """The bytes of one message of a channel."""
    return _encode(message)


def decode_request(data: bytes) -> Subscribe | Unsubscribe:
    """What a subscriber says. Raises `InvalidMessage`."""
    try:
        request: Subscribe | Unsubscribe = _requests.decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidMessage(f"it can't be read: {error}") from error
    if not 0 <= request.number <= UINT64_MAX:
        raise InvalidMessage("the subscription's number is out of range")
    if isinstance(request, Subscribe):
        if len(request.kind) > FEED_KIND_BYTES_MAX or request.kind not in FEED_KINDS:
            raise InvalidMessage(f"{request.kind[:FEED_KIND_BYTES_MAX]!r} isn't passed on")
        if len(request.options) > FEED_OPTIONS_BYTES_MAX:
            raise InvalidMessage("the options are too long")
    return request


def decode_news(data: bytes) -> Answered | News | Beat:
    """What the teller says. Raises `InvalidMessage`."""
    try:
        news: Answered | News | Beat = _news.decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidMessage(f"it can't be read: {error}") from error
    return news
