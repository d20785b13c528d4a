"""Safety rules, options, vaults and limits: what they may not say, and genesis as the timelock."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from execution.contracts.abi import clearing_house
from execution.contracts.devnet import BTC_USD, DEVNET_LIMITERS, ETH_USD, devnet_strikes
from execution.contracts.genesis import ClearingHouseParameters, clearing_house_storage
from execution.contracts.limits import EXPIRY_SECONDS_MAX, STRIKE_END
from execution.contracts.parameters import (
    PPM,
    PRICE_ONE,
    SIZE_ONE,
    InvalidMarket,
    LimiterParameters,
    OptionParameters,
    SafetyParameters,
    StrikeParameters,
    limiter_config,
    market_config,
    option_config,
    safety_config,
)
from genesis.accounts import derive_account
from state.types import Address, Timestamp
from tests.execution.contracts.house import OPERATORS, START, TIMELOCK, USD, House, Reverted
from tests.execution.contracts.test_admin import tuple_of

GUARDIAN = OPERATORS.guardian.address
MINUTE = START - START % 60
WEEK = 7 * 86_400
EXPIRY = Timestamp(MINUTE + WEEK)
STRIKE = 60_000 * PRICE_ONE
OPTIONS = OptionParameters(PRICE_ONE, SIZE_ONE // 100, 2_000 * SIZE_ONE)
LIMITER = LimiterParameters(3_600, 250_000, 1_000_000 * USD, 2_000_000 * USD)


@pytest.fixture
def house() -> House:
    return House()


def set_safety(house: House, market: int = 0, **members: int) -> None:
    rules = safety_config(BTC_USD.safety) | members
    house.send(TIMELOCK, "setSafetyRules", market, tuple_of(rules))


def set_rules(house: House, market: int = 0, **members: int) -> None:
    rules = market_config((BTC_USD, ETH_USD)[market])["rules"] | members
    house.send(TIMELOCK, "setMarketRules", market, tuple_of(rules))


def set_limiter(house: House, which: int, limiter: LimiterParameters) -> None:
    house.send(TIMELOCK, "setLimiter", which, *limiter_config(limiter).values())


def list_strike(house: House, market: int = 0, expiry: int = EXPIRY, price: int = STRIKE) -> int:
    receipt = house.send(TIMELOCK, "listStrike", market, expiry, price)
    (strike,) = clearing_house().result("listStrike", receipt.output)
    assert isinstance(strike, int)
    return strike


# Genesis and the timelock


def test_genesis_storage_is_what_the_timelock_would_have_written() -> None:
    parameters = ClearingHouseParameters(
        matcher=OPERATORS.matcher.address,
        guardian=GUARDIAN,
        oracle_signers={OPERATORS.oracle.address: 1},
        timelock=TIMELOCK,
        genesis_time=Timestamp(START),
        limiters=DEVNET_LIMITERS,
        vaults=True,
        strikes=devnet_strikes(Timestamp(START)),
    )
    house = House(markets=())
    for number, market in enumerate((BTC_USD, ETH_USD)):
        house.send(TIMELOCK, "listMarket", tuple_of(market_config(market)))
        house.send(TIMELOCK, "setMarketStatus", number, 1)
        set_safety(house, number)
        assert market.options is not None
        house.send(TIMELOCK, "setOptionRules", number, tuple_of(option_config(market.options)))
        house.send(TIMELOCK, "openVault", number, market.safety.vault_loss_cap)
    for number, limiter in enumerate(DEVNET_LIMITERS):
        set_limiter(house, number, limiter)
    for strike in devnet_strikes(Timestamp(START)):
        list_strike(house, strike.market, strike.expiry, strike.price)
    for slot, word in clearing_house_storage(parameters).items():
        assert house.word(slot) == word, hex(slot)


def test_devnet_strikes_expire_on_the_next_two_fridays_at_eight() -> None:
    for start in (START, START + 3 * 86_400, 28_800 + 86_400, 28_800 + 86_400 - 1):
        expiries = sorted({s.expiry for s in devnet_strikes(Timestamp(start))})
        assert [(e - 86_400) % WEEK for e in expiries] == [28_800, 28_800]
        assert start < expiries[0] <= start + WEEK < expiries[1]
    assert len(devnet_strikes(Timestamp(START))) == 20


def test_genesis_refuses_what_the_contract_would_refuse() -> None:
    options = OptionParameters(PRICE_ONE, SIZE_ONE // 100, SIZE_ONE)
    refused: list[Callable[[], Any]] = [
        lambda: replace(BTC_USD, safety=SafetyParameters(slippage=10_000)),
        lambda: replace(BTC_USD, safety=SafetyParameters(exit_window=0)),
        lambda: replace(BTC_USD, safety=SafetyParameters(pause_window=0)),
        lambda: replace(BTC_USD, safety=SafetyParameters(exit_penalty=100_001)),
        lambda: replace(BTC_USD, imf=500_000, mmf=490_000),
        lambda: replace(BTC_USD, price_band=99),
        lambda: replace(BTC_USD, options=replace(options, tick=3)),
        lambda: replace(BTC_USD, options=replace(options, price_band=0)),
        lambda: replace(LIMITER, period=0),
        lambda: replace(LIMITER, share=9_999),
        lambda: replace(LIMITER, minimum=0),
        lambda: start_with(StrikeParameters(0, Timestamp(EXPIRY + 1), STRIKE)),
        lambda: start_with(StrikeParameters(0, Timestamp(MINUTE - 60), STRIKE)),
        lambda: start_with(StrikeParameters(0, EXPIRY, STRIKE + 1)),
        lambda: start_with(StrikeParameters(2, EXPIRY, STRIKE)),
    ]
    for attempt in refused:
        with pytest.raises(InvalidMarket):
            attempt()


def start_with(*strikes: StrikeParameters) -> House:
    return House(strikes=strikes)


# Safety rules


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"slippage": 10_000}, "slippage"),
        ({"liquidationFee": 8_000}, "slippage"),
        ({"exitPenalty": 100_001}, "exitPenalty"),
        ({"exitWindow": 0}, "exitWindow"),
        ({"pauseWindow": 0}, "pauseWindow"),
        ({"pauseSeconds": 0}, "pauseSeconds"),
    ],
)
def test_safety_rules_that_contradict_themselves_are_refused(
    house: House, members: dict[str, int], field: str
) -> None:
    with pytest.raises(Reverted, match=rf"BadConfig\(field={field}\)"):
        set_safety(house, **members)


def test_fee_and_slippage_stay_below_a_quarter_more_than_maintenance(house: House) -> None:
    """BTC's 1.25 * 12,000 ppm = 15,000: the fee of 5,000 leaves a slippage of 9,999."""
    set_safety(house, slippage=9_999)
    assert house.read("getSafety", 0)[0]["slippage"] == 9_999
    with pytest.raises(Reverted, match="slippage"):
        set_safety(house, slippage=10_000)
    set_safety(house, pauseMove=0, pauseWindow=0, pauseSeconds=0)


