"""Leaving by the backstop: when, at what price, for what penalty, and how a request ends."""

from typing import Any

import pytest

from execution.contracts.genesis import BTC_USD
from tests.execution.contracts.balance import assert_balanced
from tests.execution.contracts.exact.failing import closed
from tests.execution.contracts.exact.rounding import multiple_above, multiple_below
from tests.execution.contracts.house import OPERATORS, USD, Receipt, Reverted
from tests.execution.contracts.pit import model_of
from tests.execution.contracts.wreck import ANYONE, BTC, ETH, Wreck, coins, usd

SAFETY = BTC_USD.safety
PENALTY, DELAY, WINDOW = SAFETY.exit_penalty, SAFETY.exit_delay, SAFETY.exit_window
MINUTE = 60
ENTRY = usd(60_000)


class Hall(Wreck):
    """A wreck with a backstop and somebody who wants to leave."""

    def __post_init__(self) -> None:
        super().__post_init__()
        # In the middle of a minute, so that the delay ends in one.
        self.advance(MINUTE - self.now % MINUTE + 20)
        self.vault = self.open_vault(BTC, 10**12)
        self.leaver = self.trader(1, 10_000 * USD)
        self.other = self.trader(2, 10**12)

    def enter(self, size: int = coins(1), *, cash: int = 0) -> None:
        """The leaver goes long, or short below zero."""
        if cash:
            self.deposit(self.leaver.address, self.leaver.account, cash)
        sides = (self.leaver, self.other) if size > 0 else (self.other, self.leaver)
        self.crash(ENTRY)
        assert self.trade(*sides, abs(size), ENTRY).rejections == []

    def request(self, market: int = BTC) -> Receipt:
        return self._by_owner("requestExit", market)

    def cancel(self, market: int = BTC) -> Receipt:
        return self._by_owner("cancelExit", market)

    def _by_owner(self, name: str, market: int) -> Receipt:
        receipt: Receipt = self.send(self.leaver.address, name, self.leaver.account, market)
        assert_balanced(self)
        return receipt

    def execute(self, bucket: int, market: int = BTC) -> dict[str, Any]:
        """Anyone executes; returns the event."""
        receipt = self.send(ANYONE, "executeExit", self.leaver.account, market, bucket)
        assert_balanced(self)
        (event,) = receipt.named("ExitExecuted")
        return dict(event)

    def keep_fresh(self, seconds: int, price: int = ENTRY) -> None:
        """Let time pass with a report every two minutes."""
        until = self.now + seconds
        while self.now < until:
            self.advance(min(2 * MINUTE, until - self.now))
            self.report(BTC, price)
            self.report(ETH, usd(3_000))

    def wait(self, price: int = ENTRY) -> int:
        """Wait for the first mark after the delay, at a price; returns its bucket."""
        self.keep_fresh(DELAY)
        self.advance(MINUTE - self.now % MINUTE)
        self.report(BTC, price)
        return self.now // MINUTE

    def pending(self, market: int = BTC) -> int:
        return int(self.read("getExit", self.leaver.account, market))


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.mark.parametrize("size", [coins(1), -coins(1)])
def test_exit_closes_the_position_at_the_first_mark_less_the_penalty(hall: Hall, size: int) -> None:
    hall.enter(size)
    assert hall.request().named("ExitRequested") == [
        {"account": hall.leaver.account, "market": BTC, "time": hall.now}
    ]
    backing = hall.read("equity", hall.vault)
    mark = ENTRY + 123_456_789
    bucket = hall.wait(mark)
    before = model_of(hall, hall.leaver.account)
    left = hall.execute(bucket)
    tick = BTC_USD.tick
    price = multiple_below(mark, tick) if size > 0 else multiple_above(mark, tick)
    expected = closed(before, 0, 0, abs(size), price, PENALTY)
    assert (left["size"], left["price"], left["penalty"]) == (-size, price, expected.fee)
    assert expected.fee > 600 * USD
    assert hall.size(hall.leaver) == 0
    assert hall.equity(hall.leaver) == expected.account.cash
    assert hall.insured() == expected.fee
    assert hall.read("equity", hall.vault) >= backing
    assert hall.pending() == 0


