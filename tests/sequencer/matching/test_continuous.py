"""Continuous matching: who trades with whom, at which price, and what each order type does."""

import pytest

from execution.margin import OrderFlag
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import Accepted, LevelChanged, Resized, Triggered
from sequencer.matching.inputs import CancelReason
from sequencer.matching.limits import SETTLING_SECONDS
from sequencer.matching.orders import BookOrder, SelfTradePrevention, Trigger, TriggerKind
from sequencer.matching.views import OrderStatus
from state.errors import InternalError
from tests.sequencer.matching.table import AUCTION, LATER, NOW, PERP, Table, name, only, order

IOC, FOK, POST_ONLY = OrderFlag.IOC, OrderFlag.FOK, OrderFlag.POST_ONLY
REDUCE_ONLY = OrderFlag.REDUCE_ONLY
REST = CancelReason.IMMEDIATE_REST


@pytest.fixture
def table() -> Table:
    return Table()


# Priority and price


def test_match_better_price_goes_before_earlier_time(table: Table) -> None:
    table.place(order(1, "sell", 5, 101))
    table.place(order(2, "sell", 5, 100))
    table.place(order(3, "sell", 5, 100))
    events = table.place(order(4, "buy", 12, 101))
    assert table.trades(events) == [(4, 2, 5, 100), (4, 3, 5, 100), (4, 1, 2, 101)]
    assert table.asks() == [(101, 3)]


def test_match_sell_taker_gets_the_bids_price_best_first(table: Table) -> None:
    table.place(order(1, "buy", 5, 99))
    table.place(order(2, "buy", 5, 100))
    assert table.trades(table.place(order(3, "sell", 7, 90))) == [(3, 2, 5, 100), (3, 1, 2, 99)]


def test_match_beyond_the_limit_rests_instead(table: Table) -> None:
    table.place(order(1, "sell", 5, 101))
    assert table.trades(table.place(order(2, "buy", 5, 100))) == []
    assert (table.bids(), table.asks()) == ([(100, 5)], [(101, 5)])


def test_match_partly_filled_order_keeps_its_place(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "sell", 5, 100))
    table.place(order(3, "buy", 2, 100))
    assert table.trades(table.place(order(4, "buy", 4, 100))) == [(4, 1, 3, 100), (4, 2, 1, 100)]


def test_match_whole_order_is_filled_and_leaves_the_book(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "buy", 5, 100))
    for which in (1, 2):
        view = table.see(which)
        assert (view.status, view.left, view.filled) == (OrderStatus.FILLED, 0, 5)
        assert view.fills == (1,)
    assert table.engine.orders_of(1) == []


def test_place_known_hash_changes_nothing(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    assert table.place(order(1, "sell", 5, 100)) == []
    assert table.asks() == [(100, 5)]


def test_place_events_tell_of_each_changed_level_once(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "sell", 5, 100))
    events = table.place(order(3, "buy", 12, 100))
    assert [type(event).__name__ for event in events][-2:] == ["LevelChanged"] * 2
    assert only(LevelChanged, events) == [
        LevelChanged(PERP, False, 100, 0),
        LevelChanged(PERP, True, 100, 2),
    ]


# Order types


def test_ioc_rest_is_cancelled(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    events = table.place(order(2, "buy", 8, 100, IOC))
    assert table.trades(events) == [(2, 1, 5, 100)]
    assert table.left(events) == [(2, REST)]
    assert table.see(2).left == 3
    assert table.bids() == []


def test_fok_whole_size_there_trades(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "sell", 5, 101))
    assert len(table.trades(table.place(order(3, "buy", 10, 101, FOK)))) == 2


def test_fok_one_missing_has_no_effect(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "sell", 4, 101))
    events = table.place(order(3, "buy", 10, 101, FOK))
    assert table.trades(events) == []
    assert table.left(events) == [(3, CancelReason.FOK_UNFILLED)]
    assert table.asks() == [(100, 5), (101, 4)]


@pytest.mark.parametrize("mode", SelfTradePrevention)
def test_fok_that_own_orders_keep_from_filling_leaves_them_alone(
    table: Table, mode: SelfTradePrevention
) -> None:
    table.place(order(1, "sell", 5, 100, owner=9))
    table.place(order(2, "sell", 9, 101))
    events = table.place(order(3, "buy", 10, 101, FOK, owner=9, prevention=mode))
    assert table.left(events) == [(3, CancelReason.FOK_UNFILLED)]
    assert table.asks() == [(100, 5), (101, 9)]


