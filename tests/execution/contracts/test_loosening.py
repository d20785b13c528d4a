"""Whatever loosens has waited 48 hours in the open: a house under the Governance contract."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from execution.contracts.abi import clearing_house, interface
from execution.contracts.devnet import BTC_USD, DEVNET_LIMITERS, ETH_USD, devnet_strikes
from execution.contracts.parameters import (
    PRICE_ONE,
    SIZE_ONE,
    limiter_config,
    market_config,
    option_config,
    safety_config,
)
from execution.contracts.system import GovernanceParameters, system_alloc
from genesis.accounts import derive_account
from genesis.predeploys import CLEARING_HOUSE, GOVERNANCE
from state.types import ZERO_ADDRESS, Address, Timestamp
from tests.execution.contracts.house import OPERATORS, START, USD, House, Reverted
from tests.execution.contracts.test_admin import ALLOWED, tuple_of

GUARDIAN = OPERATORS.guardian.address
MEMBERS = tuple(derive_account(30 + i).address for i in range(3))
STRANGER = Address(b"\x55" * 20)
DELAY = 48 * 3_600
SALT = bytes(32)
HALTED = 3
STRIKES = devnet_strikes(Timestamp(START))


def governed_house() -> House:
    """Two markets, options, vaults and limits, and a timelock of two members of three."""
    house = House(timelock=GOVERNANCE, limiters=DEVNET_LIMITERS, vaults=True, strikes=STRIKES)
    governance = GovernanceParameters(MEMBERS, 2)
    account = system_alloc(ZERO_ADDRESS, governance)[GOVERNANCE]
    house.install(GOVERNANCE, account.code, account.storage)
    house.send(GUARDIAN, "pause")
    house.send(GUARDIAN, "tightenMarket", 1, HALTED, ETH_USD.oi_cap, ETH_USD.price_band)
    return house


@pytest.fixture
def house() -> House:
    return governed_house()


def changed(part: str, **members: Any) -> Any:
    return tuple_of(market_config(BTC_USD)[part] | members)


def safety(**members: int) -> Any:
    return tuple_of(safety_config(BTC_USD.safety) | members)


def options(**members: int) -> Any:
    assert BTC_USD.options is not None
    return tuple_of(option_config(BTC_USD.options) | members)


def limiter(**members: int) -> tuple[int, ...]:
    return tuple((limiter_config(DEVNET_LIMITERS[0]) | members).values())


LOOSENING: list[tuple[str, tuple[Any, ...]]] = [
    ("setRole", (0, STRANGER)),
    ("setRole", (1, STRANGER)),
    ("setRole", (2, STRANGER)),
    ("setOracleSigner", (STRANGER, 5)),
    ("setOracleSigner", (OPERATORS.oracle.address, 2)),
    ("listMarket", (tuple_of(market_config(BTC_USD)),)),
    ("setMarketRules", (0, changed("rules", tick=BTC_USD.tick // 10))),
    ("setMarketRules", (0, changed("rules", lot=BTC_USD.lot // 10))),
    ("setMarketRules", (0, changed("rules", imf=12_000))),
    ("setMarketRules", (0, changed("rules", mmf=10_000))),
    ("setMarketRules", (0, changed("rules", staleSeconds=60_000))),
    ("setMarketCaps", (0, changed("caps", oiLow=BTC_USD.oi_high))),
    ("setMarketCaps", (0, changed("caps", oiHigh=2**62))),
    ("setMarketCaps", (0, changed("caps", oiCap=2**62))),
    ("setMarketCaps", (0, changed("caps", priceBand=10**6))),
    ("setMarketCaps", (0, changed("caps", markBand=999_999))),
    ("setMarketCaps", (0, changed("caps", auction=True))),
    ("setFundingRules", (0, changed("fundingRules", interest=0))),
    ("setFundingRules", (0, changed("fundingRules", interestClamp=0))),
    ("setFundingRules", (0, changed("fundingRules", cap=10**12))),
    ("setFundingRules", (0, changed("fundingRules", interval=60))),
    ("setFundingRules", (0, changed("fundingRules", samples=6))),
    ("setFundingRules", (0, changed("fundingRules", maxIntervals=999))),
    ("setMarketFees", (0, [0] * 8)),
    ("setMarketStatus", (1, 1)),
    ("setMarketStatus", (1, 2)),
    ("setSafetyRules", (0, safety(liquidationFee=0))),
    ("setSafetyRules", (0, safety(slippage=9_000))),
    ("setSafetyRules", (0, safety(exitPenalty=0))),
    ("setSafetyRules", (0, safety(pauseMove=0))),
    ("setSafetyRules", (0, safety(graceSeconds=0))),
    ("setSafetyRules", (0, safety(deleverageDelay=0))),
    ("setSafetyRules", (0, safety(exitDelay=0))),
    ("setSafetyRules", (0, safety(exitWindow=2**31))),
    ("setSafetyRules", (0, safety(pauseWindow=1))),
    ("setSafetyRules", (0, safety(pauseSeconds=1))),
    ("setOptionRules", (0, options(tick=PRICE_ONE // 2))),
    ("setOptionRules", (0, options(lot=SIZE_ONE // 200))),
    ("setOptionRules", (0, options(oiCap=2**62))),
    ("setOptionRules", (0, options(priceBand=10**6))),
    ("listStrike", (0, STRIKES[-1].expiry + 86_400, 61_000 * PRICE_ONE)),
    ("setLossCap", (0, 2**90)),
    ("setLimiter", (0, *limiter(period=60))),
    ("setLimiter", (0, *limiter(share=10**6))),
    ("setLimiter", (0, *limiter(minimum=2**90))),
    ("setLimiter", (0, *limiter(cap=2**90))),
    ("setLimiter", (0, 0, 0, 0, 0)),
    ("setFeeTier", (3, 3)),
    ("unpause", ()),
]
"""A change for every member that the timelock sets, each of which can be worse for somebody."""


def parameters(house: House) -> list[Any]:
    """Everything that the timelock sets."""
    markets = range(house.read("getMarketCount"))
    listed = [house.read("getMarket", m) for m in markets]
    settings_ = [
        (m["rules"], m["caps"], m["fundingRules"], m["fees"], m["price"]["status"]) for m in listed
    ]
    safe = [house.read("getSafety", m) for m in markets]
    return [
        [house.read("getRole", role) for role in range(3)],
        house.read("getOracleSigners"),
        settings_,
        [(rules, vault["account"], vault["lossCap"]) for rules, _, vault, _ in safe],
        [house.read("getOptionRules", m) for m in markets],
        house.read("getStrikeCount"),
        [limit_of(house, which) for which in range(4)],
        house.read("getAccount", 3)[1]["feeTier"],
        house.read("isPaused"),
    ]


def limit_of(house: House, which: int) -> list[int]:
    found = house.read("getLimiter", which)
    return [found[name] for name in ("period", "share", "minimum", "cap")]


def confirm(house: House, data: bytes) -> None:
    for member in MEMBERS[:2]:
        call = interface("Governance").call("confirm", CLEARING_HOUSE, 0, data, SALT)
        house.call(member, call, to=GOVERNANCE)


def execute(house: House, data: bytes) -> None:
    call = interface("Governance").call("execute", CLEARING_HOUSE, 0, data, SALT)
    house.call(STRANGER, call, to=GOVERNANCE)


@pytest.mark.parametrize(("name", "arguments"), LOOSENING)
def test_change_waits_48_hours_and_then_happens(
    house: House, name: str, arguments: Sequence[Any]
) -> None:
    house.trader(0)
    data = clearing_house().call(name, *arguments)
    before = parameters(house)
    confirm(house, data)
    house.advance(DELAY - 1)
    with pytest.raises(Reverted) as refusal:
        execute(house, data)
    assert interface("Governance").error(refusal.value.data).name == "NotReady"
    assert parameters(house) == before
    house.advance(1)
    execute(house, data)
    assert parameters(house) != before


@pytest.mark.parametrize(("name", "arguments"), LOOSENING)
def test_nobody_but_the_timelock_makes_the_change(
    house: House, name: str, arguments: Sequence[Any]
) -> None:
    for caller in (GUARDIAN, OPERATORS.matcher.address, *MEMBERS, STRANGER):
        with pytest.raises(Reverted, match="NotAllowed"):
            house.send(caller, name, *arguments)


def test_every_function_of_the_timelock_is_among_the_changes() -> None:
    """Opening a vault and paying out fees change no parameter."""
    timelocked = {name for name, (role, _) in ALLOWED.items() if role == "timelock"}
    assert timelocked - {name for name, _ in LOOSENING} == {"openVault", "collectFees"}


# The guardian

near = st.integers(-2, 2)
SOFT = (BTC_USD.oi_cap, BTC_USD.price_band)
LIMIT = tuple(limiter_config(DEVNET_LIMITERS[0]).values())
guardian_calls = st.one_of(
    st.just(("pause", ())),
    st.builds(
        lambda status, cap, band: ("tightenMarket", (0, status, cap, band)),
        st.integers(0, 4),
        st.one_of(st.integers(0, 2 * SOFT[0]), near.map(lambda d: SOFT[0] + d)),
        st.one_of(st.integers(0, 2 * SOFT[1]), near.map(lambda d: SOFT[1] + d)),
    ),
    st.builds(
        lambda which, *members: ("tightenLimiter", (which, *members)),
        st.integers(0, 3),
        *(st.one_of(st.integers(0, 2 * v), near.map(lambda d, v=v: v + d)) for v in LIMIT),
    ),
    st.builds(
        lambda cap: ("tightenVault", (0, cap)),
        st.integers(0, 2 * BTC_USD.safety.vault_loss_cap),
    ),
)


def looseness(house: House) -> list[int]:
    """What the guardian can reach, higher where looser."""
    market, rules = house.read("getMarket", 0), []
    for which in range(4):
        period, share, minimum, cap = limit_of(house, which)
        unlimited = 2**128 if period == 0 else 0
        rules += [-period if period else 0]
        rules += [max(unlimited, value) for value in (share, minimum, cap)]
    return [
        -market["price"]["status"],
        market["caps"]["oiCap"],
        market["caps"]["priceBand"],
        house.read("getSafety", 0)[2]["lossCap"],
        not house.read("isPaused"),
        *rules,
    ]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(guardian_calls, min_size=1, max_size=8))
def test_guardian_loosens_nothing_whatever_it_calls(
    calls: list[tuple[str, tuple[int, ...]]],
) -> None:
    house = governed_house()
    untouched = rest(house)
    for name, arguments in calls:
        before = looseness(house)
        try:
            house.send(GUARDIAN, name, *arguments)
        except Reverted:
            continue
        assert all(now <= then for now, then in zip(looseness(house), before, strict=True))
    assert rest(house) == untouched


def rest(house: House) -> list[Any]:
    """What the guardian doesn't reach at all."""
    first, second = (house.read("getMarket", m) for m in (0, 1))
    return [
        [first[part] for part in ("rules", "fundingRules", "fees")],
        second,
        house.read("getSafety", 1),
        [house.read("getRole", role) for role in range(3)],
        house.read("getOracleSigners"),
        house.read("getOptionRules", 0),
        house.read("getStrikeCount"),
    ]


def test_tightening_keeps_withdrawals_and_deposits_open(house: House) -> None:
    """Everything at its tightest: a week lets a hundredth of the books leave, or a USD."""
    trader = house.trader(0, 1_000 * USD)
    house.send(GUARDIAN, "tightenMarket", 0, 3, 0, 100)
    house.send(GUARDIAN, "tightenLimiter", 0, 7 * 86_400, 10_000, USD, 0)
    house.deposit(trader.address, trader.account, USD)
    house.send(trader.address, "withdraw", trader.account, 10 * USD, trader.address)
    house.advance(7 * 86_400)
    house.send(trader.address, "withdraw", trader.account, 9 * USD, trader.address)
