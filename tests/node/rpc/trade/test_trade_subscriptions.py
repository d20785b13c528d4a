"""What the exchange pushes: books without gaps, trades and orders whatever becomes of them."""

import asyncio
import json
import random
from typing import Any

import pytest

from execution.margin import OrderFlag, Reason
from node import limits
from node.rpc.trade import limits as trade_limits
from sequencer.matching.inputs import Marks, Reverted
from tests.node.rpc.harness import L1_CONFIG, open_chain, running_node
from tests.node.rpc.trade.venue import TX, Client, Venue, open_venue, order_params

pytestmark = pytest.mark.anyio


# Books


class Replica:
    """A book kept by its messages alone."""

    def __init__(self) -> None:
        self.sequence = 0
        self.sides: dict[str, dict[str, str]] = {}

    def apply(self, message: Any) -> None:
        if message["type"] == "snapshot":
            self.sides = {"bids": {}, "asks": {}}
        else:
            assert message["previous"] == self.sequence < message["sequence"]
            assert message["bids"] or message["asks"]
        self.sequence = message["sequence"]
        for name, side in self.sides.items():
            for price, size in message[name]:
                side[price] = size
                if size == "0":
                    del side[price]

    def best(self, name: str, depth: int) -> list[list[str]]:
        levels = sorted(self.sides[name].items(), key=lambda level: int(level[0]))
        ordered = levels[::-1] if name == "bids" else levels
        return [list(level) for level in ordered[:depth]]


async def replayed(
    client: Client, subscription: str, level: list[str], replica: Replica | None = None
) -> Replica:
    """The book after the message that says there is this bid."""
    replica = replica or Replica()
    while replica.sides.get("bids", {}).get(level[0]) != level[1]:
        replica.apply(await client.heard(subscription))
    return replica


async def make_noise(client: Client, venue: Venue, randomness: random.Random, count: int) -> None:
    """Orders of three traders that rest, trade and leave."""
    for _ in range(count):
        trader = venue.traders[randomness.randrange(3)]
        is_buy = randomness.random() < 0.5
        price = 1_000 + 10 * randomness.randrange(-8, 9)
        flags = randomness.choice((OrderFlag.NONE, OrderFlag.NONE, OrderFlag.IOC))
        signed = trader.order(is_buy, 5 * randomness.randrange(1, 9), price, flags=flags)
        await client.answer("trade_placeOrder", order_params(signed))


@pytest.mark.parametrize("depth", [1, 5, 20])
async def test_book_replayed_from_any_point_is_the_book(venue: Venue, depth: int) -> None:
    randomness = random.Random(depth)
    async with venue.client() as client, venue.client() as trader:
        subscriptions = []
        for _ in range(4):
            await make_noise(trader, venue, randomness, 25)
            subscriptions.append(await client.subscribe("book", market=0, depth=depth))
        await make_noise(trader, venue, randomness, 25)
        price, size = (await trader.answer("trade_getBook", 0))["result"]["bids"][0]
        last = order_params(venue.traders[3].buy(50_005, int(price)))
        await trader.answer("trade_placeOrder", last)
        book = (await trader.answer("trade_getBook", 0, depth))["result"]
        assert book["bids"][0] == [price, str(int(size) + 50_005)]
        for subscription in subscriptions:
            replica = await replayed(client, subscription, book["bids"][0])
            assert replica.best("bids", depth) == book["bids"]
            assert replica.best("asks", depth) == book["asks"]
            assert len(replica.sides["bids"]) <= depth


async def test_book_message_is_a_snapshot_then_what_changed(venue: Venue) -> None:
    venue.place(venue.traders[0].buy(10, 990))
    async with venue.client() as client:
        book = await client.subscribe("book", market=0)
        snapshot = await client.heard(book)
        assert snapshot == {
            "type": "snapshot",
            "sequence": snapshot["sequence"],
            "bids": [["990", "10"]],
            "asks": [],
        }
        venue.place(venue.traders[1].sell(15, 990))
        delta = await client.heard(book)
        assert delta == {
            "type": "delta",
            "sequence": delta["sequence"],
            "previous": snapshot["sequence"],
            "bids": [["990", "0"]],
            "asks": [["990", "5"]],
        }
        assert await client.answer("trade_unsubscribe", book) == {
            "jsonrpc": "2.0",
            "id": 2,
            "result": True,
        }
        venue.place(venue.traders[1].sell(15, 1_010))
        again = await client.subscribe("book", market=0)
        assert (await client.heard(again))["asks"] == [["990", "5"], ["1010", "15"]]


