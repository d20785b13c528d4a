"""Who may not trade leaves before anybody trades with him, and the log alone says so."""

from dataclasses import replace
from typing import Any

import pytest

from execution.margin import OrderFlag, Reason
from sequencer.exchange import crossing, errors, exchange
from sequencer.matching.events import Cancelled, Matched, Resized
from sequencer.matching.inputs import CancelReason, Clear, Outcome, Refusal
from tests.sequencer.exchange.hall import Hall, in_hall
from tests.sequencer.exchange.house import PERP


def reasons(hall: Hall) -> list[CancelReason]:
    return [event.reason for event in hall.named(Cancelled)]


def sizes(hall: Hall) -> list[int]:
    return [event.fill.size for event in hall.named(Matched)]


@in_hall
async def test_taker_without_margin_is_refused_and_nothing_happens(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.sell(20, 1_000))
    hall.house.room[2] = 15
    with pytest.raises(errors.MarginTooLow, match="account 2"):
        await hall.exchange.place(taker.buy(20, 1_000))
    placed = await hall.exchange.place(taker.buy(15, 1_000))
    assert [fill.size for fill in placed.fills] == [15]


@in_hall
async def test_what_would_rest_counts_with_what_trades_now(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.sell(10, 1_000))
    hall.house.room[2] = 15
    with pytest.raises(errors.MarginTooLow):
        await hall.exchange.place(taker.buy(20, 1_000))
    placed = await hall.exchange.place(taker.buy(20, 1_000, flags=OrderFlag.IOC))
    assert [fill.size for fill in placed.fills] == [10]
    assert placed.order.reason is CancelReason.IMMEDIATE_REST


