"""A replica's subscriptions at the sequencer: each is made once, however many clients share it.

They all go over one channel, to the sequencer or, where that isn't a peer, to a replica that is
told by the sequencer itself. When the way is lost clients hear of it at once, another one is looked
for, and the news begin anew: a book with a fresh snapshot.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from node.p2p.buckets import Buckets
from node.p2p.channels import Channel
from node.p2p.errors import ChannelClosed, InvalidMessage, NoWayToSequencer, PeerUnavailable
from node.p2p.feed_messages import (
    Answered,
    Beat,
    News,
    Subscribe,
    Unsubscribe,
    decode_news,
    encode_feed,
)
from node.p2p.forwarder import ForwardedError, result_of
from node.p2p.limits import (
    FEED_IDLE_SECONDS,
    FEED_NEWS_RATE,
    FEED_OPEN_SECONDS_MAX,
    FEED_RETRY_SECONDS,
    FEED_RETRY_SECONDS_MAX,
    FEED_SILENCE_SECONDS_MAX,
    FEEDS_MAX,
)
from node.p2p.loops import run_all
from node.p2p.network import Network, Peer
from node.p2p.remote_feed import FeedKey, RemoteFeed
from node.rpc.errors import LimitExceeded, ResourceUnavailable

log = logging.getLogger("tallystick.p2p")


@dataclass(slots=True)
class _Way:
    """The channel that all subscriptions go over at the moment."""

    peer: Peer
    channel: Channel
    feeds: dict[int, RemoteFeed] = field(default_factory=dict)
    numbers: dict[FeedKey, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Failed:
    """A peer that was no way, and until when it is left alone."""

    wait: float = FEED_RETRY_SECONDS
    until: float = 0.0


@dataclass(slots=True)
class Feeds:
    """Keeps what clients want subscribed. `run` it."""

    network: Network
    on_indirect: Callable[[], None] = lambda: None
    """Called when this replica isn't told by the sequencer itself any more."""
    _feeds: dict[FeedKey, RemoteFeed] = field(default_factory=dict)
    _way: _Way | None = None
    _failed: dict[str, _Failed] = field(default_factory=dict)
    _rates: Buckets = field(default_factory=lambda: Buckets(FEED_NEWS_RATE))
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def __len__(self) -> int:
        """How many different subscriptions there are."""
        return len(self._feeds)

    def is_direct(self) -> bool:
        """Whether news here come from the sequencer itself, or would."""
        peer = self._way.peer if self._way is not None else self._choose()
        return peer is not None and peer.is_sequencer

    async def open(self, kind: str, options: object) -> RemoteFeed:
        """The feed of that kind, once the sequencer has taken the subscription.

        Raises `ForwardedError` as the sequencer does, `NoWayToSequencer`, `InvalidParams` or
        `LimitExceeded`.
        """
        key = FeedKey.of(kind, options)
        feed = self._feeds.get(key)
        if feed is not None and feed.is_live:
            return feed
        if self._way is None and self._choose() is None:
            raise NoWayToSequencer
        if feed is None:
            self._make_room()
            feed = RemoteFeed(key, self._want, self._now())
            self._want(feed)
        try:
            async with asyncio.timeout(FEED_OPEN_SECONDS_MAX):
                await feed.wait_live()
        except TimeoutError:
            raise NoWayToSequencer from None
        return feed

    async def run(self) -> None:
        """Keep a way open while anything is wanted, until cancelled."""
        await run_all(self._keep_way(), self._sweep())

    # What is wanted

    def _want(self, feed: RemoteFeed) -> RemoteFeed:
        """Keep the feed subscribed, or the one that took its place since it was let go."""
        present = self._feeds.get(feed.key)
        if present is not None:
            return present
        self._feeds[feed.key] = feed
        if self._way is not None:
            self._subscribe(self._way, feed)
        self._wanted.set()
        return feed

    def _make_room(self) -> None:
        if len(self._feeds) < FEEDS_MAX:
            return
        idle = [feed for feed in self._feeds.values() if feed.is_idle and feed.is_live]
        if not idle:
            raise LimitExceeded(f"at most {FEEDS_MAX} different subscriptions of one replica")
        self._let_go(min(idle, key=lambda feed: feed.idle_since))

    async def _sweep(self) -> None:
        """End what nobody has listened to for a while."""
        while True:
            await asyncio.sleep(FEED_IDLE_SECONDS / 2)
            until = self._now() - FEED_IDLE_SECONDS
            for feed in tuple(self._feeds.values()):
                if feed.is_idle and feed.idle_since <= until:
                    self._let_go(feed)

    def _let_go(self, feed: RemoteFeed) -> None:
        if self._feeds.get(feed.key) is feed:
            del self._feeds[feed.key]
        feed.lose("it was ended")
        if self._way is not None:
            number = self._way.numbers.pop(feed.key, None)
            if number is not None:
                del self._way.feeds[number]
                self._way.channel.send(encode_feed(Unsubscribe(number)))
        if not self._feeds:
            self._wanted.clear()

    # The way

    async def _keep_way(self) -> None:
        while True:
            await self._wanted.wait()
            peer = self._choose()
            if peer is None:
                await asyncio.sleep(FEED_RETRY_SECONDS)
                continue
            reason = await self._follow(peer)
            if self._feeds:
                log.info("no news by %s any more: %s", peer.id, reason)
                self._put_off(peer)

    def _choose(self) -> Peer | None:
        """The sequencer, or a peer that may lead there; none that failed a moment ago."""
        now = self._now()
        ways = [
            peer
            for peer in self.network.peers.values()
            if (peer.is_sequencer or peer.head > 0)
            and (peer.id not in self._failed or self._failed[peer.id].until <= now)
        ]
        return min(ways, key=lambda peer: (not peer.is_sequencer, peer.failures), default=None)

    def _put_off(self, peer: Peer) -> None:
        """Leave a way alone that failed; twice as long when it fails again."""
        gone = self._failed.keys() - self.network.peers.keys()
        for name in gone - {peer.id}:
            del self._failed[name]
        failed = self._failed.setdefault(peer.id, _Failed())
        failed.until = self._now() + failed.wait
        failed.wait = min(FEED_RETRY_SECONDS_MAX, 2 * failed.wait)

    async def _follow(self, peer: Peer) -> str:
        """Subscribe to everything by this peer and take the news; why that ended."""
        way = self._way = _Way(peer, self.network.channels.open(peer.id))
        if not peer.is_sequencer:
            self.on_indirect()
        for feed in self._feeds.values():
            self._subscribe(way, feed)
        reason = "this node stops"
        try:
            while True:
                async with asyncio.timeout(FEED_SILENCE_SECONDS_MAX):
                    message = await way.channel.receive()
                news = decode_news(message)
                if not isinstance(news, Beat):
                    self._take(way, news)
                elif self._is_outdone(peer):
                    reason = "the sequencer is a peer again"
                    break
        except TimeoutError:
            reason = "it says nothing"
        except (ChannelClosed, PeerUnavailable, ResourceUnavailable) as error:
            reason = str(error)
        except InvalidMessage as error:
            reason = str(error)
            self.network.penalize(peer.id, error)
        finally:
            self._leave(way, reason)
        return reason

    def _leave(self, way: _Way, reason: str) -> None:
        way.channel.close()
        self._way = None
        # Peers first: they look for another way, and need not be told that this one is lost.
        self.on_indirect()
        for feed in way.feeds.values():
            feed.lose(reason)

    def _is_outdone(self, peer: Peer) -> bool:
        if not self._feeds:
            return True
        better = None if peer.is_sequencer else self._choose()
        return better is not None and better.is_sequencer

    def _subscribe(self, way: _Way, feed: RemoteFeed) -> None:
        number = next(self._numbers)
        way.feeds[number] = feed
        way.numbers[feed.key] = number
        way.channel.send(encode_feed(Subscribe(number, feed.key.kind, feed.key.options)))

    def _take(self, way: _Way, news: Answered | News) -> None:
        """Raises `InvalidMessage`, `PeerUnavailable`, or `ResourceUnavailable` if it's no way."""
        if not self._rates.take(way.peer.id, self._now()):
            self.network.penalize_rate(way.peer.id)
            raise PeerUnavailable("it tells more than any sequencer does")
        feed = way.feeds.get(news.number)
        if feed is None:
            # It was ended a moment ago.
            return
        if isinstance(news, Answered):
            self._answer(way, feed, news.response)
        else:
            feed.take(news.result)
        self._failed.pop(way.peer.id, None)

    def _answer(self, way: _Way, feed: RemoteFeed, response: bytes) -> None:
        try:
            result_of(response)
        except ForwardedError as error:
            is_no_way = error.forwarded_code == ResourceUnavailable.code
            if is_no_way and not way.peer.is_sequencer:
                raise ResourceUnavailable(str(error)) from error
            feed.refuse(error)
            if feed.is_idle:
                self._let_go(feed)
        else:
            feed.begin()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