async def test_level_that_comes_into_sight_is_told(venue: Venue) -> None:
    buyer = venue.traders[0]
    hashes = [venue.place(buyer.buy(10, price))["order"]["orderHash"] for price in (990, 980)]
    async with venue.client() as client:
        book = await client.subscribe("book", market=0, depth=1)
        assert (await client.heard(book))["bids"] == [["990", "10"]]
        best = venue.hall.cancel(buyer, order=bytes.fromhex(hashes[0][2:]))
        venue.node.run(lambda: venue.hall.exchange.cancel(best))
        assert (await client.heard(book))["bids"] == [["990", "0"], ["980", "10"]]


# Trades


def told(fill: Any) -> tuple[Any, ...]:
    return fill["state"], fill["block"], fill["transaction"], fill["reason"]


async def test_trade_is_told_whenever_its_state_changes(venue: Venue) -> None:
    for _ in range(4):
        venue.node.mine()
    async with venue.client() as client:
        trades = await client.subscribe("trades", market=0)
        elsewhere = await client.subscribe("trades", market=1)
        fill = venue.trade()
        assert await client.heard(trades) == fill
        venue.settle(2, fill["id"])
        transaction = "0x" + TX.hex()
        assert told(await client.heard(trades)) == ("unsafe", 2, transaction, None)
        venue.record(Reverted(time=0, block=2))
        assert told(await client.heard(trades)) == ("matched", None, None, None)
        venue.settle(3, fill["id"])
        assert told(await client.heard(trades)) == ("unsafe", 3, transaction, None)
        venue.move_heads(safe=3, finalized=2)
        assert told(await client.heard(trades)) == ("safe", 3, transaction, None)
        assert venue.node.call("trade_getTrades", 0)[0]["state"] == "safe"
        venue.move_heads(safe=4, finalized=3)
        assert told(await client.heard(trades)) == ("finalized", 3, transaction, None)
        other = venue.trade(market=1)
        assert await client.heard(elsewhere) == other
        venue.refuse(4, other["id"], Reason.TAKER_MARGIN)
        assert told(await client.heard(elsewhere)) == ("refused", 4, transaction, "taker-margin")
    states = [venue.node.call("trade_getTrades", market)[0]["state"] for market in (0, 1)]
    assert states == ["finalized", "refused"]


async def test_fill_settled_before_a_restart_is_still_told_of(tmp_path: Any) -> None:
    with open_venue(tmp_path) as venue:
        venue.settle(1, venue.trade()["id"])
        buyer, seller = venue.traders[:2]
    with open_venue(tmp_path) as venue:
        venue.node.mine()
        venue.node.mine()
        async with venue.client() as client:
            trades = await client.subscribe("trades", market=0)
            venue.move_heads(safe=1, finalized=0)
            assert (await client.heard(trades))["state"] == "safe"
        for trader, nonces in zip(venue.traders, (buyer.nonces, seller.nonces)):
            trader.nonces = nonces
        assert venue.trade()["id"] == 2
        assert [fill["id"] for fill in venue.node.call("trade_getFills", 1)] == [2, 1]


# Orders


async def test_own_orders_and_fills_are_told(venue: Venue) -> None:
    buyer, seller = venue.traders[:2]
    async with venue.client() as client:
        mine = await client.subscribe("orders", account=1)
        placed = venue.place(buyer.buy(10, 1_000))["order"]
        assert await client.heard(mine) == {"type": "order", "order": placed}
        (fill,) = venue.place(seller.sell(15, 1_000))["fills"]
        assert await client.heard(mine) == {"type": "fill", "fill": fill}
        filled = (await client.heard(mine))["order"]
        assert (filled["status"], filled["fills"]) == ("filled", [fill["id"]])
        venue.refuse(1, fill["id"], Reason.TAKER_MARGIN)
        assert (await client.heard(mine))["fill"]["state"] == "refused"
        again = (await client.heard(mine))["order"]
        assert (again["status"], again["leftS8"], again["fills"]) == ("live", "10", [])
        gone = venue.hall.cancel(buyer)
        venue.node.run(lambda: venue.hall.exchange.cancel(gone))
        cancelled = (await client.heard(mine))["order"]
        assert (cancelled["status"], cancelled["reason"]) == ("cancelled", "requested")


