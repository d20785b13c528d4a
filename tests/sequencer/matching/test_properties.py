"""What holds after any log: determinism, snapshots, agreement with the plain rules, invariants."""

from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import (
    Cancelled,
    Event,
    Fill,
    LevelChanged,
    Matched,
    Unwound,
)
from sequencer.matching.inputs import Finalized, Input, Outcome, Place, Replace
from sequencer.matching.orders import BookOrder
from sequencer.matching.views import OrderStatus
from tests.sequencer.matching.logs import LONGEST, LOT, MARKET, TICK, logs
from tests.sequencer.matching.reference import NaiveBook
from tests.sequencer.matching.table import name, only

ANY_LOG = st.booleans().flatmap(lambda is_auction: logs(is_auction=is_auction))
MANY = settings(max_examples=50, deadline=None)


def orders_in(log: list[Input]) -> dict[bytes, BookOrder]:
    return {one.order.hash: one.order for one in log if isinstance(one, Place | Replace)}


def replayed(engine: MatchingEngine, log: list[Input]) -> list[list[Event]]:
    return [engine.apply(one) for one in log]


@MANY
@given(ANY_LOG, st.data())
def test_log_again_or_from_a_snapshot_gives_the_same(log: list[Input], data: st.DataObject) -> None:
    first, second = MatchingEngine(), MatchingEngine()
    events = replayed(first, log)
    cut = data.draw(st.integers(0, len(log)))
    decoder = msgspec.msgpack.Decoder(Input)
    for one, known in zip(log[:cut], events[:cut], strict=True):
        # As from the disk: nothing may hang on the identity of an object.
        assert second.apply(decoder.decode(msgspec.msgpack.encode(one))) == known
    third = MatchingEngine.restore(second.snapshot())
    assert third.snapshot() == second.snapshot()
    assert replayed(third, log[cut:]) == events[cut:]
    assert third.snapshot() == first.snapshot()
    assert third.sequence == len(log)


@MANY
@given(logs(rules_change=False))
def test_continuous_book_agrees_with_the_plain_rules(log: list[Input]) -> None:
    engine, plain = MatchingEngine(), NaiveBook(TICK, LOT)
    for one in log:
        seen = len(plain.trades)
        trades = [_trade(event.fill) for event in only(Matched, engine.apply(one))]
        plain.apply(one)
        assert trades == plain.trades[seen:]
        for order_hash, slip in plain.slips.items():
            view = engine.order(order_hash)
            if view is None:
                assert slip.where in ("filled", "cancelled")
                continue
            assert (view.status, view.reason, view.left, view.filled) == (
                slip.where,
                slip.why,
                slip.left,
                slip.filled,
            )
        assert [fill.id for fill in engine.pending()] == sorted(plain.undecided)


def _trade(fill: Fill) -> tuple[bytes, bytes, int, int]:
    return fill.taker, fill.maker, fill.size, fill.price


@MANY
@given(ANY_LOG)
def test_levels_follow_from_their_changes_and_the_orders(log: list[Input]) -> None:
    engine = MatchingEngine()
    told: dict[tuple[bool, int], int] = {}
    for one in log:
        changes = only(LevelChanged, engine.apply(one))
        assert len({(level.is_buy, level.price) for level in changes}) == len(changes)
        for level in changes:
            assert told.get((level.is_buy, level.price), 0) != level.size
            told[level.is_buy, level.price] = level.size
        resting: Counter[tuple[bool, int]] = Counter()
        for account in range(1, 6):
            for view in engine.orders_of(account):
                if view.status is OrderStatus.LIVE:
                    resting[view.order.is_buy, view.order.price] += view.left
        levels = engine.levels(MARKET, LONGEST)
        sides = {(True, price): size for price, size in levels.bids}
        sides |= {(False, price): size for price, size in levels.asks}
        assert sides == {at: size for at, size in told.items() if size} == dict(resting)
        assert list(levels.bids) == sorted(levels.bids, reverse=True)
        assert list(levels.asks) == sorted(levels.asks)
        assert engine.levels(MARKET, 1).bids == levels.bids[:1]


