"""Black's formula and the numbers below it, against an exact model that shares no code."""

from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import product
from random import Random

import pytest

from scripts import fit_normal
from tests.conftest import Show
from tests.contracts.vm import Reverted
from tests.execution.contracts.exact import expiry
from tests.execution.contracts.exact.pricing import (
    CONTEXT,
    DAY,
    WAD,
    YEAR,
    delta,
    normal_cdf,
    value,
)
from tests.execution.contracts.pricer import (
    CENT,
    DEAREST,
    LONGEST,
    MONTH,
    Arguments,
    Pricer,
    exact_option,
    random_arguments,
)

Q96 = 2**96
TOLERANCE = Decimal("1e-12")
"""USD: what MARGIN.md allows."""
FARTHEST = 6 * 10**9 * WAD
"""The highest index, 1e9 USD, after the farthest move."""
POINTS = 2000

AT_THE_MONEY: Arguments = (False, 3000 * WAD, 3000 * WAD, 6 * WAD // 10, MONTH, WAD)
"""The worked example of MARGIN.md."""


@pytest.fixture(scope="module")
def pricer() -> Pricer:
    return Pricer()


def put(arguments: Arguments) -> Arguments:
    return True, *arguments[1:]


def call(arguments: Arguments) -> Arguments:
    return False, *arguments[1:]


def test_value_and_delta_worked_example_to_the_last_digit(pricer: Pricer) -> None:
    assert pricer("optionValue", *AT_THE_MONEY) == 205_618221547606417584
    assert pricer("optionDelta", *AT_THE_MONEY) == 534269703591267736


def test_normal_cdf_of_exact_model_known_digits_agrees() -> None:
    # Abramowitz and Stegun, table 26.1, P(x) to 15 digits.
    known = {"1": "0.841344746068543", "2.5": "0.993790334674224", "-3": "0.001349898031630"}
    for x, expected in known.items():
        assert abs(normal_cdf(Decimal(x)) - Decimal(expected)) < Decimal("1e-15")


@pytest.mark.parametrize("dearest", [DEAREST, FARTHEST])
def test_value_and_delta_random_options_agree_with_exact_model(
    pricer: Pricer, show: Show, dearest: int
) -> None:
    random = Random(dearest)
    worst = worst_delta = Decimal(0)
    for _ in range(POINTS):
        arguments = random_arguments(random, dearest)
        option = exact_option(arguments)
        worst = max(worst, abs(Decimal(pricer("optionValue", *arguments)) / WAD - value(option)))
        off = abs(Decimal(pricer("optionDelta", *arguments)) / WAD - delta(option))
        worst_delta = max(worst_delta, off)
    show(f"option value up to {dearest // WAD} USD: error {worst:.2e} USD, delta {worst_delta:.2e}")
    assert worst < TOLERANCE
    assert worst_delta < Decimal("1e-17")


def test_value_corners_of_the_range_agree_with_exact_model(pricer: Pricer) -> None:
    prices = (CENT, 3000 * WAD, DEAREST - 1, DEAREST)
    volatilities = (WAD // 100, 6 * WAD // 10, 5 * WAD)
    times = (1, DAY, MONTH, LONGEST)
    for is_put, forward, strike, volatility, seconds in product(
        (False, True), prices, prices, volatilities, times
    ):
        arguments = is_put, forward, strike, volatility, seconds, WAD
        off = Decimal(pricer("optionValue", *arguments)) / WAD - value(exact_option(arguments))
        assert abs(off) < TOLERANCE, arguments


def test_value_put_and_call_differ_by_discounted_forward(pricer: Pricer) -> None:
    random = Random(2)
    for _ in range(POINTS // 4):
        arguments = random_arguments(random)
        difference = pricer("optionValue", *call(arguments)) - pricer(
            "optionValue", *put(arguments)
        )
        _, forward, strike, *_, discount = arguments
        assert abs(difference - (forward - strike) * discount // WAD) <= 1, arguments


def test_value_whatever_the_arguments_leaves_no_arbitrage(pricer: Pricer) -> None:
    prices = (0, 1, CENT, 3000 * WAD, DEAREST, FARTHEST, 2**128 - 1)
    ratios = (0, 1, WAD // 100, 5 * WAD, 2**80 - 1)
    times = (0, 1, LONGEST, 2**40 - 1)
    for forward, strike, volatility, seconds, discount in product(
        prices, prices, ratios, times, (0, WAD, 2**80 - 1)
    ):
        arguments = False, forward, strike, volatility, seconds, discount
        least = max(0, forward - strike) * discount // WAD
        assert least <= pricer("optionValue", *arguments) <= forward * discount // WAD, arguments
        least = max(0, strike - forward) * discount // WAD
        assert least <= pricer("optionValue", *put(arguments)) <= strike * discount // WAD, (
            arguments
        )


def test_value_beyond_bounds_reverts(pricer: Pricer) -> None:
    for place, too_much in ((1, 2**128), (2, 2**128), (3, 2**80), (4, 2**40), (5, 2**80)):
        arguments = list(AT_THE_MONEY)
        arguments[place] = too_much
        for function in ("optionValue", "optionDelta"):
            with pytest.raises(Reverted) as caught:
                pricer(function, *arguments)
            assert caught.value.is_error("PricingOutOfBounds()")


def test_value_higher_forward_or_volatility_or_longer_never_cheapens_a_call(
    pricer: Pricer,
) -> None:
    random = Random(3)
    for _ in range(POINTS // 4):
        is_put, forward, strike, volatility, seconds, _ = call(random_arguments(random))
        now = pricer("optionValue", is_put, forward, strike, volatility, seconds, WAD)
        more = 1 + random.choice((10**-12, 10**-6, 0.01, 1))
        for changed in (
            (is_put, int(forward * more) + 1, strike, volatility, seconds, WAD),
            (is_put, forward, strike, int(volatility * more) + 1, seconds, WAD),
            (is_put, forward, strike, volatility, int(seconds * more) + 1, WAD),
        ):
            assert pricer("optionValue", *changed) >= now - 1, (changed, now)


def test_delta_of_put_is_that_of_call_less_discount(pricer: Pricer) -> None:
    random = Random(4)
    for _ in range(POINTS // 10):
        arguments = random_arguments(random)
        of_call, of_put = (
            pricer("optionDelta", *call(arguments)),
            pricer("optionDelta", *put(arguments)),
        )
        assert abs(of_call - of_put - arguments[5]) <= 1
        assert -arguments[5] <= of_put <= 0 <= of_call <= arguments[5]


@pytest.mark.parametrize(("volatility", "seconds"), [(0, MONTH), (6 * WAD // 10, 0), (0, 0)])
def test_value_and_delta_nothing_left_to_happen_are_those_of_exercise(
    pricer: Pricer, volatility: int, seconds: int
) -> None:
    discount = 98 * WAD // 100
    for is_put, strike, gain, slope in (
        (False, 2500, 490, discount),
        (False, 3500, 0, 0),
        (False, 3000, 0, discount // 2),
        (True, 2500, 0, 0),
        (True, 3500, 490, -discount),
        (True, 3000, 0, -discount // 2),
    ):
        arguments = is_put, 3000 * WAD, strike * WAD, volatility, seconds, discount
        assert pricer("optionValue", *arguments) == gain * WAD
        assert pricer("optionDelta", *arguments) == slope


def test_value_approaches_exercise_as_time_runs_out(pricer: Pricer) -> None:
    option = (False, 3000 * WAD, 2999 * WAD, 6 * WAD // 10)
    values = [pricer("optionValue", *option, seconds, WAD) for seconds in (600, 60, 6, 1, 0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == WAD


def test_payoff_random_settlements_agrees_with_exact_model(pricer: Pricer) -> None:
    random = Random(6)
    for _ in range(POINTS // 4):
        strike, settlement = random.randrange(1, 10**17), random.randrange(1, 10**17)
        size = random.randrange(-(2**63) + 1, 2**63)
        for is_put in (False, True):
            expected = expiry.payoff(is_put, strike, settlement, size)
            assert pricer("optionPayoff", is_put, strike, settlement, size) == expected


def test_payoff_part_of_a_unit_goes_against_the_holder(pricer: Pricer) -> None:
    assert pricer("optionPayoff", False, 10**8, 10**8 + 1, 1) == 0
    assert pricer("optionPayoff", False, 10**8, 10**8 + 1, -1) == -1
    assert pricer("optionPayoff", True, 10**8, 10**8 + 1, -1) == 0


# The numbers below the formula


def test_exp_from_least_to_most_is_within_its_bound(pricer: Pricer) -> None:
    random = Random(7)
    with localcontext(CONTEXT):
        for x in [-128 * Q96, 0, 100 * Q96, *(_between(random, -128, 100) for _ in range(500))]:
            exact = (Decimal(x) / Q96).exp() * Q96
            assert abs(pricer("exp", x) - exact) <= exact * Decimal("1e-26") + 2
    assert pricer("exp", 0) == Q96


def test_ln_of_every_magnitude_is_within_its_bound(pricer: Pricer) -> None:
    random = Random(8)
    numbers = [1, Q96 - 1, Q96 + 1, 2**256 - 1, *(random.getrandbits(b) | 1 for b in range(2, 256))]
    with localcontext(CONTEXT):
        for x in numbers:
            exact = (Decimal(x) / Q96).ln()
            assert abs(Decimal(pricer("ln", x)) / Q96 - exact) < Decimal("1e-26")
    assert pricer("ln", Q96) == 0


def test_sqrt_around_every_square_is_floored(pricer: Pricer) -> None:
    random = Random(9)
    roots = [1, 2, 3, 2**128 - 1, *(random.getrandbits(b) | 1 << (b - 1) for b in range(2, 129))]
    assert pricer("sqrt", 0) == 0
    for root in roots:
        assert pricer("sqrt", root * root) == root
        assert pricer("sqrt", root * root - 1) == root - 1
        assert pricer("sqrt", min(root * root + 2 * root, 2**256 - 1)) == root


def test_cdf_whole_line_is_within_its_bound(pricer: Pricer) -> None:
    random = Random(10)
    with localcontext(CONTEXT):
        for d in [0, -Q96 * 16, Q96 * 16, *(_between(random, -17, 17) for _ in range(500))]:
            off = Decimal(pricer("cdf", d)) / Q96 - normal_cdf(Decimal(d) / Q96)
            assert abs(off) < Decimal("1e-25")


def test_constants_of_the_libraries_are_what_the_script_derives() -> None:
    source = (fit_normal.LIBRARIES / "NormalMath.sol").read_text()
    *rest, last = fit_normal.mills_coefficients()
    steps = [f"y = ((y * u) >> 96) {'-' if c < 0 else '+'} {abs(c)};" for c in reversed(rest)]
    found = [line.strip() for line in source.splitlines() if line.strip().startswith("y = ")]
    assert found == [f"y = {last};", *steps]
    scenarios = (fit_normal.LIBRARIES / "Scenarios.sol").read_text()
    for percent, logarithm in fit_normal.log_moves().items():
        assert f"LN_{100 + percent:03} = {logarithm};" in scenarios
    assert fit_normal.mills_error() < Decimal("6e-26")


def test_exact_model_year_scaled_deviation_is_volatility() -> None:
    option = replace(exact_option(AT_THE_MONEY), seconds_left=YEAR)
    assert option.deviation == option.volatility


def _between(random: Random, low: int, high: int) -> int:
    return random.randrange(low * Q96, high * Q96)
