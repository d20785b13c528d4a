"""Batch auctions: the price, who trades, and that each pair can be settled."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.margin import OrderFlag
from sequencer.matching.clearing import clearing_price
from sequencer.matching.entry import Entry
from sequencer.matching.events import Event, Matched
from sequencer.matching.inputs import CancelReason
from sequencer.matching.limits import AUCTION_ROUNDS_MAX
from sequencer.matching.orders import BookOrder
from sequencer.matching.pairing import pair_off
from sequencer.matching.views import OrderStatus
from tests.sequencer.matching.table import AUCTION, Table, only, order

IOC, FOK, POST_ONLY = OrderFlag.IOC, OrderFlag.FOK, OrderFlag.POST_ONLY


def gather(table: Table, *orders: BookOrder) -> list[Event]:
    """Place orders and hold the auction; its events."""
    for one in orders:
        assert table.trades(table.place(one)) == []
    return table.do("Clear", markets=(AUCTION,))


def bid(
    number: int, size: int, price: int, flags: OrderFlag = OrderFlag.NONE, **more: int
) -> BookOrder:
    return order(number, "buy", size, price, flags, market=AUCTION, **more)


def ask(
    number: int, size: int, price: int, flags: OrderFlag = OrderFlag.NONE, **more: int
) -> BookOrder:
    return order(number, "sell", size, price, flags, market=AUCTION, **more)


# The price


def price_of(
    bids: list[BookOrder], asks: list[BookOrder], tick: int, mark: int | None
) -> int | None:
    def entries(orders: list[BookOrder]) -> list[Entry]:
        return [Entry(one, one.size, 0, one.nonce) for one in orders]

    return clearing_price(entries(bids), entries(asks), tick, mark)


def test_price_with_the_most_volume_wins() -> None:
    bids = [bid(1, 5, 110), bid(2, 5, 105)]
    asks = [ask(3, 4, 100), ask(4, 6, 104)]
    assert price_of(bids, asks, 1, 120) == 105
    assert price_of(bids, asks, 1, 90) == 104


def test_price_with_the_least_surplus_wins_among_equal_volumes() -> None:
    # At 100 to 105 5 trade; up to 102 eight are wanted, above it only five.
    bids = [bid(1, 5, 105), bid(2, 3, 102)]
    asks = [ask(3, 5, 100)]
    assert price_of(bids, asks, 1, 101) == 103


@pytest.mark.parametrize(
    ("mark", "price"), [(None, 104), (90, 96), (107, 106), (102, 102), (101, 100), (120, 112)]
)
def test_price_nearest_to_the_mark_wins_and_of_two_the_lower(mark: int | None, price: int) -> None:
    assert price_of([bid(1, 5, 112)], [ask(2, 5, 96)], 2, mark) == price


def test_price_without_meeting_orders_is_none() -> None:
    assert price_of([bid(1, 5, 99)], [ask(2, 5, 100)], 1, 100) is None
    assert price_of([], [ask(2, 5, 100)], 1, 100) is None


SIZES, PRICES = st.integers(1, 6), st.integers(1, 12)
CURVE = st.lists(st.tuples(SIZES, PRICES), max_size=8)


@given(CURVE, CURVE, st.sampled_from([1, 2, 3]), st.none() | st.integers(1, 40))
def test_price_is_the_best_of_all_ticks(
    buys: list[tuple[int, int]], sells: list[tuple[int, int]], tick: int, mark: int | None
) -> None:
    bids = [bid(n, size, price * tick) for n, (size, price) in enumerate(buys)]
    asks = [ask(n, size, price * tick) for n, (size, price) in enumerate(sells)]
    price = price_of(bids, asks, tick, mark)
    if mark is None and bids and asks:
        mark = (max(b.price for b in bids) + min(a.price for a in asks)) // 2

    def rating(at: int) -> tuple[int, int, int, int]:
        bought = sum(b.size for b in bids if b.price >= at)
        sold = sum(a.size for a in asks if a.price <= at)
        return -min(bought, sold), abs(bought - sold), abs(at - (mark or 0)), at

    best = min(rating(at) for at in range(tick, 13 * tick, tick))
    assert price == (best[3] if best[0] else None)


# Who trades


def test_auction_trades_all_pairs_at_one_price() -> None:
    table = Table()
    events = gather(table, bid(1, 5, 110), bid(2, 5, 105), ask(3, 4, 100), ask(4, 6, 104))
    assert {(event.fill.price, event.fill.is_auction) for event in only(Matched, events)} == {
        (105, True)
    }
    assert table.trades(events) == [(3, 1, 4, 105), (4, 1, 1, 105), (4, 2, 5, 105)]
    assert (table.bids(AUCTION), table.asks(AUCTION)) == ([], [])


def test_auction_rations_the_longer_side_by_price_and_then_time() -> None:
    table = Table()
    gather(table, bid(1, 5, 100), bid(2, 5, 100), bid(3, 5, 101), ask(4, 7, 100))
    assert [table.see(n).filled for n in (1, 2, 3)] == [2, 0, 5]
    events = gather(table, ask(5, 4, 100))
    assert table.trades(events) == [(5, 1, 3, 100), (5, 2, 1, 100)]


def test_auction_does_not_pair_orders_of_one_owner() -> None:
    table = Table()
    events = gather(table, bid(1, 5, 100, owner=9), ask(2, 5, 100, owner=9), ask(3, 5, 100))
    assert table.trades(events) == [(3, 1, 5, 100)]
    assert table.asks(AUCTION) == [(100, 5)]


def test_auction_steps_over_an_owners_orders_a_few_times_each() -> None:
    """Many on both sides, in front of somebody else's."""
    looks = 0

    class Counted(Entry):
        @property
        def order(self) -> BookOrder:
            nonlocal looks
            looks += 1
            return self._order

        @order.setter
        def order(self, order: BookOrder) -> None:
            self._order = order

    def entries(orders: list[BookOrder]) -> list[Entry]:
        return [Counted(one, one.size, 0, one.nonce) for one in orders]

    many = 300
    bids = entries([bid(number, 5, 100, owner=1) for number in range(many)])
    asks = entries([ask(many + number, 5, 100, owner=1) for number in range(many)])
    other = entries([ask(2 * many, 5, 100, owner=2)])
    looks = 0
    (pair,) = pair_off(bids, [*asks, *other])
    assert {pair.taker, pair.maker} == {bids[0], *other}
    assert looks < 40 * many


