"""Option inputs and the scenario arrays that they make."""

from decimal import Decimal

import pytest

from execution.contracts.genesis import BTC_USD, PRICE_ONE
from execution.margin import Reason
from genesis.accounts import DevAccount, derive_account
from tests.execution.contracts.desk import WAD, Desk, Inputs, usd
from tests.execution.contracts.exact import pricing
from tests.execution.contracts.house import OPERATORS, START, USD, Reverted

SIGNERS = tuple(derive_account(60 + i) for i in range(5))
INDEX = usd(60_000)
STRIKE = usd(60_000)
MONTH = 30 * 86_400
PRICE_GAS_MAX = 250_000


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def strike(desk: Desk) -> int:
    """A strike at the money, a month out, with an index."""
    desk.report(0, INDEX)
    return desk.list_strike(desk.on_the_minute(MONTH), STRIKE)


def council() -> tuple[Desk, int]:
    """Five signers of weights 1, 1, 1, 1 and 3."""
    desk = Desk(signers={s.address: 3 if i == 4 else 1 for i, s in enumerate(SIGNERS)})
    return desk, desk.list_strike(desk.on_the_minute(MONTH), STRIKE)


def all_say(*numbers: int) -> dict[DevAccount, Inputs]:
    return {SIGNERS[n]: Inputs(INDEX) for n in numbers}


# Inputs


