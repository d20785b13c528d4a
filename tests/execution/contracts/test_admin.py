"""Who may call what, selector by selector, and what a configuration may not say."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from execution.contracts import artifact
from execution.contracts.abi import CLEARING_HOUSE_MODULES as MODULES
from execution.contracts.abi import Item, clearing_house, signature
from execution.contracts.devnet import DEVNET_LIMITERS
from execution.contracts.genesis import (
    BTC_USD,
    ETH_USD,
    PRICE_ONE,
    SIZE_ONE,
    ClearingHouseParameters,
    InvalidMarket,
    market_config,
)
from execution.contracts.layout import Layout
from execution.contracts.parameters import (
    OptionParameters,
    limiter_config,
    option_config,
    safety_config,
)
from genesis.accounts import derive_account
from genesis.artifacts import Artifact
from genesis.predeploys import CLEARING_HOUSE_MODULES
from state.types import Address, Timestamp
from tests.execution.contracts.house import OPERATORS, START, TIMELOCK, USD, House, Reverted

GUARDIAN, MATCHER = OPERATORS.guardian.address, OPERATORS.matcher.address
STRANGER = Address(b"\x55" * 20)
SESSION = derive_account(41).address
CODE_SIZE_MAX = 24_576


def tuple_of(value: Any) -> Any:
    """A configuration as the ABI wants it: structs as tuples."""
    if isinstance(value, dict):
        return tuple(tuple_of(v) for v in value.values())
    return value


CONFIG = market_config(ETH_USD)
LISTING = tuple_of(CONFIG)
SAFETY = safety_config(ETH_USD.safety)
EXPIRY = Timestamp(START - START % 60 + 7 * 86_400)
OPTIONS = option_config(OptionParameters(PRICE_ONE // 10, SIZE_ONE // 10, 10**12))
LIMITER = limiter_config(DEVNET_LIMITERS[0])

ALLOWED: dict[str, tuple[str, tuple[Any, ...]]] = {
    "settleBatch": ("matcher", (b"", b"", b"")),
    "postBookSample": ("matcher", (0, (0, 0, 0, 0, 0))),
    "createAccount": ("anyone", ()),
    "reportOptionInputs": ("anyone", (64, 1, [])),
    "priceSeries": ("anyone", ([],)),
    "fixSettlement": ("anyone", (0, EXPIRY, 0)),
    "settleOptions": ("anyone", (64, [])),
    "liquidate": ("anyone", (1, b"")),
    "takeOver": ("anyone", (1,)),
    "executeExit": ("anyone", (1, 0, 0)),
    "reportDebt": ("anyone", (1,)),
    "fundInsurance": ("anyone", (0, 1)),
    "proposeDeleverage": ("anyone", (1, 0, 2)),
    "deleverage": ("anyone", (1, 0)),
    "registerClosing": ("anyone", (0, [])),
    "payClaims": ("anyone", (0, [])),
    "closeMarket": ("guardian or timelock", (0, 0)),
    "deposit": ("anyone", (1, 1)),
    "reportPrice": ("anyone", (0, 1, [])),
    "reportExternalPrice": ("anyone", (0, 1, [])),
    "accrueFunding": ("anyone", (0,)),
    "withdraw": ("owner", (1, 1, STRANGER)),
    "moveCash": ("owner", (1, 2, 1)),
    "setSessionKey": ("owner", (1, SESSION, START + 99, 1)),
    "revokeSessionKeys": ("owner", (1,)),
    "cancelAllOrders": ("owner", (1,)),
    "setMarginMode": ("owner", (1, 1)),
    "requestExit": ("owner", (1, 0)),
    "cancelExit": ("owner", (1, 0)),
    "cancelOrders": ("owner or session key", (1, [5])),
    "pause": ("guardian", ()),
    "tightenMarket": ("guardian", (0, 2, 1, 100)),
    "tightenLimiter": ("guardian", (3, *LIMITER.values())),
    "tightenVault": ("guardian", (0, 0)),
    "unpause": ("timelock", ()),
    "setRole": ("timelock", (2, MATCHER)),
    "setOracleSigner": ("timelock", (STRANGER, 1)),
    "listMarket": ("timelock", (LISTING,)),
    "setMarketRules": ("timelock", (1, LISTING[0])),
    "setMarketCaps": ("timelock", (1, LISTING[1])),
    "setFundingRules": ("timelock", (1, LISTING[2])),
    "setMarketFees": ("timelock", (1, LISTING[3])),
    "setMarketStatus": ("timelock", (1, 1)),
    "setFeeTier": ("timelock", (1, 1)),
    "collectFees": ("timelock", (STRANGER, 0)),
    "setSafetyRules": ("timelock", (1, tuple_of(SAFETY))),
    "setOptionRules": ("timelock", (1, tuple_of(OPTIONS))),
    "listStrike": ("timelock", (1, EXPIRY, 3000 * PRICE_ONE)),
    "openVault": ("timelock", (1, 1)),
    "setLossCap": ("timelock", (0, 1)),
    "setLimiter": ("timelock", (0, *LIMITER.values())),
}
"""Every selector that writes, who may call it, and arguments that are well formed.