def test_fok_that_may_reduce_less_than_its_size_is_cancelled(table: Table) -> None:
    table.place(order(1, "sell", 10, 100))
    events = table.place(order(2, "buy", 10, 100, FOK | REDUCE_ONLY), most=9)
    assert table.left(events) == [(2, CancelReason.FOK_UNFILLED)]


def test_post_only_at_the_others_price_is_cancelled(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    events = table.place(order(2, "buy", 5, 100, POST_ONLY))
    assert table.left(events) == [(2, CancelReason.POST_ONLY_WOULD_TAKE)]
    assert table.asks() == [(100, 5)]


def test_post_only_below_rests_and_is_a_maker(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "buy", 5, 99, POST_ONLY))
    assert table.trades(table.place(order(3, "sell", 5, 99))) == [(3, 2, 5, 99)]


def test_reduce_only_trades_no_more_than_most(table: Table) -> None:
    table.place(order(1, "sell", 10, 100))
    table.place(order(2, "buy", 10, 100, REDUCE_ONLY), most=4)
    assert table.asks() == [(100, 6)]
    assert table.see(2).status is OrderStatus.FILLED
    assert table.bids() == []


def test_reduce_only_without_position_is_cancelled(table: Table) -> None:
    events = table.place(order(1, "buy", 10, 100, REDUCE_ONLY), most=0)
    assert table.left(events) == [(1, CancelReason.NOT_REDUCING)]


def test_most_is_rounded_down_to_lots() -> None:
    table = Table(lot=10)
    table.place(order(1, "buy", 50, 100, REDUCE_ONLY), most=29)
    assert table.bids() == [(100, 20)]


@pytest.mark.parametrize(("size", "price"), [(15, 100), (10, 101)])
def test_place_off_the_grid_is_cancelled(size: int, price: int) -> None:
    table = Table(tick=2, lot=10)
    events = table.place(order(1, "buy", size, price))
    assert table.left(events) == [(1, CancelReason.OFF_GRID)]


# Self-trade prevention


def own_pair(table: Table, mode: SelfTradePrevention, size: int) -> list[tuple[int, CancelReason]]:
    """Own ask 1 (5 @ 100) before ask 2 (5 @ 101) of another; own bid 3 takes. Who left?"""
    table.place(order(1, "sell", 5, 100, owner=9))
    table.place(order(2, "sell", 5, 101))
    return table.left(table.place(order(3, "buy", size, 101, owner=9, prevention=mode)))


def test_expire_taker_stops_the_taker_only(table: Table) -> None:
    left = own_pair(table, SelfTradePrevention.EXPIRE_TAKER, 8)
    assert left == [(3, CancelReason.SELF_TRADE)]
    assert (table.bids(), table.asks()) == ([], [(100, 5), (101, 5)])


def test_expire_maker_lets_the_taker_go_on(table: Table) -> None:
    left = own_pair(table, SelfTradePrevention.EXPIRE_MAKER, 8)
    assert left == [(1, CancelReason.SELF_TRADE)]
    assert (table.bids(), table.asks()) == ([(101, 3)], [])
    assert table.see(3).filled == 5


def test_expire_both_stops_the_taker_and_takes_the_maker(table: Table) -> None:
    left = own_pair(table, SelfTradePrevention.EXPIRE_BOTH, 8)
    assert left == [(1, CancelReason.SELF_TRADE), (3, CancelReason.SELF_TRADE)]
    assert (table.bids(), table.asks()) == ([], [(101, 5)])


@pytest.mark.parametrize(
    ("size", "left", "bids", "asks"),
    [
        (8, [(1, CancelReason.DECREMENTED)], [], [(101, 2)]),
        (3, [(3, CancelReason.DECREMENTED)], [], [(100, 2), (101, 5)]),
        (5, [(3, CancelReason.DECREMENTED), (1, CancelReason.DECREMENTED)], [], [(101, 5)]),
    ],
)
def test_decrement_takes_the_smaller_size_from_both(
    table: Table,
    size: int,
    left: list[tuple[int, CancelReason]],
    bids: list[tuple[int, int]],
    asks: list[tuple[int, int]],
) -> None:
    assert own_pair(table, SelfTradePrevention.DECREMENT, size) == left
    assert (table.bids(), table.asks()) == (bids, asks)


