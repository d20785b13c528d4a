"""Option series from storage: strikes, their oracle inputs, books and scenario arrays.

Units: prices p8 (1e-8 USD), sizes s8 (1e-8 base), amounts q6 (1e-6 USD), discounts and volatilities
wad (1e-18), times seconds. A strike is named by its even id; that is its call's, the put's is one
higher.
"""

from dataclasses import dataclass
from typing import Final

from execution.margin.storage import Word, read_struct, read_value, time_key
from state.types import Timestamp

SERIES_START: Final = 64
"""The first id of a series; smaller ones are perpetual markets."""

SCENARIOS: Final = 24
"""How many futures a series is priced in; Scenarios.sol names them."""

_LANE_BYTES = 6


@dataclass(frozen=True, slots=True)
class StrikeState:
    """A registered pair of call and put: its price is p8."""

    underlying: int
    expiry: Timestamp
    price: int
    round: int


@dataclass(frozen=True, slots=True)
class OptionInputsState:
    """What the oracle says of a strike: forward p8, discount and volatility wad."""

    forward: int
    discount: int
    volatility: int
    time: Timestamp


@dataclass(frozen=True, slots=True)
class SeriesState:
    """A series' contracts (s8), and q6 that its expiry has collected and not yet paid."""

    open_interest: int
    shorts_left: int
    pool: int


@dataclass(frozen=True, slots=True)
class ScenarioArray:
    """What pricing left of a series: when, the index then, the value and the gains a unit, p8."""

    time: Timestamp
    spot: int
    value: int
    pnl: tuple[int, ...]

    @classmethod
    def unpack(cls, packed: bytes) -> "ScenarioArray":
        """From the 160 bytes that SeriesArray.sol describes."""
        head, lanes = packed[:16], packed[16:]
        starts = range(0, SCENARIOS * _LANE_BYTES, _LANE_BYTES)
        pnl = (int.from_bytes(lanes[i : i + _LANE_BYTES], "big", signed=True) for i in starts)
        return cls(
            Timestamp(int.from_bytes(head[:4], "big")),
            int.from_bytes(head[4:10], "big"),
            int.from_bytes(head[10:], "big"),
            tuple(pnl),
        )


@dataclass(frozen=True, slots=True)
class OptionRulesState:
    """How options on an underlying trade: tick p8, lot and cap s8, price band ppm of the index."""

    tick: int
    lot: int
    oi_cap: int
    price_band: int


def read_strike_count(word: Word) -> int:
    """Strikes so far; the first one's id is `SERIES_START`, each next one's is two higher."""
    return int(read_value(word, "strikeCount"))


def read_strike(word: Word, strike: int) -> StrikeState | None:
    """A strike by its even id; None when it isn't registered."""
    found = read_struct(StrikeState, word, "strikes", strike)
    return found if found.price else None


def read_option_inputs(word: Word, strike: int) -> OptionInputsState | None:
    """The last inputs of a strike; None before the first."""
    inputs = read_struct(OptionInputsState, word, "optionInputs", strike)
    return inputs if inputs.time else None


def read_series(word: Word, series: int) -> SeriesState:
    """A series' contracts."""
    return read_struct(SeriesState, word, "seriesBooks", series)


def read_scenario_array(word: Word, series: int) -> ScenarioArray | None:
    """A series' scenario array; None before it is priced."""
    words = read_value(word, "seriesArrays", series)
    array = ScenarioArray.unpack(b"".join(w.to_bytes(32, "big") for w in words))
    return array if array.time else None


def read_settlement(word: Word, underlying: int, expiry: int) -> int | None:
    """p8 that an expiry settles at; None until it is fixed."""
    price = read_value(word, "expiries", time_key(underlying, expiry))["settlement"]
    return int(price) or None


def read_option_rules(word: Word, underlying: int) -> OptionRulesState | None:
    """How options on an underlying trade; None when there are none."""
    rules = read_struct(OptionRulesState, word, "optionRules", underlying)
    return rules if rules.lot else None
