"""Settling: what a batch does, and each reason for which a fill is refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from execution.contracts.genesis import BTC_USD, PRICE_ONE, SIZE_ONE
from execution.margin import (
    Match,
    OrderFlag,
    PackedBatch,
    Reason,
    SignedOrder,
    pack_batch,
    pack_fill,
    read_filled,
    read_position,
)
from genesis.accounts import derive_account
from state.types import Timestamp
from tests.execution.contracts.house import (
    OPERATORS,
    START,
    TIMELOCK,
    USD,
    House,
    Receipt,
    Reverted,
    Trader,
)

PRICE = 64_250 * PRICE_ONE
LOT = BTC_USD.lot
ONE = SIZE_ONE


class Market:
    """Two funded traders in a market with a fresh price."""

    def __init__(self, cash: int = 50_000 * USD, **changes: object) -> None:
        market = replace(BTC_USD, **changes)  # type: ignore[arg-type]
        self.house = House(markets=(market, market))
        self.a = self.house.trader(0, cash)
        self.b = self.house.trader(1, cash)
        self.house.report(0, PRICE)
        self.house.report(1, PRICE)

    def pair(self, size: int = ONE, price: int = PRICE) -> tuple[SignedOrder, SignedOrder]:
        """A buys from B."""
        buy = self.house.order(self.a, True, size, price)
        return buy, self.house.order(self.b, False, size, price)

    def try_order(self, size: int = ONE, **changes: object) -> list[tuple[int, Reason]]:
        """A's order, changed, taking from B's plain one."""
        fields: dict[str, object] = {"is_buy": True, "size": size, "price": PRICE}
        buy = self.house.order(self.a, **(fields | changes))  # type: ignore[arg-type]
        sell = self.house.order(self.b, False, size, PRICE)
        return self.house.settle(Match(buy, sell, size)).rejections


def refused(reason: Reason) -> list[tuple[int, Reason]]:
    return [(0, reason)]


def test_fill_opens_both_positions_and_charges_fees() -> None:
    m = Market()
    receipt = m.house.trade(m.a, m.b, ONE, PRICE)
    (fill,) = receipt.named("FillSettled")
    assert (fill["takerFee"], fill["makerFee"]) == (32_125_000, -7_067_500)
    assert m.house.read("getPosition", m.a.account, 0) == {
        "size": ONE,
        "cost": 64_250 * USD,
        "funding": 0,
    }
    assert m.house.read("getAccount", m.a.account)[1]["cash"] == 50_000 * USD - 32_125_000
    assert m.house.read("getCustody")[2] == 32_125_000 - 7_067_500


def test_bad_fills_are_skipped_and_the_rest_settles() -> None:
    m = Market()
    buy, sell = m.pair(4 * ONE)
    good = Match(buy, sell, ONE)
    receipt = m.house.settle(
        good, Match(buy, buy, ONE), Match(buy, sell, 0), Match(buy, sell, ONE + 1), good
    )
    assert receipt.rejections == [
        (1, Reason.SAME_SIDE),
        (2, Reason.ZERO_SIZE),
        (3, Reason.OFF_LOT),
    ]
    assert len(receipt.named("FillSettled")) == 2
    assert read_filled(m.house.word, m.a.account, buy.order.nonce) == 2 * ONE


def test_lanes_of_one_slot_fill_apart() -> None:
    m = Market()
    for nonce in (5, 6, 4, 7):
        buy = m.house.order(m.a, True, ONE, PRICE, nonce=nonce)
        sell = m.house.order(m.b, False, ONE, PRICE, nonce=nonce + 4)
        assert m.house.settle(Match(buy, sell, (nonce - 3) * LOT)).rejections == []
    filled = [read_filled(m.house.word, m.a.account, n) for n in (4, 5, 6, 7)]
    assert filled == [LOT, 2 * LOT, 3 * LOT, 4 * LOT]
    assert m.house.read("getFilled", m.b.account, 11) == 4 * LOT


def test_malformed_fill_is_refused() -> None:
    m = Market()
    batch = pack_batch([Match(*m.pair(), ONE)])
    beyond = replace(batch, fills=pack_fill(0, 2, ONE))
    assert m.house.settle_packed(beyond).rejections == refused(Reason.MALFORMED_FILL)
    torn = replace(batch, fills=batch.fills + batch.fills[:11])
    assert m.house.settle_packed(torn).rejections == [(1, Reason.MALFORMED_FILL)]


def test_malformed_order_is_refused() -> None:
    m = Market()
    batch = pack_batch([Match(*m.pair(), ONE)])
    unknown_bit = bytearray(batch.orders)
    unknown_bit[12] |= 0x10
    huge = bytearray(batch.orders)
    huge[13] |= 0x80
    for orders in (unknown_bit, huge):
        receipt = m.house.settle_packed(replace(batch, orders=bytes(orders)))
        assert receipt.rejections == refused(Reason.MALFORMED_ORDER)
    torn = replace(batch, orders=batch.orders[:-1])
    assert m.house.settle_packed(torn).rejections == refused(Reason.MALFORMED_FILL)


def test_empty_batch_does_nothing() -> None:
    assert Market().house.settle_packed(PackedBatch(b"", b"")).events == ()


def test_account_without_owner_is_refused() -> None:
    m = Market()
    ghost = Trader(m.a.key, 99)
    sell = m.house.order(m.b, False, ONE, PRICE)
    receipt = m.house.settle(Match(m.house.order(ghost, True, ONE, PRICE), sell, ONE))
    assert receipt.rejections == refused(Reason.UNKNOWN_ACCOUNT)


def test_unrecoverable_or_high_s_signature_is_refused() -> None:
    m = Market()
    buy, sell = m.pair()
    order_of_curve = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    vs = int.from_bytes(buy.vs, "big")
    parity, s = vs >> 255, vs & (2**255 - 1)
    twin = ((1 - parity) << 255 | (order_of_curve - s) % 2**255).to_bytes(32, "big")
    for bad in (replace(buy, r=bytes(32)), replace(buy, vs=twin)):
        reasons = m.house.settle(Match(bad, sell, ONE)).rejections
        assert reasons[0][1] in (Reason.BAD_SIGNATURE, Reason.SIGNER_NOT_ALLOWED)
    zero_r = m.house.settle(Match(replace(buy, r=bytes(32)), sell, ONE))
    assert zero_r.rejections == refused(Reason.BAD_SIGNATURE)


@pytest.mark.parametrize(
    "change",
    [{"price": PRICE + 10**7}, {"max_fee_ppm": 2000}, {"size": 2 * ONE}, {"market": 1}],
    ids=str,
)
def test_order_changed_after_signing_is_refused(change: dict[str, int]) -> None:
    m = Market()
    buy, sell = m.pair()
    forged = replace(buy, order=replace(buy.order, **change))
    receipt = m.house.settle(Match(forged, sell, ONE))
    assert receipt.rejections == refused(Reason.SIGNER_NOT_ALLOWED)


def test_order_of_another_chain_or_contract_is_refused() -> None:
    m = Market()
    m.house.domain = m.house.domain[::-1]  # type: ignore[assignment]
    assert m.try_order() == refused(Reason.SIGNER_NOT_ALLOWED)


def test_session_key_trades_its_markets_until_it_ends() -> None:
    m = Market()
    key = derive_account(40)
    now = Timestamp(m.house.now + 50)
    setup = (m.a.account, key.address, now, 0b01)
    assert m.try_order(key=key.key) == refused(Reason.SIGNER_NOT_ALLOWED)
    m.house.send(m.a.address, "setSessionKey", *setup)
    assert m.try_order(key=key.key) == []
    other = Match(
        m.house.order(m.a, True, ONE, PRICE, market=1, key=key.key),
        m.house.order(m.b, False, ONE, PRICE, market=1),
        ONE,
    )
    assert m.house.settle(other).rejections == refused(Reason.SIGNER_NOT_ALLOWED)
    m.house.advance(51)
    assert m.try_order(key=key.key) == refused(Reason.SIGNER_NOT_ALLOWED)


def test_session_key_is_void_once_the_epoch_moves() -> None:
    m = Market()
    key = derive_account(40)
    m.house.send(m.a.address, "setSessionKey", m.a.account, key.address, START + 999, 1)
    m.house.send(m.a.address, "revokeSessionKeys", m.a.account)
    assert m.try_order(key=key.key) == refused(Reason.SIGNER_NOT_ALLOWED)


def test_expired_order_is_refused() -> None:
    m = Market()
    assert m.try_order(expiry=Timestamp(START)) == []
    assert m.try_order(expiry=Timestamp(START - 1)) == refused(Reason.ORDER_EXPIRED)


def test_order_of_an_older_epoch_is_refused() -> None:
    m = Market()
    m.house.send(m.a.address, "cancelAllOrders", m.a.account)
    assert m.try_order() == refused(Reason.WRONG_EPOCH)
    assert m.try_order(nonce=1 << 32) == []


def test_orders_of_two_markets_are_refused() -> None:
    assert Market().try_order(market=1) == refused(Reason.MARKET_MISMATCH)


def test_unlisted_market_is_refused() -> None:
    m = Market()
    for market in (2, 64, 2**32 - 1):
        match = Match(
            m.house.order(m.a, True, ONE, PRICE, market=market),
            m.house.order(m.b, False, ONE, PRICE, market=market),
            ONE,
        )
        assert m.house.settle(match).rejections == refused(Reason.UNKNOWN_MARKET)


def test_unlisted_markets_leave_the_fills_between_them_in_their_own_markets() -> None:
    m = Market()
    markets = (0, 2, 2, 0, 1, 64, 64, 1, 0)
    receipt = m.house.settle(
        *(
            Match(
                m.house.order(m.a, True, LOT, PRICE, market=market),
                m.house.order(m.b, False, LOT, PRICE, market=market),
                LOT,
            )
            for market in markets
        )
    )
    unknown = [place for place, market in enumerate(markets) if market > 1]
    assert receipt.rejections == [(place, Reason.UNKNOWN_MARKET) for place in unknown]
    assert [fill["market"] for fill in receipt.named("FillSettled")] == [0, 0, 1, 1, 0]
    sizes = [read_position(m.house.word, m.a.account, market).size for market in (0, 1)]
    assert sizes == [3 * LOT, 2 * LOT]


def test_two_accounts_of_one_owner_are_refused() -> None:
    m = Market()
    other = m.house.trader(0, 1000 * USD)
    receipt = m.house.trade(m.a, other, ONE // 100, PRICE)
    assert receipt.rejections == refused(Reason.SELF_TRADE)


def test_price_beyond_a_limit_is_refused() -> None:
    m = Market()
    tick = BTC_USD.tick
    assert m.try_order(price=PRICE - tick) == refused(Reason.LIMIT_EXCEEDED)
    assert m.try_order(price=PRICE + tick) == []


def test_price_off_the_tick_is_refused() -> None:
    m = Market()
    receipt = m.house.trade(m.a, m.b, ONE, PRICE + 1)
    assert receipt.rejections == refused(Reason.OFF_TICK)


def test_cancelled_order_is_refused() -> None:
    m = Market()
    m.house.send(m.a.address, "cancelOrders", m.a.account, [0, 7])
    assert m.try_order(nonce=7) == refused(Reason.ORDER_CANCELLED)
    assert m.try_order(nonce=6) == []


def test_order_is_not_filled_beyond_its_size() -> None:
    m = Market()
    buy, _ = m.pair()
    _, sell = m.pair(2 * ONE)
    batch = [Match(buy, sell, ONE - LOT), Match(buy, sell, 2 * LOT), Match(buy, sell, LOT)]
    assert m.house.settle(*batch).rejections == [(1, Reason.ORDER_OVERFILLED)]
    assert m.house.settle(batch[2]).rejections == refused(Reason.ORDER_OVERFILLED)


def test_flags_bind_taker_and_maker() -> None:
    m = Market()
    assert m.try_order(flags=OrderFlag.POST_ONLY) == refused(Reason.POST_ONLY_WOULD_TAKE)
    for flag in (OrderFlag.IOC, OrderFlag.FOK):
        assert m.try_order(flags=flag, size=LOT) == []
        resting = m.house.order(m.b, False, ONE, PRICE, flags=flag)
        taker = m.house.order(m.a, True, ONE, PRICE)
        receipt = m.house.settle(Match(taker, resting, ONE))
        assert receipt.rejections == refused(Reason.IMMEDIATE_WOULD_REST)


def test_fee_above_the_signed_maximum_is_refused() -> None:
    m = Market()
    assert m.try_order(max_fee=499) == refused(Reason.FEE_ABOVE_MAXIMUM)
    assert m.try_order(max_fee=500) == []


def test_price_outside_the_band_is_refused() -> None:
    m = Market()
    edge = PRICE * 105 // 100
    over = m.house.trade(m.a, m.b, LOT, edge + BTC_USD.tick)
    assert over.rejections == refused(Reason.OUTSIDE_PRICE_BAND)
    assert m.house.trade(m.a, m.b, LOT, edge).rejections == []


def test_reduce_only_order_never_opens_or_flips() -> None:
    m = Market()
    assert m.try_order(flags=OrderFlag.REDUCE_ONLY) == refused(Reason.NOT_REDUCING)
    m.house.trade(m.b, m.a, ONE, PRICE)
    flip = m.try_order(size=ONE + LOT, flags=OrderFlag.REDUCE_ONLY)
    assert flip == refused(Reason.NOT_REDUCING)
    assert m.try_order(flags=OrderFlag.REDUCE_ONLY) == []


@pytest.mark.parametrize(
    "tighten",
    [
        lambda h: h.send(OPERATORS.guardian.address, "pause"),
        lambda h: h.send(TIMELOCK, "setMarketStatus", 0, 2),
        lambda h: h.send(TIMELOCK, "setMarketStatus", 0, 3),
    ],
    ids=["paused", "reduce-only", "halted"],
)
def test_tightened_market_lets_positions_close_and_nothing_else(
    tighten: Callable[[House], Receipt],
) -> None:
    m = Market()
    m.house.trade(m.a, m.b, ONE, PRICE)
    tighten(m.house)
    more = m.house.trade(m.a, m.b, LOT, PRICE)
    assert more.rejections == refused(Reason.MARKET_REDUCE_ONLY)
    assert m.house.trade(m.b, m.a, ONE, PRICE).rejections == []


def test_stale_index_lets_positions_close_and_nothing_else() -> None:
    m = Market()
    m.house.trade(m.a, m.b, ONE, PRICE)
    m.house.advance(BTC_USD.stale_seconds)
    assert m.house.trade(m.a, m.b, LOT, PRICE).rejections == []
    m.house.advance(1)
    assert m.house.trade(m.a, m.b, LOT, PRICE).rejections == refused(Reason.ORACLE_STALE)
    assert m.house.trade(m.b, m.a, ONE, PRICE).rejections == []


def test_stale_index_of_another_held_market_blocks_new_risk() -> None:
    m = Market()
    m.house.trade(m.a, m.b, LOT, PRICE, market=1)
    m.house.advance(BTC_USD.stale_seconds + 1)
    m.house.report(0, PRICE)
    assert m.house.trade(m.a, m.b, LOT, PRICE).rejections == refused(Reason.ORACLE_STALE)


def test_open_interest_cap_stops_growth_not_reduction() -> None:
    m = Market(oi_cap=ONE)
    assert m.house.trade(m.a, m.b, ONE, PRICE).rejections == []
    grow = m.house.trade(m.a, m.b, LOT, PRICE)
    assert grow.rejections == refused(Reason.OPEN_INTEREST_CAP)
    m.house.send(OPERATORS.guardian.address, "tightenMarket", 0, 1, LOT, BTC_USD.price_band)
    assert m.house.trade(m.b, m.a, LOT, PRICE).rejections == []


def test_position_that_overflows_its_field_is_refused() -> None:
    safety = replace(BTC_USD.safety, liquidation_fee=0, slippage=0)
    wide = {"oi_cap": 2**63 - 1, "oi_low": 2**62, "oi_high": 2**62, "safety": safety}
    m = Market(cash=2**94, mmf=1, imf=1, **wide)
    size = (2**63 - 1) // LOT * LOT
    assert m.house.trade(m.a, m.b, size, PRICE).rejections == []
    over = m.house.trade(m.a, m.b, LOT, PRICE)
    assert over.rejections == refused(Reason.FIELD_OVERFLOW)


def test_undercollateralised_sides_are_refused_by_name() -> None:
    m = Market()
    poor = m.house.trader(2, 100 * USD)
    assert m.house.trade(poor, m.b, ONE, PRICE).rejections == refused(Reason.TAKER_MARGIN)
    assert m.house.trade(m.b, poor, ONE, PRICE).rejections == refused(Reason.MAKER_MARGIN)
    assert m.house.read("getPositions", poor.account) == ((), ())


def test_refused_fill_leaves_later_fills_of_the_batch_alone() -> None:
    m = Market()
    poor = m.house.trader(2, 2000 * USD)
    sell = m.house.order(m.b, False, 9 * ONE, PRICE)
    big = m.house.order(poor, True, 3 * ONE, PRICE)
    small = m.house.order(poor, True, ONE, PRICE)
    receipt = m.house.settle(Match(big, sell, 3 * ONE), Match(small, sell, ONE))
    assert receipt.rejections == [(0, Reason.TAKER_MARGIN)]
    assert m.house.read("getPosition", poor.account, 0)["size"] == ONE
    assert m.house.read("getMarket", 0)["flow"]["openInterest"] == ONE


def test_account_below_initial_margin_may_reduce_and_not_grow() -> None:
    m = Market()
    poor = m.house.trader(2, 2000 * USD)
    m.house.trade(poor, m.b, ONE, PRICE)
    fallen = PRICE - 800 * PRICE_ONE
    m.house.advance(1)
    m.house.report(0, fallen)
    standing = m.house.read("requirements", poor.account)
    assert standing["maintenance"] < standing["equity"] < standing["initial"]
    assert m.house.trade(poor, m.b, LOT, fallen).rejections == refused(Reason.TAKER_MARGIN)
    assert m.house.trade(m.b, poor, ONE // 2, fallen).rejections == []


def test_initial_margin_rises_with_open_interest() -> None:
    m = Market(oi_low=ONE, oi_high=2 * ONE)
    rich = m.house.trader(2, 200_000 * USD)
    other = m.house.trader(3, 200_000 * USD)
    m.house.trade(rich, other, 2 * ONE - LOT, PRICE)
    imf, _ = m.house.read("marginFractions", 0)
    assert imf == 999_902
    assert m.house.trade(m.a, m.b, ONE, PRICE).rejections == refused(Reason.TAKER_MARGIN)


def test_auction_market_fills_at_its_clearing_price() -> None:
    m = Market(auction=True)
    tick = BTC_USD.tick
    buy = m.house.order(m.a, True, ONE, PRICE + 5 * tick)
    sell = m.house.order(m.b, False, ONE, PRICE - 5 * tick)
    match = Match(buy, sell, ONE)
    assert m.house.settle(match).rejections == refused(Reason.NO_CLEARING_PRICE)
    beyond = m.house.settle(match, clearing={0: PRICE + 6 * tick})
    assert beyond.rejections == refused(Reason.LIMIT_EXCEEDED)
    (fill,) = m.house.settle(match, clearing={1: 7, 0: PRICE}).named("FillSettled")
    assert fill["price"] == PRICE


def test_only_the_matcher_settles() -> None:
    m = Market()
    batch = pack_batch([Match(*m.pair(), ONE)])
    for sender in (m.a.address, OPERATORS.guardian.address, TIMELOCK):
        with pytest.raises(Reverted, match="NotAllowed"):
            m.house.call(sender, batch.calldata)


def test_short_gas_stops_the_batch_between_fills() -> None:
    m = Market()
    buy, sell = m.pair(40 * ONE)
    batch = pack_batch([Match(buy, sell, LOT)] * 40)
    whole = m.house.call(OPERATORS.matcher.address, batch.calldata)
    assert not whole.named("BatchStopped")
    stops = set()
    for gas in range(280_000, 2_000_000, 71_321):
        fresh = Market()
        buy, sell = fresh.pair(40 * ONE)
        receipt = fresh.house.settle(*[Match(buy, sell, LOT)] * 40, gas=gas)
        (stop,) = receipt.named("BatchStopped") or [{"firstUnprocessed": 40}]
        assert len(receipt.named("FillSettled")) == stop["firstUnprocessed"]
        assert read_filled(fresh.house.word, fresh.a.account, 0) == stop["firstUnprocessed"] * LOT
        stops.add(stop["firstUnprocessed"])
    assert 40 in stops
    assert len(stops) > 5


def test_gas_reserve_covers_many_new_accounts_and_both_markets() -> None:
    house = House()
    house.report(0, PRICE)
    house.report(1, 3_000 * PRICE_ONE)
    traders = [house.trader(i, 5_000 * USD) for i in range(24)]
    matches = []
    for number, (a, b) in enumerate(zip(traders, traders[1:])):
        market = number % 2
        price = (PRICE, 3_000 * PRICE_ONE)[market]
        buy = house.order(a, True, ONE // 100, price, market=market, nonce=number * 8)
        sell = house.order(b, False, ONE // 100, price, market=market, nonce=number * 8 + 4)
        matches.append(Match(buy, sell, ONE // 100))
    settled = 0
    for gas in range(400_000, 3_600_000, 123_457):
        receipt = house.settle(*matches[settled:], gas=gas)
        stops = receipt.named("BatchStopped")
        done = stops[0]["firstUnprocessed"] if stops else len(matches) - settled
        assert len(receipt.named("FillSettled")) == done
        settled += done
        if settled == len(matches):
            break
    assert settled == len(matches)
