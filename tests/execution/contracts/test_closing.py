"""The end of a market: its price, what losers pay, and what is left for winners."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.margin import Match, Reason
from tests.execution.contracts.balance import DEBTORS_END, assert_balanced
from tests.execution.contracts.exact.expiry import settlement_price
from tests.execution.contracts.exact.fills import notional
from tests.execution.contracts.exact.rounding import floor
from tests.execution.contracts.house import TIMELOCK, USD, Reverted, Trader
from tests.execution.contracts.wreck import (
    ANYONE,
    BTC,
    DEAD_SECONDS,
    ETH,
    GUARDIAN,
    Wreck,
    coins,
    usd,
)

HALF_HOUR_SECONDS = 31 * 60


@pytest.fixture
def house() -> Wreck:
    return Wreck()


def settle_at(house: Wreck, price: int, market: int = BTC) -> None:
    """Report a price and let half an hour pass, so that the market would end at it."""
    house.crash(price, market=market)
    house.advance(HALF_HOUR_SECONDS)
    house.crash(price, market=market)


def gain(size: int, cost: int, price: int) -> int:
    """q6."""
    return floor(notional(size, price)) - cost


def cash(house: Wreck, trader: Trader) -> int:
    return int(house.read("getAccount", trader.account)[1]["cash"])


def claim(house: Wreck, trader: Trader, market: int = BTC) -> int:
    return int(house.read("getClaim", trader.account, market))


# The price


def test_close_price_is_the_mean_of_the_last_half_hour(house: Wreck) -> None:
    reports = []
    for minute in range(45):
        house.advance(37 if minute % 5 else 197)
        price = usd(60_000) + (minute * 7919 % 400 - 200) * usd(1) + minute
        house.report(BTC, price)
        reports.append((house.now, price))
    end = (house.now // 60 + 1) * 60
    assert house.close() == settlement_price(reports, end)
    price = house.read("getMarket", BTC)["price"]
    assert price["mark"] == price["index"] == settlement_price(reports, end)
    assert price["status"] == 4


def test_close_hardly_follows_a_squeeze_of_the_last_minute(house: Wreck) -> None:
    settle_at(house, usd(60_000))
    house.crash(usd(120_000))
    assert house.close() == usd(62_000)


def test_close_at_another_bucket_than_the_newest_reverts(house: Wreck) -> None:
    settle_at(house, usd(60_000))
    newest = house.newest_bucket()
    for bucket in (0, newest - 1, newest + 1, 2**40 - 1):
        with pytest.raises(Reverted, match="WrongBucket"):
            house.send(GUARDIAN, "closeMarket", BTC, bucket)


def test_close_of_no_market_or_twice_reverts(house: Wreck) -> None:
    with pytest.raises(Reverted, match="MarketUnknown"):
        house.send(GUARDIAN, "closeMarket", 2, house.newest_bucket())
    house.close()
    with pytest.raises(Reverted, match="MarketClosed"):
        house.close()


# Who may, and when


def test_guardian_and_timelock_close_any_time_and_others_do_not(house: Wreck) -> None:
    with pytest.raises(Reverted, match="MarketAlive"):
        house.close(caller=ANYONE)
    house.close(BTC, GUARDIAN)
    house.close(ETH, TIMELOCK)


def test_anyone_closes_a_market_after_seven_days_without_a_price(house: Wreck) -> None:
    long, short = house.trader(1, 50_000 * USD), house.trader(2, 50_000 * USD)
    house.trade(long, short, coins(1), usd(60_000))
    house.crash(usd(59_000))
    house.advance(DEAD_SECONDS - 1)
    with pytest.raises(Reverted, match="MarketAlive"):
        house.close(caller=ANYONE)
    house.advance(1)
    price = house.close(caller=ANYONE)
    house.register([long, short])
    assert house.pay([long, short]) == {short.account: gain(-coins(1), -60_000 * USD, price)}


def test_funding_accrues_to_the_end_and_not_beyond(house: Wreck) -> None:
    long, short = house.trader(1, 50_000 * USD), house.trader(2, 50_000 * USD)
    house.trade(long, short, coins(1), usd(60_000))
    for _ in range(8):
        house.advance(299)
        house.crash(usd(60_000))
    house.close()
    index = house.read("getMarket", BTC)["flow"]["fundingIndex"]
    assert index > 0
    house.advance(10 * DEAD_SECONDS)
    before = house.equity(long)
    house.send(ANYONE, "registerClosing", BTC, [long.account, short.account])
    assert house.read("getMarket", BTC)["flow"]["fundingIndex"] == index
    assert house.equity(long) == before
    assert_balanced(house)


# Registering and paying


def test_losers_pay_and_winners_are_paid_in_full(house: Wreck) -> None:
    long, first, second = (house.trader(n, 50_000 * USD) for n in (1, 2, 3))
    house.trade(long, first, coins(1), usd(60_000))
    house.trade(long, second, coins(2), usd(61_000))
    settle_at(house, usd(63_000) + 1)
    price = house.close()
    equities = [house.equity(t) for t in (long, first, second)]
    receipt = house.register([second, long, first])
    results = [
        gain(-coins(2), -122_000 * USD, price),
        gain(coins(3), 182_000 * USD, price),
        gain(-coins(1), -60_000 * USD, price),
    ]
    assert [e["result"] for e in receipt.named("PositionClosed")] == results
    assert [e["size"] for e in receipt.named("PositionClosed")] == [-coins(2), coins(3), -coins(1)]
    assert house.pay([long, first, second]) == {long.account: results[1]}
    assert [cash(house, t) for t in (long, first, second)] == equities
    assert house.read("getMarket", BTC)["flow"]["openInterest"] == 0


def test_dust_of_rounding_goes_to_insurance_once_all_are_paid(house: Wreck) -> None:
    traders = [house.trader(n, 50_000 * USD) for n in range(1, 6)]
    for short in traders[1:]:
        house.trade(traders[0], short, coins(0.1234), usd(60_000))
    settle_at(house, usd(63_000) + 12_345)
    house.close()
    house.register(traders)
    house.pay(traders)
    closing = house.read("getClosing", BTC)
    assert closing["collected"] == closing["claims"] == 0
    assert 0 < house.insured() <= len(traders)


def test_pay_before_every_position_is_registered_reverts(house: Wreck) -> None:
    long, short = house.trader(1, 50_000 * USD), house.trader(2, 50_000 * USD)
    house.trade(long, short, coins(1), usd(60_000))
    settle_at(house, usd(61_000))
    with pytest.raises(Reverted, match="MarketNotClosed"):
        house.register([long])
    with pytest.raises(Reverted, match="MarketNotClosed"):
        house.pay([long])
    house.close()
    house.register([long])
    with pytest.raises(Reverted, match=f"PositionsLeft.*longs=0, shorts={coins(1)}"):
        house.pay([long])
    house.register([short])
    assert house.pay([long])


def test_register_and_pay_pass_over_who_was_there_before(house: Wreck) -> None:
    long, short, idle = (house.trader(n, 50_000 * USD) for n in (1, 2, 3))
    house.trade(long, short, coins(1), usd(60_000))
    settle_at(house, usd(61_000))
    house.close()
    receipt = house.register([long, long, idle, short, short, long, 99])
    assert len(receipt.named("PositionClosed")) == 2
    assert house.register([long, short]).named("PositionClosed") == []
    assert house.pay([idle, long, long, short]) == {long.account: 1_000 * USD}
    assert house.pay([long]) == {}


def test_registered_gain_counts_in_equity_and_does_not_leave(house: Wreck) -> None:
    """Else anybody could register a winner in order to liquidate him."""
    long, short = house.trader(1, 50_000 * USD), house.trader(2, 50_000 * USD)
    house.trade(long, short, coins(1), usd(60_000))
    settle_at(house, usd(65_000))
    house.close()
    equity = house.equity(long)
    house.register([long])
    assert house.equity(long) == equity
    assert house.read("requirements", long.account)["withdrawable"] <= cash(house, long)
    house.register([short])
    house.pay([long])
    assert house.equity(long) == cash(house, long) == equity


def test_nothing_trades_in_a_closed_market(house: Wreck) -> None:
    long, short = house.trader(1, 50_000 * USD), house.trader(2, 50_000 * USD)
    house.trade(long, short, coins(1), usd(60_000))
    house.close()
    assert house.trade(short, long, coins(1), usd(60_000)).rejections == [(0, Reason.MARKET_CLOSED)]
    with pytest.raises(Reverted, match="MarketClosed"):
        house.report(BTC, usd(60_000))


def test_vault_position_ends_like_any_other(house: Wreck) -> None:
    vault = house.open_vault(BTC, 500_000 * USD)
    house.insure(BTC, 100_000 * USD)
    failing, short = house.trader(1, 4_000 * USD), house.trader(2, 50_000 * USD)
    house.trade(failing, short, coins(2), usd(60_000))
    house.crash(usd(58_500))
    house.send(ANYONE, "takeOver", failing.account)
    held = house.read("getPosition", vault, BTC)
    assert held["size"] > 0
    settle_at(house, usd(60_000))
    price = house.close()
    house.register([vault, failing, short])
    paid = house.pay([vault, failing, short])
    assert paid[vault] == gain(held["size"], held["cost"], price)


# Losses that nobody can pay


def two_winners_and_a_bankrupt(house: Wreck) -> tuple[Trader, Trader, Trader]:
    """Long 3 from 60,000 with 6,000 USD, when the market ends at 55,000."""
    loser = house.trader(1, 6_000 * USD)
    first, second = house.trader(2, 50_000 * USD), house.trader(3, 50_000 * USD)
    house.trade(loser, first, coins(1), usd(60_000))
    house.trade(loser, second, coins(2), usd(60_000))
    settle_at(house, usd(55_000))
    house.close()
    return loser, first, second


def test_insurance_pays_what_a_loser_cannot(house: Wreck) -> None:
    house.insure(BTC, 20_000 * USD)
    loser, first, second = two_winners_and_a_bankrupt(house)
    missing = -house.equity(loser)
    house.register([loser, first, second])
    assert house.equity(loser) == 0
    assert house.insured() == 20_000 * USD - missing
    assert house.pay([first, second]) == {
        first.account: 5_000 * USD,
        second.account: 10_000 * USD,
    }


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_winners_share_what_insurance_cannot_cover_in_any_order(order: tuple[int, ...]) -> None:
    house = Wreck()
    house.insure(BTC, 1_000 * USD)
    traders = two_winners_and_a_bankrupt(house)
    missing = -house.equity(traders[0]) - 1_000 * USD
    for place in order:
        house.register([traders[place]])
    assert (house.insured(), house.reported()) == (0, 0)
    cover = 15_000 * USD - missing
    paid = house.pay([traders[place] for place in order])
    assert paid[traders[1].account] == floor(Fraction(cover, 3))
    assert sum(paid.values()) == cover
    assert house.equity(traders[0]) == 0


def test_drift_2022_winners_paid_before_losses_were_realised_do_not_empty_the_house(
    house: Wreck,
) -> None:
    """A winner leaves in full against somebody new, and then a loser can't pay.

    The newcomer's gain is not enough to cover for it. The rest is reported as the market's own
    debt, and no withdrawal is made until somebody has covered it.
    """
    loser, early = house.trader(1, 6_000 * USD), house.trader(2, 50_000 * USD)
    late, idle = house.trader(3, 50_000 * USD), house.trader(4, 10_000 * USD)
    house.trade(loser, early, coins(3), usd(60_000))
    house.crash(usd(55_000))
    assert not house.trade(early, late, coins(3), usd(55_000)).rejections
    settle_at(house, usd(54_000))
    house.close()
    missing = -house.equity(loser)
    house.register([loser])
    assert house.reported() == missing
    house.register([late])
    hole = missing - 3_000 * USD
    assert house.reported() == hole > 0
    assert house.pay([late]) == {late.account: 0}
    with pytest.raises(Reverted, match="DebtGate"):
        house.send(early.address, "withdraw", early.account, USD, early.address)
    house.insure(ETH, hole)
    house.send(idle.address, "withdraw", idle.account, USD, idle.address)
    assert house.report_debt(DEBTORS_END - BTC) == 0
    assert_balanced(house)
    everything = [(t, cash(house, t)) for t in (early, late, idle)]
    for trader, amount in everything:
        house.send(trader.address, "withdraw", trader.account, amount, trader.address)


def test_market_debt_waits_for_gains_that_are_not_registered(house: Wreck) -> None:
    house.insure(ETH, 100_000 * USD)
    loser, first, second = two_winners_and_a_bankrupt(house)
    house.register([loser])
    debt = house.reported()
    assert house.report_debt(DEBTORS_END - BTC) == debt > 0
    house.register([first, second])
    assert house.reported() == 0
    assert house.insured(ETH) == 100_000 * USD


def test_jelly_2025_a_squeezed_market_ends_without_touching_what_is_not_its_own(
    house: Wreck,
) -> None:
    """A short far too large for the book is left to the house and the price is squeezed.

    The market ends at the mean of half an hour. The winner is paid what the market's losers and its
    insurance have; other markets' insurance and other accounts keep theirs.
    """
    house.insure(BTC, 5_000 * USD)
    house.insure(ETH, 50_000 * USD)
    squeezer, patsy = house.trader(1, 30_000 * USD), house.trader(2, 30_000 * USD)
    bystander = house.trader(3, 30_000 * USD)
    house.trade(squeezer, patsy, coins(20), usd(60_000))
    settle_at(house, usd(60_000))
    for step in range(5):
        house.advance(50)
        house.crash(usd(64_000 + 4_000 * step))
    price = house.close()
    assert price < usd(64_000)
    position = house.read("getPosition", patsy.account, BTC)
    lost = house.equity(patsy) - gain(position["size"], position["cost"], price)
    house.register([squeezer, patsy])
    paid = house.pay([squeezer])[squeezer.account]
    assert paid <= lost + 5_000 * USD
    assert house.insured(ETH) == 50_000 * USD
    assert cash(house, bystander) == house.equity(bystander) == 30_000 * USD


def test_black_thursday_2020_without_a_bid_or_a_backstop_the_crash_still_settles(
    house: Wreck,
) -> None:
    """Nobody bids and there is no backstop: deleveraging and the end of a market need neither."""
    winners = [house.trader(2 + n, 50_000 * USD) for n in range(3)]
    failing = house.trader(1, 12_000 * USD)
    for winner in winners:
        house.trade(failing, winner, coins(2), usd(60_000))
    house.crash(usd(40_000))
    with pytest.raises(Reverted, match="BackstopUnable"):
        house.send(ANYONE, "takeOver", failing.account)
    house.deleverage_against(failing, winners[0])
    house.deleverage_against(failing, winners[1])
    settle_at(house, usd(30_000))
    house.close()
    house.register([failing, *winners])
    house.pay([failing, *winners])
    assert house.equity(failing) == house.reported() == 0
    assert all(house.equity(t) == cash(house, t) > 50_000 * USD for t in winners)


def test_winner_left_with_debts_elsewhere_is_reported(house: Wreck) -> None:
    """His gain here was all that stood against what he lost there."""
    winner, loser = house.trader(1, 9_000 * USD), house.trader(2, 3_000 * USD)
    other, house_maker = house.trader(3, 90_000 * USD), house.trader(4, 90_000 * USD)
    house.trade(loser, winner, coins(2), usd(60_000))
    house.trade(winner, other, coins(20), usd(3_000), market=ETH)
    house.crash(usd(45_000))
    house.crash(usd(2_000), market=ETH)
    assert not house.trade(other, winner, coins(20), usd(2_000), market=ETH).rejections
    assert cash(house, winner) < 0 < house.equity(winner)
    settle_at(house, usd(45_000))
    house.close()
    house.register([winner, loser])
    house.pay([winner])
    debt = house.read("getDebt", winner.account)[2]
    assert debt == -cash(house, winner) > 0
    house.insure(ETH, debt)
    assert house.report_debt(winner.account) == 0 == cash(house, winner)
    assert cash(house, house_maker) == 90_000 * USD


def test_outage_of_another_market_does_not_hold_up_the_end(house: Wreck) -> None:
    long, short = house.trader(1, 50_000 * USD), house.trader(2, 50_000 * USD)
    house.trade(long, short, coins(1), usd(60_000))
    house.trade(long, short, coins(1), usd(3_000), market=ETH)
    settle_at(house, usd(61_000))
    house.close()
    house.advance(3600)
    assert house.read("requirements", long.account)["stale"]
    house.register([long, short])
    assert house.pay([long, short]) == {long.account: 1_000 * USD}


# Any history


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_market_ends_with_its_books_in_balance(data: st.DataObject) -> None:
    """Trades, a crash, registering and paying in any order: every step keeps the books in balance,
    nobody is paid more than he gained, and a loss that is covered costs no winner anything.
    """
    house = Wreck()
    draw = data.draw
    traders = [house.trader(n, draw(st.integers(2_000, 40_000)) * USD + n) for n in range(1, 7)]
    house.insure(BTC, draw(st.integers(1, 5_000)) * USD)
    price = 60_000
    for _ in range(draw(st.integers(2, 12))):
        buyer, seller = draw(st.permutations(traders))[:2]
        lots = draw(st.integers(1, 20_000))
        house.settle(
            Match(
                house.order(buyer, True, lots * 10_000, usd(price)),
                house.order(seller, False, lots * 10_000, usd(price)),
                lots * 10_000,
            )
        )
        price += draw(st.integers(-1_500, 1_500))
        house.crash(usd(price))
    settle_at(house, usd(price + draw(st.integers(-20_000, 20_000))) + draw(st.integers(0, 10**8)))
    house.close()
    for trader in draw(st.permutations(traders)):
        house.register([trader])
    claims = {t.account: claim(house, t) for t in traders}
    covered = house.read("getClosing", BTC)["collected"] >= sum(claims.values())
    for trader in draw(st.permutations(traders)):
        for account, paid in house.pay([trader]).items():
            assert paid == claims[account] if covered else paid < claims[account]
    assert all(not house.size(t) for t in traders)
    assert house.read("getClosing", BTC)["collected"] == 0
    assert all(house.equity(t) >= 0 or house.reported() for t in traders)
