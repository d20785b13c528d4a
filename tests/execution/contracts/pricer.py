"""The pricing libraries on revm, through the contract that makes them callable."""

import math
from decimal import Decimal
from random import Random
from typing import Any

import execution.contracts
import tests.contracts
from execution.contracts.abi import Interface
from tests.contracts.vm import Vm
from tests.execution.contracts.exact.pricing import DAY, PRICE_ONE, WAD, YEAR, Option

Arguments = tuple[bool, int, int, int, int, int]
"""Put, forward, strike, volatility, seconds left, discount; prices and ratios in wad."""

CENT = WAD // 100
DEAREST = 14 * 10**5 * WAD
"""About the highest price that fits a lane of a series, wad."""
LONGEST = 3 * YEAR
MONTH = 30 * DAY


class Pricer:
    """The deployed module `Formulas`, and `PricerProbe` for what it doesn't tell."""

    def __init__(self) -> None:
        self._vm = Vm()
        artifacts = (
            execution.contracts.artifact("Formulas"),
            tests.contracts.artifact("PricerProbe"),
        )
        self._deployed = [(Interface(one.abi), self._vm.deploy(one)) for one in artifacts]

    def __call__(self, name: str, *arguments: Any) -> Any:
        """The results of a function, or the only one. Raises `Reverted`."""
        interface, address = next(one for one in self._deployed if name in one[0].functions)
        results = interface.result(name, self._vm.send(address, interface.call(name, *arguments)))
        return results[0] if len(results) == 1 else results


def exact_option(arguments: Arguments) -> Option:
    """The same option for the exact model."""
    is_put, forward, strike, volatility, seconds, discount = arguments
    prices = Decimal(forward) / WAD, Decimal(strike) / WAD
    return Option(is_put, *prices, Decimal(volatility) / WAD, seconds, Decimal(discount) / WAD)


def in_p8(arguments: Arguments) -> Arguments:
    """With forward and strike in p8, floored, as series have them."""
    is_put, forward, strike, *rest = arguments
    unit = WAD // PRICE_ONE
    return is_put, forward // unit, strike // unit, rest[0], rest[1], rest[2]


def in_wad(arguments: Arguments) -> Arguments:
    """Back from p8."""
    is_put, forward, strike, *rest = arguments
    unit = WAD // PRICE_ONE
    return is_put, forward * unit, strike * unit, rest[0], rest[1], rest[2]


def random_arguments(random: Random, dearest: int = DEAREST) -> Arguments:
    """From one cent, one second and 1% to the far end of everything; mostly near the money."""
    forward = _logarithmic(random, CENT, dearest)
    volatility = _logarithmic(random, WAD // 100, 5 * WAD)
    seconds = _logarithmic(random, 1, LONGEST)
    deviation = volatility / WAD * math.sqrt(seconds / YEAR)
    strike = random.choice(
        (
            forward,
            forward + random.randint(-2, 2),
            _logarithmic(random, CENT, dearest),
            *[int(forward * math.exp(random.gauss(0, 2) * deviation)) for _ in range(4)],
        )
    )
    discount = random.choice((WAD, WAD, WAD * 97 // 100 + random.randrange(10**15)))
    strike = min(max(strike, CENT), dearest)
    return random.random() < 0.5, forward, strike, volatility, seconds, discount


def _logarithmic(random: Random, low: int, high: int) -> int:
    """Every size of number as often as any other."""
    return min(high, int(low * math.exp(random.uniform(0, math.log(high / low)))))
