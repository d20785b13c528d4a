"""The exact model of fills, funding, oracle, limiter and expiry, on examples and as theorems.

The contracts are compared with this model elsewhere; here the model itself is examined.
"""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.execution.contracts.exact import expiry, fills, funding, oracle
from tests.execution.contracts.exact.limiter import Window, withdrawn
from tests.execution.contracts.exact.rounding import floor
from tests.execution.contracts.exact.strategies import (
    few,
    lots,
    marks,
    rates,
    signed_lots,
    ticks,
)
from tests.execution.contracts.exact.units import PPM, R12

ONE = PRICE = 10**8


def test_fill_of_the_worked_example_has_its_notional_and_fees() -> None:
    size, price = 234_500_000, 318_764_000_000
    assert fills.notional(size, price) == 7_475_015_800
    assert fills.fee(size, price, 500) == 3_737_508
    assert fills.fee(size, price, -110) == -822_251


def test_trades_of_the_worked_example_leave_its_positions() -> None:
    steps = [
        (150_000_000, 6_425_030_000_000, (150_000_000, 96_375_450_000, 0)),
        (50_070_000, 6_500_010_000_000, (200_070_000, 128_921_000_070, 0)),
        (-80_000_000, 6_612_340_000_000, (120_070_000, 77_370_642_667, 1_348_362_597)),
        (-170_000_000, 6_399_990_000_000, (-49_930_000, -31_955_150_070, -525_962_737)),
    ]
    held = fills.Trade(0, 0, 0)
    for delta, price, expected in steps:
        held = fills.trade(held.size, held.cost, delta, price)
        assert held == expected


@few
@given(st.lists(st.tuples(signed_lots, ticks), max_size=8))
def test_cash_less_cost_moves_by_the_notional_and_cost_has_the_sign_of_size(
    steps: list[tuple[int, int]],
) -> None:
    held, paid, bought = fills.Trade(0, 0, 0), 0, Fraction(0)
    for delta, price in steps:
        held = fills.trade(held.size, held.cost, delta, price)
        paid += held.realised
        bought += fills.notional(delta, price)
        assert paid - held.cost == -bought
        assert (held.size == 0) == (held.cost == 0)
        assert held.size * held.cost >= 0


@few
@given(signed_lots, ticks, lots, lots, ticks, st.integers(-300, 1_000))
def test_fill_in_two_parts_gains_nothing_over_one(
    size: int, bought: int, first: int, second: int, price: int, ppm: int
) -> None:
    cost = int(fills.notional(size, bought))
    sign = -1 if size > 0 else 1
    whole = fills.trade(size, cost, sign * (first + second), price)
    part = fills.trade(size, cost, sign * first, price)
    rest = fills.trade(part.size, part.cost, sign * second, price)
    split_fees = fills.fee(first, price, ppm) + fills.fee(second, price, ppm)
    assert rest.size == whole.size
    assert part.realised + rest.realised <= whole.realised
    assert part.realised + rest.realised - rest.cost == whole.realised - whole.cost
    assert split_fees >= fills.fee(first + second, price, ppm)


@few
@given(signed_lots, ticks, st.integers(0, 1_000), st.integers(0, 1_000))
def test_system_is_paid_by_every_fill_whose_fees_add_to_no_rebate(
    size: int, price: int, taker: int, rebate: int
) -> None:
    assert fills.pays_fees(size, price, taker, -min(taker, rebate))


@few
@given(signed_lots, ticks, marks)
def test_full_close_off_the_tick_rounds_against_the_account(
    size: int, bought: int, price: int
) -> None:
    cost = int(fills.notional(size, bought))
    after = fills.trade(size, cost, -size, price)
    assert after == (0, 0, floor(fills.notional(size, price)) - cost)


