"""What blocks make of fills: settled, refused and undone, taken back by a reorg, final."""

import pytest

from execution.margin import OrderFlag
from execution.margin.reasons import Reason
from sequencer.matching.engine import MatchingEngine
from sequencer.matching.events import (
    Cancelled,
    Event,
    FillState,
    LevelChanged,
    Resized,
    Settled,
    Unwound,
    WaitsAgain,
)
from sequencer.matching.faults import Fault, fault_of
from sequencer.matching.inputs import CancelReason, Refusal
from sequencer.matching.views import OrderStatus
from tests.sequencer.matching.table import AUCTION, LATER, PERP, Table, name, only, order

TX = b"\x77" * 32
REFUSED = CancelReason.REFUSED_ON_CHAIN


@pytest.fixture
def table() -> Table:
    """Ask 1 has sold all of 5 at 100 to bid 2, of which 3 rest: fill 1."""
    table = Table()
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "buy", 8, 100))
    return table


def refuse(table: Table, reason: Reason, fill: int = 1) -> list[Event]:
    return table.do(
        "Outcome", block=7, transaction=TX, settled=(), refused=(Refusal(fill, reason),)
    )


def settle(table: Table, block: int, *fills: int) -> list[Event]:
    return table.do("Outcome", block=block, transaction=TX, settled=fills)


def pending(table: Table) -> list[int]:
    return [fill.id for fill in table.engine.pending()]


# Settled


def test_settled_fill_no_longer_waits(table: Table) -> None:
    assert pending(table) == [1]
    (event,) = settle(table, 7, 1)
    assert isinstance(event, Settled)
    assert (event.block, event.transaction) == (7, TX)
    assert pending(table) == []
    record = table.engine.fill(1)
    assert record is not None
    assert (record.state, record.block) == (FillState.UNSAFE, 7)


def test_outcome_of_what_does_not_wait_does_nothing(table: Table) -> None:
    settle(table, 7, 1)
    assert settle(table, 8, 1, 99) == []
    assert refuse(table, Reason.TAKER_MARGIN) == []
    record = table.engine.fill(1)
    assert record is not None
    assert record.block == 7


def test_pending_of_an_account_counts_both_its_roles(table: Table) -> None:
    table.place(order(3, "sell", 1, 100))
    assert [fill.id for fill in table.engine.pending_of(2)] == [1, 2]
    assert [fill.id for fill in table.engine.pending_of(1)] == [1]
    settle(table, 7, 1)
    assert [fill.id for fill in table.engine.pending_of(2)] == [2]
    assert table.engine.pending_of(1) == []


# Refused


def test_refused_for_the_taker_gives_the_maker_its_place_back(table: Table) -> None:
    events = refuse(table, Reason.TAKER_MARGIN)
    assert events == [
        Unwound(events[0].fill, Reason.TAKER_MARGIN, 7, TX),  # type: ignore[union-attr]
        Cancelled(name(2), 2, PERP, 8, REFUSED),
        Resized(name(1), 1, 5),
        LevelChanged(PERP, True, 100, 0),
        LevelChanged(PERP, False, 100, 5),
    ]
    view = table.see(1)
    assert (view.status, view.left, view.filled, view.fills) == (OrderStatus.LIVE, 5, 0, ())
    assert [one.order.hash for one in table.engine.orders_of(1)] == [name(1)]


def test_refused_for_the_maker_grows_the_resting_taker(table: Table) -> None:
    events = refuse(table, Reason.MAKER_MARGIN)
    assert table.left(events) == [(1, REFUSED)]
    assert only(Resized, events) == [Resized(name(2), 2, 8)]
    assert table.bids() == [(100, 8)]
    assert table.see(1).status is OrderStatus.CANCELLED


def test_refused_without_telling_whose_fault_takes_both(table: Table) -> None:
    events = refuse(table, Reason.NOT_REDUCING)
    assert table.left(events) == [(2, REFUSED), (1, REFUSED)]
    assert (table.bids(), table.asks()) == ([], [])


def test_refused_maker_goes_back_before_those_that_came_later() -> None:
    table = Table()
    for which in (1, 2):
        table.place(order(which, "sell", 5, 100))
    table.place(order(3, "buy", 5, 100))
    refuse(table, Reason.TAKER_MARGIN)
    assert table.trades(table.place(order(4, "buy", 5, 100))) == [(4, 1, 5, 100)]


def test_refused_maker_that_would_cross_is_cancelled(table: Table) -> None:
    table.place(order(3, "buy", 1, 101))
    events = refuse(table, Reason.TAKER_MARGIN)
    assert table.left(events) == [(2, REFUSED), (1, CancelReason.WOULD_CROSS)]
    assert (table.bids(), table.asks()) == ([(101, 1)], [])


def test_refused_taker_that_was_immediate_does_not_rest() -> None:
    table = Table()
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "buy", 5, 100, OrderFlag.IOC))
    table.place(order(3, "sell", 5, 100))
    table.place(order(4, "buy", 5, 100, OrderFlag.FOK))
    assert (2, CancelReason.IMMEDIATE_REST) in table.left(refuse(table, Reason.MAKER_MARGIN))
    assert (4, CancelReason.FOK_UNFILLED) in table.left(refuse(table, Reason.MAKER_MARGIN, 2))


