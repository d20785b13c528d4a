"""Attacks that somebody thought of, on the real bytecode: none of them may pay or block others."""

import pytest

from execution.margin import Reason
from tests.execution.contracts.desk import usd
from tests.execution.contracts.house import USD, Reverted
from tests.execution.contracts.wreck import (
    ANYONE,
    BTC,
    DELAY_SECONDS,
    GRACE_SECONDS,
    Wreck,
    coins,
)

MINUTE_SECONDS = 60
DAY_SECONDS = 86_400


def worthless_call(house: Wreck) -> int:
    """A call a fifth above the index, ten minutes from its end: worth nothing, and losing
    nothing in any scenario."""
    strike = house.list_strike(house.on_the_minute(10 * MINUTE_SECONDS), usd(72_000))
    house.quote(strike, usd(60_000))
    return strike


def test_premium_beyond_equity_for_a_worthless_option_is_refused() -> None:
    """Else an account without margin to lose could pay any premium to its owner's friend."""
    house = Wreck()
    call = worthless_call(house)
    payer, friend = house.trader(1, 100 * USD), house.trader(2, 10_000 * USD)
    receipt = house.trade(payer, friend, coins(1), usd(2_900), market=call)
    assert receipt.rejections == [(0, Reason.TAKER_MARGIN)]
    assert house.equity(payer) == 100 * USD


# Deleveraging


def test_candidate_of_an_earlier_bankruptcy_is_not_executed_unopposed() -> None:
    """Else whoever named a victim once could wait for the next crash, and nobody could outbid."""
    house = Wreck()
    failing, victim = house.trader(1, 3_000 * USD), house.trader(2, 1_000_000 * USD)
    assert not house.trade(failing, victim, coins(1), usd(60_000)).rejections
    house.crash(usd(56_900))
    house.propose(failing, victim)
    house.deposit(failing.address, failing.account, 1_000 * USD)
    house.advance(DAY_SECONDS)
    for price in (56_900, 56_900, 55_000):
        house.crash(usd(price))
        house.advance(GRACE_SECONDS // 2)
    receipt = house.send(ANYONE, "deleverage", failing.account, BTC)
    assert not receipt.named("Deleveraged")
    assert receipt.named("DeleverageProposed")[0]["counterparty"] == victim.account
    with pytest.raises(Reverted, match="CandidateTooYoung"):
        house.deleverage(failing)
    house.advance(DELAY_SECONDS)
    assert house.deleverage(failing)["counterparty"] == victim.account


# The end of a market


@pytest.mark.parametrize("mode", [0, 1])
def test_position_in_a_closed_market_needs_no_margin(mode: int) -> None:
    """Its price can't move: else the end of one market would liquidate accounts in another."""
    house = Wreck()
    long, short = house.trader(1, 100_000 * USD), house.trader(2, 100_000 * USD)
    house.send(long.address, "setMarginMode", long.account, mode)
    assert not house.trade(long, short, coins(1), usd(60_000)).rejections
    house.close(BTC)
    standing = house.read("requirements", long.account)
    assert (standing["initial"], standing["maintenance"]) == (0, 0)
    assert standing["withdrawable"] == standing["equity"]