def test_exit_waits_for_a_minute_wholly_after_the_delay(hall: Hall) -> None:
    hall.enter()
    hall.request()
    requested = hall.now
    hall.keep_fresh(DELAY - 1)
    with pytest.raises(Reverted, match=rf"ExitTooEarly\(executableFrom={requested + DELAY}\)"):
        hall.execute(hall.now // MINUTE)
    hall.advance(1)
    hall.report(BTC, ENTRY)
    # The minute in which the delay ends began before it did.
    with pytest.raises(Reverted, match="WrongBucket"):
        hall.execute(hall.now // MINUTE)
    bucket = hall.now // MINUTE + 1
    with pytest.raises(Reverted, match="WrongBucket"):
        hall.execute(bucket)
    hall.advance(MINUTE)
    hall.report(BTC, ENTRY)
    hall.advance(MINUTE)
    hall.report(BTC, ENTRY)
    with pytest.raises(Reverted, match="WrongBucket"):
        hall.execute(bucket + 1)
    assert hall.execute(bucket)


def test_exit_expires_after_its_window(hall: Hall) -> None:
    hall.enter()
    hall.request()
    until = hall.now + DELAY + WINDOW
    bucket = hall.wait()
    hall.keep_fresh(until - hall.now)
    with pytest.raises(Reverted, match="ExitPending"):
        hall.request()
    hall.advance(1)
    with pytest.raises(Reverted, match=rf"ExitExpired\(until={until}\)"):
        hall.execute(bucket)
    with pytest.raises(Reverted, match="NoExit"):
        hall.cancel()
    assert hall.request().named("ExitRequested")


@pytest.mark.parametrize("later", [59_000, 61_000])
def test_late_exit_is_no_choice_between_two_prices(hall: Hall, later: int) -> None:
    """Else a request were an option, on any size, against the backstop."""
    hall.enter()
    hall.request()
    bucket = hall.wait()
    hall.advance(1)
    hall.report(BTC, usd(later))
    assert hall.execute(bucket)["price"] == min(ENTRY, usd(later))


def test_exit_needs_a_position_and_an_owner(hall: Hall) -> None:
    with pytest.raises(Reverted, match="NoPosition"):
        hall.request()
    with pytest.raises(Reverted, match="NoExit"):
        hall.cancel()
    with pytest.raises(Reverted, match="NoExit"):
        hall.execute(hall.now // MINUTE)
    hall.enter()
    for name in ("requestExit", "cancelExit"):
        with pytest.raises(Reverted, match="NotOwner"):
            hall.send(hall.other.address, name, hall.leaver.account, BTC)
    hall.request()
    bucket = hall.wait()
    assert hall.trade(hall.other, hall.leaver, coins(1), ENTRY).rejections == []
    with pytest.raises(Reverted, match="NoPosition"):
        hall.execute(bucket)


def test_cancelled_exit_costs_the_penalty(hall: Hall) -> None:
    hall.enter()
    hall.request()
    before = hall.equity(hall.leaver)
    (cancelled,) = hall.cancel().named("ExitCancelled")
    assert cancelled["penalty"] == 600 * USD == before - hall.equity(hall.leaver)
    assert hall.insured() == 600 * USD
    assert hall.pending() == 0
    with pytest.raises(Reverted, match="NoExit"):
        hall.cancel()


def test_penalty_of_a_cancelled_exit_leaves_initial_margin() -> None:
    hall = Hall()
    hall.leaver = hall.trader(3, 1_500 * USD)
    hall.enter()
    hall.request()
    now = hall.read("requirements", hall.leaver.account)
    spare = now["equity"] - now["initial"]
    assert 0 < spare < 600 * USD
    (cancelled,) = hall.cancel().named("ExitCancelled")
    assert cancelled["penalty"] == spare
    hall.request()
    hall.crash(usd(59_900))
    assert hall.cancel().named("ExitCancelled")[0]["penalty"] == 0


def test_exit_needs_a_backstop_that_can_take_it(hall: Hall) -> None:
    trade = hall.trade(hall.leaver, hall.other, coins(1), usd(3_000), market=ETH)
    assert trade.rejections == []
    hall.request(ETH)
    bucket = hall.wait()
    hall.report(ETH, usd(3_000))
    with pytest.raises(Reverted, match=r"BackstopUnable\(market=1\)"):
        hall.execute(bucket, ETH)
    assert hall.pending(ETH) != 0
    hall.open_vault(ETH, 10**12)
    assert hall.execute(bucket, ETH)


def test_exit_of_a_part_must_not_leave_too_little_for_the_rest(hall: Hall) -> None:
    """The penalty may be more than what the position gives free."""
    hall.leaver = hall.trader(3, 3_600 * USD)
    hall.enter(coins(1))
    assert hall.trade(hall.leaver, hall.other, coins(28), usd(3_000), market=ETH).rejections == []
    hall.request()
    bucket = hall.wait(usd(58_050))
    hall.report(ETH, usd(3_000))
    now = hall.read("requirements", hall.leaver.account)
    assert 0 < now["equity"] < now["maintenance"]
    with pytest.raises(Reverted, match="ExitRaisesRisk"):
        hall.execute(bucket)


def test_bankrupt_account_cannot_leave(hall: Hall) -> None:
    hall.leaver = hall.trader(3, 1_500 * USD)
    hall.enter()
    hall.request()
    bucket = hall.wait(usd(58_000))
    assert hall.equity(hall.leaver) < 0
    with pytest.raises(Reverted, match="ExitRaisesRisk"):
        hall.execute(bucket)


def test_pause_and_halt_stop_no_exit(hall: Hall) -> None:
    hall.enter()
    guardian = OPERATORS.guardian.address
    hall.send(guardian, "pause")
    hall.send(guardian, "tightenMarket", BTC, 3, BTC_USD.oi_cap, BTC_USD.price_band)
    hall.request()
    assert hall.execute(hall.wait())


@pytest.mark.parametrize("reduces", [False, True])
def test_exit_waits_while_its_price_is_stale(hall: Hall, *, reduces: bool) -> None:
    """Even where the vault only reduces: else who leaves could choose an outage's last mark."""
    if reduces:
        short = hall.trader(3, 3_000 * USD)
        assert hall.trade(hall.other, short, coins(2), ENTRY).rejections == []
        hall.crash(usd(61_000))
        hall.insure(BTC, 10**12)
        hall.send(ANYONE, "takeOver", short.account)
        hall.crash(ENTRY)
        assert hall.read("getPosition", hall.vault, BTC)["size"] < -coins(1)
    hall.enter()
    hall.request()
    bucket = hall.wait()
    hall.advance(BTC_USD.stale_seconds + 1)
    with pytest.raises(Reverted, match=r"ExitStale\(market=0\)"):
        hall.execute(bucket)
    hall.report(BTC, ENTRY)
    assert hall.execute(bucket)


def test_exit_closes_no_more_than_there_was_at_its_request(hall: Hall) -> None:
    """What was added since hasn't waited."""
    hall.enter(coins(0.1))
    hall.request()
    hall.enter(coins(0.9))
    left = hall.execute(hall.wait())
    assert (left["size"], left["penalty"]) == (-coins(0.1), 60 * USD)
    assert hall.size(hall.leaver) == coins(0.9)
    assert hall.pending() == 0


def test_exit_closes_no_more_than_is_left_of_it(hall: Hall) -> None:
    hall.enter(coins(1))
    hall.request()
    hall.enter(-coins(0.4))
    assert hall.execute(hall.wait())["size"] == -coins(0.6)
    assert hall.size(hall.leaver) == 0


def test_exit_does_not_close_the_other_side(hall: Hall) -> None:
    hall.enter(coins(1))
    hall.request()
    hall.enter(-coins(2))
    with pytest.raises(Reverted, match="NoPosition"):
        hall.execute(hall.wait())
    assert hall.cancel().named("ExitCancelled")[0]["penalty"] == 0


def test_penalty_of_a_cancelled_exit_is_on_what_was_asked_for(hall: Hall) -> None:
    hall.enter(coins(0.1))
    hall.request()
    hall.enter(coins(0.9))
    assert hall.cancel().named("ExitCancelled")[0]["penalty"] == 60 * USD


def test_exit_costs_no_more_than_there_is() -> None:
    """The penalty makes no debt."""
    hall = Hall()
    hall.leaver = hall.trader(3, 1_500 * USD)
    hall.enter()
    hall.request()
    bucket = hall.wait(usd(58_600))
    equity = hall.equity(hall.leaver)
    assert 0 < equity < 586 * USD
    assert hall.execute(bucket)["penalty"] == equity
    assert hall.equity(hall.leaver) == 0


def test_dump_on_the_vault_pays_the_penalty_and_waits(hall: Hall) -> None:
    """Hyperliquid, March 2025: a whale leaves through the vault. It can't at once, nor for free."""
    hall.enter(coins(10), cash=200_000 * USD)
    hall.request()
    backing = hall.read("equity", hall.vault)
    bucket = hall.wait(usd(61_000))
    left = hall.execute(bucket)
    assert left["penalty"] == 6_100 * USD
    assert hall.read("equity", hall.vault) >= backing