async def test_triggered_order_is_told(venue: Venue) -> None:
    trigger = {"kind": "stop", "priceP8": "1200"}
    async with venue.client() as client:
        mine = await client.subscribe("orders", account=1)
        venue.place(venue.traders[0].buy(10, 1_210), trigger=trigger)
        assert (await client.heard(mine))["order"]["status"] == "waiting"
        venue.record(Marks(time=0, marks={0: 1_200}))
        assert (await client.heard(mine))["order"]["status"] == "live"


async def test_nothing_is_told_of_others_orders(venue: Venue) -> None:
    async with venue.client() as client:
        mine = await client.subscribe("orders", account=3)
        venue.trade()
        venue.place(venue.traders[2].buy(5, 900))
        assert (await client.heard(mine))["order"]["account"] == 3


# Refused, and limits


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (["moons", {}], -32602),
        (["book"], -32602),
        (["book", {}], -32602),
        (["book", {"market": 0, "depth": 7}], -32602),
        (["book", {"market": 0, "depth": 5_000}], -32602),
        (["book", {"market": 0, "levels": 5}], -32602),
        (["book", {"market": 9}], -32000),
        (["trades", {"market": "0"}], -32602),
        (["trades", {"market": 9}], -32000),
        (["orders", {"account": 0}], -32602),
        (["margin", {"account": 1}], -32000),
        (["mark", {"market": 0}], -32000),
        (["funding", {"market": 0, "x": 1}], -32602),
    ],
)
async def test_subscription_that_asks_for_nothing_is_refused(
    venue: Venue, params: list[Any], code: int
) -> None:
    async with venue.client() as client:
        assert (await client.answer("trade_subscribe", *params))["error"]["code"] == code


async def test_subscription_over_http_is_refused(venue: Venue) -> None:
    assert venue.node.error("trade_subscribe", "trades", {"market": 0})["code"] == -32601


@pytest.mark.parametrize(
    ("kind", "options"),
    [("book", {"market": 0}), ("trades", {"market": 0}), ("orders", {"account": 1})],
)
async def test_listeners_beyond_the_limit_are_refused(
    venue: Venue, monkeypatch: pytest.MonkeyPatch, kind: str, options: dict[str, int]
) -> None:
    monkeypatch.setattr("node.rpc.trade.listeners.LISTENERS_MAX", 2)
    async with venue.client() as client, venue.client() as other:
        first = await client.subscribe(kind, **options)
        await other.subscribe(kind, **options)
        answer = await other.answer("trade_subscribe", kind, options)
        assert answer["error"]["code"] == -32005
        await client.answer("trade_unsubscribe", first)
        await other.subscribe(kind, **options)


async def test_subscriptions_of_one_socket_are_limited(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_SOCKET_SUBSCRIPTIONS_MAX", 1)
    async with venue.client() as client:
        await client.subscribe("trades", market=0)
        answer = await client.answer("trade_subscribe", "trades", {"market": 1})
        assert answer["error"]["code"] == -32005


async def test_reader_that_falls_behind_is_dropped_and_others_go_on(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow one reads nothing while its 100 subscriptions fill its box."""
    monkeypatch.setattr(limits, "RPC_SOCKET_MESSAGES_MAX", 200)
    port = int(venue.node.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 14)
    key = b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    upgrade = b"upgrade: websocket\r\nconnection: upgrade\r\n"
    writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n" + upgrade + key + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    call = {"jsonrpc": "2.0", "method": "trade_subscribe", "params": ["orders", {"account": 1}]}
    body = json.dumps([call | {"id": number} for number in range(100)]).encode()
    writer.write(b"\x81\xfe" + len(body).to_bytes(2) + bytes(4) + body)
    await reader.readuntil(b'"id":99')
    async with venue.client() as client:
        book = await client.subscribe("book", market=0, depth=1)
        for number in range(150):
            venue.place(venue.traders[0].buy(5, 500 + 10 * (number % 40)))
        venue.place(venue.traders[0].buy(5, 1_400))
        replica = await replayed(client, book, ["1400", "5"])
        assert replica.best("bids", 1) == [["1400", "5"]]
    # Sooner than an unanswered ping would end it.
    async with asyncio.timeout(limits.RPC_PING_SECONDS):
        while await reader.read(1 << 20):
            pass
    writer.transport.abort()


async def test_verifier_has_no_trade_methods() -> None:
    with running_node(open_chain(L1_CONFIG)) as node:
        assert node.error("trade_getBook", 0)["code"] == -32601


def test_limits_of_books_are_those_of_the_methods() -> None:
    assert trade_limits.DEPTHS[-1] == trade_limits.DEPTH_MAX
    assert trade_limits.DEPTH_DEFAULT in trade_limits.DEPTHS
