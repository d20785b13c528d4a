"""`tallystick trade`: orders, books and trades of the exchange."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import click

from node.cli import output
from node.cli.markets import MarketType
from node.cli.network import Network, network_options
from node.cli.options import json_option
from node.cli.parameters import HashType
from node.cli.signing import Signing, signing_options
from node.cli.trade_tables import (
    book_json,
    fill_json,
    fill_line,
    order_json,
    print_book,
    print_fills,
    print_orders,
    print_placed,
)
from node.client import (
    BUY,
    SELL,
    AsyncTradeClient,
    Draft,
    Gap,
    limit,
    market_order,
    p8,
    s8,
    stop,
    take_profit,
)
from state.types import Hash32

SLIPPAGE_PERCENT: Final = "1"
"""How far from the mark a market order may trade: what a calm book has within its first levels."""

_PPM_PER_PERCENT: Final = 10_000

market_argument = click.argument("market", type=MarketType())
account_option = click.option(
    "--account", type=click.IntRange(1), required=True, help="Margin account."
)
depth_option = click.option(
    "--depth", type=click.IntRange(1, 100), default=10, show_default=True,
    help="Levels on each side.",
)  # fmt: skip
count_option = click.option(
    "--limit", "count", type=click.IntRange(1, 500), default=20, show_default=True,
    help="How many at the most.",
)  # fmt: skip


@click.group(short_help="Orders, books and trades.")
def trade() -> None:
    """The exchange: place and cancel orders, look at books and trades.

    MARKET is a number, or BTC or ETH on a devnet. Orders are of a margin account that you own:
    `tallystick margin open` makes one, `tallystick accounts` lists yours.
    """


@trade.command()
@market_argument
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("size")
@click.argument("price", required=False)
@account_option
@click.option("--post-only", is_flag=True, help="Refused rather than to trade at once.")
@click.option("--reduce-only", is_flag=True, help="Only towards a position of zero.")
@click.option("--ioc", is_flag=True, help="What can't trade at once is let go.")
@click.option("--fok", is_flag=True, help="All at once or nothing.")
@click.option("--seconds", type=click.IntRange(1), help="How long the order is good.")
@click.option("--client-id", help="A name of your own for it.")
@click.option("--stop", "stop_at", metavar="PRICE", help="Wait until the mark is there or beyond.")
@click.option("--take-profit", "profit_at", metavar="PRICE", help="Likewise, the other way.")
@click.option(
    "--slippage", default=SLIPPAGE_PERCENT, show_default=True, metavar="PERCENT",
    help="Without a PRICE: how far from the mark it may trade.",
)  # fmt: skip
@network_options
@signing_options
@json_option
def place(
    network: Network,
    signing: Signing,
    market: int,
    side: str,
    size: str,
    price: str | None,
    account: int,
    slippage: str,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Place an order to buy or sell SIZE at PRICE or better; without a PRICE, at the market.

    Returns when the order is on the sequencer's disk, with what it traded at once.

    \b
    tallystick trade place BTC buy 0.5 64000 --account 3 --post-only
    tallystick trade place ETH sell 2 --account 3 --keystore alice
    """

    async def run() -> Any:
        async with _signed(network, signing, account) as client:
            bound = p8(price) if price is not None else None
            if bound is None:
                terms = await client.market_terms(market)
                bound = terms.bound(side == "buy", int(s8(slippage) * _PPM_PER_PERCENT // s8(1)))
            draft = _draft(market, side == "buy", s8(size), bound, price is None, wishes)
            return await client.place(draft)

    placed = asyncio.run(run())
    if as_json:
        fills = [fill_json(fill) for fill in placed.fills]
        click.echo(json.dumps({"order": order_json(placed.order), "fills": fills}, indent=2))
    else:
        print_placed(output.console(), placed)


@trade.command()
@click.argument("order", type=HashType())
@account_option
@network_options
@signing_options
@json_option
def cancel(network: Network, signing: Signing, order: Hash32, account: int, as_json: bool) -> None:
    """Let the open ORDER (its hash) go."""

    async def run() -> Any:
        async with _signed(network, signing, account) as client:
            return await client.cancel(order)

    _tell_cancelled(asyncio.run(run()), as_json=as_json)


@trade.command("cancel-all")
@account_option
@click.option("--market", type=MarketType(), help="Only those in this market.")
@network_options
@signing_options
@json_option
def cancel_all(
    network: Network, signing: Signing, account: int, market: int | None, as_json: bool
) -> None:
    """Let all open orders of an account go."""

    async def run() -> Any:
        async with _signed(network, signing, account) as client:
            return await client.cancel_all(market)

    _tell_cancelled(asyncio.run(run()), as_json=as_json)


@trade.command()
@account_option
@click.option("--market", type=MarketType(), help="Only those in this market.")
@network_options
@json_option
def orders(network: Network, account: int, market: int | None, as_json: bool) -> None:
    """An account's open orders, oldest first."""

    async def run() -> Any:
        async with AsyncTradeClient(network.l2_url, account=account) as client:
            return await client.orders(market)

    found = asyncio.run(run())
    if as_json:
        click.echo(json.dumps([order_json(order) for order in found], indent=2))
    else:
        print_orders(output.console(), found)


@trade.command()
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


@trade.command()
@market_argument
@count_option
@network_options
@json_option
def trades(network: Network, market: int, count: int, as_json: bool) -> None:
    """The newest trades of a market, newest first."""

    async def run() -> Any:
        async with AsyncTradeClient(network.l2_url) as client:
            return await client.trades(market, count)

    _tell_fills(asyncio.run(run()), as_json=as_json)


@trade.command()
@account_option
@count_option
@network_options
@json_option
def fills(network: Network, account: int, count: int, as_json: bool) -> None:
    """An account's newest fills, newest first, and how far each is settled."""

    async def run() -> Any:
        async with AsyncTradeClient(network.l2_url, account=account) as client:
            return await client.fills(count)

    _tell_fills(asyncio.run(run()), as_json=as_json)


@trade.command()
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


@asynccontextmanager
async def _signed(
    network: Network, signing: Signing, account: int
) -> AsyncIterator[AsyncTradeClient]:
    """A client that signs for an account."""
    key = signing.unlock(is_devnet=network.is_devnet).trading_key()
    async with AsyncTradeClient(network.l2_url, key, account) as client:
        yield client


def _draft(
    market: int, is_buy: bool, size: int, price: int, at_market: bool, wishes: dict[str, Any]
) -> Draft:
    stop_at, profit_at = wishes["stop_at"], wishes["profit_at"]
    if stop_at is not None and profit_at is not None:
        raise click.UsageError("give either --stop or --take-profit")
    if wishes["ioc"] and wishes["fok"]:
        raise click.UsageError("give either --ioc or --fok")
    side = BUY if is_buy else SELL
    if stop_at is not None:
        draft = stop(market, side, size, trigger=p8(stop_at), price=price)
    elif profit_at is not None:
        draft = take_profit(market, side, size, trigger=p8(profit_at), price=price)
    else:
        draft = (market_order if at_market else limit)(market, side, size, price)
    for wish in ("post_only", "reduce_only", "ioc", "fok"):
        if wishes[wish]:
            draft = getattr(draft, wish)()
    if wishes["seconds"] is not None:
        draft = draft.lasting(wishes["seconds"])
    return draft if wishes["client_id"] is None else draft.named(wishes["client_id"])


def _tell_cancelled(hashes: Any, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([str(one) for one in hashes], indent=2))
    elif hashes:
        for one in hashes:
            output.console().print(f"[green]✓[/green] cancelled {one}")
    else:
        click.echo("No order was open.")


def _tell_fills(found: Any, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([fill_json(fill) for fill in found], indent=2))
    else:
        print_fills(output.console(), found)
