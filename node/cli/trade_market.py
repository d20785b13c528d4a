"""`tallystick trade` for those without an account: a market's book, trades and candles."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any, Final

import click

from node.cli import output
from node.cli.markets import MarketType
from node.cli.network import Network, network_options
from node.cli.options import json_option
from node.cli.trade_tables import (
    book_json,
    candle_json,
    fill_json,
    fill_line,
    print_book,
    print_candles,
    tell_fills,
)
from node.client import AsyncTradeClient, Gap
from node.rpc.trade.limits import CANDLES_MAX
from sequencer.candles import INTERVALS

_TIMES: Final = ["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]

market_argument = click.argument("market", type=MarketType())
depth_option = click.option(
    "--depth", type=click.IntRange(1, 100), default=10, show_default=True,
    help="Levels on each side.",
)  # fmt: skip
count_option = click.option(
    "--limit", "count", type=click.IntRange(1, 500), default=20, show_default=True,
    help="How many at the most.",
)  # fmt: skip


@click.command()
@market_argument
@depth_option
@network_options
@json_option
def book(network: Network, market: int, depth: int, as_json: bool) -> None:
    """The best levels of a market now."""

    async def run() -> Any:
        async with AsyncTradeClient(network.l2_url) as client:
            return await client.book(market, depth)

    found = asyncio.run(run())
    if as_json:
        click.echo(json.dumps(book_json(market, found.sequence, found.bids, found.asks), indent=2))
    else:
        print_book(output.console(), market, found.bids, found.asks)


@click.command()
@market_argument
@count_option
@network_options
@json_option
def trades(network: Network, market: int, count: int, as_json: bool) -> None:
    """The newest trades of a market, newest first."""

    async def run() -> Any:
        async with AsyncTradeClient(network.l2_url) as client:
            return await client.trades(market, count)

    tell_fills(asyncio.run(run()), as_json=as_json)


@click.command()
@market_argument
@click.option(
    "--interval", type=click.Choice(list(INTERVALS)), default="1m", show_default=True,
    help="Time of one candle.",
)  # fmt: skip
@click.option(
    "--limit", "count", type=click.IntRange(1, CANDLES_MAX), default=60, show_default=True,
    help="How many intervals to look back.",
)  # fmt: skip
@click.option(
    "--to", "end", type=click.DateTime(_TIMES), metavar="TIME", show_default="now",
    help="Only candles that begin before: 2026-11-23, '2026-11-23 18:30', or to the second; UTC.",
)  # fmt: skip
@network_options
@json_option
def candles(
    network: Network, market: int, interval: str, count: int, end: datetime | None, as_json: bool
) -> None:
    """Open, high, low, close and volume of a market, oldest first.

    An interval without a trade has no candle.

    \b
    tallystick trade candles BTC --interval 1h --limit 24
    tallystick trade candles ETH --to 2026-11-23
    """

    async def run() -> Any:
        async with AsyncTradeClient(network.l2_url) as client:
            last = await client.time() + 1 if end is None else _seconds(end)
            return await client.candles(market, interval, max(0, last - span), last)

    span = count * INTERVALS[interval]
    found = asyncio.run(run())
    if as_json:
        click.echo(json.dumps([candle_json(candle) for candle in found], indent=2))
    else:
        print_candles(output.console(), found)


@click.command()
@market_argument
@depth_option
@click.option("--trades", "shows_trades", is_flag=True, help="Trades instead of the book.")
@network_options
@json_option
def watch(network: Network, market: int, depth: int, shows_trades: bool, as_json: bool) -> None:
    """A market's book after each change, or its trades, until Ctrl-C. JSON is one line each."""
    url = network.l2_url.replace("http", "ws", 1)
    follow = _watch_trades if shows_trades else _watch_book
    asyncio.run(follow(url, market, depth, as_json))


async def _watch_book(url: str, market: int, depth: int, as_json: bool) -> None:
    console = output.screen()
    async with AsyncTradeClient(url) as client:
        async for now in client.follow_book(market):
            best = now.levels(depth)
            if as_json:
                click.echo(json.dumps(book_json(market, now.sequence, best.bids, best.asks)))
                continue
            if console.is_terminal:
                console.clear()
            print_book(console, market, best.bids, best.asks)


async def _watch_trades(url: str, market: int, depth: int, as_json: bool) -> None:
    del depth  # of books alone
    console = output.console()
    async with AsyncTradeClient(url) as client:
        async for news in await client.follow_trades(market):
            if isinstance(news, Gap):
                console.print("[yellow]some trades may be missing here[/yellow]")
            elif as_json:
                click.echo(json.dumps(fill_json(news)))
            else:
                console.print(fill_line(news))


def _seconds(moment: datetime) -> int:
    """Of a time in UTC, since 1970."""
    return int(moment.replace(tzinfo=UTC).timestamp())
