"""Accounts of the clearing house as tables, from the JSON that the margin methods answer."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct
from rich.console import Console

from node.cli import output
from state.errors import Unavailable

Decimal = Annotated[str, Meta(pattern=r"\A(0|-?[1-9][0-9]{0,29})\Z")]

Seconds = Annotated[int, Meta(ge=0, le=2**37)]
"""Until the year 6325, which a calendar can show."""

_Q6: Final = 6
_P8: Final = 8
_S8: Final = 8
_CENTS: Final = 2
_COLUMNS: Final = 6
"""Of a scenario table."""


class _Shown(Struct, frozen=True, rename="camel"):
    """The members that are shown; others may be there."""


class ShownStanding(_Shown, frozen=True):
    """What an account is worth and needs."""

    equity_q6: Decimal
    initial_q6: Decimal
    maintenance_q6: Decimal
    withdrawable_q6: Decimal
    stale: bool


class ShownPerp(_Shown, frozen=True):
    """A perpetual position."""

    market: int
    size_s8: Decimal
    cost_q6: Decimal
    mark_p8: Decimal
    unrealised_q6: Decimal
    unsettled_funding_q6: Decimal
    maintenance_q6: Decimal
    liquidation_price_p8: Decimal | None


class ShownOption(_Shown, frozen=True):
    """A held series."""

    series: int
    underlying: int
    expiry: Seconds
    strike_p8: Decimal
    is_put: bool
    size_s8: Decimal
    unit_value_p8: Decimal
    value_q6: Decimal


class ShownScenarios(_Shown, frozen=True):
    """What is gained on an underlying in each scenario."""

    underlying: int
    pnl_q6: tuple[Decimal, ...]


class ShownBlock(_Shown, frozen=True):
    """When it was so."""

    number: int
    timestamp: Seconds


class ShownAccount(_Shown, frozen=True):
    """A whole statement."""

    block: ShownBlock
    account: int | None
    cash_q6: Decimal
    mode: Literal["cross", "portfolio"]
    standing: ShownStanding
    perps: tuple[ShownPerp, ...]
    options: tuple[ShownOption, ...]
    scenarios: tuple[ShownScenarios, ...]

    @property
    def is_portfolio(self) -> bool:
        return self.mode == "portfolio"


class UnreadableStatement(Unavailable):
    """A node's answer that is no statement."""


def read_shown(answer: Any) -> ShownAccount:
    """What a node answered. Raises `UnreadableStatement`."""
    try:
        return msgspec.convert(answer, ShownAccount)
    except msgspec.ValidationError as error:
        raise UnreadableStatement(f"the node's answer is no account: {error}") from error


def print_account(console: Console, shown: ShownAccount) -> None:
    """The account's standing, and what it holds."""
    name = "Made-up account" if shown.account is None else f"Account {shown.account}"
    console.print(
        f"[bold]{name}[/bold], {shown.mode} margin, after block {shown.block.number}"
        f" ({_utc(shown.block.timestamp)})"
    )
    _print_standing(console, shown)
    if shown.perps:
        _print_perps(console, shown)
    if shown.options:
        _print_options(console, shown.options)
    if shown.is_portfolio:
        for line in shown.scenarios:
            _print_scenarios(console, line)


def fixed(number: str, digits: int) -> str:
    """A decimal string in units of 10^-digits for people: 1,234.50, without a rounded digit."""
    magnitude = number.removeprefix("-").rjust(digits + 1, "0")
    whole, fraction = magnitude[:-digits], magnitude[-digits:].rstrip("0")
    sign = "-" if number.startswith("-") else ""
    return f"{sign}{int(whole):,}.{fraction.ljust(_CENTS, '0')}"


def _print_standing(console: Console, shown: ShownAccount) -> None:
    standing = shown.standing
    facts = output.table("USD", "", right=("",))
    facts.add_row("Cash", fixed(shown.cash_q6, _Q6))
    facts.add_row("Equity", fixed(standing.equity_q6, _Q6))
    facts.add_row("Initial margin", fixed(standing.initial_q6, _Q6))
    facts.add_row("Maintenance margin", fixed(standing.maintenance_q6, _Q6))
    facts.add_row("Withdrawable", fixed(standing.withdrawable_q6, _Q6))
    console.print(facts)
    if int(standing.equity_q6) < int(standing.maintenance_q6):
        console.print("[bold red]Below maintenance margin:[/bold red] it may be liquidated.")
    if standing.stale:
        console.print("[yellow]Prices are stale:[/yellow] no liquidation, and no withdrawal.")


def _print_perps(console: Console, shown: ShownAccount) -> None:
    titles = ("Perpetual", "Size", "Cost", "Mark", "Unrealised", "Funding", "Maintenance",
              "Liquidation at")  # fmt: skip
    table = output.table(*titles, right=titles[1:])
    # In portfolio margin no price of one market alone says when an account fails.
    never = "-" if shown.is_portfolio else "never"
    for perp in shown.perps:
        price = perp.liquidation_price_p8
        table.add_row(
            str(perp.market),
            fixed(perp.size_s8, _S8),
            fixed(perp.cost_q6, _Q6),
            fixed(perp.mark_p8, _P8),
            fixed(perp.unrealised_q6, _Q6),
            fixed(perp.unsettled_funding_q6, _Q6),
            fixed(perp.maintenance_q6, _Q6),
            never if price is None else fixed(price, _P8),
        )
    console.print(table)


def _print_options(console: Console, options: tuple[ShownOption, ...]) -> None:
    titles = ("Series", "On", "Kind", "Expiry", "Strike", "Size", "Unit value", "Value")
    table = output.table(*titles, right=titles[4:])
    for option in options:
        table.add_row(
            str(option.series),
            str(option.underlying),
            "put" if option.is_put else "call",
            _utc(option.expiry),
            fixed(option.strike_p8, _P8),
            fixed(option.size_s8, _S8),
            fixed(option.unit_value_p8, _P8),
            fixed(option.value_q6, _Q6),
        )
    console.print(table)


def _print_scenarios(console: Console, line: ShownScenarios) -> None:
    """The gains in the contract's order, the worst of them marked."""
    worst = min(line.pnl_q6, key=int, default="0")
    console.print(f"Gains on {line.underlying} in the {len(line.pnl_q6)} scenarios")
    titles = ["" for _ in range(_COLUMNS)]
    table = output.table(*titles, right=("",))
    cells = [
        f"[bold red]{fixed(gain, _Q6)}[/bold red]" if gain == worst else fixed(gain, _Q6)
        for gain in line.pnl_q6
    ]
    for start in range(0, len(cells), _COLUMNS):
        table.add_row(*cells[start : start + _COLUMNS])
    console.print(table)


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