Anyone may close a market that has had no index for seven days; this one is alive.
"""

VIEWS = [
    "applyTrade",
    "bankruptcyPrice",
    "basisDecay",
    "basisStep",
    "deleverageScore",
    "domainSeparator",
    "equity",
    "fillFees",
    "fundingDelta",
    "fundingPayment",
    "fundingRate",
    "getAccount",
    "getAccountsOf",
    "getCandidate",
    "getClaim",
    "getClosing",
    "getCustody",
    "getDebt",
    "getExit",
    "getFilled",
    "getHoldings",
    "getIndexSample",
    "getLimiter",
    "getMarket",
    "getMarketCount",
    "getOptionRules",
    "getOracleSigners",
    "getPosition",
    "getPositions",
    "getRole",
    "getSafety",
    "getSeries",
    "getSessionKey",
    "getSettlement",
    "getStrike",
    "getStrikeCount",
    "indexPrice",
    "initialFraction",
    "isPaused",
    "limiterDeposit",
    "limiterRefill",
    "liquidationPrice",
    "liquidationSize",
    "maintenanceFraction",
    "marginFractions",
    "markPrice",
    "optionDelta",
    "optionPayoff",
    "optionScenarios",
    "optionValue",
    "orderDigest",
    "perpScenarios",
    "portfolioStanding",
    "premiumSample",
    "requirements",
    "samplesMean",
    "scenarioLosses",
    "standing",
    "stressedVolatility",
]
"""Every selector that only reads; anyone may call them."""

REFUSALS = {"NotAllowed", "NotOwner", "MarketAlive"}


@pytest.fixture
def house() -> House:
    house = House()
    owner = house.trader(0, 100 * USD)
    house.trader(0)
    house.give(STRANGER, 100)
    house.send(owner.address, "setSessionKey", 1, SESSION, START + 99, 1)
    house.report(0, 60_000 * PRICE_ONE)
    return house


def callers() -> dict[str, Address]:
    return {
        "owner": derive_account(0).address,
        "session key": SESSION,
        "matcher": MATCHER,
        "guardian": GUARDIAN,
        "timelock": TIMELOCK,
        "stranger": STRANGER,
    }


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_selector_answers_only_its_role(house: House, name: str) -> None:
    role, arguments = ALLOWED[name]
    for caller, address in callers().items():
        try:
            house.send(address, name, *arguments)
            refused = False
        except Reverted as revert:
            refused = bool(revert.error and revert.error.name in REFUSALS)
        may = role == "anyone" or caller in role.split(" or ")
        assert refused is not may, f"{caller} calling {name}"


def test_allow_list_names_every_selector_of_every_module() -> None:
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for module, item in functions():
        reads = item["stateMutability"] in ("view", "pure")
        assert not reads or module in ("Reads", "Formulas"), signature(item)
        found[reads].add(item["name"])
    assert sorted(found[False]) == sorted(ALLOWED)
    assert sorted(found[True]) == sorted(VIEWS)


def functions() -> list[tuple[str, Item]]:
    return [(m, item) for m in MODULES for item in artifact(m).abi if item["type"] == "function"]


def answering_code(number: int) -> bytes:
    """Code that returns `number` whatever it is asked: PUSH, MSTORE and RETURN of one word."""
    return bytes([0x60, number]) + bytes.fromhex("5f5260205ff3")


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_module_refuses_what_writes_at_its_own_address(house: House, name: str) -> None:
    module = next(module for module, item in functions() if item["name"] == name)
    address = CLEARING_HOUSE_MODULES[MODULES.index(module)]
    data = clearing_house().call(name, *ALLOWED[name][1])
    for caller in callers().values():
        with pytest.raises(Reverted, match="NotRouted"):
            house.call(caller, data, to=address)


def test_router_leads_each_selector_to_its_module(house: House) -> None:
    for number, address in enumerate(CLEARING_HOUSE_MODULES):
        house.install(address, answering_code(number), {})
    for module, item in functions():
        selector = clearing_house().selector(item["name"])
        answer = house.call(STRANGER, selector, static=module in ("Reads", "Formulas")).output
        assert MODULES[int.from_bytes(answer, "big")] == module, signature(item)


def test_router_reads_without_writing_and_takes_no_ether(house: House) -> None:
    """A static call leaves the lock alone; nothing is payable."""
    assert all(item["stateMutability"] != "payable" for _, item in functions())
    for name in VIEWS:
        with suppress(Reverted):
            house.call(STRANGER, clearing_house().selector(name), static=True)
    assert house.read("getMarketCount") == 2
    assert len(house.read("perpScenarios", PRICE_ONE)) == 24
    for name in ("createAccount", "accrueFunding"):
        with pytest.raises(RuntimeError, match="StateChange"):
            house.call(STRANGER, clearing_house().selector(name) + bytes(32), static=True)


def test_unknown_selector_is_named(house: House) -> None:
    for unknown in (b"", b"\x12", b"\x12\x34\x56\x78", b"\x12\x34\x56\x78" + bytes(32)):
        with pytest.raises(Reverted, match="UnknownSelector"):
            house.call(STRANGER, unknown)


def test_selectors_are_distinct_over_all_modules() -> None:
    names = [i["name"] for m in MODULES for i in artifact(m).abi if i["type"] == "function"]
    assert len({clearing_house().selector(name) for name in names}) == len(names)


def test_contracts_fit_the_size_limit_and_share_one_storage() -> None:
    router = artifact("ClearingHouse")
    for name in MODULES:
        code = artifact(name)
        assert len(code.deployed_bytecode) <= CODE_SIZE_MAX
        assert places(code) == places(router)


def places(code: Artifact) -> list[tuple[str, str, int, str]]:
    entries = code.storage_layout["storage"]
    return [(e["label"], e["slot"], e["offset"], e["type"]) for e in entries]


ONE_SLOT = (
    "Account",
    "Position",
    "MarketPrice",
    "MarketRules",
    "MarketCaps",
    "Strike",
    "OptionInputs",
    "Series",
    "OptionRules",
    "SafetyRules",
    "MarketHealth",
    "IndexSample",
    "Vault",
)


def test_storage_layout_stays_as_it_is() -> None:
    """A snapshot: chains hold it, so it only ever grows at its end."""
    assert [(label, int(slot), offset) for label, slot, offset, _ in places(router())] == [
        ("timelock", 0, 0),
        ("paused", 0, 20),
        ("accountCount", 0, 21),
        ("guardian", 1, 0),
        ("marketCount", 1, 20),
        ("matcher", 2, 0),
        ("collateral", 3, 0),
        ("custody", 4, 0),
        ("feeFund", 4, 16),
        ("accounts", 5, 0),
        ("owners", 6, 0),
        ("accountsOf", 7, 0),
        ("sessionKeys", 8, 0),
        ("positions", 9, 0),
        ("orderFills", 10, 0),
        ("markets", 11, 0),
        ("oracleSigners", 12, 0),
        ("oracleSignerList", 13, 0),
        ("oracleWeight", 14, 0),
        ("strikeCount", 14, 8),
        ("strikes", 15, 0),
        ("optionInputs", 16, 0),
        ("seriesBooks", 17, 0),
        ("seriesArrays", 18, 0),
        ("expiries", 19, 0),
        ("optionRules", 20, 0),
        ("optionSizes", 21, 0),
        ("heldSeries", 22, 0),
        ("safetyRules", 23, 0),
        ("health", 24, 0),
        ("indexSamples", 25, 0),
        ("vaults", 26, 0),
        ("vaultMarket", 27, 0),
        ("insurance", 28, 0),
        ("insuranceTotal", 29, 0),
        ("reportedDebt", 29, 16),
        ("debtOf", 30, 0),
        ("limiters", 31, 0),
        ("exits", 39, 0),
        ("candidates", 40, 0),
        ("closings", 41, 0),
        ("closingClaims", 42, 0),
    ]
    types = Layout.of(router()).types
    for struct in ONE_SLOT:
        assert types[f"t_struct({struct})_storage"]["numberOfBytes"] == "32"


def router() -> Artifact:
    return artifact("ClearingHouse")


def test_genesis_storage_reads_as_configured(house: House) -> None:
    for number, parameters in enumerate((BTC_USD, ETH_USD)):
        market = house.read("getMarket", number)
        expected = market_config(parameters)
        assert market["rules"] == expected["rules"] | {"mmfTime": START}
        assert market["caps"] == expected["caps"]
        assert market["fundingRules"] == expected["fundingRules"]
        assert list(market["fees"]) == expected["fees"]
    assert house.read("getMarketCount") == 2
    roles = [bytes.fromhex(house.read("getRole", role)[2:]) for role in range(3)]
    assert roles == [TIMELOCK, GUARDIAN, MATCHER]


def test_listed_market_waits_in_reduce_only(house: House) -> None:
    receipt = house.send(TIMELOCK, "listMarket", LISTING)
    assert clearing_house().result("listMarket", receipt.output) == (2,)
    market = house.read("getMarket", 2)
    assert market["price"]["status"] == 2
    assert market["rules"]["mmfTime"] == START


def changed(part: str, **members: Any) -> Any:
    return tuple_of(CONFIG | {part: CONFIG[part] | members})


@pytest.mark.parametrize(
    "config",
    [
        changed("rules", tick=3),
        changed("rules", tick=0),
        changed("rules", lot=0),
        changed("rules", mmf=0),
        changed("rules", mmf=30_000),
        changed("rules", imf=10**6 + 1),
        changed("rules", staleSeconds=0),
        changed("caps", oiLow=2**62),
        changed("caps", oiCap=2**63),
        changed("caps", priceBand=10**6 + 1),
        changed("caps", markBand=10**6),
        changed("fundingRules", interval=0),
        changed("fundingRules", samples=0),
        changed("fundingRules", samples=7),
        changed("fundingRules", maxIntervals=0),
        changed("fundingRules", cap=10**12 + 1),
        changed("fundingRules", interest=10**12),
        changed("fundingRules", interestClamp=10**12),
        tuple_of(CONFIG | {"fees": [100, -101, 900, 0, 900, 0, 900, 0]}),
        tuple_of(CONFIG | {"fees": [900, 0, 900, -200, 100, 0, 900, 0]}),
        tuple_of(CONFIG | {"fees": [100_001, 0, 900, 0, 900, 0, 900, 0]}),
    ],
)
def test_configuration_that_contradicts_itself_is_refused(house: House, config: Any) -> None:
    with pytest.raises(Reverted, match="BadConfig"):
        house.send(TIMELOCK, "listMarket", config)


def test_genesis_refuses_what_the_contract_would_refuse() -> None:
    for change in (
        {"tick": 3},
        {"mmf": 30_000},
        {"oi_low": 2**62},
        {"fees": (100, -101, 900, 0, 900, 0, 900, 0)},
        {"funding_samples": 7},
    ):
        with pytest.raises(InvalidMarket):
            replace(BTC_USD, **change)  # type: ignore[arg-type]
    with pytest.raises(InvalidMarket):
        ClearingHouseParameters(matcher=MATCHER, guardian=GUARDIAN, oracle_signers={})


@pytest.mark.parametrize(
    ("status", "cap", "band"),
    [(0, 1, 1), (1, BTC_USD.oi_cap + 1, 1), (1, 1, BTC_USD.price_band + 1)],
)
def test_guardian_may_not_loosen(house: House, status: int, cap: int, band: int) -> None:
    with pytest.raises(Reverted, match="Loosens"):
        house.send(GUARDIAN, "tightenMarket", 0, status, cap, band)


def test_guardian_tightens_and_only_the_timelock_loosens(house: House) -> None:
    house.send(GUARDIAN, "tightenMarket", 0, 3, 5, 600)
    with pytest.raises(Reverted, match="Loosens"):
        house.send(GUARDIAN, "tightenMarket", 0, 2, 5, 600)
    house.send(TIMELOCK, "setMarketStatus", 0, 1)
    assert house.read("getMarket", 0)["price"]["status"] == 1
    house.send(GUARDIAN, "pause")
    assert house.read("isPaused")
    house.send(TIMELOCK, "unpause")
    assert not house.read("isPaused")


def test_higher_maintenance_fraction_comes_over_a_day(house: House) -> None:
    rules = CONFIG["rules"] | {"mmf": 25_000}
    house.send(TIMELOCK, "setMarketRules", 1, tuple_of(rules))
    fractions = []
    for _ in range(3):
        fractions.append(house.read("marginFractions", 1)[1])
        house.advance(43_200)
    assert fractions == [15_000, 20_000, 25_000]
    lower = CONFIG["rules"] | {"mmf": 10_000}
    house.send(TIMELOCK, "setMarketRules", 1, tuple_of(lower))
    assert house.read("marginFractions", 1)[1] == 10_000


def test_grid_may_only_become_finer(house: House) -> None:
    rules = CONFIG["rules"]
    finer = rules | {"tick": rules["tick"] // 10}
    house.send(TIMELOCK, "setMarketRules", 1, tuple_of(finer))
    with pytest.raises(Reverted, match="BadConfig"):
        house.send(TIMELOCK, "setMarketRules", 1, tuple_of(rules))


def test_timelock_collects_fees_and_no_more(house: House) -> None:
    a, b = house.trader(3, 5_000 * USD), house.trader(4, 5_000 * USD)
    house.trade(a, b, SIZE_ONE, 60_000 * PRICE_ONE)
    _, held, fees = house.read("getCustody")
    assert fees == 23_400_000
    with pytest.raises(Reverted, match="AboveFeeFund"):
        house.send(TIMELOCK, "collectFees", STRANGER, fees + 1)
    house.send(TIMELOCK, "collectFees", STRANGER, fees)
    assert house.read("getCustody")[1:] == (held - fees, 0)
    assert house.balance_of(STRANGER) == fees + 100


def test_fee_tier_chooses_the_lane(house: House) -> None:
    a, b = house.trader(3, 5_000 * USD), house.trader(4, 5_000 * USD)
    house.send(TIMELOCK, "setFeeTier", a.account, 3)
    house.send(TIMELOCK, "setFeeTier", b.account, 2)
    (fill,) = house.trade(a, b, SIZE_ONE, 60_000 * PRICE_ONE).named("FillSettled")
    assert (fill["takerFee"], fill["makerFee"]) == (21_000_000, -7_200_000)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda h: h.send(TIMELOCK, "setRole", 0, bytes(20)), "ZeroAddress"),
        (lambda h: h.send(TIMELOCK, "setOracleSigner", bytes(20), 1), "ZeroAddress"),
        (lambda h: h.send(TIMELOCK, "setFeeTier", 1, 4), "BadConfig"),
        (lambda h: h.send(TIMELOCK, "setFeeTier", 99, 1), "UnknownAccount"),
        (lambda h: h.send(TIMELOCK, "setMarketStatus", 0, 0), "BadConfig"),
        (lambda h: h.send(TIMELOCK, "setMarketStatus", 7, 1), "MarketUnknown"),
        (lambda h: h.send(TIMELOCK, "setMarketFees", 7, LISTING[3]), "MarketUnknown"),
    ],
)
def test_bad_arguments_are_named(house: House, call: Callable[[House], Any], error: str) -> None:
    with pytest.raises(Reverted, match=error):
        call(house)