def test_maintenance_that_falls_below_fee_and_slippage_is_refused(house: House) -> None:
    set_rules(house, mmf=9_601)
    with pytest.raises(Reverted, match="slippage"):
        set_rules(house, mmf=9_600)


def test_safety_rules_count_on_no_maintenance_that_is_still_to_come(house: House) -> None:
    """A fraction that rises to 20,000 ppm over a day is still 12,000, then 16,000."""
    set_rules(house, mmf=20_000)
    with pytest.raises(Reverted, match="slippage"):
        set_safety(house, slippage=10_000)
    house.advance(43_200)
    set_safety(house, slippage=14_999)
    with pytest.raises(Reverted, match="slippage"):
        set_safety(house, slippage=15_000)


def test_initial_margin_covers_maintenance_in_portfolio_margin_too(house: House) -> None:
    """50% less 16% is 34%; a maintenance of 46.8% less 12.8% is as much."""
    set_rules(house, imf=500_000, mmf=468_000)
    with pytest.raises(Reverted, match="fractions"):
        set_rules(house, imf=500_000, mmf=468_001)
    set_rules(house, imf=150_000, mmf=150_000)


# Options


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"tick": 0}, "grid"),
        ({"lot": 0}, "grid"),
        ({"tick": 3}, "grid"),
        ({"tick": 2 * PRICE_ONE}, "grid"),
        ({"oiCap": 2**63}, "oiCap"),
        ({"priceBand": PPM + 1}, "priceBand"),
        ({"priceBand": 99}, "priceBand"),
    ],
)
def test_option_rules_that_contradict_themselves_are_refused(
    house: House, members: dict[str, int], field: str
) -> None:
    rules = option_config(OPTIONS) | members
    with pytest.raises(Reverted, match=rf"BadConfig\(field={field}\)"):
        house.send(TIMELOCK, "setOptionRules", 0, tuple_of(rules))


