"""The largest account can always be closed: every call on the way fits into a transaction."""

from typing import Any

import pytest

from execution.contracts.abi import clearing_house
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.cold import cold_call
from tests.execution.contracts.giant import Giant
from tests.execution.contracts.house import Reverted
from tests.execution.contracts.wreck import ANYONE, DELAY_SECONDS

GAS_MAX = 15_000_000
"""A transaction's cap is 2^24. The rest is for what all transactions do."""

CALLS_MAX = 16
"""Takeovers until the largest account is gone."""

UNEVEN = tuple((7 * n * n + 3 * n) % 97 + 1 for n in range(96))
"""Lots: sizes whose steps meet nowhere, so that a search has most to try."""

ACCOUNTS: dict[str, dict[str, Any]] = {
    "perpetuals": {"held": 0},
    "portfolio": {"held": 0, "is_portfolio": True},
    "options": {},
}


def cold(house: Giant, name: str, *arguments: Any) -> None:
    """Send a call whose gas, with every slot cold, is within the bound."""
    data = clearing_house().call(name, *arguments)
    assert cold_call(house, data, ANYONE).gas_used < GAS_MAX
    house.send(ANYONE, name, *arguments, gas=2**40)


@pytest.mark.parametrize("kind", ACCOUNTS)
def test_largest_account_is_made_safe_by_calls_that_fit(kind: str) -> None:
    house = Giant(lots=UNEVEN, **ACCOUNTS[kind])
    house.fail(bankrupt=False)
    for _ in range(CALLS_MAX):
        cold(house, "takeOver", house.failing.account)
        now = house.read("requirements", house.failing.account)
        assert now["equity"] >= 0
        if now["equity"] >= now["maintenance"]:
            break
    assert now["equity"] >= now["maintenance"]
    assert_balanced(house)
    with pytest.raises(Reverted, match="NotLiquidatable"):
        house.send(ANYONE, "takeOver", house.failing.account, gas=2**40)


@pytest.mark.parametrize("kind", ACCOUNTS)
def test_largest_debt_is_taken_over_share_by_share(kind: str) -> None:
    """Insurance of what is taken pays its part by maintenance margin, and of the last the rest."""
    house = Giant(lots=UNEVEN, **ACCOUNTS[kind])
    house.fail(bankrupt=True)
    calls = 0
    while house.size(house.failing, 0) or house.read("getPositions", house.failing.account)[0]:
        before = house.read("requirements", house.failing.account)
        cold(house, "takeOver", house.failing.account)
        after = house.read("requirements", house.failing.account)
        exact = before["equity"] * after["maintenance"]
        assert exact <= after["equity"] * before["maintenance"]
        assert after["equity"] <= exact // before["maintenance"] + 1
        calls += 1
    assert 1 < calls <= CALLS_MAX
    assert house.equity(house.failing) == 0
    assert_balanced(house)


def test_largest_account_is_deleveraged_against_the_largest_by_calls_that_fit() -> None:
    house = Giant(lots=UNEVEN, insurance=0)
    house.fail(bankrupt=True)
    first, second = (winner.account for winner in house.winners)
    for market in (0, house.series[0]):
        for winner in (second, first):
            cold(house, "proposeDeleverage", house.failing.account, market, winner)
        house.advance(DELAY_SECONDS)
        cold(house, "deleverage", house.failing.account, market)
    assert_balanced(house)


def test_vaults_that_hold_all_they_may_are_judged_in_calls_that_fit() -> None:
    house = Giant(lots=UNEVEN, full_vaults=12, held=2)
    house.fail(bankrupt=False)
    cold(house, "takeOver", house.failing.account)
    assert_balanced(house)