def test_funding_of_the_worked_example_pays_its_amount() -> None:
    rate = funding.rate(R12 // 100, R12 // 10_000, R12 // 2_000, 12 * R12 // 100)
    assert rate == 95 * R12 // 10_000
    change = funding.index_change(rate, 10_000 * PRICE, 3_600)
    assert funding.payment(10 * ONE, change) == -118_750_000


@few
@given(rates, rates, st.integers(0, R12), st.integers(0, R12), marks, st.integers(0, 86_400))
def test_rate_and_index_change_are_odd_in_their_signs(
    mean: int, interest: int, pull: int, cap: int, index: int, seconds: int
) -> None:
    rate = funding.rate(mean, interest, pull, cap)
    assert funding.rate(-mean, -interest, pull, cap) == -rate
    change = funding.index_change(rate, index, seconds)
    assert funding.index_change(-rate, index, seconds) == -change
    assert abs(rate) <= cap


@few
@given(marks, st.integers(0, 10**6), st.integers(0, R12))
def test_premium_of_a_book_mirrored_about_the_index_is_opposite(
    index: int, distance: int, cap: int
) -> None:
    above = funding.premium(index + distance, None, index, cap)
    assert funding.premium(None, index - distance, index, cap) == -above


def test_premium_is_nothing_while_the_index_is_inside_the_book() -> None:
    assert funding.premium(99, 101, 100, R12) == 0
    assert funding.premium(None, None, 100, R12) == 0


def test_average_counts_missing_samples_as_nothing() -> None:
    assert funding.average([7, 4], 3) == 3
    assert funding.average([-7, -4], 3) == -3
    assert funding.average([], 3) == 0


@few
@given(
    st.lists(signed_lots, min_size=1, max_size=5),
    st.lists(st.tuples(rates, st.integers(0, 5)), max_size=12),
)
def test_pool_with_the_unsettled_funding_stays_within_one_unit_a_settlement(
    sizes: list[int], steps: list[tuple[int, int]]
) -> None:
    held = [(size, 0) for size in (*sizes, -sum(sizes))]
    pool = now = 0
    for settlements, (change, who) in enumerate(steps, 1):
        now += change
        size, entered = held[who % len(held)]
        pool -= funding.payment(size, now - entered)
        held[who % len(held)] = size, now
        assert 0 <= funding.pool_with_unsettled(pool, held, now) < settlements + 1


def test_quorum_needs_more_than_half_of_the_weight() -> None:
    assert not oracle.has_quorum(50, 100)
    assert oracle.has_quorum(51, 100)


def test_median_takes_the_lower_price_where_half_of_the_weight_is_reached() -> None:
    assert oracle.weighted_median([(30, 1), (10, 1)]) == 10
    assert oracle.weighted_median([(30, 3), (10, 1), (20, 1)]) == 30


@few
@given(
    st.lists(st.tuples(marks, st.integers(1, 99)), min_size=1, max_size=6),
    st.lists(st.tuples(marks, st.integers(1, 99)), max_size=6),
)
def test_median_stays_within_the_prices_of_the_heavier_half(
    honest: list[tuple[int, int]], others: list[tuple[int, int]]
) -> None:
    assume(sum(w for _, w in others) < sum(w for _, w in honest))
    found = oracle.weighted_median(honest + others)
    assert min(p for p, _ in honest) <= found <= max(p for p, _ in honest)


def test_decay_is_the_exponential() -> None:
    assert oracle.decay(0) == 1
    inverse_e = Fraction(36787944117144232159552377016146, 10**32)
    assert abs(oracle.decay(150) - inverse_e) < Fraction(1, 10**31)


@few
@given(rates, st.lists(st.integers(0, 10_000), min_size=1, max_size=5))
def test_average_of_one_value_is_that_value(sample: int, waits: list[int]) -> None:
    assume(any(waits))
    average = oracle.Average()
    for wait in waits:
        average = average.step(sample, wait)
    assert average.value == sample


@few
@given(st.lists(st.tuples(rates, st.integers(1, 10_000)), min_size=1, max_size=5))
def test_average_lies_between_its_samples(samples: list[tuple[int, int]]) -> None:
    average = oracle.Average()
    for sample, seconds in samples:
        average = average.step(sample, seconds)
    values = [sample for sample, _ in samples]
    assert min(values) <= average.value <= max(values)


@few
@given(marks, rates, marks, marks, st.integers(0, PPM))
def test_mark_stays_within_its_band(
    index: int, basis: int, book: int, external: int, ppm: int
) -> None:
    mark = oracle.mark(index, basis, book, external, oracle.band(index, ppm))
    assert abs(mark - index) <= Fraction(index * ppm, PPM)


def test_mark_with_one_part_alone_away_is_the_index() -> None:
    assert oracle.mark(100, 0, 100, 90, 20) == 100
    assert oracle.mark(100, 5, 110, 100, 20) == 105


WINDOW = Window(minimum=1_000, ppm=10_000, period=3_600, credit_cap=5_000)


def test_baseline_is_the_larger_of_the_minimum_and_the_share() -> None:
    assert WINDOW.baseline(0) == 1_000
    assert WINDOW.baseline(100_099) == 1_000
    assert WINDOW.baseline(250_099) == 2_500


def test_refill_goes_toward_the_baseline_from_either_side() -> None:
    assert WINDOW.refilled(0, 0, 1_800) == 500
    assert WINDOW.refilled(900, 0, 1_800) == 1_000
    assert WINDOW.refilled(4_000, 0, 1_800) == 2_500
    assert WINDOW.refilled(1_400, 0, 1_800) == 1_000
    assert WINDOW.refilled(0, 0, 3) == 0


def test_deposit_lifts_capacity_to_the_cap_and_never_lowers_it() -> None:
    assert WINDOW.credited(1_000, 500) == 1_500
    assert WINDOW.credited(1_000, 10**9) == 5_000
    assert WINDOW.credited(6_000, 10) == 6_000


def test_withdrawal_needs_room_in_every_window() -> None:
    assert withdrawn([100, 60], 60) == (40, 0)
    assert withdrawn([100, 60], 61) is None


@few
@given(st.integers(0, 10**6), st.integers(0, 10**9), st.integers(0, 10**5))
def test_refill_never_crosses_the_baseline(capacity: int, tvl: int, wait: int) -> None:
    low, high = sorted((capacity, WINDOW.baseline(tvl)))
    assert low <= WINDOW.refilled(capacity, tvl, wait) <= high


@few
@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 900)), max_size=12))
def test_withdrawals_of_a_period_stay_within_twice_the_baseline(
    steps: list[tuple[int, int]],
) -> None:
    capacity, gone, begun = 1_000, 0, 0
    for amount, wait in steps:
        begun += wait
        if begun > WINDOW.period:
            break
        capacity = WINDOW.refilled(capacity, 0, wait)
        taken = withdrawn([capacity], amount)
        if taken is not None:
            capacity, gone = taken[0], gone + amount
    assert gone <= 2_000


