"""What a block changes for orders that are in the book: nothing else is cancelled."""

from dataclasses import replace

import pytest

from execution.margin import FILLED_CANCELLED, OrderFlag
from sequencer.exchange import crossing, upkeep
from sequencer.exchange.placement import OrderOptions
from sequencer.matching.events import Cancelled, Matched, Triggered
from sequencer.matching.inputs import CancelReason, Finalized, Outcome, Reverted
from sequencer.matching.limits import SETTLING_SECONDS
from sequencer.matching.orders import Trigger, TriggerKind
from state.types import Timestamp
from tests.sequencer.exchange.hall import Hall, in_hall
from tests.sequencer.exchange.house import LATER, PERP, START, key, owner, state_of

STOP = OrderOptions(trigger=Trigger(TriggerKind.STOP, 1_100))
STOP_SELL = OrderOptions(trigger=Trigger(TriggerKind.STOP, 900))


def gone(hall: Hall) -> list[tuple[int, CancelReason]]:
    return [(event.account, event.reason) for event in hall.named(Cancelled)]


async def rest(hall: Hall) -> None:
    """An order of each of two accounts."""
    for trader in hall.traders[:2]:
        await hall.exchange.place(trader.buy(10, 900, nonce=0))


@in_hall
async def test_raised_epoch_takes_an_accounts_orders_out(hall: Hall) -> None:
    await rest(hall)
    hall.house.accounts[1] = state_of(0, epoch=1)
    hall.house.touched = frozenset({1})
    await hall.block()
    assert gone(hall) == [(1, CancelReason.EPOCH_RAISED)]


@in_hall
async def test_epoch_of_a_reorg_takes_out_only_what_it_voids(hall: Hall) -> None:
    hall.house.accounts[1] = state_of(0, epoch=1)
    await hall.exchange.place(hall.traders[0].buy(10, 900, nonce=1 << 32))
    hall.house.accounts[1] = state_of(0)
    await hall.exchange.place(hall.traders[0].buy(10, 910, nonce=1))
    await hall.block()
    assert gone(hall) == [(1, CancelReason.EPOCH_RAISED)]
    assert hall.bids() == [(910, 10)]


@in_hall
async def test_account_that_a_block_did_not_touch_is_not_looked_at(hall: Hall) -> None:
    await rest(hall)
    hall.house.accounts[1] = state_of(0, epoch=1)
    hall.house.touched = frozenset({2})
    await hall.block()
    assert gone(hall) == []


@in_hall
async def test_touched_account_of_a_known_epoch_has_only_its_touched_nonces_looked_at(
    hall: Hall,
) -> None:
    await rest(hall)
    await hall.exchange.place(hall.traders[0].buy(10, 890, nonce=1))
    await hall.block()
    hall.house.touched = frozenset({1})
    hall.house.fills[1, 1] = FILLED_CANCELLED
    await hall.block()
    assert gone(hall) == [(1, CancelReason.CANCELLED_ON_CHAIN)]
    assert hall.bids() == [(900, 20)]


@in_hall
async def test_touched_account_whose_epoch_rose_since_is_looked_at_whole(hall: Hall) -> None:
    await rest(hall)
    await hall.block()
    hall.house.touched = frozenset({1})
    hall.house.accounts[1] = state_of(0, epoch=1)
    await hall.block()
    assert gone(hall) == [(1, CancelReason.EPOCH_RAISED)]


@in_hall
async def test_account_that_a_reorg_took_back_loses_its_orders(hall: Hall) -> None:
    await rest(hall)
    del hall.house.accounts[1]
    await hall.block()
    assert gone(hall) == [(1, CancelReason.SIGNER_REVOKED)]


@in_hall
async def test_nonce_cancelled_on_chain_leaves(hall: Hall) -> None:
    await rest(hall)
    hall.house.fills[2, 0] = FILLED_CANCELLED
    await hall.block()
    assert gone(hall) == [(2, CancelReason.CANCELLED_ON_CHAIN)]


@in_hall
async def test_order_filled_by_others_on_chain_keeps_the_rest(hall: Hall) -> None:
    """A liquidation takes signed orders without the matcher."""
    await hall.exchange.place(hall.traders[0].buy(20, 900, nonce=0))
    hall.house.fills[1, 0] = 5
    await hall.block()
    assert hall.bids() == [(900, 15)]
    hall.house.fills[1, 0] = 20
    await hall.block()
    assert gone(hall) == [(1, CancelReason.CANCELLED_ON_CHAIN)]


