"""Each formula of perpetuals, failing accounts and limits, on the specification's examples and on
fractions."""

from decimal import Decimal, getcontext
from fractions import Fraction
from math import ceil, floor, trunc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.contracts.genesis import PRICE_ONE, RATE_ONE, SIZE_ONE
from tests.execution.contracts.exact import deleveraging, failing, liquidation_price, requirements
from tests.execution.contracts.exact.holdings import Account, PerpHolding, Underlying
from tests.execution.contracts.exact.limiter import Window
from tests.execution.contracts.exact.strategies import LOT, TICK, lots, perps, signed_lots
from tests.execution.contracts.house import USD, House, Reverted
from tests.execution.contracts.what_if import as_perp_input

HOUSE = House()
sizes = st.integers(-(2**62), 2**62)
prices = st.integers(10**6, 10**17)
rates = st.integers(-RATE_ONE, RATE_ONE)
few = settings(max_examples=100, deadline=None)


def test_fill_fees_of_the_worked_example() -> None:
    assert HOUSE.read("fillFees", 234_500_000, 318_764_000_000, 500, -110) == (
        7_475_015_800,
        3_737_508,
        -822_251,
    )


def test_apply_trade_of_the_worked_example() -> None:
    steps = [
        (150_000_000, 6_425_030_000_000, (150_000_000, 96_375_450_000, 0)),
        (50_070_000, 6_500_010_000_000, (200_070_000, 128_921_000_070, 0)),
        (-80_000_000, 6_612_340_000_000, (120_070_000, 77_370_642_667, 1_348_362_597)),
        (-170_000_000, 6_399_990_000_000, (-49_930_000, -31_955_150_070, -525_962_737)),
    ]
    size = cost = 0
    for delta, price, expected in steps:
        result = HOUSE.read("applyTrade", size, cost, delta, price)
        assert result == expected
        size, cost, _ = result


def test_funding_of_the_worked_example() -> None:
    rate = HOUSE.read(
        "fundingRate",
        RATE_ONE // 100,
        RATE_ONE // 10_000,
        RATE_ONE // 2_000,
        12 * RATE_ONE // 100,
    )
    assert rate == 95 * RATE_ONE // 10_000
    delta = HOUSE.read("fundingDelta", rate, 10_000 * PRICE_ONE, 3600)
    assert HOUSE.read("fundingPayment", 10 * SIZE_ONE, delta) == -118_750_000


def test_liquidation_price_of_the_worked_example_is_the_last_failing_tick() -> None:
    def perp(mark: int) -> tuple[int, ...]:
        return (150_000_000, 96_375_450_000, mark, 0, 20_000, 12_000)

    def fails(mark: int) -> bool:
        standing = HOUSE.read("standing", 5_000 * USD, [perp(mark)])
        return bool(standing["equity"] < standing["maintenance"])

    tick = PRICE_ONE // 10
    last = 616_568 * tick
    asked = (5_000 * USD, [perp(64_250 * PRICE_ONE)], 0, tick)
    assert HOUSE.read("liquidationPrice", *asked) == last
    assert fails(last)
    assert not fails(last + tick)


@few
@given(sizes, st.integers(-(2**94), 2**94), sizes, prices)
def test_apply_trade_moves_cash_less_cost_by_the_notional(
    size: int, cost: int, delta: int, price: int
) -> None:
    size, delta = size - size % SIZE_ONE, delta - delta % SIZE_ONE
    price -= price % 100
    cost = abs(cost) if size > 0 else -abs(cost) if size < 0 else 0
    new_size, new_cost, realised = HOUSE.read("applyTrade", size, cost, delta, price)
    assert new_size == size + delta
    assert realised - (new_cost - cost) == Fraction(-delta * price, 10**10)
    if size * delta < 0 and abs(delta) < abs(size):
        assert cost - new_cost == ceil(Fraction(cost * abs(delta), abs(size)))


@few
@given(prices, prices, prices, st.integers(0, RATE_ONE))
def test_premium_sample_truncates_and_is_symmetric(bid: int, ask: int, x: int, cap: int) -> None:
    found = HOUSE.read("premiumSample", bid, ask, x, cap)
    raw = trunc(Fraction((max(0, bid - x) - max(0, x - ask)) * 10**12, x))
    assert found == max(-cap, min(raw, cap))


def test_premium_sample_without_a_side_counts_it_as_far_away() -> None:
    assert HOUSE.read("premiumSample", 0, 0, 10**10, RATE_ONE) == 0
    assert HOUSE.read("premiumSample", 0, 99 * 10**8, 10**10, RATE_ONE) == -RATE_ONE // 100


@few
@given(rates, rates, st.integers(0, RATE_ONE), st.integers(0, RATE_ONE))
def test_funding_rate_is_odd_in_its_signs(mean: int, interest: int, clamp: int, cap: int) -> None:
    pull = max(-clamp, min(interest - mean, clamp))
    rate = HOUSE.read("fundingRate", mean, interest, clamp, cap)
    assert rate == max(-cap, min(mean + pull, cap))
    assert HOUSE.read("fundingRate", -mean, -interest, clamp, cap) == -rate


