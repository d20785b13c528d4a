"""Known debts, the insurance against them, and when withdrawals are held back."""

import pytest

from execution.contracts.layout import Layout
from genesis.predeploys import COLLATERAL_TOKEN
from tests.contracts import artifact as artifact_of_tests
from tests.execution.contracts.balance import DEBTORS_END, assert_balanced
from tests.execution.contracts.house import OPERATORS, TIMELOCK, USD, House, Reverted, Trader
from tests.execution.contracts.wreck import ANYONE, BTC, ETH, Wreck, coins, usd


@pytest.fixture
def house() -> Wreck:
    return Wreck()


@pytest.fixture
def failing(house: Wreck) -> Trader:
    """Long 2 from 60,000 with 4,000 USD: from 58,000 on it owes."""
    failing, short = house.trader(1, 4_000 * USD), house.trader(2, 50_000 * USD)
    house.trade(failing, short, coins(2), usd(60_000))
    return failing


@pytest.fixture
def saver(house: Wreck, failing: Trader) -> Trader:
    return house.trader(3, 1_000 * USD)


def withdraw(house: Wreck, trader: Trader, amount: int = USD) -> None:
    house.send(trader.address, "withdraw", trader.account, amount, trader.address)


# Reporting


def test_report_follows_the_equity_both_ways(house: Wreck, failing: Trader) -> None:
    assert house.report_debt(failing.account) == 0
    house.crash(usd(57_000))
    assert house.report_debt(failing.account) == -house.equity(failing) == house.reported()
    house.crash(usd(56_000))
    assert house.report_debt(failing.account) == -house.equity(failing) == house.reported()
    house.crash(usd(60_000))
    assert house.report_debt(failing.account) == 0 == house.reported()
    assert_balanced(house)


def test_report_tells_once_what_changed(house: Wreck, failing: Trader) -> None:
    house.crash(usd(57_000))
    debt = -house.equity(failing)
    receipt = house.send(ANYONE, "reportDebt", failing.account)
    assert receipt.named("DebtReported") == [
        {"account": failing.account, "debt": debt, "total": debt}
    ]
    assert not house.send(ANYONE, "reportDebt", failing.account).events


@pytest.mark.parametrize("account", [0, 99, DEBTORS_END, DEBTORS_END - 1, DEBTORS_END - 2])
def test_report_of_who_owes_nothing_changes_nothing(house: Wreck, account: int) -> None:
    assert not house.send(ANYONE, "reportDebt", account).events
    assert house.reported() == 0
    assert_balanced(house)


def test_report_of_open_positions_takes_nothing_from_insurance(
    house: Wreck, failing: Trader
) -> None:
    house.insure(BTC, 10_000 * USD)
    house.crash(usd(57_000))
    assert house.report_debt(failing.account) > 0
    assert house.insured() == 10_000 * USD


# The gate


def test_withdrawals_wait_while_reported_debt_exceeds_insurance(
    house: Wreck, failing: Trader, saver: Trader
) -> None:
    house.crash(usd(57_000))
    withdraw(house, saver)
    debt = house.report_debt(failing.account)
    with pytest.raises(Reverted, match=f"DebtGate.debt={debt}, insurance=0"):
        withdraw(house, saver)
    house.insure(ETH, debt - 1)
    with pytest.raises(Reverted, match="DebtGate"):
        withdraw(house, saver)
    house.insure(BTC, 1)
    withdraw(house, saver)


def test_one_unit_of_bad_debt_freezes_nobody_for_longer_than_a_unit_takes(
    house: Wreck, failing: Trader, saver: Trader
) -> None:
    """Anybody may pay the unit, into insurance or into the account, whatever the prices do."""
    house.crash(usd(57_000))
    house.deposit(ANYONE, failing.account, -house.equity(failing) - 1)
    assert house.report_debt(failing.account) == 1
    with pytest.raises(Reverted, match="DebtGate.debt=1"):
        withdraw(house, saver)
    house.advance(3600)
    house.deposit(ANYONE, failing.account, 1)
    assert house.report_debt(failing.account) == 0
    withdraw(house, saver)
    assert_balanced(house)


def test_one_unit_that_insurance_has_freezes_nobody(
    house: Wreck, failing: Trader, saver: Trader
) -> None:
    house.insure(BTC, 1)
    house.crash(usd(57_000))
    house.deposit(ANYONE, failing.account, -house.equity(failing) - 1)
    assert house.report_debt(failing.account) == 1
    withdraw(house, saver)


def test_debt_without_positions_is_paid_at_once_from_the_lowest_market_on(house: Wreck) -> None:
    """A winner's gain in a market that ends uncovered was all that stood against his debt."""
    winner, loser = house.trader(1, 9_000 * USD), house.trader(2, 3_000 * USD)
    other = house.trader(3, 90_000 * USD)
    house.trade(loser, winner, coins(2), usd(60_000))
    house.trade(winner, other, coins(20), usd(3_000), market=ETH)
    house.crash(usd(45_000))
    house.crash(usd(2_000), market=ETH)
    house.trade(other, winner, coins(20), usd(2_000), market=ETH)
    house.advance(31 * 60)
    house.crash(usd(45_000))
    house.close()
    house.register([winner, loser])
    house.pay([winner])
    debt = house.report_debt(winner.account)
    house.insure(BTC, debt // 3)
    house.insure(ETH, debt)
    receipt = house.send(ANYONE, "reportDebt", winner.account)
    moves = [(e["market"], e["change"]) for e in receipt.named("InsuranceMoved")]
    assert moves == [(BTC, -(debt // 3)), (ETH, debt // 3 - debt)]
    assert house.equity(winner) == house.read("getDebt", winner.account)[2] == 0
    assert_balanced(house)


# Insurance


def test_anyone_funds_a_market_and_custody_grows_with_it(house: Wreck) -> None:
    receipt = house.insure(ETH, 5 * USD)
    assert receipt.named("InsuranceFunded")[0]["amount"] == 5 * USD
    assert (house.insured(BTC), house.insured(ETH)) == (0, 5 * USD)
    assert house.read("getCustody")[1] == 5 * USD
    assert_balanced(house)


def test_funding_no_market_or_with_nothing_reverts(house: Wreck) -> None:
    with pytest.raises(Reverted, match="MarketUnknown"):
        house.insure(2, USD)
    with pytest.raises(Reverted, match="NothingMoved"):
        house.insure(BTC, 0)
    with pytest.raises(Reverted, match="TokenRefused"):
        house.send(OPERATORS.matcher.address, "fundInsurance", BTC, USD)


def test_funding_credits_what_arrived_of_a_token_with_a_fee() -> None:
    house = House(token=artifact_of_tests("HostileToken"))
    words: dict[int, int] = {}
    layout = Layout.of(house.token)
    layout.write(layout.place("feePercent"), 10, words)
    for slot, value in words.items():
        house.evm.insert_account_storage("0x" + COLLATERAL_TOKEN.hex(), slot, value)
    house.give(TIMELOCK, 100 * USD)
    house.send(TIMELOCK, "fundInsurance", BTC, 100 * USD)
    assert house.read("getDebt", 0)[0] == house.read("getCustody")[1] == 90 * USD
    assert_balanced(house)