@few
@given(st.integers(0, 10**4), st.lists(st.integers(0, 10**4), max_size=6))
def test_deposit_in_parts_lifts_no_more_than_one(start: int, parts: list[int]) -> None:
    split = list(accumulate(parts, WINDOW.credited, initial=start))[-1]
    assert split == WINDOW.credited(start, sum(parts))


def test_grid_ends_at_expiry_with_thirty_points_a_minute_apart() -> None:
    found = expiry.grid(100_000)
    assert len(found) == 30
    assert found[0] == 100_000 - 29 * 60
    assert found[-1] == 100_000


def test_sample_is_the_last_report_before_the_very_second() -> None:
    reports = [(10, 5), (20, 6), (60, 7)]
    assert expiry.sample(reports, 60) == 6
    assert expiry.sample(reports, 61) == 7
    with pytest.raises(ValueError, match="no price before 10"):
        expiry.sample(reports, 10)


def test_settlement_price_floors_the_mean_with_the_last_report_carried() -> None:
    end = 100_000
    assert expiry.settlement_price([(0, 100)], end) == 100
    assert expiry.settlement_price([(0, 100), (end - 60, 129)], end) == 100
    assert expiry.settlement_price([(0, 100), (end - 60, 130)], end) == 101
    assert expiry.settlement_price([(0, 100), (end, 10**9)], end) == 100


@few
@given(st.booleans(), marks, marks, lots)
def test_payoff_of_a_short_is_that_of_the_long_up_to_the_next_unit(
    is_put: bool, strike: int, price: int, size: int
) -> None:
    long = expiry.payoff(is_put, strike, price, size)
    short = expiry.payoff(is_put, strike, price, -size)
    assert long >= 0 >= short
    assert long + short in (0, -1)


@few
@given(
    st.lists(st.integers(0, 10**12), max_size=6),
    st.integers(0, 10**13),
    st.integers(0, 10**13),
)
def test_winners_share_a_shortfall_that_insurance_leaves(
    winners: list[int], pool: int, insurance: int
) -> None:
    found = expiry.settle(winners, pool, insurance)
    assert sum(found.paid) + found.pool == pool + found.insurance_used
    assert found.pool >= 0
    assert 0 <= found.insurance_used <= insurance
    if pool + insurance >= sum(winners):
        assert list(found.paid) == winners
    else:
        assert found.pool < len(winners) or not sum(winners)


def test_shortfall_reduces_every_winner_by_the_same_share() -> None:
    found = expiry.settle([300, 100, 1], 150, 50)
    assert found == expiry.Settlement((149, 49, 0), 50, 2)
