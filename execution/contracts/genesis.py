"""The clearing house as L2 starts with it: code and storage of the router and its modules.

Predeploys have no constructor: their first storage is written here, by the compiler's layout.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from execution.contracts import artifact
from execution.contracts.abi import CLEARING_HOUSE_MODULES as MODULES
from execution.contracts.devnet import BTC_USD, DEFAULT_MARKETS, ETH_USD
from execution.contracts.layout import Layout
from execution.contracts.limits import LIMITERS_MAX, PERPS_MAX, SERIES_START
from execution.contracts.parameters import (
    PPM,
    PRICE_ONE,
    RATE_ONE,
    SIZE_ONE,
    InvalidMarket,
    LimiterParameters,
    MarketParameters,
    StrikeParameters,
    limiter_config,
    market_config,
    option_config,
    safety_config,
)
from genesis.builder import GenesisAccount
from genesis.predeploys import (
    CLEARING_HOUSE,
    CLEARING_HOUSE_MODULES,
    COLLATERAL_TOKEN,
    GOVERNANCE,
)
from state.types import Address, Timestamp

__all__ = [
    "ACTIVE",
    "BTC_USD",
    "DEFAULT_MARKETS",
    "ETH_USD",
    "PPM",
    "PRICE_ONE",
    "RATE_ONE",
    "SIZE_ONE",
    "ClearingHouseParameters",
    "InvalidMarket",
    "MarketParameters",
    "clearing_house_alloc",
    "clearing_house_storage",
    "market_config",
]

ACTIVE: Final = 1
"""MarketStatus.Active of Types.sol."""

FLAG_VAULT: Final = 1
"""Of Account.flags in Types.sol."""


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
    limiters: tuple[LimiterParameters, ...] = ()
    """Withdrawal limits; capacities start at their baselines."""
    vaults: bool = False
    """Whether each market has a backstop vault: accounts 1, 2, ... of the timelock."""
    strikes: tuple[StrikeParameters, ...] = ()
    """Listed from the start; the first one's call is series 64."""

    def __post_init__(self) -> None:
        if not self.oracle_signers or not all(self.oracle_signers.values()):
            raise InvalidMarket("the oracle needs a signer, and each signer a weight above zero")
        if len(self.markets) > PERPS_MAX:
            raise InvalidMarket(f"{len(self.markets)} markets; at most {PERPS_MAX}")
        if len(self.limiters) > LIMITERS_MAX:
            raise InvalidMarket(f"{len(self.limiters)} withdrawal limits; at most {LIMITERS_MAX}")
        for strike in self.strikes:
            strike.check(self.markets, self.genesis_time)


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
    words: dict[int, int] = {}
    writer = _Writer(Layout.of(artifact("ClearingHouse")), words)
    writer.write_roles(parameters)
    writer.write_signers(parameters.oracle_signers)
    writer.write_markets(parameters.markets, parameters.genesis_time)
    writer.write_limiters(parameters.limiters, parameters.genesis_time)
    writer.write_strikes(parameters.strikes)
    if parameters.vaults:
        writer.write_vaults(parameters.markets, parameters.timelock)
    return {slot: word for slot, word in words.items() if word}


@dataclass(frozen=True, slots=True)
class _Writer:
    """Puts parameters into storage as the contract would."""

    layout: Layout
    words: MutableMapping[int, int]

    def _put(self, value: Any, label: str, *keys: int | bytes) -> None:
        self.layout.write(self.layout.place(label, *keys), value, self.words)

    def write_roles(self, parameters: ClearingHouseParameters) -> None:
        self._put(parameters.timelock, "timelock")
        self._put(parameters.guardian, "guardian")
        self._put(parameters.matcher, "matcher")
        self._put(parameters.collateral, "collateral")

    def write_signers(self, weights: Mapping[Address, int]) -> None:
        self._put(sum(weights.values()), "oracleWeight")
        self.words[self.layout.length_place("oracleSignerList").slot] = len(weights)
        for index, (signer, weight) in enumerate(sorted(weights.items())):
            self._put(signer, "oracleSignerList", index)
            self._put({"weight": weight, "index": index}, "oracleSigners", signer)

    def write_markets(self, markets: tuple[MarketParameters, ...], start: Timestamp) -> None:
        self._put(len(markets), "marketCount")
        for market_id, market in enumerate(markets):
            self._put(_market_value(market, start), "markets", market_id)
            self._put(safety_config(market.safety), "safetyRules", market_id)
            if market.options:
                self._put(option_config(market.options), "optionRules", market_id)

    def write_limiters(self, limiters: tuple[LimiterParameters, ...], start: Timestamp) -> None:
        """The books hold nothing yet, so each baseline is its minimum."""
        values: list[dict[str, int]] = [
            {**limiter_config(limiter), "capacity": limiter.minimum, "time": start}
            for limiter in limiters
        ]
        values += [{}] * (LIMITERS_MAX - len(limiters))
        self._put(values, "limiters")

    def write_strikes(self, strikes: tuple[StrikeParameters, ...]) -> None:
        self._put(len(strikes), "strikeCount")
        for number, strike in enumerate(strikes):
            terms = {
                "underlying": strike.market,
                "expiry": strike.expiry,
                "price": strike.price,
            }
            self._put(terms, "strikes", SERIES_START + 2 * number)

    def write_vaults(self, markets: tuple[MarketParameters, ...], timelock: Address) -> None:
        self._put(len(markets), "accountCount")
        self.words[self.layout.length_place("accountsOf", timelock).slot] = len(markets)
        for market_id, market in enumerate(markets):
            account = market_id + 1
            self._put(timelock, "owners", account)
            self._put(account, "accountsOf", timelock, market_id)
            self._put({"flags": FLAG_VAULT}, "accounts", account)
            self._put(market_id, "vaultMarket", account)
            vault = {"account": account, "lossCap": market.safety.vault_loss_cap}
            self._put(vault, "vaults", market_id)


def _market_value(market: MarketParameters, start: Timestamp) -> dict[str, Any]:
    config = market_config(market)
    config["rules"]["mmfTime"] = start
    return config | {
        "price": {"status": ACTIVE},
        "flow": {"fundingTime": start},
        "book": {"basisTime": start},
    }