def test_auction_makes_post_only_the_maker_and_immediate_the_taker() -> None:
    table = Table()
    assert table.trades(gather(table, bid(1, 5, 100), ask(2, 5, 100, POST_ONLY))) == [
        (1, 2, 5, 100)
    ]
    assert table.trades(gather(table, bid(3, 5, 100, IOC), ask(4, 5, 100))) == [(3, 4, 5, 100)]
    assert table.trades(gather(table, bid(5, 5, 100, POST_ONLY), ask(6, 5, 100, IOC))) == [
        (6, 5, 5, 100)
    ]


@pytest.mark.parametrize("flag", [POST_ONLY, IOC])
def test_auction_skips_pairs_that_have_one_role_in_common(flag: OrderFlag) -> None:
    table = Table()
    events = gather(table, bid(1, 5, 100, flag), ask(2, 5, 100, flag), ask(3, 5, 100))
    assert [sorted(trade[:2]) for trade in table.trades(events)] == [[1, 3]]


def test_auction_ioc_gathers_and_leaves_after_it() -> None:
    table = Table()
    events = gather(table, bid(1, 5, 100, IOC), ask(2, 3, 100), bid(3, 5, 90, IOC))
    assert table.trades(events) == [(1, 2, 3, 100)]
    assert table.left(events) == [
        (1, CancelReason.IMMEDIATE_REST),
        (3, CancelReason.IMMEDIATE_REST),
    ]


def test_auction_fok_fills_whole_or_leaves_the_price_to_the_others() -> None:
    table = Table()
    events = gather(table, bid(1, 9, 110, FOK), bid(2, 5, 100), ask(3, 8, 95))
    assert table.trades(events) == [(3, 2, 5, events[0].fill.price)]  # type: ignore[union-attr]
    assert table.left(events) == [(1, CancelReason.FOK_UNFILLED)]
    events = gather(table, bid(4, 3, 95, FOK))
    assert table.trades(events) == [(4, 3, 3, 95)]


def test_auction_last_fok_to_come_drops_out_first() -> None:
    table = Table()
    # Either could be filled by itself; the price reaches both.
    events = gather(table, ask(1, 5, 100), bid(2, 5, 100, FOK), bid(3, 5, 100, FOK))
    assert table.trades(events) == [(2, 1, 5, 100)]
    assert table.left(events) == [(3, CancelReason.FOK_UNFILLED)]


