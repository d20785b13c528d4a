"""Hyperliquid, March 2025: losses that a trader steers into the vault."""

import pytest

from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.exact.rounding import ceil
from tests.execution.contracts.house import USD, Reverted, Trader
from tests.execution.contracts.wreck import ANYONE, BTC, ETH, Wreck, coins, usd


@pytest.fixture
def house() -> Wreck:
    return Wreck()


def cash(house: Wreck, account: int) -> int:
    return int(house.read("getAccount", account)[1]["cash"])


def withdraw_all(house: Wreck, trader: Trader) -> int:
    """q6 that could leave."""
    amount = int(house.read("requirements", trader.account)["withdrawable"])
    if amount:
        house.send(trader.address, "withdraw", trader.account, amount, trader.address)
    return amount


def test_hyperliquid_2025_gains_cannot_be_withdrawn_to_leave_the_vault_the_loss(
    house: Wreck,
) -> None:
    """A whale takes out all he can at the top; when the price falls back, the vault loses nothing.

    What may leave counts no gain, and leaves a tenth of the notional: so the liquidation comes long
    before the whale's equity is gone.
    """
    vault = house.open_vault(BTC, 2_000_000 * USD)
    house.insure(BTC, 10_000 * USD)
    whale, others = house.trader(1, 200_000 * USD), house.trader(2, 2_000_000 * USD)
    house.trade(whale, others, coins(20), usd(60_000))
    house.crash(usd(64_000))
    assert house.equity(whale) > 279_000 * USD
    paid_in, left = 200_000 * USD, withdraw_all(house, whale)
    assert left < paid_in
    tenth = ceil(house.size(whale) * usd(64_000) // 10**10 // 10)
    assert house.equity(whale) >= tenth
    for price in range(63_000, 50_000, -500):
        house.crash(usd(price))
        standing = house.read("requirements", whale.account)
        if standing["equity"] < standing["maintenance"]:
            break
    before, insured = int(house.read("equity", vault)), house.insured()
    house.send(ANYONE, "takeOver", whale.account)
    assert house.read("equity", vault) > before
    assert house.insured() >= insured
    assert house.equity(whale) >= 0
    assert_balanced(house)


def test_hyperliquid_2025_realised_gains_leave_nothing_without_margin(house: Wreck) -> None:
    """Closing and opening again makes a gain cash, but the new position needs its tenth too."""
    whale, others = house.trader(1, 200_000 * USD), house.trader(2, 2_000_000 * USD)
    house.trade(whale, others, coins(20), usd(60_000))
    house.crash(usd(64_000))
    house.trade(others, whale, coins(20), usd(64_000))
    house.trade(whale, others, coins(20), usd(64_000))
    withdraw_all(house, whale)
    assert house.equity(whale) >= house.size(whale) * usd(64_000) // 10**11


def test_jelly_2025_a_vault_stops_at_its_loss_cap_and_lends_nothing_to_another(
    house: Wreck,
) -> None:
    """The squeezed market's vault takes no more than its cap; the other one isn't touched."""
    vault = house.open_vault(BTC, 100_000 * USD, loss_cap=5_000 * USD)
    other = house.open_vault(ETH, 1_000_000 * USD)
    house.insure(BTC, 50_000 * USD)
    house.insure(ETH, 70_000 * USD)
    squeezer = house.trader(1, 500_000 * USD)
    patsies = [house.trader(2 + n, 2_000 * USD) for n in range(3)]
    for patsy in patsies:
        assert not house.trade(squeezer, patsy, coins(1), usd(60_000)).rejections
    house.crash(usd(61_500))
    house.send(ANYONE, "takeOver", patsies[0].account)
    house.crash(usd(70_000))
    lost = 100_000 * USD - int(house.read("equity", vault))
    assert lost > 5_000 * USD
    for patsy in patsies[1:]:
        with pytest.raises(Reverted, match="BackstopUnable"):
            house.send(ANYONE, "takeOver", patsy.account)
        house.deleverage_against(patsy, squeezer)
        assert house.equity(patsy) >= 0
    assert cash(house, other) == house.read("equity", other) == 1_000_000 * USD
    assert house.insured(ETH) == 70_000 * USD
    assert_balanced(house)