def test_option_grid_may_become_finer_and_a_cap_of_zero_ends_growth(house: House) -> None:
    rules = option_config(OPTIONS) | {"tick": PRICE_ONE // 2, "oiCap": 0}
    house.send(TIMELOCK, "setOptionRules", 0, tuple_of(rules))
    assert house.read("getOptionRules", 0) == rules
    with pytest.raises(Reverted, match="MarketUnknown"):
        house.send(TIMELOCK, "setOptionRules", 2, tuple_of(rules))


def test_strikes_are_numbered_by_twos_and_never_change(house: House) -> None:
    assert [list_strike(house), list_strike(house, price=STRIKE + PRICE_ONE)] == [64, 66]
    assert house.read("getStrikeCount") == 2
    terms, inputs = house.read("getStrike", 66)
    assert (terms["underlying"], terms["expiry"]) == (0, EXPIRY)
    assert (terms["price"], inputs["time"]) == (STRIKE + PRICE_ONE, 0)


@pytest.mark.parametrize(
    ("market", "expiry", "price", "error"),
    [
        (2, EXPIRY, STRIKE, "MarketUnknown"),
        (0, EXPIRY + 1, STRIKE, "expiry"),
        (0, MINUTE, STRIKE, "expiry"),
        (0, MINUTE + 60 + EXPIRY_SECONDS_MAX, STRIKE, "expiry"),
        (0, EXPIRY, STRIKE + 1, "price"),
        (0, EXPIRY, 0, "price"),
        (0, EXPIRY, STRIKE_END // PRICE_ONE * PRICE_ONE + PRICE_ONE, "price"),
    ],
)
def test_strike_out_of_bounds_is_refused(
    house: House, market: int, expiry: int, price: int, error: str
) -> None:
    with pytest.raises(Reverted, match=error):
        list_strike(house, market, expiry, price)


def test_strike_on_a_market_without_options_is_refused() -> None:
    house = House(markets=(replace(BTC_USD, options=None),))
    with pytest.raises(Reverted, match="underlying"):
        list_strike(house)


# Vaults


def open_vault(house: House, market: int, cap: int) -> int:
    receipt = house.send(TIMELOCK, "openVault", market, cap)
    (account,) = clearing_house().result("openVault", receipt.output)
    assert isinstance(account, int)
    return account


def test_vault_is_an_account_of_the_timelock(house: House) -> None:
    trader = house.trader(0)
    account = open_vault(house, 1, 9 * USD)
    assert account == trader.account + 1
    owner, state = house.read("getAccount", account)
    assert (bytes.fromhex(owner[2:]), state["flags"]) == (TIMELOCK, 1)
    assert house.read("getAccountsOf", TIMELOCK) == (account,)
    vault = house.read("getSafety", 1)[2]
    assert vault == {"account": account, "lossCap": 9 * USD, "contributed": 0}
    with pytest.raises(Reverted, match=r"BadConfig\(field=vault\)"):
        open_vault(house, 1, 1)
    with pytest.raises(Reverted, match="MarketUnknown"):
        open_vault(house, 2, 1)


def test_loss_cap_is_lowered_by_the_guardian_and_set_by_the_timelock(house: House) -> None:
    open_vault(house, 0, 9 * USD)
    house.send(GUARDIAN, "tightenVault", 0, 8 * USD)
    with pytest.raises(Reverted, match="Loosens"):
        house.send(GUARDIAN, "tightenVault", 0, 8 * USD + 1)
    assert house.read("getSafety", 0)[2]["lossCap"] == 8 * USD
    house.send(TIMELOCK, "setLossCap", 0, 10 * USD)
    assert house.read("getSafety", 0)[2]["lossCap"] == 10 * USD
    with pytest.raises(Reverted, match="vault"):
        house.send(TIMELOCK, "setLossCap", 1, 1)


def test_vaults_go_with_the_timelock() -> None:
    house = House(vaults=True)
    house.send(TIMELOCK, "createAccount")
    heir = Address(b"\x72" * 20)
    house.send(TIMELOCK, "setRole", 0, heir)
    assert house.read("getAccountsOf", TIMELOCK) == (3,)
    assert sorted(house.read("getAccountsOf", heir)) == [1, 2]
    assert {house.read("getAccount", account)[0] for account in (1, 2)} == {"0x" + heir.hex()}
    house.deposit(heir, 1, 5 * USD)
    house.send(heir, "withdraw", 1, 5 * USD, heir)
    with pytest.raises(Reverted, match="NotOwner"):
        house.send(TIMELOCK, "withdraw", 2, 1, TIMELOCK)
    house.send(heir, "setRole", 0, heir)
    assert sorted(house.read("getAccountsOf", heir)) == [1, 2]


def test_what_a_vault_was_given_follows_deposits_withdrawals_and_moves() -> None:
    house = House(vaults=True)
    stranger = derive_account(9).address

    def contributed() -> list[int]:
        return [house.read("getSafety", market)[2]["contributed"] for market in (0, 1)]

    house.deposit(stranger, 1, 50 * USD)
    assert contributed() == [50 * USD, 0]
    house.send(TIMELOCK, "moveCash", 1, 2, 20 * USD)
    assert contributed() == [30 * USD, 20 * USD]
    house.send(TIMELOCK, "withdraw", 2, 20 * USD, stranger)
    assert contributed() == [30 * USD, 0]


# Status


@pytest.mark.parametrize("status", [0, 4])
def test_market_is_neither_unlisted_nor_closed_by_a_status(house: House, status: int) -> None:
    with pytest.raises(Reverted, match=r"BadConfig\(field=status\)"):
        house.send(TIMELOCK, "setMarketStatus", 0, status)


def test_guardian_closes_no_market_by_tightening(house: House) -> None:
    with pytest.raises(Reverted, match=r"BadConfig\(field=status\)"):
        house.send(GUARDIAN, "tightenMarket", 0, 4, 0, BTC_USD.price_band)


def test_guardian_narrows_no_band_until_nothing_could_trade(house: House) -> None:
    with pytest.raises(Reverted, match=r"BadConfig\(field=priceBand\)"):
        house.send(GUARDIAN, "tightenMarket", 0, 3, 0, 99)
