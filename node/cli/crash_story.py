"""How `tallystick demo crash` tells its story: a line a report, what follows from it, the books."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from textwrap import fill
from typing import Any, Final

from rich.console import Console
from rich.status import Status as Spinner

from node.cli import output, stories
from node.demo.amounts import amount, dollars, exact, price, signed_quantity, usd
from node.demo.crash_story import CrashStory, Gate, News, Stand
from node.demo.ledger import Ledger
from node.demo.names import MARKET_NAMES
from node.demo.shapes import Scene, Shape
from state.types import BlockNumber

_TEXT_COLUMNS: Final = 100

_BAR: Final = 24
"""Characters of a bar that is full at the first price."""


class Teller(stories.Teller):
    """Tells the crash, a line a report, while it happens."""

    def __init__(self, console: Console, spinner: Spinner) -> None:
        super().__init__(console, spinner)
        self._accounts: dict[int, str] = {}
        self._holdings: Mapping[int, str] = {}
        self._failing: set[int] = set()
        """Accounts whose failing was told."""
        self._debtors: set[int] = set()
        """Accounts whose debt was told."""

    def opened(self, shape: Shape, before: Sequence[Stand], names: Mapping[int, str]) -> None:
        self._accounts = {one.account: one.name for one in before}
        self._holdings = names
        console = self._console
        console.print()
        console.print(f"[bold]{shape.title}[/bold] [dim]({shape.name})[/dim]")
        console.print(f"[dim]{fill(shape.source, _TEXT_COLUMNS)}[/dim]")
        console.print()
        numbers = ("Account", "Equity", "Maintenance")
        table = output.table("Who", "", "Account", "Position", *numbers[1:], right=numbers)
        for one in before:
            table.add_row(
                one.name, one.role, str(one.account), _held(one.held, names),
                amount(one.equity), amount(one.maintenance),
            )  # fmt: skip
        console.print(table)
        console.print()
        titles = "  ".join(f"{name:>10} {'':<6} {'':<{_BAR}}" for name in MARKET_NAMES.values())
        console.print(f"[bold]{'UTC':<14}{titles.rstrip()}[/bold]")

    def played(self, scene: Scene, index: Mapping[int, int], start: Mapping[int, int]) -> None:
        columns = "  ".join(_price(index[id_], start[id_]) for id_ in MARKET_NAMES)
        self._console.print(f"{scene.time:%d %b %H:%M}  {columns}")

    def announced(self, news: News) -> None:
        line = self._line(news.event.name, news.event.arguments)
        if line:
            self._tell(line, news.block)

    def gated(self, gate: Gate) -> None:
        if not gate.is_closed:
            self._tell("[bold green]Withdrawals open again[/bold green]", gate.block)
            return
        self._tell(
            f"[bold red]Withdrawals close:[/bold red] {usd(gate.debt)} are missing, insurance has"
            f" {usd(gate.insurance)}",
            gate.block,
        )
        self._tell(
            f"Mara, who owes nothing, can't have one dollar: {gate.refusal}",
            gate.block,
        )

    def _tell(self, line: str, block: BlockNumber) -> None:
        self._console.print(f"{'':<14}{line} [dim](block {block})[/dim]")

    # News in words

    def _line(self, name: str, facts: Mapping[str, Any]) -> str:
        if name == "LiquidationStarted":
            return self._failed(facts)
        if name == "PositionLiquidated":
            return self._liquidated(facts)
        if name == "InsuranceMoved":
            return self._insured(facts)
        if name == "DebtReported":
            return self._owed(facts)
        if name == "DeleverageProposed":
            who, whom = self._name(facts["counterparty"]), self._name(facts["account"])
            where = self._holding(facts["market"])
            return f"{who} is named to be deleveraged against {whom} in {where}"
        if name == "Deleveraged":
            return self._deleveraged(facts)
        market = self._holding(facts["market"])
        return f"[bold yellow]{market} moves too fast:[/bold yellow] for now nobody may open there"

    def _failed(self, facts: Mapping[str, Any]) -> str:
        """The first time only: the rest of a takeover in parts is told by its parts."""
        if facts["account"] in self._failing:
            return ""
        self._failing.add(facts["account"])
        return (
            f"[red]{self._name(facts['account'])} fails:[/red] equity {usd(facts['equity'])},"
            f" {usd(facts['maintenance'])} needed"
        )

    def _liquidated(self, facts: Mapping[str, Any]) -> str:
        who, taker = self._name(facts["account"]), self._name(facts["counterparty"])
        fee = f", fee {usd(facts['fee'])}" if facts["fee"] else ""
        return (
            f"the {taker} takes {self._sized(facts)} of {who}'s at {dollars(facts['price'])}{fee}"
        )

    def _owed(self, facts: Mapping[str, Any]) -> str:
        """When it is first known, and when it is gone."""
        account, debt = facts["account"], facts["debt"]
        if debt and account not in self._debtors:
            self._debtors.add(account)
            return f"[red]{self._name(account)} is bankrupt:[/red] {usd(debt)} are missing"
        if not debt and account in self._debtors:
            self._debtors.remove(account)
            return f"{self._name(account)} owes nothing any more"
        return ""

    def _deleveraged(self, facts: Mapping[str, Any]) -> str:
        who, whom = self._name(facts["counterparty"]), self._name(facts["account"])
        return (
            f"[bold magenta]{who} is deleveraged:[/bold magenta]"
            f" {self._sized(facts)} against {whom} at"
            f" {dollars(facts['price'])}"
        )

    def _insured(self, facts: Mapping[str, Any]) -> str:
        """Fees that come in are told with the fill that brings them."""
        if facts["change"] > 0:
            return ""
        market = self._holding(facts["market"])
        return (
            f"[cyan]{market} insurance pays {usd(-facts['change'])}[/cyan],"
            f" {usd(facts['balance'])} left"
        )

    def _sized(self, facts: Mapping[str, Any]) -> str:
        """What the taker gets."""
        return _sized(-facts["size"], self._holding(facts["market"]))

    def _holding(self, market: int) -> str:
        return self._holdings.get(market, f"market {market}")

    def _name(self, account: int) -> str:
        return self._accounts.get(account, f"account {account}")


class Silence(stories.Silence):
    """Tells nothing of the crash either."""

    def opened(self, shape: Shape, before: Sequence[Stand], names: Mapping[int, str]) -> None:
        """Keeps it back."""

    def played(self, scene: Scene, index: Mapping[int, int], start: Mapping[int, int]) -> None:
        """Keeps it back."""

    def announced(self, news: News) -> None:
        """Keeps it back."""

    def gated(self, gate: Gate) -> None:
        """Keeps it back."""


def _price(now: int, start: int) -> str:
    change = Decimal(100 * (now - start)) / start
    full = now * _BAR // start
    bar = "█" * min(full, _BAR) + "░" * (_BAR - full)
    colour = "green" if change >= 0 else "red"
    return f"{price(now):>10} [{colour}]{change:>+6.1f}%[/{colour}] [dim]{bar}[/dim]"


def _sized(size: int, name: str) -> str:
    return f"{signed_quantity(size)} {name}"


def _held(held: Mapping[int, int], names: Mapping[int, str]) -> str:
    return ", ".join(_sized(size, names[market]) for market, size in held.items()) or "nothing"


# The end


def print_end(console: Console, story: CrashStory) -> None:
    """Who has what now, what happened, and the books."""
    console.print()
    console.print("[bold]Before and after[/bold] (USD)")
    console.print(_standings(story))
    console.print()
    console.print(_summary(story))
    console.print()
    console.print(f"[bold]The books in block {story.ledger.block}[/bold]")
    console.print(_books(story.ledger))
    console.print()
    if story.ledger.balances:
        console.print("[bold green]✓ They balance to the last unit.[/bold green]")
    else:
        console.print("[bold red]✗ They do not balance.[/bold red]")


def _standings(story: CrashStory) -> Any:
    numbers = ("Equity before", "Equity after", "Change")
    table = output.table("Who", "Has now", *numbers, right=numbers)
    for before, after in zip(story.before, story.after):
        held = _held(after.held, story.names)
        table.add_row(before.name, held, *_changed(before.equity, after.equity))
    for market, (before_q6, after_q6) in story.insurance.items():
        name = f"{MARKET_NAMES[market]} insurance"
        table.add_row(name, "", *_changed(before_q6, after_q6))
    return table


def _changed(before: int, after: int) -> Iterable[str]:
    change = after - before
    colour = "red" if change < 0 else "green"
    sign = "+" if change > 0 else ""
    return amount(before), amount(after), f"[{colour}]{sign}{amount(change)}[/{colour}]"


def _summary(story: CrashStory) -> Any:
    found = story.tally
    table = output.table("In short", "")
    table.add_row("Reports", f"{story.shape.reports}, seed {story.seed}")
    table.add_row("Taken by backstops", f"{found.backstopped} fills, {usd(found.fees)} in fees")
    table.add_row("Paid by insurance", usd(found.paid))
    table.add_row("Deleveraged", _times(found.deleveraged))
    table.add_row("Paused for volatility", _times(found.pauses))
    table.add_row("Withdrawals closed", _times(found.gates))
    table.add_row("All of it took", f"{story.seconds} s")
    return table


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _books(ledger: Ledger) -> Any:
    table = output.table("What it is made of", "USD", right=("USD",))
    for name, units in _lines(ledger):
        table.add_row(name, exact(units))
    return table


def _lines(ledger: Ledger) -> tuple[tuple[str, int], ...]:
    return (
        ("Cash of all accounts less the cost of their positions", ledger.accounts),
        ("Pools of funding", ledger.funding),
        ("Pools of expired options", ledger.options),
        ("Held for closed markets", ledger.closings),
        ("Fees", ledger.fees),
        ("Insurance", ledger.insurance),
        ("[bold]Sum[/bold]", ledger.owed),
        ("[bold]Custody[/bold]", ledger.custody),
        ("Difference", ledger.difference),
        ("Tokens that the clearing house has", ledger.token),
    )


# For programs


def story_json(story: CrashStory) -> dict[str, object]:
    """The same facts for programs; amounts q6, prices p8 and sizes s8 as strings."""
    found, ledger = story.tally, story.ledger
    return {
        "shape": story.shape.name,
        "seed": story.seed,
        "names": {str(id_): name for id_, name in story.names.items()},
        "start": {str(id_): str(price) for id_, price in story.start.items()},
        "before": [_stand_json(one) for one in story.before],
        "after": [_stand_json(one) for one in story.after],
        "insurance": {
            str(id_): {"before": str(before), "after": str(after)}
            for id_, (before, after) in story.insurance.items()
        },
        "tally": {
            "backstopped": found.backstopped,
            "fees": str(found.fees),
            "paid": str(found.paid),
            "deleveraged": found.deleveraged,
            "pauses": found.pauses,
            "gates": found.gates,
        },
        "news": [
            {"block": one.block, "event": one.event.name, "facts": _facts_json(one)}
            for one in story.news
        ],
        "gates": [
            {"block": one.block, "closed": one.is_closed, "refusal": one.refusal}
            for one in story.gates
        ],
        "ledger": {
            "block": ledger.block,
            "custody": str(ledger.custody),
            "token": str(ledger.token),
            "accounts": str(ledger.accounts),
            "funding": str(ledger.funding),
            "options": str(ledger.options),
            "closings": str(ledger.closings),
            "fees": str(ledger.fees),
            "insurance": str(ledger.insurance),
            "difference": str(ledger.difference),
            "balances": ledger.balances,
        },
        "seconds": story.seconds,
    }


def _stand_json(one: Stand) -> dict[str, object]:
    return {
        "name": one.name,
        "role": one.role,
        "account": one.account,
        "held": {str(market): str(size) for market, size in one.held.items()},
        "cash": str(one.cash),
        "equity": str(one.equity),
        "maintenance": str(one.maintenance),
    }


def _facts_json(news: News) -> dict[str, object]:
    return {
        name: value if isinstance(value, bool) else str(value)
        for name, value in news.event.arguments.items()
    }