@few
@given(rates, prices, st.integers(0, 10**6), sizes)
def test_funding_delta_truncates_and_payment_floors(
    rate: int, index: int, elapsed: int, size: int
) -> None:
    delta = HOUSE.read("fundingDelta", rate, index, elapsed)
    assert delta == trunc(Fraction(rate * index * elapsed, 28_800 * 10**8))
    paid = HOUSE.read("fundingPayment", size, delta)
    assert paid == floor(Fraction(-size * delta, 10**14))
    assert paid + HOUSE.read("fundingPayment", -size, delta) in (0, -1)


@few
@given(st.integers(1, 10**6), st.integers(0, 2**62), st.integers(0, 2**62), st.integers(0, 2**63))
def test_initial_fraction_rises_in_a_line_rounded_up(
    base: int, low: int, width: int, oi: int
) -> None:
    high = low + width
    found = HOUSE.read("initialFraction", base, low, high, oi)
    if oi <= low:
        assert found == base
    elif oi >= high:
        assert found == 10**6
    else:
        assert found == ceil(base + Fraction((10**6 - base) * (oi - low), width))


def test_maintenance_fraction_rises_over_a_day_and_falls_at_once() -> None:
    assert HOUSE.read("maintenanceFraction", 10_000, 20_000, 0) == 10_000
    assert HOUSE.read("maintenanceFraction", 10_000, 20_000, 1) == 10_001
    assert HOUSE.read("maintenanceFraction", 10_000, 20_000, 43_200) == 15_000
    assert HOUSE.read("maintenanceFraction", 10_000, 20_000, 86_400) == 20_000
    assert HOUSE.read("maintenanceFraction", 20_000, 10_000, 0) == 10_000


inputs = st.tuples(
    st.integers(-(2**50), 2**50),
    st.integers(-(2**60), 2**60),
    prices,
    st.integers(-(2**60), 2**60),
    st.integers(1, 10**6),
    st.integers(1, 10**6),
)


@few
@given(st.integers(-(2**90), 2**90), st.lists(inputs, max_size=5))
def test_standing_rounds_each_position_for_the_system(
    cash: int, held: list[tuple[int, int, int, int, int, int]]
) -> None:
    gains = [floor(Fraction(s * m, 10**10)) - c for s, c, m, _, _, _ in held]
    dues = [floor(Fraction(-s * f, 10**14)) for s, _, _, f, _, _ in held]
    worth = [Fraction(abs(s) * m, 10**10) for s, _, m, _, _, _ in held]
    initial = sum(ceil(w * Fraction(p[4], 10**6)) for w, p in zip(worth, held))
    needed = max(initial, ceil(sum(worth, Fraction(0)) / 10))
    free = cash + sum(dues) + sum(min(0, g) for g in gains) - needed
    found = HOUSE.read("standing", cash, held)
    assert found["equity"] == cash + sum(gains) + sum(dues)
    assert found["initial"] == initial
    assert found["maintenance"] == sum(ceil(w * Fraction(p[5], 10**6)) for w, p in zip(worth, held))
    assert found["withdrawable"] == max(0, min(cash, free))


@few
@given(st.lists(st.tuples(prices, st.integers(1, 2**32 - 1)), min_size=1, max_size=12))
def test_index_is_the_first_price_with_half_of_the_weight(reports: list[tuple[int, int]]) -> None:
    total = sum(weight for _, weight in reports)
    expected = next(
        price
        for price, _ in sorted(reports)
        if sum(w for p, w in reports if p <= price) * 2 >= total
    )
    found = HOUSE.read("indexPrice", [p for p, _ in reports], [w for _, w in reports])
    assert found == expected


@pytest.mark.parametrize("elapsed", [0, 1, 2, 149, 150, 151, 1023, 4095, 6216, 6217, 8191, 10**9])
def test_basis_decay_is_the_exponential_to_the_last_unit(elapsed: int) -> None:
    getcontext().prec = 60
    assert HOUSE.read("basisDecay", elapsed) == floor((Decimal(-elapsed) / 150).exp() * 10**18)


