"""One subscription at the sequencer, shared by all clients of this replica that asked for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from node.p2p.errors import InvalidMessage
from node.p2p.forwarder import parse_json
from node.p2p.limits import FEED_OPTIONS_BYTES_MAX
from node.rpc.errors import InvalidParams, RpcError
from node.rpc.format import Json
from node.rpc.subscriptions import AttachedSubscription, Notify, Stop, Tell
from node.rpc.trade.listeners import Listeners
from node.rpc.trade.mirror import BookMirror, InvalidBookNews

RESUMED: Final[Json] = {"type": "resumed"}
"""Told when news come again after some were missed, where no snapshot says so."""


def lost_json(reason: str) -> Json:
    """Told when the way to the sequencer is lost: news are missed from now on."""
    return {"type": "lost", "message": f"news are missed until the next message: {reason}"}


class FeedKey(NamedTuple):
    """What is subscribed to; the same options give the same key, in whatever order they come."""

    kind: str
    options: bytes
    """JSON with its members in order."""

    @classmethod
    def of(cls, kind: str, options: object) -> "FeedKey":
        """Raises `InvalidParams` for options that can't be any."""
        if not isinstance(options, dict):
            raise InvalidParams("not an object: options are one")
        encoded = msgspec.json.encode(options, order="deterministic")
        if len(encoded) > FEED_OPTIONS_BYTES_MAX:
            raise InvalidParams(f"the options have more than {FEED_OPTIONS_BYTES_MAX} bytes")
        return cls(kind, encoded)


@dataclass(slots=True)
class _Outcome:
    """What became of subscribing, once that is known."""

    known: asyncio.Event
    error: Exception | None = None


class RemoteFeed:
    """Clients of this node that listen to one thing at the sequencer. For the event loop."""

    notification: Final = "trade_subscription"

    def __init__(
        self, key: FeedKey, want: "Callable[[RemoteFeed], RemoteFeed]", now: float
    ) -> None:
        """`want` is called when somebody begins to listen, and says to which feed: this one may
        have been let go since, and another have taken its place."""
        self.key = key
        self.is_live = False
        self.idle_since = now
        self._want = want
        self._listeners: Listeners[FeedKey] = Listeners()
        self._mirror = BookMirror() if key.kind == "book" else None
        self._outcome = _Outcome(asyncio.Event())
        self._was_lost = False

    @property
    def is_idle(self) -> bool:
        """Whether nobody listens."""
        return self.key not in self._listeners

    async def wait_live(self) -> None:
        """Wait until the sequencer has answered. Raises `ForwardedError` if it refused."""
        outcome = self._outcome
        await outcome.known.wait()
        if outcome.error is not None:
            raise outcome.error

    # For clients

    def subscription(self, kind: str, options: object, notify: Notify) -> AttachedSubscription:
        """A client's share of it, stopped. Raises `LimitExceeded`."""
        self._listeners.check_room(self.key)
        return AttachedSubscription(self._attach, notify)

    def _attach(self, tell: Tell) -> Stop:
        present = self._want(self)
        return present._add(tell)

    def _add(self, tell: Tell) -> Stop:
        snapshot = None if self._mirror is None else self._mirror.snapshot()
        if snapshot is not None:
            tell(snapshot)
        elif not self.is_live:
            self._was_lost = True
            tell(lost_json("the way to the sequencer is being looked for"))
        stop = self._listeners.add(self.key, tell)

        def leave() -> None:
            stop()
            self.idle_since = asyncio.get_running_loop().time()

        return leave

    # From the sequencer

    def refuse(self, error: RpcError) -> None:
        """The sequencer didn't take the subscription."""
        self._outcome.error = error
        self._outcome.known.set()
        if not self.is_idle:
            self._listeners.tell(self.key, lost_json(str(error)))

    def begin(self) -> None:
        """The sequencer took the subscription; news follow."""
        self.is_live = True
        self._outcome.known.set()
        if self._was_lost and self._mirror is None:
            self._listeners.tell(self.key, RESUMED)
        self._was_lost = False

    def take(self, result: bytes) -> None:
        """News. Raises `InvalidMessage`."""
        if not self.is_live:
            raise InvalidMessage("news of what isn't subscribed to")
        # Read and written anew: what a peer sends may not reach into a client's message.
        news = parse_json(result, dict[str, object])
        if self._mirror is not None:
            try:
                self._mirror.take(news)
            except InvalidBookNews as error:
                raise InvalidMessage(str(error)) from error
        self._listeners.tell(self.key, news)

    def lose(self, reason: str) -> None:
        """No news come any more, until the next answer."""
        if self._outcome.known.is_set():
            self._outcome = _Outcome(asyncio.Event())
        if self.is_live:
            self.is_live = False
            self._was_lost = True
            self._listeners.tell(self.key, lost_json(reason))
        if self._mirror is not None:
            self._mirror.clear()
