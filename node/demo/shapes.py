"""Crashes that happened, as the way that prices take in `tallystick demo crash`.

A shape is a row of waypoints. What public accounts of the day agree on is in them; between them
prices go straight, with seeded noise. Time is compressed leg by leg: hours in which little happened
are a few reports, the minutes of the fall are many. Prices are parts of what the devnet's markets
stand at when the play begins, so that a shape fits any devnet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from execution.contracts.parameters import PPM
from execution.margin import StrikeState
from node.keepers.prices import OptionInputs, Prices
from node.keepers.process import variate

BTC: Final = 0
ETH: Final = 1
_WAD: Final = 10**18


@dataclass(frozen=True, slots=True)
class Waypoint:
    """Where prices were at a time, and in how many reports they got there.

    Prices are ppm of the first one, volatility is ppm a year.
    """

    time: datetime
    reports: int
    btc: int
    eth: int
    volatility: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One report of all prices: ppm of the first ones by market, and the volatility in ppm."""

    number: int
    time: datetime
    """When it was like this in the crash that is played."""
    parts: Mapping[int, int]
    volatility: int

    def price(self, market: int, start: int) -> int:
        """p8, of a market that started at `start`; one that the shape doesn't know stays there."""
        return start * self.parts.get(market, PPM) // PPM

    def prices(self, start: Mapping[int, int], strikes: Mapping[int, StrikeState]) -> Prices:
        """What a feed says: every market, and of every strike a forward that is the index."""
        index = {market: self.price(market, price) for market, price in start.items()}
        options = {
            id_: OptionInputs(index[strike.underlying], _WAD, self.volatility * (_WAD // PPM))
            for id_, strike in strikes.items()
        }
        return Prices(index=index, options=options)


@dataclass(frozen=True, slots=True)
class Shape:
    """A crash by its name."""

    name: str
    title: str
    source: str
    noise: int
    """ppm: how far one deviation of noise moves a price."""
    waypoints: tuple[Waypoint, ...]
    """The first is where it begins."""

    @property
    def reports(self) -> int:
        """Reports after the first scene."""
        return sum(one.reports for one in self.waypoints)

    def scenes(self, seed: int) -> tuple[Scene, ...]:
        """Every report in its order, the same for everybody with the same seed."""
        return (self._first(), *self._rest(seed))

    def _first(self) -> Scene:
        """Without noise: prices start where they stood."""
        begin = self.waypoints[0]
        return Scene(0, begin.time, _parts(begin.btc, begin.eth), begin.volatility)

    def _rest(self, seed: int) -> Iterator[Scene]:
        number = 0
        for before, after in zip(self.waypoints, self.waypoints[1:]):
            for step in range(1, after.reports + 1):
                number += 1
                yield self._scene(number, before, after, step, seed)

    def _scene(self, number: int, before: Waypoint, after: Waypoint, step: int, seed: int) -> Scene:
        def between(first: int, last: int) -> int:
            return first + (last - first) * step // after.reports

        time = before.time + (after.time - before.time) * step // after.reports
        btc = between(before.btc, after.btc)
        eth = between(before.eth, after.eth)
        parts = {
            market: part * (PPM + self._noise(seed, market, number)) // PPM
            for market, part in _parts(btc, eth).items()
        }
        return Scene(
            number, time, MappingProxyType(parts), between(before.volatility, after.volatility)
        )

    def _noise(self, seed: int, market: int, number: int) -> int:
        """ppm."""
        name = f"{self.name} {seed} market {market}".encode()
        return int(self.noise * variate(name, number, 1))


def _parts(btc: int, eth: int) -> Mapping[int, int]:
    return MappingProxyType({BTC: btc, ETH: eth})


def _march(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2020, 3, day, hour, minute, tzinfo=UTC)


def _october(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 10, day, hour, minute, tzinfo=UTC)


MARCH_2020: Final = Shape(
    name="march-2020",
    title="Black Thursday, 12 March 2020",
    source=(
        "BTC 7,300 to 5,690 USD from 10:00 to 11:00 UTC and 5,800 to 3,900 from 23:00 to 02:15"
        " (blog.btcmex.com, 'Black Thursday: what actually happened to Bitcoin'); ETH from 190 to"
        " some 88 in all (weex.com, '312 5th anniversary'). The way of ETH between its ends, both"
        " recoveries, and volatility, which no index measured then, are drawn."
    ),
    noise=1_500,
    waypoints=(
        Waypoint(_march(12, 10), 0, 1_000_000, 1_000_000, 650_000),
        Waypoint(_march(12, 11), 12, 779_000, 740_000, 1_300_000),
        Waypoint(_march(12, 13), 2, 822_000, 780_000, 1_200_000),
        Waypoint(_march(12, 23), 3, 795_000, 720_000, 1_250_000),
        Waypoint(_march(13, 2, 15), 12, 534_000, 463_000, 2_000_000),
        Waypoint(_march(13, 4), 3, 680_000, 600_000, 1_800_000),
    ),
)

OCTOBER_2025: Final = Shape(
    name="october-2025",
    title="The tariff crash, 10 October 2025",
    source=(
        "BTC 122,000 USD before, 104,000 at the lowest, 112,500 the next morning; ETH down a fifth,"
        " then above 3,800 (dnzn.dev, 'October 2025 flash crash'; igcurrencynews.com); 21:15 UTC"
        " was the worst minute (Binance Square, 'October 10, 2025'). ETH's 4,370 before, what was"
        " lost by 20:50 and by 21:10, and volatility are drawn."
    ),
    noise=1_000,
    waypoints=(
        Waypoint(_october(10, 14, 50), 0, 1_000_000, 1_000_000, 450_000),
        Waypoint(_october(10, 20, 50), 5, 965_000, 950_000, 500_000),
        Waypoint(_october(10, 21, 10), 6, 935_000, 910_000, 700_000),
        Waypoint(_october(10, 21, 16), 4, 852_000, 800_000, 1_100_000),
        Waypoint(_october(10, 21, 40), 5, 890_000, 840_000, 900_000),
        Waypoint(_october(11, 8), 6, 922_000, 870_000, 600_000),
    ),
)

SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {shape.name: shape for shape in (MARCH_2020, OCTOBER_2025)}
)
"""By name."""