def test_refused_maker_past_its_last_match_is_cancelled(table: Table) -> None:
    table.time = LATER * 1_000
    assert (1, CancelReason.EXPIRED) in table.left(refuse(table, Reason.TAKER_MARGIN))


def test_refused_maker_of_a_closed_market_is_cancelled(table: Table) -> None:
    table.do("ListMarket", market=PERP, tick=1, lot=1, is_open=False)
    events = refuse(table, Reason.TAKER_MARGIN)
    assert table.left(events) == [(1, CancelReason.MARKET_CLOSED)]


def test_refused_order_that_its_trader_cancelled_stays_away(table: Table) -> None:
    table.do("Cancel", order=name(2))
    events = refuse(table, Reason.MAKER_MARGIN)
    assert table.left(events) == [(1, REFUSED)]
    assert table.bids() == []
    assert (table.see(2).left, table.see(2).filled) == (8, 0)


def test_refused_one_of_two_fills_leaves_the_other() -> None:
    table = Table()
    table.place(order(1, "sell", 5, 100))
    table.place(order(2, "buy", 2, 100))
    table.place(order(3, "buy", 3, 100))
    refuse(table, Reason.TAKER_MARGIN)
    view = table.see(1)
    assert (view.status, view.left, view.filled, view.fills) == (OrderStatus.LIVE, 2, 3, (2,))
    assert pending(table) == [2]


def test_fault_is_told_by_few_reasons_and_else_is_both() -> None:
    told = {reason: fault_of(reason, is_auction=False) for reason in Reason}
    assert {reason for reason, fault in told.items() if fault is Fault.TAKER} == {
        Reason.TAKER_MARGIN,
        Reason.POST_ONLY_WOULD_TAKE,
    }
    assert {reason for reason, fault in told.items() if fault is Fault.MAKER} == {
        Reason.MAKER_MARGIN,
        Reason.IMMEDIATE_WOULD_REST,
        Reason.OUTSIDE_PRICE_BAND,
    }
    assert fault_of(Reason.OUTSIDE_PRICE_BAND, is_auction=True) is Fault.BOTH
    assert fault_of(250, is_auction=False) is Fault.BOTH


def test_refused_auction_fill_gathers_again() -> None:
    table = Table()
    table.place(order(1, "sell", 5, 100, market=AUCTION))
    table.place(order(2, "buy", 5, 100, market=AUCTION))
    table.do("Clear", markets=(AUCTION,))
    table.place(order(3, "buy", 5, 101, market=AUCTION))
    refuse(table, Reason.TAKER_MARGIN)
    assert (table.bids(AUCTION), table.asks(AUCTION)) == ([(101, 5)], [(100, 5)])


# Reorgs and the end


def test_reverted_fills_wait_again_before_newer_ones(table: Table) -> None:
    table.place(order(3, "sell", 1, 100))
    settle(table, 7, 2)
    settle(table, 8, 1)
    table.place(order(4, "sell", 1, 100))
    events = table.do("Reverted", block=7)
    assert [event.fill.id for event in only(WaitsAgain, events)] == [1, 2]
    assert pending(table) == [1, 2, 3]
    assert [fill.id for fill in table.engine.pending_of(2)] == [1, 2, 3]


def test_reverted_leaves_earlier_blocks_and_refusals(table: Table) -> None:
    table.place(order(3, "sell", 1, 100))
    settle(table, 6, 1)
    refuse(table, Reason.TAKER_MARGIN, 2)
    assert table.do("Reverted", block=7) == []
    record = table.engine.fill(2)
    assert record is not None
    assert (record.state, record.reason) == (FillState.REFUSED, Reason.TAKER_MARGIN)


def test_finalized_fill_is_forgotten_and_can_not_be_taken_back(table: Table) -> None:
    settle(table, 7, 1)
    assert table.do("Finalized", block=6) == []
    assert table.engine.fill(1) is not None
    table.do("Finalized", block=7)
    assert table.engine.fill(1) is None
    assert table.see(1).fills == ()
    assert table.do("Reverted", block=7) == []


@pytest.mark.parametrize("is_settled", [True, False])
def test_expired_order_is_known_until_its_last_fill_is_final(
    table: Table, is_settled: bool
) -> None:
    table.time = LATER * 1_000 + 1
    table.do("Heartbeat")
    assert table.see(1).fills == (1,)
    if is_settled:
        settle(table, 7, 1)
        assert table.engine.is_nonce_used(1, 1)
        table.do("Finalized", block=7)
    else:
        refuse(table, Reason.TAKER_MARGIN)
    assert table.engine.order(name(1)) is None
    assert table.engine.order(name(2)) is None


def test_restored_engine_remembers_fills_of_every_state(table: Table) -> None:
    table.place(order(3, "sell", 1, 100))
    table.place(order(4, "sell", 1, 100))
    settle(table, 7, 1)
    refuse(table, Reason.MAKER_MARGIN, 2)
    restored = MatchingEngine.restore(table.engine.snapshot())
    assert restored.snapshot() == table.engine.snapshot()
    assert [restored.fill(n) for n in (1, 2, 3)] == [table.engine.fill(n) for n in (1, 2, 3)]
    assert restored.order(name(2)) == table.see(2)
    assert [fill.id for fill in restored.pending()] == [3]
