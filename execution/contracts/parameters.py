"""What the clearing house starts with: markets, options on them, and withdrawal limits.

The checks are those of libraries/Configuration.sol, so that genesis holds nothing that the timelock
could not have set.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from execution.contracts.limits import (
    EXPIRY_SECONDS_MAX,
    FEE_PPM_MAX,
    GRID_SECONDS,
    LIMITER_MINIMUM,
    LIMITER_PERIOD_MAX,
    LIMITER_SHARE_MIN,
    PRICE_BAND_MIN,
    SIZE_END,
    STRIKE_END,
    STRIKE_MIN,
)
from state.errors import Invalid
from state.types import Timestamp

PPM: Final = 10**6
PRICE_ONE: Final = 10**8
"""p8 of one USD."""
SIZE_ONE: Final = 10**8
"""s8 of one base unit."""
QUOTE_ONE: Final = 10**6
"""q6 of one USD."""
RATE_ONE: Final = 10**12
"""r12 of a funding rate of 100% in 8 h."""

_PRICE_SIZE = 10**10
_FEE_LANES = 8

_PERP_INITIAL = (160_000, 40_000)
_PERP_MAINTENANCE = (128_000, 30_000)
"""ppm: what of a fraction the scenarios hold, and the least contingency (PortfolioMath)."""


class InvalidMarket(Invalid):
    """Parameters that the contract itself would refuse."""


def _contingency(fraction: int, held: int, least: int) -> int:
    return max(fraction - held, least)


def _faults(*rules: tuple[bool, str]) -> list[str]:
    return [what for valid, what in rules if not valid]


@dataclass(frozen=True, slots=True)
class SafetyParameters:
    """How accounts of a market are closed, and its breakers. Units as in SafetyTypes.sol."""

    liquidation_fee: int = 5_000
    slippage: int = 7_000
    exit_penalty: int = 10_000
    pause_move: int = 100_000
    grace_seconds: int = 300
    deleverage_delay: int = 10
    exit_delay: int = 3_600
    exit_window: int = 600
    pause_window: int = 60
    pause_seconds: int = 60
    vault_loss_cap: int = 1_000_000 * QUOTE_ONE
    """q6: for the backstop vault, where genesis opens one."""

    def faults(self, mmf: int) -> list[str]:
        """What contradicts itself, or a maintenance fraction of `mmf` ppm."""
        return _faults(
            (
                4 * (self.liquidation_fee + self.slippage) < 5 * mmf,
                "liquidation_fee + slippage < 1.25 * mmf",
            ),
            (0 <= self.exit_penalty <= FEE_PPM_MAX, "exit_penalty is at most 10%"),
            (0 < self.exit_window < 2**32, "exit_window must be positive"),
            (0 <= self.exit_delay < 2**32, "exit_delay is in seconds"),
            (0 <= self.grace_seconds < 2**16, "grace_seconds is below 2^16"),
            (0 <= self.deleverage_delay < 2**16, "deleverage_delay is below 2^16"),
            (0 <= self.pause_move <= PPM, "pause_move is in ppm"),
            (
                self.pause_move == 0 or (self.pause_window > 0 and self.pause_seconds > 0),
                "a volatility pause needs pause_window and pause_seconds",
            ),
            (0 <= self.vault_loss_cap < 2**96, "vault_loss_cap is q6"),
        )


@dataclass(frozen=True, slots=True)
class OptionParameters:
    """How options on an underlying trade: p8, s8, s8 and ppm."""

    tick: int
    lot: int
    oi_cap: int
    price_band: int = 50_000

    def faults(self) -> list[str]:
        """What contradicts itself."""
        return _faults(
            (self.tick > 0 and self.lot > 0, "option tick and lot must be positive"),
            (self.tick * self.lot % _PRICE_SIZE == 0, "option tick * lot: a multiple of 1e10"),
            (0 <= self.oi_cap < SIZE_END, "option oi_cap must be below 2^63"),
            (PRICE_BAND_MIN <= self.price_band <= PPM, "option price_band: 100 ppm to 1"),
        )


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
    safety: SafetyParameters = field(default_factory=SafetyParameters)
    options: OptionParameters | None = None
    """None: no options on this market."""

    def __post_init__(self) -> None:
        faults = [*self._grid_faults(), *self._funding_faults(), *self._fee_faults()]
        faults += self.safety.faults(self.mmf)
        faults += self.options.faults() if self.options else []
        if faults:
            raise InvalidMarket(f"market {self.name}: {'; '.join(faults)}")

    def _grid_faults(self) -> list[str]:
        return _faults(
            (self.tick > 0 and self.lot > 0, "tick and lot must be positive"),
            (self.tick * self.lot % _PRICE_SIZE == 0, "tick * lot must be a multiple of 1e10"),
            (0 < self.mmf <= self.imf <= PPM, "0 < mmf <= imf <= 1,000,000 ppm"),
            (
                _contingency(self.imf, *_PERP_INITIAL)
                >= _contingency(self.mmf, *_PERP_MAINTENANCE),
                "initial margin must cover maintenance in portfolio margin",
            ),
            (0 <= self.oi_low <= self.oi_high, "oi_low <= oi_high"),
            (0 <= self.oi_cap < SIZE_END, "oi_cap must be below 2^63"),
            (PRICE_BAND_MIN <= self.price_band <= PPM, "price_band: 100 to 1,000,000 ppm"),
            (0 <= self.mark_band < PPM, "mark_band is in ppm, below 1,000,000"),
            (0 < self.stale_seconds < 2**16, "stale_seconds must be in 1..65535"),
        )

    def _funding_faults(self) -> list[str]:
        return _faults(
            (0 <= self.funding_cap <= RATE_ONE, "funding_cap is at most 1e12"),
            (abs(self.interest) <= self.funding_cap, "|interest| <= funding_cap"),
            (0 <= self.interest_clamp <= self.funding_cap, "interest_clamp <= funding_cap"),
            (self.funding_samples > 0, "funding_samples must be positive"),
            (self.funding_interval > 0, "funding_interval must be positive"),
            (
                self.funding_samples > 0 and self.funding_interval % self.funding_samples == 0,
                "samples divide the interval",
            ),
            (self.funding_intervals_max > 0, "funding_intervals_max must be positive"),
        )

    def _fee_faults(self) -> list[str]:
        return _faults(
            (len(self.fees) == _FEE_LANES, "fees has four pairs"),
            (all(abs(fee) <= FEE_PPM_MAX for fee in self.fees), "no fee is above 10%"),
            (min(self.fees[::2]) + min(self.fees[1::2]) >= 0, "a fill's fees must not be negative"),
        )


@dataclass(frozen=True, slots=True)
class StrikeParameters:
    """A call and a put that are listed from the start."""

    market: int
    """Id of the underlying."""
    expiry: Timestamp
    price: int
    """p8."""

    def check(self, markets: tuple[MarketParameters, ...], start: Timestamp) -> None:
        """Raises `InvalidMarket` where the contract would refuse to list it at `start`."""
        options = markets[self.market].options if 0 <= self.market < len(markets) else None
        if options is None:
            raise InvalidMarket(f"strike {self}: there are no options on market {self.market}")
        faults = _faults(
            (self.expiry % GRID_SECONDS == 0, "it must expire on the minute"),
            (0 < self.expiry - start <= EXPIRY_SECONDS_MAX, "it must expire within three years"),
            (STRIKE_MIN <= self.price < STRIKE_END, "its price is out of bounds"),
            (self.price % options.tick == 0, "its price is off the tick"),
        )
        if faults:
            raise InvalidMarket(f"strike {self}: {'; '.join(faults)}")


@dataclass(frozen=True, slots=True)
class LimiterParameters:
    """A withdrawal limit: seconds, ppm of the custody, and q6."""

    period: int
    share: int
    minimum: int
    cap: int

    def __post_init__(self) -> None:
        faults = _faults(
            (0 < self.period <= LIMITER_PERIOD_MAX, "period is at most a week"),
            (LIMITER_SHARE_MIN <= self.share <= PPM, "share is in ppm, at least 1%"),
            (LIMITER_MINIMUM <= self.minimum < 2**96, "minimum is at least 1 USD"),
            (0 <= self.cap < 2**96, "cap is q6"),
        )
        if faults:
            raise InvalidMarket(f"withdrawal limit: {'; '.join(faults)}")


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


def safety_config(safety: SafetyParameters) -> dict[str, Any]:
    """The members of SafetyTypes.sol's SafetyRules, by name, in their order."""
    return {
        "liquidationFee": safety.liquidation_fee,
        "slippage": safety.slippage,
        "exitPenalty": safety.exit_penalty,
        "pauseMove": safety.pause_move,
        "graceSeconds": safety.grace_seconds,
        "deleverageDelay": safety.deleverage_delay,
        "exitDelay": safety.exit_delay,
        "exitWindow": safety.exit_window,
        "pauseWindow": safety.pause_window,
        "pauseSeconds": safety.pause_seconds,
    }


def option_config(options: OptionParameters) -> dict[str, Any]:
    """The members of OptionTypes.sol's OptionRules, by name, in their order."""
    return {
        "tick": options.tick,
        "lot": options.lot,
        "oiCap": options.oi_cap,
        "priceBand": options.price_band,
    }


def limiter_config(limiter: LimiterParameters) -> dict[str, Any]:
    """The configured members of SafetyTypes.sol's Limiter, by name, in their order."""
    return {
        "period": limiter.period,
        "share": limiter.share,
        "minimum": limiter.minimum,
        "cap": limiter.cap,
    }
