"""The one clock of a devnet: how far it is ahead, in a file, so that skipped time stays skipped."""

import json
from pathlib import Path
from typing import Final

from node.powers.errors import PowerRefused
from node.powers.limits import OFFSET_SECONDS_MAX
from node.settings import InvalidSettings
from state.clock import Clock, OffsetClock
from state.files import write_atomically

CLOCK_FILE: Final = "clock.json"


class SharedClock(OffsetClock):
    """The clock that all nodes are told of."""

    def __init__(self, base: Clock, data_dir: Path) -> None:
        """Take up the clock of an earlier run. Raises `InvalidSettings` for an unreadable file."""
        self._machine = base
        self._path = data_dir / CLOCK_FILE
        super().__init__(base, _read(self._path))

    def move(self, offset_seconds: int) -> None:
        """Remember how far ahead of the machine's clock this is, and be it."""
        content = json.dumps({"offsetSeconds": offset_seconds}).encode()
        write_atomically(self._path, content)
        super().move(offset_seconds)

    def set(self, moment: int) -> None:
        """Show `moment` now, be it in the past."""
        self.move(moment - self._machine.now())

    def offset_at(self, moment: int) -> int:
        """How far ahead it would be if it showed `moment` now, but never less than it is."""
        return max(self.offset_seconds, moment - self._machine.now())


def check_offset(offset_seconds: int) -> None:
    """Raises `PowerRefused` for a clock too far ahead."""
    if offset_seconds > OFFSET_SECONDS_MAX:
        raise PowerRefused(f"the clock can be ahead by at most {OFFSET_SECONDS_MAX} s")


def _read(path: Path) -> int:
    try:
        return int(json.loads(path.read_bytes())["offsetSeconds"])
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidSettings(
            f"{path} can't be read: it holds how far this devnet's clock is ahead; begin anew with"
            " --reset"
        ) from error
