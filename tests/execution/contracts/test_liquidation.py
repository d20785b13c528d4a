"""Closing a failing account against signed orders: when, how much, at what price and fee."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from execution.contracts.genesis import BTC_USD, ETH_USD
from execution.margin import FILLED_CANCELLED, Match, OrderFlag, Reason, SignedOrder
from genesis.accounts import derive_account
from state.types import Timestamp
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.exact.deleveraging import bankruptcy_price
from tests.execution.contracts.exact.failing import closed, liquidation_size, reaches_target
from tests.execution.contracts.exact.fills import fee, notional
from tests.execution.contracts.exact.holdings import Account
from tests.execution.contracts.house import OPERATORS, USD, Receipt, Reverted, Trader
from tests.execution.contracts.pit import model_of
from tests.execution.contracts.wreck import ANYONE, BTC, ETH, Wreck, coins, usd

SAFETY = BTC_USD.safety
FEE = SAFETY.liquidation_fee
FREE = (0,) * 8
ENTRY = usd(60_000)
CRASH = usd(58_500)


class Ward(Wreck):
    """A wreck with people who might buy from who fails."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.failing = self.trader(1, 2_000 * USD)
        self.winner = self.trader(2, 10**12)
        self.bidder = self.trader(3, 10**12)

    def fail(self, *, is_long: bool = True, crash: int = CRASH) -> None:
        """One coin at 60,000 for 2,000 USD, and the price goes the wrong way."""
        sides = (self.failing, self.winner) if is_long else (self.winner, self.failing)
        assert self.trade(*sides, coins(1), ENTRY).rejections == []
        self.crash(crash if is_long else 2 * ENTRY - crash)

    def bid(self, size: int = coins(1), price: int = CRASH, **terms: Any) -> SignedOrder:
        return self.order(self.bidder, True, size, price, **terms)

    def liquidate(self, *orders: SignedOrder) -> Receipt:
        """Anyone brings orders."""
        table = b"".join(order.packed for order in orders)
        receipt: Receipt = self.send(ANYONE, "liquidate", self.failing.account, table)
        assert_balanced(self)
        return receipt

    def refused(self, order: SignedOrder) -> Reason:
        """Why an order is passed over when it is followed by a good one."""
        receipt = self.liquidate(order, self.bid())
        rejected = receipt.named("LiquidationOrderRejected")
        assert [one["index"] for one in rejected] == [0]
        assert len(receipt.named("PositionLiquidated")) == 1
        return Reason(rejected[0]["reason"])

    def exact(self, trader: Trader) -> Account:
        """An account as the exact model sees it."""
        return model_of(self, trader.account)

    def stands(self, trader: Trader) -> tuple[int, int]:
        """Equity and maintenance, q6."""
        standing = self.read("requirements", trader.account)
        return standing["equity"], standing["maintenance"]


@pytest.fixture
def ward() -> Ward:
    return Ward()


# When


def test_worked_example_is_liquidatable_from_its_last_tick_on() -> None:
    """MARGIN.md, "Worked examples": long 1.5, cost 96375450000, cash 5000000000, 1.2%."""
    house = Ward(markets=(replace(BTC_USD, fees=FREE), ETH_USD))
    price = 64_250_3 * BTC_USD.tick
    house.crash(price)
    trader = house.failing = house.trader(4, 5_000 * USD)
    assert house.trade(trader, house.winner, coins(1.5), price).rejections == []
    assert house.read("getPosition", trader.account, BTC)["cost"] == 96_375_450_000
    bid = house.order(house.bidder, True, coins(1.5), 61_656_8 * BTC_USD.tick)
    house.crash(61_656_9 * BTC_USD.tick)
    with pytest.raises(Reverted, match="NotLiquidatable"):
        house.liquidate(bid)
    house.crash(61_656_8 * BTC_USD.tick)
    (sold,) = house.liquidate(bid).named("PositionLiquidated")
    assert sold["counterparty"] == house.bidder.account


