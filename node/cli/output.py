"""What the commands print: tables that are never cut, so that an address can be copied."""

from typing import Final

from rich.console import Console
from rich.table import Table

_WIDTH: Final = 200
"""Wider than any table here; a narrow terminal wraps the line instead of losing its end."""


def console(*, stderr: bool = False) -> Console:
    """A console that highlights nothing by itself; colours only where it is a terminal."""
    return Console(highlight=False, width=_WIDTH, soft_wrap=True, stderr=stderr)


def screen() -> Console:
    """A console as wide as the terminal, for what must fit one screen; 80 columns elsewhere."""
    return Console(highlight=False)


def table(*titles: str, right: tuple[str, ...] = ()) -> Table:
    """An unframed table; the columns named in `right` are aligned to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        made.add_column(title, no_wrap=True, justify="right" if title in right else "left")
    return made
