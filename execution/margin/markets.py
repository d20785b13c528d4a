"""Perpetual markets from storage: prices, funding, health, backstop, insurance and their end.

Units: prices p8 (1e-8 USD), sizes s8 (1e-8 base), amounts q6 (1e-6 USD), rates ppm, times seconds.
"""

from dataclasses import dataclass
from enum import IntEnum

from execution.margin.storage import Word, read_struct, read_value, time_key
from state.types import Timestamp


class MarketStatus(IntEnum):
    """What may be done in a market; `MarketStatus` of Types.sol."""

    UNLISTED = 0
    ACTIVE = 1
    REDUCE_ONLY = 2
    HALTED = 3
    CLOSED = 4


@dataclass(frozen=True, slots=True)
class MarketState:
    """What of a market moves: prices p8, funding index f12, open interest s8, pool q6."""

    mark: int
    index: int
    index_time: Timestamp
    mark_time: Timestamp
    status: MarketStatus
    round: int
    funding_index: int
    funding_time: Timestamp
    open_interest: int
    pool: int


@dataclass(frozen=True, slots=True)
class MarketTermsState:
    """What a market asks of fills: tick p8, lot s8, ppm of the mark, and its fee lanes in ppm.

    Lanes 2 t and 2 t + 1 of `fees` are the taker's and the maker's of tier t.
    """

    tick: int
    lot: int
    price_band: int
    is_auction: bool
    fees: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SafetyRulesState:
    """How failing accounts of a market are closed (ppm and seconds), and its breakers."""

    liquidation_fee: int
    slippage: int
    exit_penalty: int
    pause_move: int
    grace_seconds: int
    deleverage_delay: int
    exit_delay: int
    exit_window: int
    pause_window: int
    pause_seconds: int


@dataclass(frozen=True, slots=True)
class HealthState:
    """What the oracle saw of a market: outages, jumps, and its newest bucket of samples."""

    resumed_time: Timestamp
    paused_until: Timestamp
    anchor_time: Timestamp
    anchor_index: int
    newest_bucket: int


@dataclass(frozen=True, slots=True)
class IndexSampleState:
    """A minute's last index and first mark (p8), and the buckets of the reports beside it."""

    index: int
    previous: int
    next: int
    first_mark: int


@dataclass(frozen=True, slots=True)
class VaultState:
    """A market's backstop: its account, and q6 that it may lose of what was paid in."""

    account: int
    loss_cap: int
    contributed: int


@dataclass(frozen=True, slots=True)
class ClosingState:
    """The end of a market: its price p8, sizes left s8, and q6 collected and claimed."""

    price: int
    longs_left: int
    shorts_left: int
    collected: int
    claims: int


def read_market_count(word: Word) -> int:
    """Perpetual markets so far; ids start at 0."""
    return int(read_value(word, "marketCount"))


def read_market(word: Word, market: int) -> MarketState:
    """A market's moving parts."""
    state = read_value(word, "markets", market)
    price, flow = state["price"], state["flow"]
    return MarketState(
        price["mark"],
        price["index"],
        price["indexTime"],
        price["markTime"],
        MarketStatus(price["status"]),
        price["round"],
        flow["fundingIndex"],
        flow["fundingTime"],
        flow["openInterest"],
        state["funding"]["pool"],
    )


def read_market_terms(word: Word, market: int) -> MarketTermsState:
    """What a market asks of fills; all zero for one that isn't listed."""
    state = read_value(word, "markets", market)
    rules, caps = state["rules"], state["caps"]
    return MarketTermsState(
        rules["tick"], rules["lot"], caps["priceBand"], caps["auction"], tuple(state["fees"])
    )


def read_is_paused(word: Word) -> bool:
    """Whether fills may only reduce positions, in every market."""
    return bool(read_value(word, "paused"))


def read_safety_rules(word: Word, market: int) -> SafetyRulesState:
    """How a market's failing accounts are closed; all zero before the rules are set."""
    return read_struct(SafetyRulesState, word, "safetyRules", market)


def read_health(word: Word, market: int) -> HealthState:
    """What the oracle has seen of a market."""
    return read_struct(HealthState, word, "health", market)


def read_index_sample(word: Word, market: int, bucket: int) -> IndexSampleState | None:
    """The sample of one minute, `bucket` = seconds // 60; None when no report came in it."""
    sample = read_struct(IndexSampleState, word, "indexSamples", time_key(market, bucket))
    return sample if sample.index else None


def read_vault(word: Word, market: int) -> VaultState | None:
    """A market's backstop vault; None when it has none."""
    vault = read_struct(VaultState, word, "vaults", market)
    return vault if vault.account else None


def read_insurance(word: Word, market: int) -> int:
    """q6 in a market's insurance fund."""
    return int(read_value(word, "insurance", market))


def read_closing(word: Word, market: int) -> ClosingState | None:
    """A market's end; None while it goes on."""
    closing = read_struct(ClosingState, word, "closings", market)
    return closing if closing.price else None
