"""The scenarios of portfolio margin, and what pricing a series in all of them gives."""

from decimal import Decimal, localcontext
from fractions import Fraction
from random import Random

import pytest

from tests.conftest import Show
from tests.execution.contracts.exact.pricing import (
    CONTEXT,
    DAY,
    PRICE_ONE,
    WAD,
    floor,
    gains,
    stressed,
    value,
)
from tests.execution.contracts.exact.scenarios import perp_changes
from tests.execution.contracts.pricer import (
    LONGEST,
    MONTH,
    Arguments,
    Pricer,
    exact_option,
    in_p8,
    in_wad,
    random_arguments,
)

PERCENT = [16, 12, 12, 8, 8, 4, 4, 0, 0, -4, -4, -8, -8, -12, -12, -16]
TAILS_PERCENT = [-66, -33, 50, 100, 200, 300, 400, 500]
TAIL_WEIGHTS = [242_424, 484_848, 320_000, 160_000, 80_000, 53_333, 40_000, 32_000]

PRICING_GAS = 150_000
REPRICING_GAS = 250_000
"""With the storage of five words that were zero, the dearest case."""
FRESH_WORD_GAS = 22_100

SERIES: Arguments = (False, 3000 * PRICE_ONE, 3000 * PRICE_ONE, 6 * WAD // 10, MONTH, WAD)


@pytest.fixture(scope="module")
def pricer() -> Pricer:
    return Pricer()


def test_list_of_scenarios_is_that_of_the_specification(pricer: Pricer) -> None:
    moves, weights, ups = pricer("list")
    assert list(moves) == [percent * 10_000 for percent in PERCENT + TAILS_PERCENT]
    assert list(weights) == [10**6] * 16 + TAIL_WEIGHTS
    assert list(ups) == [True, *[True, False] * 7, True, *[True] * 8]


def test_scenarios_of_worked_example_agree_with_exact_model(pricer: Pricer) -> None:
    lanes, price, _ = pricer("scenarios", *SERIES)
    assert list(lanes) == [floor(a) for a in gains(exact_option(in_wad(SERIES)))]
    assert price == 205_61822154


def test_scenarios_of_random_series_agree_with_exact_model(pricer: Pricer) -> None:
    random = Random(11)
    for _ in range(60):
        series = in_p8(random_arguments(random))
        lanes, price, _ = pricer("scenarios", *series)
        option = exact_option(in_wad(series))
        assert _is_floor(price, value(option) * PRICE_ONE), series
        for lane, exact in zip(lanes, gains(option), strict=True):
            assert _is_floor(lane, exact), (series, lane, exact)


def test_scenarios_at_expiry_are_moves_of_intrinsic_value(pricer: Pricer) -> None:
    series = (True, 3000 * PRICE_ONE, 3100 * PRICE_ONE, 6 * WAD // 10, 0, WAD)
    lanes, price, _ = pricer("scenarios", *series)
    assert price == 100 * PRICE_ONE
    spots = [3000 * (100 + percent) // 100 for percent in PERCENT + TAILS_PERCENT]
    changes = [(max(0, 3100 - spot) - 100) * PRICE_ONE for spot in spots]
    weights = [10**6] * 16 + TAIL_WEIGHTS
    assert list(lanes) == [w * c // 10**6 for w, c in zip(weights, changes, strict=True)]


def test_scenarios_dearest_path_leaves_gas_for_storage(pricer: Pricer, show: Show) -> None:
    random = Random(12)
    dearest = stored = 0
    for _ in range(200):
        lanes, price, gas = pricer("scenarios", *in_p8(random_arguments(random)))
        dearest = max(dearest, gas)
        stored = max(stored, pricer("pack", lanes, price, 1, 1)[1])
    show(f"pricing a series: {dearest:,} gas for 25 prices, {stored:,} for packing")
    assert dearest <= PRICING_GAS
    assert dearest + stored + 5 * FRESH_WORD_GAS <= REPRICING_GAS


def test_perp_random_marks_agree_with_exact_model(pricer: Pricer) -> None:
    random = Random(13)
    for mark in [1, 7, 10**6, 3000 * PRICE_ONE, *(random.getrandbits(b) for b in range(2, 63))]:
        assert tuple(pricer("perpScenarios", mark)) == perp_changes(mark)


def test_set_perp_random_sizes_is_the_floor_of_each_product(pricer: Pricer, show: Show) -> None:
    random = Random(14)
    largest = 2**63 - 1
    gas = 0
    for mark in [1, 7, 2**64 - 1, *(random.getrandbits(b) for b in range(2, 64, 3))]:
        for size in (0, 1, -1, largest, -largest, random.randint(-largest, largest)):
            before = [random.randint(-(2**127), 2**127) for _ in range(24)]
            gains, gas = pricer("setPerp", before, mark, size)
            assert list(gains) == [size * change // 10**10 for change in perp_changes(mark)]
    show(f"scenarios of a perpetual: {gas:,} gas")


def test_stressed_month_moves_by_plain_factors(pricer: Pricer) -> None:
    assert pricer("stressedVolatility", WAD, MONTH) == (14 * WAD // 10, 78 * WAD // 100)


@pytest.mark.parametrize(
    "seconds",
    [0, 1, DAY - 1, DAY, DAY + 1, 7 * DAY, MONTH - 864, MONTH - 1, MONTH + 1, 365 * DAY, LONGEST],
)
def test_stressed_other_times_agree_with_exact_model(pricer: Pricer, seconds: int) -> None:
    for volatility in (1, WAD // 100, 6 * WAD // 10, 5 * WAD):
        up, down = stressed(Decimal(volatility), seconds)
        assert pricer("stressedVolatility", volatility, seconds) == (floor(up), floor(down))


def test_stressed_below_a_day_is_that_of_a_day(pricer: Pricer) -> None:
    assert pricer("stressedVolatility", WAD, 0) == pricer("stressedVolatility", WAD, DAY)
    with localcontext(CONTEXT):
        m = Decimal(30) ** Decimal("0.3")
        assert pricer("stressedVolatility", WAD, 3600)[0] == floor(WAD * (1 + m * 2 / 5))


def test_tail_weights_are_truncated_ratios() -> None:
    expected = [Fraction(16 * 10**6, abs(percent)) for percent in TAILS_PERCENT]
    assert [int(weight) for weight in expected] == TAIL_WEIGHTS


def _is_floor(lane: int, exact: Decimal) -> bool:
    """Whether it is the floor of p8 that may be off by 1e-12 USD."""
    slack = Decimal("1e-4")
    return floor(exact - slack) <= lane <= floor(exact + slack)
