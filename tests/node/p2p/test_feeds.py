"""Subscriptions of a replica's clients: shared, told as at the sequencer, lost and found again."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.p2p.feeds import Feeds
from node.p2p.limits import FEEDS_MAX
from node.p2p.remote_feed import RESUMED, FeedKey, RemoteFeed
from tests.bridge.derive.rig import Rig
from tests.node.p2p.rig import make_network, run, until
from tests.node.p2p.trading_rig import leads, trading_peers
from tests.node.rpc.trade.venue import Client

pytestmark = pytest.mark.slow


async def heard_type(client: Client, subscription: str, kind: str) -> Any:
    """The next news of that type; those before it are let go."""
    while True:
        news = await client.heard(subscription)
        if news.get("type") == kind:
            return news


def test_book_is_told_by_a_snapshot_and_deltas_and_subscribed_to_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with trading_peers(tmp_path) as trading:
            buyer, seller = trading.hall.traders[:2]
            await trading.hall.exchange.place(buyer.buy(30, 900))
            replica = await trading.replica(trading.sequencer)
            await leads(replica, trading.sequencer)
            async with replica.client() as first, replica.client() as second:
                book = await first.subscribe("book", market=0, depth=5)
                snapshot = await first.heard(book)
                assert snapshot["bids"] == [["900", "30"]]
                await trading.hall.exchange.place(seller.sell(10, 1_100))
                delta = await first.heard(book)
                assert delta["asks"] == [["1100", "10"]]
                assert delta["previous"] == snapshot["sequence"]

                same = await second.subscribe("book", depth=5, market=0)
                later = await second.heard(same)
                assert later["bids"] == [["900", "30"]]
                assert later["asks"] == [["1100", "10"]]
                assert later["sequence"] == delta["sequence"]
                await trading.hall.exchange.place(seller.sell(30, 900))
                news = [await first.heard(book), await second.heard(same)]
                assert news[0] == news[1]
                assert news[0]["bids"] == [["900", "0"]]
                assert len(replica.feeds) == 1
                assert len(trading.sequencer.network.channels) == 1

    run(story())


def test_orders_and_trades_are_told_as_the_sequencer_tells_them(tmp_path: Path) -> None:
    async def story() -> None:
        async with trading_peers(tmp_path) as trading:
            buyer, seller = trading.hall.traders[:2]
            replica = await trading.replica(trading.sequencer)
            await leads(replica, trading.sequencer)
            async with replica.client() as client:
                trades = await client.subscribe("trades", market=0)
                own = await client.subscribe("orders", account=buyer.account)
                await trading.hall.exchange.place(buyer.buy(10, 1_000))
                await trading.hall.exchange.place(seller.sell(10, 1_000))
                fill = await client.heard(trades)
                assert (fill["priceP8"], fill["sizeS8"], fill["state"]) == ("1000", "10", "matched")
                assert (await client.heard(own))["order"]["status"] == "live"
                assert (await heard_type(client, own, "fill"))["fill"] == fill
                ended = await client.answer("trade_unsubscribe", own)
                assert ended["result"] is True

    run(story())


def test_error_of_a_subscription_is_the_sequencers_own(tmp_path: Path) -> None:
    async def story() -> None:
        async with trading_peers(tmp_path) as trading:
            replica = await trading.replica(trading.sequencer)
            await leads(replica, trading.sequencer)
            async with replica.client() as client:
                answer = await client.answer("trade_subscribe", "book", {"market": 63})
                assert answer["error"]["data"] == {"reason": "unknown-market"}
                answer = await client.answer("trade_subscribe", "book", {"market": 0, "depth": 3})
                assert (answer["error"]["code"], answer["error"]["message"][:5]) == (
                    -32602,
                    "depth",
                )
                answer = await client.answer("trade_subscribe", "book", [])
                assert answer["error"]["code"] == -32602
                answer = await client.answer("trade_subscribe", "wishes", {})
                assert answer["error"]["message"] == 'no "wishes" subscription in trade namespace'
                assert len(replica.feeds) == 0

    run(story())


def test_lonely_replica_has_no_news_and_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        async with trading_peers(tmp_path) as trading:
            replica = await trading.replica()
            async with replica.client() as client:
                answer = await client.answer("trade_subscribe", "book", {"market": 0})
                assert answer["error"]["code"] == -32002

    run(story())


def test_replica_is_told_by_another_that_the_sequencer_tells(tmp_path: Path) -> None:
    async def story() -> None:
        async with trading_peers(tmp_path) as trading:
            trading.sequencer.sequence()
            near = await trading.replica(trading.sequencer)
            await until(lambda: near.member.head > 0, "a block")
            await leads(near, trading.sequencer)
            far = await trading.replica(near.member)
            await leads(far, near.member)
            # Far heard of the sequencer too, and would ask it; it forgets the peer it has there.
            await leads(far, trading.sequencer)
            del far.member.network.peers[trading.sequencer.network.peer]
            async with far.client() as client, near.client() as other:
                book = await client.subscribe("book", market=0)
                same = await other.subscribe("book", market=0)
                assert await client.heard(book) == await other.heard(same)
                await trading.hall.exchange.place(trading.hall.traders[0].buy(10, 900))
                assert await heard_type(client, book, "delta")
                assert len(near.member.network.channels) == 2
                assert len(trading.sequencer.network.channels) == 1

    run(story())


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, signal.SIGSTOP],
    ids=["own host killed", "sequencer's host stalled"],
)
def test_lost_way_is_told_and_a_snapshot_begins_the_book_again(
    tmp_path: Path, number: signal.Signals
) -> None:
    async def story() -> None:
        async with trading_peers(tmp_path) as trading:
            buyer = trading.hall.traders[0]
            replica = await trading.replica(trading.sequencer)
            await leads(replica, trading.sequencer)
            async with replica.client() as client:
                book = await client.subscribe("book", market=0)
                trades = await client.subscribe("trades", market=0)
                assert (await client.heard(book))["type"] == "snapshot"
                is_own = number is signal.SIGKILL
                lost = (replica.member if is_own else trading.sequencer).host_pid
                os.kill(lost, number)
                try:
                    assert "news are missed" in (await client.heard(book))["message"]
                    assert (await client.heard(trades))["type"] == "lost"
                    await trading.hall.exchange.place(buyer.buy(10, 900))
                finally:
                    if not is_own:
                        os.kill(lost, signal.SIGCONT)
                again = await heard_type(client, book, "snapshot")
                assert again["bids"] == [["900", "10"]]
                assert await heard_type(client, trades, "resumed")
                await trading.hall.exchange.place(buyer.buy(10, 800))
                delta = await client.heard(book)
                assert (delta["type"], delta["previous"]) == ("delta", again["sequence"])

    run(story())


def test_subscriptions_beyond_the_limit_are_refused_and_idle_ones_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = 4
    assert few < FEEDS_MAX
    monkeypatch.setattr("node.p2p.feeds.FEEDS_MAX", few)

    async def story() -> None:
        async with trading_peers(tmp_path) as trading:
            replica = await trading.replica(trading.sequencer)
            await leads(replica, trading.sequencer)
            async with replica.client() as client:
                held = [await client.subscribe("orders", account=1 + n) for n in range(few)]
                answer = await client.answer("trade_subscribe", "orders", {"account": 99})
                assert answer["error"]["code"] == -32005
                await client.answer("trade_unsubscribe", held[0])
                answer = await client.answer("trade_subscribe", "orders", {"account": 99})
                assert "result" in answer
                assert len(replica.feeds) == few

    run(story())


def test_client_of_a_feed_that_was_let_go_joins_the_one_in_its_place(tmp_path: Path) -> None:
    async def story() -> None:
        feeds = Feeds(make_network(Rig(), tmp_path))
        key = FeedKey.of("trades", {"market": 0})
        first, second = (RemoteFeed(key, feeds._want, 0.0) for _ in range(2))
        feeds._want(first)
        feeds._let_go(first)
        feeds._want(second)
        told: list[object] = []
        share = first.subscription(
            "trades", {}, lambda _, news: told.append(json.loads(msgspec.json.encode(news)))
        )
        share.start()
        assert first.is_idle
        assert not second.is_idle
        second.begin()
        assert told[-1] == RESUMED
        share.stop()
        assert second.is_idle

    run(story())
