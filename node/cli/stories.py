"""What the demos' stories have in common: lines of what was done, and an orderly end."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.status import Status as Spinner

T = TypeVar("T")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object instead of a story."
)


class Teller:
    """Tells on a console; what goes on right now is in one line that changes."""

    def __init__(self, console: Console, spinner: Spinner) -> None:
        self._console = console
        self._spinner = spinner

    def waiting(self, what: str) -> None:
        self._spinner.update(f"{what} …")

    def told(self, done: str, detail: str) -> None:
        self._console.print(f"[green]✓[/green] {done} [dim]({detail})[/dim]")


class Silence:
    """Tells nothing: whoever wants JSON gets it at the end."""

    def waiting(self, what: str) -> None:
        """Keeps it back."""

    def told(self, done: str, detail: str) -> None:
        """Keeps it back."""


def play(story: Coroutine[Any, Any, T]) -> T:
    """Play a story to its end.

    SIGTERM and a closed terminal end it as Ctrl-C does: it is cancelled, and so puts back what it
    has taken. Raises `click.Abort` then.
    """

    async def playing() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(story)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        return await task

    try:
        return asyncio.run(playing())
    except asyncio.CancelledError:
        raise click.Abort from None
