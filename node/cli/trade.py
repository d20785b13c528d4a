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
from node.cli.order_options import Wishes, order_options
from node.cli.parameters import HashType
from node.cli.signing import Signing, signing_options
from node.cli.trade_market import book, candles, count_option, market_argument, trades, watch
from node.cli.trade_tables import (
    fill_json,
    order_json,
    print_orders,
    print_placed,
    tell_fills,
)
from node.client import AsyncTradeClient, OrderRefused, Placed, Refusal, p8, s8
from state.types import Hash32

SLIPPAGE_PERCENT: Final = "1"
"""How far from the mark a market order may trade: what a calm book has within its first levels."""

_PPM_PER_PERCENT: Final = 10_000

account_option = click.option(
    "--account", type=click.IntRange(1), required=True, help="Margin account."
)


@click.group(short_help="Orders, books and trades.")
def trade() -> None:
    """The exchange: place and cancel orders, look at books and trades.

    MARKET is a number, or BTC or ETH on a devnet. Orders are of a margin account that you own:
    `tallystick margin open` makes one, `tallystick accounts` lists yours.
    """


for command in (book, trades, candles, watch):
    trade.add_command(command)


@trade.command()
@market_argument
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("size")
@click.argument("price", required=False)
@account_option
@order_options
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
    wishes: Wishes,
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
            draft = wishes.draft(market, side == "buy", s8(size), bound, at_market=price is None)
            return await client.place(draft)

    _tell_placed(asyncio.run(run()), as_json=as_json)


@trade.command()
@click.argument("order", type=HashType())
@click.argument("size")
@click.argument("price")
@account_option
@order_options
@network_options
@signing_options
@json_option
def replace(
    network: Network,
    signing: Signing,
    order: Hash32,
    size: str,
    price: str,
    account: int,
    as_json: bool,
    wishes: Wishes,
) -> None:
    """Put a new order of SIZE at PRICE in the place of the open ORDER (its hash), in one step.

    Market and side stay. Nothing else of the old order is taken over, so give again what should
    hold. Where the new order is refused, the old one stays as it is.

    \b
    tallystick trade replace 0x3b04… 0.5 64010 --account 3 --post-only
    """

    async def run() -> Any:
        async with _signed(network, signing, account) as client:
            old = await client.order(order)
            if old is None:
                raise OrderRefused(Refusal.UNKNOWN_ORDER, f"there is no order 0x{order.hex()}")
            draft = wishes.draft(old.market, old.is_buy, s8(size), p8(price))
            return await client.replace(order, draft)

    _tell_placed(asyncio.run(run()), as_json=as_json)


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
@account_option
@count_option
@network_options
@json_option
def fills(network: Network, account: int, count: int, as_json: bool) -> None:
    """An account's newest fills, newest first, and how far each is settled."""

    async def run() -> Any:
        async with AsyncTradeClient(network.l2_url, account=account) as client:
            return await client.fills(count)

    tell_fills(asyncio.run(run()), as_json=as_json)


@asynccontextmanager
async def _signed(
    network: Network, signing: Signing, account: int
) -> AsyncIterator[AsyncTradeClient]:
    """A client that signs for an account."""
    key = signing.unlock(is_devnet=network.is_devnet).trading_key()
    async with AsyncTradeClient(network.l2_url, key, account) as client:
        yield client


def _tell_placed(placed: Placed, *, as_json: bool) -> None:
    if as_json:
        fills = [fill_json(fill) for fill in placed.fills]
        click.echo(json.dumps({"order": order_json(placed.order), "fills": fills}, indent=2))
    else:
        print_placed(output.console(), placed)


def _tell_cancelled(hashes: Any, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([str(one) for one in hashes], indent=2))
    elif hashes:
        for one in hashes:
            output.console().print(f"[green]✓[/green] cancelled {one}")
    else:
        click.echo("No order was open.")
