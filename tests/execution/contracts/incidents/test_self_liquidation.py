"""Self-liquidation: failing on purpose must not move insurance into one's own hands."""

import pytest

from execution.contracts.genesis import BTC_USD
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.house import USD
from tests.execution.contracts.wreck import ANYONE, BTC, Wreck, coins, usd

TICK = BTC_USD.tick


@pytest.mark.parametrize("crash", [58_700, 58_500, 58_300, 58_100])
def test_self_liquidation_into_ones_own_order_takes_nothing_from_insurance(crash: int) -> None:
    """The same person fails with one key, buys with another, at the worst price that is allowed."""
    house = Wreck()
    house.insure(BTC, 100_000 * USD)
    failing, friend = house.trader(1, 2_000 * USD), house.trader(2, 200_000 * USD)
    other = house.trader(3, 200_000 * USD)
    house.trade(failing, other, coins(1), usd(60_000))
    house.crash(usd(crash))
    mine = house.equity(failing) + house.equity(friend)
    insured = house.insured()
    worst = usd(crash) * (10**6 - BTC_USD.safety.slippage) // 10**6
    prices = [p - p % TICK for p in range(worst - usd(300), usd(crash) + usd(300), usd(20))]
    orders = [house.order(friend, True, coins(1), price).packed for price in prices]
    arguments = (failing.account, b"".join(orders))
    house.send(ANYONE, "liquidate", *arguments)
    assert house.insured() >= insured
    assert house.equity(failing) >= 0
    assert house.equity(failing) + house.equity(friend) <= mine
    assert_balanced(house)


def test_self_liquidation_into_the_vault_costs_who_fails_and_not_insurance() -> None:
    """While there is equity the vault's discount and the fee are paid by who fails."""
    house = Wreck()
    vault = house.open_vault(BTC, 500_000 * USD)
    house.insure(BTC, 100_000 * USD)
    failing, hedge = house.trader(1, 2_000 * USD), house.trader(2, 200_000 * USD)
    house.trade(failing, hedge, coins(1), usd(60_000))
    house.crash(usd(58_700))
    mine = house.equity(failing) + house.equity(hedge)
    backing, insured = int(house.read("equity", vault)), house.insured()
    house.send(ANYONE, "takeOver", failing.account)
    assert house.equity(failing) + house.equity(hedge) < mine
    assert house.insured() > insured
    assert house.read("equity", vault) > backing
    assert_balanced(house)
