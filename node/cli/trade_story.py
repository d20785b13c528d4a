"""How `tallystick demo trade` tells its end: the books, and the roots that commit to them."""

from typing import Any, Final

from eth_utils.address import to_checksum_address
from rich.console import Console

from bridge.games import GameStatus
from node.cli import output
from node.demo.amounts import exact, signed_quantity, usd
from node.demo.trade_story import Books, TradeStory
from node.dispute.happenings import hex_of

_STATUSES: Final = {
    GameStatus.IN_PROGRESS: "in progress: the root may still be disputed",
    GameStatus.DEFENDER_WINS: "defender wins: the root stands",
    GameStatus.CHALLENGER_WINS: "challenger wins: the root is worth nothing",
}


def print_end(console: Console, story: TradeStory) -> None:
    """Positions and margin, balances on both layers, and the roots that commit to them."""
    console.print()
    console.print("[bold]Positions, margin and balances[/bold] (USD)")
    console.print(_books(story))
    console.print()
    console.print(_roots(story))
    console.print()
    console.print(
        f"Paid on L1: [bold]{usd(story.paid_on_l1)}[/bold]. See what L1 determines with"
        " [bold]tallystick verify[/bold]."
    )


def _books(story: TradeStory) -> Any:
    numbers = ("Cost", "Cash", "Equity", "Initial", "Maintenance", "Withdrawable",
               "Token on L1", "Token on L2")  # fmt: skip
    table = output.table("Trader", "Account", "Position", *numbers, right=numbers)
    for one in story.books:
        amounts = (one.cost, one.cash, one.equity, one.initial, one.maintenance,
                   one.withdrawable, one.token_l1, one.token_l2)  # fmt: skip
        position = f"{signed_quantity(one.size)} BTC"
        table.add_row(one.trader.name, str(one.trader.id), position, *map(exact, amounts))
    return table


def _roots(story: TradeStory) -> Any:
    commitment = story.commitment
    table = output.table("What commits to them", "")
    table.add_row("L2 block", str(commitment.block))
    table.add_row("Block hash", hex_of(commitment.header_hash))
    table.add_row("State root", hex_of(commitment.state_root))
    table.add_row("Output root on L1", hex_of(commitment.output_root))
    table.add_row("Dispute game", to_checksum_address(commitment.game.address))
    table.add_row("Game status", _STATUSES[commitment.game.status])
    return table


def story_json(story: TradeStory) -> dict[str, object]:
    """The same facts for programs; amounts q6 and sizes s8 as strings."""
    commitment = story.commitment
    return {
        "books": [_books_json(one) for one in story.books],
        "refusal": str(story.refusal),
        "block": commitment.block,
        "blockHash": hex_of(commitment.header_hash),
        "stateRoot": hex_of(commitment.state_root),
        "outputRoot": hex_of(commitment.output_root),
        "game": to_checksum_address(commitment.game.address),
        "gameStatus": commitment.game.status.name.lower(),
        "paidOnL1": str(story.paid_on_l1),
    }


def _books_json(one: Books) -> dict[str, object]:
    return {
        "name": one.trader.name,
        "owner": to_checksum_address(one.trader.account.address),
        "account": one.trader.id,
        "size": str(one.size),
        "cost": str(one.cost),
        "cash": str(one.cash),
        "equity": str(one.equity),
        "initial": str(one.initial),
        "maintenance": str(one.maintenance),
        "withdrawable": str(one.withdrawable),
        "tokenOnL1": str(one.token_l1),
        "tokenOnL2": str(one.token_l2),
    }
