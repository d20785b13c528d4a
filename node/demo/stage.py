"""The devnet's price file, from a story's first scene until it is over."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node.demo.trade import DemoFailed
from node.keepers.prices import Prices, prices_json
from state.files import write_atomically


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story's prices are played."""

    path: Path

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Take the place of the devnet's prices; they go on when this ends, however it ends.

        Raises `DemoFailed` where somebody else holds them.
        """
        if self.path.exists():
            raise DemoFailed(
                f"{self.path} is there: prices are being played already, or that was left behind;"
                " remove it first"
            )
        try:
            yield
        finally:
            self.path.unlink(missing_ok=True)

    def show(self, prices: Prices) -> None:
        """Have the devnet's oracle report these."""
        write_atomically(self.path, prices_json(prices))
