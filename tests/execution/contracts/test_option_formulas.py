"""The formulas of options and portfolio margin, against the exact model and its pricer."""

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.contracts.genesis import PRICE_ONE, SIZE_ONE
from tests.execution.contracts.exact import expiry, pricing, requirements, scenarios
from tests.execution.contracts.exact.holdings import Account, OptionHolding, PerpHolding, Underlying
from tests.execution.contracts.exact.strategies import perps, signed_lots
from tests.execution.contracts.house import USD, House, Reverted
from tests.execution.contracts.what_if import OptionAsked, as_perp_input

HOUSE = House()
WAD = 10**18
MONTH = 30 * 86_400
AT_THE_MONEY = (False, 3000 * WAD, 3000 * WAD, 6 * WAD // 10, MONTH, WAD)
few = settings(max_examples=40, deadline=None)

kinds = st.booleans()
prices = st.integers(10**6, 10**14)
ratios = st.integers(200_000, 5_000_000)
volatilities = st.integers(WAD // 100, 5 * WAD)
times = st.one_of(st.integers(0, 120), st.integers(0, 3 * 365 * 86_400))
discounts = st.integers(WAD // 2, 12 * WAD // 10)


def exact_option(
    is_put: bool, forward: int, strike: int, volatility: int, seconds_left: int, discount: int
) -> pricing.Option:
    """What the contract is asked (prices p8, the rest wad), in USD and plain ratios."""
    return pricing.Option(
        is_put,
        Decimal(forward) / PRICE_ONE,
        Decimal(strike) / PRICE_ONE,
        Decimal(volatility) / WAD,
        seconds_left,
        Decimal(discount) / WAD,
    )


def test_option_value_and_delta_of_the_worked_example() -> None:
    assert HOUSE.read("optionValue", *AT_THE_MONEY) == 205_618221547606417584
    assert HOUSE.read("optionDelta", *AT_THE_MONEY) == 534269703591267736


@few
@given(kinds, prices, ratios, volatilities, times, discounts)
def test_option_value_is_within_a_millionth_of_a_millionth_of_a_usd(
    is_put: bool, strike: int, ratio: int, volatility: int, seconds: int, discount: int
) -> None:
    forward = strike * ratio // 10**6
    wads = (forward * 10**10, strike * 10**10)
    found = HOUSE.read("optionValue", is_put, *wads, volatility, seconds, discount)
    option = exact_option(is_put, forward, strike, volatility, seconds, discount)
    assert abs(Decimal(found) / WAD - pricing.value(option)) < Decimal("1e-12")


@few
@given(kinds, prices, ratios, volatilities, st.integers(60, 10**8), discounts)
def test_option_delta_is_the_share_exercised(
    is_put: bool, strike: int, ratio: int, volatility: int, seconds: int, discount: int
) -> None:
    forward = strike * ratio // 10**6
    wads = (forward * 10**10, strike * 10**10)
    found = HOUSE.read("optionDelta", is_put, *wads, volatility, seconds, discount)
    option = exact_option(is_put, forward, strike, volatility, seconds, discount)
    assert abs(Decimal(found) / WAD - pricing.delta(option)) < Decimal("1e-12")


@settings(max_examples=10, deadline=None)
@given(kinds, prices, ratios, volatilities, times, discounts)
def test_option_scenarios_are_the_floored_gains(
    is_put: bool, strike: int, ratio: int, volatility: int, seconds: int, discount: int
) -> None:
    asked = (is_put, strike * ratio // 10**6, strike, volatility, seconds, discount)
    found, value = HOUSE.read("optionScenarios", *asked)
    option = exact_option(*asked)
    assert abs(value - pricing.value(option) * PRICE_ONE) <= 1
    # A gain of exactly nothing may come out a hair below it, and is then floored to -1.
    for gain, exact in zip(found, pricing.gains(option)):
        assert abs(gain - exact) <= 1 + Decimal("1e-9")


@few
@given(prices)
def test_perp_scenarios_are_the_floored_moves(mark: int) -> None:
    assert HOUSE.read("perpScenarios", mark) == scenarios.perp_changes(mark)


@pytest.mark.parametrize("seconds", [0, 43_200, 86_400, MONTH - 1, MONTH, 365 * 86_400])
def test_stressed_volatility_follows_the_time_left(seconds: int) -> None:
    found = HOUSE.read("stressedVolatility", 6 * WAD // 10, seconds)
    for one, exact in zip(found, pricing.stressed(Decimal("0.6"), seconds)):
        assert abs(one - exact * WAD) <= 1


@few
@given(kinds, prices, prices, st.integers(-(2**62), 2**62))
def test_option_payoff_floors_for_either_side(
    is_put: bool, strike: int, settlement: int, size: int
) -> None:
    found = HOUSE.read("optionPayoff", is_put, strike, settlement, size)
    assert found == expiry.payoff(is_put, strike, settlement, size)
    assert found + HOUSE.read("optionPayoff", is_put, strike, settlement, -size) in (0, -1)


@few
@given(st.lists(prices, min_size=1, max_size=30))
def test_samples_mean_floors(samples: list[int]) -> None:
    assert HOUSE.read("samplesMean", samples) == floor(Fraction(sum(samples), len(samples)))


# Portfolio margin


@st.composite
def options_asked(draw: st.DrawFn) -> OptionAsked:
    """Of few strikes and expiries, so that calls and puts meet, and one strike has two expiries."""
    strike = draw(st.sampled_from((2_000 * PRICE_ONE, 3_000 * PRICE_ONE)))
    days = draw(st.sampled_from((1, 60)))
    return (
        draw(signed_lots),
        draw(st.integers(0, 1)),
        draw(kinds),
        strike,
        days * 86_400,
        days,
        draw(st.integers(10**11, 10**12)),
        draw(discounts),
        draw(volatilities),
    )


def as_holding(asked: OptionAsked) -> OptionHolding:
    """With the array that the contract computes for it."""
    size, _, is_put, strike, seconds, expires, forward, discount, volatility = asked
    pnl, value = HOUSE.read(
        "optionScenarios", is_put, forward, strike, volatility, seconds, discount
    )
    return OptionHolding(size, expires, strike, is_put, value, pnl)


@few
@given(
    st.integers(-(10**14), 10**15),
    st.tuples(prices, prices),
    st.tuples(perps(), perps()),
    st.lists(options_asked(), max_size=6),
)
def test_portfolio_standing_equals_the_exact_model(
    cash: int,
    indexes: tuple[int, int],
    held: tuple[PerpHolding, PerpHolding],
    asked: list[OptionAsked],
) -> None:
    groups = tuple(
        Underlying(indexes[i], (held[i],), tuple(as_holding(o) for o in asked if o[1] == i))
        for i in (0, 1)
    )
    expected = requirements.portfolio(Account(cash, groups))
    inputs = [as_perp_input(perp) for perp in held]
    found, pnl = HOUSE.read("portfolioStanding", cash, indexes, inputs, asked)
    assert pnl == tuple(scenarios.gains(group) for group in groups)
    assert found == {
        "equity": expected.equity,
        "initial": expected.initial,
        "maintenance": expected.maintenance,
        "withdrawable": expected.withdrawable,
        "stale": False,
    }


NO_PERP = (0, 0, 3_000 * PRICE_ONE, 0, 20_000, 12_000)
SHORT_CALL = (
    -SIZE_ONE,
    0,
    False,
    3_000 * PRICE_ONE,
    MONTH,
    1,
    3_000 * PRICE_ONE,
    WAD,
    6 * WAD // 10,
)


def standing_of(*options: OptionAsked) -> tuple[dict[str, int], int]:
    """Standing of an account with these options alone, and its worst scenario."""
    asked = (5_000 * USD, [3_000 * PRICE_ONE], [NO_PERP], options)
    standing, pnl = HOUSE.read("portfolioStanding", *asked)
    return standing, min(pnl[0])


def test_portfolio_standing_asks_half_a_percent_of_the_index_for_each_naked_option() -> None:
    short_put = SHORT_CALL[:2] + (True,) + SHORT_CALL[3:]
    long_put = (SIZE_ONE,) + short_put[1:]
    for held, naked in (((SHORT_CALL, short_put), 2), ((SHORT_CALL, long_put), 0)):
        standing, worst = standing_of(*held)
        assert standing["initial"] == -worst + naked * 15 * USD


def test_portfolio_standing_without_anything_is_the_cash() -> None:
    found, pnl = HOUSE.read("portfolioStanding", 7, [], [], [])
    assert (found["equity"], found["initial"], found["withdrawable"]) == (7, 0, 7)
    assert pnl == ()


def test_portfolio_standing_with_a_perp_too_few_reverts() -> None:
    with pytest.raises(Reverted, match="LengthsDiffer"):
        HOUSE.read("portfolioStanding", 0, [PRICE_ONE], [], [])


@pytest.mark.parametrize(
    "change", [{0: 2**63}, {0: -(2**63)}, {2: 10**17 + 1}], ids=["long", "short", "mark"]
)
def test_portfolio_standing_of_a_perp_no_market_has_reverts(change: dict[int, int]) -> None:
    perp = tuple(change.get(place, member) for place, member in enumerate(NO_PERP))
    with pytest.raises(Reverted, match="PerpOutOfBounds"):
        HOUSE.read("portfolioStanding", 0, [PRICE_ONE], [perp], [])


@pytest.mark.parametrize("size", [2**63, -(2**63)])
def test_portfolio_standing_of_a_size_no_series_holds_reverts(size: int) -> None:
    with pytest.raises(Reverted, match="OptionOutOfBounds"):
        standing_of((size,) + SHORT_CALL[1:])


def test_portfolio_standing_of_an_array_no_series_holds_reverts() -> None:
    dear = SHORT_CALL[:6] + (3_000_000 * PRICE_ONE,) + SHORT_CALL[7:]
    with pytest.raises(Reverted, match="OptionOutOfBounds"):
        standing_of(dear)