@pytest.mark.parametrize("is_long", [True, False])
def test_liquidation_closes_the_fewest_lots_that_reach_the_target(
    ward: Ward, is_long: bool
) -> None:
    ward.fail(is_long=is_long)
    before = ward.exact(ward.failing)
    price = CRASH - usd(50) if is_long else 2 * ENTRY - CRASH + usd(50)
    size = liquidation_size(before, 0, 0, price, FEE)
    assert 0 < size < coins(1)
    insured = ward.insured()
    receipt = ward.liquidate(ward.order(ward.bidder, is_long, coins(1), price))
    (sold,) = receipt.named("PositionLiquidated")
    expected = closed(before, 0, 0, size, price, FEE)
    assert sold["size"] == (-size if is_long else size)
    assert sold["fee"] == expected.fee == fee(size, price, FEE)
    assert not sold["vault"]
    assert ward.insured() - insured == expected.fee
    assert ward.exact(ward.failing) == expected.account
    assert reaches_target(expected.account)
    fewer = closed(before, 0, 0, size - BTC_USD.lot, price, FEE).account
    assert not reaches_target(fewer)


def test_liquidation_in_portfolio_margin_closes_the_fewest_lots(ward: Ward) -> None:
    crash = usd(55_500)
    ward.failing = ward.trader(4, 13_000 * USD)
    ward.send(ward.failing.address, "setMarginMode", ward.failing.account, 1)
    ward.fail(crash=crash)
    before = ward.exact(ward.failing)
    size = liquidation_size(before, 0, 0, crash, FEE, is_portfolio=True)
    (sold,) = ward.liquidate(ward.bid(price=crash)).named("PositionLiquidated")
    assert 0 < -sold["size"] == size < coins(1)
    equity, maintenance = ward.stands(ward.failing)
    assert 4 * equity >= 5 * maintenance


def test_liquidation_cancels_the_accounts_orders(ward: Ward) -> None:
    resting = ward.order(ward.failing, True, coins(0.01), CRASH)
    ward.fail()
    (started,) = ward.liquidate(ward.bid()).named("LiquidationStarted")
    assert (started["account"], started["epoch"]) == (ward.failing.account, 1)
    assert started["equity"] < started["maintenance"]
    sale = ward.order(ward.winner, False, coins(0.01), CRASH)
    assert ward.settle(Match(sale, resting, coins(0.01))).rejections == [(0, Reason.WRONG_EPOCH)]