def test_auction_of_two_broken_foks_the_later_goes_though_it_would_have_fitted() -> None:
    table = Table()
    # Two are left of the ask behind bid 2: too few for bid 3, enough for bid 4, which came last.
    events = gather(table, ask(1, 5, 100), bid(2, 3, 101), bid(3, 4, 100, FOK), bid(4, 2, 100, FOK))
    assert [trade[:3] for trade in table.trades(events)] == [(2, 1, 3)]


def test_auction_gives_up_on_fok_after_its_rounds() -> None:
    table = Table()
    greedy = [bid(10 + n, 50, 100, FOK) for n in range(AUCTION_ROUNDS_MAX + 3)]
    events = gather(table, ask(1, 5, 100), bid(2, 5, 100), *greedy)
    assert table.trades(events) == [(2, 1, 5, 100)]
    assert len(table.left(events)) == len(greedy)


def test_auction_fok_that_may_reduce_less_than_its_size_is_cancelled() -> None:
    table = Table()
    events = table.place(bid(1, 5, 100, FOK | OrderFlag.REDUCE_ONLY), most=4)
    assert table.left(events) == [(1, CancelReason.FOK_UNFILLED)]


def test_clear_of_a_continuous_market_does_nothing() -> None:
    table = Table()
    table.place(order(1, "buy", 5, 100))
    assert table.do("Clear", markets=(1,)) == []


def test_market_that_becomes_continuous_loses_what_gathered() -> None:
    table = Table()
    table.place(bid(1, 5, 100))
    table.place(ask(2, 5, 90))
    events = table.do("ListMarket", market=AUCTION, tick=1, lot=1)
    assert table.left(events) == [(1, CancelReason.MARKET_CLOSED), (2, CancelReason.MARKET_CLOSED)]


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell"]),
        SIZES,
        PRICES,
        st.sampled_from([OrderFlag.NONE, OrderFlag.NONE, POST_ONLY, IOC, FOK, POST_ONLY | IOC]),
        st.integers(1, 4),
    ),
    max_size=14,
)


@settings(max_examples=200)
@given(ORDERS)
def test_auction_of_anything_can_be_settled(
    rows: list[tuple[str, int, int, OrderFlag, int]],
) -> None:
    table = Table()
    orders = {
        n: order(n, side, size, price, flags, owner=owner, market=AUCTION)
        for n, (side, size, price, flags, owner) in enumerate(rows, 1)
    }
    fills = [event.fill for event in only(Matched, gather(table, *orders.values()))]
    by_hash = {one.hash: one for one in orders.values()}
    traded: Counter[bytes] = Counter()
    assert len({fill.price for fill in fills}) <= 1
    for fill in fills:
        taker, maker = by_hash[fill.taker], by_hash[fill.maker]
        buy, sell = (taker, maker) if taker.is_buy else (maker, taker)
        assert sell.price <= fill.price <= buy.price
        assert taker.owner != maker.owner
        assert not taker.is_post_only
        assert not maker.is_immediate
        traded.update({taker.hash: fill.size, maker.hash: fill.size})
    for one in by_hash.values():
        assert traded[one.hash] <= one.size
        if one.is_all_or_nothing:
            assert traded[one.hash] in (0, one.size)
        view = table.engine.order(one.hash)
        assert view is not None
        assert view.left + view.filled == one.size
        if one.is_immediate:
            assert view.status is not OrderStatus.LIVE


@given(ORDERS)
def test_auction_of_plain_orders_trades_all_that_its_price_allows(
    rows: list[tuple[str, int, int, OrderFlag, int]],
) -> None:
    table = Table()
    orders = [
        order(n, side, size, price, market=AUCTION)
        for n, (side, size, price, _, _) in enumerate(rows, 1)
    ]
    bids = [one for one in orders if one.is_buy]
    asks = [one for one in orders if not one.is_buy]
    fills = [event.fill for event in only(Matched, gather(table, *orders))]
    price = price_of(bids, asks, 1, None)
    assert {fill.price for fill in fills} == ({price} if price else set())
    if price is None:
        return
    bought = sum(one.size for one in bids if one.price >= price)
    sold = sum(one.size for one in asks if one.price <= price)
    assert sum(fill.size for fill in fills) == min(bought, sold)
    for side in (bids, asks):
        # Whoever got something is served in full before anybody behind him gets anything.
        ranked = sorted(side, key=lambda one: (-one.price if one.is_buy else one.price, one.nonce))
        lefts = [table.see(one.nonce).left for one in ranked]
        fills_of = [table.see(one.nonce).filled for one in ranked]
        served = [n for n, filled in enumerate(fills_of) if filled]
        assert all(left == 0 for left in lefts[: served[-1]])