def test_inputs_are_each_their_own_weighted_median() -> None:
    desk, strike = council()
    said = {
        SIGNERS[0]: Inputs(usd(100), 9 * WAD // 10, 80 * WAD // 100),
        SIGNERS[1]: Inputs(usd(300), 1 * WAD // 10, 90 * WAD // 100),
        SIGNERS[2]: Inputs(usd(200), 2 * WAD // 10, 95 * WAD // 100),
        SIGNERS[4]: Inputs(usd(250), 3 * WAD // 10, 70 * WAD // 100),
    }
    (event,) = desk.relay_inputs(strike, 1, said).named("OptionInputsReported")
    assert (event["forward"], event["volatility"]) == (usd(250), 3 * WAD // 10)
    assert event["discount"] == 70 * WAD // 100
    terms, inputs = desk.read("getStrike", strike)
    assert terms["round"] == 1
    assert (inputs["forward"], inputs["time"]) == (usd(250), START)


def test_inputs_need_more_than_half_of_all_weight() -> None:
    desk, strike = council()
    with pytest.raises(Reverted, match=r"NotEnoughWeight\(present=3, total=7\)"):
        desk.relay_inputs(strike, 1, all_say(0, 1, 2))
    desk.relay_inputs(strike, 1, all_say(0, 1, 2, 3))
    desk.advance(1)
    desk.relay_inputs(strike, 2, all_say(4, 0))


def test_inputs_of_one_signer_twice_are_refused() -> None:
    desk, strike = council()
    twice = [desk.sign_inputs(strike, 1, Inputs(INDEX + i), SIGNERS[4]) for i in range(2)]
    with pytest.raises(Reverted, match="SignerTwice"):
        desk.relay_signed(strike, 1, twice)


def test_inputs_only_move_forward(desk: Desk, strike: int) -> None:
    desk.relay_inputs(strike, 5, {OPERATORS.oracle: Inputs(INDEX)})
    with pytest.raises(Reverted, match="RoundNotNew"):
        desk.relay_inputs(strike, 5, {OPERATORS.oracle: Inputs(INDEX)})
    with pytest.raises(Reverted, match="TimestampNotNew"):
        desk.relay_inputs(strike, 6, {OPERATORS.oracle: Inputs(INDEX)})
    with pytest.raises(Reverted, match="TimestampInFuture"):
        desk.relay_inputs(strike, 6, {OPERATORS.oracle: Inputs(INDEX)}, age=-1)


def test_inputs_of_a_stranger_or_for_another_strike_are_refused(desk: Desk, strike: int) -> None:
    with pytest.raises(Reverted, match="NotASigner"):
        desk.relay_inputs(strike, 1, {SIGNERS[0]: Inputs(INDEX)})
    other = desk.list_strike(desk.on_the_minute(MONTH), usd(70_000))
    own = desk.sign_inputs(strike, 1, Inputs(INDEX), OPERATORS.oracle)
    with pytest.raises(Reverted, match="NotASigner"):
        desk.relay_signed(other, 1, [own])
    with pytest.raises(Reverted, match="NotASigner"):
        desk.relay_signed(strike, 2, [own])


@pytest.mark.parametrize("unknown", [0, 63, 65, 66])
def test_inputs_need_a_registered_strike(desk: Desk, strike: int, unknown: int) -> None:
    with pytest.raises(Reverted, match="StrikeUnknown"):
        desk.report_inputs(unknown, Inputs(INDEX))


def test_inputs_of_an_expired_strike_are_refused(desk: Desk, strike: int) -> None:
    desk.advance(desk.on_the_minute(MONTH) - desk.now)
    with pytest.raises(Reverted, match="StrikeExpired"):
        desk.report_inputs(strike, Inputs(INDEX))


@pytest.mark.parametrize(
    "bad",
    [
        Inputs(10**6 - 1),
        Inputs(2**47),
        Inputs(INDEX, volatility=10**14 - 1),
        Inputs(INDEX, volatility=10 * WAD + 1),
        Inputs(INDEX, discount=10**16 - 1),
        Inputs(INDEX, discount=2 * WAD + 1),
    ],
)
def test_inputs_out_of_bounds_are_refused(desk: Desk, strike: int, bad: Inputs) -> None:
    with pytest.raises(Reverted, match="InputsOutOfBounds"):
        desk.report_inputs(strike, bad)


@pytest.mark.parametrize(
    "good",
    [
        Inputs(10**6, 10**14, 10**16),
        Inputs(INDEX, 10 * WAD, 2 * WAD),
        Inputs(usd(1_400), 10**14, 10**16),
    ],
)
def test_inputs_on_their_bounds_are_priced(desk: Desk, strike: int, good: Inputs) -> None:
    desk.report_inputs(strike, good)
    assert len(desk.price(strike, strike + 1).named("SeriesPriced")) == 2


# Arrays


def test_array_is_what_the_inputs_make_it(desk: Desk, strike: int) -> None:
    said = Inputs(INDEX + usd(120), 55 * WAD // 100, 99 * WAD // 100)
    desk.report_inputs(strike, said)
    desk.advance(17)
    desk.price(strike, strike + 1)
    left = desk.read("getStrike", strike)[0]["expiry"] - desk.now
    for is_put in (False, True):
        _, pnl, value, time, spot = desk.read("getSeries", strike + is_put)
        expected = desk.read(
            "optionScenarios", is_put, said.forward, STRIKE, said.volatility, left, said.discount
        )
        assert (pnl, value) == tuple(expected)
        assert (time, spot) == (desk.now, INDEX)


@pytest.mark.parametrize("is_put", [False, True])
def test_array_agrees_with_an_independent_model(desk: Desk, strike: int, is_put: bool) -> None:
    desk.report_inputs(strike, Inputs(INDEX + usd(120)))
    desk.price(strike + is_put)
    left = desk.read("getStrike", strike)[0]["expiry"] - desk.now
    option = pricing.Option(is_put, Decimal(60_120), Decimal(60_000), Decimal("0.6"), left)
    _, pnl, value, _, _ = desk.read("getSeries", strike + is_put)
    assert value == pricing.floor(pricing.value(option) * PRICE_ONE)
    assert list(pnl) == [pricing.floor(gain) for gain in pricing.gains(option)]


def test_pricing_again_in_the_same_second_changes_nothing(desk: Desk, strike: int) -> None:
    desk.quote(strike, INDEX + 1)
    assert desk.price(strike, strike, strike + 1).events == ()
    desk.advance(1)
    desk.report_inputs(strike, Inputs(INDEX + usd(5)))
    assert len(desk.price(strike, strike).named("SeriesPriced")) == 1


def test_pricing_needs_a_fresh_index_and_fresh_inputs(desk: Desk, strike: int) -> None:
    with pytest.raises(Reverted, match="InputsStale"):
        desk.price(strike)
    desk.report_inputs(strike, Inputs(INDEX))
    desk.advance(BTC_USD.stale_seconds)
    desk.price(strike)
    desk.advance(1)
    desk.report(0, INDEX)
    with pytest.raises(Reverted, match="InputsStale"):
        desk.price(strike)
    desk.report_inputs(strike, Inputs(INDEX))
    desk.price(strike)
    desk.advance(BTC_USD.stale_seconds + 1)
    desk.report_inputs(strike, Inputs(INDEX))
    with pytest.raises(Reverted, match="InputsStale"):
        desk.price(strike)


def test_pricing_refuses_what_is_no_live_series(desk: Desk, strike: int) -> None:
    for unknown in (0, 63, strike + 2):
        with pytest.raises(Reverted, match="SeriesUnknown"):
            desk.price(unknown)
    desk.advance(desk.read("getStrike", strike)[0]["expiry"] - desk.now)
    with pytest.raises(Reverted, match="SeriesExpired"):
        desk.price(strike)


def test_pricing_refuses_numbers_that_have_no_place(desk: Desk) -> None:
    desk.report(0, usd(1_000_000))
    strike = desk.list_strike(desk.on_the_minute(MONTH), usd(1_300_000))
    desk.report_inputs(strike, Inputs(usd(200_000), discount=2 * WAD))
    with pytest.raises(Reverted, match="ArrayOverflow"):
        desk.price(strike + 1)
    desk.advance(1)
    desk.report(0, 2**48)
    desk.report_inputs(strike, Inputs(usd(1_000_000)))
    with pytest.raises(Reverted, match="ArrayOverflow"):
        desk.price(strike + 1)


@pytest.mark.parametrize("seconds", [60, 86_400, MONTH, 3 * 365 * 86_400 - 60])
def test_pricing_a_series_stays_within_its_gas(desk: Desk, seconds: int) -> None:
    desk.report(0, INDEX)
    strike = desk.list_strike(desk.on_the_minute(seconds), usd(66_000))
    desk.report_inputs(strike, Inputs(INDEX))
    desk.price(strike, strike + 1)
    desk.advance(1)
    spent = [desk.gas("priceSeries", [series]) for series in (strike, strike + 1)]
    print(f"{seconds} s left: {spent} gas")
    assert max(spent) <= PRICE_GAS_MAX


def test_first_pricing_of_a_series_fills_five_empty_slots(desk: Desk, strike: int) -> None:
    desk.report_inputs(strike, Inputs(INDEX))
    spent = desk.gas("priceSeries", [strike])
    print(f"first pricing: {spent} gas")
    assert spent <= PRICE_GAS_MAX


def test_option_needs_an_array_younger_than_a_minute(desk: Desk, strike: int) -> None:
    buyer, seller = desk.trader(0, 100_000 * USD), desk.trader(1, 100_000 * USD)
    desk.quote(strike, INDEX)
    value = desk.read("getSeries", strike)[2] // usd(1) * usd(1)
    desk.advance(60)
    assert desk.trade(buyer, seller, 10**8, value, market=strike).rejections == []
    desk.advance(1)
    receipt = desk.trade(buyer, seller, 10**8, value, market=strike)
    assert receipt.rejections == [(0, Reason.SERIES_STALE)]
    desk.quote(strike, INDEX)
    desk.advance(1)
    desk.report(0, INDEX + INDEX // 200 + 1)
    receipt = desk.trade(buyer, seller, 10**8, value, market=strike)
    assert receipt.rejections == [(0, Reason.SERIES_STALE)]