@MANY
@given(logs())
def test_continuous_book_is_never_crossed(log: list[Input]) -> None:
    engine = MatchingEngine()
    for one in log:
        engine.apply(one)
        levels = engine.levels(MARKET, 1)
        if levels.bids and levels.asks:
            assert levels.bids[0][0] < levels.asks[0][0]


@MANY
@given(ANY_LOG)
def test_fills_can_be_settled_and_sizes_are_conserved(log: list[Input]) -> None:
    engine, orders = MatchingEngine(), orders_in(log)
    filled: Counter[bytes] = Counter()
    for one in log:
        events = engine.apply(one)
        for event in only(Matched, events):
            _check_pair(event.fill, orders)
            filled.update({event.fill.taker: event.fill.size, event.fill.maker: event.fill.size})
        for undone in only(Unwound, events):
            filled.subtract({undone.fill.taker: undone.fill.size})
            filled.subtract({undone.fill.maker: undone.fill.size})
        for order_hash, order in orders.items():
            view = engine.order(order_hash)
            if view is not None:
                assert view.filled == filled[order_hash]
                assert 0 <= view.left <= order.size - view.filled
                assert view.status is not OrderStatus.FILLED or view.left == 0
                assert view.left > 0 or view.status in (OrderStatus.FILLED, OrderStatus.CANCELLED)


def _check_pair(fill: Fill, orders: dict[bytes, BookOrder]) -> None:
    taker, maker = orders[fill.taker], orders[fill.maker]
    assert taker.is_buy != maker.is_buy
    assert taker.owner != maker.owner
    buy, sell = (taker, maker) if taker.is_buy else (maker, taker)
    assert sell.price <= fill.price <= buy.price
    assert fill.size > 0
    assert not taker.is_post_only
    assert not maker.is_immediate
    assert fill.is_auction or fill.price == maker.price


@MANY
@given(ANY_LOG)
def test_fok_fills_whole_or_not_at_all(log: list[Input]) -> None:
    engine = MatchingEngine()
    orders = orders_in(log)
    for one in log:
        traded: Counter[bytes] = Counter()
        for event in only(Matched, engine.apply(one)):
            traded.update({event.fill.taker: event.fill.size, event.fill.maker: event.fill.size})
        for order_hash, size in traded.items():
            if orders[order_hash].is_all_or_nothing:
                assert size == orders[order_hash].size


@MANY
@given(logs())
def test_preview_and_refusal_tell_what_place_does(log: list[Input]) -> None:
    engine = MatchingEngine()
    for one in log:
        hits, reason, is_new = [], None, False
        if isinstance(one, Place) and engine.order(one.order.hash) is None:
            is_new = True
            before = engine.snapshot()
            hits = engine.preview(one.order, one.most, one.time)
            reason = engine.refusal(one.order, one.most, one.time)
            assert engine.snapshot() == before
        events = engine.apply(one)
        if is_new:
            told = [(h.maker.hash, h.size, h.price) for h in hits]
            assert told == [_trade(event.fill)[1:] for event in only(Matched, events)]
            of_it = [e for e in only(Cancelled, events) if e.order == one.order.hash]
            if reason is not None:
                assert [event.reason for event in of_it] == [reason]


@MANY
@given(ANY_LOG)
def test_memory_holds_nothing_once_all_is_over(log: list[Input]) -> None:
    engine = MatchingEngine()
    replayed(engine, log)
    waiting = tuple(fill.id for fill in engine.pending())
    end = log[-1].time + 10_000_000
    engine.apply(Outcome(time=end, block=9, transaction=b"", settled=waiting))
    engine.apply(Finalized(time=end, block=9))
    assert engine.pending() == []
    for number in range(LONGEST):
        assert engine.order(name(number)) is None
        assert engine.fill(number) is None
    assert len(engine.snapshot()) < 100
