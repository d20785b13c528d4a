"""What the readers of the clearing house's storage decode, against what the contract says of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from execution.contracts import artifact
from execution.contracts.genesis import PRICE_ONE, SIZE_ONE
from execution.contracts.layout import Key, Layout, Value
from execution.margin import (
    FILLED_CANCELLED,
    CandidateState,
    MarketStatus,
    read_account,
    read_account_count,
    read_account_debt,
    read_candidate,
    read_claim,
    read_closing,
    read_custody,
    read_exit,
    read_filled,
    read_health,
    read_holdings,
    read_index_sample,
    read_insurance,
    read_limiters,
    read_market,
    read_market_count,
    read_option_inputs,
    read_option_rules,
    read_option_size,
    read_position,
    read_safety_rules,
    read_scenario_array,
    read_series,
    read_settlement,
    read_strike,
    read_strike_count,
    read_vault,
)
from genesis.predeploys import CLEARING_HOUSE
from tests.execution.contracts.house import USD, House

HOUSE = House()
ACCOUNT, OTHER, MARKET, STRIKE, BUCKET = 0x1_0000_0001, 77, 1, 2**31, 2**39 + 5
PAIR = ACCOUNT << 32 | MARKET
few = settings(max_examples=25, deadline=None)


def bits(size: int) -> st.SearchStrategy[int]:
    return st.integers(1, 2**size - 1)


def signed(size: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (size - 1)), 2 ** (size - 1) - 1)


def write(value: Value, label: str, *keys: Key, house: House = HOUSE) -> None:
    """Put a value into the contract's storage."""
    layout = Layout.of(artifact("ClearingHouse"))
    words: dict[int, int] = {}
    layout.write(layout.place(label, *keys), value, words)
    for slot, word in words.items():
        house.evm.insert_account_storage("0x" + CLEARING_HOUSE.hex(), slot, word)


def members(struct: Mapping[str, Any]) -> tuple[Any, ...]:
    """Of a struct that the contract returned, in their order."""
    return tuple(struct.values())


def values(state: Any) -> tuple[Any, ...]:
    """Of a decoded dataclass, in their order."""
    return tuple(getattr(state, name) for name in type(state).__slots__)


def assert_decoded(state: Any, told: Mapping[str, Any], written: Mapping[str, int]) -> None:
    """A reader and the contract agree on what was written."""
    assert told == written
    assert values(state) == members(told)


def struct(**kinds: st.SearchStrategy[int]) -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries(kinds)


# An account


def test_account_position_and_market_decode_to_what_the_contract_says() -> None:
    house = House()
    a, b = house.trader(0, 9_000 * USD), house.trader(1, 9_000 * USD)
    house.report(1, 3_000 * PRICE_ONE)
    house.trade(a, b, SIZE_ONE, 3_000 * PRICE_ONE, market=1)
    for trader in (a, b):
        owner, state = house.read("getAccount", trader.account)
        decoded = read_account(house.word, trader.account)
        assert decoded is not None
        assert "0x" + decoded.owner.hex() == owner
        assert values(decoded)[1:] == members(state)
        assert decoded.markets == (1,)
        assert (decoded.is_vault, decoded.is_portfolio) == (False, False)
        position = read_position(house.word, trader.account, 1)
        assert values(position) == members(house.read("getPosition", trader.account, 1))
    market = read_market(house.word, 1)
    stored = house.read("getMarket", 1)
    assert (market.mark, market.round) == (stored["price"]["mark"], stored["price"]["round"])
    assert market.open_interest == stored["flow"]["openInterest"] == SIZE_ONE
    assert market.status is MarketStatus.ACTIVE
    assert read_filled(house.word, a.account, 0) == SIZE_ONE
    assert read_account_count(house.word) == 2
    assert read_market_count(house.word) == house.read("getMarketCount") == 2
    assert read_account(house.word, 3) is None


def test_cancelled_nonce_decodes_to_the_last_number() -> None:
    house = House()
    trader = house.trader(0)
    house.send(trader.address, "cancelOrders", trader.account, [6])
    assert read_filled(house.word, trader.account, 6) == FILLED_CANCELLED
    assert read_filled(house.word, trader.account, 5) == 0