def test_liquidation_takes_from_several_orders_until_the_account_is_safe(ward: Ward) -> None:
    ward.fail()
    needed = liquidation_size(ward.exact(ward.failing), 0, 0, CRASH, FEE)
    bids = [ward.bid(size=needed // 2 // BTC_USD.lot * BTC_USD.lot) for _ in range(4)]
    receipt = ward.liquidate(*bids)
    sold = [-one["size"] for one in receipt.named("PositionLiquidated")]
    assert sold[0] == bids[0].order.size
    rest = receipt.named("LiquidationOrderRejected")
    assert [(one["index"], Reason(one["reason"])) for one in rest] == [
        (n, Reason.ALREADY_SAFE) for n in range(len(sold), 4)
    ]
    filled = [ward.read("getFilled", ward.bidder.account, bid.order.nonce) for bid in bids]
    assert filled == sold + [0] * (4 - len(sold))
    assert ward.size(ward.bidder) == sum(sold)
    equity, maintenance = ward.stands(ward.failing)
    assert 4 * equity >= 5 * maintenance


def test_fee_is_capped_by_the_equity_that_the_fill_leaves(ward: Ward) -> None:
    """Near bankruptcy there is no fee to take, and no debt is made to take one."""
    ward.fail(crash=usd(58_100))
    equity, _ = ward.stands(ward.failing)
    assert 0 < equity < fee(coins(1), usd(58_100), FEE)
    (sold,) = ward.liquidate(ward.bid(price=usd(58_100))).named("PositionLiquidated")
    assert sold["fee"] == equity == ward.insured()
    assert ward.stands(ward.failing) == (0, 0)


def test_buyer_pays_its_maker_fee_and_gets_no_rebate() -> None:
    paying = replace(BTC_USD, fees=(500, 200) * 4)
    house = Ward(markets=(paying, ETH_USD))
    house.fail()
    before, fees = house.equity(house.bidder), house.read("getCustody")[2]
    (sold,) = house.liquidate(house.bid()).named("PositionLiquidated")
    paid = fee(-sold["size"], CRASH, 200)
    assert before - house.equity(house.bidder) == paid
    assert house.read("getCustody")[2] - fees == paid
    rebated = Ward()
    rebated.fail()
    before = rebated.equity(rebated.bidder)
    rebated.liquidate(rebated.bid())
    assert rebated.equity(rebated.bidder) == before


# At what price


@pytest.mark.parametrize("is_long", [True, False])
def test_price_bound_is_the_mark_less_the_slippage(ward: Ward, is_long: bool) -> None:
    ward.failing = ward.trader(4, 2_250 * USD)
    ward.fail(is_long=is_long, crash=usd(58_400))
    mark = usd(58_400) if is_long else 2 * ENTRY - usd(58_400)
    slip = mark * SAFETY.slippage // 10**6
    last = -(-(mark - slip) // BTC_USD.tick) if is_long else (mark + slip) // BTC_USD.tick
    worse = last - 1 if is_long else last + 1
    orders = [
        ward.order(ward.bidder, is_long, coins(1), ticks * BTC_USD.tick) for ticks in (worse, last)
    ]
    receipt = ward.liquidate(*orders)
    (rejected,) = receipt.named("LiquidationOrderRejected")
    assert (rejected["index"], Reason(rejected["reason"])) == (0, Reason.WORSE_THAN_BOUND)
    assert receipt.named("PositionLiquidated")[0]["price"] == last * BTC_USD.tick


@pytest.mark.parametrize("crash", [58_100, 58_010, 57_900])
def test_price_bound_is_the_bankruptcy_price_where_that_is_nearer(ward: Ward, crash: int) -> None:
    """So no sale to an order leaves a debt, and one above the mark can even undo one."""
    ward.fail(crash=usd(crash))
    equity, maintenance = ward.stands(ward.failing)
    last = bankruptcy_price(coins(1), usd(crash), equity, maintenance, maintenance, BTC_USD.tick)
    orders = [ward.bid(price=price) for price in (last - BTC_USD.tick, last)]
    receipt = ward.liquidate(*orders)
    (rejected,) = receipt.named("LiquidationOrderRejected")
    assert (rejected["index"], Reason(rejected["reason"])) == (0, Reason.WORSE_THAN_BOUND)
    assert receipt.named("PositionLiquidated")[0]["price"] == last
    assert 0 <= ward.equity(ward.failing) < notional(coins(1), BTC_USD.tick)


# Which position


def test_positions_go_in_descending_maintenance(ward: Ward) -> None:
    ward.failing = ward.trader(4, 4_000 * USD)
    assert ward.trade(ward.failing, ward.winner, coins(30), usd(3_000), market=ETH).rejections == []
    ward.fail(crash=usd(57_000))
    assert ward.stands(ward.failing)[0] > 0
    btc, eth = (
        ward.bid(price=usd(57_000)),
        ward.order(ward.bidder, True, coins(30), usd(3_000), market=ETH),
    )
    receipt = ward.liquidate(btc, eth, btc)
    rejected = receipt.named("LiquidationOrderRejected")
    assert Reason(rejected[0]["reason"]) is Reason.NOT_LARGEST_POSITION
    sold = [one["market"] for one in receipt.named("PositionLiquidated")]
    # 30 ETH need 1,350 USD and one BTC 684: the first goes whole.
    assert sold == [ETH, BTC]
    assert ward.size(ward.failing, ETH) == 0


# Which orders


def _tampered(order: SignedOrder) -> SignedOrder:
    return replace(order, order=replace(order.order, size=order.order.size - BTC_USD.lot))


def _cancelled(ward: Ward) -> SignedOrder:
    order = ward.bid()
    ward.send(ward.bidder.address, "cancelOrders", ward.bidder.account, [order.order.nonce])
    assert ward.read("getFilled", ward.bidder.account, order.order.nonce) == FILLED_CANCELLED
    return order


def _filled(ward: Ward) -> SignedOrder:
    order = ward.bid(size=BTC_USD.lot)
    sale = ward.order(ward.winner, False, BTC_USD.lot, CRASH)
    assert ward.settle(Match(sale, order, BTC_USD.lot)).rejections == []
    return order


def _own(ward: Ward) -> SignedOrder:
    other = ward.trader(1, 100_000 * USD)
    return ward.order(other, True, coins(1), CRASH)


def _poor(ward: Ward) -> SignedOrder:
    return ward.order(ward.trader(7, 10 * USD), True, coins(1), CRASH)


REFUSED: dict[Reason, Callable[[Ward], SignedOrder]] = {
    Reason.UNKNOWN_ACCOUNT: lambda w: w.order(Trader(w.bidder.key, 99), True, coins(1), CRASH),
    Reason.ORDER_EXPIRED: lambda w: w.bid(expiry=Timestamp(w.now - 1)),
    Reason.WRONG_EPOCH: lambda w: w.bid(nonce=1 << 32),
    Reason.BAD_SIGNATURE: lambda w: replace(w.bid(), r=bytes(32)),
    Reason.SIGNER_NOT_ALLOWED: lambda w: w.bid(key=derive_account(8).key),
    Reason.SAME_SIDE: lambda w: w.order(w.bidder, False, coins(1), CRASH),
    Reason.SELF_TRADE: _own,
    Reason.IMMEDIATE_WOULD_REST: lambda w: w.bid(flags=OrderFlag.IOC),
    Reason.OFF_TICK: lambda w: w.bid(price=CRASH + 1),
    Reason.OFF_LOT: lambda w: w.bid(size=BTC_USD.lot - 1),
    Reason.OUTSIDE_PRICE_BAND: lambda w: w.bid(price=CRASH * 106 // 100),
    Reason.ORDER_CANCELLED: _cancelled,
    Reason.ORDER_OVERFILLED: _filled,
    Reason.FEE_ABOVE_MAXIMUM: lambda w: w.bid(max_fee=-1),
    Reason.NOT_REDUCING: lambda w: w.bid(flags=OrderFlag.REDUCE_ONLY),
    Reason.NOT_LARGEST_POSITION: lambda w: w.bid(market=ETH),
    Reason.MAKER_MARGIN: _poor,
}


@pytest.mark.parametrize("reason", REFUSED, ids=lambda reason: reason.name.lower())
def test_order_that_may_not_buy_is_passed_over_by_name(ward: Ward, reason: Reason) -> None:
    ward.fail()
    assert ward.refused(REFUSED[reason](ward)) is reason


def test_order_whose_content_was_changed_is_signed_by_nobody_allowed(ward: Ward) -> None:
    ward.fail()
    assert ward.refused(_tampered(ward.bid())) is Reason.SIGNER_NOT_ALLOWED


def test_malformed_and_cut_off_orders_are_passed_over(ward: Ward) -> None:
    ward.fail()
    good = ward.bid().packed
    unknown_bit = good[:12] + bytes([good[12] | 0x40]) + good[13:]
    table = unknown_bit + good + good[:-1]
    receipt = ward.send(ANYONE, "liquidate", ward.failing.account, table)
    rejected = receipt.named("LiquidationOrderRejected")
    assert [(one["index"], Reason(one["reason"])) for one in rejected] == [
        (0, Reason.MALFORMED_ORDER),
        (2, Reason.MALFORMED_ORDER),
    ]
    assert len(receipt.named("PositionLiquidated")) == 1


def test_buyer_with_stale_prices_elsewhere_may_only_reduce(ward: Ward) -> None:
    ward.trade(ward.bidder, ward.winner, coins(1), usd(3_000), market=ETH)
    ward.fail()
    ward.advance(ETH_USD.stale_seconds - 1)
    ward.report(BTC, CRASH)
    ward.advance(2)
    fresh = ward.order(ward.winner, True, coins(1), CRASH, flags=OrderFlag.REDUCE_ONLY)
    receipt = ward.liquidate(ward.bid(), fresh)
    (rejected,) = receipt.named("LiquidationOrderRejected")
    assert Reason(rejected["reason"]) is Reason.ORACLE_STALE
    assert receipt.named("PositionLiquidated")[0]["counterparty"] == ward.winner.account


def test_reduce_only_order_takes_no_more_than_it_holds(ward: Ward) -> None:
    ward.trade(ward.failing, ward.bidder, coins(0.1), ENTRY)
    ward.fail()
    order = ward.bid(flags=OrderFlag.REDUCE_ONLY)
    (sold,) = ward.liquidate(order).named("PositionLiquidated")
    assert sold["size"] == -coins(0.1)
    assert ward.size(ward.bidder) == 0


def test_session_key_may_sign_a_bid(ward: Ward) -> None:
    ward.fail()
    key = derive_account(8)
    arguments = (ward.bidder.account, key.address, ward.now + 60, 1 << BTC)
    ward.send(ward.bidder.address, "setSessionKey", *arguments)
    assert ward.liquidate(ward.bid(key=key.key)).named("PositionLiquidated")


def test_vault_may_not_bid_outside_its_market() -> None:
    keeper = derive_account(9)
    house = Ward(timelock=keeper.address)
    house.send(keeper.address, "openVault", ETH, 10**12)
    vault = Trader(keeper, int(house.read("getSafety", ETH)[2]["account"]))
    house.deposit(keeper.address, vault.account, 10**12)
    house.fail()
    assert house.refused(house.order(vault, True, coins(1), CRASH)) is Reason.RING_FENCED


# When not


def test_nothing_happens_when_no_order_can_be_used(ward: Ward) -> None:
    ward.fail()
    for orders in ([], [ward.bid(price=usd(50_000))]):
        with pytest.raises(Reverted, match="NothingLiquidated"):
            ward.liquidate(*orders)
    assert ward.read("getAccount", ward.failing.account)[1]["orderEpoch"] == 0


def test_healthy_unknown_and_flat_accounts_are_left_alone(ward: Ward) -> None:
    for account in (ward.bidder.account, 99):
        for name, arguments in (
            ("liquidate", (account, ward.bid().packed)),
            ("takeOver", (account,)),
        ):
            with pytest.raises(Reverted, match="NotLiquidatable"):
                ward.send(ANYONE, name, *arguments)


def test_stale_price_stops_a_liquidation(ward: Ward) -> None:
    ward.fail()
    ward.advance(BTC_USD.stale_seconds)
    assert ward.read("requirements", ward.failing.account)["stale"] is False
    ward.advance(1)
    with pytest.raises(Reverted, match="NoLiquidationNow"):
        ward.liquidate(ward.bid())


def test_outage_of_any_market_of_the_account_gives_it_grace(ward: Ward) -> None:
    ward.trade(ward.failing, ward.winner, coins(0.01), usd(3_000), market=ETH)
    ward.fail()
    ward.advance(ETH_USD.stale_seconds - 1)
    ward.report(BTC, CRASH)
    ward.advance(2)
    assert ward.report(ETH, usd(3_000)).named("PricesResumed")
    with pytest.raises(Reverted, match="NoLiquidationNow"):
        ward.liquidate(ward.bid())
    for seconds in (1, SAFETY.grace_seconds - 2):
        ward.advance(seconds)
        ward.report(BTC, CRASH)
        ward.report(ETH, usd(3_000))
    with pytest.raises(Reverted, match="NoLiquidationNow"):
        ward.liquidate(ward.bid())
    ward.advance(1)
    assert ward.liquidate(ward.bid()).named("PositionLiquidated")


def test_pause_and_halt_stop_no_liquidation(ward: Ward) -> None:
    ward.fail()
    guardian = OPERATORS.guardian.address
    ward.send(guardian, "pause")
    ward.send(guardian, "tightenMarket", BTC, 3, BTC_USD.oi_cap, BTC_USD.price_band)
    assert ward.read("getMarket", BTC)["price"]["status"] == 3
    assert ward.liquidate(ward.bid()).named("PositionLiquidated")


def test_account_with_options_is_not_taken_apart_by_orders(ward: Ward) -> None:
    ward.fail(crash=usd(59_500))
    strike = ward.list_strike(ward.on_the_minute(86_400), usd(60_000))
    ward.quote(strike, usd(59_500))
    value = ward.read("getSeries", strike)[2] // BTC_USD.tick * BTC_USD.tick
    buyer = ward.trader(5, 10**11)
    seller = ward.failing
    ward.deposit(seller.address, seller.account, 40_000 * USD)
    lot = ward.read("getOptionRules", BTC)["lot"]
    tick = ward.read("getOptionRules", BTC)["tick"]
    assert ward.trade(buyer, seller, lot, value // tick * tick, market=strike).rejections == []
    ward.advance(1)
    ward.crash(usd(20_000))
    ward.quote(strike, usd(20_000))
    with pytest.raises(Reverted, match="HoldsOptions"):
        ward.liquidate(ward.bid(price=usd(20_000)))


def test_dydx_2023_a_pyramid_needs_more_as_open_interest_grows() -> None:
    """YFI: gains bought ever more of a thin market. Here each step needs a larger share."""
    thin = replace(BTC_USD, oi_low=coins(5), oi_high=coins(20), oi_cap=coins(50), fees=FREE)
    house = Ward(markets=(thin, ETH_USD))
    bull = house.trader(4, 10_000 * USD)
    price, steps = 60_000, []
    for _ in range(12):
        size = coins(5)
        while size >= BTC_USD.lot:
            if not house.trade(bull, house.winner, size, usd(price)).rejections:
                steps.append(size)
                break
            size = size // 2 // BTC_USD.lot * BTC_USD.lot
        price = price * 102 // 100
        house.crash(usd(price))
    interest = house.read("getMarket", BTC)["flow"]["openInterest"]
    standing = house.read("requirements", bull.account)
    # At 2% the gains would carry ten times as much.
    assert interest < coins(12)
    assert standing["initial"] * 50 > interest * usd(price) // 10**10
