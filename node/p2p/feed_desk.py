"""Telling peers what they subscribed to: each has the part of a websocket, on a channel.

At the sequencer the news are its exchange's. A replica tells others only while it is told by the
sequencer itself, so that no two of them can wait for each other.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from node.p2p.buckets import Buckets
from node.p2p.channels import Channel
from node.p2p.errors import ChannelClosed, InvalidMessage, NoWayToSequencer
from node.p2p.feed_messages import (
    Answered,
    Beat,
    News,
    Subscribe,
    decode_request,
    encode_feed,
)
from node.p2p.forwarder import json_call, parse_json
from node.p2p.limits import FEED_BEAT_SECONDS, FEED_REQUEST_RATE, FEEDS_MAX
from node.rpc.dispatch import Session
from node.rpc.errors import LimitExceeded, RpcError, rpc_error
from node.rpc.subscriptions import Subscription, SubscriptionSource

log = logging.getLogger("tallystick.p2p")

Dispatch = Callable[[bytes, Session | None], Awaitable[bytes | None]]


class Seat:
    """One subscription of a peer, to the dispatcher the session of a call."""

    def __init__(self, channel: Channel, number: int) -> None:
        self._channel = channel
        self._number = number
        self.subscription: Subscription | None = None

    def subscribe(self, source: SubscriptionSource, kind: str, options: object) -> str:
        """Make a subscription, stopped. Raises `RpcError`."""
        self.subscription = source.subscription(kind, options, self._notify)
        return self.subscription.id

    def unsubscribe(self, subscription: str) -> bool:
        """Only the peer ends it, by its number."""
        return False

    def _notify(self, subscription: str, result: object) -> None:
        self._channel.send(encode_feed(News(self._number, msgspec.json.encode(result))))


@dataclass(slots=True)
class FeedDesk:
    """Serves the channels that peers open."""

    dispatch: Dispatch
    blame: Callable[[str, InvalidMessage], None]
    overrun: Callable[[str], None]
    """Called with a peer that asks more often than it may."""
    may_serve: Callable[[], bool] = lambda: True
    """Whether the news here come from the sequencer itself."""
    _channels: set[Channel] = field(default_factory=set)
    _rates: Buckets = field(default_factory=lambda: Buckets(FEED_REQUEST_RATE))

    async def serve(self, channel: Channel) -> None:
        """Answer and tell a peer, until it leaves or breaks the rules."""
        seats: dict[int, Seat] = {}
        self._channels.add(channel)
        beating = asyncio.create_task(_beat(channel))
        try:
            while True:
                await self._take(channel, seats, await channel.receive())
        except ChannelClosed as end:
            log.debug("%s is told no more: %s", channel.peer, end)
        except InvalidMessage as error:
            self.blame(channel.peer, error)
        finally:
            beating.cancel()
            for seat in seats.values():
                _stop(seat)
            channel.close()
            self._channels.discard(channel)

    def end_all(self) -> None:
        """Nobody is told anything here any more: let the peers look for another way."""
        for channel in tuple(self._channels):
            channel.close("this replica isn't told by the sequencer any more")

    async def _take(self, channel: Channel, seats: dict[int, Seat], message: bytes) -> None:
        request = decode_request(message)
        is_slow_enough = self._rates.take(channel.peer, asyncio.get_running_loop().time())
        if not is_slow_enough:
            self.overrun(channel.peer)
        if not isinstance(request, Subscribe):
            seat = seats.pop(request.number, None)
            if seat is not None:
                _stop(seat)
            return
        if request.number in seats:
            raise InvalidMessage(f"subscription {request.number} is there already")
        seat = Seat(channel, request.number)
        refusal = self._refusal(len(seats), is_slow_enough)
        response = refusal or await self._response(request, seat)
        channel.send(encode_feed(Answered(request.number, response)))
        if seat.subscription is not None and not channel.is_closed:
            seats[request.number] = seat
            seat.subscription.start()

    def _refusal(self, count: int, is_slow_enough: bool) -> bytes | None:
        if not self.may_serve():
            return _failure(rpc_error(NoWayToSequencer()))
        if count >= FEEDS_MAX:
            return _failure(LimitExceeded(f"at most {FEEDS_MAX} subscriptions of one peer"))
        if not is_slow_enough:
            return _failure(LimitExceeded("too many subscriptions made and ended"))
        return None

    async def _response(self, request: Subscribe, seat: Seat) -> bytes:
        options = parse_json(request.options, dict[str, Any])
        call = json_call("trade_subscribe", [request.kind, options])
        return await self.dispatch(call, seat) or b""


def _stop(seat: Seat) -> None:
    if seat.subscription is not None:
        seat.subscription.stop()


def _failure(error: RpcError) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 0, "error": error.body()})


async def _beat(channel: Channel) -> None:
    beat = encode_feed(Beat())
    while True:
        await asyncio.sleep(FEED_BEAT_SECONDS)
        channel.send(beat)
