"""Orders, books and trades for people and for programs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import click
from rich.console import Console

from node.cli import output
from node.cli.markets import market_name
from node.client import Candle, OrderState, Placed, TradeFill
from node.demo.amounts import price, quantity

_MILLISECONDS: Final = 1_000

_STATE_STYLES: Final = {"refused": "red", "safe": "green", "finalized": "green"}

Levels = Sequence[tuple[int, int]]


def print_placed(console: Console, placed: Placed) -> None:
    """An order that was just taken."""
    order = placed.order
    console.print(
        f"[green]✓[/green] {_side(order.is_buy)} {quantity(order.size)} {market_name(order.market)}"
        f" at {price(order.price)}: {order.status.value}, {quantity(order.filled)} filled"
    )
    console.print(f"  order {order.hash}")
    for fill in placed.fills:
        console.print(f"  {fill_line(fill)}")


def print_orders(console: Console, orders: Sequence[OrderState]) -> None:
    """Open orders."""
    if not orders:
        console.print("No open orders.")
        return
    titles = ("Market", "Side", "Price", "Left", "Of", "Status", "Expires", "Order")
    table = output.table(*titles, right=("Price", "Left", "Of"))
    for one in orders:
        table.add_row(
            market_name(one.market),
            _side(one.is_buy),
            price(one.price),
            quantity(one.left),
            quantity(one.size),
            one.status.value,
            _time(one.expiry),
            str(one.hash),
        )
    console.print(table)


def print_book(console: Console, market: int, bids: Levels, asks: Levels) -> None:
    """A book: bids on the left, asks on the right, the best on top."""
    console.print(f"[bold]{market_name(market)}[/bold]", end="  ")
    if bids and asks:
        console.print(f"spread {price(asks[0][0] - bids[0][0])}")
    else:
        console.print("nobody on one side" if bids or asks else "the book is empty")
    table = output.table("Size", "Bid", "Ask", "Size", right=("Size", "Bid"))
    for row in range(max(len(bids), len(asks))):
        bid, ask = _level(bids, row), _level(asks, row)
        table.add_row(bid[1], f"[green]{bid[0]}[/green]", f"[red]{ask[0]}[/red]", ask[1])
    if bids or asks:
        console.print(table)


def print_fills(console: Console, fills: Sequence[TradeFill]) -> None:
    """Trades, newest first."""
    if not fills:
        console.print("No trades.")
        return
    titles = ("Time", "Market", "Taker", "Size", "Price", "State", "Block", "Accounts")
    table = output.table(*titles, right=("Size", "Price", "Block"))
    for one in fills:
        table.add_row(
            _time(one.time // _MILLISECONDS),
            market_name(one.market),
            _side(one.taker_is_buy),
            quantity(one.size),
            price(one.price),
            _state(one),
            "-" if one.block is None else str(one.block),
            f"{one.taker_account} from {one.maker_account}",
        )
    console.print(table)


def tell_fills(fills: Sequence[TradeFill], *, as_json: bool) -> None:
    """Trades on the standard output."""
    if as_json:
        click.echo(json.dumps([fill_json(fill) for fill in fills], indent=2))
    else:
        print_fills(output.console(), fills)


def print_candles(console: Console, candles: Sequence[Candle]) -> None:
    """Candles, oldest first."""
    if not candles:
        console.print("No trades in that time.")
        return
    numbers = ("Open", "High", "Low", "Close", "Volume", "Trades")
    table = output.table("Time", *numbers, right=numbers)
    for one in candles:
        prices = (price(at) for at in (one.open, one.high, one.low, one.close))
        table.add_row(_time(one.time), *prices, quantity(one.volume), f"{one.trades:,}")
    console.print(table)


def fill_line(fill: TradeFill) -> str:
    """A trade in one line."""
    return (
        f"{_time(fill.time // _MILLISECONDS)} {market_name(fill.market)} {_side(fill.taker_is_buy)}"
        f" {quantity(fill.size)} at {price(fill.price)} {_state(fill)}"
    )


def order_json(order: OrderState) -> dict[str, Any]:
    """An order; prices p8 and sizes s8 as text."""
    return {
        "order": str(order.hash),
        "clientOrderId": order.client_id,
        "account": order.account,
        "market": order.market,
        "isBuy": order.is_buy,
        "sizeS8": str(order.size),
        "priceP8": str(order.price),
        "leftS8": str(order.left),
        "filledS8": str(order.filled),
        "status": order.status.value,
        "reason": None if order.reason is None else str(order.reason),
        "expiry": order.expiry,
        "postOnly": order.is_post_only,
        "reduceOnly": order.is_reduce_only,
    }


def fill_json(fill: TradeFill) -> dict[str, Any]:
    """A trade; price p8 and size s8 as text, time in ms."""
    return {
        "id": fill.id,
        "market": fill.market,
        "takerIsBuy": fill.taker_is_buy,
        "sizeS8": str(fill.size),
        "priceP8": str(fill.price),
        "takerAccount": fill.taker_account,
        "makerAccount": fill.maker_account,
        "time": fill.time,
        "state": fill.state.value,
        "block": fill.block,
        "transaction": None if fill.transaction is None else str(fill.transaction),
        "reason": fill.reason,
    }


def candle_json(candle: Candle) -> dict[str, Any]:
    """A candle, `time` its beginning in seconds; prices p8 and volume s8 as text."""
    return {
        "time": candle.time,
        "openP8": str(candle.open),
        "highP8": str(candle.high),
        "lowP8": str(candle.low),
        "closeP8": str(candle.close),
        "volumeS8": str(candle.volume),
        "trades": candle.trades,
    }


def book_json(market: int, sequence: int, bids: Levels, asks: Levels) -> dict[str, Any]:
    """A book; levels as [price p8, size s8], both as text."""
    return {
        "market": market,
        "sequence": sequence,
        "bids": [[str(at), str(size)] for at, size in bids],
        "asks": [[str(at), str(size)] for at, size in asks],
    }


def _level(levels: Levels, row: int) -> tuple[str, str]:
    if row >= len(levels):
        return "", ""
    at, size = levels[row]
    return price(at), quantity(size)


def _side(is_buy: bool) -> str:
    return "[green]buy[/green]" if is_buy else "[red]sell[/red]"


def _state(fill: TradeFill) -> str:
    style = _STATE_STYLES.get(fill.state.value, "yellow")
    reason = f" ({fill.reason})" if fill.reason is not None else ""
    return f"[{style}]{fill.state.value}{reason}[/{style}]"


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