@in_hall
async def test_what_others_filled_and_what_waits_are_both_taken_from_an_order(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.buy(20, 1_000, nonce=0))
    await hall.exchange.place(taker.sell(5, 1_000))
    hall.house.fills[1, 0] = 10
    await hall.block()
    assert hall.bids() == [(1_000, 5)]


@in_hall
async def test_own_settlement_takes_nothing_from_an_order(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.buy(20, 1_000, nonce=0))
    (fill,) = (await hall.exchange.place(taker.sell(5, 1_000))).fills
    await hall.block()
    assert hall.bids() == [(1_000, 15)]
    hall.house.fills[1, 0] = 5
    await hall.block(Outcome(time=0, block=2, transaction=b"", settled=(fill.id,)))
    assert hall.bids() == [(1_000, 15)]
    hall.house.fills[1, 0] = 0
    await hall.block(Reverted(time=0, block=2))
    assert hall.bids() == [(1_000, 15)]
    assert [one.id for one in hall.exchange.pending()] == [fill.id]
    hall.house.fills[1, 0] = 5
    outcome = Outcome(time=0, block=2, transaction=b"", settled=(fill.id,))
    await hall.block(outcome, Finalized(time=0, block=2))
    assert hall.exchange.engine.fill(fill.id) is None


@in_hall
async def test_revoked_or_ending_session_key_takes_its_orders_out(hall: Hall) -> None:
    for signer in (2, 3):
        hall.house.session_keys[1, owner(signer), 0] = Timestamp(START + 60)
        await hall.exchange.place(hall.traders[0].buy(10, 900, signer=key(signer)))
    await hall.exchange.place(hall.traders[0].buy(10, 910))
    hall.house.touched = frozenset()
    del hall.house.session_keys[1, owner(2), 0]
    await hall.block()
    assert gone(hall) == [(1, CancelReason.SIGNER_REVOKED)]
    hall.clock.advance(60 - SETTLING_SECONDS)
    await hall.block()
    assert len(gone(hall)) == 1
    hall.clock.advance(1)
    await hall.block()
    assert len(gone(hall)) == 2
    assert hall.bids() == [(910, 10)]


@in_hall
async def test_lost_position_takes_reduce_only_orders_along(hall: Hall) -> None:
    hall.house.positions.update({(1, 0): 20, (2, 0): 20})
    for trader in hall.traders[:2]:
        await hall.exchange.place(trader.sell(20, 1_100, flags=OrderFlag.REDUCE_ONLY))
    hall.house.positions.update({(1, 0): 0, (2, 0): 12})
    await hall.block()
    assert gone(hall) == [(1, CancelReason.NOT_REDUCING)]
    assert hall.asks() == [(1_100, 10)]


@in_hall
async def test_closed_market_loses_its_orders(hall: Hall) -> None:
    await rest(hall)
    hall.house.listed = {1: PERP}
    await hall.block()
    assert {reason for _, reason in gone(hall)} == {CancelReason.MARKET_CLOSED}
    before = hall.exchange.engine.sequence
    await hall.block()
    assert hall.exchange.engine.sequence == before


@in_hall
async def test_block_that_changes_nothing_logs_nothing(hall: Hall) -> None:
    await rest(hall)
    before = hall.exchange.engine.sequence
    await hall.block()
    assert hall.exchange.engine.sequence == before


@in_hall
async def test_stop_waits_for_the_mark(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.sell(10, 1_100))
    placed = await hall.exchange.place(taker.buy(10, 1_100), STOP)
    assert placed.order.status == "waiting"
    hall.house.prices = {0: 1_099}
    await hall.block()
    assert hall.named(Matched) == []
    hall.house.prices = {0: 1_100}
    await hall.block()
    assert len(hall.named(Triggered)) == len(hall.named(Matched)) == 1


