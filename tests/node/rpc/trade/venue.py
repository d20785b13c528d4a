"""An exchange over books in memory behind a real JSON-RPC server, and clients of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from execution.margin import SignedCancel, SignedOrder
from node.rpc.backend import Backend
from node.rpc.trade.methods import TradeMethods
from sequencer.matching.events import Fill
from sequencer.matching.inputs import Input, Outcome, Refusal
from state.blocks import Heads
from state.types import BlockNumber
from tests.limits import WAIT_SECONDS_MAX
from tests.node.rpc.harness import L2_CONFIG, RunningNode, TestChain, open_chain, running_node
from tests.sequencer.exchange.hall import Hall, opened
from tests.sequencer.exchange.house import Trader

TX = b"\x07" * 32


@dataclass(frozen=True, slots=True)
class Venue:
    """A node with an exchange, from a client's side and from inside."""

    node: RunningNode
    hall: Hall

    @property
    def traders(self) -> tuple[Trader, ...]:
        return self.hall.traders

    def place(self, signed: SignedOrder, **options: Any) -> Any:
        return self.node.call("trade_placeOrder", order_params(signed), options)

    def trade(self, price: int = 1_000, size: int = 10, market: int = 0) -> Any:
        """A fill between the first two traders; the first buys, and was there first."""
        buyer, seller = self.traders[:2]
        self.place(buyer.buy(size, price, market=market))
        (fill,) = self.place(seller.sell(size, price, market=market))["fills"]
        return fill

    def record(self, given: Input) -> None:
        self.node.run(lambda: self.hall.exchange.record(given))

    def pending(self) -> list[Fill]:
        return self.hall.exchange.engine.pending()

    def settle(self, block: int, *fills: int) -> None:
        self.record(Outcome(time=0, block=block, transaction=TX, settled=fills))

    def refuse(self, block: int, fill: int, reason: int) -> None:
        refused = (Refusal(fill, reason),)
        self.record(Outcome(time=0, block=block, transaction=TX, settled=(), refused=refused))

    def rejection(self, method: str, *params: object) -> tuple[int, str]:
        """Code and reason of a call that the exchange refuses."""
        error = self.node.error(method, *params)
        return error["code"], error["data"]["reason"]

    def move_heads(self, *, safe: int, finalized: int) -> None:
        """Let L1 catch up with the chain; it is noticed at the next block."""
        store = self.node.backend.store
        ids = [store.block_id(BlockNumber(number)) for number in (safe, finalized)]
        assert None not in ids
        with store.commit() as batch:
            batch.set_heads(Heads(store.heads.unsafe, *ids))  # type: ignore[arg-type]
        self.node.mine()

    @asynccontextmanager
    async def client(self) -> AsyncIterator["Client"]:
        async with connect(self.node.ws_url) as connection:
            yield Client(connection)


class Client:
    """A websocket that subscribes, and sorts what it hears."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._calls = 0
        self._heard: list[tuple[str, Any]] = []

    async def answer(self, method: str, *params: object) -> Any:
        """The response to a call; notifications that come before it are kept."""
        self._calls += 1
        request = {"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params}
        await self._connection.send(json.dumps(request))
        while True:
            message = await self._receive()
            if message.get("id") == self._calls:
                return message

    async def subscribe(self, kind: str, **options: object) -> str:
        answer = await self.answer("trade_subscribe", kind, options)
        return answer["result"]

    async def heard(self, subscription: str) -> Any:
        """The next result of a subscription."""
        while True:
            for place, (identity, result) in enumerate(self._heard):
                if identity == subscription:
                    del self._heard[place]
                    return result
            await self._receive()

    async def _receive(self) -> Any:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            message = json.loads(await self._connection.recv())
        if "method" in message:
            assert message["method"] == "trade_subscription"
            self._heard.append((message["params"]["subscription"], message["params"]["result"]))
        return message


def order_params(signed: SignedOrder) -> dict[str, Any]:
    """A signed order as clients send it."""
    order = signed.order
    return {
        "account": order.account,
        "market": order.market,
        "isBuy": order.is_buy,
        "sizeS8": str(order.size),
        "priceP8": str(order.price),
        "maxFeePpm": order.max_fee_ppm,
        "flags": int(order.flags),
        "nonce": str(order.nonce),
        "expiry": order.expiry,
        "signature": "0x" + (signed.r + signed.vs).hex(),
    }


def cancel_params(signed: SignedCancel) -> dict[str, Any]:
    """A signed request to cancel as clients send it."""
    request = signed.request
    named = {} if request.order is None else {"orderHash": "0x" + request.order.hex()}
    return {
        "account": request.account,
        "market": request.market,
        "time": request.time,
        "signature": "0x" + (signed.r + signed.vs).hex(),
        **named,
    }


@contextmanager
def open_venue(path: Path | None = None, chain: TestChain | None = None) -> Iterator[Venue]:
    """A venue whose order log is in a folder, or nowhere, beside a chain."""
    halls: list[Hall] = []

    @asynccontextmanager
    async def exchange(backend: Backend) -> AsyncIterator[tuple[object, ...]]:
        async with opened(path) as hall:
            methods = TradeMethods(hall.exchange, backend)
            running = asyncio.create_task(methods.run())
            halls.append(hall)
            try:
                yield (methods,)
            finally:
                running.cancel()

    with running_node(chain or open_chain(L2_CONFIG), exchange) as node:
        node.run(node.backend.feed.announce)
        yield Venue(node, halls[0])