def test_prevention_mode_of_the_maker_is_of_no_account(table: Table) -> None:
    table.place(order(1, "sell", 5, 100, owner=9, prevention=SelfTradePrevention.EXPIRE_MAKER))
    events = table.place(order(2, "buy", 5, 100, owner=9))
    assert table.left(events) == [(2, CancelReason.SELF_TRADE)]


# Leaving


def test_replace_old_leaves_even_if_the_new_one_is_refused(table: Table) -> None:
    table.place(order(1, "buy", 5, 99))
    table.place(order(2, "sell", 5, 100))
    new = order(3, "buy", 5, 100, POST_ONLY, account=1)
    events = table.do("Replace", old=name(1), order=new, most=5)
    assert table.left(events) == [
        (1, CancelReason.REPLACED),
        (3, CancelReason.POST_ONLY_WOULD_TAKE),
    ]
    assert table.bids() == []


def test_replace_same_price_loses_its_place(table: Table) -> None:
    table.place(order(1, "buy", 5, 100))
    table.place(order(2, "buy", 5, 100))
    table.do("Replace", old=name(1), order=order(3, "buy", 5, 100, account=1), most=5)
    assert table.trades(table.place(order(4, "sell", 5, 100))) == [(4, 2, 5, 100)]


def test_replace_that_leaves_a_level_as_it_was_does_not_tell_of_it(table: Table) -> None:
    table.place(order(1, "buy", 5, 100))
    new = order(2, "buy", 5, 100, account=1)
    assert only(LevelChanged, table.do("Replace", old=name(1), order=new, most=5)) == []


def test_cancel_done_or_unknown_order_does_nothing(table: Table) -> None:
    table.place(order(1, "buy", 5, 100, IOC))
    assert table.do("Cancel", order=name(1)) == []
    assert table.do("Cancel", order=name(77)) == []


def test_cancel_all_takes_one_market_or_every_one(table: Table) -> None:
    table.place(order(1, "buy", 5, 100, account=7))
    table.place(order(2, "buy", 5, 100, account=7, market=AUCTION))
    table.place(order(3, "buy", 5, 100))
    assert table.left(table.do("CancelAll", account=7, market=PERP)) == [
        (1, CancelReason.REQUESTED)
    ]
    epoch = CancelReason.EPOCH_RAISED
    assert table.left(table.do("CancelAll", account=7, reason=epoch)) == [(2, epoch)]
    assert table.bids() == [(100, 5)]


def test_shrink_keeps_the_place_and_to_nothing_cancels(table: Table) -> None:
    table.place(order(1, "buy", 9, 100, REDUCE_ONLY))
    table.place(order(2, "buy", 9, 100))
    assert only(Resized, table.do("Shrink", order=name(1), most=4)) == [Resized(name(1), 1, 4)]
    assert table.do("Shrink", order=name(1), most=6) == []
    assert table.trades(table.place(order(3, "sell", 1, 100))) == [(3, 1, 1, 100)]
    events = table.do("Shrink", order=name(1), most=0)
    assert table.left(events) == [(1, CancelReason.NOT_REDUCING)]


