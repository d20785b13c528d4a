"""Prices that nobody made: a seeded random process, the same for everybody with the same seed.

Each market's price is its first one times e^x(t), where x is a Brownian path over the seconds since
L2 began, correlated with the other markets' through a path that they share. The paths are built
from hashes alone, so that the price at any second is one computation, whatever was asked before and
however often: a keeper that starts again goes on where it was.

A path is a sum of independent steps of 2^17 s, with a bridge within each that halves it down to
the second (Lévy's construction). A step's and a midpoint's variate is the sum of twelve uniform
numbers less six, which has mean 0, variance 1 and never leaves +-6 (Irwin-Hall). All is computed in
integers and in decimals of 40 digits, so that every machine gets the same prices.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import lru_cache
from typing import Final

from execution.margin import MarketState, StrikeState
from node.keepers.feed import Listing
from node.keepers.prices import OptionInputs, Prices
from state.keccak import keccak

_CONTEXT: Final = Context(prec=40)
_SPAN_BITS: Final = 17
_UNIFORMS: Final = 12
_UNIFORM_BITS: Final = 20
"""240 of a hash's 256 bits are twelve numbers of 20."""

YEAR_SECONDS: Final = 365 * 86_400
_P8: Final = Decimal(10**8)
_WAD: Final = Decimal(10**18)
_WAD_ONE: Final = 10**18

SHARED: Final = Decimal("0.8")
"""The weight of the common path in every market's: two markets correlate with its square, 0.64."""
CARRY: Final = Decimal("0.04")
"""A year's growth of forwards over the index."""
OWN_INDEX: Final = Decimal("0.000001")
"""An index this near to the path's is the process's own, rounded."""
SMILE: Final = Decimal("0.35")
"""How fast volatility rises with the square of ln(strike / forward)."""
VOLATILITY_OF_VOLATILITY: Final = Decimal("0.5")
"""Annual, of the path that all volatilities move with."""
VOLATILITY_SWING_MAX: Final = Decimal("0.5")
"""The most that it moves their logarithm either way."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """Where a market begins, USD, and how wildly it moves in a year."""

    start: Decimal
    volatility: Decimal


INSTRUMENTS: Final[Mapping[int, Instrument]] = {
    0: Instrument(Decimal(64_250), Decimal("0.60")),
    1: Instrument(Decimal("3187.64"), Decimal("0.75")),
}
"""By market of the devnet."""
ANY_INSTRUMENT: Final = Instrument(Decimal(100), Decimal("0.80"))
"""A market that somebody has listed since."""


@dataclass(frozen=True, slots=True)
class PriceProcess:
    """The process as a feed.

    It goes on from the books: where others have reported prices in between, its own are scaled so
    that they go on at the index that it finds.
    """

    seed: int

    async def read(self, listing: Listing) -> Prices:
        with localcontext(_CONTEXT):
            index = {
                id_: self._index(id_, market, listing) for id_, market in listing.markets.items()
            }
            options = {
                id_: self._inputs(strike, index[strike.underlying], listing)
                for id_, strike in listing.strikes.items()
                if strike.expiry > listing.time
            }
        return Prices(index=index, options=options)

    def _index(self, id_: int, market: MarketState, listing: Listing) -> int:
        """p8."""
        price = self._path_price(id_, listing.time - listing.origin) * _P8
        if market.index == 0:
            return int(price)
        scale = market.index / (self._path_price(id_, market.index_time - listing.origin) * _P8)
        if abs(scale - 1) < OWN_INDEX:
            return int(price)
        return int(price * scale)

    def _path_price(self, market: int, elapsed: int) -> Decimal:
        """USD so many seconds after the beginning, unscaled."""
        instrument = INSTRUMENTS.get(market, ANY_INSTRUMENT)
        own = path(self._name(f"market {market}"), elapsed)
        shared = path(self._name("shared"), elapsed)
        x = SHARED * shared + (1 - SHARED * SHARED).sqrt() * own
        return instrument.start * (instrument.volatility * x).exp()

    def _inputs(self, strike: StrikeState, index: int, listing: Listing) -> OptionInputs:
        """Carry on the index; a smile, and a level that moves."""
        years = Decimal(strike.expiry - listing.time) / YEAR_SECONDS
        forward = index * (CARRY * years).exp()
        moneyness = (strike.price / forward).ln()
        level = path(self._name("volatility"), listing.time - listing.origin)
        swing = VOLATILITY_OF_VOLATILITY * level
        swing = max(-VOLATILITY_SWING_MAX, min(VOLATILITY_SWING_MAX, swing))
        base = INSTRUMENTS.get(strike.underlying, ANY_INSTRUMENT).volatility
        volatility = base * swing.exp() * (1 + SMILE * moneyness * moneyness)
        return OptionInputs(int(forward), _WAD_ONE, int(volatility * _WAD))

    def _name(self, what: str) -> bytes:
        return f"{self.seed} {what}".encode()


def path(name: bytes, seconds: int) -> Decimal:
    """A standard Brownian path at a time: variance 1 a year, 0 at 0. In a context of 40 digits."""
    span, rest = divmod(seconds, 1 << _SPAN_BITS)
    return (_before(name, span) + _bridge(name, span, rest)) / Decimal(YEAR_SECONDS).sqrt()


@lru_cache(maxsize=64)
def _before(name: bytes, span: int) -> Decimal:
    """The path, with variance 1 a second, where a span begins."""
    step = Decimal(1 << _SPAN_BITS).sqrt()
    return step * sum((variate(name, each, 1) for each in range(span)), Decimal(0))


def _bridge(name: bytes, span: int, rest: int) -> Decimal:
    """How far the path has come within a span.

    Nodes of the tree of midpoints are numbered from 2 at the middle of the span, 4 and 5 at its
    quarters, and so on; 1 is the step of the whole span.
    """
    length, node = 1 << _SPAN_BITS, 1
    left, right = Decimal(0), Decimal(length).sqrt() * variate(name, span, 1)
    while rest:
        half = length // 2
        middle = (left + right) / 2 + Decimal(length).sqrt() / 2 * variate(name, span, 2 * node)
        if rest >= half:
            left, rest, node = middle, rest - half, 2 * node + 1
        else:
            right, node = middle, 2 * node
        length = half
    return left


def variate(name: bytes, span: int, node: int) -> Decimal:
    """Almost normal, from a hash: mean 0, variance 1, within +-6."""
    digest = int.from_bytes(keccak(b"%s %d %d" % (name, span, node)), "big")
    mask = (1 << _UNIFORM_BITS) - 1
    total = sum(digest >> _UNIFORM_BITS * i & mask for i in range(_UNIFORMS))
    # A uniform number of n values lies in the middle of its step, hence the half of each.
    return Decimal(2 * total + _UNIFORMS) / (2 << _UNIFORM_BITS) - 6
