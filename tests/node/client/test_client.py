"""Both clients against a real node: orders, reads, news, and connections that get lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from node.client import (
    BUY,
    SELL,
    AsyncTradeClient,
    Gap,
    NoAccount,
    NotConnected,
    OrderRefused,
    OutcomeUnknown,
    Refusal,
    RequestRefused,
    TradeClient,
    limit,
    market_order,
    stop,
)
from sequencer.matching.events import FillState
from sequencer.matching.inputs import CancelReason, Outcome
from sequencer.matching.views import OrderStatus
from tests.node.client.cable import Cable, cable_to
from tests.node.client.conftest import RAISED
from tests.node.rpc.trade.venue import TX, Venue
from tests.sequencer.exchange.hall import run
from tests.sequencer.exchange.house import key, state_of

BTC = 0
PRICE = 1_000


@asynccontextmanager
async def trader(venue: Venue, index: int, url: str = "") -> AsyncIterator[AsyncTradeClient]:
    """A client of one of the traders, whose orders are gone in the end."""
    client = AsyncTradeClient(
        url or venue.node.ws_url, key(index), index + 1, clock=venue.hall.clock
    )
    async with client:
        yield client
        venue.hall.clock.advance(1)
        await client.cancel_all()


@asynccontextmanager
async def on_cable(venue: Venue) -> AsyncIterator[tuple[Cable, AsyncTradeClient]]:
    async with cable_to(venue.node.url) as cable, trader(venue, 0, cable.url) as client:
        yield cable, client


@pytest.fixture
def url(venue: Venue, request: pytest.FixtureRequest) -> str:
    return venue.node.url if request.param == "http" else venue.node.ws_url


both_ways = pytest.mark.parametrize("url", ["http", "websocket"], indirect=True)


# Orders


@both_ways
def test_order_is_placed_read_and_cancelled(venue: Venue, url: str) -> None:
    async def story() -> None:
        async with trader(venue, 0, url) as client:
            placed = await client.place(limit(BTC, BUY, 10, PRICE).post_only().named("mine"))
            assert placed.order.status is OrderStatus.LIVE
            assert placed.order.is_post_only
            assert await client.order("mine") == await client.order(placed.order.hash)
            assert await client.orders(BTC) == [placed.order]
            assert (await client.book(BTC)).bids == ((PRICE, 10),)
            assert await client.cancel(placed.order.hash) == (placed.order.hash,)
            gone = await client.order(placed.order.hash)
            assert gone is not None
            assert gone.reason is CancelReason.REQUESTED

    run(story())


def test_trade_between_two_clients_is_told_with_its_fills(venue: Venue) -> None:
    async def story() -> None:
        async with trader(venue, 0) as maker, trader(venue, 1) as taker:
            resting = await maker.place(limit(BTC, SELL, 10, PRICE))
            taken = await taker.place(market_order(BTC, BUY, 5, bound=PRICE + 10))
            (fill,) = taken.fills
            assert (fill.maker_order, fill.price) == (resting.order.hash, PRICE)
            assert (fill.change(2), fill.change(1), fill.change(3)) == (5, -5, 0)
            assert (await maker.fills())[0] == (await taker.trades(BTC))[0] == fill
            start = venue.hall.clock.now() // 60 * 60
            (candle,) = await taker.candles(BTC, "1m", start, start + 60)
            assert candle.close == PRICE

    run(story())


def test_replacement_takes_the_old_orders_place(venue: Venue) -> None:
    async def story() -> None:
        async with trader(venue, 0) as client:
            old = await client.place(limit(BTC, BUY, 10, PRICE))
            new = await client.replace(old.order.hash, limit(BTC, BUY, 10, PRICE - 10))
            assert await client.orders() == [new.order]

    run(story())


def test_stop_waits_for_its_trigger(venue: Venue) -> None:
    async def story() -> None:
        async with trader(venue, 0) as client:
            placed = await client.place(stop(BTC, SELL, 10, trigger=900, price=800))
            assert placed.order.status is OrderStatus.WAITING
            assert placed.order.trigger is not None
            assert placed.order.trigger.price == 900

    run(story())


def test_refusal_has_its_reason_and_the_nodes_words(venue: Venue) -> None:
    async def story() -> None:
        async with trader(venue, 0) as client:
            with pytest.raises(OrderRefused, match="the tick 10") as caught:
                await client.place(limit(BTC, BUY, 10, PRICE + 1))
            assert caught.value.reason is Refusal.OFF_TICK

    run(story())


def test_used_nonce_costs_another_signature_and_not_the_order(venue: Venue) -> None:
    async def story() -> None:
        places = iter([77, 5_000])
        client = AsyncTradeClient(
            venue.node.ws_url, key(2), 3, clock=venue.hall.clock, nonce_place=lambda: next(places)
        )
        venue.hall.house.fills[3, 77] = 1
        async with client:
            placed = await client.place(limit(BTC, BUY, 10, PRICE))
            assert placed.order.nonce == 5_000
            await client.cancel(placed.order.hash)

    run(story())


def test_order_is_of_the_epoch_that_the_chain_has(venue: Venue) -> None:
    async def story() -> None:
        async with trader(venue, RAISED) as client:
            placed = await client.place(limit(BTC, BUY, 10, PRICE))
            assert placed.order.nonce >> 32 == 1

    run(story())


def test_epoch_that_the_exchange_sees_first_is_refused_in_the_end(venue: Venue) -> None:
    async def story() -> None:
        venue.hall.house.accounts[3] = state_of(2, epoch=7)
        async with trader(venue, 2) as client:
            with pytest.raises(OrderRefused) as caught:
                await client.place(limit(BTC, BUY, 10, PRICE))
            assert caught.value.reason is Refusal.WRONG_EPOCH
            venue.hall.house.accounts[3] = state_of(2)

    run(story())


def test_client_without_key_reads_and_does_not_sign(venue: Venue) -> None:
    async def story() -> None:
        async with AsyncTradeClient(venue.node.url) as client:
            assert (await client.book(BTC)).market == BTC
            with pytest.raises(NoAccount, match="trading needs a key"):
                await client.place(limit(BTC, BUY, 10, PRICE))
            with pytest.raises(RequestRefused, match="use ws://"):
                await client.follow_trades(BTC)

    run(story())


# News


def test_followed_book_equals_the_nodes(venue: Venue) -> None:
    async def story() -> None:
        async with trader(venue, 0) as client:
            books = client.follow_book(BTC)
            assert (await anext(books)).best_bid is None
            for price in (PRICE - 20, PRICE - 10, PRICE - 30):
                await client.place(limit(BTC, BUY, 10, price))
            await client.place(limit(BTC, SELL, 15, PRICE + 10))
            while (book := await anext(books)).best_ask is None:
                pass
            known, told = book.levels(20), await client.book(BTC)
            assert (known.bids, known.asks) == (told.bids, told.asks)
            assert book.sequence == told.sequence
            await books.aclose()

    run(story())


def test_news_of_a_fill_end_with_its_settlement(venue: Venue) -> None:
    async def story() -> None:
        async with trader(venue, 0) as maker, trader(venue, 1) as taker:
            await maker.place(limit(BTC, SELL, 10, PRICE))
            news = await taker.follow_orders()
            (fill,) = (await taker.place(limit(BTC, BUY, 10, PRICE))).fills
            settled = Outcome(time=0, block=9, transaction=TX, settled=(fill.id,))
            await asyncio.to_thread(venue.record, settled)
            states = []
            async for one in news:
                if not isinstance(one, Gap) and one.fill is not None:
                    states.append(one.fill.state)
                    if one.fill.state is FillState.UNSAFE:
                        break
            assert states == [FillState.MATCHED, FillState.UNSAFE]
            assert one.fill.transaction == TX

    run(story())


def test_news_of_each_block_are_margin_mark_and_funding(venue: Venue) -> None:
    async def story() -> None:
        async with trader(venue, 0) as client:
            margin, mark, funding = (
                await client.follow_margin(),
                await client.follow_mark(BTC),
                await client.follow_funding(BTC),
            )
            number = await asyncio.to_thread(venue.node.mine)
            standing, prices, rates = [await anext(each) for each in (margin, mark, funding)]
            assert not isinstance(standing, Gap)
            assert not isinstance(prices, Gap)
            assert not isinstance(rates, Gap)
            assert standing.standing == (await client.account_facts()).standing
            assert prices.mark == (await client.market_terms(BTC)).mark
            assert {standing.block, prices.block, rates.block} == {number}

    run(story())


# Connections


def test_book_is_right_again_after_the_connection_was_lost(venue: Venue) -> None:
    async def story() -> None:
        async with on_cable(venue) as (cable, client), trader(venue, 1) as other:
            books = client.follow_book(BTC)
            await anext(books)
            cable.cut()
            await other.place(limit(BTC, BUY, 10, PRICE))
            while (await anext(books)).best_bid != (PRICE, 10):
                pass
            await books.aclose()

    run(story())


def test_stream_tells_of_the_gap_and_goes_on(venue: Venue) -> None:
    async def story() -> None:
        async with on_cable(venue) as (cable, client):
            news = await client.follow_orders()
            cable.cut()
            assert isinstance(await anext(news), Gap)
            await client.place(limit(BTC, BUY, 10, PRICE))
            one = await anext(news)
            assert not isinstance(one, Gap)
            assert one.order is not None
            await news.aclose()

    run(story())


def test_order_whose_answer_was_lost_is_found_and_not_placed_twice(venue: Venue) -> None:
    async def story() -> None:
        async with on_cable(venue) as (cable, client):
            known = venue.hall.exchange.engine.sequence
            cable.is_deaf = True
            placing = asyncio.create_task(client.place(limit(BTC, BUY, 10, PRICE)))
            while not await asyncio.to_thread(_open_orders, venue):
                await asyncio.sleep(0)
            cable.cut()
            cable.is_deaf = False
            placed = await placing
            assert await client.orders() == [placed.order]
            assert venue.hall.exchange.engine.sequence > known

    run(story())


def test_cancel_whose_answer_was_lost_says_that_nobody_knows(venue: Venue) -> None:
    async def story() -> None:
        async with on_cable(venue) as (cable, client):
            cable.is_deaf = True
            cable.passed.clear()
            cancelling = asyncio.create_task(client.cancel_all())
            await cable.passed.wait()
            cable.cut()
            cable.is_deaf = False
            with pytest.raises(OutcomeUnknown, match="trade_cancelAll"):
                await cancelling

    run(story())


def test_silent_port_is_said_to_be_one() -> None:
    async def story() -> None:
        server = await asyncio.start_server(_hang_up, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotConnected, match=f"{port}"):
            async with AsyncTradeClient(f"ws://127.0.0.1:{port}"):
                pass
        server.close()

    run(story())


def _open_orders(venue: Venue) -> int:
    return len(venue.hall.exchange.engine.orders_of(1))


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


# Without asyncio


@pytest.fixture
def sync_client(venue: Venue) -> Iterator[TradeClient]:
    with TradeClient(venue.node.ws_url, key(0), 1, clock=venue.hall.clock) as client:
        yield client
        venue.hall.clock.advance(1)
        client.cancel_all()


def test_client_without_asyncio_trades_and_follows(sync_client: TradeClient) -> None:
    news = sync_client.follow_orders()
    placed = sync_client.place(limit(BTC, BUY, 10, PRICE))
    first = next(news)
    assert not isinstance(first, Gap)
    assert first.order == placed.order
    book = next(iter(sync_client.follow_book(BTC)))
    assert book.best_bid == (PRICE, 10)
    news.close()  # type: ignore[attr-defined]


def test_client_without_asyncio_raises_what_the_other_does(sync_client: TradeClient) -> None:
    with pytest.raises(OrderRefused) as caught:
        sync_client.place(limit(99, BUY, 10, PRICE))
    assert caught.value.reason is Refusal.UNKNOWN_MARKET
