"""Every reason for which an order is refused, by name; and that a refusal changes nothing."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from execution.margin import FILLED_CANCELLED, OrderFlag, SignedOrder
from sequencer.exchange import admission, errors
from sequencer.exchange.limits import CLIENT_ID_BYTES_MAX, ORDER_SECONDS_MAX
from sequencer.exchange.placement import OrderOptions
from sequencer.exchange.ports import Fees
from sequencer.matching.limits import SETTLING_SECONDS
from sequencer.matching.orders import Trigger, TriggerKind
from sequencer.matching.views import OrderStatus
from state.types import Timestamp
from tests.sequencer.exchange.hall import Hall, in_hall
from tests.sequencer.exchange.house import LATER, PERP, START, Trader, key, owner, state_of

Make = Callable[[Trader], SignedOrder]

_PLAIN_REFUSALS: list[tuple[Make, type[errors.OrderRejected]]] = [
    (lambda t: t.buy(0, 1_000), errors.OffLot),
    (lambda t: t.buy(7, 1_000), errors.OffLot),
    (lambda t: t.buy(10, 0), errors.OffTick),
    (lambda t: t.buy(10, 1_001), errors.OffTick),
    (lambda t: t.buy(10, 1_000, market=9), errors.UnknownMarket),
    (lambda t: t.buy(10, 1_000, nonce=1 << 32), errors.WrongEpoch),
    (lambda t: t.buy(10, 1_000, expiry=START - 1), errors.Expired),
    (lambda t: t.buy(10, 1_000, expiry=START + SETTLING_SECONDS - 1), errors.Expired),
    (
        lambda t: t.buy(10, 1_000, expiry=LATER + ORDER_SECONDS_MAX),
        errors.MalformedOrder,
    ),
    (lambda t: t.buy(10, 1_000, max_fee=499), errors.FeeAboveMaximum),
    (lambda t: t.buy(10, 1_510), errors.OutsidePriceBand),
    (lambda t: t.sell(10, 490), errors.OutsidePriceBand),
    (lambda t: t.buy(10, 1_000, flags=OrderFlag.REDUCE_ONLY), errors.NotReducing),
    (
        lambda t: t.buy(10, 1_000, flags=OrderFlag.POST_ONLY | OrderFlag.IOC),
        errors.MalformedOrder,
    ),
    (lambda t: t.buy(10, 1_000, flags=OrderFlag.FOK | OrderFlag.IOC), errors.MalformedOrder),
    (lambda t: t.buy(10, 1_000, signer=key(3)), errors.SignerNotAllowed),
    (lambda t: replace(t.buy(10, 1_000), r=bytes(32)), errors.BadSignature),
    (lambda t: replace(t.buy(10, 1_000), r=bytes(31)), errors.BadSignature),
    (lambda t: replace(t, index=77).buy(10, 1_000), errors.UnknownAccount),
]


@pytest.mark.parametrize(("make", "error"), _PLAIN_REFUSALS)
@in_hall
async def test_order_is_refused_by_name(
    hall: Hall, make: Make, error: type[errors.OrderRejected]
) -> None:
    before = hall.exchange.engine.snapshot()
    with pytest.raises(error):
        await hall.exchange.place(make(hall.traders[0]))
    assert hall.exchange.engine.snapshot() == before


def test_each_reason_is_a_word_of_its_own() -> None:
    kinds = errors.OrderRejected.__subclasses__()
    assert len({kind.reason for kind in kinds}) == len(kinds)


@in_hall
async def test_earliest_expiry_is_accepted(hall: Hall) -> None:
    soon = Timestamp(START + SETTLING_SECONDS)
    placed = await hall.exchange.place(hall.traders[0].buy(10, 1_000, expiry=soon))
    assert placed.order.status is OrderStatus.LIVE


@in_hall
async def test_same_order_again_is_a_duplicate_whatever_became_of_it(hall: Hall) -> None:
    trader = hall.traders[0]
    signed = trader.buy(10, 1_000)
    placed = await hall.exchange.place(signed)
    with pytest.raises(errors.DuplicateOrder):
        await hall.exchange.place(signed)
    await hall.exchange.cancel(hall.cancel(trader, order=placed.order.order.hash))
    with pytest.raises(errors.DuplicateOrder):
        await hall.exchange.place(signed)


@in_hall
async def test_nonce_of_another_order_is_used(hall: Hall) -> None:
    trader = hall.traders[0]
    await hall.exchange.place(trader.buy(10, 1_000, nonce=5))
    with pytest.raises(errors.NonceUsed):
        await hall.exchange.place(trader.buy(10, 990, nonce=5))


@pytest.mark.parametrize("filled", [5, FILLED_CANCELLED])
@in_hall
async def test_nonce_with_a_lane_on_chain_is_used(hall: Hall, filled: int) -> None:
    hall.house.fills[1, 5] = filled
    with pytest.raises(errors.NonceUsed):
        await hall.exchange.place(hall.traders[0].buy(10, 1_000, nonce=5))


@in_hall
async def test_order_worth_too_little_is_refused_unless_it_only_reduces(hall: Hall) -> None:
    hall.house.listed[0] = replace(PERP, least_size=20)
    hall.house.positions[1, 0] = 5
    trader = hall.traders[0]
    with pytest.raises(errors.OrderTooSmall):
        await hall.exchange.place(trader.buy(15, 1_000))
    await hall.exchange.place(trader.buy(20, 900))
    await hall.exchange.place(trader.sell(5, 1_000, flags=OrderFlag.REDUCE_ONLY))


@in_hall
async def test_limit_far_on_its_own_side_may_rest(hall: Hall) -> None:
    await hall.exchange.place(hall.traders[0].buy(10, 100))
    await hall.exchange.place(hall.traders[1].sell(10, 9_000))
    assert (hall.bids(), hall.asks()) == ([(100, 10)], [(9_000, 10)])


@pytest.mark.parametrize(
    ("flags", "fee"),
    [(OrderFlag.POST_ONLY, -100), (OrderFlag.IOC, 500), (OrderFlag.FOK, 500)],
)
@in_hall
async def test_fee_is_that_of_the_side_an_order_can_be(
    hall: Hall, flags: OrderFlag, fee: int
) -> None:
    trader = hall.traders[0]
    await hall.exchange.place(trader.buy(10, 1_000, flags=flags, max_fee=fee))
    with pytest.raises(errors.FeeAboveMaximum):
        await hall.exchange.place(trader.buy(10, 1_000, flags=flags, max_fee=fee - 1))


@in_hall
async def test_order_that_may_rest_needs_the_higher_maker_fee(hall: Hall) -> None:
    hall.house.rates = Fees(taker=100, maker=300)
    with pytest.raises(errors.FeeAboveMaximum):
        await hall.exchange.place(hall.traders[0].buy(10, 1_000, max_fee=299))


@in_hall
async def test_session_key_trades_in_its_market_until_it_ends(hall: Hall) -> None:
    trader = hall.traders[0]
    hall.house.session_keys[1, owner(3), 0] = Timestamp(START + SETTLING_SECONDS)
    await hall.exchange.place(trader.buy(10, 1_000, signer=key(3)))
    with pytest.raises(errors.SignerNotAllowed):
        await hall.exchange.place(trader.buy(10, 1_000, market=1, signer=key(3)))
    hall.clock.advance(1)
    with pytest.raises(errors.SignerNotAllowed):
        await hall.exchange.place(trader.buy(10, 1_000, signer=key(3)))


@in_hall
async def test_market_that_only_takes_reducing_orders_says_so(hall: Hall) -> None:
    hall.house.listed = {0: replace(PERP, is_reduce_only=True)}
    hall.house.positions[1, 0] = 20
    await hall.block()
    with pytest.raises(errors.MarketNotOpen, match="reduce-only flag"):
        await hall.exchange.place(hall.traders[0].sell(10, 1_000))
    await hall.exchange.place(hall.traders[0].sell(10, 1_000, flags=OrderFlag.REDUCE_ONLY))


@in_hall
async def test_closed_market_takes_nothing(hall: Hall) -> None:
    hall.house.listed = {0: replace(PERP, is_open=False)}
    await hall.block()
    with pytest.raises(errors.MarketNotOpen, match="closed"):
        await hall.exchange.place(hall.traders[0].sell(10, 1_000))


@in_hall
async def test_reduce_only_is_bounded_by_the_position_with_what_waits(hall: Hall) -> None:
    trader = hall.traders[0]
    hall.house.positions[1, 0] = 10
    await hall.exchange.place(hall.traders[1].sell(15, 1_000))
    await hall.exchange.place(trader.buy(15, 1_000))
    placed = await hall.exchange.place(trader.sell(100, 1_100, flags=OrderFlag.REDUCE_ONLY))
    assert placed.order.left == 25
    with pytest.raises(errors.NotReducing):
        await hall.exchange.place(trader.buy(5, 900, flags=OrderFlag.REDUCE_ONLY))


@pytest.mark.parametrize("price", [1_000, 1_010])
@in_hall
async def test_post_only_that_would_take_is_refused_at_once(hall: Hall, price: int) -> None:
    await hall.exchange.place(hall.traders[1].sell(10, 1_000))
    with pytest.raises(errors.PostOnlyWouldTake):
        await hall.exchange.place(hall.traders[0].buy(10, price, flags=OrderFlag.POST_ONLY))
    await hall.exchange.place(hall.traders[0].buy(10, 990, flags=OrderFlag.POST_ONLY))
    assert hall.bids() == [(990, 10)]


@in_hall
async def test_account_and_exchange_have_room_for_so_many(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "ACCOUNT_ORDERS_MAX", 2)
    monkeypatch.setattr(admission, "OPEN_ORDERS_MAX", 3)
    first, second, *_ = hall.traders
    old = await hall.exchange.place(first.buy(10, 900))
    await hall.exchange.place(first.buy(10, 910))
    with pytest.raises(errors.TooManyOrders, match="account 1"):
        await hall.exchange.place(first.buy(10, 920))
    await hall.exchange.replace(old.order.order.hash, first.buy(10, 920))
    await hall.exchange.place(second.buy(10, 900))
    with pytest.raises(errors.TooManyOrders, match="the exchange"):
        await hall.exchange.place(second.buy(10, 910))
    await hall.exchange.cancel(hall.cancel(first))
    await hall.exchange.place(second.buy(10, 910))


@in_hall
async def test_owner_has_room_for_so_many_orders_whatever_its_accounts(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "OWNER_ORDERS_MAX", 2)
    first, second, *_ = hall.traders
    hall.house.accounts[2] = state_of(0)
    placed = await hall.exchange.place(first.buy(10, 900))
    await hall.exchange.place(second.buy(10, 900, signer=key(0)))
    with pytest.raises(errors.TooManyOrders, match="0x"):
        await hall.exchange.place(second.buy(10, 910, signer=key(0)))
    await hall.exchange.place(hall.traders[2].buy(10, 900))
    await hall.exchange.cancel(hall.cancel(first, order=placed.order.order.hash))
    await hall.exchange.place(second.buy(10, 910, signer=key(0)))


@in_hall
async def test_owner_cannot_take_up_the_memory_of_all(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "OWNER_KNOWN_ORDERS_MAX", 2)
    first, second, *_ = hall.traders
    soon = Timestamp(START + SETTLING_SECONDS)
    for _ in range(2):
        await hall.exchange.place(first.buy(10, 900, expiry=soon))
    await hall.exchange.cancel(hall.cancel(first))
    with pytest.raises(errors.TooManyOrders, match="not yet expired"):
        await hall.exchange.place(first.buy(10, 900))
    await hall.exchange.place(second.buy(10, 900))
    hall.clock.advance(SETTLING_SECONDS + 1)
    await hall.exchange.beat()
    await hall.exchange.place(first.buy(10, 900))


@in_hall
async def test_replaced_orders_count_among_those_remembered(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "KNOWN_ORDERS_MAX", 2)
    trader = hall.traders[0]
    first = await hall.exchange.place(trader.buy(10, 900))
    second = await hall.exchange.replace(first.order.order.hash, trader.buy(10, 910))
    with pytest.raises(errors.TooManyOrders):
        await hall.exchange.replace(second.order.order.hash, trader.buy(10, 920))
    assert hall.bids() == [(910, 10)]


@in_hall
async def test_half_of_the_memory_is_kept_for_orders_that_soon_expire(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LONG_ORDERS_MAX", 1)
    first, second, *_ = hall.traders
    lasting = Timestamp(LATER + 1)
    await hall.exchange.place(first.buy(10, 900, expiry=lasting))
    with pytest.raises(errors.TooManyOrders, match="live longer"):
        await hall.exchange.place(second.buy(10, 900, expiry=lasting))
    await hall.exchange.place(second.buy(10, 900, expiry=LATER))


@in_hall
async def test_exchange_remembers_so_many_orders(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "KNOWN_ORDERS_MAX", 1)
    trader = hall.traders[0]
    soon = Timestamp(START + SETTLING_SECONDS)
    await hall.exchange.place(trader.buy(10, 1_000, expiry=soon))
    await hall.exchange.cancel(hall.cancel(trader))
    with pytest.raises(errors.TooManyOrders):
        await hall.exchange.place(trader.buy(10, 1_000))
    hall.clock.advance(SETTLING_SECONDS + 1)
    await hall.exchange.beat()
    await hall.exchange.place(trader.buy(10, 1_000))


@pytest.mark.parametrize(
    "options",
    [
        OrderOptions(client_id="é" * (CLIENT_ID_BYTES_MAX // 2 + 1)),
        OrderOptions(client_id="\ud800"),
        OrderOptions(trigger=Trigger(TriggerKind.STOP, 0)),
    ],
)
@in_hall
async def test_options_that_make_no_sense_are_refused(hall: Hall, options: OrderOptions) -> None:
    with pytest.raises(errors.MalformedOrder):
        await hall.exchange.place(hall.traders[0].buy(10, 1_000), options)


@in_hall
async def test_options_come_back_with_the_order(hall: Hall) -> None:
    options = OrderOptions(client_id="mine")
    placed = await hall.exchange.place(hall.traders[0].buy(10, 1_000), options)
    assert placed.order.order.client_id == "mine"
    assert placed.order.order.owner == owner(0)


@in_hall
async def test_replacement_takes_the_place_of_an_open_order_of_its_kind(hall: Hall) -> None:
    trader, other, *_ = hall.traders
    old = (await hall.exchange.place(trader.buy(10, 900))).order.order.hash
    for wrong in (trader.sell(10, 1_100), trader.buy(10, 900, market=1)):
        with pytest.raises(errors.MalformedOrder):
            await hall.exchange.replace(old, wrong)
    with pytest.raises(errors.UnknownOrder):
        await hall.exchange.replace(old, other.buy(10, 900))
    with pytest.raises(errors.OffTick):
        await hall.exchange.replace(old, trader.buy(10, 901))
    assert hall.bids() == [(900, 10)]
    await hall.exchange.replace(old, trader.buy(20, 910))
    assert hall.bids() == [(910, 20)]
    with pytest.raises(errors.UnknownOrder):
        await hall.exchange.replace(old, trader.buy(20, 920))


@in_hall
async def test_epoch_of_the_account_is_asked_for(hall: Hall) -> None:
    hall.house.accounts[1] = state_of(0, epoch=3)
    with pytest.raises(errors.WrongEpoch):
        await hall.exchange.place(hall.traders[0].buy(10, 1_000))
    await hall.exchange.place(hall.traders[0].buy(10, 1_000, nonce=3 << 32))
