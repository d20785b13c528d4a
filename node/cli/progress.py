"""What a command that takes longer than a second shows meanwhile, on the terminal's stderr alone.

Where stderr is no terminal nothing is shown, so that logs and pipes stay clean.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from node.cli import output


class Waiting:
    """One line that says what goes on, with a bar where the end is known."""

    def __init__(self, progress: Progress, clock: Callable[[], float] = time.time) -> None:
        self._progress = progress
        self._clock = clock
        self._task = progress.add_task("", total=None)

    def now(self, what: str) -> None:
        """Something whose end isn't known."""
        self._progress.update(self._task, description=what, completed=0, total=None)

    def counted(self, what: str, done: float, total: float | None) -> None:
        """`done` of `total`; None where that isn't known."""
        self._progress.update(self._task, description=what, completed=done, total=total)

    def timed(self, what: str, begun: float, until: float) -> None:
        """Something that ends at a time, by the wall clock of this machine."""
        now = min(max(self._clock(), begun), until)
        self.counted(f"{what}, {until - now:.0f} s more", now - begun, max(until - begun, 1))


@contextlib.contextmanager
def waiting(what: str) -> Iterator[Waiting]:
    """A line that is gone in the end."""
    columns = (
        SpinnerColumn(),
        TextColumn("[progress.description]{task.description}", markup=False),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
    )
    console = output.console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        line = Waiting(bar)
        line.now(what)
        yield line