@in_hall
async def test_stop_that_is_met_already_trades_at_once(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    hall.house.prices = {0: 1_200}
    await hall.block()
    await hall.exchange.place(maker.sell(10, 1_100))
    placed = await hall.exchange.place(taker.buy(10, 1_100), STOP)
    assert len(placed.fills) == 1


@in_hall
async def test_stop_that_its_account_cannot_pay_any_more_leaves_when_it_fires(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.sell(10, 1_100))
    await hall.exchange.place(taker.buy(10, 1_100), STOP)
    hall.house.room[2] = 5
    hall.house.prices = {0: 1_100}
    await hall.block()
    assert gone(hall) == [(2, CancelReason.MARGIN)]
    assert hall.named(Matched) == []


@in_hall
async def test_stops_of_one_mark_are_paid_for_together(hall: Hall) -> None:
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.sell(20, 1_100))
    for _ in range(2):
        await hall.exchange.place(taker.buy(10, 1_100), STOP)
    hall.house.room[2] = 15
    hall.house.prices = {0: 1_100}
    await hall.block()
    assert gone(hall) == [(2, CancelReason.MARGIN)]
    assert [event.fill.size for event in hall.named(Matched)] == [10]


@in_hall
async def test_maker_that_two_stops_meet_pays_for_both(hall: Hall) -> None:
    maker, *takers = hall.traders
    await hall.exchange.place(maker.sell(20, 1_100))
    hall.house.room[1] = 15
    for taker in takers[:2]:
        await hall.exchange.place(taker.buy(10, 1_100), STOP)
    hall.house.prices = {0: 1_100}
    await hall.block()
    assert gone(hall) == [(1, CancelReason.MARGIN)]
    assert len(hall.named(Triggered)) == 2
    assert [event.fill.size for event in hall.named(Matched)] == [10]


@in_hall
async def test_stops_beyond_what_one_block_fires_live_after_the_next(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "FIRED_ORDERS_MAX", 1)
    taker = hall.traders[0]
    for _ in range(3):
        await hall.exchange.place(taker.buy(10, 1_100), STOP)
    hall.house.prices = {0: 1_100}
    for fired in (1, 2, 3, 3):
        await hall.block()
        assert len(hall.named(Triggered)) == fired
    assert hall.bids() == [(1_100, 30)]


@in_hall
async def test_stop_trades_with_as_many_as_one_order_may_meet(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (crossing, upkeep):
        monkeypatch.setattr(module, "ORDER_FILLS_MAX", 2)
    maker, taker, *_ = hall.traders
    for _ in range(3):
        await hall.exchange.place(maker.sell(5, 1_100))
    placed = await hall.exchange.place(taker.buy(15, 1_100), STOP)
    hall.house.prices = {0: 1_100}
    await hall.block()
    view = hall.exchange.engine.order(placed.order.order.hash)
    assert view is not None
    assert (view.filled, view.status) == (10, "filled")
    assert hall.asks() == [(1_100, 5)]


@in_hall
async def test_stop_that_would_take_waits_while_too_many_fills_do(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crossing, "PENDING_FILLS_MAX", 0)
    maker, taker, *_ = hall.traders
    await hall.exchange.place(maker.sell(10, 1_100))
    await hall.exchange.place(taker.buy(10, 1_100), STOP)
    hall.house.prices = {0: 1_100}
    await hall.block()
    assert hall.named(Triggered) == []
    assert hall.journal.load().snapshot() == hall.exchange.engine.snapshot()
    monkeypatch.setattr(crossing, "PENDING_FILLS_MAX", 1)
    await hall.block()
    assert len(hall.named(Triggered)) == len(hall.named(Matched)) == 1


@pytest.mark.parametrize(("held", "left"), [(0, 0), (10, 10), (30, 20)])
@in_hall
async def test_stop_loss_is_bounded_by_the_position_it_finds(
    hall: Hall, held: int, left: int
) -> None:
    holder, buyer, *_ = hall.traders
    await hall.exchange.place(buyer.buy(50, 900))
    order = holder.sell(20, 900, flags=OrderFlag.REDUCE_ONLY, expiry=LATER)
    placed = await hall.exchange.place(order, STOP_SELL)
    assert placed.order.left == 20
    hall.house.positions[1, 0] = held
    hall.house.prices = {0: 900}
    await hall.block()
    assert sum(event.fill.size for event in hall.named(Matched)) == left
    assert gone(hall) == ([] if left else [(1, CancelReason.NOT_REDUCING)])


@in_hall
async def test_rules_that_change_are_told_to_the_book(hall: Hall) -> None:
    await rest(hall)
    hall.house.listed = {0: replace(PERP, lot=10, tick=20), 1: PERP}
    await hall.block()
    assert {reason for _, reason in gone(hall)} == set()
    hall.house.listed = {0: replace(PERP, lot=10, tick=200), 1: PERP}
    await hall.block()
    assert {reason for _, reason in gone(hall)} == {CancelReason.OFF_GRID}