@few
@given(st.dictionaries(bits(32), signed(64), min_size=1, max_size=32))
def test_holdings_decode_to_what_the_contract_says(held: dict[int, int]) -> None:
    ids = list(held)
    write({"options": len(ids)}, "accounts", ACCOUNT)
    for slot in range(0, len(ids), 8):
        lanes = sum(series << 32 * lane for lane, series in enumerate(ids[slot : slot + 8]))
        write(lanes, "heldSeries", ACCOUNT << 8 | slot // 8)
    for group in {series >> 2 for series in ids}:
        sizes = (held.get(group << 2 | lane, 0) % 2**64 << 64 * lane for lane in range(4))
        write(sum(sizes), "optionSizes", ACCOUNT << 32 | group)
    found = [(holding.series, holding.size) for holding in read_holdings(HOUSE.word, ACCOUNT)]
    assert found == list(held.items())
    assert found == list(zip(*HOUSE.read("getHoldings", ACCOUNT)))
    assert read_option_size(HOUSE.word, ACCOUNT, ids[0]) == held[ids[0]]


@few
@given(bits(128), bits(40), bits(128), bits(64), bits(40))
def test_debt_exit_claim_and_candidate_decode_to_what_the_contract_says(
    debt: int, asked: int, claim: int, counterparty: int, since: int
) -> None:
    write(debt, "debtOf", ACCOUNT)
    write({"time": asked}, "exits", PAIR)
    write(claim, "closingClaims", PAIR)
    write({"counterparty": counterparty, "time": since}, "candidates", PAIR)
    word, pair = HOUSE.word, (ACCOUNT, MARKET)
    assert read_account_debt(word, ACCOUNT) == HOUSE.read("getDebt", ACCOUNT)[2] == debt
    assert read_exit(word, *pair) == HOUSE.read("getExit", *pair) == asked
    assert read_claim(word, *pair) == HOUSE.read("getClaim", *pair) == claim
    candidate = read_candidate(word, *pair)
    assert candidate == CandidateState(counterparty, since)
    assert values(candidate) == members(HOUSE.read("getCandidate", *pair))


# A market


@few
@given(
    struct(
        liquidationFee=bits(24),
        slippage=bits(24),
        exitPenalty=bits(24),
        pauseMove=bits(24),
        graceSeconds=bits(16),
        deleverageDelay=bits(16),
        exitDelay=bits(32),
        exitWindow=bits(32),
        pauseWindow=bits(32),
        pauseSeconds=bits(32),
    ),
    struct(
        resumedTime=bits(40),
        pausedUntil=bits(40),
        anchorTime=bits(40),
        anchorIndex=bits(64),
        newestBucket=bits(40),
    ),
    struct(account=bits(64), lossCap=bits(96), contributed=signed(96)),
    bits(128),
)
def test_safety_decodes_to_what_the_contract_says(
    rules: dict[str, int], health: dict[str, int], vault: dict[str, int], insured: int
) -> None:
    write(rules, "safetyRules", MARKET)
    write(health, "health", MARKET)
    write(vault, "vaults", MARKET)
    write(insured, "insurance", MARKET)
    word, (*structs, covered) = HOUSE.word, HOUSE.read("getSafety", MARKET)
    for reader, told, written in zip(
        (read_safety_rules, read_health, read_vault), structs, (rules, health, vault), strict=True
    ):
        assert_decoded(reader(word, MARKET), told, written)
    assert read_insurance(word, MARKET) == covered == insured


@few
@given(
    struct(index=bits(64), previous=bits(40), next=bits(40), firstMark=bits(64)),
    struct(
        price=bits(64),
        longsLeft=bits(64),
        shortsLeft=bits(64),
        collected=bits(128),
        claims=bits(128),
    ),
)
def test_sample_and_closing_decode_to_what_the_contract_says(
    sample: dict[str, int], closing: dict[str, int]
) -> None:
    write(sample, "indexSamples", MARKET << 40 | BUCKET)
    write(closing, "closings", MARKET)
    word, read = HOUSE.word, HOUSE.read
    decoded = read_index_sample(word, MARKET, BUCKET)
    assert_decoded(decoded, read("getIndexSample", MARKET, BUCKET), sample)
    assert_decoded(read_closing(word, MARKET), read("getClosing", MARKET), closing)


# A series


@few
@given(
    struct(underlying=bits(32), expiry=bits(40), price=bits(64), round=bits(32)),
    struct(forward=bits(64), discount=bits(64), volatility=bits(64), time=bits(40)),
    struct(openInterest=bits(64), shortsLeft=bits(64), pool=signed(128)),
    struct(tick=bits(64), lot=bits(64), oiCap=bits(64), priceBand=bits(24)),
    bits(64),
)
def test_strike_and_series_decode_to_what_the_contract_says(
    terms: dict[str, int],
    inputs: dict[str, int],
    book: dict[str, int],
    rules: dict[str, int],
    settlement: int,
) -> None:
    write(terms, "strikes", STRIKE)
    write(inputs, "optionInputs", STRIKE)
    write(book, "seriesBooks", STRIKE + 1)
    write(rules, "optionRules", MARKET)
    write({"settlement": settlement}, "expiries", MARKET << 40 | BUCKET)
    word, read = HOUSE.word, HOUSE.read
    told_terms, told_inputs = read("getStrike", STRIKE)
    assert_decoded(read_strike(word, STRIKE), told_terms, terms)
    assert_decoded(read_option_inputs(word, STRIKE), told_inputs, inputs)
    assert_decoded(read_series(word, STRIKE + 1), read("getSeries", STRIKE + 1)[0], book)
    assert_decoded(read_option_rules(word, MARKET), read("getOptionRules", MARKET), rules)
    price = HOUSE.read("getSettlement", MARKET, BUCKET)
    assert read_settlement(word, MARKET, BUCKET) == price == settlement
    assert read_strike_count(word) == HOUSE.read("getStrikeCount") == 0


@few
@given(st.lists(bits(256), min_size=5, max_size=5))
def test_scenario_array_decodes_to_what_the_contract_says(words: list[int]) -> None:
    words[0] |= 1 << 255
    write(words, "seriesArrays", STRIKE)
    array = read_scenario_array(HOUSE.word, STRIKE)
    assert array is not None
    _, pnl, value, time, spot = HOUSE.read("getSeries", STRIKE)
    assert (array.pnl, array.value, array.time, array.spot) == (pnl, value, time, spot)


# The collateral


@few
@given(
    st.lists(
        struct(
            period=bits(32),
            share=bits(24),
            minimum=bits(96),
            cap=bits(96),
            capacity=bits(128),
            time=bits(40),
        ),
        min_size=4,
        max_size=4,
    )
)
def test_limiters_decode_to_what_the_contract_says(limiters: list[dict[str, int]]) -> None:
    limiters[2]["period"] = 0
    write(limiters, "limiters")
    decoded = read_limiters(HOUSE.word)
    assert decoded[2] is None
    for which in (0, 1, 3):
        assert_decoded(decoded[which], HOUSE.read("getLimiter", which), limiters[which])


@pytest.mark.parametrize(("debt", "gated"), [(0, False), (11, False), (12, True)])
def test_custody_decodes_to_what_the_contract_says(debt: int, gated: bool) -> None:
    house = House()
    house.trader(0, 5 * USD)
    # The two share a slot.
    layout = Layout.of(artifact("ClearingHouse"))
    reported = layout.place("reportedDebt")
    assert reported.slot == layout.place("insuranceTotal").slot
    house.evm.insert_account_storage(
        "0x" + CLEARING_HOUSE.hex(), reported.slot, debt << 8 * reported.offset | 11
    )
    found = read_custody(house.word)
    _, held, fees = house.read("getCustody")
    assert (found.held, found.fees) == (held, fees) == (5 * USD, 0)
    assert (found.insurance, found.reported_debt) == house.read("getDebt", 1)[:2]
    assert found.is_gated is gated


def test_what_is_not_there_decodes_to_nothing() -> None:
    word = House().word
    assert read_vault(word, MARKET) is read_closing(word, MARKET) is None
    assert read_index_sample(word, MARKET, BUCKET) is read_exit(word, OTHER, MARKET) is None
    assert read_candidate(word, OTHER, MARKET) is read_settlement(word, MARKET, BUCKET) is None
    assert read_strike(word, STRIKE) is read_option_inputs(word, STRIKE) is None
    assert read_scenario_array(word, STRIKE) is read_option_rules(word, OTHER) is None
    assert read_holdings(word, OTHER) == ()
    assert read_option_size(word, OTHER, STRIKE) == read_claim(word, OTHER, MARKET) == 0
    assert read_limiters(word) == (None,) * 4
