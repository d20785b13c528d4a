"""Notifications of one subscription, in order, as an async iterator."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from node.client.limits import STREAM_ITEMS_MAX
from state.errors import TallystickError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gap:
    """News may be missing here: the connection was lost, or the reader was too slow. What was
    missed can be asked for: open orders, fills, trades."""


GAP: Final = Gap()


_INTERRUPTIONS: Final = frozenset({"lost", "resumed"})
"""A replica lost its way to the sequencer, or found one again (docs/trading.md)."""


class Subscriber(Protocol):
    """Who keeps a stream subscribed."""

    async def renew(self, stream: "Stream[T]") -> None:
        """Subscribe anew; the stream then begins again."""

    async def end(self, stream: "Stream[T]") -> None:
        """Unsubscribe."""


class Stream(Generic[T]):
    """A subscription that outlives connections. `async for` it, and `aclose` it in the end."""

    def __init__(
        self,
        kind: str,
        options: dict[str, object],
        parse: Callable[[object], T],
        subscriber: Subscriber,
    ) -> None:
        self.kind = kind
        self.options = options
        self.id: str | None = None
        """What the node knows it by now."""
        self._parse = parse
        self._subscriber = subscriber
        self._items: asyncio.Queue[T | Gap | TallystickError] = asyncio.Queue()

    def __aiter__(self) -> AsyncIterator[T | Gap]:
        return self

    async def __anext__(self) -> T | Gap:
        """The next news. Raises what ended the stream."""
        item = await self._items.get()
        if isinstance(item, TallystickError):
            self._items.put_nowait(item)
            raise item
        return item

    def offer(self, result: object) -> None:
        """News from the node."""
        if self._items.qsize() >= STREAM_ITEMS_MAX:
            self.clear()
            self._items.put_nowait(GAP)
        if isinstance(result, dict) and result.get("type") in _INTERRUPTIONS:
            self._items.put_nowait(GAP)
            return
        try:
            self._items.put_nowait(self._parse(result))
        except TallystickError as error:
            self._items.put_nowait(error)

    def begin(self, subscription: str) -> None:
        """The node has subscribed it; from the second time on, something may be missing."""
        if self.id is not None:
            self._items.put_nowait(GAP)
        self.id = subscription

    def fail(self, error: TallystickError) -> None:
        """Nothing more will come."""
        self._items.put_nowait(error)

    def clear(self) -> None:
        """Forget what nobody has read."""
        while not self._items.empty():
            self._items.get_nowait()

    async def renew(self) -> None:
        """Forget what nobody has read, and subscribe anew."""
        self.clear()
        await self._subscriber.renew(self)

    async def aclose(self) -> None:
        """Unsubscribe."""
        await self._subscriber.end(self)