def test_expiry_stops_matching_while_a_fill_can_still_settle(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.time = (LATER - SETTLING_SECONDS) * 1_000
    assert table.do("Heartbeat") == []
    table.time += 1
    assert table.engine.preview(order(2, "buy", 5, 100, expiry=LATER + 99), 5, table.time) == []
    events = table.place(order(2, "buy", 5, 100, expiry=LATER + 99))
    assert table.left(events) == [(1, CancelReason.EXPIRED)]
    assert table.trades(events) == []


def test_done_order_is_forgotten_once_it_is_void_on_chain(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.do("Cancel", order=name(1))
    table.time = LATER * 1_000
    table.do("Heartbeat")
    assert table.engine.is_nonce_used(1, 1)
    table.time += 1
    table.do("Heartbeat")
    assert table.engine.order(name(1)) is None
    assert not table.engine.is_nonce_used(1, 1)


def test_market_closed_takes_all_its_orders_and_no_more(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "sell", 5, 100, trigger=Trigger(TriggerKind.STOP, 90)))
    closed = CancelReason.MARKET_CLOSED
    events = table.do("ListMarket", market=PERP, tick=1, lot=1, is_open=False)
    assert table.left(events) == [(1, closed), (2, closed)]
    assert table.left(table.place(order(3, "buy", 5, 100))) == [(3, closed)]


def test_market_with_a_coarser_grid_loses_what_is_off_it(table: Table) -> None:
    table.place(order(1, "sell", 10, 101))
    table.place(order(2, "sell", 10, 100))
    table.place(order(3, "sell", 5, 100))
    events = table.do("ListMarket", market=PERP, tick=2, lot=10)
    assert table.left(events) == [(1, CancelReason.OFF_GRID), (3, CancelReason.OFF_GRID)]
    assert table.asks() == [(100, 10)]


# Triggers


def test_order_that_would_meet_too_many_is_told_without_looking_at_all(table: Table) -> None:
    for number in range(1, 4):
        table.place(order(number, "sell", 5, 100, owner=number % 2))
    taker = order(9, "buy", 50, 100, owner=1, prevention=SelfTradePrevention.EXPIRE_MAKER)
    engine, time = table.engine, table.engine.time
    assert [engine.meets_more_than(n, taker, 50, time) for n in (2, 3)] == [True, False]
    assert [engine.meets_more_than(n, taker, 5, time) for n in (1, 2)] == [True, False]


STOP, TAKE_PROFIT = TriggerKind.STOP, TriggerKind.TAKE_PROFIT


@pytest.mark.parametrize(
    ("side", "kind", "short_of", "reached"),
    [
        ("buy", STOP, 109, 110),
        ("sell", STOP, 111, 110),
        ("buy", TAKE_PROFIT, 111, 110),
        ("sell", TAKE_PROFIT, 109, 110),
    ],
)
def test_trigger_fires_at_its_mark_and_not_before(
    table: Table, side: str, kind: TriggerKind, short_of: int, reached: int
) -> None:
    (accepted,) = table.place(order(1, side, 5, 100, trigger=Trigger(kind, 110)))
    assert accepted == Accepted(name(1), 1, PERP, waits=True)
    assert table.do("Marks", marks={PERP: short_of}) == []
    assert table.see(1).status is OrderStatus.WAITING
    assert table.do("Fire", order=name(1)) == []
    assert table.engine.met_triggers() == []
    events = table.do("Marks", marks={PERP: reached})
    assert events[0] == Triggered(name(1), 1, reached)
    assert table.see(1).status is OrderStatus.LIVE
    assert table.do("Marks", marks={PERP: reached}) == []


def test_orders_that_a_mark_meets_may_be_fired_one_by_one(table: Table) -> None:
    for number in (1, 2):
        table.place(order(number, "buy", 5, 100, trigger=Trigger(STOP, 110)))
    assert table.do("Marks", marks={PERP: 110}, fires=False) == []
    assert [met.hash for met in table.engine.met_triggers()] == [name(1), name(2)]
    assert Triggered(name(2), 2, 110) in table.do("Fire", order=name(2))
    assert table.do("Fire", order=name(2)) == []
    assert [met.hash for met in table.engine.met_triggers()] == [name(1)]
    assert table.see(1).status is OrderStatus.WAITING


def test_trigger_met_on_arrival_fires_at_once(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.do("Marks", marks={PERP: 110})
    stop = order(2, "buy", 5, 100, trigger=Trigger(STOP, 105))
    assert [hit.size for hit in table.engine.preview(stop, 5, NOW)] == [5]
    events = table.place(stop)
    assert events[:2] == [Accepted(name(2), 2, PERP, waits=False), Triggered(name(2), 2, 110)]
    assert table.trades(events) == [(2, 1, 5, 100)]


def test_triggers_of_one_mark_fire_in_order_of_acceptance(table: Table) -> None:
    table.place(order(1, "buy", 5, 120, trigger=Trigger(STOP, 110)))
    table.place(order(2, "buy", 5, 120, trigger=Trigger(STOP, 105)))
    table.place(order(3, "sell", 5, 115))
    events = table.do("Marks", marks={PERP: 115})
    assert [event.order for event in only(Triggered, events)] == [name(1), name(2)]
    assert table.trades(events) == [(1, 3, 5, 115)]


def test_triggered_order_queues_behind_those_that_came_meanwhile(table: Table) -> None:
    table.place(order(1, "buy", 5, 100, trigger=Trigger(STOP, 110)))
    table.place(order(2, "buy", 5, 100))
    table.do("Marks", marks={PERP: 110})
    table.engine = MatchingEngine.restore(table.engine.snapshot())
    assert table.trades(table.place(order(3, "sell", 5, 100))) == [(3, 2, 5, 100)]


def test_waiting_order_can_be_cancelled_shrunk_and_expires(table: Table) -> None:
    for which in (1, 2, 3):
        table.place(order(which, "buy", 5, 100, trigger=Trigger(STOP, 110)))
    assert table.left(table.do("Cancel", order=name(1))) == [(1, CancelReason.REQUESTED)]
    table.do("Shrink", order=name(2), most=3)
    assert table.see(2).left == 3
    assert table.bids() == []
    table.time = LATER * 1_000
    events = table.do("Marks", marks={PERP: 110})
    assert {reason for _, reason in table.left(events)} == {CancelReason.EXPIRED}
    assert only(Triggered, events) == []


def test_trigger_that_cancels_a_later_one_of_the_same_owner(table: Table) -> None:
    mode = SelfTradePrevention.EXPIRE_MAKER
    table.place(order(1, "buy", 5, 120, owner=9, trigger=Trigger(STOP, 110)))
    table.place(order(2, "sell", 5, 90, owner=9, prevention=mode, trigger=Trigger(STOP, 110)))
    events = table.do("Marks", marks={PERP: 110})
    assert table.left(events) == [(1, CancelReason.SELF_TRADE)]
    assert table.asks() == [(90, 5)]


# Preview and contract


def test_preview_tells_what_place_then_does(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "sell", 5, 101, owner=9))
    table.place(order(3, "sell", 5, 102))
    mode = SelfTradePrevention.EXPIRE_MAKER
    taker = order(4, "buy", 8, 102, owner=9, prevention=mode)
    before = table.engine.snapshot()
    hits = table.engine.preview(taker, 8, NOW)
    assert table.engine.snapshot() == before
    assert [(hit.maker.account, hit.size, hit.price) for hit in hits] == [(1, 5, 100), (3, 3, 102)]
    assert table.trades(table.place(taker)) == [(4, 1, 5, 100), (4, 3, 3, 102)]


def test_preview_of_what_would_be_cancelled_is_empty(table: Table) -> None:
    table.place(order(1, "sell", 5, 100))
    for taker in (
        order(2, "buy", 5, 100, POST_ONLY),
        order(2, "buy", 6, 100, FOK),
        order(2, "buy", 5, 100, expiry=NOW // 1_000),
        order(2, "buy", 5, 100, market=AUCTION),
        order(2, "buy", 5, 100, market=99),
        order(2, "buy", 5, 100, trigger=Trigger(STOP, 110)),
    ):
        assert table.engine.preview(taker, taker.size, NOW) == []


@pytest.mark.parametrize(
    ("taker", "reason"),
    [
        (order(2, "buy", 5, 100, POST_ONLY), CancelReason.POST_ONLY_WOULD_TAKE),
        (order(2, "buy", 6, 100, FOK), CancelReason.FOK_UNFILLED),
        (order(2, "buy", 5, 100, expiry=NOW // 1_000), CancelReason.EXPIRED),
        (order(2, "buy", 5, 100, POST_ONLY, trigger=Trigger(STOP, 110)), None),
        (order(2, "buy", 5, 100), None),
    ],
)
def test_refusal_tells_why_place_would_cancel(
    table: Table, taker: BookOrder, reason: CancelReason | None
) -> None:
    table.place(order(1, "sell", 5, 100))
    assert table.engine.refusal(taker, taker.size, NOW) is reason
    left = table.left(table.place(taker))
    assert [why for _, why in left] == ([reason] if reason else [])


def test_apply_what_no_log_can_hold_raises_and_changes_nothing(table: Table) -> None:
    before = table.engine.snapshot()
    with pytest.raises(InternalError, match="never listed"):
        table.place(order(1, "buy", 5, 100, market=99))
    with pytest.raises(InternalError, match="never listed"):
        table.do("Clear", markets=(AUCTION, 99))
    with pytest.raises(InternalError, match="tick 0"):
        table.do("ListMarket", market=5, tick=0, lot=1)
    table.time -= 1
    with pytest.raises(InternalError, match="goes back"):
        table.do("Heartbeat")
    assert table.engine.snapshot() == before


def test_open_orders_of_an_account_come_earliest_first(table: Table) -> None:
    table.place(order(2, "buy", 5, 99, account=7))
    table.place(order(1, "buy", 5, 100, account=7))
    assert [view.order.nonce for view in table.engine.orders_of(7)] == [2, 1]