@in_hall
async def test_own_fills_that_wait_count(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    hall.house.room[2] = 15
    await hall.exchange.place(maker.sell(30, 1_000))
    await hall.exchange.place(taker.buy(10, 1_000))
    with pytest.raises(errors.MarginTooLow):
        await hall.exchange.place(taker.buy(10, 1_000))


@in_hall
async def test_maker_without_margin_leaves_and_the_next_one_trades(hall: Hall) -> None:
    poor, rich, taker, _ = hall.traders
    await hall.exchange.place(poor.sell(10, 1_000))
    await hall.exchange.place(rich.sell(10, 1_000))
    hall.house.room[1] = 5
    placed = await hall.exchange.place(taker.buy(10, 1_010))
    assert [fill.maker_account for fill in placed.fills] == [2]
    assert reasons(hall) == [CancelReason.MARGIN]


@in_hall
async def test_maker_keeps_the_orders_that_it_can_pay_for(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    for price in (1_000, 1_010, 1_020):
        await hall.exchange.place(maker.sell(10, price))
    hall.house.room[1] = 15
    placed = await hall.exchange.place(taker.buy(30, 1_020))
    assert [fill.price for fill in placed.fills] == [1_000]
    assert reasons(hall) == [CancelReason.MARGIN, CancelReason.MARGIN]


@in_hall
async def test_reason_of_the_market_refuses_the_taker_and_spares_the_maker(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.sell(10, 1_000))
    hall.house.verdicts[1] = Reason.OPEN_INTEREST_CAP
    with pytest.raises(errors.WouldNotSettle, match="open interest cap"):
        await hall.exchange.place(taker.buy(10, 1_000))
    assert hall.asks() == [(1_000, 10)]


@in_hall
async def test_maker_with_stale_prices_does_not_stand_in_the_way(hall: Hall) -> None:
    stale, maker, taker, _ = hall.traders
    await hall.exchange.place(stale.sell(10, 1_000))
    await hall.exchange.place(maker.sell(10, 1_000))
    hall.house.verdicts[1] = Reason.SERIES_STALE
    placed = await hall.exchange.place(taker.buy(10, 1_000))
    assert [fill.maker_account for fill in placed.fills] == [2]


@in_hall
async def test_taker_hears_why_it_would_not_settle(hall: Hall) -> None:
    hall.house.verdicts[1] = Reason.ORACLE_STALE
    with pytest.raises(errors.WouldNotSettle, match="oracle stale"):
        await hall.exchange.place(hall.traders[0].buy(10, 1_000))


@in_hall
async def test_maker_that_the_band_has_left_behind_is_not_traded_with(hall: Hall) -> None:
    far, near, taker, _ = hall.traders
    await hall.exchange.place(far.sell(10, 900))
    await hall.exchange.place(near.sell(10, 1_000))
    hall.house.listed = {0: replace(PERP, price_low=950)}
    placed = await hall.exchange.place(taker.buy(20, 1_000))
    assert [fill.price for fill in placed.fills] == [1_000]
    assert reasons(hall) == [CancelReason.REFUSED_ON_CHAIN]


@in_hall
async def test_resting_reduce_only_orders_share_one_position(hall: Hall) -> None:
    reducer, taker, *_ = hall.traders
    hall.house.positions[1, 0] = 15
    for price in (1_000, 1_010):
        await hall.exchange.place(reducer.sell(15, price, flags=OrderFlag.REDUCE_ONLY))
    placed = await hall.exchange.place(taker.buy(30, 1_010))
    assert [(fill.price, fill.size) for fill in placed.fills] == [(1_000, 15)]
    assert reasons(hall) == [CancelReason.NOT_REDUCING]


@in_hall
async def test_resting_reduce_only_order_shrinks_with_its_position(hall: Hall) -> None:
    reducer, taker, *_ = hall.traders
    hall.house.positions[1, 0] = 20
    await hall.exchange.place(reducer.sell(20, 1_010, flags=OrderFlag.REDUCE_ONLY))
    await hall.exchange.place(reducer.sell(15, 1_000))
    await hall.exchange.place(taker.buy(15, 1_000))
    assert hall.asks() == [(1_010, 5)]
    assert [event.left for event in hall.named(Resized)] == [5]


@in_hall
async def test_orders_of_a_reduce_only_market_are_held_to_reducing(hall: Hall) -> None:
    opener, reducer, taker, _ = hall.traders
    await hall.exchange.place(opener.sell(10, 1_000))
    hall.house.positions.update({(2, 0): 10, (3, 0): -20})
    await hall.exchange.place(reducer.sell(10, 1_000, flags=OrderFlag.REDUCE_ONLY))
    hall.house.listed = {0: replace(PERP, is_reduce_only=True)}
    await hall.block()
    placed = await hall.exchange.place(taker.buy(20, 1_000, flags=OrderFlag.REDUCE_ONLY))
    assert [fill.maker_account for fill in placed.fills] == [2]


@in_hall
async def test_refused_fill_is_unwound_and_reducing_orders_are_bounded_again(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.sell(10, 1_000))
    (fill,) = (await hall.exchange.place(taker.buy(10, 1_000))).fills
    await hall.exchange.place(taker.sell(10, 1_100, flags=OrderFlag.REDUCE_ONLY))
    hall.house.touched = frozenset()
    refusal = Refusal(fill.id, int(Reason.MAKER_MARGIN))
    await hall.block(Outcome(time=0, block=2, transaction=b"", settled=(), refused=(refusal,)))
    assert hall.exchange.pending() == []
    assert reasons(hall)[-1] is CancelReason.NOT_REDUCING


@in_hall
async def test_settled_fill_counts_once_whether_or_not_the_books_show_it(hall: Hall) -> None:
    """Between a block's outcome and its books, and after both."""
    maker, taker, *_ = hall.traders
    hall.house.room[2] = 15
    await hall.exchange.place(maker.sell(30, 1_000))
    (fill,) = (await hall.exchange.place(taker.buy(10, 1_000))).fills
    number = hall.house.number + 1
    await hall.exchange.record(Outcome(time=0, block=number, transaction=b"", settled=(fill.id,)))
    for is_shown in (False, True):
        if is_shown:
            hall.house.positions.update({(1, 0): -10, (2, 0): 10})
            await hall.block()
        with pytest.raises(errors.MarginTooLow):
            await hall.exchange.place(taker.buy(10, 1_000))
        reducing = taker.sell(20, 1_100, flags=OrderFlag.REDUCE_ONLY)
        assert (await hall.exchange.place(reducing)).order.left == 10


async def auction(hall: Hall) -> None:
    hall.house.listed = {0: replace(PERP, is_auction=True)}
    await hall.block()


@in_hall
async def test_auction_trades_without_those_who_cannot_pay(hall: Hall) -> None:
    await auction(hall)
    poor, rich, taker, _ = hall.traders
    await hall.exchange.place(poor.sell(10, 1_000))
    await hall.exchange.place(rich.sell(10, 1_000))
    await hall.exchange.place(taker.buy(10, 1_000))
    hall.house.room[1] = 5
    assert hall.named(Matched) == []
    await hall.exchange.record(Clear(time=0, markets=(0,)))
    (matched,) = hall.named(Matched)
    assert matched.fill.is_auction
    assert {matched.fill.taker_account, matched.fill.maker_account} == {2, 3}
    assert reasons(hall) == [CancelReason.MARGIN]


@in_hall
async def test_auction_goes_on_where_the_market_would_refuse(hall: Hall) -> None:
    await auction(hall)
    await hall.exchange.place(hall.traders[0].sell(10, 1_000))
    await hall.exchange.place(hall.traders[1].buy(10, 1_000))
    hall.house.verdicts[1] = Reason.OPEN_INTEREST_CAP
    await hall.exchange.record(Clear(time=0, markets=(0,)))
    assert sizes(hall) == [10]


@in_hall
async def test_auction_price_is_not_set_by_those_whom_the_band_left_behind(hall: Hall) -> None:
    await auction(hall)
    first, second, third, fourth = hall.traders
    await hall.exchange.place(first.buy(100, 1_200))
    await hall.exchange.place(second.sell(100, 1_150))
    hall.house.listed = {0: replace(PERP, is_auction=True, price_low=900, price_high=1_100)}
    await hall.block()
    await hall.exchange.place(third.sell(10, 1_000))
    await hall.exchange.place(fourth.buy(10, 1_000))
    await hall.exchange.record(Clear(time=0, markets=(0,)))
    (matched,) = hall.named(Matched)
    assert (matched.fill.price, matched.fill.size) == (1_010, 10)
    assert reasons(hall) == [CancelReason.REFUSED_ON_CHAIN]
    assert hall.asks() == []


@in_hall
async def test_immediate_order_of_an_auction_needs_margin_for_all_of_it(hall: Hall) -> None:
    await auction(hall)
    hall.house.room[1] = 5
    with pytest.raises(errors.MarginTooLow):
        await hall.exchange.place(hall.traders[0].buy(10, 1_000, flags=OrderFlag.IOC))


@in_hall
async def test_log_alone_gives_the_same_book(hall: Hall) -> None:
    poor, rich, taker, _ = hall.traders
    for trader in (poor, rich):
        await hall.exchange.place(trader.sell(10, 1_000))
    hall.house.room[1] = 5
    await hall.exchange.place(taker.buy(15, 1_000))
    snapshots = [hall.journal.load().snapshot() for _ in range(2)]
    assert snapshots == [hall.exchange.engine.snapshot()] * 2


def count_checks(hall: Hall) -> list[int]:
    """How many fills each margin check from now on is asked about."""
    asked: list[int] = []
    check = hall.house.check

    def counted(*what: Any, **rest: Any) -> Reason | None:
        asked.append(1 + len(what[5].of(what[0])) + len(what[6]))
        return check(*what, **rest)

    hall.house.check = counted  # type: ignore[method-assign]
    return asked


@in_hall
async def test_maker_with_many_orders_that_it_cannot_pay_is_looked_at_a_few_times(
    hall: Hall,
) -> None:
    maker, taker, *_ = hall.traders
    for _ in range(64):
        await hall.exchange.place(maker.sell(5, 1_000))
    hall.house.room[1] = 5 * 40
    asked = count_checks(hall)
    placed = await hall.exchange.place(taker.buy(5 * 64, 1_000, flags=OrderFlag.IOC))
    assert len(placed.fills) == 40
    assert len(asked) < 16


@in_hall
async def test_maker_that_can_do_nothing_loses_what_is_no_better_at_once(hall: Hall) -> None:
    maker, other, taker, _ = hall.traders
    for price in (1_000, 1_000, 1_010):
        await hall.exchange.place(maker.sell(10, price))
    await hall.exchange.place(maker.sell(5, 1_000))
    await hall.exchange.place(other.sell(10, 1_000))
    hall.house.room[1] = 5
    placed = await hall.exchange.place(taker.buy(10, 1_000))
    assert [(fill.maker_account, fill.size) for fill in placed.fills] == [(1, 5), (2, 5)]
    assert hall.asks() == [(1_000, 5), (1_010, 10)]


@in_hall
async def test_taker_comes_again_when_too_many_have_to_leave_its_way(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossing, "CROSSING_ROUNDS_MAX", 1)
    poor, rich, taker, _ = hall.traders
    await hall.exchange.place(poor.sell(10, 1_000))
    await hall.exchange.place(rich.sell(10, 1_000))
    hall.house.room[1] = 5
    order = taker.buy(10, 1_000)
    with pytest.raises(errors.ExchangeUnavailable, match="try again"):
        await hall.exchange.place(order)
    assert [fill.maker_account for fill in (await hall.exchange.place(order)).fills] == [2]


@in_hall
async def test_order_that_would_meet_too_many_is_refused(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossing, "ORDER_FILLS_MAX", 2)
    maker, taker, *_ = hall.traders
    for _ in range(3):
        await hall.exchange.place(maker.sell(5, 1_000))
    for flags in (OrderFlag.NONE, OrderFlag.IOC, OrderFlag.FOK):
        with pytest.raises(errors.TooManyFills, match="smaller"):
            await hall.exchange.place(taker.buy(15, 1_000, flags=flags))
    assert len((await hall.exchange.place(taker.buy(10, 1_000))).fills) == 2


@in_hall
async def test_nothing_is_matched_while_too_many_fills_wait(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossing, "PENDING_FILLS_MAX", 1)
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.sell(20, 1_000))
    (fill,) = (await hall.exchange.place(taker.buy(10, 1_000))).fills
    with pytest.raises(errors.ExchangeUnavailable, match="wait for a block"):
        await hall.exchange.place(taker.buy(10, 1_000))
    await hall.exchange.place(taker.buy(10, 900))
    await hall.block(Outcome(time=0, block=2, transaction=b"", settled=(fill.id,)))
    await hall.exchange.place(taker.buy(10, 1_000))


@in_hall
async def test_auction_is_put_off_while_too_many_fills_wait(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "PENDING_FILLS_MAX", 0)
    await auction(hall)
    await hall.exchange.place(hall.traders[0].sell(10, 1_000))
    await hall.exchange.place(hall.traders[1].buy(10, 1_000))
    await hall.exchange.record(Clear(time=0, markets=(0,)))
    assert sizes(hall) == []
    monkeypatch.setattr(exchange, "PENDING_FILLS_MAX", 1)
    await hall.exchange.record(Clear(time=0, markets=(0,)))
    assert sizes(hall) == [10]