@few
@given(st.integers(-(10**30), 10**30), st.integers(1, 10**21), rates, st.integers(0, 10**4))
def test_basis_step_floors(numerator: int, denominator: int, x: int, elapsed: int) -> None:
    factor = HOUSE.read("basisDecay", elapsed)
    num, den, basis = HOUSE.read("basisStep", numerator, denominator, x, elapsed)
    assert num == floor(Fraction(numerator * factor, 10**18)) + x * elapsed * 10**18
    assert den == denominator * factor // 10**18 + elapsed * 10**18
    assert basis == (num // den if den else 0)


@few
@given(prices, rates, st.just(0) | prices, st.just(0) | prices, st.integers(0, 999_999))
def test_mark_is_the_median_within_its_band(
    index: int, basis: int, book: int, external: int, band: int
) -> None:
    middle = sorted([max(0, index + basis), book or index, external or index])[1]
    width = index * band // 10**6
    expected = max(index - width, min(middle, index + width))
    assert HOUSE.read("markPrice", index, basis, book, external, band) == expected


# Accounts that fail


def cross_account(cash: int, held: list[PerpHolding]) -> Account:
    return Account(cash, (Underlying(PRICE_ONE, tuple(held)),))


@few
@given(st.integers(-(10**12), 10**13), st.lists(perps(), min_size=1, max_size=4), st.data())
def test_liquidation_price_equals_the_exact_model(
    cash: int, held: list[PerpHolding], data: st.DataObject
) -> None:
    which = data.draw(st.integers(0, len(held) - 1))
    tick = data.draw(st.sampled_from((TICK, 7 * TICK, 10**9)))
    found = HOUSE.read("liquidationPrice", cash, [as_perp_input(p) for p in held], which, tick)
    account = cross_account(cash, held)
    assert found == (liquidation_price.liquidation_price(account, 0, which, tick) or 0)


def test_liquidation_price_of_a_flat_or_hopeless_position() -> None:
    flat = (0, 0, PRICE_ONE, 0, 20_000, 12_000)
    assert HOUSE.read("liquidationPrice", -USD, [flat], 0, TICK) == 0
    safe_long = (SIZE_ONE, 10 * USD, PRICE_ONE, 0, 20_000, 12_000)
    assert HOUSE.read("liquidationPrice", 100 * USD, [safe_long], 0, TICK) == 0
    lost_short = (-SIZE_ONE, -10 * USD, PRICE_ONE, 0, 20_000, 12_000)
    assert HOUSE.read("liquidationPrice", -100 * USD, [lost_short], 0, TICK) == TICK
    with pytest.raises(Reverted):
        HOUSE.read("liquidationPrice", 0, [safe_long], 1, TICK)


@few
@given(
    st.integers(1, 10**6).map(lambda n: n * LOT),
    st.booleans(),
    st.integers(10**10, 10**13),
    st.integers(-(10**4), 10**4),
    st.integers(1_000, 100_000),
    st.integers(0, 20_000),
    st.integers(-200_000, 200_000),
)
def test_liquidation_size_is_the_smallest_number_of_lots_that_suffices(
    size: int, is_long: bool, mark: int, slip: int, mmf: int, fee: int, room: int
) -> None:
    size = size if is_long else -size
    price = mark * (10**6 + slip) // 10**6 // TICK * TICK
    held = PerpHolding(size, 0, mark, mmf, mmf, lot=LOT)
    # Equity from nothing to about twice what is needed, so that every size is asked for.
    worth = Fraction(abs(size) * mark, 10**10)
    cash = floor(worth * Fraction(mmf * (10**5 + room), 10**11)) - held.gain
    account = cross_account(cash, [held])
    equity = requirements.equity(account)
    found = HOUSE.read("liquidationSize", size, equity, 0, mark, price, mmf, fee, LOT)
    assert found == failing.liquidation_size(account, 0, 0, price, fee)


@few
@given(
    lots,
    st.booleans(),
    prices,
    st.integers(-(10**14), 10**14),
    st.integers(1, 10**13),
    st.integers(0, 10**13),
    st.integers(1, 10**9),
)
def test_bankruptcy_price_is_rounded_in_the_accounts_favour(
    size: int, is_long: bool, mark: int, equity: int, own: int, others: int, tick: int
) -> None:
    asked = (size if is_long else -size, mark, equity, own, own + others, tick)
    expected = max(0, deleveraging.bankruptcy_price(*asked))
    assert HOUSE.read("bankruptcyPrice", *asked) == expected


@few
@given(signed_lots, signed_lots, st.integers(1, 10**8), st.integers(-(10**9), 10**13))
def test_deleverage_score_is_profit_times_leverage(
    size: int, cost: int, ticks: int, equity: int
) -> None:
    size, cost = size or LOT, cost or 1
    one = deleveraging.Candidate(1, size, cost, ticks * TICK, equity)
    notional = abs(size) * one.mark // 10**10
    expected = floor(one.score * 10**18) if one.may_face(-size) else 0
    assert HOUSE.read("deleverageScore", one.gain, cost, notional, equity) == expected


# Withdrawal limits


@few
@given(
    st.builds(
        Window,
        st.integers(0, 2**60),
        st.integers(0, 10**6),
        st.integers(1, 2**20),
        st.integers(0, 2**62),
    ),
    st.integers(0, 2**63),
    st.integers(0, 2**63),
    st.integers(0, 2**21),
)
def test_limiter_drifts_to_its_baseline_and_never_past_it(
    window: Window, capacity: int, custody: int, seconds: int
) -> None:
    limiter = (window.period, window.ppm, window.minimum, window.credit_cap, capacity, 1_000)
    found = HOUSE.read("limiterRefill", limiter, custody, 1_000 + seconds)
    assert found == window.refilled(capacity, custody, seconds)


@few
@given(st.integers(0, 2**100), st.integers(0, 2**96), st.integers(0, 2**100))
def test_limiter_is_lifted_by_a_deposit_up_to_its_cap(capacity: int, cap: int, amount: int) -> None:
    expected = Window(0, 0, 1, cap).credited(capacity, amount)
    assert HOUSE.read("limiterDeposit", capacity, cap, amount) == expected
