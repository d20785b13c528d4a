"""The exchange from a trader's side, for asyncio.

    async with AsyncTradeClient("ws://127.0.0.1:9545", key, account=1) as client:
        placed = await client.place(limit(0, BUY, s8("0.5"), p8("64000")).post_only())
        async for book in client.follow_book(0):
            print(book.best_bid, book.best_ask)

docs/trading.md explains orders, what becomes of fills, and what is trusted. Units: prices p8, sizes
s8, amounts q6, fees ppm. Errors are those of `node.client.errors`, unless a method names others.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from bridge.l1.rpc import RpcClient
from execution.margin import SignedCancel
from node.client import wire
from node.client.drafts import Draft
from node.client.errors import (
    BookGap,
    NoAccount,
    NotConnected,
    OrderRefused,
    OutcomeUnknown,
    Refusal,
    RequestRefused,
)
from node.client.http import Http
from node.client.limits import SEND_TRIES_MAX, SIGN_TRIES_MAX
from node.client.local_book import LocalBook
from node.client.nonces import NonceSource, Place, anywhere
from node.client.signing import Signer, TradingKey
from node.client.socket import Socket
from node.client.streams import Gap, Stream
from node.client.wire import (
    AccountFacts,
    BookMessage,
    BookSnapshot,
    Candle,
    FundingUpdate,
    Hash,
    MarginUpdate,
    MarketTerms,
    MarkUpdate,
    OrderState,
    OrderUpdate,
    Placed,
    Positions,
    TradeFill,
)
from node.rpc.access import is_loopback
from node.rpc.codec import data
from state.clock import Clock, OffsetClock, SystemClock
from state.types import Hash32, Timestamp

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

T = TypeVar("T")


class AsyncTradeClient:
    """One trader at one node. By `http://` or `https://` it has no subscriptions."""

    def __init__(
        self,
        node: str | RpcClient,
        key: "bytes | LocalAccount | TradingKey | None" = None,
        account: int | None = None,
        *,
        clock: Clock | None = None,
        nonce_place: Place = anywhere,
    ) -> None:
        """`node` is its URL, or an open connection by HTTP.

        `key` is the owner's or a session key; without key and account the client only reads.
        Orders are dated by `clock`; what stands for one that isn't given: see `time`. Raises
        `InvalidKey`.
        """
        self._transport = _transport_to(node)
        self._key = None if key is None else TradingKey.of(key)
        self.account = account
        self._machine = clock or SystemClock()
        self._clock = OffsetClock(self._machine)
        self._follows_chain = clock is None and is_loopback(_host_of(node))
        self._nonce_place = nonce_place
        self._signer: Signer | None = None
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> "AsyncTradeClient":
        """Connect, and learn the chain's id and the account's order epoch."""
        async with AsyncExitStack() as opening:
            await opening.enter_async_context(self._transport)
            if self._key is not None and self.account is not None:
                self._signer = await self._make_signer(self._key, self.account)
            self._opened = opening.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def _make_signer(self, key: TradingKey, account: int) -> Signer:
        chain_id = int(await self._transport.request("eth_chainId"), 16)
        epoch = (await self.account_facts()).order_epoch
        await self._set_clock()
        return Signer(account, key, chain_id, NonceSource(epoch, self._nonce_place), self._clock)

    # Orders

    async def place(self, draft: Draft) -> Placed:
        """Sign an order and send it; returns when it is durable, with the fills it made at once.

        A lost connection is bridged: the order is asked for, and sent again if it isn't there. It
        trades once at the most.
        """
        return await self._submit(draft, "trade_placeOrder")

    async def replace(self, old: bytes, draft: Draft) -> Placed:
        """Put a new order in the place of an open one of the same market and side, in one step.

        The old one stays where the new one is refused.
        """
        return await self._submit(draft, "trade_replaceOrder", data(old))

    async def cancel(self, order: bytes) -> tuple[Hash, ...]:
        """Let one order go; the hashes of those that left."""
        name = Hash32(bytes(order))
        return await self._cancel("trade_cancelOrder", lambda signer: signer.cancel(name))

    async def cancel_all(self, market: int | None = None) -> tuple[Hash, ...]:
        """Let all orders of the account go, or all in one market."""
        return await self._cancel("trade_cancelAll", lambda signer: signer.cancel_all(market))

    # Reading

    async def time(self) -> Timestamp:
        """What orders are dated by (s): the clock that was given, or else the machine's.

        A devnet's clock may have been moved ahead, so that what the machine's dates is old. At a
        node on this machine the time is therefore the newest block's where that is later. No other
        node is believed: one that lies would have orders signed that outlive what was wanted.
        """
        await self._set_clock()
        return self._clock.now()

    async def order(self, order: bytes | str) -> OrderState | None:
        """An order by its hash, or an open one by the name that the trader gave it."""
        name = {"account": self._id(), "clientOrderId": order} if isinstance(order, str) else None
        asked = name if isinstance(order, str) else data(order)
        return await self._ask(OrderState | None, "trade_getOrder", asked)  # type: ignore[arg-type]

    async def orders(self, market: int | None = None) -> list[OrderState]:
        """The account's open orders, oldest first."""
        chosen = {} if market is None else {"market": market}
        return await self._ask(list[OrderState], "trade_getOrders", self._id(), chosen)

    async def book(self, market: int, depth: int = 20) -> BookSnapshot:
        """The best levels of a market now."""
        return await self._ask(BookSnapshot, "trade_getBook", market, depth)

    async def trades(
        self, market: int, limit: int = 100, before: int | None = None
    ) -> list[TradeFill]:
        """The newest trades of a market, newest first; those before an id."""
        return await self._page("trade_getTrades", market, limit, before)

    async def fills(self, limit: int = 100, before: int | None = None) -> list[TradeFill]:
        """The account's newest fills, likewise."""
        return await self._page("trade_getFills", self._id(), limit, before)

    async def candles(self, market: int, interval: str, start: int, end: int) -> list[Candle]:
        """Candles from `start` until before `end` (s); interval 1m, 5m, 15m, 1h, 4h or 1d."""
        return await self._ask(list[Candle], "trade_getCandles", market, interval, start, end)

    async def account_facts(self) -> AccountFacts:
        """The account's owner, order epoch and margin after the newest block."""
        return await self._ask(AccountFacts, "margin_getAccount", self._id())

    async def positions(self) -> Positions:
        """The account's perpetual positions after the newest block."""
        return await self._ask(Positions, "margin_getPositions", self._id())

    async def market_terms(self, market: int) -> MarketTerms:
        """Tick, lot, mark and index of a perpetual market."""
        answer = await self._ask(wire.MarketList, "margin_getMarkets")
        for terms in answer.markets:
            if terms.market == market:
                return terms
        raise OrderRefused(Refusal.UNKNOWN_MARKET, f"there is no perpetual market {market}")

    # Following

    async def follow_book(
        self, market: int, depth: int | None = None
    ) -> AsyncGenerator[LocalBook, None]:
        """The market's book after each change; one that was missed makes it begin again."""
        options: dict[str, object] = {"market": market}
        if depth is not None:
            options["depth"] = depth
        stream = await self._follow("book", options, BookMessage)
        book = LocalBook(market)
        async with aclosing(stream):
            async for message in stream:
                if isinstance(message, Gap):
                    continue
                try:
                    book.apply(message)
                except BookGap:
                    await stream.renew()
                    continue
                yield book

    async def follow_trades(self, market: int) -> Stream[TradeFill]:
        """Trades when they are matched, and again when their state changes."""
        return await self._follow("trades", {"market": market}, TradeFill)

    async def follow_orders(self) -> Stream[OrderUpdate]:
        """News of the account's orders and fills."""
        return await self._follow("orders", {"account": self._id()}, OrderUpdate)

    async def follow_margin(self) -> Stream[MarginUpdate]:
        """How the account stands after each block."""
        return await self._follow("margin", {"account": self._id()}, MarginUpdate)

    async def follow_mark(self, market: int) -> Stream[MarkUpdate]:
        """The market's mark and index after each block."""
        return await self._follow("mark", {"market": market}, MarkUpdate)

    async def follow_funding(self, market: int) -> Stream[FundingUpdate]:
        """The market's funding after each block."""
        return await self._follow("funding", {"market": market}, FundingUpdate)

    # Asking

    async def _submit(self, draft: Draft, method: str, *front: object) -> Placed:
        """Sign and send, with another nonce where the first one was used."""
        signer = self._signing("trading")
        tries = 0
        while True:
            tries += 1
            signed = signer.order(draft)
            body = (*front, wire.order_json(signed), wire.options_json(draft.options))
            try:
                return await self._send(signer.hash(signed), method, *body)
            except OrderRefused as refusal:
                if tries == SIGN_TRIES_MAX or not await self._mend(signer, refusal.reason):
                    raise

    async def _mend(self, signer: Signer, reason: Refusal) -> bool:
        """Whether another signature may help."""
        if reason is Refusal.NONCE_USED:
            signer.nonces.jump()
        elif reason is Refusal.WRONG_EPOCH:
            signer.nonces.epoch = (await self.account_facts()).order_epoch
        elif reason is Refusal.EXPIRED:
            return await self._set_clock()
        else:
            return False
        return True

    async def _cancel(
        self, method: str, sign: Callable[[Signer], SignedCancel]
    ) -> tuple[Hash, ...]:
        signer = self._signing("cancelling")
        try:
            answer = await self._ask(wire.Cancelled, method, wire.cancel_json(sign(signer)))
        except OrderRefused as refusal:
            if refusal.reason is not Refusal.CANCEL_OUT_OF_TIME or not await self._set_clock():
                raise
            answer = await self._ask(wire.Cancelled, method, wire.cancel_json(sign(signer)))
        return answer.cancelled

    async def _set_clock(self) -> bool:
        """Be no earlier than the newest block, if its node is believed; whether that changed it."""
        if not self._follows_chain:
            return False
        before = self._clock.offset_seconds
        newest = await self._ask(wire.BlockTime, "eth_getBlockByNumber", "latest", False)
        self._clock.move(max(0, newest.timestamp - self._machine.now()))
        return self._clock.offset_seconds != before

    async def _send(self, order: Hash32, method: str, *body: object) -> Placed:
        """Send until somebody says what became of it."""
        lost: OutcomeUnknown | None = None
        for _ in range(SEND_TRIES_MAX):
            try:
                return _checked(await self._ask(Placed, method, *body), order)
            except OutcomeUnknown as error:
                lost = error
            except OrderRefused as refusal:
                if lost is None or refusal.reason is not Refusal.DUPLICATE_ORDER:
                    raise
            found = await self._find(order, lost)
            if found is not None:
                return Placed(order=found, fills=await self._fills_of(found))
        raise lost or OutcomeUnknown(method)

    async def _find(self, order: Hash32, lost: OutcomeUnknown) -> OrderState | None:
        """An order whose answer was lost. Raises `lost` where nobody says."""
        try:
            return await self.order(order)
        except (NotConnected, OutcomeUnknown):
            raise lost from None

    async def _fills_of(self, order: OrderState) -> tuple[TradeFill, ...]:
        newest = await self.fills()
        return tuple(fill for fill in reversed(newest) if fill.taker_order == order.hash)

    async def _page(
        self, method: str, whose: int, limit: int, before: int | None
    ) -> list[TradeFill]:
        page = {"limit": limit} | ({} if before is None else {"before": before})
        return await self._ask(list[TradeFill], method, whose, page)

    async def _ask(self, kind: type[T], method: str, *params: object) -> T:
        return wire.read(await self._transport.request(method, *params), kind)

    async def _follow(self, kind: str, options: dict[str, object], item: type[T]) -> Stream[T]:
        if not isinstance(self._transport, Socket):
            raise RequestRefused("trade_subscribe", -32601, "only over a websocket: use ws://")
        parse: Callable[[object], T] = partial(wire.read, kind=item)
        stream = Stream(kind, options, parse, self._transport)
        await self._transport.subscribe(stream)
        return stream

    def _signing(self, what: str) -> Signer:
        if self._signer is None:
            raise NoAccount(what)
        return self._signer

    def _id(self) -> int:
        if self.account is None:
            raise NoAccount("asking for one's own")
        return self.account


def _checked(placed: Placed, order: Hash32) -> Placed:
    if bytes(placed.order.hash) != order:
        raise NotConnected("the node answered with another order than the one it was sent")
    return placed


def _host_of(node: str | RpcClient) -> str:
    """Where a node is, without the port."""
    url = node if isinstance(node, str) else f"//{node.name}"
    return urlsplit(url).hostname or ""


def _transport_to(node: str | RpcClient) -> Http | Socket:
    if isinstance(node, str) and not node.startswith("http"):
        return Socket(node)
    return Http(node)
