"""The clearing house as L2 starts with it: code and storage of the router and its modules.

Predeploys have no constructor: their first storage is written here, by the compiler's layout.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from execution.contracts import artifact
from execution.contracts.abi import CLEARING_HOUSE_MODULES as MODULES
from execution.contracts.layout import Layout
from genesis.builder import GenesisAccount
from genesis.predeploys import (
    CLEARING_HOUSE,
    CLEARING_HOUSE_MODULES,
    COLLATERAL_TOKEN,
    GOVERNANCE,
)
from state.errors import Invalid
from state.types import Address, Timestamp

PPM: Final = 10**6
PRICE_ONE: Final = 10**8
"""p8 of one USD."""
SIZE_ONE: Final = 10**8
"""s8 of one base unit."""
RATE_ONE: Final = 10**12
"""r12 of a funding rate of 100% in 8 h."""

ACTIVE: Final = 1
"""MarketStatus.Active of Types.sol."""

_PRICE_SIZE = 10**10
_FEE_LANES = 8
_FEE_MAX = 10**5
_PERPS_MAX = 64


class InvalidMarket(Invalid):
    """Market parameters that the contract itself would refuse."""


@dataclass(frozen=True, slots=True)
class MarketParameters:
    """How a perpetual market starts. Units as in Types.sol: p8, s8, ppm, r12, seconds."""

    name: str
    tick: int
    lot: int
    imf: int
    mmf: int
    oi_low: int
    oi_high: int
    oi_cap: int
    price_band: int = 50_000
    mark_band: int = 10_000
    stale_seconds: int = 300
    auction: bool = False
    interest: int = RATE_ONE // 10_000
    interest_clamp: int = RATE_ONE // 2_000
    funding_cap: int = 12 * RATE_ONE // 100
    funding_interval: int = 3600
    funding_samples: int = 60
    funding_intervals_max: int = 24
    fees: tuple[int, ...] = (500, -110, 450, -110, 400, -120, 350, -150)
    """ppm: taker and maker fee of each of the four tiers; a negative maker fee is a rebate."""

    def __post_init__(self) -> None:
        for valid, what in (
            (self.tick > 0 and self.lot > 0, "tick and lot must be positive"),
            (self.tick * self.lot % _PRICE_SIZE == 0, "tick * lot must be a multiple of 1e10"),
            (0 < self.mmf <= self.imf <= PPM, "0 < mmf <= imf <= 1,000,000 ppm"),
            (0 <= self.oi_low <= self.oi_high, "oi_low <= oi_high"),
            (0 <= self.oi_cap < 2**63, "oi_cap must be below 2^63"),
            (0 <= self.price_band <= PPM, "price_band is in ppm"),
            (0 <= self.mark_band < PPM, "mark_band is in ppm, below 1,000,000"),
            (0 < self.stale_seconds < 2**16, "stale_seconds must be in 1..65535"),
            (0 <= self.funding_cap <= RATE_ONE, "funding_cap is at most 1e12"),
            (abs(self.interest) <= self.funding_cap, "|interest| <= funding_cap"),
            (0 <= self.interest_clamp <= self.funding_cap, "interest_clamp <= funding_cap"),
            (self.funding_samples > 0, "funding_samples must be positive"),
            (self.funding_interval > 0, "funding_interval must be positive"),
            (self.funding_interval % self.funding_samples == 0, "samples divide the interval"),
            (self.funding_intervals_max > 0, "funding_intervals_max must be positive"),
            (len(self.fees) == _FEE_LANES, "fees has four pairs"),
            (all(abs(fee) <= _FEE_MAX for fee in self.fees), "no fee is above 10%"),
            (min(self.fees[::2]) + min(self.fees[1::2]) >= 0, "a fill's fees must not be negative"),
        ):
            if not valid:
                raise InvalidMarket(f"market {self.name}: {what}")


BTC_USD: Final = MarketParameters(
    name="BTC-USD",
    tick=PRICE_ONE // 10,
    lot=SIZE_ONE // 10_000,
    imf=20_000,
    mmf=12_000,
    oi_low=2_000 * SIZE_ONE,
    oi_high=20_000 * SIZE_ONE,
    oi_cap=10_000 * SIZE_ONE,
)
"""Market 0: 50x at most, in steps of 0.1 USD and 0.0001 BTC."""

ETH_USD: Final = MarketParameters(
    name="ETH-USD",
    tick=PRICE_ONE // 100,
    lot=SIZE_ONE // 1_000,
    imf=25_000,
    mmf=15_000,
    oi_low=30_000 * SIZE_ONE,
    oi_high=300_000 * SIZE_ONE,
    oi_cap=150_000 * SIZE_ONE,
)
"""Market 1: 40x at most, in steps of 0.01 USD and 0.001 ETH."""

DEFAULT_MARKETS: Final = (BTC_USD, ETH_USD)


@dataclass(frozen=True, slots=True)
class ClearingHouseParameters:
    """Who runs the clearing house, and its markets; a market's id is its place in the tuple."""

    matcher: Address
    guardian: Address
    oracle_signers: Mapping[Address, int]
    """Weight of each signer; more than half of all must sign a round."""
    timelock: Address = GOVERNANCE
    collateral: Address = COLLATERAL_TOKEN
    markets: tuple[MarketParameters, ...] = DEFAULT_MARKETS
    genesis_time: Timestamp = field(default=Timestamp(0))
    """Seconds: when funding starts to run."""

    def __post_init__(self) -> None:
        if not self.oracle_signers or not all(self.oracle_signers.values()):
            raise InvalidMarket("the oracle needs a signer, and each signer a weight above zero")
        if len(self.markets) > _PERPS_MAX:
            raise InvalidMarket(f"{len(self.markets)} markets; at most {_PERPS_MAX}")


