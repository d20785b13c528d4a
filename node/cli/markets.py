"""Markets on the command line, by number or by the name that a devnet's have."""

import click

from node.demo.names import MARKET_NAMES


class MarketType(click.ParamType[int]):
    """A perpetual market: its number, or BTC or ETH as on a devnet."""

    name = "MARKET"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The number; a usage error for what is none."""
        if isinstance(value, int):
            return value
        named = {name: market for market, name in MARKET_NAMES.items()}
        if value.upper() in named:
            return named[value.upper()]
        if not (value.isascii() and value.isdecimal()):
            self.fail(f"{value!r:.40} is no market: give its number, or {' or '.join(named)}")
        return int(value)


def market_name(market: int) -> str:
    """What a market is called."""
    return MARKET_NAMES.get(market, str(market))
