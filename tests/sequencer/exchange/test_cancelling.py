"""Who may cancel what, and that a request can't be sent again by somebody who kept it."""

import pytest

from sequencer.exchange import errors
from sequencer.exchange.limits import CANCEL_WINDOW_MS
from sequencer.journal import Canceller
from sequencer.matching.inputs import CancelReason
from sequencer.matching.limits import SETTLING_SECONDS
from sequencer.matching.views import OrderStatus
from state.types import Timestamp
from tests.sequencer.exchange.hall import NOW, Hall, in_hall, opened, run
from tests.sequencer.exchange.house import START, key, owner


async def place_two_markets(hall: Hall) -> list[bytes]:
    trader = hall.traders[0]
    orders = [trader.buy(10, 900), trader.sell(10, 1_100), trader.buy(10, 900, market=1)]
    return [(await hall.exchange.place(one)).order.order.hash for one in orders]


@in_hall
async def test_cancel_names_one_order(hall: Hall) -> None:
    first, *_ = await place_two_markets(hall)
    assert await hall.exchange.cancel(hall.cancel(hall.traders[0], order=first)) == (first,)
    view = hall.exchange.engine.order(first)
    assert view is not None
    assert (view.status, view.reason) == (OrderStatus.CANCELLED, CancelReason.REQUESTED)
    with pytest.raises(errors.UnknownOrder):
        await hall.exchange.cancel(hall.cancel(hall.traders[0], order=first))


@in_hall
async def test_cancel_names_a_market_or_all(hall: Hall) -> None:
    first, second, third = await place_two_markets(hall)
    left = await hall.exchange.cancel(hall.cancel(hall.traders[0], market=0))
    assert set(left) == {first, second}
    later = hall.cancel(hall.traders[0], time=NOW + 1)
    assert await hall.exchange.cancel(later) == (third,)


@in_hall
async def test_cancel_of_another_account_is_refused(hall: Hall) -> None:
    first, *_ = await place_two_markets(hall)
    other = hall.traders[1]
    with pytest.raises(errors.UnknownOrder):
        await hall.exchange.cancel(hall.cancel(other, order=first))
    for market in (None, 0):
        forged = hall.cancel(hall.traders[0], market=market, signer=key(1))
        with pytest.raises(errors.SignerNotAllowed):
            await hall.exchange.cancel(forged)
    assert await hall.exchange.cancel(hall.cancel(other)) == ()
    assert len(hall.bids()) == 1


@in_hall
async def test_stranger_uses_up_no_time_of_an_account_without_orders(hall: Hall) -> None:
    with pytest.raises(errors.SignerNotAllowed):
        await hall.exchange.cancel(hall.cancel(hall.traders[0], signer=key(2)))
    assert await hall.exchange.cancel(hall.cancel(hall.traders[0])) == ()


@in_hall
async def test_session_key_cancels_where_it_may_trade(hall: Hall) -> None:
    first, second, third = await place_two_markets(hall)
    hall.house.session_keys[1, owner(3), 0] = Timestamp(START + SETTLING_SECONDS)
    for market in (None, 1):
        with pytest.raises(errors.SignerNotAllowed):
            await hall.exchange.cancel(hall.cancel(hall.traders[0], market=market, signer=key(3)))
    with pytest.raises(errors.SignerNotAllowed):
        await hall.exchange.cancel(hall.cancel(hall.traders[0], order=third, signer=key(3)))
    left = await hall.exchange.cancel(hall.cancel(hall.traders[0], market=0, signer=key(3)))
    assert set(left) == {first, second}


@in_hall
async def test_replayed_cancel_all_is_refused(hall: Hall) -> None:
    await place_two_markets(hall)
    request = hall.cancel(hall.traders[0])
    await hall.exchange.cancel(request)
    await place_two_markets(hall)
    with pytest.raises(errors.CancelReplayed):
        await hall.exchange.cancel(request)
    with pytest.raises(errors.CancelReplayed):
        await hall.exchange.cancel(hall.cancel(hall.traders[0], market=0, time=NOW - 1))
    assert len(hall.bids()) == 1


@pytest.mark.parametrize("off", [-CANCEL_WINDOW_MS - 1, CANCEL_WINDOW_MS + 1])
@in_hall
async def test_cancel_out_of_time_is_refused(hall: Hall, off: int) -> None:
    with pytest.raises(errors.CancelOutOfTime):
        await hall.exchange.cancel(hall.cancel(hall.traders[0], time=NOW + off))


@pytest.mark.parametrize("off", [-CANCEL_WINDOW_MS, CANCEL_WINDOW_MS])
@in_hall
async def test_cancel_within_the_window_is_obeyed(hall: Hall, off: int) -> None:
    await hall.exchange.cancel(hall.cancel(hall.traders[0], time=NOW + off))


@in_hall
async def test_cancel_all_of_a_session_key_dated_ahead_does_not_keep_the_owner_from_his(
    hall: Hall,
) -> None:
    trader = hall.traders[0]
    hall.house.session_keys[1, owner(3), 0] = Timestamp(START + SETTLING_SECONDS)
    ahead = hall.cancel(trader, market=0, time=NOW + CANCEL_WINDOW_MS, signer=key(3))
    await hall.exchange.cancel(ahead)
    first, second, _ = await place_two_markets(hall)
    assert set(await hall.exchange.cancel(hall.cancel(trader, market=0))) == {first, second}
    with pytest.raises(errors.CancelReplayed):
        await hall.exchange.cancel(ahead)


def test_replayed_cancel_all_is_refused_after_a_restart(tmp_path) -> None:
    """Also one that was signed by a clock ahead of ours."""

    async def whole() -> None:
        async with opened(tmp_path / "orders") as hall:
            request = hall.cancel(hall.traders[0], time=NOW + CANCEL_WINDOW_MS)
            await hall.exchange.cancel(request)
        async with opened(tmp_path / "orders") as hall:
            with pytest.raises(errors.CancelReplayed):
                await hall.exchange.cancel(request)

    run(whole())


@in_hall
async def test_signing_times_are_forgotten_when_they_are_too_old_to_matter(hall: Hall) -> None:
    request = hall.cancel(hall.traders[0])
    await hall.exchange.cancel(request)
    assert hall.journal.cancel_times() == {Canceller(1, owner(0)): NOW}
    hall.clock.advance(CANCEL_WINDOW_MS // 1_000 + 1)
    await hall.exchange.beat()
    assert hall.journal.cancel_times() == {}
    with pytest.raises(errors.CancelOutOfTime):
        await hall.exchange.cancel(request)