def clearing_house_alloc(
    parameters: ClearingHouseParameters,
) -> dict[Address, GenesisAccount]:
    """The genesis accounts of the router, which holds all storage, and of its modules."""
    alloc = {
        address: GenesisAccount(nonce=1, code=artifact(name).predeploy_code)
        for address, name in zip(CLEARING_HOUSE_MODULES, MODULES)
    }
    alloc[CLEARING_HOUSE] = GenesisAccount(
        nonce=1,
        code=artifact("ClearingHouse").predeploy_code,
        storage=clearing_house_storage(parameters),
    )
    return alloc


def clearing_house_storage(parameters: ClearingHouseParameters) -> dict[int, int]:
    """The router's storage before the first transaction, slot to word."""
    layout = Layout.of(artifact("ClearingHouse"))
    words: dict[int, int] = {}
    signers = sorted(parameters.oracle_signers.items())
    values: dict[str, Any] = {
        "timelock": parameters.timelock,
        "guardian": parameters.guardian,
        "matcher": parameters.matcher,
        "collateral": parameters.collateral,
        "marketCount": len(parameters.markets),
        "oracleWeight": sum(weight for _, weight in signers),
    }
    for label, value in values.items():
        layout.write(layout.place(label), value, words)
    for market_id, market in enumerate(parameters.markets):
        place = layout.place("markets", market_id)
        layout.write(place, _market_value(market, parameters.genesis_time), words)
    words[layout.length_place("oracleSignerList").slot] = len(signers)
    for index, (signer, weight) in enumerate(signers):
        layout.write(layout.place("oracleSignerList", index), signer, words)
        entry = {"weight": weight, "index": index}
        layout.write(layout.place("oracleSigners", signer), entry, words)
    return {slot: word for slot, word in words.items() if word}


def market_config(market: MarketParameters) -> dict[str, Any]:
    """The members of Types.sol's MarketConfig, by name, in their order."""
    return {
        "rules": {
            "tick": market.tick,
            "lot": market.lot,
            "imf": market.imf,
            "mmf": market.mmf,
            "mmfFrom": market.mmf,
            "mmfTime": 0,
            "staleSeconds": market.stale_seconds,
        },
        "caps": {
            "oiLow": market.oi_low,
            "oiHigh": market.oi_high,
            "oiCap": market.oi_cap,
            "priceBand": market.price_band,
            "markBand": market.mark_band,
            "auction": market.auction,
        },
        "fundingRules": {
            "interest": market.interest,
            "interestClamp": market.interest_clamp,
            "cap": market.funding_cap,
            "interval": market.funding_interval,
            "samples": market.funding_samples,
            "maxIntervals": market.funding_intervals_max,
        },
        "fees": list(market.fees),
    }


def _market_value(market: MarketParameters, start: Timestamp) -> dict[str, Any]:
    config = market_config(market)
    config["rules"]["mmfTime"] = start
    return config | {
        "price": {"status": ACTIVE},
        "flow": {"fundingTime": start},
        "book": {"basisTime": start},
    }
