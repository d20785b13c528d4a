"""The screen of `tallystick status`: narrow enough for 80 columns."""

from collections.abc import Iterator
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from node.cli import output
from node.demo.amounts import amount, price, quantity
from node.demo.names import MARKET_NAMES
from node.status import MarketView, Snapshot

_LABEL: Final = 9
_SECONDS_OLD: Final = 60
"""A block of L2 older than this is marked."""

_VERDICTS: Final = {
    "in_progress": "in progress",
    "defender_wins": "[green]resolved[/green]",
    "challenger_wins": "[red]refuted[/red]",
}


def render(snapshot: Snapshot) -> Iterator[RenderableType]:
    """The parts of the screen, from the top."""
    yield f"[bold]{snapshot.client}[/bold]  chain {snapshot.chain_id}  {snapshot.url}"
    if snapshot.is_sandbox:
        yield "[bold yellow]A sandbox:[/bold yellow] nobody verifies it, nor proposes its roots"
    yield _facts(snapshot)
    if snapshot.roots is not None and snapshot.roots["proposals"]:
        yield _proposals(snapshot)
    if snapshot.markets:
        yield _markets(snapshot.markets)


def ago(seconds: int) -> str:
    """An age in the two units that matter."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _facts(snapshot: Snapshot) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(width=_LABEL, style="bold")
    table.add_column(overflow="fold")
    table.add_row("L1", _l1(snapshot))
    table.add_row("Heads", _heads(snapshot))
    table.add_row("Batches", _batches(snapshot))
    table.add_row("Roots", _roots(snapshot))
    table.add_row("Disputes", _disputes(snapshot))
    table.add_row("Network", _network(snapshot))
    table.add_row("Margin", _margin(snapshot))
    table.add_row("Breakers", _breakers(snapshot))
    return table


def _l1(snapshot: Snapshot) -> str:
    l1 = snapshot.l1
    if l1 is None:
        return "[yellow]the node doesn't say[/yellow]"
    head = l1["head"]
    if head is None:
        return f"[red]{_plain(l1['trouble'] or 'not seen yet')}[/red]"
    facts = (
        f"block {int(head['number'], 16)}, {ago(snapshot.age(head['timestamp']))} old,"
        f" chain {int(l1['chainId'], 16)} at {l1['endpoint']}"
    )
    if l1["trouble"] is not None:
        return f"{facts}\n[red]{_plain(l1['trouble'])}[/red]"
    return facts if l1["isSynced"] else f"{facts}, [yellow]still reading[/yellow]"


def _heads(snapshot: Snapshot) -> str:
    parts = []
    for name, head in snapshot.heads.items():
        words = f"{name} {head.number} ({ago(head.age)})"
        is_old = name == "unsafe" and head.age > _SECONDS_OLD
        parts.append(f"[yellow]{words}[/yellow]" if is_old else words)
    return ", ".join(parts)


def _batches(snapshot: Snapshot) -> str:
    lag = f"{snapshot.lag} blocks not on L1 yet"
    batch = snapshot.batch
    if batch is None:
        return f"none; {lag}"
    item = batch["item"]
    blocks = ""
    if batch["firstBlock"] is not None:
        blocks = f", blocks {int(batch['firstBlock'], 16)} to {int(batch['lastBlock'], 16)}"
    return (
        f"item {int(item['index'], 16)} in L1 block {int(item['l1Number'], 16)},"
        f" {ago(snapshot.age(item['l1Time']))} ago{blocks}; {lag}"
    )


def _roots(snapshot: Snapshot) -> str:
    roots = snapshot.roots
    if roots is None:
        return "[yellow]the node doesn't say[/yellow]"
    anchor = int(roots["anchor"]["l2Block"], 16)
    return f"{int(roots['count'], 16)} proposed, settled up to block {anchor}"


def _disputes(snapshot: Snapshot) -> str:
    if not snapshot.disputes:
        return "none"
    return "\n".join(
        f"[bold red]proposal {int(one['index'], 16)}[/bold red] of block"
        f" {int(one['l2Block'], 16)}: {int(one['claims'], 16)} claims"
        f" (`tallystick dispute show {int(one['index'], 16)}`)"
        for one in snapshot.disputes
    )


def _network(snapshot: Snapshot) -> str:
    pool = snapshot.pool
    peers = f"{snapshot.peers} peer{'' if snapshot.peers == 1 else 's'}"
    if pool is None:
        return f"{peers}, no pool"
    pending, queued = (int(pool[name], 16) for name in ("pending", "queued"))
    return f"{peers}, pool of {pending} pending and {queued} queued transactions"


def _margin(snapshot: Snapshot) -> str:
    monitor = snapshot.monitor
    if monitor is None:
        return "[yellow]the node doesn't say[/yellow]"
    checks = monitor["checks"]
    violations = checks["violations"]
    verdict = (
        f"[bold red]{violations} invariants broken[/bold red]"
        if violations
        else "[green]invariants hold[/green]"
    )
    debt = int(monitor["reportedDebtQ6"])
    debts = f"[red]{amount(debt)}[/red]" if debt else amount(debt)
    return (
        f"{verdict} up to block {checks['lastBlock']}, {checks['accounts']} accounts\n"
        f"custody {amount(int(monitor['custodyQ6']))}, insurance"
        f" {amount(int(monitor['insuranceQ6']))}, debts {debts} USD"
    )


def _breakers(snapshot: Snapshot) -> str:
    monitor = snapshot.monitor
    if monitor is None:
        return "[yellow]the node doesn't say[/yellow]"
    found = []
    if monitor["isPaused"]:
        found.append("everything is paused")
    if not monitor["withdrawalsOpen"]:
        found.append("withdrawals are shut")
    found += [
        f"{_name(one.market)}: {one.trouble}" for one in snapshot.markets if one.trouble is not None
    ]
    return f"[bold red]{', '.join(found)}[/bold red]" if found else "none has tripped"


def _proposals(snapshot: Snapshot) -> Table:
    titles = ("Proposal", "Block", "Root", "Age", "State", "")
    table = output.table(*titles, right=("Proposal", "Block", "Age"))
    for one in (snapshot.roots or {})["proposals"]:
        is_right = one["isRight"]
        table.add_row(
            str(int(one["index"], 16)),
            str(int(one["l2Block"], 16)),
            f"{one['outputRoot'][:10]}…",
            ago(snapshot.age(one["createdAt"])),
            _VERDICTS[one["status"]],
            "" if is_right is None else ("right" if is_right else "[bold red]WRONG[/bold red]"),
        )
    return table


def _markets(markets: tuple[MarketView, ...]) -> Table:
    titles = ("Market", "Mark", "Index", "Bid", "Ask", "Open interest", "Insurance")
    table = output.table(*titles, right=titles[1:])
    for one in markets:
        table.add_row(
            _name(one.market),
            price(one.mark),
            price(one.index),
            _price(one.bid),
            _price(one.ask),
            quantity(one.open_interest),
            amount(one.insurance),
        )
    return table


def _name(market: int) -> str:
    return MARKET_NAMES.get(market, str(market))


def _price(value: int | None) -> str:
    return "-" if value is None else price(value)


def _plain(text: Any) -> Text | str:
    return str(text).replace("[", r"\[")
