"""One websocket: its calls, its subscriptions, and what waits to be sent.

A client that doesn't read must not fill the node's memory. Answers wait for room, so that such a
client's own calls stop; notifications can't wait, so that a subscriber too far behind is dropped.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from node import limits
from node.rpc.dispatch import Dispatcher
from node.rpc.errors import LimitExceeded
from node.rpc.subscriptions import Subscription, SubscriptionSource

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

CLOSE_POLICY = 1008
"""Close code of a client dropped for falling behind (RFC 6455, section 7.4.1)."""

CLOSE_RESTART = 1012
"""Close code of a subscriber to a chain that was exchanged, who is to connect again (IANA's
WebSocket Close Code Number Registry: "Service Restart")."""


class Outbox:
    """Messages on their way out, bounded in number and in bytes."""

    def __init__(self) -> None:
        self._messages: deque[bytes] = deque()
        self._size = 0
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether the next message would have to wait."""
        return (
            len(self._messages) >= limits.RPC_SOCKET_MESSAGES_MAX
            or self._size >= limits.RPC_SOCKET_BYTES_MAX
        )

    def offer(self, message: bytes) -> bool:
        """Add a message unless the box is full; whether it was added."""
        if self.is_full:
            return False
        self._messages.append(message)
        self._size += len(message)
        self._filled.set()
        return True

    async def put(self, message: bytes) -> None:
        """Add a message when there is room."""
        while not self.offer(message):
            self._drained.clear()
            await self._drained.wait()

    async def empty(self) -> None:
        """Wait until everything was taken."""
        while self._messages:
            self._drained.clear()
            await self._drained.wait()

    async def take(self) -> bytes:
        """Remove the oldest message, waiting for one."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        message = self._messages.popleft()
        self._size -= len(message)
        self._drained.set()
        return message


class _Call:
    """One message's view of its socket: what it subscribes to starts after its answer is out."""

    def __init__(self, socket: "WebSocket") -> None:
        self._socket = socket
        self._fresh: list[Subscription] = []

    def subscribe(self, source: SubscriptionSource, kind: str, options: object) -> str:
        """Make a subscription that `start` begins; its id."""
        subscription = self._socket.new_subscription(source, kind, options)
        self._fresh.append(subscription)
        return subscription.id

    def unsubscribe(self, subscription: str) -> bool:
        """End one of the socket's subscriptions; whether there was one of that id."""
        return self._socket.end_subscription(subscription)

    def start(self) -> None:
        """Begin what this message subscribed to, unless it has ended already."""
        for subscription in self._fresh:
            self._socket.start_subscription(subscription)


class WebSocket:
    """One client connection, from accept to close."""

    def __init__(self, dispatcher: Dispatcher, receive: Receive, send: Send) -> None:
        self._dispatcher = dispatcher
        self._receive = receive
        self._send = send
        self._outbox = Outbox()
        self._subscriptions: dict[str, Subscription] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(limits.RPC_SOCKET_CALLS_MAX)
        self._fell_behind = asyncio.Event()
        self._is_outlived = False

    async def run(self) -> None:
        """Serve the client until it leaves, or is dropped."""
        work = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._write()),
            asyncio.create_task(self._fell_behind.wait()),
            asyncio.create_task(self._outlive()),
        ]
        self._dispatcher.meter.websockets += 1
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._dispatcher.meter.websockets -= 1
            await self._end([*work, *self._calls])
        if self._fell_behind.is_set():
            await self._close(CLOSE_POLICY, "reads too slowly")
        elif self._is_outlived:
            await self._close(CLOSE_RESTART, "the chain was put back: subscribe again")

    async def _end(self, tasks: list[asyncio.Task[Any]]) -> None:
        for subscription in self._subscriptions.values():
            subscription.stop()
        self._dispatcher.meter.subscriptions -= len(self._subscriptions)
        self._subscriptions.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _outlive(self) -> None:
        """End, once all is said, if the chain that was subscribed to is exchanged for another.

        Whoever only calls stays, and is answered by the new one.
        """
        await self._dispatcher.retired.wait()
        self._is_outlived = bool(self._subscriptions)
        if not self._is_outlived:
            await asyncio.Event().wait()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await self._outbox.empty()

    async def _close(self, code: int, reason: str) -> None:
        """Say why, if the client takes it; a client that reads nothing is cut off unheard."""
        message = {"type": "websocket.close", "code": code, "reason": reason}
        try:
            async with asyncio.timeout(limits.RPC_CLOSE_SECONDS_MAX):
                await self._send(message)
        except (TimeoutError, OSError):
            return

    async def _read(self) -> None:
        while True:
            event = await self._receive()
            if event["type"] != "websocket.receive":
                return
            text = event.get("text")
            body = text.encode() if text is not None else event["bytes"]
            await self._free.acquire()
            call = asyncio.create_task(self._answer(body))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _answer(self, body: bytes) -> None:
        try:
            call = _Call(self)
            answer = await self._dispatcher.answer(body, call)
            if answer is not None:
                await self._outbox.put(answer)
            call.start()
        finally:
            self._free.release()

    async def _write(self) -> None:
        try:
            while True:
                message = await self._outbox.take()
                await self._send({"type": "websocket.send", "text": message.decode()})
        except OSError:
            return  # the client is gone, which the reader hears too

    def _notify(self, method: str, subscription: str, result: object) -> None:
        """Queue a notification, or drop a client that has no room for it."""
        message = {
            "jsonrpc": "2.0",
            "method": method,
            "params": {"subscription": subscription, "result": result},
        }
        if not self._outbox.offer(msgspec.json.encode(message)):
            self._fell_behind.set()

    def new_subscription(
        self, source: SubscriptionSource, kind: str, options: object
    ) -> Subscription:
        """Check and make a subscription, not yet started. Raises `RpcError`."""
        if len(self._subscriptions) >= limits.RPC_SOCKET_SUBSCRIPTIONS_MAX:
            most = limits.RPC_SOCKET_SUBSCRIPTIONS_MAX
            raise LimitExceeded(f"at most {most} subscriptions on one websocket")
        subscription = source.subscription(
            kind, options, partial(self._notify, source.notification)
        )
        self._subscriptions[subscription.id] = subscription
        self._dispatcher.meter.subscriptions += 1
        return subscription

    def start_subscription(self, subscription: Subscription) -> None:
        """Let notifications of a subscription flow, unless it has ended since."""
        if subscription.id in self._subscriptions:
            subscription.start()

    def end_subscription(self, identity: str) -> bool:
        """End a subscription; whether there was one."""
        subscription = self._subscriptions.pop(identity, None)
        if subscription is None:
            return False
        self._dispatcher.meter.subscriptions -= 1
        subscription.stop()
        return True


async def serve_websocket(dispatcher: Dispatcher, receive: Receive, send: Send) -> None:
    """Accept a websocket and serve it to its end (ASGI, "Websocket")."""
    event = await receive()
    if event["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    await WebSocket(dispatcher, receive, send).run()
