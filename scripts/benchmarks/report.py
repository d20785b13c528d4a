"""What all benchmarks print alike: medians with their spread, ratios, and where it was measured."""

import os
import platform
from collections.abc import Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

__all__ = ["median", "print_table", "ratio", "spread"]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median of several rounds, with the least and the most behind it."""
    low, middle, high = (f"{v:,.{digits}f}" for v in (min(values), median(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({low}-{high})"


def ratio(better: float, worse: float) -> str:
    """How many times `better` is `worse`: above 1 for us means that we are ahead."""
    return f"{better / worse:.2f}x" if better < 10 * worse else f"{better / worse:,.0f}x"


def machine() -> str:
    """What it was measured on, and how busy that was."""
    load, _, _ = os.getloadavg()
    return (
        f"{os.cpu_count()} cores, load {load:.1f},"
        f" {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def print_table(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    command: str,
    names: int = 1,
) -> None:
    """Print a table and the command that makes it; the first `names` columns hold no figures."""
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.caption = f"{command}\n{machine()}"
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index < names else "right")
    for row in rows:
        table.add_row(*row)
    console = Console()
    # A pipe has no width; wrapped figures would be hard to read and to compare.
    if not console.is_terminal:
        console = Console(width=140)
    console.print(table)
