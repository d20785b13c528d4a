"""Withdrawal limits: every capacity against the exact model, and a guardian who only tightens."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execution.contracts.limits import LIMITER_MINIMUM, LIMITER_PERIOD_MAX, LIMITER_SHARE_MIN
from execution.contracts.parameters import PPM, LimiterParameters, limiter_config
from execution.margin import read_limiters
from genesis.accounts import derive_account
from tests.execution.contracts.exact.limiter import Window, withdrawn
from tests.execution.contracts.house import (
    OPERATORS,
    START,
    TIMELOCK,
    USD,
    House,
    Reverted,
    Trader,
)

GUARDIAN = OPERATORS.guardian.address
HOUR, DAY = 3_600, 86_400
HOURLY = LimiterParameters(HOUR, 250_000, 100 * USD, 150 * USD)
DAILY = LimiterParameters(DAY, 500_000, 120 * USD, 400 * USD)
ODD = LimiterParameters(777, 333_333, 7_777_777, 99_999_999)

amounts = st.integers(1, 300 * USD)
waits = st.sampled_from([0, 1, 59, 776, HOUR - 1, HOUR, DAY])
steps = st.lists(
    st.tuples(st.sampled_from(["deposit", "withdraw", "wait"]), amounts, waits), max_size=20
)


def capacities(house: House) -> list[int]:
    """q6: as they were left by the last operation."""
    return [limiter.capacity for limiter in read_limiters(house.word) if limiter]


def withdraw(house: House, trader: Trader, amount: int) -> None:
    house.send(trader.address, "withdraw", trader.account, amount, trader.address)


def window(limiter: LimiterParameters) -> Window:
    return Window(limiter.minimum, limiter.share, limiter.period, limiter.cap)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps)
def test_limits_agree_with_the_exact_model_to_the_last_unit(
    steps: list[tuple[str, int, int]],
) -> None:
    rules = (HOURLY, DAILY, ODD)
    house, windows = House(limiters=rules), [window(limiter) for limiter in rules]
    trader = house.trader(0)
    expected, custody, last = [limiter.minimum for limiter in rules], 0, START
    for step, amount, wait in steps:
        if step == "wait":
            house.advance(wait)
            continue
        seconds = house.now - last
        now = [w.refilled(c, custody, seconds) for w, c in zip(windows, expected, strict=True)]
        if step == "deposit":
            house.deposit(trader.address, trader.account, amount)
            expected = [w.credited(c, amount) for w, c in zip(windows, now, strict=True)]
            custody, last = custody + amount, house.now
        else:
            left = withdrawn(now, amount) if amount <= custody else None
            if left is None:
                with pytest.raises(Reverted, match="LimiterSpent|AboveWithdrawable"):
                    withdraw(house, trader, amount)
                continue
            withdraw(house, trader, amount)
            expected, custody, last = list(left), custody - amount, house.now
        assert capacities(house) == expected


def test_withdrawal_needs_every_limit_and_names_the_one_that_is_spent() -> None:
    house = House(limiters=(HOURLY, DAILY))
    trader = house.trader(0, 1_000 * USD)
    assert capacities(house) == [150 * USD, 400 * USD]
    with pytest.raises(Reverted, match=r"LimiterSpent\(limiter=0, capacity=150000000\)"):
        withdraw(house, trader, 150 * USD + 1)
    withdraw(house, trader, 150 * USD)
    with pytest.raises(Reverted, match=r"LimiterSpent\(limiter=0, capacity=0\)"):
        withdraw(house, trader, 1)
    for _ in range(2):
        # A quarter of 850, 637.5 and so on comes back in an hour; the day's limit falls meanwhile.
        house.advance(HOUR)
        withdraw(house, trader, 120 * USD)
    house.advance(HOUR)
    with pytest.raises(Reverted, match="LimiterSpent\\(limiter=1"):
        withdraw(house, trader, 120 * USD)


def test_deposit_lifts_a_limit_to_its_cap_and_what_it_added_fades() -> None:
    house = House(limiters=(HOURLY,))
    trader = house.trader(0)
    seen = []
    for amount in (30 * USD, 30 * USD, USD):
        house.deposit(trader.address, trader.account, amount)
        seen += capacities(house)
    assert seen == [130 * USD, 150 * USD, 150 * USD]
    house.advance(HOUR // 4)
    house.deposit(trader.address, trader.account, 1)
    assert capacities(house) == [125 * USD + 1]
    house.advance(DAY)
    withdraw(house, trader, 61 * USD)
    assert capacities(house) == [39 * USD]


def test_limit_refills_toward_what_was_held_before_the_operation() -> None:
    house = House(limiters=(HOURLY,))
    trader = house.trader(0, 4_000 * USD)
    withdraw(house, trader, 150 * USD)
    house.advance(HOUR)
    withdraw(house, trader, 962 * USD + USD // 2)
    assert capacities(house) == [0]


def test_cash_that_stays_in_the_books_meets_no_limit() -> None:
    house = House(limiters=(HOURLY,))
    first, second = house.trader(0, 1_000 * USD), house.trader(0)
    house.send(first.address, "moveCash", first.account, second.account, 1_000 * USD)
    assert capacities(house) == [150 * USD]


def test_limit_that_is_switched_on_starts_at_its_baseline() -> None:
    house = House()
    trader = house.trader(0, 1_000 * USD)
    house.send(TIMELOCK, "setLimiter", 2, *limiter_config(HOURLY).values())
    assert capacities(house) == [250 * USD]
    withdraw(house, trader, 250 * USD)
    house.advance(HOUR // 2)
    house.send(TIMELOCK, "setLimiter", 2, *limiter_config(DAILY).values())
    # Half of the baseline of 187.5 came back under the old rules.
    assert capacities(house) == [93_750_000]
    house.send(TIMELOCK, "setLimiter", 2, 0, 0, 0, 0)
    assert read_limiters(house.word)[2] is None
    withdraw(house, trader, 750 * USD)


@pytest.mark.parametrize(
    ("which", "limiter", "field"),
    [
        (4, (HOUR, PPM, USD, 0), "limiter"),
        (0, (LIMITER_PERIOD_MAX + 1, PPM, USD, 0), "period"),
        (0, (HOUR, LIMITER_SHARE_MIN - 1, USD, 0), "share"),
        (0, (HOUR, PPM + 1, USD, 0), "share"),
        (0, (HOUR, PPM, LIMITER_MINIMUM - 1, 0), "minimum"),
    ],
)
def test_limit_that_could_stop_withdrawals_is_refused(
    which: int, limiter: tuple[int, int, int, int], field: str
) -> None:
    house = House()
    for caller, name in ((TIMELOCK, "setLimiter"), (GUARDIAN, "tightenLimiter")):
        with pytest.raises(Reverted, match=rf"BadConfig\(field={field}\)"):
            house.send(caller, name, which, *limiter)


@pytest.mark.parametrize(
    "change",
    [
        {"period": DAY - 1},
        {"share": 500_001},
        {"minimum": 120 * USD + 1},
        {"cap": 400 * USD + 1},
        {"cap": 120 * USD + 1},
    ],
)
def test_guardian_loosens_no_member_of_a_limit(change: dict[str, int]) -> None:
    house = House(limiters=(DAILY,))
    tight = limiter_config(DAILY) | {"cap": 100 * USD}
    with pytest.raises(Reverted, match="Loosens"):
        house.send(GUARDIAN, "tightenLimiter", 0, *(tight | change).values())
    house.send(GUARDIAN, "tightenLimiter", 0, *tight.values())
    assert capacities(house) == [120 * USD]


def test_guardian_switches_a_limit_on_but_not_off() -> None:
    house = House()
    house.send(GUARDIAN, "tightenLimiter", 3, *limiter_config(DAILY).values())
    with pytest.raises(Reverted, match="BadConfig"):
        house.send(GUARDIAN, "tightenLimiter", 3, 0, 0, 0, 0)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps,
    st.integers(HOUR, LIMITER_PERIOD_MAX),
    st.integers(LIMITER_SHARE_MIN, HOURLY.share),
    st.integers(LIMITER_MINIMUM, HOURLY.minimum),
    st.integers(0, PPM),
)
def test_tightened_limit_never_lets_more_leave(
    steps: list[tuple[str, int, int]], period: int, share: int, minimum: int, cap: int
) -> None:
    """Two houses with the same traffic, one of them tightened on the way."""
    houses = [House(limiters=(HOURLY,)) for _ in range(2)]
    traders = [house.trader(0, 500 * USD) for house in houses]
    tight = (period, share, minimum, minimum * cap // PPM)
    houses[1].send(GUARDIAN, "tightenLimiter", 0, *tight)
    for step, amount, wait in steps:
        for house, trader in zip(houses, traders, strict=True):
            if step == "wait":
                house.advance(wait)
            elif step == "deposit":
                house.deposit(derive_account(8).address, trader.account, amount)
        if step == "withdraw":
            try:
                withdraw(houses[1], traders[1], amount)
            except Reverted:
                continue
            withdraw(houses[0], traders[0], amount)
        loose, tightened = (capacities(house)[0] for house in houses)
        assert tightened <= loose
