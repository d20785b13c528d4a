"""How `tallystick demo crash` tells its story: a line a report, what follows from it, the books."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.status import Status as Spinner

from node.cli import output
from node.demo.crash import MARKET_NAMES, holding_name
from node.demo.crash_story import CrashStory, Gate, News, Stand
from node.demo.ledger import Ledger
from node.demo.shapes import Scene, Shape
from node.demo.trade import PRICE, SIZE, USD, dollars, usd

_BAR: Final = 24
"""Characters of a bar that is full at the first price."""


class Teller:
    """Tells it on a terminal while it happens."""

    def __init__(self, console: Console, spinner: Spinner) -> None:
        self._console = console
        self._spinner = spinner
        self._names: dict[int, str] = {}
        self._failing: set[int] = set()
        """Accounts whose failing was told."""
        self._debtors: set[int] = set()
        """Accounts whose debt was told."""

    def waiting(self, what: str) -> None:
        self._spinner.update(f"{what} …")

    def told(self, done: str, detail: str) -> None:
        self._console.print(f"[green]✓[/green] {done} [dim]({detail})[/dim]")

    def opened(self, shape: Shape, before: Sequence[Stand]) -> None:
        self._names = {one.account: one.name for one in before}
        console = self._console
        console.print()
        console.print(f"[bold]{shape.title}[/bold] [dim]({shape.name})[/dim]")
        console.print(f"[dim]{shape.source}[/dim]")
        console.print()
        numbers = ("Account", "Equity", "Maintenance")
        table = output.table("Who", "", "Account", "Position", *numbers[1:], right=numbers)
        for one in before:
            table.add_row(
                one.name, one.role, str(one.account), _held(one.held), _amount(one.equity),
                _amount(one.maintenance),
            )  # fmt: skip
        console.print(table)
        console.print()
        titles = "".join(f"{name:>10} {'':<8}{'':<{_BAR}}  " for name in MARKET_NAMES.values())
        console.print(f"[bold]{'UTC':<14}{titles}[/bold]")

    def played(self, scene: Scene, index: Mapping[int, int], start: Mapping[int, int]) -> None:
        columns = "".join(_price(index[id_], start[id_]) for id_ in MARKET_NAMES)
        self._console.print(f"{scene.time:%d %b %H:%M}  {columns}")

    def announced(self, news: News) -> None:
        line = self._line(news.event.name, news.event.arguments)
        if line:
            self._console.print(f"{'':<14}{line} [dim](block {news.block})[/dim]")

    def gated(self, gate: Gate) -> None:
        if gate.is_closed:
            line = (
                f"[bold red]Withdrawals close:[/bold red] debt of {usd(gate.debt)}, insurance of"
                f" {usd(gate.insurance)}. Mara asks for one dollar: {gate.refusal}"
            )
        else:
            line = "[bold green]Withdrawals open again[/bold green]"
        self._console.print(f"{'':<14}{line} [dim](block {gate.block})[/dim]")

    # News in words

    def _line(self, name: str, facts: Mapping[str, Any]) -> str:
        if name == "LiquidationStarted":
            return self._failed(facts)
        if name == "PositionLiquidated":
            return self._liquidated(facts)
        if name == "InsuranceMoved":
            return _insurance_paid(facts)
        if name == "DebtReported":
            return self._owed(facts)
        if name == "DeleverageProposed":
            who, whom = self._name(facts["counterparty"]), self._name(facts["account"])
            where = holding_name(facts["market"])
            return f"{who} is named to be deleveraged against {whom} in {where}"
        if name == "Deleveraged":
            return self._deleveraged(facts)
        market = holding_name(facts["market"])
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
            f"the {taker} takes {_sized(facts['market'], -facts['size'])} of {who}'s at"
            f" {dollars(facts['price'])}{fee}"
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
            f" {_sized(facts['market'], -facts['size'])} against {whom} at"
            f" {dollars(facts['price'])}"
        )

    def _name(self, account: int) -> str:
        return self._names.get(account, f"account {account}")


class Silence:
    """Tells nothing: whoever wants JSON gets it at the end."""

    def waiting(self, what: str) -> None:
        """Keeps it back."""

    def told(self, done: str, detail: str) -> None:
        """Keeps it back."""

    def opened(self, shape: Shape, before: Sequence[Stand]) -> None:
        """Keeps it back."""

    def played(self, scene: Scene, index: Mapping[int, int], start: Mapping[int, int]) -> None:
        """Keeps it back."""

    def announced(self, news: News) -> None:
        """Keeps it back."""

    def gated(self, gate: Gate) -> None:
        """Keeps it back."""


def _insurance_paid(facts: Mapping[str, Any]) -> str:
    """Fees that come in are told with the fill that brings them."""
    if facts["change"] > 0:
        return ""
    market = holding_name(facts["market"])
    return (
        f"[cyan]{market} insurance pays {usd(-facts['change'])}[/cyan],"
        f" {usd(facts['balance'])} left"
    )


def _price(now: int, start: int) -> str:
    change = (now - start) * 100 / start
    full = now * _BAR // start
    bar = "█" * min(full, _BAR) + "░" * (_BAR - full)
    colour = "green" if change >= 0 else "red"
    return f"{now / PRICE:>10,.2f} [{colour}]{change:>+6.1f}%[/{colour}] [dim]{bar}[/dim]  "


def _sized(market: int, size: int) -> str:
    name = holding_name(market)
    return f"{size / SIZE:+,.10g} {name}"


def _held(held: Mapping[int, int]) -> str:
    return ", ".join(_sized(market, size) for market, size in held.items()) or "nothing"


def _amount(units: int) -> str:
    return f"{units / USD:,.2f}"


def _exact(units: int) -> str:
    """q6, every unit of it, without a float."""
    whole, fraction = divmod(abs(units), USD)
    return f"{'-' if units < 0 else ''}{whole:,}.{fraction:06}"


# The end


def print_end(console: Console, story: CrashStory) -> None:
    """Who has what now, what happened, and the books."""
    console.print()
    console.print("[bold]Before and after[/bold] (USD)")
    console.print(_standings(story))
    console.print()
    console.print(_summary(story))
    console.print()
    console.print(f"[bold]The books in block {story.ledger.block}[/bold] (USD)")
    console.print(_books(story.ledger))
    console.print()
    if story.ledger.balances:
        console.print("[bold green]✓ They balance to the last unit.[/bold green]")
    else:
        console.print("[bold red]✗ They do not balance.[/bold red]")


def _standings(story: CrashStory) -> Any:
    numbers = ("Equity before", "Equity after", "Change")
    table = output.table("Who", "", "Had", "Has", *numbers, right=numbers)
    for before, after in zip(story.before, story.after):
        table.add_row(
            before.name, before.role, _held(before.held), _held(after.held),
            *_changed(before.equity, after.equity),
        )  # fmt: skip
    for market, (before_q6, after_q6) in story.insurance.items():
        name = f"{MARKET_NAMES[market]} insurance"
        table.add_row(name, "pays what is missing", "", "", *_changed(before_q6, after_q6))
    return table


def _changed(before: int, after: int) -> Iterable[str]:
    change = after - before
    colour = "red" if change < 0 else "green"
    sign = "+" if change > 0 else ""
    return _amount(before), _amount(after), f"[{colour}]{sign}{_amount(change)}[/{colour}]"


def _summary(story: CrashStory) -> Any:
    found = story.tally
    table = output.table("In short", "")
    table.add_row("Reports", f"{story.shape.reports}, seed {story.seed}")
    table.add_row("Taken by backstops", f"{found.backstopped} fills, {usd(found.fees)} in fees")
    table.add_row("Paid by insurance", usd(found.paid))
    table.add_row("Deleveraged", f"{found.deleveraged} times")
    table.add_row("Volatility pauses", str(found.pauses))
    table.add_row("Withdrawals closed", f"{found.gates} times")
    table.add_row("All of it took", f"{story.seconds} s")
    return table


def _books(ledger: Ledger) -> Any:
    table = output.table("", "", right=("",))
    table.columns[0].justify = "left"
    for name, amount in _lines(ledger):
        table.add_row(name, _exact(amount))
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
